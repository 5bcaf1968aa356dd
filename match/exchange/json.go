package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	// maxDepth is how deep a page may be nested: those of the exchanges are below ten.
	maxDepth = 64
	// maxPageFields is how many fields a page may have beside its list: those of the exchanges have up to five.
	maxPageFields = 1000
	// maxRecordBytes is how long a record may be: parsed, it takes a hundred times as much at worst.
	maxRecordBytes = 1 << 20
)

var errLongRecord = fmt.Errorf("longer than %d bytes", maxRecordBytes)

// A JSON page is taken apart in two steps. Where its values begin and end is found by brackets and
// quotes alone; then each record is parsed by itself, so that one that is malformed costs no other.

// place is where a value is in a page.
type place struct{ from, to int }

// skipValue returns where the value that begins at or after i ends, blanks before it skipped. Offset
// is where that failed.
func skipValue(b []byte, i int) (p place, offset int, reason string) {
	i = skipBlanks(b, i)
	p.from = i
	depth := 0
	for i < len(b) {
		switch c := b[i]; c {
		case '"':
			end := skipString(b, i)
			if end < 0 {
				return p, i, "a string without an end"
			}
			i = end
			if depth == 0 {
				p.to = i
				return p, 0, ""
			}
		case '{', '[':
			if depth++; depth > maxDepth {
				return p, i, fmt.Sprintf("nested deeper than %d", maxDepth)
			}
			i++
		case '}', ']':
			if depth == 0 {
				p.to = i
				return p, 0, ""
			}
			depth--
			i++
			if depth == 0 {
				p.to = i
				return p, 0, ""
			}
		case ',', ':':
			if depth == 0 {
				p.to = i
				return p, 0, ""
			}
			i++
		default:
			i++
		}
	}
	return p, i, "cut off"
}

func skipBlanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skipString returns the end of the string that begins at i; -1: it has none.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// listPage is a page of JSON with a list of records in it.
type listPage struct {
	fields  map[string]json.RawMessage // all but the list
	listed  bool                       // the list is there: what is not even empty is no end of a reading
	records []place
	body    []byte
}

// splitPage takes a page apart: an object with a list under the given name. The error is a *PageError.
func splitPage(exchange, page string, body []byte, list string) (*listPage, error) {
	fail := func(offset int, format string, args ...any) error {
		return &PageError{Exchange: exchange, Page: page, Offset: int64(offset), Reason: fmt.Sprintf(format, args...), Err: ErrPage}
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	p := &listPage{fields: make(map[string]json.RawMessage), body: body}
	i := skipBlanks(body, 0)
	if i == len(body) || body[i] != '{' {
		return nil, &otherPageError{fail(i, "no JSON object: %.20q", body[i:]).(*PageError)}
	}
	end, offset, reason := eachField(body, i, func(name string, value place) (offset int, reason string) {
		raw := body[value.from:value.to]
		switch {
		case name == list && len(raw) > 0 && raw[0] == '[':
			p.listed = true
			return p.split(value)
		case !json.Valid(raw):
			return value.from, fmt.Sprintf("the field %.40q is no JSON", name)
		case len(p.fields) == maxPageFields:
			return value.from, fmt.Sprintf("more than %d fields", maxPageFields)
		}
		p.fields[name] = raw
		return 0, ""
	})
	if reason != "" {
		return nil, fail(offset, "%s", reason)
	}
	if rest := skipBlanks(body, end); rest != len(body) {
		return nil, fail(rest, "more behind the end")
	}
	return p, nil
}

// eachField finds the fields of the object that begins at i. end is behind it; offset is where that failed.
func eachField(body []byte, i int, found func(name string, value place) (offset int, reason string)) (end, offset int, reason string) {
	for first := true; ; first = false {
		i = skipBlanks(body, i+1)
		if first && i < len(body) && body[i] == '}' {
			return i + 1, 0, ""
		}
		if i >= len(body) || body[i] != '"' {
			return 0, i, "no name of a field"
		}
		end := skipString(body, i)
		var name string
		if end < 0 || json.Unmarshal(body[i:end], &name) != nil {
			return 0, i, "no name of a field"
		}
		if i = skipBlanks(body, end); i >= len(body) || body[i] != ':' {
			return 0, i, "no colon"
		}
		value, offset, reason := skipValue(body, i+1)
		if reason == "" {
			offset, reason = found(name, value)
		}
		if reason != "" {
			return 0, offset, reason
		}
		switch i = skipBlanks(body, value.to); {
		case i >= len(body):
			return 0, i, "cut off"
		case body[i] == '}':
			return i + 1, 0, ""
		case body[i] != ',':
			return 0, i, "no comma"
		}
	}
}

// unlisted is the error for a page without its list: it says something else, and smaller ones would too.
func unlisted(exchange, page, list string) error {
	return &otherPageError{&PageError{Exchange: exchange, Page: page, Reason: "no " + list, Err: ErrPage}}
}

// split finds the records in a list.
func (p *listPage) split(list place) (offset int, reason string) {
	i := skipBlanks(p.body, list.from+1)
	if p.body[i] == ']' {
		return 0, ""
	}
	for i < list.to {
		value, offset, reason := skipValue(p.body, i)
		if reason != "" {
			return offset, reason
		}
		if value.to == value.from {
			return value.from, "no record between commas"
		}
		if len(p.records) == maxPageRecords {
			return value.from, fmt.Sprintf("more than %d records", maxPageRecords)
		}
		p.records = append(p.records, value)
		i = skipBlanks(p.body, value.to)
		switch {
		case i >= list.to || p.body[i] == ']':
			return 0, ""
		case p.body[i] != ',':
			return i, "no comma between records"
		}
		i++
	}
	return i, "cut off"
}

// eachRecord parses the records one by one, and holds one at a time. One that is no JSON, is of another shape or longer
// than maxRecordBytes goes to aside, with what of it could be parsed. mark is a field's name that every record has once:
// brackets and quotes that do not pair could make one of several, and then the page is refused as a whole.
func eachRecord[T any](p *listPage, exchange, page, mark string, take func(position int, r *T), aside func(position int, raw []byte, reason string)) error {
	quoted := []byte(strconv.Quote(mark))
	for i, at := range p.records {
		raw := p.body[at.from:at.to]
		err := errLongRecord
		if len(raw) <= maxRecordBytes {
			var r T
			if err = json.Unmarshal(raw, &r); err == nil {
				take(i, &r)
				continue
			}
		}
		if bytes.Count(raw, quoted) > 1 || !json.Valid(raw) && raw[0] != '{' {
			return &PageError{Exchange: exchange, Page: page, Offset: int64(at.from), Reason: "records run into each other", Err: ErrPage}
		}
		aside(i, raw, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// salvage reads those fields of a record that can be read, each by itself: what says that it is withdrawn holds, whatever
// else of it is wrong.
func salvage(raw []byte, fields map[string]any) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	_, _, _ = eachField(raw, 0, func(name string, value place) (int, string) {
		if v, wanted := fields[name]; wanted {
			_ = json.Unmarshal(raw[value.from:value.to], v) // what can't be read stays as it is
		}
		return 0, ""
	})
}

// field parses one field of the page; one that is absent or null leaves v as it is.
func (p *listPage) field(exchange, page, name string, v any) error {
	raw, ok := p.fields[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return &PageError{Exchange: exchange, Page: page, Reason: fmt.Sprintf("the field %q: %s", name, strings.TrimPrefix(err.Error(), "json: ")), Err: ErrPage}
	}
	return nil
}

// scalar is a JSON string, number or boolean as text: exchanges write the same thing now as one, now as the other. null
// is empty.
type scalar string

func (s *scalar) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		*s = ""
	case b[0] == '"':
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		*s = scalar(strings.TrimSpace(text))
	case b[0] == '{' || b[0] == '[':
		return fmt.Errorf("a text or a number, not %.20s", b)
	default:
		*s = scalar(b)
	}
	return nil
}

// yes reports whether it is a boolean that is true, however that is written.
func (s scalar) yes() bool { return s == "1" || strings.EqualFold(string(s), "true") }

// time reads seconds since 1970, with a fraction or not, or a date of RFC 3339 or of the Graph API. ok is false for
// anything else, and for years that no exchange means.
func (s scalar) time() (t time.Time, ok bool) {
	if s == "" {
		return time.Time{}, false
	}
	if f, err := strconv.ParseFloat(string(s), 64); err == nil {
		if math.IsNaN(f) || f < 0 || f >= 1<<33 { // until the year 2242
			return time.Time{}, false
		}
		whole, part := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(part*1e6))*1000).UTC(), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, string(s)); err == nil && t.Year() >= 1970 && t.Year() < 2242 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
