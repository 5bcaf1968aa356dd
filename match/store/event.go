package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rematch-go/rematch/match"
)

// Actor is who makes a change.
type Actor struct {
	Type string `json:"type"` // System, Reviewer, Authority or APIKey
	ID   string `json:"id"`   // a name that says who, also in years
}

// The types of actors.
const (
	System    = "system"
	Reviewer  = "reviewer"
	Authority = "authority"
	APIKey    = "api_key"
)

// String returns "type id".
func (a Actor) String() string { return a.Type + " " + a.ID }

func (a Actor) check() error {
	if !slices.Contains([]string{System, Reviewer, Authority, APIKey}, a.Type) || a.ID == "" || len(a.ID) > 1024 || !utf8.ValidString(a.ID) {
		return fmt.Errorf("%w: the actor is %q %q; want system, reviewer, authority or api_key, and up to 1024 bytes that say who", match.ErrInvalid, a.Type, a.ID)
	}
	return nil
}

// Actions of events.
const (
	BankChange = "bank_change" // of Apply
	ListSync   = "list_sync"   // of Import and Pull
	Screened   = "match"       // of Keep: what uploads matched
	Decided    = "decision"    // of Decide
	Reversed   = "reversal"    // of Decide, where it is the opposite of what was decided before
	Retained   = "retention"   // of SetRetention, Preserve and Purge
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String returns it in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Position is a place in a store's history: the number of an event and its hash, which stands
// for it and all events before. The zero value is the beginning. Written down elsewhere it
// proves later that nothing of that history was changed.
type Position struct {
	Seq  int64
	Hash Digest
}

// String returns the number, a colon, and the hash in hex.
func (p Position) String() string { return strconv.FormatInt(p.Seq, 10) + ":" + p.Hash.String() }

// ParsePosition is the inverse of String. The error is match.ErrInvalid.
func ParsePosition(s string) (p Position, err error) {
	seq, sum, _ := strings.Cut(s, ":")
	raw, bad := hex.DecodeString(sum)
	if p.Seq, err = strconv.ParseInt(seq, 10, 64); err != nil || bad != nil || len(raw) != len(p.Hash) || p.Seq < 0 {
		return Position{}, fmt.Errorf("%w: %q is no position; want a number, a colon and 64 hex digits", match.ErrInvalid, s)
	}
	copy(p.Hash[:], raw)
	return p, nil
}

// Event is a change as the audit has it: who, what, when, before and after.
type Event struct {
	Seq    int64 // 1, 2, 3, ... in the order of commits
	Time   time.Time
	Actor  Actor
	Action string   // BankChange, ListSync, ...
	Reason string   // what the actor gave as one
	Op     match.Op // empty: the event is not of banks, but of records
	Bank   string
	// Version is the event before that set the bank (of PutBank and DropBank); 0: there was none.
	Version int64
	// BankBefore and BankAfter are the bank's settings, of PutBank and DropBank; nil: not there.
	BankBefore, BankAfter *match.Bank
	Dropped               int           // entries that went with a bank
	Entries               []EntryChange // of PutEntries and DropEntries
	Records               *RecordChange // of an event of records
	PrevHash, Hash        Digest
	// JSON is the event as it is kept, of which Hash is the SHA-256. See the package's comment.
	JSON []byte
}

// EntryChange is what an event did to an entry.
type EntryChange struct {
	ID            string
	Version       int64 // the event before that set it; 0: there was none
	Before, After *match.Entry
}

// Change returns the event as what a Matcher is fed with. Of records that is nothing: leave out
// events without an Op.
func (e *Event) Change() match.Change {
	c := match.Change{Op: e.Op, Bank: match.Bank{Name: e.Bank}}
	if e.BankAfter != nil {
		c.Bank = *e.BankAfter
	}
	for i := range e.Entries {
		if x := &e.Entries[i]; x.After != nil {
			c.Entries = append(c.Entries, *x.After)
		} else {
			c.Entries = append(c.Entries, match.Entry{ID: x.ID})
		}
	}
	return c
}

// eventDoc is an event as it is kept. The names are those of the audit event that the reports
// of regulators are made of.
type eventDoc struct {
	ID       int64           `json:"event_id"`
	Time     time.Time       `json:"ts"`
	Actor    Actor           `json:"actor"`
	Action   string          `json:"action"`
	Change   string          `json:"change"`
	Match    subjectDoc      `json:"match,omitzero"`
	Decision *reasonDoc      `json:"decision,omitempty"`
	Version  int64           `json:"version,omitempty"`
	Before   json.RawMessage `json:"before,omitempty"`
	After    json.RawMessage `json:"after,omitempty"`
	Dropped  int64           `json:"dropped,omitempty"`
	Entries  []changeDoc     `json:"entries,omitempty"`
	Records  *recordsDoc     `json:"records,omitempty"`
	Preserve time.Time       `json:"preserve_until,omitzero"`
	PrevHash string          `json:"prev_hash"`
}

type subjectDoc struct {
	Bank   string `json:"bank"`
	Number int64  `json:"bank_number"` // the event that made the bank
}

type reasonDoc struct {
	Status string `json:"status,omitempty"`
	Reason string `json:"reason_text,omitempty"`
}

type changeDoc struct {
	ID      string          `json:"bank_content_id"`
	Version int64           `json:"version,omitempty"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// parseOp reads what an event says was done: entries that were set are put.
func parseOp(name string) (match.Op, bool) {
	switch op := match.Op(name); op {
	case match.PutBank, match.DropBank, match.PutEntries, match.DropEntries:
		return op, true
	}
	return "", false
}

// seal encodes an event that follows a position, and returns it with the position after it.
func (d *eventDoc) seal(after Position) (string, Position, error) {
	d.ID, d.PrevHash = after.Seq+1, after.Hash.String()
	raw, err := json.Marshal(d)
	if err != nil {
		return "", after, err
	}
	return string(raw), Position{d.ID, sha256.Sum256(raw)}, nil
}

// eventRow is a row of the table of changes.
type eventRow struct {
	seq   int64
	event []byte
	hash  []byte
}

// open checks that an event follows a position and takes it apart.
func (r *eventRow) open(after Position) (d eventDoc, at Position, err error) {
	fail := func(sentinel error, format string, args ...any) (eventDoc, Position, error) {
		return d, after, &AuditError{Event: r.seq, Reason: fmt.Sprintf(format, args...), Err: sentinel}
	}
	if r.seq != after.Seq+1 {
		return fail(ErrDamaged, "it follows event %d; those between are missing", after.Seq)
	}
	at = Position{r.seq, sha256.Sum256(r.event)}
	if !bytes.Equal(at.Hash[:], r.hash) {
		return fail(ErrDamaged, "its hash is not that of its content")
	}
	if err := json.Unmarshal(r.event, &d); err != nil {
		return fail(ErrDamaged, "it can't be read: %v", err)
	}
	// There is one way to write an event: no member that this program does not know, or that
	// another reader would take from elsewhere.
	if again, err := json.Marshal(&d); err != nil || !bytes.Equal(again, r.event) {
		return fail(ErrDamaged, "it is not written as events are: a member is not known here, twice, or out of order")
	}
	switch {
	case d.ID != r.seq:
		return fail(ErrDamaged, "it calls itself event %d", d.ID)
	case d.PrevHash != after.Hash.String():
		return fail(ErrDiverged, "it does not follow the event before: %s is not %s", d.PrevHash, after.Hash)
	}
	return d, at, nil
}

// unpack makes an Event of a row that was opened.
func (r *eventRow) unpack(d *eventDoc, prev Digest, at Position) (e Event, err error) {
	op, ok := parseOp(d.Change)
	if !ok && !isRecordChange(d.Change) {
		return e, &AuditError{Event: r.seq, Reason: fmt.Sprintf("there is no change %q", d.Change), Err: ErrDamaged}
	}
	e = Event{Seq: r.seq, Time: d.Time, Actor: d.Actor, Action: d.Action, Op: op, Bank: d.Match.Bank, Version: d.Version, Dropped: int(d.Dropped),
		PrevHash: prev, Hash: at.Hash, JSON: r.event}
	if d.Decision != nil {
		e.Reason = d.Decision.Reason
	}
	bank := func(raw json.RawMessage) *match.Bank {
		if raw == nil || err != nil {
			return nil
		}
		var b match.Bank
		b, err = decodeBank(d.Match.Bank, string(raw))
		return &b
	}
	entry := func(id string, raw json.RawMessage) *match.Entry {
		if raw == nil || err != nil {
			return nil
		}
		var x match.Entry
		x, err = decodeEntry(d.Match.Bank, id, string(raw))
		return &x
	}
	e.BankBefore, e.BankAfter = bank(d.Before), bank(d.After)
	if len(d.Entries) > 0 {
		e.Entries = make([]EntryChange, len(d.Entries))
	}
	for i := range d.Entries {
		x := &d.Entries[i]
		e.Entries[i] = EntryChange{ID: x.ID, Version: x.Version, Before: entry(x.ID, x.Before), After: entry(x.ID, x.After)}
	}
	if !ok {
		e.Records = d.recordChange()
	}
	return e, err
}
