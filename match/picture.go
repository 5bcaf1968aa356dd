package match

import (
	"cmp"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/hash"
)

// PictureResult is what a picture's comparison found.
type PictureResult struct {
	// Matches are sorted by distance, bank, ID and kind. Of more than
	// Options.MaxMatches it has the nearest, and those that stand before those that an
	// allow-list suppresses.
	Matches []Match
	// Total is how many there are in all.
	Total int
	// Shadow are matches that are recorded and not reported (Match.ShadowedBy), and ShadowTotal
	// how many there are, as Matches and Total are.
	Shadow      []Match
	ShadowTotal int
}

// Match compares one hash, perceptual or digest, with every enabled bank and
// returns a match for each entry within its bank's threshold, sorted by distance,
// bank and ID, as ScanPicture does.
//
// A hash below the gate is not judged: the error is a *LowQualityError, which is
// ErrLowQuality. Digests have no quality; give hash.Unmeasured. A kind that no
// bank has matches nothing; see Kinds.
func (m *Matcher) Match(v hash.Value, q hash.Quality) ([]Match, error) {
	return m.Upload("").Match(v, q)
}

// MatchPicture is ScanPicture for those who need only the matches.
func (m *Matcher) MatchPicture(looks []Look) ([]Match, error) {
	result, err := m.ScanPicture(looks)
	return result.Matches, err
}

// ScanPicture compares one picture, looked at in several ways, with every
// enabled bank. Of each entry it returns the best look for each kind. Known videos match
// by any of their frames, with the frame's time in Evidence.KnownTime. Looks at halves
// (hash.Half) are for the frames of videos: they are passed over.
//
// What is said of an entry, dates, and its bank's Policy and RollOut decide whether it is
// reported, shadowed or left out. Shadowed entries change nothing of what is reported.
//
// An upload's allow-list matches are not returned: they fill SuppressedBy of the others, of the
// banks that Bank.Suppresses names.
// A frame of an allow-list's video suppresses nothing: an excerpt is not the programme.
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
func (m *Matcher) ScanPicture(looks []Look) (PictureResult, error) {
	return m.Upload("").ScanPicture(looks)
}

// ScanPicture is as Matcher.ScanPicture.
func (u *Upload) ScanPicture(looks []Look) (PictureResult, error) {
	m := u.m
	u.begin()
	u.identify(looks)
	best := hash.Quality(0)
	judged := false
	for i := range looks {
		l := &looks[i]
		if l.Value.Kind().IsDigest() || halfOf(l.Transform) != hash.Whole {
			continue
		}
		if !l.Quality.Passes(m.rules.gate) {
			best = max(best, l.Quality)
			continue
		}
		if l.Limit < 0 {
			return PictureResult{}, fmt.Errorf("%w: look %d has the limit %d; want 0 or more bits", ErrInvalid, i, l.Limit)
		}
		if !l.Value.IsValid() {
			return PictureResult{}, fmt.Errorf("%w: look %d has no hash; leave it out or tell its quality", ErrInvalid, i)
		}
		judged = true
	}

	var s sights
	if err := u.settled(func() (err error) {
		s, err = u.sights(looks)
		return err
	}); err != nil {
		return PictureResult{}, err
	}
	if !judged && !s.some && (len(looks) == 0 || !allDigests(looks)) {
		return PictureResult{}, &LowQualityError{Quality: best, Gate: m.rules.gate}
	}
	var result PictureResult
	var keys []key
	result.Matches, result.Total, keys = m.describe(s.nearest, looks)
	u.count(result.Matches, keys)
	if len(s.shadow) == 0 {
		return result, nil
	}
	result.Shadow, result.ShadowTotal, keys = m.describe(s.shadow, looks)
	for i, k := range keys {
		result.Shadow[i].ShadowedBy = s.by[k]
	}
	u.count(result.Shadow, keys)
	return result, nil
}

// sights are the best of each item that a picture is a match of.
type sights struct {
	nearest map[key]sight
	shadow  map[key]sight  // of items that are shadowed
	by      map[key]string // why they are: see Match.ShadowedBy
	some    bool           // whether there was anything, if only of an allow-list
}

// sights looks a picture up as the banks are.
func (u *Upload) sights(looks []Look) (out sights, err error) {
	m := u.m
	found := make(map[spot]sight)
	var hits []Hit
	for i := range looks {
		l := &looks[i]
		if !l.Value.IsValid() || !l.Value.Kind().IsDigest() && !l.Quality.Passes(m.rules.gate) || halfOf(l.Transform) != hash.Whole {
			continue
		}
		if hits, err = m.search(hits[:0], l.Value); err != nil {
			return out, err
		}
		for _, h := range hits {
			it, signal, err := u.known(h, l)
			if err != nil {
				return out, err
			}
			if it == nil {
				continue
			}
			s := sight{distance: h.Distance, signal: signal, look: i}
			k := spot{key{it, l.Value.Kind()}, l.Area}
			if old, seen := found[k]; !seen || s.compare(old) < 0 {
				found[k] = s
			}
		}
	}

	if len(found) == 0 {
		return out, nil
	}
	allows := allowedAreas(found)
	out = sights{nearest: make(map[key]sight, len(found)), some: true}
	for k, s := range found {
		if k.it.bank.allow {
			continue
		}
		s.allow = allows(k.area, k.it.bank)
		if old, seen := out.nearest[k.key]; !seen || s.compare(old) < 0 {
			out.nearest[k.key] = s
		}
	}
	// Each is treated as it is now: what was shadowed when it was found may be gone by now.
	for k, s := range out.nearest {
		t, by := u.treat(k.it)
		if t == Report {
			continue
		}
		delete(out.nearest, k)
		if t == Shadow {
			if out.shadow == nil {
				out.shadow, out.by = make(map[key]sight), make(map[key]string)
			}
			out.shadow[k], out.by[k] = s, by
		}
	}
	return out, nil
}

// describe makes matches of the best sight of each item. It returns them with their keys, and
// how many there are in all.
func (m *Matcher) describe(nearest map[key]sight, looks []Look) (matches []Match, total int, order []key) {
	order = make([]key, 0, len(nearest))
	for k := range nearest { // sorted at once
		order = append(order, k)
	}
	compare := func(a, b key) int {
		return cmp.Or(cmp.Compare(nearest[a].distance, nearest[b].distance), compareItems(a.it, b.it), cmp.Compare(a.kind, b.kind))
	}
	total = len(order)
	if most := m.rules.maxMatches; len(order) > most {
		slices.SortFunc(order, func(a, b key) int {
			if suppressed := nearest[a].allow != nil; suppressed != (nearest[b].allow != nil) {
				if suppressed {
					return 1
				}
				return -1
			}
			return compare(a, b)
		})
		order = order[:most]
	}
	slices.SortFunc(order, compare)
	matches = slices.Grow(matches, len(order))
	for _, k := range order {
		s := nearest[k]
		l, known := &looks[s.look], &k.it.signals[s.signal]
		match := Match{Entry: k.it.public(), Action: k.it.bank.state.Load().action, Evidence: Evidence{
			Kind: k.kind, Distance: s.distance, Threshold: l.thresholdOf(k.it.bank, s.distance), Quality: l.Quality,
			Transform: slices.Clone(l.Transform), KnownTransform: slices.Clone(known.Transform),
			Query: l.Value, Known: known.Value, KnownTime: known.From,
		}}
		if s.allow != nil {
			match.SuppressedBy = s.allow.name()
		}
		matches = append(matches, match)
	}
	return matches, total, order
}

// AllowedBy returns the allow-list entry within whose threshold v lies and that suppresses
// matches of a bank, as "bank/entry", the nearest first; or an empty string. It is for the
// digests of a video, whose frames MatchVideo judges on their own.
func (m *Matcher) AllowedBy(v hash.Value, bankName string) (string, error) {
	return m.Upload("").AllowedBy(v, bankName)
}

// AllowedBy is as Matcher.AllowedBy.
func (u *Upload) AllowedBy(v hash.Value, bankName string) (string, error) {
	m := u.m
	u.begin()
	if !v.IsValid() {
		return "", fmt.Errorf("%w: not a hash", ErrInvalid)
	}
	look := Look{Value: v}
	u.identify([]Look{look})
	of := &bank{name: bankName}
	var allow *item
	err := u.settled(func() error {
		allow = nil
		nearest := 0
		hits, err := m.search(nil, v)
		if err != nil {
			return err
		}
		for _, h := range hits {
			it, _, err := u.known(h, &look)
			if err != nil {
				return err
			}
			if it == nil || !it.suppresses(of) || !it.allowsOne(v.Kind()) {
				continue
			}
			if allow == nil || cmp.Or(cmp.Compare(h.Distance, nearest), compareItems(it, allow)) < 0 {
				allow, nearest = it, h.Distance
			}
		}
		return nil
	})
	if err != nil || allow == nil {
		return "", err
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

// allowedAreas returns which allow-list's item suppresses what is seen of a bank in an area:
// the nearest of those in an area that covers it, or nil.
func allowedAreas(found map[spot]sight) func(area image.Rectangle, of *bank) *item {
	type place struct {
		area image.Rectangle
		bank *bank
	}
	type allowed struct {
		it       *item
		distance int
	}
	nearer := func(a, b allowed) bool {
		return b.it == nil || cmp.Or(cmp.Compare(a.distance, b.distance), compareItems(a.it, b.it)) < 0
	}
	said := make(map[place]allowed) // of each area and allow-list on its own
	for k, s := range found {
		at := place{k.area, k.it.bank}
		if a := (allowed{k.it, s.distance}); k.it.bank.allow && k.it.allowsOne(k.kind) && nearer(a, said[at]) {
			said[at] = a
		}
	}
	known := make(map[place]*item)
	return func(area image.Rectangle, of *bank) *item {
		it, done := known[place{area, of}]
		if !done {
			var best allowed
			for other, a := range said {
				if covers(other.area, area) && nearer(a, best) && a.it.suppresses(of) {
					best = a
				}
			}
			it = best.it
			known[place{area, of}] = it
		}
		return it
	}
}

// search finds every signal within the largest threshold that any bank has for
// q's kind. The caller judges the hits with known.
func (m *Matcher) search(dst []Hit, q hash.Value) (hits []Hit, err error) {
	k := q.Kind()
	v := m.view.Load()
	switch {
	case k.IsDigest():
		hits, err = m.digests.Search(dst, q, 0)
	case v.indices[k] == nil || v.radius[k] < 0:
		return dst, nil
	default:
		hits, err = v.indices[k].Search(dst, q, v.radius[k])
	}
	return hits, m.located(err)
}

// found returns the item that a hit of v is of, enabled or not, and the signal's number in
// it; or nil if it was removed since, or is not to be matched. Without keep it may be
// another one each time.
func (m *Matcher) found(h Hit, v hash.Value, keep bool) (*item, int, error) {
	it := m.slots.load(h.Ref)
	if it == nil {
		sh := m.view.Load().shelfOf(h.Ref)
		if sh == nil {
			return nil, 0, nil
		}
		var err error
		if it, err = m.takeDown(sh, h.Ref, keep); err != nil {
			return nil, 0, err
		}
	}
	if (it.off.Load()|it.bank.off.Load())&(offGone|offComing) != 0 {
		return nil, 0, nil // and what is coming is not all there to be read
	}
	signal := int(h.Ref - it.first)
	d, comparable := 0, false
	if signal < len(it.signals) {
		d, comparable = it.signals[signal].Value.Distance(v)
	}
	switch {
	case comparable && d == h.Distance:
		if it.matchable(&m.rules, signal) {
			return it, signal, nil
		}
	case it.shelf != nil:
		return nil, 0, it.shelf.snap.contradicts(it.number, "the index has another hash")
	}
	return nil, 0, nil // nothing that may match, or the ref is another entry's by now
}

// known returns the item that a look's hit is a match of, and the signal's number in it;
// or nil if it is none, or ignored, or suppresses nothing.
func (u *Upload) known(h Hit, l *Look) (*item, int, error) {
	it, signal, err := u.m.found(h, l.Value, true)
	if it == nil || h.Distance > l.threshold(it.bank) || !l.sameHalf(&it.signals[signal]) {
		return nil, 0, err
	}
	if t, _ := u.treat(it); t == Ignore || t == Shadow && it.bank.allow {
		return nil, 0, nil
	}
	return it, signal, nil
}

// reach is how far, and by which looks, the frames of a video are looked up.
type reach struct {
	gate hash.Quality
	// far also finds what is beyond the threshold and may still be a known video's frame: by
	// looks without a limit at the picture as it stands.
	far bool
}

// takes reports whether a look is looked up.
func (r reach) takes(m *Matcher, l *Look) bool {
	if !l.judged(r.gate) {
		return false
	}
	v := m.view.Load()
	k := l.Value.Kind()
	return !r.far || l.Limit == 0 && v.seeds[k] > v.radius[k] && !slices.ContainsFunc(l.Transform, isOrientation)
}

// indexFor returns the index of a kind and the distance within which it is searched; nil if
// nothing is to be found.
func (m *Matcher) indexFor(k hash.Kind, r reach) (*MIH, int) {
	v := m.view.Load()
	radius := v.radius[k]
	if r.far {
		radius = v.seeds[k]
	}
	if radius < 0 {
		return nil, 0
	}
	return v.indices[k], radius
}

// searchFrame is search for frames of a video.
func (m *Matcher) searchFrame(dst []Hit, q hash.Value, r reach) (hits []Hit, err error) {
	x, radius := m.indexFor(q.Kind(), r)
	if x == nil {
		return dst, nil
	}
	hits, err = x.search(dst, q, radius)
	return hits, m.located(err)
}

// seed is known for frames of a video; far tells that the hit is beyond the threshold, which
// only hits of known videos may be, of looks without a limit. shadow tells that the item is
// shadowed.
func (u *Upload) seed(h Hit, l *Look) (it *item, signal int, far, shadow bool, err error) {
	m := u.m
	v := m.view.Load()
	if h.Distance > v.radius[l.Value.Kind()] && m.slots.load(h.Ref) == nil {
		if sh := v.shelfOf(h.Ref); sh != nil && uint32(h.Ref-sh.base) < sh.snap.bare {
			return nil, 0, false, false, nil // a hash alone is no video: it need not be kept in memory
		}
	}
	it, signal, err = m.found(h, l.Value, true)
	if it == nil || !l.sameHalf(&it.signals[signal]) {
		return nil, 0, false, false, err
	}
	t, _ := u.treat(it)
	if t == Ignore || t == Shadow && it.bank.allow {
		return nil, 0, false, false, nil
	}
	threshold := l.threshold(it.bank)
	if far = h.Distance > threshold; far && (l.Limit > 0 || !it.isVideo() || it.bank.allow || h.Distance > seedWithin(l.Value.Kind(), threshold)) {
		return nil, 0, false, false, nil
	}
	return it, signal, far, t == Shadow, nil
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
