package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// maxRecordID bounds the ID of a record: an index of PostgreSQL has no room for much longer ones,
// and one such record must not stop all others.
const maxRecordID = 1024

// sharedDoc is what is kept of a record beside its entry: what came, so that what was changed here
// can be told from it.
type sharedDoc struct {
	Labels  []string           `json:"labels,omitempty"`
	Expires time.Time          `json:"expires,omitzero"`
	Later   []exchange.Foreign `json:"later,omitempty"`
	Waits   bool               `json:"waits,omitempty"` // nothing can be compared: there is no entry
}

// intake takes over what an exchange has, within a transaction.
type intake struct {
	w     *writer
	x     *exchangeRow
	b     *bankRow
	sieve *match.Sieve
	sum   *Summary
	have  map[string]kept // of a part of a page: records that there are

	faulty []exchange.RecordError // what of the page can't be taken over
}

// kept is a record in its table.
type kept struct {
	row
	sharedDoc
}

// take takes a page over: what is gone, then what came, then what could not be read.
func (in *intake) take(p *exchange.Page) (err error) {
	if in.b, err = in.w.bank(in.x.Bank); err != nil {
		return err
	}
	if in.b == nil || in.b.number != in.x.bank {
		return &AuditError{Bank: in.x.Bank, Reason: fmt.Sprintf("the exchange %q feeds it, and it is gone", in.x.Name), Err: ErrDamaged}
	}
	if err := notAllow(in.b, in.x.Name); err != nil { // stores of older programs may have that
		return err
	}
	for ids := range slices.Chunk(p.Gone, maxItems) {
		if err := in.gone(ids); err != nil {
			return err
		}
	}
	records := lastOfEach(p.Records)
	for part := range slices.Chunk(records, maxItems) {
		if err := in.records(p, part); err != nil {
			return err
		}
	}
	for _, f := range p.Faults {
		in.fault(f)
	}
	for part := range slices.Chunk(in.faulty, maxItems) {
		if err := in.setAside(part); err != nil {
			return err
		}
	}
	return nil
}

// lastOfEach returns the numbers of records, without those that come again.
func lastOfEach(records []exchange.Record) []int {
	last := make(map[string]int, len(records))
	for i := range records {
		last[records[i].ID] = i
	}
	numbers := make([]int, 0, len(last))
	for i := range records {
		if last[records[i].ID] == i {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// look looks up what there is of records.
func (in *intake) look(ids []string) (err error) {
	in.have = make(map[string]kept, len(ids))
	good := make([]string, 0, len(ids))
	for _, id := range ids {
		if goodRecordID(id) {
			good = append(good, id)
		}
	}
	look := in.w.s.d.lookup(in.w.ctx, in.w.tx, sharedTable, in.x.bank, good, func(id string, r row) {
		k := kept{row: r}
		if r.doc != bareDoc && err == nil {
			err = json.Unmarshal([]byte(r.doc), &k.sharedDoc)
		}
		in.have[id] = k
	})
	if look != nil {
		return classify(look)
	}
	if err != nil {
		return &AuditError{Bank: in.x.Bank, Reason: "the document of a record can't be read: " + err.Error(), Err: ErrDamaged}
	}
	return nil
}

func goodRecordID(id string) bool { return id != "" && len(id) <= maxRecordID && goodName(id) }

// gone drops records that were withdrawn.
func (in *intake) gone(ids []string) error {
	if err := in.look(ids); err != nil {
		return err
	}
	if err := in.whole(ids); err != nil {
		return err
	}
	return in.drop(ids, fmt.Sprintf("withdrawn at the exchange %s", in.x.Name))
}

// drop drops those of the records that there are, with their entries.
func (in *intake) drop(ids []string, reason string) error {
	w, d := in.w, &in.x.state
	var there, entries []string
	for _, id := range ids {
		k, is := in.have[id]
		if !is {
			continue
		}
		delete(in.have, id) // it may be named again
		there = append(there, id)
		if k.Waits {
			d.Waiting--
		} else {
			entries = append(entries, id)
		}
	}
	if len(there) == 0 {
		return nil
	}
	d.Records -= int64(len(there))
	in.sum.Went += len(there)
	if err := in.dropEntries(entries, reason); err != nil {
		return err
	}
	return classify(w.s.d.drop(w.ctx, w.tx, sharedTable, in.x.bank, there))
}

func (in *intake) dropEntries(ids []string, reason string) error {
	if len(ids) == 0 {
		return nil
	}
	c := Change{Change: match.Change{Op: match.DropEntries, Bank: match.Bank{Name: in.b.name}, Entries: make([]match.Entry, len(ids))}}
	for i, id := range ids {
		c.Entries[i].ID = id
	}
	in.w.reason = reason
	defer func() { in.w.reason = "" }()
	return in.w.entries(in.b, &c, nil)
}

// records puts records, of a page those of some numbers.
func (in *intake) records(p *exchange.Page, numbers []int) error {
	w, d := in.w, &in.x.state
	ids := make([]string, len(numbers))
	for i, n := range numbers {
		ids[i] = p.Records[n].ID
	}
	if err := in.look(ids); err != nil {
		return err
	}
	refused := make(map[string]bool)
	refuse := func(n int, reason string) {
		r := &p.Records[n]
		refused[r.ID] = true
		in.fault(&exchange.RecordError{Page: fmt.Sprintf("page %d of the pull", in.sum.Pages), Position: n, ID: r.ID, Reason: reason})
	}
	var matched []int
	var silent []string // they had something that can be compared, and have nothing now
	for _, n := range numbers {
		r := &p.Records[n]
		k, is := in.have[r.ID]
		switch {
		case !goodRecordID(r.ID):
			refuse(n, fmt.Sprintf("its ID has %d bytes, is not UTF-8, or has a zero byte; want 1 to %d", len(r.ID), maxRecordID))
		case !goodLater(r.Later):
			refuse(n, "a type or value of a hash is not UTF-8")
		case w.s.tooLong(laterSize(r)) != "":
			refuse(n, w.s.tooLong(laterSize(r)))
		case r.Expires.Year() < 1 || r.Expires.Year() > 9999: // others, that are not of an entry either, the bank refuses
			refuse(n, "it expires in a year that no document has room for")
		case len(r.Signals) > 0:
			matched = append(matched, n)
		default:
			in.sum.Waiting++
			if is && !k.Waits {
				silent = append(silent, r.ID)
			}
		}
	}
	if err := in.dropEntries(silent, fmt.Sprintf("the exchange %s has nothing of it any more that can be compared", in.x.Name)); err != nil {
		return err
	}
	c := Change{Change: match.Change{Op: match.PutEntries, Bank: match.Bank{Name: in.b.name}, Entries: make([]match.Entry, len(matched))}}
	for i, n := range matched {
		c.Entries[i].ID = p.Records[n].ID
	}
	err := w.entries(in.b, &c, func(i int, was row, is bool) (string, error) {
		doc, reason, err := in.become(&p.Records[matched[i]], was, is)
		if reason != "" {
			refuse(matched[i], reason)
			return "", errLeave
		}
		return doc, err
	})
	if err != nil {
		return err
	}

	var docs []string
	ids = ids[:0]
	var whole []string
	for _, n := range numbers {
		r := &p.Records[n]
		k, is := in.have[r.ID]
		doc := k.doc
		if !refused[r.ID] {
			whole = append(whole, r.ID)
			if doc, err = encode(sharedDoc{r.Labels, moment(r.Expires), r.Later, len(r.Signals) == 0}); err != nil {
				return err
			}
			if !is {
				d.Records++
			}
			if waits := len(r.Signals) == 0; waits && !k.Waits {
				d.Waiting++
			} else if !waits && k.Waits {
				d.Waiting--
			}
		} else if !is {
			continue
		}
		if !is || doc != k.doc || k.version != d.Reading {
			ids, docs = append(ids, r.ID), append(docs, doc)
		}
	}
	if err := in.whole(whole); err != nil {
		return err
	}
	if len(ids) == 0 {
		return nil
	}
	return classify(w.s.d.put(w.ctx, w.tx, sharedTable, in.x.bank, d.Reading, ids, docs))
}

func goodLater(later []exchange.Foreign) bool {
	return !slices.ContainsFunc(later, func(f exchange.Foreign) bool { return !goodText([]string{f.Type, f.Value}) })
}

// laterSize is about what is kept of a record beside its entry, in bytes.
func laterSize(r *exchange.Record) (n int) {
	for _, l := range r.Labels {
		n += len(l)
	}
	for _, f := range r.Later {
		n += len(f.Type) + len(f.Value)
	}
	return n
}

// become returns the document of the entry that a record becomes, or why there is none.
func (in *intake) become(r *exchange.Record, was row, is bool) (doc, reason string, err error) {
	base, known := in.have[r.ID]
	var old match.Entry
	if is {
		if !known || base.Waits {
			return "", "the bank has an entry of its own that has this ID", nil
		}
		if old, err = decodeEntry(in.b.name, r.ID, was.doc); err != nil {
			return "", "", err
		}
	}
	if !is {
		base = kept{} // whoever took it out here has it back as it is there
	}
	e := merge(in.x.Name, r, &base.sharedDoc, &old)
	fetched := &e.Curation.Origin.Fetched
	if is && old.Curation != nil {
		*fetched = old.Curation.Origin.Fetched
		if doc, err = encodeEntry(in.b.name, &e); err == nil && doc == was.doc {
			in.sum.Unchanged++
			return doc, "", nil
		}
	}
	*fetched = in.w.now
	if doc, err = encodeEntry(in.b.name, &e); err != nil {
		if x, ok := errors.AsType[*match.EntryError](err); ok {
			return "", cmp.Or(x.Reason, x.Error()), nil
		}
		return "", err.Error(), nil
	}
	if reason := in.w.s.tooLong(len(doc)); reason != "" {
		return "", reason, nil
	}
	if is {
		in.sum.Changed++
	} else {
		in.sum.Came++
	}
	for _, q := range in.sieve.Aside(in.b.name, &e) {
		if in.sum.Refused == nil {
			in.sum.Refused = make(map[match.Cause]int)
		}
		in.sum.Refused[q.Cause]++
		if len(in.sum.RefusedList) < maxListed {
			in.sum.RefusedList = append(in.sum.RefusedList, q)
		}
	}
	return doc, "", nil
}

// merge returns what an entry becomes when its record comes: what is ours of it stays. base is
// what had come before.
func merge(name string, r *exchange.Record, base *sharedDoc, old *match.Entry) match.Entry {
	e := match.Entry{ID: r.ID, Signals: r.Signals, Labels: slices.Clone(r.Labels), Duration: r.Duration, Disabled: old.Disabled, Curation: old.Curation.Clone()}
	if !slices.Equal(base.Labels, old.Labels) {
		for _, l := range base.Labels { // taken away here
			if !slices.Contains(old.Labels, l) {
				e.Labels = slices.DeleteFunc(e.Labels, func(x string) bool { return x == l })
			}
		}
		for _, l := range old.Labels { // given here
			if !slices.Contains(base.Labels, l) && !slices.Contains(e.Labels, l) {
				e.Labels = append(e.Labels, l)
			}
		}
	}
	if e.Curation.Expires.Equal(base.Expires) {
		e.Curation.Expires = r.Expires
	}
	from := r.Origin
	from.Exchange, from.ID = name, cmp.Or(from.ID, r.ID)
	e.Curation.Receive(from, r.Opinions...)
	return e
}

// sweep drops the next records after an ID that did not come in the newest reading, and what was
// set aside in older ones. done: there are no more.
func (in *intake) sweep(after, reason string) (done bool, last string, err error) {
	w, d := in.w, &in.x.state
	if in.b, err = w.bank(in.x.Bank); err != nil {
		return false, "", err
	}
	old := func(table, after string) (ids []string, err error) {
		rows, err := w.tx.QueryContext(w.ctx, `SELECT id, version, doc FROM `+table+` WHERE bank = $1 AND id > $2 AND version <> $3 ORDER BY id LIMIT $4`, in.x.bank, after, d.Reading, maxItems)
		err = scanRows(rows, err, func(id string, _ row) { ids = append(ids, id) })
		return ids, classify(err)
	}
	ids, err := old(sharedTable, after)
	if err != nil {
		return false, "", err
	}
	if err := in.look(ids); err != nil {
		return false, "", err
	}
	if err := in.drop(ids, reason); err != nil {
		return false, "", err
	}
	if len(ids) == maxItems {
		return false, ids[len(ids)-1], nil
	}
	for {
		keys, err := old(asideTable, "")
		if err != nil || len(keys) == 0 {
			return true, "", err
		}
		d.Aside -= int64(len(keys))
		if err := w.s.d.drop(w.ctx, w.tx, asideTable, in.x.bank, keys); err != nil {
			return false, "", classify(err)
		}
	}
}
