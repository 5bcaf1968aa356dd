package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	ffmpeggo "github.com/u2takey/ffmpeg-go"

	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// killWait is how long a killed program may take to be gone before its pipes are
// closed over its head.
const killWait = 5 * time.Second

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

// start runs a program. The command is ours and not from ffmpeg-go's Compile,
// which logs every command unless a global variable forbids it, and that variable
// belongs to the program that imports us.
func (b *Backend) start(ctx context.Context, c ffargs.Command) (*ffargs.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if !filepath.IsAbs(strings.TrimPrefix(c.File, "file:")) {
		return nil, fmt.Errorf("ffmpeg: the path %q is not absolute", c.File)
	}
	program := b.ffmpeg
	if c.Probe {
		program = b.ffprobe
	}
	cmd := exec.CommandContext(ctx, program, arguments(c)...)
	own(cmd)

	// Pipes of our own and not cmd.StdoutPipe: Wait may then run beside the reading.
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	stderr, childErr, err := os.Pipe()
	if err != nil {
		stdout.Close()
		childOut.Close()
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	cmd.Stdout, cmd.Stderr = childOut, childErr

	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		// The parent-death signal of Linux comes when the thread ends that started the
		// program, not the process: this one stays until the program is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		childOut.Close()
		childErr.Close()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		stdout.Close()
		stderr.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	return &ffargs.Process{Stdout: stdout, Stderr: stderr, Wait: func() error {
		err := <-ended
		stdout.Close()
		stderr.Close()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return &ffargs.ExitError{Code: exit.ExitCode()}
		}
		if err != nil {
			return fmt.Errorf("ffmpeg: %w", err)
		}
		return nil
	}}, nil
}

// own makes a command ours: nothing of our environment but what programs need to
// be found and loaded, a directory that holds no file of ours, no input, and the
// means to kill it with all it started.
func own(cmd *exec.Cmd) {
	cmd.Stdin = nil
	cmd.Dir = filepath.VolumeName(cmd.Path) + string(filepath.Separator)
	cmd.Env = []string{"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.WaitDelay = killWait
	isolate(cmd)
}
