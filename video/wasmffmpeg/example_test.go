//go:build !race

package wasmffmpeg_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/wasmffmpeg"
)

// A frame every four seconds of a video, without anything installed.
func ExampleNew() {
	ctx := context.Background()
	decoder, err := wasmffmpeg.New(ctx, wasmffmpeg.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer decoder.Close()
	m, err := video.Open(ctx, video.File("../../testdata/known/street-walk.mp4"), video.Options{Backend: decoder})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	fmt.Println(m.Info().Class, m.Info().Codec, m.Info().Width, m.Info().Height)
	for frame, err := range m.Frames(ctx, video.Request{Sampling: video.Sampling{Every: 4 * time.Second}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(frame.Number, frame.Time, frame.Image.Bounds().Size())
	}
	// Output:
	// video h264 480 640
	// 0 0s (480,640)
	// 120 4s (480,640)
	// 240 8s (480,640)
}
