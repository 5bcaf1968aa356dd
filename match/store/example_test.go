package store_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/store"
)

// A curator disables an entry, and a node that follows the store does not match it any more.
func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(dir, "banks.db"), store.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()

	v, _ := hash.Parse("pdq:f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22")
	ana := store.Actor{Type: store.Reviewer, ID: "ana"}
	entry := match.Entry{ID: "clip", Signals: []match.Signal{{Value: v, Quality: 100}}}
	bank := match.Bank{Name: "terror"}
	_, err = s.Apply(ctx, ana,
		store.Change{Change: match.Change{Op: match.PutBank, Bank: bank}},
		store.Change{Change: match.Change{Op: match.PutEntries, Bank: bank, Entries: []match.Entry{entry}}})
	if err != nil {
		log.Fatal(err)
	}

	node, err := store.Follow(ctx, s, store.FollowOptions{Snapshot: filepath.Join(dir, "node.bank")})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = node.Close() }()
	show := func() {
		m, err := node.Matcher() // an error: what does not match is not judged
		if err != nil {
			log.Fatal(err)
		}
		found, err := m.Match(v, 100)
		fmt.Println(len(found), "matches", err)
	}
	show()

	entry.Disabled = true
	at, err := s.Apply(ctx, ana, store.Change{Change: match.Change{Op: match.SetEntry, Bank: bank, Entries: []match.Entry{entry}}, Reason: "a news report"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := node.Verify(ctx); err != nil { // catches up, and compares all of it
		log.Fatal(err)
	}
	show()
	audited, err := s.VerifyAudit(ctx, at)
	fmt.Println(audited.Seq, "events", err)
	// Output:
	// 1 matches <nil>
	// 0 matches <nil>
	// 3 events <nil>
}
