package match

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// The defaults of SurgeRule.
const (
	DefaultSurgeBucket  = time.Hour
	DefaultSurgeHistory = 24 // a day of hours
	// DefaultSurgeLeast is more than the copies of one item that a platform of a million uploads
	// a day sees in an hour, but for the waves after an attack.
	DefaultSurgeLeast  = 100
	DefaultSurgeFactor = 10
	// DefaultSurgeShare: no video ever was a twentieth of what is uploaded anywhere; a blank
	// picture, a logo or a meme's template is.
	DefaultSurgeShare   = 5
	DefaultSurgeEntries = 1 << 16
)

// SurgeRule says when an entry matches so many more uploads than it used to that it is set
// aside (Curation.Quarantine): a hash that should not be in a list floods reviewers, or worse,
// takes down what is harmless.
//
// Uploads are counted in buckets of time, which begin at multiples of Bucket since 1970; each
// upload once for an entry, however often it was found in it, reported or shadowed, but not
// where an allow-list's picture or video suppressed it (what match/screen suppresses by a digest of
// the file counts). Of a picture those of the Options.MaxMatches nearest are counted, and of a video what
// any VideoScan.Result has as a match: one that a later Result drops stays counted. An entry has
// surged when in the running bucket it has matched Least uploads or more, and
//
//   - more than Factor times the mean of the buckets before, up to History of them, in which it
//     was there and was counted; or,
//   - while these are fewer than a quarter of History, more than Share per cent of all uploads
//     that were compared in the running bucket.
//
// From the next upload on the bank's Policy for Quarantined holds for it. What we have confirmed
// (Curation.Decision) is told of, once a bucket, and goes on matching: a known video that is
// uploaded a thousand times after an attack must not be let through for it. What was released is
// not set aside again for History buckets. Counts are kept in memory, of the Entries that match
// the most; they begin anew with each Matcher.
type SurgeRule struct {
	// Heard is told of every surge, by the query that has found it and before that returns; it
	// may use the Matcher, must be safe for concurrent use, and nil turns all of this off:
	// nothing is ever set aside unheard.
	Heard func(Surge)
	// SetAside sets an entry aside in the system of record that the Matcher follows, and is called
	// by the query as Heard is, which is then told what came of it. The Matcher itself then changes
	// nothing: the record's next change of the entry does. nil: the Matcher sets it aside.
	SetAside func(Surge) error

	Bucket  time.Duration // 0: DefaultSurgeBucket
	History int           // buckets; 0: DefaultSurgeHistory, at most 1000
	Least   int           // uploads; 0: DefaultSurgeLeast
	Factor  float64       // 0: DefaultSurgeFactor
	Share   float64       // per cent of uploads; 0: DefaultSurgeShare
	Entries int           // that are counted at most, some 200 bytes each with the default History; 0: DefaultSurgeEntries
}

// Surge is an entry that suddenly matches far more uploads than it used to.
type Surge struct {
	Bank, Entry string
	Quarantine  Quarantine // the figures
	SetAside    bool       // false: it is confirmed and goes on matching, or Err
	Err         error      // why it could not be set aside: the log of changes can't be written, or SetAside's
}

func (r SurgeRule) resolved() (SurgeRule, error) {
	r.Bucket = cmp.Or(r.Bucket, DefaultSurgeBucket)
	r.History = cmp.Or(r.History, DefaultSurgeHistory)
	r.Least = cmp.Or(r.Least, DefaultSurgeLeast)
	r.Factor = cmp.Or(r.Factor, DefaultSurgeFactor)
	r.Share = cmp.Or(r.Share, DefaultSurgeShare)
	r.Entries = cmp.Or(r.Entries, DefaultSurgeEntries)
	if r.Bucket < 0 || r.History < 0 || r.History > 1000 || r.Least < 0 || r.Entries < 2 || !(r.Factor > 0) || !(r.Share > 0 && r.Share <= 100) {
		return r, fmt.Errorf("%w: Options.Surge is %v for %d buckets, %d uploads, factor %v, share %v, %d entries; want figures above 0, a share up to 100, a history up to 1000 and two entries or more",
			ErrInvalid, r.Bucket, r.History, r.Least, r.Factor, r.Share, r.Entries)
	}
	return r, nil
}

// surges counts uploads. It is safe for concurrent use.
type surges struct {
	rule SurgeRule

	mu       sync.Mutex
	bucket   int64 // number of the running one; it never falls
	uploads  int   // in it
	arrivals []arrival
	tallies  map[*item]*tally
}

// arrival is the number of the last item that was there when a bucket began.
type arrival struct {
	bucket int64
	seq    uint64
}

// tally is what one item has matched.
type tally struct {
	bucket   int64    // the latest in which it matched
	count    uint32   // in that
	past     []uint32 // in the buckets before, each at its number modulo the length
	told     bool     // of a surge in that bucket
	pardoned int64    // until which bucket it is not set aside
}

func newSurges(r SurgeRule, now int64) *surges {
	s := &surges{rule: r, tallies: make(map[*item]*tally)}
	s.bucket = s.number(now)
	return s
}

// number returns the number of the bucket of a time.
func (s *surges) number(now int64) int64 {
	n := now / int64(s.rule.Bucket)
	if now%int64(s.rule.Bucket) < 0 {
		n--
	}
	return n
}

// roll begins the bucket of a time unless it has begun. arrived is the latest item there.
func (s *surges) roll(now int64, arrived uint64) {
	n := s.number(now)
	if n <= s.bucket {
		return
	}
	s.bucket, s.uploads = n, 0
	if len(s.arrivals) > s.rule.History {
		s.arrivals = slices.Delete(s.arrivals, 0, 1)
	}
	s.arrivals = append(s.arrivals, arrival{n, arrived})
}

// upload counts an upload.
func (s *surges) upload(now int64, arrived uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roll(now, arrived)
	s.uploads++
}

// match counts an upload that an item matches, and reports whether the item has surged, once a
// bucket.
func (s *surges) match(it *item, now int64, arrived uint64) (q Quarantine, surged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roll(now, arrived)
	if (it.off.Load()|it.bank.off.Load())&offGone != 0 {
		return q, false // it is not to be kept
	}
	t := s.tallies[it]
	if t == nil {
		if len(s.tallies) >= s.rule.Entries {
			s.forget()
		}
		t = &tally{bucket: s.bucket, past: make([]uint32, s.rule.History)}
		s.tallies[it] = t
	}
	t.roll(s.bucket)
	t.count += min(1, math.MaxInt32-t.count)
	if t.told || t.pardoned >= s.bucket || int64(t.count) < int64(s.rule.Least) || it.state.Load().held {
		return q, false
	}
	q = Quarantine{Since: time.Unix(0, now).UTC(), Count: int(t.count), Uploads: s.uploads}
	if buckets := s.history(it); 4*buckets >= int64(s.rule.History) && buckets > 0 {
		sum := 0.0
		for b := s.bucket - buckets; b < s.bucket; b++ {
			sum += float64(t.past[modulo(b, len(t.past))])
		}
		q.Usual = sum / float64(buckets)
		surged = float64(q.Count) > s.rule.Factor*q.Usual
	} else {
		surged = 100*float64(q.Count) > s.rule.Share*float64(s.uploads)
	}
	t.told = surged
	return q, surged
}

// history returns in how many buckets before the running one the item was there and counted.
func (s *surges) history(it *item) int64 {
	for _, a := range s.arrivals {
		if it.seq <= a.seq {
			return min(s.bucket-a.bucket, int64(s.rule.History))
		}
	}
	return 0
}

// roll puts what was counted in earlier buckets into the past.
func (t *tally) roll(bucket int64) {
	if t.bucket >= bucket {
		return
	}
	n := len(t.past)
	if bucket-t.bucket > int64(n) {
		clear(t.past)
	} else {
		for b := t.bucket + 1; b < bucket; b++ {
			t.past[modulo(b, n)] = 0
		}
		t.past[modulo(t.bucket, n)] = t.count
	}
	t.bucket, t.count, t.told = bucket, 0, false
}

func modulo(b int64, n int) int64 { return ((b % int64(n)) + int64(n)) % int64(n) }

// forget drops half of the tallies: those that matched longest ago, and of these the least.
func (s *surges) forget() {
	all := make([]*item, 0, len(s.tallies))
	for it := range s.tallies { // sorted at once
		all = append(all, it)
	}
	slices.SortFunc(all, func(x, y *item) int {
		a, b := s.tallies[x], s.tallies[y]
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.count, b.count), cmp.Compare(x.seq, y.seq))
	})
	for _, it := range all[:(len(all)+1)/2] {
		delete(s.tallies, it)
	}
}

// drop forgets an item that was removed.
func (s *surges) drop(it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tallies, it)
}

// dropBank forgets all items of a bank that was removed: those on a shelf would keep its file.
func (s *surges) dropBank(b *bank) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.tallies, func(it *item, _ *tally) bool { return it.bank == b })
}

// pardon leaves an item alone for as long as it has a history.
func (s *surges) pardon(it *item, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tallies[it]; t != nil {
		t.pardoned = max(s.bucket, s.number(now)) + int64(s.rule.History)
	}
}

// setAside sets an item aside that has surged, unless it is confirmed, and tells of it.
func (m *Matcher) setAside(it *item, q Quarantine) {
	heard := Surge{Bank: it.bank.name, Entry: it.id, Quarantine: q}
	m.mu.Lock()
	gone := it.off.Load()&offGone != 0 || m.banks[it.bank.name] != it.bank
	now := it.copy()
	e := now.entry()
	e.Curation = e.Curation.Clone()
	aside, confirmed := m.rules.surge.SetAside, e.Curation.Decision.Stance == Positive
	if !gone && !confirmed && aside == nil {
		e.Curation.Quarantine = q
		heard.Err = m.setEntry(it, &e)
	}
	m.mu.Unlock()
	if gone {
		return
	}
	if !confirmed && aside != nil {
		heard.Err = aside(heard)
	}
	heard.SetAside = !confirmed && heard.Err == nil
	m.rules.surge.Heard(heard)
}
