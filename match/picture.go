package match

import (
	"cmp"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/hash"
)

// Match compares one hash, perceptual or digest, with every enabled bank and
// returns a match for each entry within its bank's threshold, sorted by distance,
// bank and ID. An upload's allow-list matches are not returned: they fill
// SuppressedBy of the others. A frame of an allow-list's video suppresses nothing:
// an excerpt is not the programme.
//
// A hash below the gate is not judged: the error is a *LowQualityError, which is
// ErrLowQuality. Digests have no quality; give hash.Unmeasured. A kind that no
// bank has matches nothing; see Kinds.
func (m *Matcher) Match(v hash.Value, q hash.Quality) ([]Match, error) {
	return m.MatchPicture([]Look{{Value: v, Quality: q}})
}

// MatchPicture compares one picture, looked at in several ways, with every
// enabled bank. Of each entry it returns the best look for each kind, sorted by
// distance, bank, ID and kind. Known videos match by any of their frames, with the
// frame's time in Evidence.KnownTime.
//
// The file's digests may be given among the looks (quality hash.Unmeasured), so
// that an allow-list's digest suppresses what the picture matches and the other
// way round. What an allow-list has of a part of the picture suppresses matches of
// that part only (Look.Area); of sights of an entry that are suppressed and others that
// are not, the match is one that is not.
//
// Looks below the gate are skipped. When they all are, digests not counted, the
// error is a *LowQualityError with the best quality there was, unless a digest
// matches: then its matches are returned without an error. A look that passes the
// gate with the invalid zero Value or a negative Limit is ErrInvalid.
func (m *Matcher) MatchPicture(looks []Look) ([]Match, error) {
	best := hash.Quality(0)
	judged := false
	for i := range looks {
		l := &looks[i]
		if l.Value.Kind().IsDigest() {
			continue
		}
		if !l.Quality.Passes(m.rules.gate) {
			best = max(best, l.Quality)
			continue
		}
		if l.Limit < 0 {
			return nil, fmt.Errorf("%w: look %d has the limit %d; want 0 or more bits", ErrInvalid, i, l.Limit)
		}
		if !l.Value.IsValid() {
			return nil, fmt.Errorf("%w: look %d has no hash; leave it out or tell its quality", ErrInvalid, i)
		}
		judged = true
	}

	m.mu.RLock()
	defer m.mu.RUnlock()
	found := make(map[spot]sight)
	var hits []Hit
	for i := range looks {
		l := &looks[i]
		if !l.Value.IsValid() || !l.Value.Kind().IsDigest() && !l.Quality.Passes(m.rules.gate) {
			continue
		}
		var err error
		if hits, err = m.search(hits[:0], l.Value); err != nil {
			return nil, err
		}
		for _, h := range hits {
			it := m.slots[h.Ref]
			if !m.counts(it, l, h.Distance) {
				continue
			}
			s := sight{distance: h.Distance, signal: int(h.Ref - it.first), look: i}
			k := spot{key{it, l.Value.Kind()}, l.Area}
			if old, seen := found[k]; !seen || s.compare(old) < 0 {
				found[k] = s
			}
		}
	}
	if !judged && len(found) == 0 && (len(looks) == 0 || !allDigests(looks)) {
		return nil, &LowQualityError{Quality: best, Gate: m.rules.gate}
	}

	allows := allowedAreas(found)
	nearest := make(map[key]sight, len(found))
	for k, s := range found {
		if k.it.bank.allow {
			continue
		}
		s.allow = allows(k.area)
		if old, seen := nearest[k.key]; !seen || s.compare(old) < 0 {
			nearest[k.key] = s
		}
	}
	var matches []Match
	for k, s := range nearest { // sorted below
		l, known := &looks[s.look], &k.it.signals[s.signal]
		match := Match{Entry: k.it.public(), Evidence: Evidence{
			Kind: k.kind, Distance: s.distance, Threshold: l.threshold(k.it.bank), Quality: l.Quality,
			Transform: slices.Clone(l.Transform), KnownTransform: slices.Clone(known.Transform),
			Query: l.Value, Known: known.Value, KnownTime: known.From,
		}}
		if s.allow != nil {
			match.SuppressedBy = s.allow.name()
		}
		matches = append(matches, match)
	}
	sortMatches(matches)
	return matches, nil
}

// AllowedBy returns the allow-list entry within whose threshold v lies, as
// "bank/entry", the nearest first; or an empty string. It is for the digests of a
// video, whose frames MatchVideo judges on their own.
func (m *Matcher) AllowedBy(v hash.Value) (string, error) {
	if !v.IsValid() {
		return "", fmt.Errorf("%w: not a hash", ErrInvalid)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	hits, err := m.search(nil, v)
	if err != nil {
		return "", err
	}
	var allow *item
	nearest := 0
	look := Look{Value: v}
	for _, h := range hits {
		it := m.slots[h.Ref]
		if !it.bank.allow || !it.allowsOne(v.Kind()) || !m.counts(it, &look, h.Distance) {
			continue
		}
		if allow == nil || cmp.Or(cmp.Compare(h.Distance, nearest), compareItems(it, allow)) < 0 {
			allow, nearest = it, h.Distance
		}
	}
	if allow == nil {
		return "", nil
	}
	return allow.name(), nil
}

// allowsOne reports whether a single signal of the kind is enough for an
// allow-list's entry to suppress.
func (it *item) allowsOne(k hash.Kind) bool { return !it.isVideo() || k.IsDigest() }

// spot is a part of a picture in which an item was seen.
type spot struct {
	key
	area image.Rectangle
}

// sight is a look at a known signal.
type sight struct {
	distance, signal, look int
	allow                  *item // the allow-list's that suppresses it; nil if it stands
}

// compare orders sights of one item, the best first: those that stand before those
// that are suppressed.
func (s sight) compare(o sight) int {
	if (s.allow == nil) != (o.allow == nil) {
		if s.allow == nil {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(s.distance, o.distance), cmp.Compare(s.look, o.look), cmp.Compare(s.signal, o.signal))
}

// allowedAreas returns which allow-list's item suppresses what is seen in an area:
// the nearest of those in an area that covers it, or nil.
func allowedAreas(found map[spot]sight) func(area image.Rectangle) *item {
	type allowed struct {
		it       *item
		distance int
	}
	nearer := func(a, b allowed) bool {
		return b.it == nil || cmp.Or(cmp.Compare(a.distance, b.distance), compareItems(a.it, b.it)) < 0
	}
	said := make(map[image.Rectangle]allowed) // of each area on its own
	for k, s := range found {
		if a := (allowed{k.it, s.distance}); k.it.bank.allow && k.it.allowsOne(k.kind) && nearer(a, said[k.area]) {
			said[k.area] = a
		}
	}
	known := make(map[image.Rectangle]*item)
	return func(area image.Rectangle) *item {
		it, done := known[area]
		if !done {
			var best allowed
			for other, a := range said {
				if covers(other, area) && nearer(a, best) {
					best = a
				}
			}
			it = best.it
			known[area] = it
		}
		return it
	}
}

// search finds every signal within the largest threshold that any bank has for
// q's kind. The caller holds the lock, and judges the hits with counts.
func (m *Matcher) search(dst []Hit, q hash.Value) ([]Hit, error) {
	k := q.Kind()
	if k.IsDigest() {
		return m.digests.Search(dst, q, 0)
	}
	x := m.indices[k]
	if x == nil {
		return dst, nil
	}
	radius := -1
	for _, b := range m.banks {
		if b.indexed[k] > 0 && !b.disabled {
			radius = max(radius, b.thresholds[k])
		}
	}
	if radius < 0 {
		return dst, nil
	}
	return x.Search(dst, q, radius)
}

// counts reports whether a look's hit at a distance is a match of the item. The
// caller holds the lock.
func (m *Matcher) counts(it *item, l *Look, distance int) bool {
	return it.live() && distance <= l.threshold(it.bank)
}

func allDigests(looks []Look) bool {
	for i := range looks {
		if !looks[i].Value.Kind().IsDigest() {
			return false
		}
	}
	return true
}

func compareItems(a, b *item) int {
	return cmp.Or(strings.Compare(a.bank.name, b.bank.name), strings.Compare(a.id, b.id))
}

// sortMatches puts matches into the order that all queries return them in.
func sortMatches(matches []Match) {
	slices.SortFunc(matches, func(a, b Match) int { return compareMatches(&a, &b) })
}

func compareMatches(a, b *Match) int {
	return cmp.Or(cmp.Compare(a.Evidence.Distance, b.Evidence.Distance), strings.Compare(a.Entry.Bank, b.Entry.Bank),
		strings.Compare(a.Entry.ID, b.Entry.ID), cmp.Compare(a.Evidence.Kind, b.Evidence.Kind))
}
