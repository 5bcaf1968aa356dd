// Package fftest holds the contract that both ffmpeg backends are tested with. Its
// media is made by the ffmpeg program of the machine, in a temporary folder.
package fftest

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// clip is a small video and what must be known of it.
type clip struct {
	name    string
	demuxer string
	args    string // of ffmpeg, blank separated
	patch   func(t *testing.T, file []byte) []byte

	codec         string
	width, height int
	frames        int
	time          func(n int) time.Duration
	keys          []int // numbers of the key frames; nil: all
}

// every returns the times of a constant rate.
func every(d time.Duration) func(int) time.Duration {
	return func(n int) time.Duration { return time.Duration(n) * d }
}

const picture = "-f lavfi -i testsrc2=s=160x120:r=25:d=3 "

// clips are the well-formed ones.
var clips = []clip{
	{
		name: "h264-bframes.mp4", demuxer: "mov",
		args:  picture + "-c:v libx264 -preset veryfast -bf 2 -g 25 -sc_threshold 0 -pix_fmt yuv420p -movflags +faststart",
		codec: "h264", width: 160, height: 120, frames: 75, time: every(40 * time.Millisecond), keys: []int{0, 25, 50},
	},
	{
		name: "vfr.mkv", demuxer: "matroska", // five frames at 25 a second, a pause of three, and so on
		args:  picture + "-vf setpts=(N+3*floor(N/5))/(25*TB) -fps_mode passthrough -c:v mpeg4 -g 10 -bf 0",
		codec: "mpeg4", width: 160, height: 120, frames: 75,
		time: func(n int) time.Duration { return time.Duration(n+n/5*3) * 40 * time.Millisecond },
		keys: []int{0, 10, 20, 30, 40, 50, 60, 70},
	},
	{
		name: "late-start.ts", demuxer: "mpegts",
		args:  picture + "-c:v mpeg2video -g 15 -bf 0 -sc_threshold 1000000000 -output_ts_offset 4711",
		codec: "mpeg2video", width: 160, height: 120, frames: 75, time: every(40 * time.Millisecond), keys: []int{0, 15, 30, 45, 60},
	},
	{
		name: "rotated.mp4", demuxer: "mov",
		args: picture + "-c:v libx264 -preset veryfast -g 25 -sc_threshold 0 -pix_fmt yuv420p", patch: turn,
		codec: "h264", width: 120, height: 160, frames: 75, time: every(40 * time.Millisecond), keys: []int{0, 25, 50},
	},
	{
		name: "odd.avi", demuxer: "avi",
		args:  "-f lavfi -i testsrc2=s=320x240:r=10:d=2 -vf scale=161:121 -c:v mjpeg -pix_fmt yuvj420p",
		codec: "mjpeg", width: 161, height: 121, frames: 20, time: every(100 * time.Millisecond),
	},
	{
		name: "vp8.webm", demuxer: "matroska",
		args:  picture + "-c:v libvpx -cpu-used 8 -deadline realtime -g 25 -b:v 500k -auto-alt-ref 0",
		codec: "vp8", width: 160, height: 120, frames: 75, time: every(40 * time.Millisecond), keys: []int{0, 25, 50},
	},
	{
		name: "grey.mkv", demuxer: "matroska",
		args:  "-f lavfi -i testsrc2=s=64x48:r=10:d=1 -c:v ffv1 -g 1 -pix_fmt gray",
		codec: "ffv1", width: 64, height: 48, frames: 10, time: every(100 * time.Millisecond),
	},
}

// Program returns the path of the ffmpeg program and skips the test where there is
// none.
func Program(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg on PATH to make the test media with; install ffmpeg to run this test")
	}
	return path
}

// generate runs ffmpeg and returns what it made, ready for a backend. What was made once
// is only written again.
func generate(t *testing.T, name, demuxer, args string) video.Container {
	t.Helper()
	program, path := Program(t), filepath.Join(t.TempDir(), name)
	key := name + " " + args
	if file, ok := generated.Load(key); ok {
		require.NoError(t, os.WriteFile(path, file.([]byte), 0o600))
		return container(path, demuxer)
	}
	fields := append(strings.Fields("-nostdin -v error -threads 1 "+args), "-bitexact", path)
	out, err := exec.Command(program, fields...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	generated.Store(key, file)
	return container(path, demuxer)
}

// generated are the files that generate made, by name and arguments.
var generated sync.Map

func container(path, demuxer string) video.Container {
	return video.Container{Path: path, Demuxer: demuxer, Format: demuxer, Limits: video.Limits{}.Defaults()}
}

// make generates the clip.
func (c clip) make(t *testing.T) video.Container {
	t.Helper()
	made := generate(t, c.name, c.demuxer, c.args)
	if c.patch != nil {
		file, err := os.ReadFile(made.Path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(made.Path, c.patch(t, file), 0o600)) // file is a copy
	}
	return made
}

// turn writes a quarter turn into the display matrix of an mp4. (The option of
// ffmpeg for it has changed its name between versions.)
func turn(t *testing.T, file []byte) []byte {
	t.Helper()
	at := bytes.Index(file, []byte("tkhd"))
	require.Positive(t, at, "no track header")
	require.Zero(t, file[at+4], "a track header of version 0")
	matrix := file[at+4+40:] // ISO 14496-12, 8.3.2: after 40 bytes of a version 0 header
	for i, v := range []uint32{0, 1 << 16, 0, 0xffff0000, 0, 0, 0, 0, 1 << 30} {
		binary.BigEndian.PutUint32(matrix[4*i:], v)
	}
	return file
}

// half returns a container whose file is the first half of c's.
func half(t *testing.T, c video.Container) video.Container {
	t.Helper()
	file, err := os.ReadFile(c.Path)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "half-"+filepath.Base(c.Path))
	require.NoError(t, os.WriteFile(path, file[:len(file)/2], 0o600))
	return container(path, c.Demuxer)
}
