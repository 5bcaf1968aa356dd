package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// View is the store as it was at one moment: a match.Set, whose banks are sorted by name and
// whose entries by the bytes of their IDs. match.Find, Statistics and Diff work on it. It is valid
// within the call of Read, and not for concurrent use.
type View struct {
	ctx   context.Context
	tx    *sql.Tx
	at    Position
	banks []bankRow
	infos []match.BankInfo

	d *dialect
}

// Read calls a function with the store as it is at one moment; changes go on meanwhile. The
// error is that of the function, or why the store could not be read.
func (s *Store) Read(ctx context.Context, read func(v *View) error) (err error) {
	defer func() { err = ended(ctx, err) }()
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{Isolation: s.d.isolation, ReadOnly: true})
	if err != nil {
		return classify(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	v := &View{ctx: ctx, tx: tx, d: &s.d}
	if v.at, err = readHead(ctx, tx, ""); err != nil {
		return err
	}
	if err := v.readBanks(); err != nil {
		return err
	}
	return read(v)
}

func (v *View) readBanks() error {
	rows, err := v.tx.QueryContext(v.ctx, bankColumns)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var b bankRow
		if err := b.scan(rows); err != nil {
			return classify(err)
		}
		v.banks = append(v.banks, b)
	}
	if err := rows.Err(); err != nil {
		return classify(err)
	}
	slices.SortFunc(v.banks, func(a, b bankRow) int { return strings.Compare(a.name, b.name) })
	for i := range v.banks {
		b := &v.banks[i]
		set, err := decodeBank(b.name, b.doc)
		if err != nil {
			return err
		}
		info := match.BankInfo{Name: b.name, Labels: set.Labels, Disabled: set.Disabled, Allow: set.Allow, Suppresses: set.Suppresses,
			Action: set.Action, Policy: set.Policy, RollOut: set.RollOut, Entries: int(b.entries), Videos: int(b.videos),
			Given: make(map[hash.Kind]int), Thresholds: make(map[hash.Kind]int), Signals: make(map[hash.Kind]int)}
		maps.Copy(info.Given, set.Thresholds)
		v.infos = append(v.infos, info)
	}
	return nil
}

// Position returns where in the store's history the view is.
func (v *View) Position() Position { return v.at }

// Banks describes the banks. Signals and Thresholds are empty: what can match only a Matcher knows.
func (v *View) Banks() []match.BankInfo { return slices.Clone(v.infos) }

// Version returns the version of a bank, or of one of its entries where an ID is given: for
// Change.Expect. 0: it is not there.
func (v *View) Version(bank, id string) (int64, error) {
	b := v.bank(bank)
	switch {
	case b == nil:
		return 0, nil
	case id == "":
		return b.version, nil
	}
	r, _, err := v.row(b, id)
	return r.version, err
}

func (v *View) bank(name string) *bankRow {
	if i, found := slices.BinarySearchFunc(v.banks, name, func(b bankRow, name string) int { return strings.Compare(b.name, name) }); found {
		return &v.banks[i]
	}
	return nil
}

func unknownBank(name string) error {
	return refuse(name, "", match.ErrUnknown, "there is no such bank; Banks lists them")
}

func (v *View) row(b *bankRow, id string) (r row, ok bool, err error) {
	if !goodName(id) {
		return row{}, false, nil
	}
	err = v.tx.QueryRowContext(v.ctx, `SELECT version, doc FROM rematch_entries WHERE bank = $1 AND id = $2`, b.number, id).Scan(&r.version, &r.doc)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, false, nil
	}
	return r, err == nil, classify(err)
}

// Entry returns an entry of a bank; ok is false if it has none of that ID. Errors are
// match.ErrUnknown for the bank, ErrDamaged and ErrUnreachable.
func (v *View) Entry(bank, id string) (e match.Entry, ok bool, err error) {
	b := v.bank(bank)
	if b == nil {
		return e, false, unknownBank(bank)
	}
	r, ok, err := v.row(b, id)
	if !ok || err != nil {
		return e, false, err
	}
	e, err = decodeEntry(bank, id, r.doc)
	return e, err == nil, err
}

// Entries returns the entries of a bank. Errors, which end it, are those of Entry.
func (v *View) Entries(bank string) iter.Seq2[match.Entry, error] { return v.EntriesAfter(bank, "") }

// EntriesAfter returns those whose IDs come after one, for pages. Whether there is such an entry
// does not matter.
func (v *View) EntriesAfter(bank, id string) iter.Seq2[match.Entry, error] {
	return func(yield func(match.Entry, error) bool) {
		b := v.bank(bank)
		if b == nil {
			yield(match.Entry{}, unknownBank(bank))
			return
		}
		for x, err := range v.rows(b, id) {
			var e match.Entry
			if err == nil {
				e, err = decodeEntry(bank, x.id, x.doc)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Build gives all banks and entries to a Builder, which makes a bank file or a Snapshot of them.
// Errors are those of Entry and of the Builder.
func (v *View) Build(b *match.Builder) error {
	for i := range v.banks {
		bank := &v.banks[i]
		if err := b.Bank(v.infos[i].Settings()); err != nil {
			return err
		}
		for x, err := range v.rows(bank, "") {
			var e match.Entry
			if err == nil {
				e, err = decodeEntry(bank.name, x.id, x.doc)
			}
			if err == nil {
				err = b.Entry(e)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// rows returns the rows of a bank after an ID.
func (v *View) rows(b *bankRow, after string) iter.Seq2[idRow, error] {
	return rowsAfter(v.ctx, v.tx, entryTable, b.number, after)
}

// History returns the events that made an entry what it is, the newest first. It follows the
// versions back to where the entry was put for the first time, or again after it was dropped; each is a look-up. Of an
// entry that is not there it is empty: Changes has all. Errors are those of Entry.
func (v *View) History(bank, id string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		version, err := v.Version(bank, id)
		for version > 0 && err == nil {
			var e Event
			if e, err = v.event(version); err != nil {
				break
			}
			next := int64(-1)
			for i := range e.Entries {
				if e.Entries[i].ID == id {
					next = e.Entries[i].Version
				}
			}
			if next < 0 || next >= version || e.Bank != bank {
				err = &AuditError{Event: version, Bank: bank, Entry: id, Reason: "the event does not have the entry", Err: ErrDamaged}
				break
			}
			if !yield(e, nil) {
				return
			}
			version = next
		}
		if err != nil {
			yield(Event{}, err)
		}
	}
}

// event reads one event. Its hash is checked, not what it follows.
func (v *View) event(seq int64) (e Event, err error) {
	r := eventRow{seq: seq}
	err = v.tx.QueryRowContext(v.ctx, `SELECT event, hash FROM rematch_changes WHERE seq = $1`, seq).Scan(&r.event, &r.hash)
	if errors.Is(err, sql.ErrNoRows) {
		return e, &AuditError{Event: seq, Reason: "it is missing", Err: ErrDamaged}
	} else if err != nil {
		return e, classify(err)
	}
	var head struct {
		Prev string `json:"prev_hash"`
	}
	if err := json.Unmarshal(r.event, &head); err != nil {
		return e, &AuditError{Event: seq, Reason: err.Error(), Err: ErrDamaged}
	}
	before, err := ParsePosition(fmt.Sprintf("%d:%s", seq-1, head.Prev))
	if err != nil {
		return e, &AuditError{Event: seq, Reason: err.Error(), Err: ErrDamaged}
	}
	d, at, err := r.open(before)
	if err != nil {
		return e, err
	}
	return r.unpack(&d, before.Hash, at)
}
