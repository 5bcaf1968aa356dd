package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// Bounds on one event: of more entries there are several.
const (
	maxItems = 2048
	maxBytes = 8 << 20 // of documents, unless one entry has more
)

// Change is a change of banks, as match.Change, and what the caller knows and says of it.
type Change struct {
	match.Change
	// Expect are the versions that the entries have (one for each, in their order), or the one
	// that the bank has, of PutBank and DropBank; 0: it is not there. Are they others by now, the
	// change is ErrConflict. nil: whatever there is, is changed.
	Expect []int64
	Reason string // for the audit; up to 65,535 bytes
}

// Apply makes changes in one transaction, and writes them into the audit in the same: all, or on
// an error none. When it returns they outlast the end of the process and, as far as the disk
// keeps its promises, of the machine. It returns the position after them. What changes nothing
// is no event. A bank or entry that the changes name twice is changed twice.
//
// Changes mean what match.Matcher.Apply makes of them; names of banks and IDs are UTF-8 of up to
// 2,048 bytes without a zero byte, other text is UTF-8, and the JSON document of a bank's settings or
// of an entry has 64 MiB at most, some half a million hashes: more is ErrInvalid. Errors are those it has (ErrUnknown,
// ErrInvalid, ErrDuplicate, *match.RadiusError, in a *match.EntryError) and ErrConflict (a
// *ConflictError), ErrBusy, ErrFull, ErrUnreachable and ErrUnsure. Writers wait for each other: an
// event has the hash of the one before it.
func (s *Store) Apply(ctx context.Context, by Actor, changes ...Change) (Position, error) {
	p, _, err := s.change(ctx, by, BankChange, changes)
	return p, err
}

// Import puts entries into a bank, a transaction for each 2,048 of them, or fewer that have as many
// hashes: other changes come between. An ID that comes twice in one of these is ErrDuplicate. It
// returns how many of them were new or other than what was there, up to the error, if there is
// one; doing it again goes on from there. Its events are complete, as those of Apply:
// an entry's history can be proved whichever way it came. The error of entries ends it.
func (s *Store) Import(ctx context.Context, by Actor, bank string, entries iter.Seq2[match.Entry, error]) (changed int, at Position, err error) {
	c := Change{Change: match.Change{Op: match.PutEntries, Bank: match.Bank{Name: bank}}}
	flush := func() error {
		p, n, err := s.change(ctx, by, ListSync, []Change{c})
		if err != nil {
			return err
		}
		changed, at, c.Entries = changed+n, p, c.Entries[:0]
		_ = s.giveWay(ctx) // the next part tells
		return nil
	}
	size := 0
	for e, err := range entries {
		if err != nil {
			return changed, at, err
		}
		if c.Entries = append(c.Entries, e); len(c.Entries) == maxItems || size+len(e.Signals) > maxItems {
			if err := flush(); err != nil {
				return changed, at, err
			}
			size = 0
		}
		size += len(e.Signals)
	}
	return changed, at, flush()
}

// writer makes changes within a transaction.
type writer struct {
	ctx     context.Context
	s       *Store
	tx      *sql.Tx
	at      Position
	now     time.Time
	by      Actor
	action  string
	reason  string
	status  string // that was decided, of a record
	changed int    // entries or records
	beside  bool   // something beside what events tell of was changed: there need be none
}

func (s *Store) change(ctx context.Context, by Actor, action string, changes []Change) (at Position, changed int, err error) {
	for i := range changes {
		if err := s.check(&changes[i]); err != nil {
			return at, 0, err
		}
	}
	return s.events(ctx, by, action, func(w *writer) error {
		for i := range changes {
			w.reason = changes[i].Reason
			if err := w.make(&changes[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// events is transact for changes that are told of by events.
func (s *Store) events(ctx context.Context, by Actor, action string, make func(w *writer) error) (at Position, changed int, err error) {
	w, err := s.transact(ctx, by, action, make)
	if err != nil {
		return at, 0, err
	}
	return w.at, w.changed, nil
}

// transact makes changes in a transaction of a writer that has its turn, with their events.
func (s *Store) transact(ctx context.Context, by Actor, action string, make func(w *writer) error) (w *writer, err error) {
	defer func() { err = ended(ctx, err) }()
	if err := by.check(); err != nil {
		return nil, err
	}
	busy := time.NewTimer(s.o.Busy)
	defer busy.Stop()
	select {
	case s.slot <- struct{}{}:
		defer func() { <-s.slot }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-busy.C:
		return nil, fmt.Errorf("%w of this process", ErrBusy)
	}
	tx, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	before, err := s.lockHead(ctx, tx)
	if err != nil {
		return nil, err
	}
	w = &writer{ctx: ctx, s: s, tx: tx, at: before, now: moment(s.o.Now()), by: by, action: action}
	if err := make(w); err != nil {
		return nil, err
	}
	if w.at == before && !w.beside {
		return w, nil
	}
	if w.at != before {
		if err := w.exec(`UPDATE rematch_head SET seq = $1, hash = $2 WHERE one = 1`, w.at.Seq, w.at.Hash[:]); err != nil {
			return nil, err
		}
		if s.d.notify != "" {
			if err := w.exec(s.d.notify, fmt.Sprint(w.at.Seq)); err != nil {
				return nil, err
			}
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // and nobody is unsure
	}
	if err := classify(s.commit(tx)); err != nil {
		return w, s.settle(ctx, before, w.at, err)
	}
	return w, nil
}

// settle finds out what became of a commit that ended with an error, by its last event. It waits
// for the head's lock, and so for the end of that transaction wherever it still goes on.
func (s *Store) settle(ctx context.Context, before, at Position, failed error) error {
	switch {
	case errors.Is(failed, ErrFull) || errors.Is(failed, ErrBusy):
		return failed // the server says that it was not made
	case errors.Is(failed, sql.ErrTxDone) || pgconn.SafeToRetry(failed):
		return failed // it was not sent
	case at == before: // there is no event to look for
		return fmt.Errorf("%w: %w", ErrUnsure, failed)
	}
	var last error
	until := time.Now().Add(s.o.Busy)
	for wait := 50 * time.Millisecond; time.Now().Before(until); wait *= 2 {
		var made bool
		if made, last = s.made(context.WithoutCancel(ctx), at); last == nil && made {
			return nil
		} else if last == nil {
			return failed
		}
		time.Sleep(wait)
	}
	return fmt.Errorf("%w: %w; then: %w", ErrUnsure, failed, last)
}

// made reports whether an event was committed.
func (s *Store) made(ctx context.Context, at Position) (made bool, err error) {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	defer func() { err = ended(ctx, err) }()
	tx, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := readHead(ctx, tx, s.d.lockHead); err != nil {
		return false, err
	}
	err = inHistory(ctx, tx, at)
	if errors.Is(err, ErrDiverged) {
		return false, nil
	}
	return err == nil, err
}

// check refuses a change that makes no sense whatever is in the store.
func (s *Store) check(c *Change) error {
	n := len(c.Entries)
	switch c.Op {
	case match.PutBank, match.DropBank:
		n = 1
	case match.SetEntry:
		if n != 1 {
			return fmt.Errorf("%w: a change that sets an entry has %d of them", match.ErrInvalid, n)
		}
	case match.PutEntries, match.DropEntries:
	default:
		return fmt.Errorf("%w: a change has the op %q; there is none such", match.ErrInvalid, c.Op)
	}
	if c.Expect != nil && len(c.Expect) != n {
		return fmt.Errorf("%w: %d versions are expected of %d banks or entries", match.ErrInvalid, len(c.Expect), n)
	}
	if err := checkReason(c.Reason); err != nil {
		return err
	}
	if c.Op == match.PutBank {
		for _, k := range hash.Kinds() {
			most := s.maxRadius(k)
			if bits, set := c.Bank.Thresholds[k]; set && bits > most && bits <= k.Bits() {
				return &match.EntryError{Bank: c.Bank.Name, Signal: -1, Reason: fmt.Sprintf("threshold %d for %s is over the maximum of %d of the nodes that follow; lower it or raise their MaxRadius and Options.MaxRadius", bits, k, most),
					Err: &match.RadiusError{Kind: k, Radius: bits, Max: most}}
			}
		}
	}
	return nil
}

// maxRadius is that of the nodes that follow.
func (s *Store) maxRadius(k hash.Kind) int {
	if most, given := s.o.MaxRadius[k]; given {
		return most
	}
	return match.DefaultMaxRadius(k)
}

// threshold is that of a bank.
func threshold(b *match.Bank, k hash.Kind) int {
	if bits, given := b.Thresholds[k]; given {
		return bits
	}
	return k.Threshold()
}

// checkRadius refuses entries of kinds whose own threshold is over Options.MaxRadius, in a bank that
// gives them none.
func (s *Store) checkRadius(b *bankRow, entries []match.Entry) error {
	if len(s.o.MaxRadius) == 0 {
		return nil // the defaults suffice
	}
	bank, err := decodeBank(b.name, b.doc)
	if err != nil {
		return err
	}
	for i := range entries {
		for n := range entries[i].Signals {
			k := entries[i].Signals[n].Value.Kind()
			if bits, most := threshold(&bank, k), s.maxRadius(k); bits > most {
				return &match.EntryError{Bank: b.name, Entry: entries[i].ID, Signal: n, Reason: fmt.Sprintf("the threshold %d of %s is over the maximum of %d of the nodes that follow; set the bank's", bits, k, most),
					Err: &match.RadiusError{Kind: k, Radius: bits, Max: most}}
			}
		}
	}
	return nil
}

// tooLong says that so many bytes are too many for a document; else it is empty.
func (s *Store) tooLong(bytes int) string {
	if bytes <= s.most {
		return ""
	}
	return fmt.Sprintf("its document has %d bytes; want %d at most", bytes, s.most)
}

func checkReason(reason string) error {
	if len(reason) > 65535 || !utf8.ValidString(reason) {
		return fmt.Errorf("%w: the reason is longer than 65535 bytes, or not UTF-8", match.ErrInvalid)
	}
	return nil
}

func (w *writer) exec(query string, args ...any) error {
	_, err := w.tx.ExecContext(w.ctx, query, args...)
	return classify(err)
}

// event writes an event.
func (w *writer) event(d *eventDoc) error {
	d.Time, d.Actor, d.Action = w.now, w.by, w.action
	if w.reason != "" {
		d.Decision = &reasonDoc{Reason: w.reason, Status: w.status}
	} else if w.status != "" {
		d.Decision = &reasonDoc{Status: w.status}
	}
	raw, at, err := d.seal(w.at)
	if err != nil {
		return err
	}
	if err := w.exec(`INSERT INTO rematch_changes (seq, event, hash) VALUES ($1, $2, $3)`, at.Seq, raw, at.Hash[:]); err != nil {
		return err
	}
	w.at = at
	return nil
}

// bankRow is a bank in its table.
type bankRow struct {
	number, version int64
	name, doc       string
	entries, videos int64
}

const bankColumns = `SELECT number, name, version, doc, entries, videos FROM rematch_banks`

func (b *bankRow) scan(rows interface{ Scan(...any) error }) error {
	return rows.Scan(&b.number, &b.name, &b.version, &b.doc, &b.entries, &b.videos)
}

// bank returns a bank, or nil.
func (w *writer) bank(name string) (*bankRow, error) {
	var b bankRow
	err := b.scan(w.tx.QueryRowContext(w.ctx, bankColumns+` WHERE name = $1`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &b, classify(err)
}

func (w *writer) make(c *Change) error {
	if !goodName(c.Bank.Name) {
		return refuse(c.Bank.Name, "", match.ErrInvalid, "a name that is not UTF-8, has a zero byte, or is longer than %d bytes", maxName)
	}
	b, err := w.bank(c.Bank.Name)
	if err != nil {
		return err
	}
	switch c.Op {
	case match.PutBank:
		return w.putBank(b, c)
	case match.DropBank:
		return w.dropBank(b, c)
	}
	if b == nil {
		return refuse(c.Bank.Name, "", match.ErrUnknown, "there is no such bank; PutBank makes one")
	}
	return w.entries(b, c, func(i int, was row, is bool) (string, error) {
		doc, err := w.document(b.name, &c.Entries[i], was, is, c.Op)
		if err == nil && is {
			err = w.decided(b, c.Entries[i].ID, was.doc, doc)
		}
		return doc, err
	})
}

// become returns the document that an entry of a change becomes, or errLeave. It is called once
// for each, in their order.
type become func(i int, was row, is bool) (doc string, err error)

// errLeave leaves an entry as it is.
var errLeave = errors.New("store: leave the entry")

// expect compares a version with the one that is expected.
func (w *writer) expect(c *Change, i int, entry string, have int64) error {
	if c.Expect == nil || c.Expect[i] == have {
		return nil
	}
	e := &ConflictError{Bank: c.Bank.Name, Entry: entry, Want: c.Expect[i], Have: have}
	if have != 0 {
		var raw []byte
		var d eventDoc
		if err := w.tx.QueryRowContext(w.ctx, `SELECT event FROM rematch_changes WHERE seq = $1`, have).Scan(&raw); err == nil && json.Unmarshal(raw, &d) == nil {
			e.By = d.Actor
		}
	}
	return e
}

func (w *writer) putBank(b *bankRow, c *Change) error {
	doc, err := encodeBank(&c.Bank)
	if err != nil {
		return err
	}
	if reason := w.s.tooLong(len(doc)); reason != "" {
		return refuse(c.Bank.Name, "", match.ErrInvalid, "%s", reason)
	}
	d := &eventDoc{Change: string(match.PutBank), Match: subjectDoc{Bank: c.Bank.Name}, After: json.RawMessage(doc)}
	if b == nil {
		if err := w.expect(c, 0, "", 0); err != nil {
			return err
		}
		d.Match.Number = w.at.Seq + 1
		if err := w.event(d); err != nil {
			return err
		}
		return w.exec(`INSERT INTO rematch_banks (number, name, version, doc, entries, videos) VALUES ($1, $2, $1, $3, 0, 0)`, w.at.Seq, c.Bank.Name, doc)
	}
	if err := w.expect(c, 0, "", b.version); err != nil {
		return err
	}
	if b.doc == doc {
		return nil
	}
	was, err := decodeBank(b.name, b.doc)
	if err != nil {
		return err
	}
	if was.Allow != c.Bank.Allow {
		return refuse(b.name, "", match.ErrInvalid, "an allow-list stays one, and nothing else becomes one; make another bank")
	}
	for _, k := range hash.Kinds() {
		if now, most := threshold(&c.Bank, k), w.s.maxRadius(k); b.entries > 0 && now > most && threshold(&was, k) <= most {
			return &match.EntryError{Bank: b.name, Signal: -1, Reason: fmt.Sprintf("without one of the bank the threshold of %s is %d, over the maximum of %d of the nodes that follow", k, now, most),
				Err: &match.RadiusError{Kind: k, Radius: now, Max: most}}
		}
	}
	d.Match.Number, d.Version, d.Before = b.number, b.version, json.RawMessage(b.doc)
	if err := w.event(d); err != nil {
		return err
	}
	return w.exec(`UPDATE rematch_banks SET version = $1, doc = $2 WHERE number = $3`, w.at.Seq, doc, b.number)
}

func (w *writer) dropBank(b *bankRow, c *Change) error {
	if b == nil {
		return w.expect(c, 0, "", 0)
	}
	if err := w.expect(c, 0, "", b.version); err != nil {
		return err
	}
	if x, err := w.fedBy(b.number); err != nil {
		return err
	} else if x != nil {
		return refuse(b.name, "", match.ErrInvalid, "the exchange %q feeds it; DropExchange first", x.Name)
	}
	d := &eventDoc{Change: string(match.DropBank), Match: subjectDoc{b.name, b.number}, Version: b.version, Before: json.RawMessage(b.doc), Dropped: b.entries}
	if err := w.event(d); err != nil {
		return err
	}
	w.changed += int(b.entries)
	return errors.Join(w.exec(`DELETE FROM rematch_entries WHERE bank = $1`, b.number), w.exec(`DELETE FROM rematch_banks WHERE number = $1`, b.number))
}

// entries puts, drops or sets entries, in parts that are an event each.
func (w *writer) entries(b *bankRow, c *Change, become become) error {
	seen := make(map[string]struct{}, len(c.Entries))
	for i := range c.Entries {
		id := c.Entries[i].ID
		if _, twice := seen[id]; twice && c.Op == match.PutEntries {
			return refuse(b.name, id, match.ErrDuplicate, "the change puts it twice")
		}
		seen[id] = struct{}{}
	}
	if c.Op == match.PutEntries {
		if err := w.s.checkRadius(b, c.Entries); err != nil {
			return err
		}
	}
	for from := 0; from < len(c.Entries); {
		n, err := w.part(b, c, from, become)
		if err != nil {
			return err
		}
		from += n
	}
	return nil
}

// part makes an event of the next entries and returns how many they were.
func (w *writer) part(b *bankRow, c *Change, from int, become become) (n int, err error) {
	n = min(len(c.Entries)-from, maxItems)
	ids := make([]string, n)
	for i := range ids {
		id := c.Entries[from+i].ID
		if !goodName(id) {
			return 0, refuse(b.name, id, match.ErrInvalid, "an ID that is not UTF-8, has a zero byte, or is longer than %d bytes", maxName)
		}
		ids[i] = id
	}
	there := make(map[string]row)
	if err := w.s.d.lookup(w.ctx, w.tx, entryTable, b.number, ids, func(id string, r row) { there[id] = r }); err != nil {
		return 0, classify(err)
	}
	d := &eventDoc{Change: string(match.PutEntries), Match: subjectDoc{b.name, b.number}}
	if c.Op == match.DropEntries {
		d.Change = string(match.DropEntries)
	}
	var docs []string
	ids = ids[:0] // all is looked up
	size, videos := 0, int64(0)
	for i := range n {
		e := &c.Entries[from+i]
		was, is := there[e.ID]
		if err := w.expect(c, from+i, e.ID, was.version); err != nil {
			return 0, err
		}
		x := changeDoc{ID: e.ID}
		if is {
			x.Version, x.Before = was.version, json.RawMessage(was.doc)
			if isVideoDoc(was.doc) {
				videos--
			}
		}
		if c.Op == match.DropEntries {
			if !is {
				continue
			}
			delete(there, e.ID) // it may be named again
		} else {
			doc, err := become(from+i, was, is)
			if err == errLeave {
				continue
			}
			if err != nil {
				return 0, err
			}
			if reason := w.s.tooLong(len(doc)); reason != "" {
				return 0, refuse(b.name, e.ID, match.ErrInvalid, "%s", reason)
			}
			if isVideoDoc(doc) {
				videos++
			}
			if is && doc == was.doc {
				continue
			}
			x.After = json.RawMessage(doc)
			docs = append(docs, doc)
		}
		d.Entries, ids = append(d.Entries, x), append(ids, e.ID)
		if size += len(x.Before) + len(x.After); size > maxBytes {
			n = i + 1
			break
		}
	}
	if len(ids) == 0 {
		return n, nil
	}
	if err := w.event(d); err != nil {
		return 0, err
	}
	w.changed += len(ids)
	count := int64(0)
	if c.Op == match.DropEntries {
		count, err = -int64(len(ids)), w.s.d.drop(w.ctx, w.tx, entryTable, b.number, ids)
	} else {
		for i := range d.Entries {
			if d.Entries[i].Before == nil {
				count++
			}
		}
		err = w.s.d.put(w.ctx, w.tx, entryTable, b.number, w.at.Seq, ids, docs)
	}
	if err != nil || count == 0 && videos == 0 {
		return n, classify(err)
	}
	return n, w.exec(`UPDATE rematch_banks SET entries = entries + $1, videos = videos + $2 WHERE number = $3`, count, videos, b.number)
}

// document returns what an entry becomes.
func (w *writer) document(bank string, e *match.Entry, was row, is bool, op match.Op) (string, error) {
	if op != match.SetEntry {
		return encodeEntry(bank, e)
	}
	if !is {
		return "", refuse(bank, e.ID, match.ErrUnknown, "there is no such entry in the bank")
	}
	next, err := decodeEntry(bank, e.ID, was.doc)
	if err != nil {
		return "", err
	}
	next.Labels, next.Disabled, next.Curation = e.Labels, e.Disabled, e.Curation
	return encodeEntry(bank, &next)
}
