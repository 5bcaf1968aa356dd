package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/rematch-go/rematch/match"
)

// VerifyAudit reads the whole audit and all tables, at one moment, and proves that
//
//   - events are numbered without a gap, each has the hash of its content and that of the one before,
//     and the last one is the store's head; each is written in the one way there is;
//   - banks and entries, made again from the events alone, are those in the tables, with their
//     versions and counts: no change went past the audit, and none that it has is missing;
//   - so are the records, as their hashes are in the events, what was counted, and the retention;
//   - what is known of the past, such as a Head that was written down elsewhere, is in it. Whoever
//     could rewrite everything could also rewrite the chain; only this would show it.
//
// It returns the position up to which that holds. The error is an *AuditError that names the first event,
// bank or entry that does not fit. Memory does not grow with the entries, unless something is wrong.
func (s *Store) VerifyAudit(ctx context.Context, known ...Position) (at Position, err error) {
	err = s.Read(ctx, func(v *View) error {
		a := newAudit()
		if err := v.replay(a, known); err != nil {
			return err
		}
		at = v.at
		if err := v.compare(a); err != nil {
			return err
		}
		return v.compareRecords(a)
	})
	return at, err
}

// sum is a set of entries as one number: the sum of keyed hashes of them all. The key is drawn
// anew for each audit, so that nobody can have chosen entries for their sums.
type sum [4]uint64

func (s *sum) add(o *sum) {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], o[i], carry)
	}
}

func (s *sum) sub(o *sum) {
	var borrow uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], o[i], borrow)
	}
}

// audited is a bank as the events say it is.
type audited struct {
	row bankRow // without counts of videos
	sum sum
}

type audit struct {
	key     [32]byte
	buf     []byte
	banks   map[string]*audited
	records auditedRecords
}

func newAudit() *audit {
	a := &audit{banks: make(map[string]*audited), records: auditedRecords{counts: make(map[countKey]int64), retention: bareDoc}}
	_, _ = rand.Read(a.key[:]) // it never fails
	return a
}

// of returns the sum of one entry.
func (a *audit) of(id string, version int64, doc []byte) (s sum) {
	a.buf = append(a.buf[:0], a.key[:]...)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(version))
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(len(id)))
	a.buf = append(append(a.buf, id...), doc...)
	h := sha256.Sum256(a.buf)
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(h[8*i:])
	}
	return s
}

// auditedEvent is an event that was taken apart, and the position after it.
type auditedEvent struct {
	eventDoc
	at Position
}

// events returns all events from the first on, each checked against its hash and the one before.
func (v *View) events() iter.Seq2[*auditedEvent, error] {
	return func(yield func(*auditedEvent, error) bool) {
		const page = 1024
		var e auditedEvent
		from := int64(math.MinInt64) // also what stands before the first
		for n := page; n == page; from = e.at.Seq {
			n = 0
			for r, err := range eventRows(v.ctx, v.tx, from, page) {
				if err == nil {
					e.eventDoc, e.at, err = r.open(e.at)
				}
				if !yield(&e, err) || err != nil {
					return
				}
				n++
			}
		}
	}
}

// replay goes through all events.
func (v *View) replay(a *audit, known []Position) error {
	known = slices.DeleteFunc(slices.Clone(known), func(p Position) bool { return p == Position{} })
	slices.SortFunc(known, func(x, y Position) int { return cmp.Compare(x.Seq, y.Seq) })
	var at Position
	for e, err := range v.events() {
		if err == nil {
			err = a.take(&e.eventDoc)
		}
		if err != nil {
			return err
		}
		at = e.at
		for len(known) > 0 && known[0].Seq <= at.Seq {
			if known[0].Seq == at.Seq && known[0] != at {
				return &AuditError{Event: at.Seq, Reason: fmt.Sprintf("its hash is %s; %s was noted of it", at.Hash, known[0].Hash), Err: ErrDiverged}
			}
			known = known[1:]
		}
	}
	switch {
	case at != v.at:
		return &AuditError{Event: max(at.Seq, v.at.Seq), Reason: fmt.Sprintf("the audit ends with event %s, and the store's head is %s", at, v.at), Err: ErrDamaged}
	case len(known) > 0:
		return &AuditError{Event: known[0].Seq, Reason: fmt.Sprintf("it was noted once, and the audit ends with event %d", at.Seq), Err: ErrDiverged}
	}
	return nil
}

// take makes an event's change.
func (a *audit) take(d *eventDoc) error {
	fail := func(format string, args ...any) error {
		return &AuditError{Event: d.ID, Bank: d.Match.Bank, Reason: fmt.Sprintf(format, args...), Err: ErrDamaged}
	}
	if err := d.Actor.check(); err != nil {
		return fail("%v", err)
	}
	if isRecordChange(d.Change) {
		return a.takeRecords(d)
	}
	op, ok := parseOp(d.Change)
	if !ok {
		return fail("there is no change %q", d.Change)
	}
	ofBank := op == match.PutBank || op == match.DropBank
	if (d.After != nil) != (op == match.PutBank) || d.Before != nil && !ofBank || d.Dropped != 0 && op != match.DropBank || (len(d.Entries) == 0) != ofBank || d.Records != nil || !d.Preserve.IsZero() {
		return fail("it has what a change %s has not, or lacks what it has", op)
	}
	if d.After != nil {
		set, err := decodeBank(d.Match.Bank, string(d.After))
		if err != nil {
			return err
		}
		if doc, err := bankDocument(&set); err != nil || doc != string(d.After) {
			return fail("its settings are not written as the store writes them")
		}
	}
	b := a.banks[d.Match.Bank]
	if b == nil && op == match.PutBank && d.Version == 0 && d.Before == nil && d.Match.Number == d.ID {
		a.banks[d.Match.Bank] = &audited{row: bankRow{number: d.ID, version: d.ID, name: d.Match.Bank, doc: string(d.After)}}
		return nil
	}
	if b == nil || b.row.number != d.Match.Number {
		return fail("it changes a bank that is not there")
	}
	switch op {
	case match.PutBank, match.DropBank:
		if d.Version != b.row.version || string(d.Before) != b.row.doc {
			return fail("what it says was before is not what was")
		}
		if op == match.PutBank {
			b.row.version, b.row.doc = d.ID, string(d.After)
			return nil
		}
		if d.Dropped != b.row.entries {
			return fail("it says that %d entries went with the bank; there were %d", d.Dropped, b.row.entries)
		}
		delete(a.banks, d.Match.Bank)
		return nil
	}
	for i := range d.Entries {
		x := &d.Entries[i]
		if (x.After == nil) != (op == match.DropEntries) || (x.Before == nil) != (x.Version == 0) || x.Version >= d.ID {
			return fail("entry %q has what it should not have", x.ID)
		}
		if x.After != nil {
			e, err := decodeEntry(d.Match.Bank, x.ID, string(x.After))
			if err != nil {
				return err
			}
			if doc, err := entryDocument(&e); err != nil || doc != string(x.After) {
				return fail("entry %q is not written as the store writes it", x.ID)
			}
		}
		if x.Before != nil {
			one := a.of(x.ID, x.Version, x.Before)
			b.sum.sub(&one)
			b.row.entries--
		}
		if x.After != nil {
			one := a.of(x.ID, d.ID, x.After)
			b.sum.add(&one)
			b.row.entries++
		}
	}
	return nil
}

// compare compares the tables with what the audit says.
func (v *View) compare(a *audit) error {
	names := maps.Clone(a.banks)
	for i := range v.banks {
		b := &v.banks[i]
		fail := func(format string, args ...any) error {
			return &AuditError{Event: b.version, Bank: b.name, Reason: fmt.Sprintf(format, args...), Err: ErrDamaged}
		}
		want := a.banks[b.name]
		delete(names, b.name)
		switch {
		case want == nil:
			return fail("it is in its table, and not in the audit")
		case want.row.number != b.number || want.row.version != b.version || want.row.doc != b.doc:
			return fail("its settings are not those of the audit")
		}
		var have sum
		entries, videos := int64(0), int64(0)
		for x, err := range v.rows(b, "") {
			if err != nil {
				return err
			}
			one := a.of(x.id, x.version, []byte(x.doc))
			have.add(&one)
			entries++
			if isVideoDoc(x.doc) {
				videos++
			}
		}
		switch {
		case have != want.sum || entries != want.row.entries:
			return v.search(b)
		case entries != b.entries || videos != b.videos:
			return fail("its table says that it has %d entries and %d videos; it has %d and %d", b.entries, b.videos, entries, videos)
		}
	}
	var number int64
	var id string
	switch err := v.tx.QueryRowContext(v.ctx, v.d.strays).Scan(&number, &id); {
	case err == nil:
		return &AuditError{Bank: fmt.Sprint("number ", number), Entry: id, Reason: "a row of it is found by nobody", Err: ErrDamaged}
	case !errors.Is(err, sql.ErrNoRows):
		return classify(err)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		return &AuditError{Event: names[name].row.version, Bank: name, Reason: "it is in the audit, and not in its table", Err: ErrDamaged}
	}
	return nil
}

// search finds the first entry of a bank that is not as the audit says.
func (v *View) search(b *bankRow) error {
	want := make(map[string]row)
	for e, err := range v.events() {
		if err != nil {
			return err
		}
		if e.Match.Number != b.number {
			continue
		}
		for i := range e.Entries {
			x := &e.Entries[i]
			if was := want[x.ID]; was.version != x.Version || was.doc != string(x.Before) {
				return &AuditError{Event: e.ID, Bank: b.name, Entry: x.ID, Reason: "what the event says was before is not what was", Err: ErrDamaged}
			}
			if x.After == nil {
				delete(want, x.ID)
			} else {
				want[x.ID] = row{e.ID, string(x.After)}
			}
		}
	}
	for x, err := range v.rows(b, "") {
		if err != nil {
			return err
		}
		switch w, there := want[x.id]; {
		case !there:
			return &AuditError{Event: x.version, Bank: b.name, Entry: x.id, Reason: "it is in its table, and not in the audit", Err: ErrDamaged}
		case w != x.row:
			return &AuditError{Event: w.version, Bank: b.name, Entry: x.id, Reason: "it is not as the audit says", Err: ErrDamaged}
		}
		delete(want, x.id)
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		return &AuditError{Event: want[id].version, Bank: b.name, Entry: id, Reason: "it is in the audit, and not in its table", Err: ErrDamaged}
	}
	return &AuditError{Bank: b.name, Reason: "its entries are not those of the audit", Err: ErrDamaged}
}

// Verify proves that banks of a set are those of the view: settings, entries, and nothing else.
// The error is an *AuditError that names the first bank or entry that differs, or that of the
// set. It costs a look-up in the set for each entry.
func (v *View) Verify(set match.Set) error {
	infos := make(map[string]match.BankInfo)
	for _, info := range set.Banks() {
		infos[info.Name] = info
	}
	for i := range v.banks {
		b := &v.banks[i]
		fail := func(entry, reason string) error {
			return &AuditError{Bank: b.name, Entry: entry, Reason: reason, Err: ErrDiverged}
		}
		info, there := infos[b.name]
		if !there {
			return fail("", "it is in the store, and not in the index")
		}
		delete(infos, b.name)
		settings := info.Settings()
		if doc, err := encodeBank(&settings); err != nil || doc != b.doc {
			return fail("", "its settings in the index are others")
		}
		n := 0
		for x, err := range v.rows(b, "") {
			if err != nil {
				return err
			}
			e, ok, err := set.Entry(b.name, x.id)
			if err != nil {
				return err
			}
			if !ok {
				return fail(x.id, "it is in the store, and not in the index")
			}
			if doc, err := encodeEntry(b.name, &e); err != nil || doc != x.doc {
				return fail(x.id, "it is another one in the index")
			}
			n++
		}
		if n == info.Entries {
			continue
		}
		for e, err := range set.Entries(b.name) {
			if err != nil {
				return err
			}
			if _, ok, err := v.row(b, e.ID); err != nil {
				return err
			} else if !ok {
				return fail(e.ID, "it is in the index, and not in the store")
			}
		}
		return fail("", fmt.Sprintf("the index says that it has %d entries; it has %d", info.Entries, n))
	}
	for _, name := range slices.Sorted(maps.Keys(infos)) {
		return &AuditError{Bank: name, Reason: "it is in the index, and not in the store", Err: ErrDiverged}
	}
	return nil
}

// VerifyIndex proves that the index that a node would have is what is in the store at a moment:
// made from a snapshot of a Follower and the changes since, or without a path from the store. The
// file is not written to; one that is not of this store's history is ErrDiverged. It returns that position; errors
// are those of View.Verify, Follow and match.OpenSnapshot.
func (s *Store) VerifyIndex(ctx context.Context, path string) (at Position, err error) {
	m, err := match.New(match.Options{MaxRadius: s.o.MaxRadius})
	if err != nil {
		return at, err
	}
	f := &Follower{s: s, o: FollowOptions{Match: match.Options{MaxRadius: s.o.MaxRadius}}}
	if path != "" {
		snap, err := match.OpenSnapshot(path)
		if err == nil {
			err = m.Load(snap)
		}
		if err != nil {
			return at, err
		}
		if f.at, err = s.positionOf(ctx, snap.Lineage()); err != nil {
			return f.at, err
		}
		f.m.Store(m)
	} else if err := f.settleSnapshot(ctx); err != nil {
		return at, err
	}
	return f.Verify(ctx)
}

// Verify proves that the Matcher is what is in the store at a moment: it catches up to it, and
// compares all banks and entries. Changes wait only while it catches up, and are followed
// meanwhile. It returns that position; errors are those of View.Verify.
func (f *Follower) Verify(ctx context.Context) (at Position, err error) {
	var frozen *match.Frozen
	f.applying.Lock()
	locked := true
	unlock := func() {
		if locked {
			f.applying.Unlock()
			locked = false
		}
	}
	defer unlock()
	if f.pending != nil {
		return at, fmt.Errorf("%w: the snapshot was not yet found in the store's history", ErrBehind)
	}
	err = f.s.Read(ctx, func(v *View) error {
		if err := inHistory(ctx, v.tx, f.at); err != nil {
			return err
		}
		for f.at != v.at {
			before := f.at
			for e, err := range changes(ctx, v.tx, f.at, 256) {
				if err == nil && e.Op != "" {
					err = f.m.Load().Apply(e.Change())
				}
				if err != nil {
					return err
				}
				f.at = Position{e.Seq, e.Hash}
			}
			if f.at == before {
				return &AuditError{Event: v.at.Seq, Reason: "events up to the head are missing", Err: ErrDamaged}
			}
		}
		at, frozen = f.at, f.m.Load().Freeze()
		unlock()
		return v.Verify(frozen)
	})
	return at, err
}
