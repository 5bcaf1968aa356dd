package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/record"
)

// update changes a record that is there, and returns what the event says of it.
func (w *writer) update(id string, change func(r *record.Record) error) (recordDoc, error) {
	d := recordDoc{ID: id}
	was, err := w.record(id)
	if err != nil {
		return d, err
	}
	if was == nil {
		return d, unknownRecord(id)
	}
	r, err := was.open()
	if err != nil {
		return d, err
	}
	if err := change(r); err != nil {
		return d, err
	}
	now, err := newRecordRow(r)
	if err != nil {
		return d, err
	}
	d.Before, d.After = docSum(was.doc), docSum(now.doc)
	if d.Before == d.After {
		return d, nil
	}
	w.changed++
	return d, w.exec(`UPDATE rematch_records SET status = $1, decided = $2, preserve = $3, doc = $4 WHERE id = $5`, now.status, now.decided, now.preserve, now.doc, id)
}

func unknownRecord(id string) error {
	return fmt.Errorf("%w: there is no record %q; it was never kept, or removed", match.ErrUnknown, id)
}

// Bounds on a record, which is written anew with each decision.
const (
	maxDecisions = 1000
	maxNotes     = 1 << 20 // bytes of all notes
)

// Decide adds a decision to a record: Status, Note, and where it is not of all that matched, Bank
// and Entry. Who and when are the actor and the store's clock. seen is how many decisions the
// caller has seen; are there others by now, the change is ErrConflict. -1: however many there are.
//
// The event is Decided, or Reversed where the upload's Status is the opposite of what it was. It
// has the status and the hashes of the document; the note is in the record alone, and goes with it.
// Errors are those of Apply, and match.ErrUnknown for the record, or for a bank or entry that it
// did not match.
func (s *Store) Decide(ctx context.Context, by Actor, id string, d record.Decision, seen int) (Position, error) {
	at, _, err := s.events(ctx, by, Decided, func(w *writer) error {
		d.Actor, d.At = record.Actor(by), w.now
		if err := d.Check(); err != nil {
			return fmt.Errorf("%w: %w", match.ErrInvalid, err)
		}
		item, err := w.update(id, func(r *record.Record) error {
			n := len(r.Decisions)
			if seen >= 0 && seen != n {
				conflict := &ConflictError{Record: id, Want: int64(seen), Have: int64(n)}
				if n > 0 {
					conflict.By = Actor(r.Decisions[n-1].Actor)
				}
				return conflict
			}
			notes := len(d.Note)
			for i := range r.Decisions {
				notes += len(r.Decisions[i].Note)
			}
			if n >= maxDecisions || notes > maxNotes {
				return fmt.Errorf("%w: record %q has %d decisions already; %d is the most, with notes of %d bytes together", match.ErrInvalid, id, n, maxDecisions, maxNotes)
			}
			of := func(m record.Match) bool { return m.Bank == d.Bank && (d.Entry == "" || m.Entry == d.Entry) }
			if d.Bank != "" && !slices.ContainsFunc(r.Matches, of) && !slices.ContainsFunc(r.Shadow, of) {
				return refuse(d.Bank, d.Entry, match.ErrUnknown, "record %q did not match it", id)
			}
			before := r.Status()
			r.Decisions = append(r.Decisions, d)
			if now := r.Status(); before != "" && now != "" && now != before {
				w.action = Reversed
			}
			return nil
		})
		if err != nil {
			return err
		}
		w.status = d.Status
		return w.event(&eventDoc{Change: decideRecord, Records: &recordsDoc{Items: []recordDoc{item}}})
	})
	return at, err
}

// Preserve sets until when records are not removed, whatever the retention, as a law or an
// authority asks. A later time that is set already stays: what one law asks is not made shorter by
// another. The zero time lifts it. All or none: the error is match.ErrUnknown for one that is not
// there. It returns how many it changed.
func (s *Store) Preserve(ctx context.Context, by Actor, until time.Time, reason string, ids ...string) (changed int, at Position, err error) {
	if err := checkReason(reason); err != nil {
		return 0, at, err
	}
	if until = moment(until); !until.IsZero() && until.Unix() <= 0 {
		return 0, at, fmt.Errorf("%w: to be preserved until %v; want 1970 to 2261", match.ErrInvalid, until)
	}
	at, changed, err = s.events(ctx, by, Retained, func(w *writer) error {
		w.reason = reason
		for part := range slices.Chunk(ids, maxItems) {
			d := &eventDoc{Change: preserveRecords, Records: new(recordsDoc), Preserve: until}
			for _, id := range part {
				item, err := w.update(id, func(r *record.Record) error {
					if until.IsZero() || until.After(r.PreserveUntil) {
						r.PreserveUntil = until
					}
					return nil
				})
				if err != nil {
					return err
				}
				if item.Before != item.After {
					d.Records.Items = append(d.Records.Items, item)
				}
			}
			if len(d.Records.Items) > 0 {
				if err := w.event(d); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return changed, at, err
}
