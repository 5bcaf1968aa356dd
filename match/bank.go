package match

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// item is an entry as a Matcher keeps it. All but its state and why it is off is
// immutable. Queries read both without a lock.
type item struct {
	bank     *bank
	id       string
	signals  []Signal
	duration time.Duration
	seq      uint64 // counts the items of a Matcher in the order they came: a fixed order for the work inside a query
	first    Ref    // of signals[0]; signal i has first+i, also where it is not indexed

	shelf  *shelf // nil: on none
	number uint32 // of the entry in the shelf's snapshot

	silent []int32 // signals that must match nothing, rising; of those on a shelf see matchable. As it was when offComing went.

	state atomic.Pointer[itemState] // never changed, only replaced
	off   atomic.Uint32             // offBits; an item that is not off may match
}

// Why an item or a bank is off. It is changed by one goroutine at a time.
const (
	offDisabled = 1 << iota // by its owner
	offGone                 // removed; for queries that have found it already
	offComing               // not yet all there
	offReplaced             // gone, and another of the same ID was there before it went
)

// turn sets or clears bits of off.
func turn(off *atomic.Uint32, bits uint32, on bool) {
	if on {
		off.Or(bits)
	} else {
		off.And(^bits)
	}
}

func (it *item) isVideo() bool { return it.duration > 0 }

// end returns the known video's length: what the entry says, or the end of its
// last signal where headers told too little.
func (it *item) end() time.Duration {
	end := it.duration
	for i := range it.signals {
		end = max(end, it.signals[i].To)
	}
	return end
}

// name is how the item is named beside others: "bank/entry".
func (it *item) name() string { return it.bank.name + "/" + it.id }

// public returns the item as an Entry without its signals, with its bank's labels
// after its own, each once.
func (it *item) public() Entry {
	state := it.state.Load()
	labels := slices.Clone(state.labels)
	for _, l := range it.bank.state.Load().labels {
		if !slices.Contains(labels, l) {
			labels = append(labels, l)
		}
	}
	return Entry{ID: it.id, Bank: it.bank.name, Labels: labels, Duration: it.duration, Curation: state.curation}
}

// byKind holds a number for every kind; it is read for every hit.
type byKind [256]int

// bank is a Bank as a Matcher keeps it. Queries read it without a lock.
type bank struct {
	name  string
	allow bool
	state atomic.Pointer[bankState] // never changed, only replaced
	off   atomic.Uint32             // offBits

	shelf  *shelf // where those entries are that are not in items; nil: nowhere
	number int    // of the bank in the shelf's snapshot

	// Guarded by Matcher.mu:
	items       map[string]*item
	entries     int           // how many, with those on the shelf
	videos      int           // how many of them
	indexed     byKind        // how many signals of the kind can match
	aside       int           // how many on the shelf can't
	quarantined []Quarantined // those that can't, in the order they came, without those on the shelf
}

// bankState is what of a bank may change.
type bankState struct {
	labels     []string
	given      map[hash.Kind]int // thresholds that were set
	thresholds byKind            // bits
	action     string
	suppresses []string
	policy     Policy                 // as it was given
	treat      [stances + 1]Treatment // resolved
	rollOut    RollOut
}

// settings returns all of a bank but its entries.
func (b *bank) settings() Bank {
	s := b.state.Load()
	return Bank{Name: b.name, Labels: s.labels, Thresholds: s.given, Disabled: b.off.Load()&offDisabled != 0, Allow: b.allow,
		Suppresses: s.suppresses, Action: s.action, Policy: s.policy, RollOut: s.rollOut}
}

func (b *bank) threshold(k hash.Kind) int { return b.state.Load().thresholds[k] }

// count counts an item that came, or with -1 one that went.
func (b *bank) count(it *item, n int) {
	b.entries += n
	if it.isVideo() {
		b.videos += n
	}
}

// quarantine sets a signal aside.
func (b *bank) quarantine(it *item, signal int, cause Cause, reason string) {
	b.quarantined = append(b.quarantined, Quarantined{Bank: b.name, Entry: it.id, Signal: signal, Value: it.signals[signal].Value, Cause: cause, Reason: reason})
}

// unquarantine forgets what was set aside of an entry.
func (b *bank) unquarantine(id string) {
	b.quarantined = slices.DeleteFunc(b.quarantined, func(q Quarantined) bool { return q.Entry == id })
}

// checkThreshold refuses what can't be a bank's threshold.
func checkThreshold(bankName string, k hash.Kind, bits int, r *rules) error {
	fail := func(err error, format string, args ...any) error {
		return &EntryError{Bank: bankName, Signal: -1, Reason: fmt.Sprintf(format, args...), Err: err}
	}
	switch {
	case !k.IsValid():
		return fail(ErrInvalid, "a threshold for %s: there is no such kind", k)
	case bits < 0 || bits > k.Bits():
		return fail(ErrInvalid, "threshold %d for %s; want 0 to %d bits", bits, k, k.Bits())
	case bits > r.maxRadius[k]:
		return fail(&RadiusError{Kind: k, Radius: bits, Max: r.maxRadius[k]},
			"threshold %d for %s is over the index's maximum of %d; lower it or raise Options.MaxRadius", bits, k, r.maxRadius[k])
	}
	return nil
}

// newBank checks all of b but its entries.
func newBank(b Bank, r *rules) (*bank, error) {
	if b.Name == "" {
		return nil, &EntryError{Bank: b.Name, Signal: -1, Reason: "a bank needs a name", Err: ErrInvalid}
	}
	state, err := newBankState(&b, r)
	if err != nil {
		return nil, err
	}
	fresh := &bank{name: b.Name, allow: b.Allow, items: make(map[string]*item, len(b.Entries))}
	fresh.state.Store(state)
	turn(&fresh.off, offDisabled, b.Disabled)
	return fresh, nil
}

// newBankState checks what of b may change.
func newBankState(b *Bank, r *rules) (*bankState, error) {
	if reason := b.fault(); reason != "" {
		return nil, &EntryError{Bank: b.Name, Signal: -1, Reason: reason, Err: ErrInvalid}
	}
	state := &bankState{labels: slices.Clone(b.Labels), given: maps.Clone(b.Thresholds),
		action: b.Action, suppresses: slices.Clone(b.Suppresses), policy: b.Policy, treat: b.Policy.Resolved().list(), rollOut: b.RollOut}
	for k := range 256 { // by number, so that of several errors it is always the same one
		k := hash.Kind(k)
		if bits, given := b.Thresholds[k]; given {
			if err := checkThreshold(b.Name, k, bits, r); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range hash.Kinds() {
		bits, given := b.Thresholds[k]
		if !given {
			bits = k.Threshold()
		}
		state.thresholds[k] = bits
	}
	return state, nil
}

// check refuses an entry whose ID is taken or that could not be matched as its owner would expect.
func (b *bank) check(e *Entry, taken bool, r *rules) error {
	fail := func(signal int, err error, format string, args ...any) error {
		return &EntryError{Bank: b.name, Entry: e.ID, Signal: signal, Reason: fmt.Sprintf(format, args...), Err: err}
	}
	switch {
	case e.ID == "":
		return fail(-1, ErrInvalid, "an entry needs an ID")
	case taken:
		return fail(-1, ErrDuplicate, "the ID is taken in this bank; remove the entry first to replace it")
	case len(e.Signals) == 0:
		return fail(-1, ErrInvalid, "an entry needs at least one signal")
	case e.Duration < 0:
		return fail(-1, ErrInvalid, "the duration %v is negative", e.Duration)
	case e.Duration > maxTime:
		return fail(-1, ErrInvalid, "the duration %v is over %v", e.Duration, maxTime)
	}
	if reason := e.Curation.fault(); reason != "" {
		return fail(-1, ErrInvalid, "%s", reason)
	}
	for i := range e.Signals {
		s := &e.Signals[i]
		k := s.Value.Kind()
		switch {
		case !s.Value.IsValid():
			return fail(i, ErrInvalid, "the hash is the invalid zero value")
		case s.Quality > 100 && s.Quality != hash.Unmeasured:
			return fail(i, ErrInvalid, "the quality is %d; want 0 to 100 or hash.Unmeasured", uint8(s.Quality))
		case s.From < 0 || s.To < s.From:
			return fail(i, ErrInvalid, "the interval from %v to %v runs backwards or starts before 0", s.From, s.To)
		case s.To > maxTime:
			return fail(i, ErrInvalid, "the interval ends at %v, over %v", s.To, maxTime)
		case s.To > 0 && e.Duration == 0:
			return fail(i, ErrInvalid, "the signal has times but the entry no duration; set Entry.Duration for a video")
		case b.threshold(k) > r.maxRadius[k]:
			return fail(i, &RadiusError{Kind: k, Radius: b.threshold(k), Max: r.maxRadius[k]},
				"the threshold %d of %s is over the index's maximum of %d; set the bank's threshold or raise Options.MaxRadius", b.threshold(k), k, r.maxRadius[k])
		}
	}
	return nil
}
