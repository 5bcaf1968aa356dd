package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// How what was not told is told again.
const (
	firstRetry  = time.Minute
	lastRetry   = 6 * time.Hour
	claimed     = 10 * time.Minute // for how long what is being sent is left to who sends it
	manyAtOnce  = 50               // records of one Submit
	maxFailures = 5                // in a row: then it is the exchange, and not what is told
)

// PushSummary is what a push came to.
type PushSummary struct {
	Exchange string
	Sent     int
	Failed   int // they are tried again later; Outgoing tells why
	// Kept is how many records are kept back, by why: in "quarantine", set aside by their hashes (a match.Cause) and
	// confirmed by nobody, "negative", "disabled" (also with its bank), "expired", "gone" from the bank, or in an "allow_list".
	// The next push looks again.
	Kept    map[string]int
	Waiting int // what is left in the queue, with those that failed and are kept back
}

// Push tells an exchange what is queued for it and due, in the order it was queued. What it says is sent at
// least once: what is not known to have arrived is sent again, after a minute, two, four and so on
// up to six hours, until a person gives it up. Records are sent in batches, and those of a batch that
// failed one by one. Several may push at once: each sends something else.
//
// What must not be shared stays in the queue, until somebody confirms the entry, mends it or gives it up:
// what is in quarantine, or has a hash that a Matcher without options sets aside (match.Sieve), unless our
// Decision of the entry, that has the hash, is match.Positive; and what by now is negative, disabled, expired or not in
// its bank, or of a bank that is disabled or an allow-list. It is told as it was queued: Queue what was mended again.
//
// The error is that of the last attempt, if five in a row have failed and not for what was told, and else the store's or the
// context's.
func (s *Store) Push(ctx context.Context, name string, to exchange.Sink) (PushSummary, error) {
	sum := PushSummary{Exchange: name}
	by := Actor{System, "exchange " + name}
	sieve, err := match.NewSieve(match.Options{})
	if err != nil {
		return sum, err
	}
	failures := 0
	for after := int64(0); ; {
		var batch []outRow
		var bank int64
		before := after
		batch, bank, after, err = s.claim(ctx, by, name, sieve, before, &sum)
		if err != nil || len(batch) == 0 && after == before {
			return sum, err
		}
		if len(batch) == 0 {
			continue // all that was looked at is kept back
		}
		told := make([]Outgoing, len(batch))
		for i := range batch {
			if told[i], err = batch[i].outgoing(); err != nil {
				return sum, err
			}
		}
		answers, err := tell(ctx, to, told)
		if ctx.Err() != nil && err != nil {
			return sum, errors.Join(context.Cause(ctx), s.settleOut(context.WithoutCancel(ctx), by, name, bank, batch, nil, ctx.Err(), &sum))
		}
		if err2 := s.settleOut(ctx, by, name, bank, batch, answers, err, &sum); err2 != nil {
			return sum, err2
		}
		if err == nil || isOwnFault(err) {
			failures = 0
			continue
		}
		if failures++; failures == maxFailures {
			return sum, fmt.Errorf("store: telling the exchange %q: %w", name, err)
		}
	}
}

// tell sends a vote, or records, for as long as they are left to us: after that, others may be on
// their way. It returns what the exchange calls each.
func tell(ctx context.Context, to exchange.Sink, what []Outgoing) (answers []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, claimed-time.Minute)
	defer cancel()
	if f := what[0].Feedback; f != nil {
		return []string{""}, to.Send(ctx, *f)
	}
	records := make([]exchange.Record, len(what))
	for i := range what {
		records[i] = *what[i].Record
	}
	if answers, err = to.Submit(ctx, records); err == nil && len(answers) != len(records) {
		err = fmt.Errorf("%d IDs for %d records: %w", len(answers), len(records), exchange.ErrPage)
	}
	return answers, err
}

// isOwnFault reports whether it was what was told, and not the exchange.
func isOwnFault(err error) bool {
	for _, own := range []error{exchange.ErrNoSuchVote, exchange.ErrReason, exchange.ErrNoSuchRecord, exchange.ErrNoSuchKind, exchange.ErrRefused} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// claim takes what is to be sent next: feedback, or some records that were not tried yet, or one
// that was. For a while it is left to the caller. What was kept back up to a place in the queue is
// not looked at again; passed is that place by now. It looks at manyAtOnce at the most: other writers wait.
func (s *Store) claim(ctx context.Context, by Actor, name string, sieve *match.Sieve, after int64, sum *PushSummary) (batch []outRow, bank, passed int64, err error) {
	kept := make(map[string]int)
	_, err = s.transact(ctx, by, ListSync, func(w *writer) error {
		x, err := w.exchange(name)
		if err != nil {
			return err
		}
		bank, passed = x.bank, after
		if err := w.tx.QueryRowContext(w.ctx, `SELECT count(*) FROM rematch_outbox WHERE bank = $1 AND due < $2`, bank, never).Scan(&sum.Waiting); err != nil {
			return classify(err)
		}
		due, err := outRows(w.ctx, w.tx, `bank = $1 AND due <= $2 AND version > $3 ORDER BY version LIMIT $4`, bank, w.now.UnixMilli(), passed, manyAtOnce)
		if err != nil {
			return err
		}
		for i := range due {
			r := &due[i]
			alone := r.doc.Submit == nil || r.doc.Attempts > 0
			if alone && len(batch) > 0 {
				break
			}
			why, reason, err := w.keepBack(r, sieve)
			if err != nil {
				return err
			}
			if why != "" {
				kept[why]++
				passed = r.version
				was := r.doc.Error
				if r.doc.Error = fit("kept back: "+reason, 2048); r.doc.Error == was {
					continue
				}
				if err := w.putOut(bank, r); err != nil {
					return err
				}
				continue
			}
			if batch = append(batch, *r); alone {
				break
			}
		}
		for i := range batch {
			batch[i].doc.Claimed = w.now.Add(claimed)
			batch[i].due = batch[i].doc.Claimed.UnixMilli()
			if err := w.putOut(bank, &batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, bank, passed, err
	}
	if len(kept) > 0 && sum.Kept == nil {
		sum.Kept = make(map[string]int)
	}
	for why, n := range kept {
		sum.Kept[why] += n
	}
	return batch, bank, passed, err
}

// keepBack says why a record must not be shared now, in a word and for people; else it is empty.
func (w *writer) keepBack(r *outRow, sieve *match.Sieve) (why, reason string, err error) {
	d := r.doc.Submit
	if d == nil {
		return "", "", nil
	}
	told, err := decodeEntry(d.Bank, d.ID, string(d.Entry))
	if err != nil {
		return "", "", r.damaged(err)
	}
	var sure []match.Signal // confirmed by us
	if d.Bank != "" {
		e, set, ok, err := w.entry(d.Bank, d.ID)
		switch state := e.State(set.Policy, w.now); {
		case err != nil:
			return "", "", err
		case !ok:
			return "gone", fmt.Sprintf("it is not in the bank %q any more", d.Bank), nil
		case set.Allow:
			return "allow_list", fmt.Sprintf("the bank %q is an allow-list: what is in it is known to be harmless", d.Bank), nil
		case set.Disabled:
			return match.StateDisabled, fmt.Sprintf("the bank %q is disabled here", d.Bank), nil
		case e.Curation.Held():
			q := &e.Curation.Quarantine
			return match.ShadowedByQuarantine, fmt.Sprintf("it is in quarantine since %s, for it matched %d of %d uploads; look at it, and confirm or release it", q.Since.Format(time.RFC3339), q.Count, q.Uploads), nil
		case e.Curation.Stance() == match.Negative:
			return match.Negative.String(), "it is not what the bank is for, as was decided or said of it here", nil
		case state == match.StateDisabled || state == match.StateExpired:
			return state, "it is " + state + " here", nil
		case e.Curation != nil && e.Curation.Decision.Stance == match.Positive:
			sure = e.Signals
		}
	}
	for _, q := range sieve.Aside(d.Bank, &told) {
		if slices.ContainsFunc(sure, func(s match.Signal) bool { return s.Value == q.Value }) {
			continue
		}
		return string(q.Cause), fmt.Sprintf("%s: %s; look at it, and confirm it if it is right", q.Value, q.Reason), nil
	}
	return "", "", nil
}

// entry returns an entry of a bank as it is, with the bank's settings; ok is false if there is none.
func (w *writer) entry(bank, id string) (e match.Entry, set match.Bank, ok bool, err error) {
	b, err := w.bank(bank)
	if err != nil || b == nil {
		return e, set, false, err
	}
	var r row
	if err := w.s.d.lookup(w.ctx, w.tx, entryTable, b.number, []string{id}, func(_ string, found row) { r, ok = found, true }); err != nil || !ok {
		return e, set, false, classify(err)
	}
	set, err = decodeBank(b.name, b.doc)
	if err == nil {
		e, err = decodeEntry(bank, id, r.doc)
	}
	return e, set, err == nil, err
}

// settleOut writes down what became of what was sent. What has taken its place meanwhile is due then.
func (s *Store) settleOut(ctx context.Context, by Actor, name string, bank int64, batch []outRow, answers []string, failed error, sum *PushSummary) error {
	sent, failures, left := 0, 0, sum.Waiting
	_, err := s.transact(ctx, by, ListSync, func(w *writer) error {
		sent, failures, left = 0, 0, sum.Waiting
		for i := range batch {
			r := batch[i]
			mine := r.doc.Claimed
			r.doc.Claimed = time.Time{}
			now, err := outRows(w.ctx, w.tx, `bank = $1 AND id = $2`, bank, r.key)
			if err != nil {
				return err
			}
			if len(now) == 0 || now[0].doc.State != Waiting {
				continue
			}
			if now[0].version != r.version {
				if other := now[0]; other.doc.Claimed.Equal(mine) {
					other.doc.Claimed, other.due = time.Time{}, w.now.UnixMilli()
					if err := w.putOut(bank, &other); err != nil {
						return err
					}
				}
				continue
			}
			switch {
			case failed == nil:
				r.doc.State, r.doc.Sent, r.doc.Answer, r.doc.Error, r.due = Told, w.now, fit(answers[i], maxRecordID), "", never
				r.doc.Attempts++
				sent++
				left--
			case errors.Is(failed, context.Canceled): // it was not tried in full
				r.due = w.now.UnixMilli()
			default:
				r.due = w.now.Add(min(lastRetry, firstRetry<<min(r.doc.Attempts, 16))).UnixMilli()
				r.doc.Attempts++
				r.doc.Error = fit(failed.Error(), 2048)
				failures++
			}
			if err := w.putOut(bank, &r); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		sum.Sent, sum.Failed, sum.Waiting = sum.Sent+sent, sum.Failed+failures, left
	}
	return err
}
