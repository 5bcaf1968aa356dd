package match

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// Bounds on what one video query keeps. Over them VideoResult.Limited is set.
const (
	// maxSightings bounds the pairs of a frame and an entry, all frames together;
	// each frame has its share, but at least minEntriesPerFrame. The oldest entries
	// come first, the same ones for every frame, so that what is followed is followed
	// to the end. While frames come the shares shrink.
	maxSightings       = 1 << 18
	minEntriesPerFrame = 64
	// maxPlaces bounds the places in one known video that one frame is followed to;
	// once maxAllPlaces are kept in all, maxPlacesLate. The earliest come first.
	maxPlaces     = 32
	maxPlacesLate = 4
	maxAllPlaces  = 2 << 20
)

// jitter is how far real times stray from nominal ones: a frame's duration at 10
// frames a second, for changes of frame rate move a picture by up to that.
const jitter = 100 * time.Millisecond

// key names what is aligned: a known item by one kind of its signals.
type key struct {
	it   *item
	kind hash.Kind
}

// place is a stretch of a known video's time, both ends inclusive, in which a frame
// agrees with it, with the best pair in it.
type place struct {
	from, to time.Duration
	signal   int32
	look     int32
	distance int16
	far      bool // beyond the threshold
}

// sighting is one frame's agreement with an item. Its places rise and are more
// than two jitters apart.
type sighting struct {
	frame   int32 // while frames come, by the order they came in; then by their times
	entries int32 // how many items the frame agrees with
	rank    int32 // which of the frame's items this is, of those on allow-lists or of the others
	places  []place
}

// track holds an item's sightings under one turning or mirroring of the upload,
// in the order of the frames. Borders and other parts of the picture do not make a
// track of their own: they may be found in some frames of a video and not in others.
type track struct {
	class     string
	sightings []sighting
}

// signals counts the different signals that are the nearest in some place, up to 3.
func (t *track) signals() int {
	var seen []int32
	for i := range t.sightings {
		for _, p := range t.sightings[i].places {
			if !slices.Contains(seen, p.signal) {
				if seen = append(seen, p.signal); len(seen) == 3 {
					return 3
				}
			}
		}
	}
	return len(seen)
}

// candidate is an item that some frames agree with.
type candidate struct {
	key     key
	sampled bool     // see timeline
	tracks  []*track // of a picture: one, of any class, with one place each
	matched int      // frames that agree, in whatever place or track
	// shadowedBy is why the item is shadowed, if it is (Match.ShadowedBy). It is as stillLive has found it.
	shadowedBy string
}

// raw is one hit of a frame.
type raw struct {
	it       *item
	signal   int32
	look     int32
	distance int16
	far      bool // beyond the threshold
	shadow   bool // the item is shadowed
	kind     hash.Kind
	class    int32 // number in collector.classes
}

// collector turns frames into candidates.
type collector struct {
	m          *Matcher
	u          *Upload
	byKey      map[key]*candidate
	classes    []string
	crowds     []crowd // by frame
	sightings  int     // kept
	trimmed    int     // of them, kept when they were last trimmed
	places     int     // ever kept
	limited    bool
	wide       map[int32][]raw // by frame, in the order they came: what farther found for the last verdict
	hits       []Hit
	raws       []raw
	previous   []Look // those that raws belongs to; nil before the first
	ahead      ahead
	transforms []string
}

func newCollector(u *Upload) collector {
	return collector{m: u.m, u: u, byKey: make(map[key]*candidate)}
}

// crowd is how many items a frame agrees with. Those that are shadowed are in none of the
// other numbers.
type crowd struct{ known, allowed, shadow int32 }

// share is how many entries each of so many frames may be followed to.
func share(frames int) int32 { return int32(max(maxSightings/max(frames, 1), minEntriesPerFrame)) }

// frame searches all looks of the next frame and files what it agrees with. looks are
// those that count.
func (c *collector) frame(f *QueryFrame, gate hash.Quality) error {
	number := int32(len(c.crowds))
	// A still scene gives the same hashes again and again.
	if c.previous == nil || !sameLooks(c.previous, f.Looks) {
		c.previous = nil
		if err := c.search(f, reach{gate: gate}); err != nil {
			return err
		}
	}
	c.previous = f.Looks

	var n crowd
	var last *item
	for i := range c.raws {
		if it := c.raws[i].it; it != last {
			last = it
			switch {
			case it.bank.allow: // it says what is common and harmless, not what is known
				n.allowed++
			case c.raws[i].shadow:
				n.shadow++
			default:
				n.known++
			}
		}
	}
	c.crowds = append(c.crowds, n)
	// An allow-list's entries and what is shadowed have a share of their own: however many of
	// them a frame is in, they must not crowd out what is known.
	most := share(len(c.crowds))
	var ranks crowd
	rank := int32(-1)
	last = nil
	for rest := c.raws; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].it == rest[0].it && rest[n].kind == rest[0].kind && rest[n].class == rest[0].class {
			n++
		}
		if rest[0].it != last {
			last = rest[0].it
			of := &ranks.known
			switch {
			case last.bank.allow:
				of = &ranks.allowed
			case rest[0].shadow:
				of = &ranks.shadow
			}
			rank = *of
			*of++
		}
		if rank < most {
			c.file(f, number, rank, rest[:n])
		}
		rest = rest[n:]
	}
	if c.sightings > max(3*maxSightings, 2*c.trimmed) {
		c.trim(most)
		c.trimmed = c.sightings
	}
	return nil
}

// trim forgets what is beyond the frames' shares by now.
func (c *collector) trim(most int32) {
	c.sightings = 0
	for k, cand := range c.byKey { // in any order: each on its own
		n := 0
		for _, t := range cand.tracks {
			t.sightings = slices.DeleteFunc(t.sightings, func(s sighting) bool { return s.rank >= most })
			n += len(t.sightings)
		}
		if n == 0 {
			delete(c.byKey, k)
		}
		c.sightings += n
	}
}

// candidates returns what was found, in the order of the items and kinds, with frames
// numbered by their place in the query; and whether there was more. What the collector
// keeps stays as it is.
func (c *collector) candidates(q *query) (all []*candidate, limited bool) {
	limited = c.limited
	most := share(len(c.crowds))
	for _, n := range c.crowds {
		limited = limited || max(n.known, n.allowed) > most
	}
	all = make([]*candidate, 0, len(c.byKey))
	seen := make([]int32, len(c.crowds)) // by frame: the number of the last candidate that it agrees with
	for _, cand := range c.byKey {       // sorted at once
		all = append(all, cand)
	}
	slices.SortFunc(all, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.key.it.seq, b.key.it.seq), cmp.Compare(a.key.kind, b.key.kind))
	})
	for i, kept := range all {
		all[i] = kept.numbered(q, most, func(frame int32) bool {
			first := seen[frame] != int32(i+1)
			seen[frame] = int32(i + 1)
			return first
		})
	}
	return slices.DeleteFunc(all, func(c *candidate) bool { return len(c.tracks) == 0 }), limited
}

// numbered returns a copy of a candidate with frames numbered by their place in the query,
// without what is beyond the frames' shares. first tells whether a frame is met for the
// first time.
func (kept *candidate) numbered(q *query, most int32, first func(frame int32) bool) *candidate {
	cand := &candidate{key: kept.key, sampled: kept.sampled}
	for _, from := range kept.tracks {
		t := &track{class: from.class, sightings: make([]sighting, 0, len(from.sightings))}
		for _, s := range from.sightings {
			if s.rank >= most {
				continue
			}
			s.frame = q.number[s.frame]
			t.sightings = append(t.sightings, s)
			if first(s.frame) {
				cand.matched++
			}
		}
		t.sort()
		if len(t.sightings) > 0 {
			cand.tracks = append(cand.tracks, t)
		}
	}
	slices.SortFunc(cand.tracks, func(a, b *track) int { return strings.Compare(a.class, b.class) })
	return cand
}

func (t *track) sort() {
	byFrame := func(a, b sighting) int { return cmp.Compare(a.frame, b.frame) }
	if !slices.IsSortedFunc(t.sightings, byFrame) {
		slices.SortFunc(t.sightings, byFrame)
	}
}

// search fills raws with a frame's hits, sorted by item, kind, class and known
// time.
func (c *collector) search(f *QueryFrame, r reach) error {
	if err := c.u.settled(func() error { return c.hit(f, r) }); err != nil {
		return err
	}
	less := func(a, b raw) int {
		return cmp.Or(cmp.Compare(a.it.seq, b.it.seq), cmp.Compare(a.kind, b.kind), cmp.Compare(a.class, b.class),
			cmp.Compare(a.it.signals[a.signal].From, b.it.signals[b.signal].From), cmp.Compare(a.signal, b.signal), cmp.Compare(a.look, b.look))
	}
	if !slices.IsSortedFunc(c.raws, less) {
		slices.SortFunc(c.raws, less)
	}
	c.dropLesser(f)
	return nil
}

// hit fills raws with a frame's hits as the banks are.
func (c *collector) hit(f *QueryFrame, r reach) error {
	c.raws = c.raws[:0]
	for j := range f.Looks {
		l := &f.Looks[j]
		if !r.takes(c.m, l) {
			continue
		}
		var known bool
		if c.hits, known = c.ahead.take(c.hits[:0], l.Value, c.m.replaced.Load()); !known {
			var err error
			if c.hits, err = c.m.searchFrame(c.hits, l.Value, r); err != nil {
				return err
			}
		}
		if len(c.hits) == 0 {
			continue
		}
		// By ref, so that what follows is nearly in order.
		slices.SortFunc(c.hits, func(a, b Hit) int { return cmp.Compare(a.Ref, b.Ref) })
		class := c.class(l.Transform)
		for _, h := range c.hits {
			it, signal, far, shadow, err := c.u.seed(h, l)
			if err != nil {
				return err
			}
			if it != nil {
				c.raws = append(c.raws, raw{it, int32(signal), int32(j), int16(h.Distance), far, shadow, l.Value.Kind(), class})
			}
		}
	}
	return nil
}

// dropLesser leaves out what agrees beyond the threshold with items that the frame also
// agrees with within it, and by a half of it where the whole does.
func (c *collector) dropLesser(f *QueryFrame) {
	level := func(r *raw) int {
		switch {
		case r.far:
			return 2
		case halfOf(f.Looks[r.look].Transform) != hash.Whole:
			return 1
		}
		return 0
	}
	kept := c.raws[:0]
	for rest := c.raws; len(rest) > 0; {
		n, best := 0, 2
		for n < len(rest) && rest[n].it == rest[0].it {
			best = min(best, level(&rest[n]))
			n++
		}
		for _, r := range rest[:n] {
			if level(&r) == best {
				kept = append(kept, r)
			}
		}
		rest = rest[n:]
	}
	c.raws = kept
}

// class numbers the turns and mirrorings in a look's transform.
func (c *collector) class(transform []string) int32 {
	kept := c.transforms[:0]
	for _, t := range transform {
		if isOrientation(t) {
			kept = append(kept, t)
		}
	}
	c.transforms = kept
	name := strings.Join(kept, ",")
	i := slices.Index(c.classes, name)
	if i < 0 {
		i = len(c.classes)
		c.classes = append(c.classes, name)
	}
	return int32(i)
}

func isOrientation(token string) bool {
	for o := range hash.Orientation(hash.Orientations) {
		if token == o.String() {
			return true
		}
	}
	return false
}

// file keeps a frame's agreement with one item, kind and class.
func (c *collector) file(f *QueryFrame, number, rank int32, hits []raw) {
	k := key{hits[0].it, hits[0].kind}
	cand := c.byKey[k]
	if cand == nil {
		cand = &candidate{key: k, sampled: k.it.isVideo() && sampledList(k.it, k.kind)}
		c.byKey[k] = cand
	}
	s := sighting{frame: number, entries: c.crowds[number].known, rank: rank, places: c.join(f, cand, hits)}
	if hits[0].shadow {
		s.entries += c.crowds[number].shadow
	}
	if !k.it.isVideo() {
		if len(cand.tracks) == 0 {
			cand.tracks = []*track{{}}
		}
		t := cand.tracks[0]
		if n := len(t.sightings); n > 0 && t.sightings[n-1].frame == number {
			if old := &t.sightings[n-1]; f.better(k.it, &s.places[0], &old.places[0]) {
				*old = s
			}
			return
		}
		t.sightings = append(t.sightings, s)
		c.sightings++
		return
	}
	c.sightings++
	t := cand.track(c.classes[hits[0].class])
	t.sightings = append(t.sightings, s)
}

// track returns the track of a class, which it makes if need be.
func (cand *candidate) track(class string) *track {
	for _, t := range cand.tracks {
		if t.class == class {
			return t
		}
	}
	t := &track{class: class}
	cand.tracks = append(cand.tracks, t)
	return t
}

// join makes places of hits that are sorted by known time. A picture has one.
func (c *collector) join(f *QueryFrame, cand *candidate, hits []raw) []place {
	it := cand.key.it
	limit := maxPlaces
	if c.places >= maxAllPlaces {
		limit = maxPlacesLate
	}
	var places []place
	for i := range hits {
		h := &hits[i]
		p := place{signal: h.signal, look: h.look, distance: h.distance, far: h.far}
		p.from, p.to = expected(it, h.signal, cand.sampled)
		if n := len(places); n > 0 && (p.from-places[n-1].to <= 2*jitter || !it.isVideo()) {
			old := &places[n-1]
			old.to = max(old.to, p.to)
			if f.better(it, &p, old) {
				old.signal, old.look, old.distance, old.far = p.signal, p.look, p.distance, p.far
			}
			continue
		}
		if len(places) == limit {
			c.limited = c.limited || !h.far && !h.shadow // what is beyond the threshold is a bonus
			break
		}
		places = append(places, p)
	}
	if !hits[0].far && !hits[0].shadow {
		c.places += len(places)
	}
	return places
}

// better reports whether a place that a frame agrees with says more than another: it
// is nearer; but for an allow-list, what it has of the whole frame allows more than
// what it has of a part.
func (f *QueryFrame) better(it *item, p, old *place) bool {
	if whole := f.Looks[p.look].Area.Empty(); it.bank.allow && whole != f.Looks[old.look].Area.Empty() {
		return whole
	}
	return p.distance < old.distance || p.distance == old.distance && p.look < old.look
}

// sameLooks reports whether two frames have the same hashes in the same looks.
func sameLooks(a, b []Look) bool {
	return slices.EqualFunc(a, b, func(a, b Look) bool {
		return a.Value == b.Value && a.Quality == b.Quality && a.Limit == b.Limit && a.Area == b.Area && slices.Equal(a.Transform, b.Transform)
	})
}
