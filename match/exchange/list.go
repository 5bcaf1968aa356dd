package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// DefaultMaxLine is the longest line of a list, in bytes with its line end, unless
// ListOptions say otherwise: enough for a long comment.
const DefaultMaxLine = 4096

// ListOptions say how a plain list is read. The zero value means the defaults.
type ListOptions struct {
	// Kind is the kind of bare digits that have its length; 0 leaves 64 digits to
	// pdq, 40 to sha1 and 32 to md5. Lines that name their kind are not touched by it.
	Kind hash.Kind
	// MaxLine is the longest line in bytes, the line end included; 0 means
	// DefaultMaxLine.
	MaxLine int
}

// ListError says which line of a list is no hash. The list is not complete then,
// and what came before must not be used as if it were.
type ListError struct {
	Line   int    // from 1
	Offset int64  // of the line's first byte, from the start of the list
	Reason string // for people
	Err    error  // a *hash.ParseError where a hash was recognised; may be nil
}

func (e *ListError) Error() string {
	return fmt.Sprintf("exchange: list, line %d (byte %d): %s", e.Line, e.Offset, e.Reason)
}

func (e *ListError) Unwrap() error { return e.Err }

// ReadList reads a list as ReadValues does. Each hash becomes an entry with the ID
// "kind:hex" in lower case and one signal of unmeasured quality.
func ReadList(r io.Reader, o ListOptions) iter.Seq2[match.Entry, error] {
	return func(yield func(match.Entry, error) bool) {
		for v, err := range ReadValues(r, o) {
			if err != nil {
				yield(match.Entry{}, err)
				return
			}
			if !yield(match.Entry{ID: v.String(), Signals: []match.Signal{{Value: v, Quality: hash.Unmeasured}}}, nil) {
				return
			}
		}
	}
}

// ReadValues reads a list with one hash a line: bare hex digits, "kind hex" or
// "kind:hex", in either case. Blank lines and those that begin with # are skipped;
// blanks around a line, CRLF and a UTF-8 byte order mark are accepted. A hash that stands
// in the list twice comes twice; the caller keeps one. A *bufio.Reader that has room for
// the longest line is read as it is, and never further than to the end of the line that
// was given last.
//
// Everything else is an error, the last thing the sequence gives: a *ListError for
// a line, or what reading said. Known content is never skipped: a caller takes the
// whole list or, after an error, nothing.
func ReadValues(r io.Reader, o ListOptions) iter.Seq2[hash.Value, error] {
	return func(yield func(hash.Value, error) bool) {
		if o.Kind != 0 && !o.Kind.IsValid() {
			yield(hash.Value{}, fmt.Errorf("exchange: ListOptions.Kind is %s, which does not exist; use a kind of package hash or 0", o.Kind))
			return
		}
		limit := o.MaxLine
		if limit <= 0 {
			limit = DefaultMaxLine
		}
		// A reader's buffer is at least 16 bytes; shorter limits are checked below.
		in := bufio.NewReaderSize(r, limit)
		offset := int64(0)
		for number := 1; ; number++ {
			line, err := in.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) || len(line) > limit {
				yield(hash.Value{}, &ListError{Line: number, Offset: offset, Reason: fmt.Sprintf("longer than %d bytes; is this a list of hashes?", limit)})
				return
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(hash.Value{}, fmt.Errorf("exchange: reading a list, after byte %d: %w", offset+int64(len(line)), err))
				return
			}
			start := offset
			offset += int64(len(line))
			text := trimLine(line, number == 1)
			if text != "" && text[0] != '#' {
				v, reason, wrong := parseLine(text, o.Kind)
				if reason != "" {
					yield(hash.Value{}, &ListError{Line: number, Offset: start, Reason: reason, Err: wrong})
					return
				}
				if !yield(v, nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// LooksLikeList tells lists from media by a file's first bytes, a few hundred of
// them: whether its first line that is neither blank nor a comment is a hash, or
// the beginning of one that is cut off by the end of header. It says nothing of the
// rest. Files that are empty, or binary, are not lists; one that has nothing but
// comments is.
func LooksLikeList(header []byte) bool {
	comments := false
	for first := true; len(header) > 0; first = false {
		line, rest, whole := bytes.Cut(header, []byte("\n"))
		header = rest
		text := trimLine(line, first)
		switch {
		case text == "":
			continue
		case !isText(text):
			return false
		case text[0] == '#':
			comments = true
			continue
		}
		if _, reason, _ := parseLine(text, hash.PHash); reason == "" { // with a kind for 16 digits
			return true
		}
		return !whole && isCutOff(text)
	}
	return comments
}

// trimLine takes the line end, the blanks around a line and, on the first, the
// byte order mark off.
func trimLine(line []byte, first bool) string {
	if first {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return string(bytes.Trim(line, " \t\r\n"))
}

// isText reports whether a line has no control characters, which no list has.
func isText(line string) bool {
	for i := range len(line) {
		if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isCutOff reports whether a line could be the beginning of a hash.
func isCutOff(text string) bool {
	if name, digits, named := cutKind(text); named {
		_, err := hash.ParseKind(name)
		return err == nil && isHex(digits)
	}
	if isHex(text) {
		return len(text) < 64
	}
	for _, k := range hash.Kinds() {
		if strings.HasPrefix(k.String(), strings.ToLower(text)) {
			return true
		}
	}
	return false
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// cutKind splits "kind:hex" and "kind hex".
func cutKind(text string) (name, digits string, found bool) {
	i := strings.IndexAny(text, ": \t")
	if i < 0 {
		return "", "", false
	}
	return strings.TrimRight(text[:i], " \t"), strings.TrimLeft(text[i+1:], " \t"), true
}

// parseLine reads one trimmed line. The reason is empty when it is a hash.
func parseLine(text string, bare hash.Kind) (v hash.Value, reason string, err error) {
	name, digits, named := cutKind(text)
	kind := bare
	if named {
		if kind, err = hash.ParseKind(name); err != nil {
			return hash.Value{}, fmt.Sprintf("%.40q names no kind; want hex digits, \"kind hex\" or \"kind:hex\"", name), err
		}
	} else {
		digits = text
		if bare == 0 || len(text) != bare.Bits()/4 {
			switch len(text) {
			case 64:
				kind = hash.PDQ
			case 40:
				kind = hash.SHA1
			case 32:
				kind = hash.MD5
			case 16:
				return hash.Value{}, "16 digits may be phash, dhash or ahash; name the kind in the line or for the whole list", nil
			default:
				return hash.Value{}, fmt.Sprintf("%.40q is no hash: %d characters; bare digits are 64 (pdq), 40 (sha1) or 32 (md5)", text, len(text)), nil
			}
		}
	}
	if v, err = hash.ParseHex(kind, digits); err != nil {
		return hash.Value{}, strings.TrimPrefix(err.Error(), "hash: "), err
	}
	return v, "", nil
}
