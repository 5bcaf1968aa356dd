package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/rematch-go/rematch/match/exchange"
)

// asideDoc is a record that could not be taken over.
type asideDoc struct {
	Page     string    `json:"page,omitempty"`
	Position int       `json:"position"`
	ID       string    `json:"id,omitempty"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
}

// fault counts a record that can't be taken over, and notes it for setAside.
func (in *intake) fault(f *exchange.RecordError) {
	in.sum.SetAside++
	g := exchange.RecordError{Page: fit(f.Page, 1024), Position: f.Position, ID: fit(f.ID, maxRecordID), Reason: fit(f.Reason, 1024)}
	if len(in.sum.Faults) < maxListed {
		in.sum.Faults = append(in.sum.Faults, g)
	}
	in.faulty = append(in.faulty, g)
}

// asideKey is what a record that was set aside is known by: its ID, or else where it stood.
func asideKey(f *exchange.RecordError) string {
	of := "id\x00" + f.ID
	if f.ID == "" {
		of = "at\x00" + f.Page + "\x00" + strconv.Itoa(f.Position)
	}
	h := sha256.Sum256([]byte(of))
	return hex.EncodeToString(h[:])
}

// aside looks up which of some keys there are.
func (in *intake) aside(keys []string) (there []string, err error) {
	err = in.w.s.d.lookup(in.w.ctx, in.w.tx, asideTable, in.x.bank, keys, func(key string, _ row) { there = append(there, key) })
	return there, classify(err)
}

// whole forgets what was set aside of records that came whole, or are gone.
func (in *intake) whole(ids []string) error {
	d := &in.x.state
	if d.Aside == 0 || len(ids) == 0 {
		return nil
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = asideKey(&exchange.RecordError{ID: id})
	}
	there, err := in.aside(keys)
	if err != nil || len(there) == 0 {
		return err
	}
	d.Aside -= int64(len(there))
	return classify(in.w.s.d.drop(in.w.ctx, in.w.tx, asideTable, in.x.bank, there))
}

// setAside lists what could not be taken over. What is kept of such a record stays, also if the
// exchange is being read from nothing: it did come again, if not whole.
func (in *intake) setAside(faults []exchange.RecordError) error {
	w, d := in.w, &in.x.state
	docs := make(map[string]string)
	var keys, ids []string
	for i := range faults {
		f := &faults[i]
		doc, err := encode(asideDoc{f.Page, f.Position, f.ID, f.Reason, w.now})
		if err != nil {
			return err
		}
		key := asideKey(f)
		if _, twice := docs[key]; !twice {
			keys = append(keys, key)
		}
		docs[key] = doc
		ids = append(ids, f.ID)
	}
	if err := in.look(ids); err != nil {
		return err
	}
	var seen, seenDocs []string
	for _, id := range ids {
		if k, is := in.have[id]; is && k.version != d.Reading {
			delete(in.have, id)
			seen, seenDocs = append(seen, id), append(seenDocs, k.doc)
		}
	}
	if len(seen) > 0 {
		if err := w.s.d.put(w.ctx, w.tx, sharedTable, in.x.bank, d.Reading, seen, seenDocs); err != nil {
			return classify(err)
		}
	}
	there, err := in.aside(keys)
	if err != nil {
		return err
	}
	slices.Sort(there)
	var put, putDocs []string
	for _, key := range keys {
		if _, is := slices.BinarySearch(there, key); !is {
			if d.Aside >= maxAside {
				continue
			}
			d.Aside++
		}
		put, putDocs = append(put, key), append(putDocs, docs[key])
	}
	if len(put) == 0 {
		return nil
	}
	return classify(w.s.d.put(w.ctx, w.tx, asideTable, in.x.bank, d.Reading, put, putDocs))
}

// Aside is a record that could not be taken over.
type Aside struct {
	exchange.RecordError
	At time.Time // when it came last
}

// SetAside returns what could not be taken over of an exchange, in no particular order: up to 1,000
// of them are listed. A record is listed until it comes whole, is gone, or the exchange was read from
// nothing without it. The error, which ends it, is match.ErrUnknown, or why the store can't be read.
func (s *Store) SetAside(ctx context.Context, name string) iter.Seq2[Aside, error] {
	return listOf(ctx, s, name, asideTable, func(_ string, doc []byte) (Aside, bool, error) {
		var d asideDoc
		err := json.Unmarshal(doc, &d)
		return Aside{exchange.RecordError{Page: d.Page, Position: d.Position, ID: d.ID, Reason: d.Reason}, d.At}, true, err
	})
}

// Later is what of a record can't be compared yet.
type Later struct {
	ID     string
	Hashes []exchange.Foreign
	Waits  bool // nothing of it can be compared, and it is no entry
}

// Later returns the hashes of an exchange's records that can't be compared yet, sorted by the bytes of
// their IDs, and the records that have nothing else. The error is as of SetAside.
func (s *Store) Later(ctx context.Context, name string) iter.Seq2[Later, error] {
	return listOf(ctx, s, name, sharedTable, func(id string, doc []byte) (Later, bool, error) {
		var d sharedDoc
		err := json.Unmarshal(doc, &d)
		return Later{id, d.Later, d.Waits}, d.Waits || len(d.Later) > 0, err
	})
}

// listOf returns what of an exchange is in a table.
func listOf[T any](ctx context.Context, s *Store, name, table string, read func(id string, doc []byte) (T, bool, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		x, err := exchangeNamed(ctx, s.read, name)
		if err != nil {
			yield(none, ended(ctx, err))
			return
		}
		for r, err := range rowsAfter(ctx, s.read, table, x.bank, "") {
			var v T
			use := true
			if err == nil {
				if v, use, err = read(r.id, []byte(r.doc)); err != nil {
					err = &AuditError{Bank: x.Bank, Entry: r.id, Reason: "what is kept of the exchange can't be read: " + err.Error(), Err: ErrDamaged}
				}
			}
			if use && (!yield(v, ended(ctx, err)) || err != nil) {
				return
			}
		}
	}
}
