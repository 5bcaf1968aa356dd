// Package ffmpeg decodes videos with the ffmpeg and ffprobe programs of the
// machine. Its command lines are built with ffmpeg-go.
//
// A file is given to one demuxer by name, under a protocol whitelist, and nothing
// else is opened: playlists and the like are refused. The programs run in a process
// group of their own that is killed when the context ends or the loop is left.
//
// On Linux the kernel holds them as well, so that a decoder that a file took over
// has nothing to reach: it dies with the program that started it; it reads its own
// program, the system's libraries and the one file, and writes nothing (Landlock); it
// opens no socket, signals nobody and traces nobody (seccomp, and an empty network
// namespace if we are privileged to make one); it drops privileges; and it has ceilings on memory,
// processor time, open files and the size of files. All this is put on the one thread that
// starts it, never on the process that imports this package. What a kernel lacks is
// left out, unless Options.Require names it; Backend.Guards tells. On other systems a
// decoder with a security hole has the rights of your process: package
// video/wasmffmpeg runs the same decoder in a sandbox everywhere.
package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// ErrNotInstalled is wrapped by New's error when ffmpeg or ffprobe is missing.
var ErrNotInstalled = errors.New("ffmpeg is not installed: install the package ffmpeg (it brings ffprobe), or name both programs in ffmpeg.Options")

// Options say which programs run and how. The zero value looks for them on PATH.
type Options struct {
	FFmpeg  string // path of ffmpeg; "": found on PATH
	FFprobe string // path of ffprobe; "": found on PATH
	// Threads of each decoder; default 1. A second one makes a single video 1.3 to
	// 1.4 times as fast; to decode two videos at once is the better use of two
	// processors.
	Threads int
	// Memory is the ceiling, in bytes, of a decoder's address space, of which it uses a
	// part; default 1 GiB and 32 bytes for each of Limits.Pixels (3 GiB with the default
	// limits, and 136 MiB for each of Threads but the first). A file that needs more is over
	// the budget "memory", a *video.LimitError; where ffmpeg does not even start with so
	// little, New says so, or with Lazy every video is over it. Negative: none. Linux only.
	Memory int64
	// CPU is the ceiling of a decoder's processor time, rounded up to seconds; default
	// Limits.Work for each of Threads and for one more. A file that needs more is
	// video.ErrTimeout. Negative: none. Linux only.
	CPU time.Duration
	// Require are guards that must be active: New fails where one is missing.
	Require []video.Guard
	// Lazy says that New only finds the programs and starts none, which is as much
	// work as to decode a second or two: for programs that judge a file and end. Whether
	// ffmpeg runs is then found out at the first video.
	Lazy bool
}

// Backend is a video.Backend. It is safe for concurrent use: each call runs a
// process of its own.
type Backend struct {
	ffmpeg, ffprobe string // absolute
	options         Options
	confine         confinement
	may             map[string]permissions  // by program
	ask             func() (version, error) // asks ffmpeg once
}

// version is what ffmpeg told of itself.
type version struct {
	name    string
	oldSync bool
}

var _ video.Backend = (*Backend)(nil)

// versionTime bounds the first start of ffmpeg, which may come from a cold disk.
const versionTime = 30 * time.Second

// New finds ffmpeg and ffprobe and, unless o.Lazy is set, asks ffmpeg for its version,
// with all guards that the kernel has, or without those under which it does not run. The
// error wraps ErrNotInstalled when either is missing, and a *video.MissingGuardsError
// when a guard of o.Require is. Too little memory to start, too few file descriptors and the
// like are errors as well, and cost no guard.
func New(o Options) (*Backend, error) {
	if o.Threads < 0 {
		return nil, fmt.Errorf("ffmpeg: Options.Threads is %d; it must not be negative", o.Threads)
	}
	o.Require = slices.Clone(o.Require)
	all, err := kernelGuards()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: the kernel's guards can't be tried just now: %w", err)
	}
	b := &Backend{options: o, confine: all}
	b.ask = sync.OnceValues(b.askVersion)
	if b.ffmpeg, err = find(o.FFmpeg, "ffmpeg"); err != nil {
		return nil, err
	}
	if b.ffprobe, err = find(o.FFprobe, "ffprobe"); err != nil {
		return nil, err
	}
	b.may = make(map[string]permissions)
	for _, program := range []string{b.ffmpeg, b.ffprobe} {
		if b.may[program], err = newPermissions(program); err != nil {
			return nil, fmt.Errorf("ffmpeg: %w", err)
		}
	}
	if !o.Lazy {
		if _, err := b.ask(); err != nil {
			return nil, err
		}
	}
	if err := video.Demand(b.Guards(), o.Require...); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	return b, nil
}

// askVersion runs ffmpeg -version.
func (b *Backend) askVersion() (version, error) {
	ctx, cancel := context.WithTimeout(context.Background(), versionTime)
	defer cancel()
	out, err := b.tryVersion(ctx)
	if limit := new(video.LimitError); errors.As(err, &limit) { // of no file: it is no verdict
		return version{}, fmt.Errorf("ffmpeg: %s does not start with the %d bytes of memory that it may take: raise Options.Memory", b.ffmpeg, limit.Max)
	}
	if err != nil {
		return version{}, fmt.Errorf("ffmpeg: %s -version: %w; check that it runs from a shell", b.ffmpeg, err)
	}
	v, err := parseVersion(out)
	if err != nil {
		return version{}, fmt.Errorf("ffmpeg: %s -version: %w", b.ffmpeg, err)
	}
	return v, nil
}

// tryVersion runs ffmpeg -version, confined as far as it still runs, and keeps to
// that. The error is that of the last try. A lazy Backend, which is in use by
// now, holds to all that the kernel has.
func (b *Backend) tryVersion(ctx context.Context) (out []byte, err error) {
	if b.options.Lazy {
		return b.output(ctx, b.ffmpeg, "-version")
	}
	b.confine, err = mostGuards(b.confine, func(c confinement) error {
		b.confine = c
		answer, err := b.output(ctx, b.ffmpeg, "-version")
		if err == nil {
			out = answer
		}
		return err
	})
	return out, err
}

// mostGuards returns the most of all that try succeeds with.
func mostGuards(all confinement, try func(confinement) error) (confinement, error) {
	var err error
	fewer := all.fallbacks()
	for i, c := range fewer {
		if err = try(c); err == nil {
			// What failed for another reason, which is over, is not given up.
			for _, more := range fewer[:i] {
				if try(more) == nil {
					return more, nil
				}
			}
			return c, nil
		}
		// That is no guard's fault, and the next might seem to cure it.
		if limit := new(video.LimitError); errors.As(err, &limit) || errors.Is(err, context.DeadlineExceeded) || passing(err) {
			break
		}
	}
	return all, err
}

// passing reports whether an error tells of the moment and of nothing else: there were no file
// descriptors or processes left.
func passing(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.EINTR}, func(e error) bool { return errors.Is(err, e) })
}

// maxVersion bounds the answer to -version, in bytes. Common ones have one or two KiB.
const maxVersion = 64 << 10

// output runs a program without an input and returns what it prints.
func (b *Backend) output(ctx context.Context, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p, err := b.start(ctx, b.confine, program, args, "", b.limits(video.Limits{}.Defaults()))
	if err != nil {
		return nil, err
	}
	logRead := make(chan struct{})
	go func() {
		defer close(logRead)
		_, _ = io.Copy(io.Discard, p.Stderr)
	}()
	out, err := io.ReadAll(io.LimitReader(p.Stdout, maxVersion))
	if len(out) == maxVersion {
		cancel()
	}
	<-logRead
	return out, errors.Join(err, p.Wait())
}

// find returns the absolute path of a program.
func find(path, name string) (string, error) {
	if path == "" {
		path = name
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("ffmpeg: %w (%w)", ErrNotInstalled, err)
	}
	return filepath.Abs(found)
}

var versionLine = regexp.MustCompile(`^ffmpeg version (\S+)`)

// releaseNumber is the number of a release, as in 5.1.9-0+deb12u1, n7.0 or 4.4.2.
// Builds of the development branch (N-109542-g...) have none.
var releaseNumber = regexp.MustCompile(`^n?(\d+)\.(\d+)`)

// parseVersion reads the first line of ffmpeg -version. oldSync tells that the
// release is older than 5.1, where -fps_mode came.
func parseVersion(out []byte) (v version, err error) {
	m := versionLine.FindSubmatch(out)
	if m == nil {
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return version{}, fmt.Errorf("the answer %.80q is not ffmpeg's", line)
	}
	v.name = string(m[1])
	if n := releaseNumber.FindStringSubmatch(v.name); n != nil {
		major, _ := strconv.Atoi(n[1]) // digits; a number that is too long is new, as 0.x is not
		minor, _ := strconv.Atoi(n[2])
		v.oldSync = major < 5 || major == 5 && minor < 1
	}
	return v, nil
}

// Name returns "ffmpeg".
func (b *Backend) Name() string { return "ffmpeg" }

// Version returns the version that ffmpeg told, for example "5.1.9-0+deb12u1".
// Decoders differ in a bit here and there between versions. With Options.Lazy it asks
// for it now, and returns "" where there is no answer.
func (b *Backend) Version() string {
	v, _ := b.ask()
	return v.name
}

// Probe implements video.Backend. It takes at most a minute, or Limits.Work.
func (b *Backend) Probe(ctx context.Context, c video.Container) (video.Info, error) {
	return ffargs.Probe(ctx, b.starter(c), c, b.settings(c))
}

// Frames implements video.Backend. A video in which no key frame is marked is
// sampled every two seconds when Sampling.Keys asks for key frames.
func (b *Backend) Frames(ctx context.Context, c video.Container, info video.Info, r video.Request) iter.Seq2[hash.Frame, error] {
	return ffargs.Frames(ctx, b.starter(c), c, info, r, b.settings(c))
}

func (b *Backend) settings(c video.Container) ffargs.Settings {
	// file: and an absolute path: no name of a file can be another protocol's.
	s := ffargs.Settings{File: "file:" + c.Path, Threads: b.options.Threads}
	if !b.options.Lazy { // else it is found out from what it says
		v, _ := b.ask() // New has seen that there is no error
		s.OldSync = v.oldSync
	}
	return s
}
