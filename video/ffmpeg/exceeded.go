package ffmpeg

import (
	"bytes"
	"io"
	"os"
	"time"

	"github.com/rematch-go/rematch/video"
)

// exceeded tells which ceiling a program ran into, by how it ended; nil: none. The
// error is a *video.Error.
func (l limits) exceeded(state *os.ProcessState, noMemory bool) error {
	switch {
	case state == nil:
		return nil
	case l.cpu > 0 && !state.Exited() && state.UserTime()+state.SystemTime() >= l.cpu-cpuSlack:
		return &video.Error{Err: video.ErrTimeout, Detail: "the decoder used its processor time up: " + l.cpu.String()}
	case l.memory > 0 && noMemory:
		return &video.Error{Err: &video.LimitError{Limit: "memory", Max: l.memory}}
	}
	return nil
}

// cpuSlack is by how much the two ways differ in which the kernel counts processor
// time, by clock ticks and by the scheduler.
const cpuSlack = 200 * time.Millisecond

// memoryWatch passes a program's log on and notes that it ran out of memory. It
// believes lines that ffmpeg marks as failures, the loader's, and those of libraries
// that end the program; the text of a file's own tags is marked as information.
//
// The program is stopped then: ffmpeg passes over a frame that it has no memory for,
// and has been seen to go round for ever without any.
type memoryWatch struct {
	r        io.Reader
	stop     func()
	line     []byte // what has been read of the current one, up to watched
	short    bool   // there was no memory
	noBuffer bool   // a decoder got no picture to decode into, for want of memory or
	badSize  bool   // because the file says that it is of an impossible size
}

// watched is how much of a line is looked at.
const watched = 512

// failed reports whether memory was short. The log must have been read to its end.
func (m *memoryWatch) failed() bool { return m.short || m.noBuffer && !m.badSize }

func (m *memoryWatch) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		m.line = append(m.line, part[:min(len(part), watched-len(m.line))]...)
		if whole {
			m.look()
		}
		rest = after
	}
	if err != nil {
		m.look()
	}
	return n, err
}

// look judges a line.
func (m *memoryWatch) look() {
	line := m.line
	m.line = m.line[:0]
	says := func(text string) bool { return bytes.Contains(line, []byte(text)) }
	if !says("[error]") && !says("[fatal]") && !says("[panic]") && (bytes.HasPrefix(line, []byte("[")) || bytes.HasPrefix(line, []byte(" "))) {
		return
	}
	m.short = m.short ||
		says("annot allocate memory") || // ENOMEM, in the words of glibc and of its loader
		says("Out of memory") || // in those of musl
		says("failed to map segment") || // of the loader
		says("std::bad_alloc") || // libraries in C++
		says("malloc of size ") // x264 and its like
	m.noBuffer = m.noBuffer || says("get_buffer() failed")
	m.badSize = m.badSize || says("Picture size ")
	if m.failed() {
		m.stop()
	}
}
