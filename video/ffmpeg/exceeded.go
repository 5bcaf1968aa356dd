package ffmpeg

import (
	"bytes"
	"io"
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
	case l.memory > 0 && log.failed(): // and was stopped for it
		return &video.Error{Err: &video.LimitError{Limit: "memory", Max: l.memory}}
	// The kernel ends it by the time that it counts in clock ticks, and tells what the scheduler
	// counted: a third less was seen, beside programs that wake with the clock.
	case l.cpu > 0 && killed(state) && state.UserTime()+state.SystemTime() >= l.cpu/2:
		return &video.Error{Err: video.ErrTimeout, Detail: "the decoder used its processor time up: " + l.cpu.String()}
	case l.memory > 0 && log.mostly() && !killed(state):
		return &video.Error{Err: &video.LimitError{Limit: "memory", Max: l.memory}}
	}
	return nil
}

// killed reports whether a program was ended by somebody or by the system for want of memory, which
// is not what the ceiling on memory does.
func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// memoryWatch passes a program's log on and notes that it ran out of memory. It
// believes lines that ffmpeg marks as failures, the loader's, and those of libraries
// that end the program; the text of a file's own tags is marked as information.
//
// The program is stopped then: ffmpeg passes over a frame that it has no memory for,
// and has been seen to go round for ever without any.
//
// Some decoders call a frame damaged that they had no memory for, and end as if nothing had been.
// So where a program tells of something wrong, it counts how much it had taken.
type memoryWatch struct {
	r        io.Reader
	stop     func()
	line     []byte // what has been read of the current one, up to watched
	short    bool   // there was no memory
	noBuffer bool   // a decoder got no picture to decode into, for want of memory or
	badSize  bool   // because the file says that it is of an impossible size
	decided  bool   // memory was short, and the program was stopped for it

	ceiling  int64        // 0: none
	taken    func() int64 // the most that the program has taken so far, in bytes
	peak     int64        // that, when it was looked at last
	looked   time.Time    // when
	failures int          // lines that tell of something wrong
}

// lookEvery is how often it is looked at what a program has taken, beside its first failures.
const (
	lookEvery     = 10 * time.Millisecond
	firstFailures = 64
)

// mostly reports whether the program told of something wrong and had taken most of what it may.
func (m *memoryWatch) mostly() bool {
	return m.failures > 0 && m.ceiling > 0 && m.peak >= m.ceiling-m.ceiling/8
}

// lookAtPeak notes what the program has taken, now or if that is due. A program that has ended
// takes nothing.
func (m *memoryWatch) lookAtPeak(now bool) {
	if m.ceiling <= 0 || !now && time.Since(m.looked) < lookEvery {
		return
	}
	m.peak, m.looked = max(m.peak, m.taken()), time.Now()
}

// watched is how much of a line is looked at.
const watched = 512

// failed reports whether memory was short. The log must have been read to its end.
func (m *memoryWatch) failed() bool { return m.decided || m.short || m.noBuffer && !m.badSize }

func (m *memoryWatch) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.lookAtPeak(false)
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
	if len(line) > 0 {
		m.failures++
		m.lookAtPeak(m.failures <= firstFailures)
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
		m.decided = true
		m.stop()
	}
}
