package jsonschema

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Each keyword refuses what it should, and nothing else.
func TestKeywords(t *testing.T) {
	for _, c := range []struct{ schema, good, bad string }{
		{`"type":"integer"`, `3`, `3.5`},
		{`"type":"number"`, `3.5`, `"3"`},
		{`"type":"object"`, `{}`, `[]`},
		{`"type":"array"`, `[]`, `null`},
		{`"type":"string"`, `""`, `true`},
		{`"type":"boolean"`, `false`, `0`},
		{`"type":"null"`, `null`, `0`},
		{`"const":1`, `1`, `2`},
		{`"enum":["a","b"]`, `"b"`, `"c"`},
		{`"pattern":"^a+$"`, `"aa"`, `"ab"`},
		{`"minLength":2`, `"äö"`, `"a"`},
		{`"maxLength":2`, `"äö"`, `"abc"`},
		{`"minimum":0`, `0`, `-1`},
		{`"maximum":9`, `9`, `9.1`},
		{`"items":{"type":"string"}`, `["a"]`, `["a",1]`},
		{`"required":["a"]`, `{"a":1}`, `{"b":1}`},
		{`"properties":{"a":{"type":"string"}}`, `{"a":"x","b":1}`, `{"a":1}`},
		{`"properties":{"a":{}},"additionalProperties":false`, `{"a":1}`, `{"b":1}`},
		{`"not":{"required":["a"]}`, `{"b":1}`, `{"a":1}`},
		{`"allOf":[{"minimum":1},{"maximum":2}]`, `2`, `3`},
		{`"allOf":[{"minimum":1},{"maximum":2}]`, `1`, `0`},
		{`"if":{"const":1},"then":{"const":2}`, `3`, `1`},
		{`"if":{"minimum":5},"then":{"maximum":9},"else":{"maximum":3}`, `3`, `4`},
		{`"contains":{"const":1}`, `[0,1]`, `[0]`},
		{`"dependentRequired":{"a":["b"]}`, `{"a":1,"b":1}`, `{"a":1}`},
		{`"$ref":"#/$defs/x","$defs":{"x":{"const":"y"}}`, `"y"`, `"x"`},
	} {
		schema := []byte(fmt.Sprintf(`{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"x",%s}`, c.schema))
		assert.NoError(t, Check(schema, []byte(c.good)), c.schema)
		assert.Error(t, Check(schema, []byte(c.bad)), c.schema)
	}
}

// What is not a schema that it knows whole is refused, whatever the document.
func TestSchemas(t *testing.T) {
	const head = `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"x",`
	for _, schema := range []string{`{}`, `[]`, `{`, head + `"oneOf":[]}`, head + `"type":7}`, head + `"$ref":"#/$defs/no"}`, head + `"additionalProperties":false}`} {
		assert.Error(t, Check([]byte(schema), []byte(`{}`)), schema)
	}
	assert.Error(t, Check([]byte(head+`"type":"object"}`), []byte(`{} {}`)))
}
