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
	// to the end.
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

// place is a stretch of offsets (known time minus upload time), both ends
// inclusive, at which a frame agrees with a known video, with the best pair in it.
type place struct {
	lo, hi   time.Duration
	signal   int32
	look     int32
	distance int16
}

// sighting is one frame's agreement with an item. Its places rise and are more
// than two jitters apart.
type sighting struct {
	frame   int32
	entries int32 // how many items the frame agrees with
	places  []place
}

// track holds an item's sightings under one turning or mirroring of the upload,
// in the order of the frames. Borders and other parts of the picture do not make a
// track of their own: they may be found in some frames of a video and not in others.
type track struct {
	class     string
	sightings []sighting
}

// candidate is an item that some frames agree with.
type candidate struct {
	key     key
	tracks  []*track // of a picture: one, of any class, with one place each
	matched int      // frames that agree, in whatever place or track
	last    int32    // the latest of them
}

// raw is one hit of a frame.
type raw struct {
	it       *item
	signal   int32
	look     int32
	distance int16
	kind     hash.Kind
	class    int32 // number in collector.classes
}

// collector turns frames into candidates.
type collector struct {
	m          *Matcher
	q          *query
	byKey      map[key]*candidate
	classes    []string
	perFrame   int // entries
	places     int // kept so far
	limited    bool
	hits       []Hit
	raws       []raw
	previous   int // the frame that raws belongs to; -1 before the first
	transforms []string
}

func newCollector(m *Matcher, q *query) *collector {
	return &collector{m: m, q: q, byKey: make(map[key]*candidate), perFrame: max(maxSightings/len(q.frames), minEntriesPerFrame), previous: -1}
}

// candidates returns what was found, in the order of the items and kinds.
func (c *collector) candidates() []*candidate {
	all := make([]*candidate, 0, len(c.byKey))
	for _, cand := range c.byKey { // sorted at once
		slices.SortFunc(cand.tracks, func(a, b *track) int { return strings.Compare(a.class, b.class) })
		all = append(all, cand)
	}
	slices.SortFunc(all, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.key.it.seq, b.key.it.seq), cmp.Compare(a.key.kind, b.key.kind))
	})
	return all
}

// frame searches all looks of one frame and files what it agrees with.
func (c *collector) frame(number int) error {
	if !c.q.pass[number] {
		return nil
	}
	// A still scene gives the same hashes again and again.
	if c.previous < 0 || !sameLooks(c.q.frames[c.previous].Looks, c.q.frames[number].Looks) {
		if err := c.search(number); err != nil {
			return err
		}
	}
	c.previous = number

	entries := int32(0)
	var last *item
	for i := range c.raws {
		if it := c.raws[i].it; it != last {
			last = it
			if !it.bank.allow { // an allow-list says what is common and harmless, not what is known
				entries++
			}
		}
	}
	// An allow-list's entries have a share of their own: however many of them a frame
	// is in, they must not crowd out what is known.
	var kept [2]int
	over := false
	last = nil
	for rest := c.raws; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].it == rest[0].it && rest[n].kind == rest[0].kind && rest[n].class == rest[0].class {
			n++
		}
		if rest[0].it != last {
			last = rest[0].it
			share := &kept[0]
			if last.bank.allow {
				share = &kept[1]
			}
			if over = *share == c.perFrame; over {
				c.limited = true
			} else {
				*share++
			}
		}
		if !over {
			c.file(int32(number), entries, rest[:n])
		}
		rest = rest[n:]
	}
	return nil
}

// search fills raws with a frame's hits, sorted by item, kind, class and known
// time.
func (c *collector) search(number int) error {
	c.raws = c.raws[:0]
	looks := c.q.frames[number].Looks
	for j := range looks {
		l := &looks[j]
		if !c.q.judges(l) {
			continue
		}
		var err error
		if c.hits, err = c.m.search(c.hits[:0], l.Value); err != nil {
			return err
		}
		if len(c.hits) == 0 {
			continue
		}
		// By ref, so that what follows is nearly in order.
		slices.SortFunc(c.hits, func(a, b Hit) int { return cmp.Compare(a.Ref, b.Ref) })
		class := c.class(l.Transform)
		for _, h := range c.hits {
			it, signal, err := c.m.known(h, l)
			if err != nil {
				return err
			}
			if it != nil {
				c.raws = append(c.raws, raw{it, int32(signal), int32(j), int16(h.Distance), l.Value.Kind(), class})
			}
		}
	}
	less := func(a, b raw) int {
		return cmp.Or(cmp.Compare(a.it.seq, b.it.seq), cmp.Compare(a.kind, b.kind), cmp.Compare(a.class, b.class),
			cmp.Compare(a.it.signals[a.signal].From, b.it.signals[b.signal].From), cmp.Compare(a.signal, b.signal), cmp.Compare(a.look, b.look))
	}
	if !slices.IsSortedFunc(c.raws, less) {
		slices.SortFunc(c.raws, less)
	}
	return nil
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
func (c *collector) file(frame, entries int32, hits []raw) {
	k := key{hits[0].it, hits[0].kind}
	cand := c.byKey[k]
	if cand == nil {
		cand = &candidate{key: k, last: -1}
		c.byKey[k] = cand
	}
	again := cand.last == frame
	if !again {
		cand.last = frame
		cand.matched++
	}
	s := sighting{frame: frame, entries: entries, places: c.join(frame, hits)}
	if !k.it.isVideo() {
		if len(cand.tracks) == 0 {
			cand.tracks = []*track{{}}
		}
		t := cand.tracks[0]
		if !again {
			t.sightings = append(t.sightings, s)
		} else if old := &t.sightings[len(t.sightings)-1]; c.better(k.it, frame, &s.places[0], &old.places[0]) {
			*old = s
		}
		return
	}
	name := c.classes[hits[0].class]
	for _, t := range cand.tracks {
		if t.class == name {
			t.sightings = append(t.sightings, s)
			return
		}
	}
	cand.tracks = append(cand.tracks, &track{class: name, sightings: []sighting{s}})
}

// join makes places of hits that are sorted by known time. A picture has one.
func (c *collector) join(frame int32, hits []raw) []place {
	it, at := hits[0].it, c.q.frames[frame].Time
	limit := maxPlaces
	if c.places >= maxAllPlaces {
		limit = maxPlacesLate
	}
	var places []place
	for i := range hits {
		h := &hits[i]
		s := &it.signals[h.signal]
		p := place{lo: s.From - at, hi: s.To - at, signal: h.signal, look: h.look, distance: h.distance}
		if n := len(places); n > 0 && (p.lo-places[n-1].hi <= 2*jitter || !it.isVideo()) {
			old := &places[n-1]
			old.hi = max(old.hi, p.hi)
			if c.better(it, frame, &p, old) {
				old.signal, old.look, old.distance = p.signal, p.look, p.distance
			}
			continue
		}
		if len(places) == limit {
			c.limited = true
			break
		}
		places = append(places, p)
	}
	c.places += len(places)
	return places
}

// better reports whether a place that a frame agrees with says more than another: it
// is nearer; but for an allow-list, what it has of the whole frame allows more than
// what it has of a part.
func (c *collector) better(it *item, frame int32, p, old *place) bool {
	looks := c.q.frames[frame].Looks
	if whole := looks[p.look].Area.Empty(); it.bank.allow && whole != looks[old.look].Area.Empty() {
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
