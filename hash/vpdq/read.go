package vpdq

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// Options bound what is read. The zero value means the defaults.
type Options struct {
	// MaxFeatures is the largest number of frames; 0 means DefaultMaxFeatures.
	MaxFeatures int
}

// DefaultMaxFeatures is four and a half hours of 60 frames a second.
const DefaultMaxFeatures = 1_000_000

// maxItem is the longest line, string or number in bytes: forty times what a frame takes.
const maxItem = 4096

// ErrEmpty is within the error of a file without a frame. It is not the hash of any video, so
// that nothing is taken for known by mistake.
var ErrEmpty = errors.New("no frames")

// ReadError says where a file is no vPDQ. What came before it is not given: half a
// video is another one.
type ReadError struct {
	Line   int    // from 1; where the fault is, or in JSON ends
	Offset int64  // in bytes: of the line's beginning, or in JSON of the end of what is wrong
	Reason string // for people
	Err    error  // ErrEmpty, a *hash.ParseError, ...; may be nil
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("vpdq: line %d (byte %d): %s", e.Line, e.Offset, e.Reason)
}

func (e *ReadError) Unwrap() error { return e.Err }

// Read reads the frames of one video, to the end of r, in any of three forms, which it
// tells by their first character. Frames come in the order of the file.
//
//	0,100,e271...055c,0.000                                       the C++ tools: a line a frame
//	["e271...055c,100,0.0", ...]                                  python-threatexchange
//	{"0": {"quality": 100, "hash": "e271...", "timestamp": 0.0}}  python-threatexchange, formerly
//
// In the first, further fields in a line are ignored, as the reference does; blank lines, blanks around
// a line, CRLF and a byte order mark are accepted. The second has no frame numbers: they are
// counted from 0. Times are seconds, of up to twelve days.
//
// Errors are *ReadError or what reading said. Memory is bounded by o and not by what the
// file claims.
func Read(r io.Reader, o Options) ([]Feature, error) {
	if o.MaxFeatures <= 0 {
		o.MaxFeatures = DefaultMaxFeatures
	}
	l := &list{most: o.MaxFeatures}
	in := bufio.NewReaderSize(r, maxItem)
	head, err := in.Peek(3)
	if err == nil && bytes.Equal(head, mark) {
		l.offset = int64(len(mark))
		_, err = in.Discard(len(mark))
	}
	for blank := true; blank && err == nil; {
		if head, err = in.Peek(1); err != nil {
			break
		}
		switch head[0] {
		case '\n':
			l.line++
			fallthrough
		case ' ', '\t', '\r':
			l.offset++
			_, err = in.Discard(1)
		default:
			blank = false
		}
	}
	switch {
	case err != nil && err != io.EOF:
		return nil, l.reading(err)
	case len(head) > 0 && (head[0] == '[' || head[0] == '{'):
		err = l.json(in)
	default:
		err = l.text(in)
	}
	if err == nil && len(l.features) == 0 {
		err = l.fault(ErrEmpty.Error(), ErrEmpty)
	}
	if err != nil {
		return nil, err
	}
	return l.features, nil
}

var mark = []byte("\xef\xbb\xbf") // UTF-8's byte order mark

// list is what was read so far.
type list struct {
	features []Feature
	most     int
	line     int // that are behind
	offset   int64
}

func (l *list) fault(reason string, err error) error {
	return &ReadError{Line: l.line + 1, Offset: l.offset, Reason: reason, Err: err}
}

func (l *list) reading(err error) error {
	return fmt.Errorf("vpdq: reading after line %d: %w", l.line, err)
}

func (l *list) add(f Feature) error {
	if len(l.features) >= l.most {
		return l.fault(fmt.Sprintf("more than %d frames", l.most), nil)
	}
	l.features = append(l.features, f)
	return nil
}

// text reads lines.
func (l *list) text(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return l.fault(fmt.Sprintf("longer than %d bytes; is this vPDQ?", maxItem), nil)
		}
		if err != nil && err != io.EOF {
			return l.reading(err)
		}
		if text := strings.Trim(string(line), " \t\r\n"); text != "" {
			f, reason, wrong := parseLine(text)
			if reason != "" {
				return l.fault(reason, wrong)
			}
			if err := l.add(f); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
		l.line, l.offset = l.line+1, l.offset+int64(len(line))
	}
}

// parseLine reads "frame,quality,hash,seconds". The reason is empty when it is one.
func parseLine(text string) (f Feature, reason string, err error) {
	fields := strings.Split(text, ",")
	if len(fields) < 4 {
		return f, fmt.Sprintf("%d fields; want frame,quality,hash,seconds", len(fields)), nil
	}
	if f.Frame, reason = parseFrame(strings.TrimSpace(fields[0])); reason == "" {
		reason, err = f.fill(fields[2], fields[1], fields[3])
	}
	return f, reason, err
}

// fill reads what all forms have.
func (f *Feature) fill(digits, quality, seconds string) (reason string, err error) {
	if f.Value, err = hash.ParseHex(hash.PDQ, strings.TrimSpace(digits)); err != nil {
		return strings.TrimPrefix(err.Error(), "hash: "), err
	}
	if f.Quality, reason = parseQuality(strings.TrimSpace(quality)); reason == "" {
		f.Time, reason = parseSeconds(strings.TrimSpace(seconds))
	}
	return reason, nil
}

func parseFrame(s string) (int, string) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > maxFrame {
		return 0, fmt.Sprintf("the frame number is %.40q; want 0 to %d", s, maxFrame)
	}
	return int(n), ""
}

func parseQuality(s string) (hash.Quality, string) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 100 {
		return 0, fmt.Sprintf("the quality is %.40q; want 0 to 100", s)
	}
	return hash.Quality(n), ""
}

// parseSeconds takes what Python and C++ write, as 1.23e+03, but no infinity.
func parseSeconds(s string) (time.Duration, string) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= 0 && x <= maxTime.Seconds()) || strings.ContainsAny(s, "xX_") {
		return 0, fmt.Sprintf("the time is %.40q; want seconds, 0 to %.0f", s, maxTime.Seconds())
	}
	return time.Duration(math.Round(x * 1e9)), ""
}
