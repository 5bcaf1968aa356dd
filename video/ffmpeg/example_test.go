package ffmpeg_test

import (
	"errors"
	"fmt"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

// A program that can do without videos goes on without a decoder: a video is then
// "not judged: decoder_missing", and everything else is judged.
func ExampleNew() {
	options := video.Options{}
	decoder, err := ffmpeg.New(ffmpeg.Options{FFmpeg: "/nowhere/ffmpeg"})
	switch {
	case err == nil:
		options.Backend = decoder
	case errors.Is(err, ffmpeg.ErrNotInstalled):
		fmt.Println("videos will not be judged")
	default:
		fmt.Println(err)
	}
	fmt.Println(options.Backend == nil)
	// Output:
	// videos will not be judged
	// true
}
