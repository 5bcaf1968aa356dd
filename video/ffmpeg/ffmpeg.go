// Package ffmpeg decodes videos with the ffmpeg and ffprobe programs of the
// machine. Its command lines are built with ffmpeg-go.
//
// A file is given to one demuxer by name, under a protocol whitelist, and nothing
// else is opened: playlists and the like are refused. The programs run in a process
// group of their own that is killed when the context ends or the loop is left; on
// Linux they also die with the program that started them. They are not confined
// further: a decoder with a security hole has the rights of your process. Package
// video/wasmffmpeg runs the same decoder in a sandbox.
package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
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
	// Lazy says that New only finds the programs and starts none, which is as much
	// work as to decode a second or two: for programs that judge a file and end. Whether
	// ffmpeg runs is then found out at the first video.
	Lazy bool
}

// Backend is a video.Backend. It is safe for concurrent use: each call runs a
// process of its own.
type Backend struct {
	ffmpeg, ffprobe string // absolute
	threads         int
	lazy            bool
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

// New finds ffmpeg and ffprobe and asks ffmpeg for its version, unless o.Lazy is set.
// The error wraps ErrNotInstalled when either is missing.
func New(o Options) (*Backend, error) {
	if o.Threads < 0 {
		return nil, fmt.Errorf("ffmpeg: Options.Threads is %d; it must not be negative", o.Threads)
	}
	b := &Backend{threads: o.Threads, lazy: o.Lazy}
	b.ask = sync.OnceValues(b.askVersion)
	var err error
	if b.ffmpeg, err = find(o.FFmpeg, "ffmpeg"); err != nil {
		return nil, err
	}
	if b.ffprobe, err = find(o.FFprobe, "ffprobe"); err != nil {
		return nil, err
	}
	if !o.Lazy {
		if _, err := b.ask(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// askVersion runs ffmpeg -version.
func (b *Backend) askVersion() (version, error) {
	ctx, cancel := context.WithTimeout(context.Background(), versionTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.ffmpeg, "-version")
	own(cmd)
	out, err := cmd.Output()
	if err != nil {
		return version{}, fmt.Errorf("ffmpeg: %s -version: %w; check that it runs from a shell", b.ffmpeg, err)
	}
	v, err := parseVersion(out)
	if err != nil {
		return version{}, fmt.Errorf("ffmpeg: %s -version: %w", b.ffmpeg, err)
	}
	return v, nil
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
	return ffargs.Probe(ctx, b.start, c, b.settings(c))
}

// Frames implements video.Backend. A video in which no key frame is marked is
// sampled every two seconds when Sampling.Keys asks for key frames.
func (b *Backend) Frames(ctx context.Context, c video.Container, info video.Info, r video.Request) iter.Seq2[hash.Frame, error] {
	return ffargs.Frames(ctx, b.start, c, info, r, b.settings(c))
}

func (b *Backend) settings(c video.Container) ffargs.Settings {
	// file: and an absolute path: no name of a file can be another protocol's.
	s := ffargs.Settings{File: "file:" + c.Path, Threads: b.threads}
	if !b.lazy { // else it is found out from what it says
		v, _ := b.ask() // New has seen that there is no error
		s.OldSync = v.oldSync
	}
	return s
}
