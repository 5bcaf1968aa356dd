package store_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/store"
	"github.com/rematch-go/rematch/match/summary"
)

// A verdict is kept as a record, a reviewer overturns it, and the report of the month counts it.
func ExampleStore_Keep() {
	dir, err := os.MkdirTemp("", "records")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(dir, "records.db"), store.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()

	// screen.Screener.Record makes it of a verdict.
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := &record.Record{Schema: record.SchemaID, Version: record.Version, ID: record.ID("upload 17", at), Upload: record.Upload{ID: "upload 17", Class: "still"}, ScreenedAt: at,
		Tool: record.Tool{Name: "rematch", Version: "v1.0.0", Go: "go1.26", Decoder: "go"}, Outcome: record.OutcomeMatch, MatchesTotal: 1,
		Matches: []record.Match{{Bank: "terror", Entry: "clip", Opinion: "none", Evidence: record.Evidence{Kind: "pdq", Distance: 4, Threshold: 31, QueryHash: "f0", KnownHash: "ff"}}}}
	if _, _, err := s.Keep(ctx, store.Actor{Type: store.System, ID: "uploads"}, r); err != nil {
		log.Fatal(err)
	}
	ana := store.Actor{Type: store.Reviewer, ID: "ana"}
	if _, err := s.Decide(ctx, ana, r.ID, record.Decision{Status: record.Overturned, Note: "a news report"}, 0); err != nil {
		log.Fatal(err)
	}

	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	err = s.Read(ctx, func(v *store.View) error {
		counts, err := v.RecordCounts(from, to)
		if err != nil {
			return err
		}
		sum, err := summary.Build(from, to, counts, v.Records(store.RecordQuery{From: from, To: to}), v.FirstMatch)
		if err != nil {
			return err
		}
		for _, b := range sum.Banks {
			fmt.Printf("%s: %d of %d screened matched, %d overturned\n", b.Name, b.Matched, sum.Screened, b.Overturned)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	audited, err := s.VerifyAudit(ctx)
	fmt.Println(audited.Seq, "events", err)
	// Output:
	// terror: 1 of 1 screened matched, 1 overturned
	// 2 events <nil>
}
