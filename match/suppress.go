package match

import (
	"cmp"
	"image"
	"slices"
	"time"
)

// allowEdge is how far beyond an allow-list's segment a frame is still allowed:
// the edges of segments are known to within a sampling step or two.
const allowEdge = time.Second

// suppress fills SuppressedBy of the outcomes whose every frame is allowed by the
// allow-list entries that matched and are for their bank, together.
func suppress(q *query, outcomes, allowed []outcome) {
	if len(allowed) == 0 {
		return
	}
	masks := make([]mask, len(allowed))
	for i := range allowed {
		masks[i] = allowed[i].mask(q)
	}
	for i := range outcomes {
		o := &outcomes[i]
		most, by := 0, (*item)(nil)
		whole := true
		for _, f := range o.seen {
			some := false
			for a := range masks {
				some = some || allowed[a].it.suppresses(o.it.bank) && masks[a].allows(q, f)
			}
			whole = whole && some
		}
		if !whole {
			continue
		}
		for a := range masks {
			if !allowed[a].it.suppresses(o.it.bank) {
				continue
			}
			n := 0
			for _, f := range o.seen {
				if masks[a].allows(q, f) {
					n++
				}
			}
			if n > most || n == most && by != nil && compareItems(allowed[a].it, by) < 0 {
				most, by = n, allowed[a].it
			}
		}
		if by != nil {
			o.match.SuppressedBy = by.name()
		}
	}
}

// mask tells for each frame of the upload which sight of an allow-list's item allows it:
// all of it, or the part that the item was seen in.
type mask []seen

// none is the frame of a mask where nothing is allowed.
const none = -1

// allows reports whether what was seen in a frame is allowed.
func (m mask) allows(q *query, s seen) bool {
	by := m[s.frame]
	return by.frame != none && covers(q.area(by), q.area(s))
}

// area returns the part of the frame that was looked at.
func (q *query) area(s seen) image.Rectangle { return q.frames[s.frame].Looks[s.look].Area }

// mask tells for each frame of the upload what an allow-list's outcome allows of it.
func (o *outcome) mask(q *query) mask {
	m := make(mask, len(q.frames))
	for i := range m {
		m[i].frame = none
	}
	if !o.it.isVideo() {
		for _, s := range o.seen {
			m[s.frame] = s
		}
		return m
	}
	var whole []seen
	for _, s := range o.seen {
		if q.area(s).Empty() {
			whole = append(whole, s)
		}
	}
	for _, s := range o.match.Evidence.Segments {
		if 2*(s.KnownTo-s.KnownFrom) < o.it.end() {
			continue // an excerpt is not the programme
		}
		for i := range q.frames {
			t := q.frames[i].Time
			if t < s.QueryFrom-allowEdge || t >= s.QueryTo+allowEdge {
				continue
			}
			// Now and then a part of a frame agrees where the whole does not.
			m[i] = q.nearest(o.seen, t)
			if len(whole) > 0 {
				if w := q.nearest(whole, t); distanceOf(q.frames[w.frame].Time, t) <= allowEdge {
					m[i] = w
				}
			}
		}
	}
	return m
}

// nearest returns the sight nearest to a time. There is at least one.
func (q *query) nearest(all []seen, t time.Duration) seen {
	i, _ := slices.BinarySearchFunc(all, t, func(s seen, t time.Duration) int { return cmp.Compare(q.frames[s.frame].Time, t) })
	if i == len(all) || i > 0 && t-q.frames[all[i-1].frame].Time < q.frames[all[i].frame].Time-t {
		i--
	}
	return all[i]
}
