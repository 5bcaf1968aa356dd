package screen_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"strings"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

func ExampleScreener_Screen() {
	ctx := context.Background()
	var known, upload bytes.Buffer
	_ = png.Encode(&known, scene(1, 0, 320, 240))
	_ = png.Encode(&upload, changed(scene(1, 0, 320, 240), 320, 400, func(x, y int) (int, int) { return 319 - x, y - 80 }))

	entry, err := screen.Enroll(ctx, video.Reader("known.png", &known), nil, screen.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := match.New(match.Options{}, match.Bank{Name: "propaganda", Labels: []string{"tvec"}, Entries: []match.Entry{entry}})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := screen.New(m, screen.Options{})

	for _, in := range []video.Input{
		video.Reader("mirrored and letterboxed", &upload),
		video.Reader("not a picture", strings.NewReader("hello")),
	} {
		verdict, err := s.Screen(ctx, in)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %v %q\n", in.Name(), verdict.Outcome, verdict.Reason)
		for _, match := range verdict.Matches {
			fmt.Println(match.Entry.Bank, match.Entry.ID, match.Evidence.Transform, match.Evidence.Distance <= match.Evidence.Threshold)
		}
	}
	// Output:
	// mirrored and letterboxed: match ""
	// propaganda known.png [border flipy] true
	// not a picture: not_judged "unsupported"
}
