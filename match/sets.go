package match

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/rematch-go/rematch/hash"
)

// Set is banks that can be listed: a Snapshot, a Matcher, or one that is Frozen.
type Set interface {
	// Banks describes the banks.
	Banks() []BankInfo
	// Entries returns the entries of a bank.
	Entries(bank string) iter.Seq2[Entry, error]
	// EntriesAfter returns those after the one of an ID.
	EntriesAfter(bank, id string) iter.Seq2[Entry, error]
	// Entry returns an entry of a bank; ok is false if it has none of that ID.
	Entry(bank, id string) (e Entry, ok bool, err error)
}

// Difference is a bank or an entry that is not the same in two sets.
type Difference struct {
	Bank string
	ID   string // of the entry; empty: the bank itself
	// What the sets have; nil for what they have not. Of banks all settings
	// are compared; of entries everything.
	Old, New         *Entry
	OldBank, NewBank *BankInfo
}

// Diff lists what is not the same in two sets, by the names of the banks: of each bank
// itself, then what the old one has and the new one has not or has otherwise, then what is
// new. It costs a look-up for each entry of either set and keeps nothing. An error of a
// set ends it.
func Diff(old, new Set) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		before, after := byName(old.Banks()), byName(new.Banks())
		names := maps.Clone(before)
		maps.Copy(names, after)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			a, b := before[name], after[name]
			if a == nil || b == nil || !sameBank(a, b) {
				if !yield(Difference{Bank: name, OldBank: a, NewBank: b}, nil) {
					return
				}
			}
			gone := func(d Difference) bool { return yield(d, nil) }
			come := func(d Difference) bool {
				if d.New != nil {
					return true // told already
				}
				d.Old, d.New = nil, d.Old
				return yield(d, nil)
			}
			for _, way := range []struct {
				from, to Set
				there    bool // to has the bank
				found    func(Difference) bool
			}{{old, new, b != nil, gone}, {new, old, a != nil, come}} {
				if way.from == old && a == nil || way.from == new && b == nil {
					continue
				}
				for d, err := range missing(name, way.from, way.to, way.there) {
					if err != nil {
						yield(Difference{}, err)
						return
					}
					if !way.found(d) {
						return
					}
				}
			}
		}
	}
}

// missing lists what one set has in a bank and another has not, or has otherwise.
func missing(bank string, from, to Set, there bool) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		for e, err := range from.Entries(bank) {
			d := Difference{Bank: bank, ID: e.ID, Old: &e}
			if err == nil && there {
				var other Entry
				var ok bool
				if other, ok, err = to.Entry(bank, e.ID); ok {
					d.New = &other
				}
			}
			if err != nil {
				yield(Difference{}, err)
				return
			}
			if (d.New == nil || !sameEntry(d.Old, d.New)) && !yield(d, nil) {
				return
			}
		}
	}
}

func byName(infos []BankInfo) map[string]*BankInfo {
	banks := make(map[string]*BankInfo, len(infos))
	for i := range infos {
		banks[infos[i].Name] = &infos[i]
	}
	return banks
}

func sameBank(a, b *BankInfo) bool {
	for _, k := range hash.Kinds() {
		if a.threshold(k) != b.threshold(k) {
			return false
		}
	}
	return a.Disabled == b.Disabled && a.Allow == b.Allow && slices.Equal(a.Labels, b.Labels) && slices.Equal(a.Suppresses, b.Suppresses) &&
		a.Action == b.Action && a.Policy == b.Policy && a.RollOut == b.RollOut
}

// threshold returns the bank's threshold for a kind that it may have no signal of.
func (b *BankInfo) threshold(k hash.Kind) int {
	if bits, given := b.Given[k]; given {
		return bits
	}
	return k.Threshold()
}

func sameEntry(a, b *Entry) bool {
	return a.ID == b.ID && a.Duration == b.Duration && a.Disabled == b.Disabled && slices.Equal(a.Labels, b.Labels) && a.Curation.Equal(b.Curation) && sameSignals(a.Signals, b.Signals)
}

func sameSignals(a, b []Signal) bool {
	return slices.EqualFunc(a, b, func(x, y Signal) bool {
		return x.Value == y.Value && x.Quality == y.Quality && x.From == y.From && x.To == y.To && slices.Equal(x.Transform, y.Transform)
	})
}

func cloneSignals(signals []Signal) []Signal {
	signals = slices.Clone(signals)
	for i := range signals {
		signals[i].Transform = slices.Clone(signals[i].Transform)
	}
	return signals
}

// Merge adds the banks of sets to a builder. Banks of one name become one, which is
// described as in the first set that has it; of entries of one ID in it the first is
// taken. conflicts are the banks and entries that another set has otherwise (Old and OldBank
// are what was taken). A bank that is an allow-list in one set only is ErrInvalid in an
// *EntryError: known content must not become what allows. Other errors are those of the sets
// and the builder.
func Merge(b *Builder, sets ...Set) (conflicts []Difference, err error) {
	infos, named := make([][]BankInfo, len(sets)), make([]map[string]*BankInfo, len(sets))
	for i, s := range sets {
		infos[i] = s.Banks()
		named[i] = byName(infos[i])
	}
	done := make(map[string]bool)
	for first := range sets {
		for _, info := range infos[first] {
			name := info.Name
			if done[name] {
				continue
			}
			done[name] = true
			if err := b.Bank(info.Settings()); err != nil {
				return nil, err
			}
			var have []Set // those before that have the bank
			for i, s := range sets[first:] {
				other := named[first+i][name]
				switch {
				case other == nil:
					continue
				case other.Allow != info.Allow:
					return nil, &EntryError{Bank: name, Signal: -1, Reason: "it is an allow-list in one of the sets only; rename one of them", Err: ErrInvalid}
				case !sameBank(&info, other):
					conflicts = append(conflicts, Difference{Bank: name, OldBank: &info, NewBank: other})
				}
				for e, err := range s.Entries(name) {
					if err != nil {
						return nil, err
					}
					taken, err := firstOf(have, name, e.ID)
					switch {
					case err != nil:
						return nil, err
					case taken == nil:
						if err := b.Entry(e); err != nil {
							return nil, err
						}
					case !sameEntry(taken, &e):
						conflicts = append(conflicts, Difference{Bank: name, ID: e.ID, Old: taken, New: &e})
					}
				}
				have = append(have, s)
			}
		}
	}
	return conflicts, nil
}

// firstOf returns an entry from the first set that has it, or nil.
func firstOf(sets []Set, bank, id string) (*Entry, error) {
	for _, s := range sets {
		if e, ok, err := s.Entry(bank, id); ok || err != nil {
			return &e, err
		}
	}
	return nil, nil
}

// Pair is two entries of which a signal each lies within a radius of the other's.
type Pair struct {
	Bank, ID           string
	OtherBank, OtherID string
	Kind               hash.Kind
	Distance           int // bits, of the nearest two signals
	Signal, Other      int // their numbers in the entries; of pairs equally near the first
}

// compare orders the pairs of signals of two entries, the nearest first.
func (p *Pair) compare(o *Pair) int {
	return cmp.Or(cmp.Compare(p.Distance, o.Distance), cmp.Compare(p.Signal, o.Signal), cmp.Compare(p.Other, o.Other))
}

// Similar lists the pairs of an entry of a bank of another set and an entry of a bank of m
// with signals of a kind within radius bits (inclusive) of each other, in the order of the
// set's entries, nearest first. The set may be m itself, and then the bank beside itself
// gives its near duplicates, each pair once. What is disabled counts, what is set aside
// (see Quarantined) does not. It costs a look-up for each signal of the kind in the set's
// bank, and keeps nothing. Errors, which end it, are ErrUnknown, a *RadiusError, the context's, and those of
// Entries.
func (m *Matcher) Similar(ctx context.Context, from Set, bank, other string, k hash.Kind, radius int) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		m.mu.Lock()
		b, err := m.bank(other)
		m.mu.Unlock()
		if err != nil {
			yield(Pair{}, err)
			return
		}
		itself := from == Set(m) && bank == other
		u := m.Upload("")
		var hits []Hit
		// pairs returns the nearest by the other item's number: items themselves are not kept.
		pairs := func(e *Entry) (map[uint64]Pair, error) {
			nearest := make(map[uint64]Pair)
			for n := range e.Signals {
				s := &e.Signals[n]
				if s.Value.Kind() != k {
					continue
				}
				if cause, _ := m.rules.aside(s, e.IsVideo()); cause != "" {
					continue
				}
				if hits, err = m.within(hits[:0], s.Value, radius); err != nil {
					return nil, err
				}
				for _, h := range hits {
					it, signal, err := m.found(h, s.Value, false)
					if err != nil {
						return nil, err
					}
					if it == nil || it.bank != b || itself && it.id <= e.ID {
						continue
					}
					p := Pair{Bank: bank, ID: e.ID, OtherBank: other, OtherID: it.id, Kind: k, Distance: h.Distance, Signal: n, Other: signal}
					if old, seen := nearest[it.seq]; !seen || p.compare(&old) < 0 {
						nearest[it.seq] = p
					}
				}
			}
			return nearest, nil
		}
		for e, err := range from.Entries(bank) {
			var nearest map[uint64]Pair
			if err = cmp.Or(err, context.Cause(ctx)); err == nil {
				err = u.settled(func() (err error) {
					nearest, err = pairs(&e)
					return err
				})
			}
			if err != nil {
				yield(Pair{}, err)
				return
			}
			for _, p := range slices.SortedFunc(maps.Values(nearest), func(x, y Pair) int {
				return cmp.Or(cmp.Compare(x.Distance, y.Distance), cmp.Compare(x.OtherID, y.OtherID))
			}) {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// Lookup returns the entries that have a signal within radius bits (inclusive) of v, and
// with a negative radius within their banks' thresholds, sorted and limited as ScanPicture
// does it. It is the bare index: nothing is judged by quality or suppressed, and entries of
// allow-lists are listed too, and what a Policy or RollOut shadows or ignores. What is disabled
// or expired is not; see Nearest. The error is a *RadiusError for a
// radius that the index can't answer in full, or a *FormatError.
func (m *Matcher) Lookup(v hash.Value, radius int) (PictureResult, error) {
	return m.lookup(v, radius, false)
}

// Nearest is as Lookup, but lists what is disabled or expired as well: for curators.
func (m *Matcher) Nearest(v hash.Value, radius int) (PictureResult, error) {
	return m.lookup(v, radius, true)
}

func (m *Matcher) lookup(v hash.Value, radius int, asleep bool) (PictureResult, error) {
	u := m.Upload("")
	if !v.IsValid() {
		return PictureResult{}, fmt.Errorf("%w: not a hash", ErrInvalid)
	}
	nearest := make(map[key]sight)
	err := u.settled(func() (err error) {
		clear(nearest)
		var hits []Hit
		if radius < 0 {
			hits, err = m.search(nil, v)
		} else {
			hits, err = m.within(nil, v, radius)
		}
		if err != nil {
			return err
		}
		for _, h := range hits {
			it, signal, err := m.found(h, v, true)
			if err != nil {
				return err
			}
			if it == nil || !asleep && !u.awake(it) || radius < 0 && h.Distance > it.bank.threshold(v.Kind()) {
				continue
			}
			s := sight{distance: h.Distance, signal: signal}
			k := key{it, v.Kind()}
			if old, seen := nearest[k]; !seen || s.compare(old) < 0 {
				nearest[k] = s
			}
		}
		return nil
	})
	if err != nil {
		return PictureResult{}, err
	}
	var result PictureResult
	result.Matches, result.Total, _ = m.describe(nearest, []Look{{Value: v, Quality: hash.Unmeasured}})
	return result, nil
}

// within finds every signal within a radius.
func (m *Matcher) within(dst []Hit, v hash.Value, radius int) (hits []Hit, err error) {
	k := v.Kind()
	most := m.rules.maxRadius[k]
	switch x := m.view.Load().indices[k]; {
	case k.IsDigest():
		hits, err = m.digests.Search(dst, v, radius)
	case x != nil:
		hits, err = x.Search(dst, v, radius)
	case radius < 0 || radius > most:
		return dst, &RadiusError{Kind: k, Radius: radius, Max: most}
	default:
		return dst, nil
	}
	return hits, m.located(err)
}
