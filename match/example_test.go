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

// A list of hashes becomes a file without an Entry for each, and the file answers
// without being read whole.
func ExampleBuilder() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "known.bank")
	var b match.Builder
	if err := b.Bank(match.Bank{Name: "list"}); err != nil {
		fmt.Println(err)
		return
	}
	r := seeded()
	for range 100_000 {
		if err := b.Hash(random(r, hash.MD5)); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := b.WriteFile(path); err != nil {
		fmt.Println(err)
		return
	}
	s, err := match.OpenSnapshot(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, bank := range s.Banks() {
		fmt.Println(bank.Name, bank.Entries)
	}
	e, found, err := s.Entry("list", random(seeded(), hash.MD5).String())
	fmt.Println(e.ID, found, err)
	// Output:
	// list 100000
	// md5:86ad05dc987f806230a13ca07796da76 true <nil>
}

// Two members disagree about an entry: its matches are shadowed until a curator decides.
func ExampleMatcher_EditEntry() {
	v := random(seeded(), hash.PDQ)
	shared := match.Entry{ID: "clip", Signals: []match.Signal{{Value: v, Quality: 100}}, Curation: &match.Curation{
		Origin:   match.Origin{Exchange: "gifct", Member: "a"},
		Opinions: []match.Opinion{{By: "a", Says: match.Positive}, {By: "b", Says: match.Negative}},
	}}
	m, err := match.New(match.Options{}, match.Bank{Name: "gifct", Action: "block", Entries: []match.Entry{shared}})
	if err != nil {
		fmt.Println(err)
		return
	}
	look := func() {
		found, err := m.ScanPicture([]match.Look{{Value: v, Quality: 100}})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, f := range found.Matches {
			fmt.Printf("%s %s\n", f.Action, f.Entry.ID)
		}
		for _, f := range found.Shadow {
			fmt.Printf("not reported, %s: %s\n", f.ShadowedBy, f.Entry.ID)
		}
	}
	look()
	err = m.EditEntry("gifct", "clip", func(e *match.Entry) {
		e.Curation.Decision = match.Decision{Stance: match.Positive, By: "ana"}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	look()
	// Output:
	// not reported, disputed: clip
	// block clip
}
