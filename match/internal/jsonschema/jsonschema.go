// Package jsonschema holds documents against a JSON Schema, for tests: it knows the keywords of
// draft 2020-12 that our schemas use, and refuses a schema that has others.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Check returns the first thing in a document that its schema does not allow, or what is wrong
// with the schema.
func Check(schema, doc []byte) error {
	s, err := parse(schema)
	if err != nil {
		return fmt.Errorf("the schema: %w", err)
	}
	root, ok := s.(map[string]any)
	if !ok || root["$schema"] != "https://json-schema.org/draft/2020-12/schema" || root["$id"] == nil {
		return fmt.Errorf("the schema says neither its draft nor its $id")
	}
	d, err := parse(doc)
	if err != nil {
		return err
	}
	return (&checker{root}).check(root, d, "")
}

func parse(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the document")
	}
	return v, nil
}

type checker struct{ root map[string]any }

// check holds a value against a schema. A keyword that it does not know is an error, and so is
// one whose operand is of a wrong type.
func (c *checker) check(schema map[string]any, v any, at string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: the schema: %v", at, r)
		}
	}()
	fail := func(format string, args ...any) error { return fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)) }
	for _, k := range slices.Sorted(maps.Keys(schema)) {
		arg := schema[k]
		switch k {
		case "$schema", "$id", "$defs", "title", "description":
		case "$ref":
			name := strings.TrimPrefix(arg.(string), "#/$defs/")
			if err := c.check(c.root["$defs"].(map[string]any)[name].(map[string]any), v, at); err != nil {
				return err
			}
		case "type":
			if !is(arg.(string), v) {
				return fail("%v is no %s", v, arg)
			}
		case "const":
			if !reflect.DeepEqual(arg, v) {
				return fail("%v is not %v", v, arg)
			}
		case "enum":
			if !slices.ContainsFunc(arg.([]any), func(x any) bool { return reflect.DeepEqual(x, v) }) {
				return fail("%v is none of %v", v, arg)
			}
		case "pattern":
			if s, ok := v.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(s) {
				return fail("%q does not match %s", s, arg)
			}
		case "minLength", "maxLength":
			if s, ok := v.(string); ok {
				if n := utf8.RuneCountInString(s); k == "minLength" && n < int(arg.(float64)) || k == "maxLength" && n > int(arg.(float64)) {
					return fail("%q has a length of %d", s, n)
				}
			}
		case "minimum", "maximum":
			if x, ok := v.(float64); ok && (k == "minimum" && x < arg.(float64) || k == "maximum" && x > arg.(float64)) {
				return fail("%v is beyond the %s of %v", x, k, arg)
			}
		case "not":
			if c.check(arg.(map[string]any), v, at) == nil {
				return fail("it is what it must not be: %v", arg)
			}
		case "allOf":
			for _, x := range arg.([]any) {
				if err := c.check(x.(map[string]any), v, at); err != nil {
					return err
				}
			}
		case "if":
			branch := "then"
			if c.check(arg.(map[string]any), v, at) != nil {
				branch = "else"
			}
			if s, there := schema[branch]; there {
				if err := c.check(s.(map[string]any), v, at); err != nil {
					return err
				}
			}
		case "then", "else": // of if
		case "contains":
			list, is := v.([]any)
			if is && !slices.ContainsFunc(list, func(x any) bool { return c.check(arg.(map[string]any), x, at) == nil }) {
				return fail("none of it is %v", arg)
			}
		case "dependentRequired":
			o, _ := v.(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(o)) {
				also, _ := arg.(map[string]any)[name].([]any)
				for _, x := range also {
					if _, there := o[x.(string)]; !there {
						return fail("there is a %q without %q", name, x)
					}
				}
			}
		case "items":
			list, _ := v.([]any)
			for i, x := range list {
				if err := c.check(arg.(map[string]any), x, fmt.Sprintf("%s[%d]", at, i)); err != nil {
					return err
				}
			}
		case "required":
			if o, ok := v.(map[string]any); ok {
				for _, name := range arg.([]any) {
					if _, there := o[name.(string)]; !there {
						return fail("there is no %q", name)
					}
				}
			}
		case "properties":
			o, _ := v.(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(o)) {
				if s, known := arg.(map[string]any)[name]; known {
					if err := c.check(s.(map[string]any), o[name], at+"."+name); err != nil {
						return err
					}
				} else if schema["additionalProperties"] == false {
					return fail("there is a %q", name)
				}
			}
		case "additionalProperties":
			if arg != false || schema["properties"] == nil {
				return fail("the schema: additionalProperties other than false beside properties")
			}
		default:
			return fail("the schema: unknown keyword %q", k)
		}
	}
	return nil
}

func is(kind string, v any) bool {
	switch x := v.(type) {
	case map[string]any:
		return kind == "object"
	case []any:
		return kind == "array"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && x == math.Trunc(x)
	}
	return kind == "null"
}
