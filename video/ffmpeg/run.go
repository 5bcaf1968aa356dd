package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	ffmpeggo "github.com/u2takey/ffmpeg-go"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// killWait is how long a killed program may take to be gone before its pipes are
// closed over its head.
const killWait = 2 * time.Second

// arguments lets ffmpeg-go write a command line.
func arguments(c ffargs.Command) []string {
	if c.Probe { // ffmpeg-go has no graph for ffprobe, and its Probe takes no context
		return append(ffmpeggo.ConvertKwargsToCmdLineArgs(kwargs(c.Input)), "-i", c.File)
	}
	return ffmpeggo.Input(c.File, kwargs(c.Input)).Output("pipe:1", kwargs(c.Output)).GetArgs()
}

func kwargs(options map[string]string) ffmpeggo.KwArgs {
	k := make(ffmpeggo.KwArgs, len(options))
	for name, value := range options {
		k[name] = value
	}
	return k
}

// starter returns what runs the programs on the file of c.
func (b *Backend) starter(c video.Container) ffargs.Starter {
	return func(ctx context.Context, cmd ffargs.Command) (*ffargs.Process, error) {
		path := strings.TrimPrefix(cmd.File, "file:")
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("ffmpeg: the path %q is not absolute", cmd.File)
		}
		program := b.ffmpeg
		if cmd.Probe {
			program = b.ffprobe
		}
		return b.start(ctx, b.confine, program, arguments(cmd), path, b.limits(c.Limits))
	}
}

// start runs a program on a thread of its own that was confined before. The command
// is ours and not from ffmpeg-go's Compile, which logs every command unless a global
// variable forbids it, and that variable belongs to the program that imports us.
func (b *Backend) start(ctx context.Context, confine confinement, program string, args []string, input string, l limits) (*ffargs.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	running, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(running, program, args...)
	own(cmd)
	confine.prepare(cmd)

	// Pipes of our own and not cmd.StdoutPipe: Wait may then run beside the reading.
	var open pipes
	stdout, childOut := open.pipe()
	stderr, childErr := open.pipe()
	childIn := open.null() // which os/exec would open on a thread that may not
	if open.err != nil {
		stop()
		open.close()
		return nil, fmt.Errorf("ffmpeg: %w", open.err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = childIn, childOut, childErr

	log := &memoryWatch{r: stderr, stop: stop, ceiling: l.memory}
	var peak io.Closer = io.NopCloser(nil)
	started, ended := make(chan error, 1), make(chan error, 1)
	// The parent-death signal of Linux comes when the thread ends that started the
	// program, not the process: this one stays until the program is gone.
	onOwnThread(func() {
		err := confine.enter(b.may[program], input)
		if err == nil {
			err = cmd.Start()
		}
		childIn.Close()
		childOut.Close()
		childErr.Close()
		if err == nil {
			limited := make(chan error)
			go func() { // this thread may not any more
				err := confine.limit(cmd.Process.Pid, l)
				if l.memory > 0 { // before Wait: then the number may be another's
					log.taken, peak = addressSpace(cmd.Process.Pid)
				}
				limited <- err
			}()
			if err = <-limited; err != nil {
				_ = cmd.Cancel()
				_ = cmd.Wait()
			}
		}
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	})
	if err := <-started; err != nil {
		stop()
		stdout.Close()
		stderr.Close()
		peak.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	context.AfterFunc(running, func() {
		// Whatever left the group may hold the pipes for as long as it likes.
		time.AfterFunc(killWait, func() { stdout.Close(); stderr.Close() })
	})
	if l.memory <= 0 {
		log.stop = func() {} // what ffmpeg makes of it decides
	}
	return &ffargs.Process{Stdout: stdout, Stderr: log, Wait: func() error {
		err := <-ended
		stop()
		stdout.Close()
		stderr.Close()
		peak.Close()
		if ctx.Err() != nil {
			return context.Cause(ctx) // whatever came of it
		}
		if over := l.exceeded(cmd.ProcessState, log); over != nil {
			return over
		}
		return explainExit(err)
	}}, nil
}

// explainExit gives the end of a program its type. We did not kill it.
func explainExit(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("ffmpeg: %w", err)
	case exit.ExitCode() == notLoaded || exit.ExitCode() == notRun:
		// The loader's or a wrapper script's, of which no file is to blame. ffmpeg itself never ends with these.
		return fmt.Errorf("ffmpeg: %s can't be loaded; check that it runs from a shell", exit.String())
	case killed(exit.ProcessState):
		return errors.New("ffmpeg: the decoder was killed, by the system for want of memory or by somebody")
	}
	return &ffargs.ExitError{Code: exit.ExitCode()}
}

// Exit codes of a program that may not be run, and of one that, or whose libraries, is not found.
const (
	notRun    = 126
	notLoaded = 127
)

// pipes opens files until one fails, and closes them all.
type pipes struct {
	files []*os.File
	err   error
}

func (p *pipes) pipe() (r, w *os.File) {
	if p.err == nil {
		if r, w, p.err = os.Pipe(); p.err == nil {
			p.files = append(p.files, r, w)
		}
	}
	return r, w
}

func (p *pipes) null() (f *os.File) {
	if p.err == nil {
		if f, p.err = os.Open(os.DevNull); p.err == nil {
			p.files = append(p.files, f)
		}
	}
	return f
}

func (p *pipes) close() {
	for _, f := range p.files {
		f.Close()
	}
}

// own makes a command ours: nothing of our environment but what programs need to
// be found and loaded, a directory that holds no file of ours, and the means to kill
// it with all it started.
func own(cmd *exec.Cmd) {
	cmd.Dir = filepath.VolumeName(cmd.Path) + string(filepath.Separator)
	cmd.Env = []string{"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1",
		// A library that ffmpeg may be linked with starts a thread for each processor, for nothing.
		"OPENBLAS_NUM_THREADS=1",
		// glibc: memory that a frame was in is kept for the next one. To give it back and
		// take it again is a thirtieth of what a short video costs.
		"GLIBC_TUNABLES=glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold=268435456:glibc.malloc.top_pad=8388608"}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.WaitDelay = killWait
	isolate(cmd)
}
