package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
)

// Changes returns the events after a position, in the order of their commits and without gaps,
// and ends where there are no more; Wait tells of others. Each is checked against its hash and
// the one before it. Errors, which end it, are ErrDiverged where the position is not in the
// store's history, ErrDamaged (both in an *AuditError), ErrUnreachable and the context's.
//
// An event of up to 8 MB is read at a time; the store may be used meanwhile.
func (s *Store) Changes(ctx context.Context, after Position) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := inHistory(ctx, s.read, after); err != nil {
			yield(Event{}, ended(ctx, err))
			return
		}
		for {
			n := 0
			for e, err := range changes(ctx, s.read, after, 256) {
				if !yield(e, ended(ctx, err)) || err != nil {
					return
				}
				after = Position{e.Seq, e.Hash}
				n++
			}
			if n < 256 {
				return
			}
		}
	}
}

// inHistory refuses a position that is not in the store's history.
func inHistory(ctx context.Context, q querier, p Position) error {
	if p == (Position{}) {
		return nil
	}
	fail := func(reason string) error { return &AuditError{Event: p.Seq, Reason: reason, Err: ErrDiverged} }
	var sum []byte
	err := q.QueryRowContext(ctx, `SELECT hash FROM rematch_changes WHERE seq = $1`, p.Seq).Scan(&sum)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fail("the store does not have it: it is another one, or an older state of it was restored")
	case err != nil:
		return classify(err)
	case string(sum) != string(p.Hash[:]):
		return fail("it is another one in the store than the one that was followed")
	}
	return nil
}

// changes returns up to so many events after a position.
func changes(ctx context.Context, q querier, after Position, most int) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for r, err := range eventRows(ctx, q, after.Seq, most) {
			var d eventDoc
			var e Event
			prev := after.Hash
			if err == nil {
				d, after, err = r.open(after)
			}
			if err == nil {
				e, err = r.unpack(&d, prev, after)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// eventRows returns up to so many rows of the table of changes after a number.
func eventRows(ctx context.Context, q querier, after int64, most int) iter.Seq2[eventRow, error] {
	return func(yield func(eventRow, error) bool) {
		rows, err := q.QueryContext(ctx, `SELECT seq, event, hash FROM rematch_changes WHERE seq > $1 ORDER BY seq LIMIT $2`, after, most)
		if err != nil {
			yield(eventRow{}, classify(err))
			return
		}
		defer func() { _ = rows.Close() }() // Err tells
		for rows.Next() {
			var r eventRow
			if err := rows.Scan(&r.seq, &r.event, &r.hash); err != nil {
				yield(eventRow{}, classify(err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(eventRow{}, classify(err))
		}
	}
}
