//go:build unix

package ffmpeg

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs/fftest"
)

// BenchmarkGuards is the price of the guards: a program started for nothing, and a clip
// of 10 seconds probed and decoded, by key frames and in full. cpu-ms/op is processor time, of this
// process and of the programs, which other work on the machine disturbs less than ns/op. The
// runs with and without guards alternate.
func BenchmarkGuards(b *testing.B) {
	d, err := New(Options{})
	if err != nil {
		b.Skip(err)
	}
	full := d.confine
	if full == (confinement{}) {
		b.Skip("there are no guards here to be measured")
	}
	path := filepath.Join(b.TempDir(), "clip.mp4")
	out, err := exec.Command(d.ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=10",
		"-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-pix_fmt", "yuv420p", path).CombinedOutput()
	require.NoError(b, err, "%s", out)
	clip := video.Container{Path: path, Demuxer: "mov", Format: "mp4", Limits: video.Limits{}.Defaults()}

	decode := func(s video.Sampling) func() error {
		return func() error {
			info, err := d.Probe(context.Background(), clip)
			if err == nil {
				_, err = fftest.Collect(d, clip, info, video.Request{Sampling: s, MaxSide: 512})
			}
			return err
		}
	}
	for _, work := range []struct {
		name string
		run  func() error
	}{
		{"start", func() error { _, err := d.output(context.Background(), d.ffmpeg, "-version"); return err }},
		{"keys", decode(video.Sampling{Keys: true})},
		{"all", decode(video.Sampling{})},
	} {
		b.Run("work="+work.name, func(b *testing.B) {
			spent := map[confinement]time.Duration{}
			for b.Loop() {
				for _, c := range []confinement{{}, full} {
					d.confine = c
					before := processorTime(b)
					require.NoError(b, work.run())
					spent[c] += processorTime(b) - before
				}
			}
			off, on := spent[confinement{}], spent[full]
			b.ReportMetric(float64(off.Microseconds())/1e3/float64(b.N), "off-cpu-ms/op")
			b.ReportMetric(float64(on.Microseconds())/1e3/float64(b.N), "on-cpu-ms/op")
			b.ReportMetric(100*(float64(on)/float64(off)-1), "%more")
		})
	}
}

// processorTime is what we and the programs that we waited for have used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var r syscall.Rusage
		require.NoError(b, syscall.Getrusage(who, &r))
		sum += time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return sum
}
