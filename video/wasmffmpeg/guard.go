package wasmffmpeg

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/sys"
)

// stoppedCode is the exit code of a guest that was stopped; 128+9 as shells say
// it of a killed program.
const stoppedCode = 137

// guard ends a guest from the outside. The guest is ended at its next call of the
// host: a read, a write, or a look at the clock, which ffmpeg takes once a turn of
// its main loop.
type guard struct{ stopped atomic.Bool }

// stop ends the guest.
func (g *guard) stop() { g.stopped.Store(true) }

// check unwinds the guest if it was stopped. It must be called by a host function
// only: the panic is wazero's own way to exit (proc_exit does the same), and
// wazero turns it into the error of the run.
func (g *guard) check() {
	if g.stopped.Load() {
		panic(sys.NewExitError(stoppedCode))
	}
}

// clocks gives the guest a clock that starts with it and runs as the real one
// does. (wazero's own goes forward by the same step at every reading, and libavutil
// waits for irregularities in the clock when it wants a random number: for ever.)
// The wall clock stays wazero's invention, and a sleep lasts no time.
func (g *guard) clocks(m wazero.ModuleConfig) wazero.ModuleConfig {
	began := time.Now()
	return m.
		WithNanotime(func() int64 { g.check(); return int64(time.Since(began)) }, 1).
		WithNanosleep(func(int64) { g.check() }).
		WithOsyield(g.check)
}

// guarded is a pipe that the guest writes to.
type guarded struct {
	w     io.Writer
	guard *guard
}

func (g guarded) Write(p []byte) (int, error) {
	g.guard.check()
	n, err := g.w.Write(p)
	g.guard.check()
	return n, err
}
