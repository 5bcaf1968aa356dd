package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// maxRow is the longest row of a table, in bytes, with the lines that quotes hold together.
const maxRow = 64 << 10

// csvFormat reads tables. Quotes may hold line ends; a row whose quotes do not pair is one line, so that it takes no
// other with it.
type csvFormat struct {
	listFormat
	settings map[string]string
}

// columns say where in a row is what; -1: nowhere.
type columns struct {
	comma                 byte
	hash, kind, id, label int
	kinds                 map[int]string // columns that are named after a kind
}

var (
	hashColumns  = []string{"hash", "value", "digest", "signal", "indicator", "hash_digest"}
	kindColumns  = []string{"kind", "type", "algorithm", "signal_type", "hash_type"}
	idColumns    = []string{"id", "entry_id", "content_id", "record_id"}
	labelColumns = []string{"label", "labels", "tags", "category"}
)

func (f *csvFormat) check(body []byte) error {
	if err := f.listFormat.check(body); err != nil {
		return err
	}
	_, _, err := f.header(body)
	return err
}

// header reads the first row.
func (f *csvFormat) header(body []byte) (c columns, next int64, err error) {
	body2 := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	skipped := int64(len(body) - len(body2))
	first, _ := line(body2, 0)
	c.comma = ','
	for _, other := range []byte{';', '\t'} {
		if bytes.Count(first, []byte{other}) > bytes.Count(first, []byte{c.comma}) {
			c.comma = other
		}
	}
	names, next, ok := row(body2, 0, c.comma)
	if !ok {
		return c, 0, errors.New("the header's quotes do not pair")
	}
	if next >= 0 {
		next += skipped
	}
	for i := range names {
		names[i] = strings.ToLower(strings.TrimSpace(names[i]))
	}
	find := func(setting string, usual []string) (int, error) {
		if name := f.settings[setting]; name != "" {
			if i := slices.Index(names, strings.ToLower(name)); i >= 0 {
				return i, nil
			}
			return -1, fmt.Errorf("no column %.40q", name)
		}
		for _, name := range usual {
			if i := slices.Index(names, name); i >= 0 {
				return i, nil
			}
		}
		return -1, nil
	}
	for _, column := range []struct {
		at      *int
		setting string
		usual   []string
	}{{&c.hash, "hash_column", hashColumns}, {&c.kind, "kind_column", kindColumns}, {&c.id, "id_column", idColumns}, {&c.label, "label_column", labelColumns}} {
		if *column.at, err = find(column.setting, column.usual); err != nil {
			return c, 0, err
		}
	}
	c.kinds = make(map[int]string)
	for i, name := range names {
		if i != c.hash && i != c.kind && i != c.id && i != c.label && foreignKind(name) != 0 {
			c.kinds[i] = name
		}
	}
	if c.hash < 0 && len(c.kinds) == 0 {
		return c, 0, fmt.Errorf("no column of hashes in its first line, %.80q", clip(string(first)))
	}
	return c, next, nil
}

// row cuts a row off a table. next is where the one after it begins; -1: there is none. ok is false where quotes do
// not pair within maxRow: then it is one line.
func row(body []byte, from int64, comma byte) (fields []string, next int64, ok bool) {
	end, limit := int(from), min(len(body), int(from)+maxRow)
	quoted := false
	for ; end < limit && (quoted || body[end] != '\n'); end++ {
		if body[end] == '"' {
			quoted = !quoted
		}
	}
	if quoted || end == limit && limit < len(body) {
		_, next = line(body, from)
		return nil, next, false
	}
	if next = int64(end) + 1; next >= int64(len(body)) {
		next = -1
	}
	text := strings.TrimSuffix(string(body[from:end]), "\r")
	for {
		field, rest, more := cutField(text, comma)
		fields = append(fields, field)
		if !more {
			return fields, next, true
		}
		text = rest
	}
}

// cutField cuts the first field off a row whose quotes pair.
func cutField(text string, comma byte) (field, rest string, more bool) {
	if !strings.HasPrefix(text, `"`) {
		return strings.Cut(text, string(rune(comma)))
	}
	var b strings.Builder
	i := 1
	for ; i < len(text); i++ {
		if text[i] == '"' {
			if i+1 < len(text) && text[i+1] == '"' {
				i++
			} else {
				i++
				break
			}
		}
		b.WriteByte(text[i])
	}
	behind, rest, more := strings.Cut(text[i:], string(rune(comma)))
	return b.String() + behind, rest, more
}

func (f *csvFormat) read(body []byte, from int64, position int, b *pageBuilder) (next int64, count int, err error) {
	c, first, err := f.header(body)
	if err != nil {
		return 0, 0, err
	}
	if from > int64(len(body)) {
		return 0, 0, errors.New("shorter than it was")
	}
	if next = from; from == 0 {
		next = first
	}
	for next >= 0 && count < filePage {
		start := next
		fields, after, ok := row(body, next, c.comma)
		next = after
		if ok && len(fields) == 1 && strings.TrimSpace(fields[0]) == "" {
			continue // a blank line
		}
		if ok {
			f.addRow(b, position+count, c, fields, start)
		} else {
			b.aside(position+count, "", "row at byte %d: quotes that do not pair, or more than %d bytes", start, maxRow)
		}
		count++
	}
	return next, count, nil
}

// addRow reads a row.
func (f *csvFormat) addRow(b *pageBuilder, position int, c columns, fields []string, start int64) {
	cell := func(i int) string {
		if i < 0 || i >= len(fields) {
			return ""
		}
		return strings.TrimSpace(fields[i])
	}
	labels := strings.FieldsFunc(cell(c.label), func(r rune) bool { return r == ',' || r == ';' || r == '|' })
	origin := match.Origin{ID: cell(c.id)}
	if c.hash >= 0 && cell(c.hash) != "" {
		f.add(b, position, cell(c.kind), cell(c.hash), start, origin, labels)
		return
	}
	origin.Exchange = f.protocol
	r := Record{Labels: tags(append(labels, f.labels...)...), Origin: origin}
	for i := range fields {
		name, text := c.kinds[i], cell(i)
		if name == "" || text == "" {
			continue
		}
		one, _, err := f.value(name, text)
		if err != nil {
			b.aside(position, origin.ID, "row at byte %d: %s; its other hashes are kept", start, err)
			continue
		}
		r.Signals = append(r.Signals, one)
	}
	if len(r.Signals) == 0 {
		b.aside(position, origin.ID, "row at byte %d: no hash", start)
		return
	}
	r.ID = rowID(r.Signals)
	b.put(position, r)
}

// rowID names a row by its hash: by a digest where it has one, for several files may have a perceptual hash in common.
// (What a table calls its rows may well be the same for several, of which only the last would be kept.)
func rowID(signals []match.Signal) string {
	for _, kind := range []hash.Kind{hash.SHA256, hash.SHA1, hash.MD5} {
		for _, s := range signals {
			if s.Value.Kind() == kind {
				return s.Value.String()
			}
		}
	}
	return signals[0].Value.String()
}
