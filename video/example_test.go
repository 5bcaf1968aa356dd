package video_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/rematch-go/rematch/video"
)

// An upload is read once, and its frames looked at one by one.
func Example() {
	picture := image.NewGray(image.Rect(0, 0, 640, 480))
	picture.SetGray(320, 240, color.Gray{Y: 255})
	var upload bytes.Buffer
	if err := png.Encode(&upload, picture); err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	media, err := video.Open(ctx, video.Reader("upload.bin", &upload), video.Options{
		Limits: video.Limits{Bytes: 10 << 20},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer media.Close()
	fmt.Println(media.Info().Class, media.Info().Format)

	for frame, err := range media.Frames(ctx, video.Request{MaxSide: 64}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(frame.Number, frame.Time, frame.Image.Bounds().Size())
	}
	// Output:
	// still png
	// 0 0s (64,48)
}

// What can't be judged says why, in a word that stays the same.
func ExampleReason() {
	_, err := video.Open(context.Background(), video.Bytes("list.mp4", []byte("#EXTM3U\n/etc/passwd\n")), video.Options{})
	reason, notJudged := video.Reason(err)
	fmt.Println(reason, notJudged)
	// Output: unsupported true
}
