package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// never is when what waits no more is due.
const never int64 = math.MaxInt64

// Outgoing is something to be told to an exchange: feedback or a record of ours, one of both.
type Outgoing struct {
	// Key is what makes it one: told under a key that waits, it takes that one's place, and the
	// same told again is nothing new, also when it was sent. Empty: made of the record's ID, and of Feedback whether
	// it is Seen or a vote, and of which hash: the last vote counts.
	Key      string
	Feedback *exchange.Feedback
	Record   *exchange.Record // with signals; its ID is ours
	// Bank is the one of the store that has the Record as an entry, of its ID. Push looks at it again, and keeps
	// back what must not be shared. Empty: it is no entry here, and nobody can have confirmed it.
	Bank string

	// What the queue says of it.
	Made     time.Time // when it was queued
	State    OutState
	Attempts int
	Next     time.Time // when it is tried next, if it waits
	Err      string    // of the last attempt, or why the last push kept it back
	Sent     time.Time
	Answer   string // what the exchange calls the record
}

// OutState is how far something is told: a stable token.
type OutState string

// The states.
const (
	Waiting OutState = "waiting"
	Told    OutState = "told"
	GivenUp OutState = "given_up" // by a person
)

// outDoc is an Outgoing in its table.
type outDoc struct {
	Feedback *feedbackDoc `json:"feedback,omitempty"`
	Submit   *submitDoc   `json:"submit,omitempty"`
	Made     time.Time    `json:"made"`
	State    OutState     `json:"state"`
	Attempts int          `json:"attempts,omitempty"`
	Error    string       `json:"error,omitempty"`
	Sent     time.Time    `json:"sent,omitzero"`
	Answer   string       `json:"answer,omitempty"`
	By       string       `json:"by"` // who gave it up, or else has queued it
	// Claimed is until when it, or what it has taken the place of, is left to who is sending it: what came later must
	// not arrive earlier.
	Claimed time.Time `json:"claimed,omitzero"`
}

type feedbackDoc struct {
	ID     string        `json:"id"`
	Says   exchange.Vote `json:"says"`
	Reason string        `json:"reason,omitempty"`
	Tags   []string      `json:"tags,omitempty"`
	Hash   string        `json:"hash,omitempty"`
	// Quality of the hash; left out: unmeasured
	Quality *int `json:"quality,omitempty"`
}

type submitDoc struct {
	Bank  string             `json:"bank,omitempty"`
	ID    string             `json:"id"`
	Entry json.RawMessage    `json:"entry"` // as in a bank
	Later []exchange.Foreign `json:"later,omitempty"`
}

// says returns what is told, and a key made of it.
func (o *Outgoing) says() (d outDoc, key string, err error) {
	fail := func(format string, args ...any) (outDoc, string, error) {
		return d, "", fmt.Errorf("%w: store: what is queued for an exchange: %s", match.ErrInvalid, fmt.Sprintf(format, args...))
	}
	if (o.Feedback == nil) == (o.Record == nil) {
		return fail("want feedback or a record, one of both")
	}
	if f := o.Feedback; f != nil {
		switch {
		case !slices.Contains([]exchange.Vote{exchange.Helpful, exchange.Disagree, exchange.Seen, exchange.Retract}, f.Says):
			return fail("there is no vote %q", f.Says)
		case !goodRecordID(f.ID) || !goodText(f.Tags, []string{f.Reason}):
			return fail("the ID is empty, longer than %d bytes, or a text is not UTF-8", maxRecordID)
		}
		d.Feedback = &feedbackDoc{ID: f.ID, Says: f.Says, Reason: f.Reason, Tags: f.Tags}
		key = "vote:" + f.ID
		if f.Says == exchange.Seen {
			key = "seen:" + f.ID
		}
		if f.Signal != nil {
			if !f.Signal.Value.IsValid() {
				return fail("the hash is the invalid zero value")
			}
			d.Feedback.Hash = f.Signal.Value.String()
			if q := int(f.Signal.Quality); f.Signal.Quality != hash.Unmeasured {
				d.Feedback.Quality = &q
			}
			key += " " + d.Feedback.Hash
		}
	} else {
		r := o.Record
		e := match.Entry{ID: r.ID, Signals: r.Signals, Labels: r.Labels, Curation: &match.Curation{Expires: r.Expires, Opinions: r.Opinions, Origin: r.Origin}, Duration: r.Duration}
		if !goodRecordID(r.ID) || !goodLater(r.Later) || !goodName(o.Bank) {
			return fail("the ID is empty, longer than %d bytes, or a text is not UTF-8", maxRecordID)
		}
		doc, err := encodeEntry("", &e)
		if err != nil {
			return d, "", err
		}
		d.Submit = &submitDoc{Bank: o.Bank, ID: r.ID, Entry: json.RawMessage(doc), Later: r.Later}
		key = "submit:" + r.ID
	}
	if o.Key != "" {
		key = o.Key
	}
	if len(key) > 2*maxRecordID || !goodName(key) {
		return fail("the key has %d bytes, is not UTF-8, or has a zero byte; want %d at most", len(key), 2*maxRecordID)
	}
	return d, key, nil
}

// outgoing reads what says has written. The error is ErrDamaged.
func (r *outRow) outgoing() (o Outgoing, err error) {
	defer func() {
		if err != nil {
			err = r.damaged(err)
		}
	}()
	d := &r.doc
	o = Outgoing{Key: r.key, Made: d.Made, State: d.State, Attempts: d.Attempts, Err: d.Error, Sent: d.Sent, Answer: d.Answer}
	if r.due < never {
		o.Next = time.UnixMilli(r.due).UTC()
	}
	if f := d.Feedback; f != nil {
		o.Feedback = &exchange.Feedback{ID: f.ID, Says: f.Says, Reason: f.Reason, Tags: f.Tags}
		if f.Hash != "" {
			v, err := hash.Parse(f.Hash)
			if err != nil {
				return o, err
			}
			o.Feedback.Signal = &match.Signal{Value: v, Quality: hash.Unmeasured}
			if f.Quality != nil {
				o.Feedback.Signal.Quality = hash.Quality(*f.Quality)
			}
		}
	}
	if s := d.Submit; s != nil {
		e, err := decodeEntry("", s.ID, string(s.Entry))
		if err != nil {
			return o, err
		}
		o.Bank = s.Bank
		o.Record = &exchange.Record{ID: s.ID, Signals: e.Signals, Labels: e.Labels, Later: s.Later, Duration: e.Duration}
		if c := e.Curation; c != nil {
			o.Record.Opinions, o.Record.Origin, o.Record.Expires = c.Opinions, c.Origin, c.Expires
		}
	}
	return o, nil
}

// outRow is a row of the outbox.
type outRow struct {
	key          string
	version, due int64
	doc          outDoc
}

func (r *outRow) damaged(err error) error {
	return &AuditError{Entry: r.key, Reason: "what is queued for an exchange can't be read: " + err.Error(), Err: ErrDamaged}
}

func outRows(ctx context.Context, q querier, where string, args ...any) (all []outRow, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, version, due, doc FROM rematch_outbox WHERE `+where, args...)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var r outRow
		var doc string
		if err := rows.Scan(&r.key, &r.version, &r.due, &doc); err != nil {
			return nil, classify(err)
		}
		if err := json.Unmarshal([]byte(doc), &r.doc); err != nil {
			return nil, r.damaged(err)
		}
		all = append(all, r)
	}
	return all, classify(rows.Err())
}

func (w *writer) putOut(bank int64, r *outRow) error {
	doc, err := encode(r.doc)
	if err != nil {
		return err
	}
	w.beside = true
	return w.exec(`INSERT INTO rematch_outbox (bank, id, version, due, doc) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (bank, id) DO UPDATE SET version = excluded.version, due = excluded.due, doc = excluded.doc`, bank, r.key, r.version, r.due, doc)
}

// queue puts something into the outbox.
func (w *writer) queue(x *exchangeRow, o *Outgoing) error {
	d, key, err := o.says()
	if err != nil {
		return err
	}
	there, err := outRows(w.ctx, w.tx, `bank = $1 AND id = $2`, x.bank, key)
	if err != nil {
		return err
	}
	if len(there) > 0 && there[0].doc.State != GivenUp && there[0].doc.same(&d) {
		return nil
	}
	if doc, err := encode(d); err != nil {
		return err
	} else if reason := w.s.tooLong(len(doc)); reason != "" {
		return fmt.Errorf("%w: store: what is queued for an exchange as %q: %s", match.ErrInvalid, key, reason)
	}
	d.Made, d.State, d.By = w.now, Waiting, w.by.String()
	due := w.now
	if len(there) > 0 && there[0].doc.Claimed.After(due) {
		d.Claimed, due = there[0].doc.Claimed, there[0].doc.Claimed
	}
	x.state.Queued++
	return errors.Join(w.putOut(x.bank, &outRow{key, x.state.Queued, due.UnixMilli(), d}), w.keepState(x))
}

// same reports whether two tell the same.
func (d *outDoc) same(o *outDoc) bool {
	a, errA := encode(outDoc{Feedback: d.Feedback, Submit: d.Submit})
	b, errB := encode(outDoc{Feedback: o.Feedback, Submit: o.Submit})
	return errA == nil && errB == nil && a == b
}

// Queue writes down what is to be told to an exchange, all or nothing; Push sends it. Errors are
// match.ErrUnknown for the exchange and ErrInvalid.
func (s *Store) Queue(ctx context.Context, by Actor, name string, what ...Outgoing) error {
	_, err := s.transact(ctx, by, BankChange, func(w *writer) error {
		x, err := w.exchange(name)
		if err != nil {
			return err
		}
		for i := range what {
			if err := w.queue(x, &what[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// decided queues what a change decides of an exchange's entry, where Exchange.Feedback asks for it.
func (w *writer) decided(b *bankRow, id, before, after string) error {
	const mark = `"decision":`
	if before == after || !strings.Contains(before, mark) && !strings.Contains(after, mark) {
		return nil
	}
	was, err := decodeEntry(b.name, id, before)
	if err != nil {
		return err
	}
	is, err := decodeEntry(b.name, id, after)
	if err != nil {
		return err
	}
	stance := func(e *match.Entry) match.Stance {
		if e.Curation == nil {
			return match.NoOpinion
		}
		return e.Curation.Decision.Stance
	}
	if stance(&was) == stance(&is) {
		return nil
	}
	x, err := w.fedBy(b.number)
	if err != nil || x == nil || !x.Feedback {
		return err
	}
	theirs := false
	err = w.s.d.lookup(w.ctx, w.tx, sharedTable, x.bank, []string{id}, func(string, row) { theirs = true })
	if err != nil || !theirs {
		return classify(err)
	}
	vote := map[match.Stance]exchange.Vote{match.Positive: exchange.Helpful, match.Negative: exchange.Disagree, match.NoOpinion: exchange.Retract}[stance(&is)]
	return w.queue(x, &Outgoing{Feedback: &exchange.Feedback{ID: id, Says: vote}})
}

// Outgoing returns what was ever queued for an exchange, what was told and given up as well, sorted by the
// bytes of the keys. The error is as of SetAside.
func (s *Store) Outgoing(ctx context.Context, name string) iter.Seq2[Outgoing, error] {
	return func(yield func(Outgoing, error) bool) {
		x, err := exchangeNamed(ctx, s.read, name)
		if err != nil {
			yield(Outgoing{}, ended(ctx, err))
			return
		}
		for after, more := "", true; more; {
			page, err := outRows(ctx, s.read, `bank = $1 AND id > $2 ORDER BY id LIMIT $3`, x.bank, after, pageSize)
			if err != nil {
				yield(Outgoing{}, ended(ctx, err))
				return
			}
			for i := range page {
				o, err := page[i].outgoing()
				if !yield(o, err) || err != nil {
					return
				}
				after = page[i].key
			}
			more = len(page) == pageSize
		}
	}
}

// GiveUp ends the telling of what waits under a key: a person has decided that. The error is
// match.ErrUnknown if nothing waits there.
func (s *Store) GiveUp(ctx context.Context, by Actor, name, key string) error {
	_, err := s.transact(ctx, by, BankChange, func(w *writer) error {
		x, err := w.exchange(name)
		if err != nil {
			return err
		}
		var there []outRow
		if goodName(key) {
			if there, err = outRows(w.ctx, w.tx, `bank = $1 AND id = $2`, x.bank, key); err != nil {
				return err
			}
		}
		if len(there) == 0 || there[0].doc.State != Waiting {
			return fmt.Errorf("%w: store: nothing waits under the key %q for the exchange %q", match.ErrUnknown, key, name)
		}
		there[0].doc.State, there[0].doc.By, there[0].due = GivenUp, w.by.String(), never
		return w.putOut(x.bank, &there[0])
	})
	return err
}
