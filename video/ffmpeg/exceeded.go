package ffmpeg

import (
	"bytes"
	"io"
	"math/bits"
	"os"
	"syscall"
	"time"

	"github.com/rematch-go/rematch/video"
)

// exceeded tells which ceiling a program ran into, by how it ended; nil: none. The
// error is a *video.Error.
func (l limits) exceeded(state *os.ProcessState, log *memoryWatch) error {
	switch {
	case state == nil:
		return nil
	case l.cpu > 0 && !state.Exited() && state.UserTime()+state.SystemTime() >= l.cpu-cpuSlack:
		return &video.Error{Err: video.ErrTimeout, Detail: "the decoder used its processor time up: " + l.cpu.String()}
	case l.memory > 0 && (log.failed() || log.mostly && !state.Success() && !killed(state)):
		return &video.Error{Err: &video.LimitError{Limit: "memory", Max: l.memory}}
	}
	return nil
}

// killed reports whether a program was ended by somebody or by the system for want of memory, which
// is not what a ceiling does.
func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
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
//
// Some decoders call a frame damaged that they had no memory for. So where a program
// fails, it counts how much it had taken when it told of something wrong.
type memoryWatch struct {
	r        io.Reader
	stop     func()
	ceiling  int64
	taken    func() int64 // how much the program has taken at most so far, in bytes
	failures int          // that it told of
	mostly   bool         // it has taken most of what it may
	line     []byte       // what has been read of the current one, up to watched
	short    bool         // there was no memory
	noBuffer bool         // a decoder got no picture to decode into, for want of memory or
	badSize  bool         // because the file says that it is of an impossible size
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
	if len(line) > 0 && m.taken != nil && !m.mostly {
		// All of a thousand lines are not worth a look each, and what was taken never gets less.
		if m.failures++; bits.OnesCount(uint(m.failures)) == 1 {
			m.mostly = m.taken() >= m.ceiling-m.ceiling/8
		}
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
