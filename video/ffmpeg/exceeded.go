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
type memoryWatch struct {
	r      io.Reader
	line   []byte // what has been read of the current one, up to watched
	failed bool
}

// watched is how much of a line is looked at.
const watched = 512

func (m *memoryWatch) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	for rest := p[:n]; len(rest) > 0 && !m.failed; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		m.line = append(m.line, part[:min(len(part), watched-len(m.line))]...)
		if whole || err != nil {
			m.failed = outOfMemory(m.line)
			m.line = m.line[:0]
		}
		rest = after
	}
	return n, err
}

func outOfMemory(line []byte) bool {
	marked := bytes.Contains(line, []byte("[error]")) || bytes.Contains(line, []byte("[fatal]")) || bytes.Contains(line, []byte("[panic]"))
	if !marked && (bytes.HasPrefix(line, []byte("[")) || bytes.HasPrefix(line, []byte(" "))) {
		return false
	}
	for _, text := range [][]byte{
		[]byte("annot allocate memory"), // ENOMEM, in the words of glibc, and of its loader
		[]byte("Out of memory"),         // in those of musl
		[]byte("malloc of size "),       // x264 and its like
		[]byte("std::bad_alloc"),        // libraries in C++
		[]byte("failed to map segment"), // the loader
		[]byte("Failed to allocate"),    // ffmpeg's own
	} {
		if bytes.Contains(line, text) {
			return true
		}
	}
	return false
}
