package consortium

import "strings"

// fields is what a request of the Graph API wants to see, with what of it below:
// "id,descriptors{owner{id},tags}".
type fields map[string]fields

// maxFields bounds the nesting, which nobody needs beyond three.
const maxFields = 8

// parseFields reads the fields parameter. ok is false when the braces do not fit.
func parseFields(text string) (f fields, ok bool) {
	f, rest, ok := parseLevel(text, maxFields)
	return f, ok && rest == ""
}

func parseLevel(text string, depth int) (f fields, rest string, ok bool) {
	if depth == 0 {
		return nil, "", false
	}
	f = fields{}
	for {
		end := strings.IndexAny(text, ",{}")
		if end < 0 {
			end = len(text)
		}
		name := strings.TrimSpace(text[:end])
		text = text[end:]
		var below fields
		if strings.HasPrefix(text, "{") {
			if below, text, ok = parseLevel(text[1:], depth-1); !ok || !strings.HasPrefix(text, "}") {
				return nil, "", false
			}
			text = text[1:]
		}
		if name == "" {
			return nil, "", false
		}
		f[name] = below
		if !strings.HasPrefix(text, ",") {
			return f, text, true
		}
		text = text[1:]
	}
}

// unknown gives the first field, by name, that is none of those known.
func (f fields) unknown(known map[string]map[string]bool, at string) string {
	first := ""
	for name, below := range f {
		bad := ""
		if !known[at][name] {
			bad = name
		} else if len(below) > 0 {
			if known[name] == nil {
				bad = name
			} else {
				bad = below.unknown(known, name)
			}
		}
		if bad != "" && (first == "" || bad < first) {
			first = bad
		}
	}
	return first
}

// has reports whether a field is wanted; no fields at all want everything.
func (f fields) has(name string) bool {
	_, ok := f[name]
	return ok || len(f) == 0
}
