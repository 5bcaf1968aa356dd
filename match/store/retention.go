package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/record"
)

// Retention is for how long records are kept, by what they are, from when they were screened;
// those that somebody decided of by Reviewed alone, from the last decision. 0: for good. It is
// part of the store, and Purge removes what is over it.
//
// A report counts what there is: keep records for as long as they are reported of. Removed content
// and what belongs to it have to be preserved for six months under Regulation (EU) 2021/784, what
// was reported under 18 U.S.C. 2258A for a year, and what reports were made from for five years
// under Implementing Regulation (EU) 2024/2835: see Store.Preserve for single records.
type Retention struct {
	Matched, NotJudged, Suppressed, Shadowed, Clean time.Duration
	Reviewed                                        time.Duration
	Counts                                          time.Duration // of uploads by the hour, from its end
}

// retentionDoc is a Retention as it is kept, in seconds.
type retentionDoc struct {
	Matched    int64 `json:"match,omitempty"`
	NotJudged  int64 `json:"not_judged,omitempty"`
	Suppressed int64 `json:"suppressed,omitempty"`
	Shadowed   int64 `json:"shadow,omitempty"`
	Clean      int64 `json:"no_match,omitempty"`
	Reviewed   int64 `json:"reviewed,omitempty"`
	Counts     int64 `json:"counts,omitempty"`
}

// document checks a retention and returns how it is kept.
func (r *Retention) document() (string, error) {
	var list [7]int64
	for i, d := range []time.Duration{r.Matched, r.NotJudged, r.Suppressed, r.Shadowed, r.Clean, r.Reviewed, r.Counts} {
		if d < 0 || d > 0 && d < time.Second {
			return "", fmt.Errorf("%w: a retention of %v; want a second at least, or 0 for good", match.ErrInvalid, d)
		}
		list[i] = int64(d / time.Second)
	}
	return encode(retentionDoc{list[0], list[1], list[2], list[3], list[4], list[5], list[6]})
}

// SetRetention sets for how long things are kept. Nothing is removed by it: Purge does that. seen is
// what the caller has read of View.Retention; is there another by now, the change is ErrConflict. nil:
// whatever there is. Other errors are match.ErrInvalid, of times below a second, and those of Apply.
func (s *Store) SetRetention(ctx context.Context, by Actor, r Retention, seen *Retention, reason string) (Position, error) {
	doc, err := r.document()
	if err != nil {
		return Position{}, err
	}
	expect := ""
	if seen != nil {
		if expect, err = seen.document(); err != nil {
			return Position{}, err
		}
	}
	if err := checkReason(reason); err != nil {
		return Position{}, err
	}
	at, _, err := s.events(ctx, by, Retained, func(w *writer) error {
		was, err := retentionOf(ctx, w.tx)
		if err != nil {
			return err
		}
		if seen != nil && was != expect {
			return fmt.Errorf("%w: the retention: it is another than was seen; read it and set it again", ErrConflict)
		}
		if was == doc {
			return nil
		}
		w.reason = reason
		if err := w.exec(`INSERT INTO rematch_retention (one, doc) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET doc = excluded.doc`, doc); err != nil {
			return err
		}
		return w.event(&eventDoc{Change: setRetention, Before: json.RawMessage(was), After: json.RawMessage(doc)})
	})
	return at, err
}

// retentionOf returns the document of the retention.
func retentionOf(ctx context.Context, q querier) (doc string, err error) {
	err = q.QueryRowContext(ctx, `SELECT doc FROM rematch_retention WHERE one = 1`).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return bareDoc, nil
	}
	return doc, classify(err)
}

func readRetention(ctx context.Context, q querier) (r Retention, err error) {
	doc, err := retentionOf(ctx, q)
	if err != nil {
		return r, err
	}
	var d retentionDoc
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		return r, &AuditError{Reason: "the retention can't be read: " + err.Error(), Err: ErrDamaged}
	}
	of := func(seconds int64) time.Duration {
		return time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second
	}
	return Retention{of(d.Matched), of(d.NotJudged), of(d.Suppressed), of(d.Shadowed), of(d.Clean), of(d.Reviewed), of(d.Counts)}, nil
}

// Retention returns for how long things are kept.
func (v *View) Retention() (Retention, error) { return readRetention(v.ctx, v.tx) }

// Purged says what Purge removed.
type Purged struct {
	At      Position
	Records map[record.Class]int // without those of Reviewed
	// Reviewed are the records that somebody had decided of.
	Reviewed int
	Counts   int // hours with a class and reason
	// Preserved is how many records are over their retention and stay, for they are to be preserved.
	Preserved int
}

// Total returns how many records were removed.
func (p *Purged) Total() int {
	n := p.Reviewed
	for _, k := range p.Records {
		n += k
	}
	return n
}

// due is what a part of the retention removes.
type due struct {
	class    record.Class
	reviewed bool // those that were decided of, else the others
	keep     time.Duration
	removed  func(n int)
}

// where is the condition of records that are due, for their age is what they are kept for, or more:
// those that are not held (preserve <= now), or are (>). They are found by the index of what is due.
func (d *due) where(preserve string, now time.Time) (condition string, args []any) {
	condition = `class = $1 AND decided = 0 AND at <= $2`
	if d.reviewed {
		condition = `class = $1 AND decided > 0 AND decided <= $2`
	}
	return condition + ` AND preserve ` + preserve + ` $3`, []any{string(d.class), now.Add(-d.keep).UnixNano(), now.UnixNano()}
}

// purgeQuery is of a batch of what a condition says, in the order of that index.
func purgeQuery(where string) string {
	return fmt.Sprintf(`%s WHERE %s ORDER BY class, decided, at, id LIMIT %d`, recordColumns, where, purgeItems)
}

// purgeItems bounds what is removed in one transaction: documents are read for their hashes.
const purgeItems = 500

// Purge removes what is as old as its Retention, or older, and not to be preserved any more: before
// the time of PreserveUntil nothing is, at it and after it is. All by the store's clock when it
// begins. The audit keeps the IDs and hashes of what was removed. It is a transaction for each
// 500 records; up to an error, what it removed is told, and doing it again goes on.
//
// The bytes of what is removed stay on the disk until their place is needed, or VACUUM is run, and
// in backups.
func (s *Store) Purge(ctx context.Context, by Actor, reason string) (p Purged, err error) {
	defer func() { err = ended(ctx, err) }()
	p.Records = make(map[record.Class]int)
	if err := by.check(); err != nil {
		return p, err
	}
	if err := checkReason(reason); err != nil {
		return p, err
	}
	r, err := readRetention(ctx, s.read)
	if err != nil {
		return p, err
	}
	now := moment(s.o.Now())
	var classes []due
	keep := map[record.Class]time.Duration{record.Matched: r.Matched, record.NotJudged: r.NotJudged, record.Suppressed: r.Suppressed, record.Shadowed: r.Shadowed, record.Clean: r.Clean}
	for _, class := range record.Classes() {
		classes = append(classes, due{class, true, r.Reviewed, func(n int) { p.Reviewed += n }},
			due{class, false, keep[class], func(n int) { p.Records[class] += n }})
	}
	for i := range classes {
		d := &classes[i]
		if d.keep == 0 {
			continue
		}
		for more := true; more; {
			n := 0
			at, _, err := s.events(ctx, by, Retained, func(w *writer) (err error) {
				w.reason = reason
				n, err = w.purge(d, now)
				return err
			})
			if err != nil {
				return p, err
			}
			if n > 0 {
				p.At = at
				d.removed(n)
			}
			more = n == purgeItems
		}
		where, args := d.where(`>`, now)
		var held int
		if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM rematch_records WHERE `+where, args...).Scan(&held); err != nil {
			return p, classify(err)
		}
		p.Preserved += held
	}
	if r.Counts > 0 {
		at, _, err := s.events(ctx, by, Retained, func(w *writer) (err error) {
			w.reason = reason
			p.Counts, err = w.purgeCounts(now.Add(-r.Counts).Truncate(time.Hour))
			return err
		})
		if err != nil {
			return p, err
		}
		if p.Counts > 0 {
			p.At = at
		}
	}
	if p.At == (Position{}) {
		p.At, err = s.Head(ctx)
	}
	return p, err
}

// purge removes records that are due, with an event, and returns how many.
func (w *writer) purge(due *due, now time.Time) (int, error) {
	where, args := due.where(`<=`, now)
	rows, err := w.tx.QueryContext(w.ctx, purgeQuery(where), args...)
	if err != nil {
		return 0, classify(err)
	}
	d := &eventDoc{Change: purgeRecords, Records: new(recordsDoc)}
	err = scanRecords(rows, func(r *recordRow) {
		d.Records.Items = append(d.Records.Items, recordDoc{ID: r.id, Before: docSum(r.doc)})
	})
	n := len(d.Records.Items)
	if err != nil || n == 0 {
		return 0, err
	}
	for _, x := range d.Records.Items {
		if err := w.exec(`DELETE FROM rematch_records WHERE id = $1`, x.ID); err != nil {
			return 0, err
		}
		if err := w.exec(`DELETE FROM rematch_record_matches WHERE record = $1`, x.ID); err != nil {
			return 0, err
		}
	}
	return n, w.event(d)
}

// purgeCounts removes counts of the hours before one.
func (w *writer) purgeCounts(before time.Time) (int, error) {
	done, err := w.tx.ExecContext(w.ctx, `DELETE FROM rematch_record_counts WHERE hour < $1`, before.UnixNano())
	if err != nil {
		return 0, classify(err)
	}
	n, err := done.RowsAffected()
	if err != nil || n == 0 {
		return 0, classify(err)
	}
	return int(n), w.event(&eventDoc{Change: purgeRecords, Records: &recordsDoc{CountsBefore: before}})
}
