package ffargs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxLine   = 4 << 10 // of a log line that is looked at; the rest of a longer one is passed over
	maxDetail = 2 << 10 // of the messages that are kept for people: video.Error.Detail
)

// report is what ffmpeg's showinfo filter says of one frame.
type report struct {
	n      int  // within the filter, from 0
	number int  // among all decoded frames, from 0
	timed  bool // the frame has a time
	time   time.Duration
	key    bool

	width, height int // before scaling; 0 if it was not told
}

// reports reads ffmpeg's log while it runs: one report a selected frame, the
// count of decoded frames, and the last messages. Its methods are safe for
// concurrent use.
type reports struct {
	all, selected []byte // line beginnings of the two filters: "[showinfo@a... @ "; all may be nil
	file          string // how the command names the input
	joined        bool   // the demuxer is for broadcasts, which are often joined midway: a short packet means nothing

	mu     sync.Mutex
	wake   sync.Cond
	queue  []report
	ended  bool
	detail []byte
	cut    bool // the demuxer ran out of file

	// The rest is touched by the reading goroutine only, and by others once ended.
	decoded        counter
	passed         counter
	num, den       uint64        // time base
	last           time.Duration // of the last decoded frame
	selectedFrames int
	any, back      bool // a frame had a time; one lay before an earlier one
}

// backSlack is how far times may run backwards: containers join pieces unevenly.
const backSlack = time.Second

// counter numbers the frames that a filter reports. A filter starts again at 0
// when the stream changes its size; base is what it had counted until then.
type counter struct {
	base, last int
	any        bool
}

func (c *counter) number(n int) int {
	if c.any && n <= c.last {
		c.base += c.last + 1
	}
	c.last, c.any = n, true
	return c.base + n
}

func (c *counter) count() int {
	if !c.any {
		return 0
	}
	return c.base + c.last + 1
}

func newReports(p *plan) *reports {
	r := &reports{selected: []byte("[" + p.selected + " @ ")}
	r.file = p.command.File
	r.joined = p.command.Input["f"] == "mpegts" || p.command.Input["f"] == "mpeg"
	if p.all != "" {
		r.all = []byte("[" + p.all + " @ ")
	}
	r.wake.L = &r.mu
	return r
}

// read reads the log to its end.
func (r *reports) read(log io.Reader) {
	defer func() {
		r.mu.Lock()
		r.ended = true
		r.mu.Unlock()
		r.wake.Broadcast()
	}()
	b := bufio.NewReaderSize(log, maxLine)
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 {
			r.line(line)
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = b.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

// next returns the report of the selected frame with the given number, counted
// over the whole run. ok is false when the log ended without it.
func (r *reports) next(number int) (rep report, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		for len(r.queue) > 0 && r.queue[0].n < number {
			r.queue = r.queue[1:]
		}
		switch {
		case len(r.queue) > 0:
			return r.queue[0], r.queue[0].n == number
		case r.ended:
			return report{}, false
		}
		r.wake.Wait()
	}
}

// messages returns the last of what ffmpeg complained about.
func (r *reports) messages() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(bytes.ToValidUTF8(bytes.TrimSpace(r.detail), []byte("?")))
}

func (r *reports) line(line []byte) {
	switch {
	case bytes.HasPrefix(line, r.selected):
		r.showinfo(line[len(r.selected):], true)
	case r.all != nil && bytes.HasPrefix(line, r.all):
		r.showinfo(line[len(r.all):], false)
	default:
		r.message(line)
	}
}

// showinfo takes what follows "[showinfo@name @ " in a line: an address, the
// level, and one of
//
//	config in time_base: 1/15360, frame_rate: 30/1
//	n:   1 pts:    512 pts_time:0.0333333 ... iskey:0 type:P
//
// pts_time is rounded to six digits, so the time is reckoned from pts.
func (r *reports) showinfo(line []byte, selected bool) {
	_, line, ok := bytes.Cut(line, []byte("] [info] "))
	if !ok {
		return
	}
	if base, ok := bytes.CutPrefix(line, []byte("config in time_base: ")); ok {
		num, rest, _ := bytes.Cut(base, []byte("/"))
		den, _, _ := bytes.Cut(rest, []byte(","))
		n, errN := strconv.ParseUint(string(num), 10, 31)
		d, errD := strconv.ParseUint(string(den), 10, 31)
		if errN == nil && errD == nil {
			r.num, r.den = n, d
		}
		return
	}
	if !bytes.HasPrefix(line, []byte("n:")) {
		return
	}
	n, err := strconv.Atoi(field(line, "n:"))
	if err != nil || n < 0 || n > math.MaxInt32 {
		return
	}
	rep := report{key: field(line, " iskey:") == "1"}
	if pts, err := strconv.ParseInt(field(line, " pts:"), 10, 64); err == nil && r.den > 0 {
		rep.timed, rep.time = true, scaleTime(pts, r.num, r.den)
		r.back = r.back || r.any && rep.time < r.last-backSlack
		r.any = true
		r.last = max(r.last, rep.time)
	}
	if !selected {
		r.decoded.number(n)
		return
	}
	if w, h, ok := strings.Cut(field(line, " s:"), "x"); ok {
		rep.width, _ = strconv.Atoi(w) // 0 if it is none
		rep.height, _ = strconv.Atoi(h)
	}
	rep.n = r.passed.number(n)
	rep.number = rep.n
	if r.all != nil {
		rep.number = max(r.decoded.count()-1, 0)
	}
	r.selectedFrames++
	r.mu.Lock()
	r.queue = append(r.queue, rep)
	r.mu.Unlock()
	r.wake.Broadcast()
}

// decodedFrames returns how many frames were decoded, once the log has ended.
func (r *reports) decodedFrames() int {
	if r.all == nil {
		return r.passed.count()
	}
	return r.decoded.count()
}

// cutMarks are what the demuxers of ffmpeg say when a file ends before its own
// index or headers say.
var cutMarks = [][]byte{
	[]byte("partial file"),           // mov
	[]byte("File ended prematurely"), // matroska
}

// shortPacket is what ffmpeg says of a packet that is shorter than declared. In a
// file of one piece only the last one can be.
var shortPacket = []byte("corrupt input packet")

// message keeps a complaint of ffmpeg's.
func (r *reports) message(line []byte) {
	if !bytes.Contains(line, []byte("[error] ")) && !bytes.Contains(line, []byte("[fatal] ")) &&
		!bytes.Contains(line, []byte("[warning] ")) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, mark := range cutMarks {
		r.cut = r.cut || bytes.Contains(line, mark)
	}
	r.cut = r.cut || !r.joined && bytes.Contains(line, shortPacket)
	if bytes.Contains(line, []byte("[warning] ")) {
		return
	}
	r.detail = append(r.detail, r.clean(line)...)
	if n := len(r.detail); n > maxDetail {
		r.detail = append(r.detail[:0], r.detail[n-maxDetail:]...)
	}
}

// clean takes from a complaint what differs from run to run: addresses, and the
// path of the file.
//
//	[mov,mp4,m4a @ 0x563e8559a180] [error] moov atom not found
//	mov,mp4,m4a: moov atom not found
func (r *reports) clean(line []byte) []byte {
	who, what, ok := bytes.Cut(line, []byte("] [error] "))
	if !ok {
		_, what, _ = bytes.Cut(line, []byte("] "))
		return r.withoutPath(what)
	}
	who, _, _ = bytes.Cut(who, []byte(" @ "))
	return slices.Concat(bytes.TrimPrefix(who, []byte("[")), []byte(": "), r.withoutPath(what))
}

func (r *reports) withoutPath(text []byte) []byte {
	if r.file == "" {
		return text
	}
	return bytes.ReplaceAll(text, []byte(r.file), []byte("file"))
}

// field returns what follows a name up to the next blank, with blanks before it
// skipped.
func field(line []byte, name string) string {
	_, rest, ok := bytes.Cut(line, []byte(name))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest, " ")
	if i := bytes.IndexAny(rest, " \r\n"); i >= 0 {
		rest = rest[:i]
	}
	return string(rest)
}

// scaleTime returns pts * num/den seconds, rounded to the nanosecond. What lies
// outside the range of a Duration is brought to its end.
func scaleTime(pts int64, num, den uint64) time.Duration {
	negative := pts < 0
	p := uint64(pts)
	if negative {
		p = -p
	}
	hi, lo := bits.Mul64(p, num*uint64(time.Second)) // num < 1<<31: no overflow
	lo, carry := bits.Add64(lo, den/2, 0)
	hi += carry
	if hi >= den {
		hi, lo = 0, math.MaxInt64
	} else {
		lo, _ = bits.Div64(hi, lo, den)
		lo = min(lo, math.MaxInt64)
	}
	if negative {
		return -time.Duration(lo)
	}
	return time.Duration(lo)
}
