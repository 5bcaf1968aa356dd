package match

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/exact"
	"github.com/rematch-go/rematch/match/internal/generic"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// DefaultCleanPercent is one harmless upload in a thousand: a known hash that matches more of
// them would keep people busy with nothing else.
const DefaultCleanPercent = 0.1

// fewClean is how many harmless uploads are too few to tell by: three of them may be copies of
// something that is not harmless.
const fewClean = 3

// suspects is what of a Matcher's rules sets known hashes aside.
type suspects struct {
	clean    map[hash.Kind]*cleanSample
	released map[hash.Value]bool
}

// cleanSample is the caller's harmless uploads of a kind.
type cleanSample struct {
	values []hash.Value
	index  *MIH
	most   int // how many a known hash may match
}

func (o *Options) suspects() (suspects, error) {
	s := suspects{clean: make(map[hash.Kind]*cleanSample), released: make(map[hash.Value]bool)}
	percent := o.CleanPercent
	switch {
	case percent == 0:
		percent = DefaultCleanPercent
	case !(percent > 0 && percent <= 100): // so written that NaN is refused
		return suspects{}, fmt.Errorf("%w: Options.CleanPercent is %v; want more than 0 to 100, or 0 for the default", ErrInvalid, o.CleanPercent)
	}
	for i, v := range o.Clean {
		k := v.Kind()
		if !v.IsValid() || k.IsDigest() {
			return suspects{}, fmt.Errorf("%w: Options.Clean: number %d is no perceptual hash", ErrInvalid, i)
		}
		sample := s.clean[k]
		if sample == nil {
			sample = new(cleanSample)
			s.clean[k] = sample
		}
		sample.values = append(sample.values, v)
	}
	for k, sample := range s.clean {
		var err error
		if sample.index, err = NewMIH(k, k.Threshold()); err != nil {
			return suspects{}, err
		}
		refs := make([]Ref, len(sample.values))
		for i := range refs {
			refs[i] = Ref(i)
		}
		if err := sample.index.AddAll(refs, sample.values); err != nil {
			return suspects{}, err
		}
		sample.most = max(fewClean, int(percent/100*float64(len(refs))))
	}
	for _, v := range o.Release {
		s.released[v] = true
	}
	return s, nil
}

// suspect returns why v must match nothing, or empty strings.
func (s *suspects) suspect(v hash.Value) (Cause, string) {
	if s.released[v] {
		return "", ""
	}
	if cause, reason := junk(v); cause != "" {
		return cause, reason
	}
	return s.near(v)
}

// near is suspect for what is no junk and not released.
func (s *suspects) near(v hash.Value) (Cause, string) {
	if p := generic.Within(v); p != nil {
		return CausePlain, plainReason(p.Name)
	}
	k := v.Kind()
	if sample := s.clean[k]; sample != nil {
		hits, err := sample.index.search(nil, v, k.Threshold())
		if n := len(hits); err == nil && n > sample.most { // there is no file that an error could be of
			return CauseCommon, fmt.Sprintf("it would match %d of %d harmless uploads", n, len(sample.values))
		}
	}
	return "", ""
}

// aside returns why a signal is set aside, or empty strings.
func (r *rules) aside(s *Signal, video bool) (Cause, string) {
	switch {
	case s.Quality.Passes(r.gate):
		return r.suspect(s.Value)
	case video:
		return "", "" // dark and empty frames are part of any video, and nothing to report
	}
	return CauseLowQuality, fmt.Sprintf("its quality %s is below the gate of %d: such pictures are not judged", s.Quality, r.gate)
}

// Sieve tells what a Matcher would set aside, for those who take lists over without having one.
// It is safe for concurrent use.
type Sieve struct{ rules rules }

// NewSieve returns the Sieve of a Matcher's options: Gate, Clean, CleanPercent and Release. The
// error is ErrInvalid.
func NewSieve(o Options) (*Sieve, error) {
	r, err := o.rules()
	if err != nil {
		return nil, err
	}
	return &Sieve{r}, nil
}

// Aside returns the signals of a bank's entry that would be kept and match nothing, in their
// order, as Matcher.Quarantined has them. It costs what adding them costs, without the index.
func (s *Sieve) Aside(bank string, e *Entry) (aside []Quarantined) {
	for i := range e.Signals {
		if cause, reason := s.rules.aside(&e.Signals[i], e.Duration > 0); cause != "" {
			aside = append(aside, Quarantined{Bank: bank, Entry: e.ID, Signal: i, Value: e.Signals[i].Value, Cause: cause, Reason: reason})
		}
	}
	return aside
}

// fewHashes is how many hashes of a bank are asked about one by one when a snapshot is loaded.
var fewHashes = 1024 // a variable for tests

// matchable reports whether a signal may match. One that may not is in no index, but a query can
// have a hit of what had its slot before.
func (it *item) matchable(r *rules, signal int) bool {
	if it.shelf != nil {
		return it.shelf.matchable(r, uint32(it.first-it.shelf.base)+uint32(signal), &it.signals[signal])
	}
	_, silent := slices.BinarySearch(it.silent, int32(signal))
	return !silent
}

// matchable reports whether a signal on the shelf may match: everything is in the
// snapshot's indices. The number is that of the signal in the snapshot.
func (sh *shelf) matchable(r *rules, number uint32, s *Signal) bool {
	if !s.Quality.Passes(r.gate) {
		return false
	}
	if sh.snap.holdsJunk(s.Value) {
		return r.released[s.Value]
	}
	_, suspect := slices.BinarySearch(sh.suspect, number)
	return !suspect
}

// sift finds the signals on a fresh shelf that must match nothing beside the junk that its
// file knows of, and the junk that is released, and counts them. It asks the indices for what
// is near plain pictures, of kinds but PDQ, and near those of Options.Clean: before they are
// put into those of a Matcher, which is left as it is where something of them can't be read.
func (sh *shelf) sift(r *rules) (err error) {
	defer sh.snap.locate(&err)
	perceptual, digests := make(map[hash.Kind]*MIH), make(map[hash.Kind]*exact.Index)
	found := make([]uint64, (int(sh.snap.signals)+63)/64) // a bit a signal
	there := func(number Ref) bool { return uint32(number) < sh.snap.signals }
	// Many indices of few hashes each take longer to be asked than their hashes.
	take := func(run *snapRun) bool {
		if run.kind.IsDigest() {
			return len(r.released) > 0 // nothing else is asked of digests
		}
		return run.bank < 0 || run.n > fewHashes
	}
	err = sh.attach(0, take, func(k hash.Kind) (*MIH, error) {
		if perceptual[k] == nil {
			perceptual[k] = &MIH{kind: k, max: r.maxRadius[k], set: mih.NewStill(k.Bits() / 64)}
		}
		return perceptual[k], nil
	}, func(k hash.Kind) *exact.Index {
		if digests[k] == nil {
			digests[k] = exact.NewStill(k.Bits() / 8)
		}
		return digests[k]
	})
	if err != nil {
		return err
	}
	for i := range sh.snap.runs {
		run := &sh.snap.runs[i]
		if run.kind.IsDigest() || take(run) {
			continue
		}
		for n := range run.n {
			number := run.first + uint32(n)
			v, err := sh.snap.bareValue(number)
			if err != nil {
				return err
			}
			switch junk := sh.snap.holdsJunk(v); {
			case junk && r.released[v]:
				b := sh.banks[run.bank]
				b.indexed[v.Kind()]++
				b.aside--
			case !junk:
				if cause, _ := r.near(v); cause != "" {
					found[number/64] |= 1 << (number % 64)
				}
			}
		}
	}
	for _, k := range hash.Kinds() {
		x := perceptual[k]
		if x == nil {
			continue
		}
		pictures, radius := generic.Of(k)
		values := make([]hash.Value, len(pictures))
		for i := range pictures {
			values[i] = pictures[i].Value
		}
		err := x.searchAll(values, radius, func(_ int, h Hit) {
			if there(h.Ref) {
				found[h.Ref/64] |= 1 << (h.Ref % 64)
			}
		})
		if sample := r.clean[k]; err == nil && sample != nil {
			counts := make([]uint32, sh.snap.signals)
			err = x.searchAll(sample.values, k.Threshold(), func(_ int, h Hit) {
				if there(h.Ref) {
					counts[h.Ref]++
				}
			})
			for number, n := range counts {
				if int(n) > sample.most {
					found[number/64] |= 1 << (number % 64)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	for i, word := range found {
		for ; word != 0; word &= word - 1 {
			number := uint32(64*i + bits.TrailingZeros64(word))
			b, s, err := sh.signal(number)
			if err != nil {
				return err
			}
			if s.Quality.Passes(r.gate) && !sh.snap.holdsJunk(s.Value) && !r.released[s.Value] {
				sh.suspect = append(sh.suspect, number)
				b.indexed[s.Value.Kind()]--
				b.aside++
			}
		}
	}
	for value := range r.released { // in any order: they are counted
		if !value.IsValid() || !sh.snap.holdsJunk(value) {
			continue
		}
		k := value.Kind()
		var numbers []uint32
		var err error
		if x := digests[k]; x != nil {
			err = x.Search(value.AppendBytes(nil), func(number uint32) { numbers = append(numbers, number) })
		} else if x := perceptual[k]; x != nil {
			err = x.searchAll([]hash.Value{value}, 0, func(_ int, h Hit) { numbers = append(numbers, uint32(h.Ref)) })
		}
		if err != nil {
			return err
		}
		for _, number := range numbers {
			if !there(Ref(number)) {
				continue
			}
			b, s, err := sh.signal(number)
			if err != nil {
				return err
			}
			if s.Quality.Passes(r.gate) {
				b.indexed[k]++
				b.aside--
			}
		}
	}
	return nil
}

// signal reads a signal of the shelf's snapshot and tells whose it is.
func (sh *shelf) signal(number uint32) (*bank, *Signal, error) {
	entry, index, err := sh.snap.entryOf(number)
	if err != nil {
		return nil, nil, err
	}
	b, e, err := sh.snap.entry(entry)
	if err != nil {
		return nil, nil, err
	}
	return sh.banks[b], &e.Signals[index], nil
}
