package match_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// A clip of 12 s, banked frame by frame, is found in an upload of half a minute
// that shows its seconds 4 to 10.
func ExampleMatcher_ScanVideo() {
	r := seeded()
	clip := moving(r, 12*time.Second)
	known := match.Entry{ID: "clip", Duration: 12 * time.Second}
	for i, v := range clip {
		at := time.Duration(i) * 40 * time.Millisecond
		known.Signals = append(known.Signals, match.Signal{Value: v, Quality: 100, From: at, To: at + 40*time.Millisecond})
	}
	m, err := match.New(match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{known}})
	if err != nil {
		fmt.Println(err)
		return
	}

	upload := join(moving(r, 15*time.Second), clip.cut(4*time.Second, 10*time.Second), moving(r, 9*time.Second))
	var frames []match.QueryFrame
	for i := 0; i < len(upload); i += 10 { // a frame every 0.4 s
		look := match.Look{Value: upload[i], Quality: 100}
		frames = append(frames, match.QueryFrame{Number: i, Time: time.Duration(i) * 40 * time.Millisecond, Looks: []match.Look{look}})
	}
	result, err := m.ScanVideo(frames)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, found := range result.Matches {
		for _, s := range found.Evidence.Segments {
			fmt.Printf("%s: %v to %v is its %v to %v (%d frames)\n", found.Entry.ID, s.QueryFrom, s.QueryTo, s.KnownFrom, s.KnownTo, s.Frames)
		}
	}
	// Output:
	// clip: 15s to 21s is its 4s to 10s (15 frames)
}

func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	v, err := hash.Parse("md5:5d41402abc4b2a76b9719d911017c592")
	if err != nil {
		fmt.Println(err)
		return
	}
	path := filepath.Join(dir, "known.bank")
	bank := match.Bank{Name: "known", Entries: []match.Entry{{ID: v.String(), Signals: []match.Signal{{Value: v, Quality: hash.Unmeasured}}}}}
	if err := match.WriteFile(path, bank); err != nil {
		fmt.Println(err)
		return
	}
	banks, err := match.ReadFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(banks[0].Name, banks[0].Entries[0].ID)
	// Output:
	// known md5:5d41402abc4b2a76b9719d911017c592
}
