package match

import "time"

// allowEdge is how far beyond an allow-list's segment a frame is still allowed:
// the edges of segments are known to within a sampling step or two.
const allowEdge = time.Second

// suppress fills SuppressedBy of the outcomes whose every frame is allowed by the
// allow-list entries that matched, together.
func suppress(q *query, outcomes, allowed []outcome) {
	if len(allowed) == 0 {
		return
	}
	masks := make([][]bool, len(allowed)) // by frame
	for i := range allowed {
		masks[i] = allowed[i].mask(q)
	}
	for i := range outcomes {
		o := &outcomes[i]
		most, by := 0, (*item)(nil)
		whole := true
		for _, f := range o.frames {
			some := false
			for _, mask := range masks {
				some = some || mask[f]
			}
			whole = whole && some
		}
		if !whole {
			continue
		}
		for a, mask := range masks {
			n := 0
			for _, f := range o.frames {
				if mask[f] {
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

// mask tells for each frame of the upload whether an allow-list's outcome allows it.
func (o *outcome) mask(q *query) []bool {
	mask := make([]bool, len(q.frames))
	if !o.it.isVideo() {
		for _, f := range o.frames {
			mask[f] = true
		}
		return mask
	}
	for _, s := range o.match.Evidence.Segments {
		if 2*(s.KnownTo-s.KnownFrom) < o.it.end() {
			continue // an excerpt is not the programme
		}
		for i := range q.frames {
			t := q.frames[i].Time
			mask[i] = mask[i] || s.QueryFrom-allowEdge <= t && t < s.QueryTo+allowEdge
		}
	}
	return mask
}
