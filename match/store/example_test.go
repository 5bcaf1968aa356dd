package store_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
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

// A partner shares a list of hashes, and takes one back.
func ExampleStore_Pull() {
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

	list := filepath.Join(dir, "list.txt")
	x := store.Exchange{Name: "partner", Protocol: "list", Settings: map[string]string{"path": list}}
	if err := s.PutExchange(ctx, store.Actor{Type: store.Reviewer, ID: "ana"}, x); err != nil {
		log.Fatal(err)
	}
	protocol, err := exchange.ParseProtocol(x.Protocol)
	if err != nil {
		log.Fatal(err)
	}
	source, err := protocol.Open(exchange.Config{Settings: x.Settings})
	if err != nil {
		log.Fatal(err)
	}
	const clip, song = "9dd4e461268c8034f5c8564e155c67a6", "3d8e577bddb17db339eae0b3d9bcf180"
	for _, content := range []string{clip + "\n" + song + "\n", clip + "\nnonsense\n"} {
		if err := os.WriteFile(list, []byte(content), 0o600); err != nil {
			log.Fatal(err)
		}
		sum, err := s.Pull(ctx, x.Name, source, store.PullOptions{})
		fmt.Println(sum.Came, "came,", sum.Went, "went,", sum.SetAside, "set aside", err)
	}
	// Output:
	// 2 came, 0 went, 0 set aside <nil>
	// 0 came, 1 went, 1 set aside <nil>
}
