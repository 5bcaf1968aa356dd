package vpdq

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// json reads either JSON form, item by item.
func (l *list) json(in *bufio.Reader) error {
	source := &counted{in: in, line: l.line}
	d := &items{list: l, source: source, json: json.NewDecoder(source), start: l.offset}
	d.json.UseNumber()
	open, err := d.token()
	if err != nil {
		return err
	}
	read := d.compact
	if open == json.Delim('{') {
		read = d.keyed
	}
	for d.more() {
		if err := read(); err != nil {
			return err
		}
	}
	if err := d.close(); err != nil {
		return err
	}
	d.source.left = 2 * maxItem
	if _, err := d.json.Token(); err != io.EOF {
		if err == nil || isSyntax(err) {
			d.place()
			return d.fault("something follows the end of the list", err)
		}
		return d.fail(err)
	}
	return nil
}

// items reads tokens for a list.
type items struct {
	*list
	source *counted
	json   *json.Decoder
	start  int64
}

// token returns the next token, of no more than a few KiB.
func (d *items) token() (json.Token, error) {
	d.source.left = 2 * maxItem
	t, err := d.json.Token()
	if err != nil {
		return nil, d.fail(err)
	}
	d.place()
	return t, nil
}

// more reports whether another item follows in the list or object, or perhaps an error.
func (d *items) more() bool {
	d.source.left = 2 * maxItem
	return d.json.More()
}

// close takes the bracket that ends a list or object.
func (d *items) close() error {
	t, err := d.token()
	if err == nil && t != json.Delim(']') && t != json.Delim('}') {
		err = d.fail(errLong) // more gave up before it saw t
	}
	return err
}

// place notes where the decoder stands.
func (d *items) place() {
	at := d.json.InputOffset()
	d.line = d.source.lineAt(at)
	d.offset = d.start + at
}

func (d *items) fail(err error) error {
	d.place()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return d.fault("the JSON ends too early", io.ErrUnexpectedEOF)
	case errors.Is(err, errLong):
		return d.fault(fmt.Sprintf("longer than %d bytes without a comma; is this vPDQ?", maxItem), nil)
	case isSyntax(err):
		return d.fault("not JSON: "+err.Error(), err)
	}
	return d.reading(err)
}

func isSyntax(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax)
}

// compact reads "hash,quality,seconds".
func (d *items) compact() error {
	t, err := d.token()
	if err != nil {
		return err
	}
	text, ok := t.(string)
	if !ok {
		return d.fault(fmt.Sprintf("%v stands where a string \"hash,quality,seconds\" should", t), nil)
	}
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return d.fault(fmt.Sprintf("%d fields in %.40q; want hash,quality,seconds", len(fields), text), nil)
	}
	f := Feature{Frame: len(d.features)}
	if reason, wrong := f.fill(fields[0], fields[1], fields[2]); reason != "" {
		return d.fault(reason, wrong)
	}
	return d.add(f)
}

// keyed reads "frame": {"quality": 100, "hash": "...", "timestamp": 0.0}.
func (d *items) keyed() error {
	t, err := d.token()
	if err != nil {
		return err
	}
	var f Feature
	number, _ := t.(string) // the decoder takes nothing else for a key
	var reason string
	if f.Frame, reason = parseFrame(number); reason != "" {
		return d.fault(reason, nil)
	}
	if t, err = d.token(); err != nil {
		return err
	}
	if t != json.Delim('{') {
		return d.fault(fmt.Sprintf("frame %d is %v, not an object", f.Frame, t), nil)
	}
	var fields [3]string // hash, quality, timestamp
	for d.more() {
		key, err := d.token()
		if err != nil {
			return err
		}
		value, err := d.token()
		if err != nil {
			return err
		}
		text, isText := value.(string)
		digits, isNumber := value.(json.Number)
		switch {
		case key == "hash" && isText:
			fields[0] = text
		case key == "quality" && isNumber:
			fields[1] = digits.String()
		case key == "timestamp" && isNumber:
			fields[2] = digits.String()
		default:
			return d.fault(fmt.Sprintf("frame %d has the field %.40q with %.40q; want hash, quality and timestamp", f.Frame, key, fmt.Sprint(value)), nil)
		}
	}
	if err := d.close(); err != nil {
		return err
	}
	if reason, wrong := f.fill(fields[0], fields[1], fields[2]); reason != "" {
		return d.fault(fmt.Sprintf("frame %d: %s", f.Frame, reason), wrong)
	}
	return d.add(f)
}

// errLong is the end of a token that does not end.
var errLong = errors.New("too long")

// counted passes bytes on, as many as are left, and remembers where their lines
// ended, for a decoder that is at most a few KiB behind.
type counted struct {
	in    *bufio.Reader
	left  int
	read  int64
	line  int     // that ended up to the last place asked for
	ends  []int64 // of the lines after it
	ended error
}

func (c *counted) Read(p []byte) (int, error) {
	if c.ended != nil {
		return 0, c.ended
	}
	if c.left <= 0 {
		return 0, errLong
	}
	n, err := c.in.Read(p[:min(len(p), c.left)])
	for from := 0; ; {
		i := bytes.IndexByte(p[from:n], '\n')
		if i < 0 {
			break
		}
		from += i + 1
		c.ends = append(c.ends, c.read+int64(from))
	}
	c.left -= n
	c.read += int64(n)
	c.ended = err
	return n, err
}

// lineAt returns how many lines ended before a place, which never falls.
func (c *counted) lineAt(at int64) int {
	for len(c.ends) > 0 && c.ends[0] <= at {
		c.ends = c.ends[1:]
		c.line++
	}
	return c.line
}
