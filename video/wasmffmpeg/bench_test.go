package wasmffmpeg

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rematch-go/rematch/video"
)

// BenchmarkFrames decodes a reference video of 18.8 s, h264, 480x720.
func BenchmarkFrames(b *testing.B) {
	media := os.Getenv("REMATCH_MEDIA")
	if media == "" {
		b.Skip("REMATCH_MEDIA is not set: there is no reference video to decode")
	}
	d, err := New(context.Background(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	c := video.Container{Path: filepath.Join(media, "video", "chair-19-sd-bar.mp4"), Demuxer: "mov", Limits: video.Limits{}.Defaults()}
	info, err := d.Probe(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]video.Sampling{"sampling=key": {Keys: true}, "sampling=all": {}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				frames := 0
				for _, err := range d.Frames(context.Background(), c, info, video.Request{Sampling: s, MaxSide: 512}) {
					if err != nil {
						b.Fatal(err)
					}
					frames++
				}
				b.ReportMetric(float64(frames), "frames/op")
			}
		})
	}
}
