package match

import (
	"math"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
)

const (
	// introEdge is how near to the beginning or the end of a known video an intro or the
	// credits lie.
	introEdge = 5 * time.Second
	// sharedEdge is how much more of one than of the other may agree.
	sharedEdge = 2 * time.Second
	// besideStep and besides are where two known videos are compared before and after what
	// an upload has of both.
	besideStep = time.Second
	besides    = 8
	// maxRivals bounds the known videos that one is compared with. Where there are more,
	// commonness by numbers has its say.
	maxRivals = 4 * commonEntries
	// maxSegmentPairs bounds the work where very many match in very many pieces.
	maxSegmentPairs = 1 << 24
)

// discountIntros makes matches weak that rest on an intro or on credits alone: on a stretch
// that begins, or ends, two known videos alike which beside it show different things. An
// upload that has it is a copy of neither. What agrees besides must be a match for itself:
// the same place or people after the same card are none. What stands in the middle of both,
// or is most of a known video, or goes on for ten seconds, is no intro.
func discountIntros(q *query, outcomes []outcome, budget *int) {
	intros := make([]bool, len(outcomes))
	pairs := 0
	for i := range outcomes {
		o := &outcomes[i]
		if o.lines == nil || pairs > maxSegmentPairs {
			continue
		}
		rivals := 0
		for j := range outcomes {
			p := &outcomes[j]
			pairs += len(o.match.Evidence.Segments) * len(p.match.Evidence.Segments)
			if i == j || !p.it.isVideo() || p.match.Evidence.Kind != o.match.Evidence.Kind {
				continue
			}
			s, g, both := o.shares(p)
			if len(both) == 0 {
				continue
			}
			if rivals++; rivals > maxRivals {
				break
			}
			if !o.isMost(s, both) && !o.goesOn(both) && o.differsBeside(s, p, g, q.gate) && !o.standsWithout(both, budget) {
				intros[i] = true
				break
			}
		}
	}
	for i := range outcomes {
		if intros[i] {
			outcomes[i].missing = append(outcomes[i].missing, "common")
		}
	}
}

// shares returns the segments, of a match and of another outcome, that have the longest
// stretch of the upload in common, and all stretches that the two have in common, with
// their edges.
func (o *outcome) shares(p *outcome) (s, g *Segment, both []span) {
	longest := time.Duration(0)
	for i := range o.match.Evidence.Segments {
		for j := range p.match.Evidence.Segments {
			x, y := &o.match.Evidence.Segments[i], &p.match.Evidence.Segments[j]
			from, to := max(x.QueryFrom, y.QueryFrom), min(x.QueryTo, y.QueryTo)
			if from >= to {
				continue
			}
			if both = append(both, span{from - sharedEdge, to + sharedEdge}); to-from > longest {
				longest, s, g = to-from, x, y
			}
		}
	}
	return s, g, union(both)
}

// isMost reports whether half of the known video is in what the two have in common around
// a segment.
func (o *outcome) isMost(s *Segment, both []span) bool {
	for _, b := range both {
		if from, to := max(b.from, s.QueryFrom), min(b.to, s.QueryTo); from < to {
			common := to - from
			if b.to < s.QueryTo {
				common -= sharedEdge
			}
			if b.from > s.QueryFrom {
				common -= sharedEdge
			}
			if 2*stretched(common, s.Speed) >= o.it.end() {
				return true
			}
		}
	}
	return false
}

// goesOn reports whether what two have in common is enough for a match were it in very
// many entries.
func (o *outcome) goesOn(both []span) bool {
	count := newDistincts(o.lines.key.kind)
	var least [hash.Halves]float64
	for i := range o.lines.runs {
		for _, f := range o.lines.runs[i].frames {
			if h := o.lines.line.half[f.place.signal]; inSpans(both, o.lines.q.frames[f.frame].Time) && count[h].add(o.lines.q.value(f.frame, f.place)) {
				least[h] += f.worth() * leastWeightOf(o.lines.q.frames[f.frame].For)
			}
		}
	}
	return slices.Max(least[:]) >= float64(o.need)
}

// standsWithout reports whether what agrees in the rest of the upload is a match for itself.
func (o *outcome) standsWithout(both []span, budget *int) bool {
	rest := *o.lines
	rest.runs = nil
	for _, r := range o.lines.runs {
		r.frames = slices.DeleteFunc(slices.Clone(r.frames), func(f aligned) bool { return inSpans(both, o.lines.q.frames[f.frame].Time) })
		if len(r.frames) > 0 {
			rest.runs = append(rest.runs, r)
		}
	}
	if len(rest.runs) == 0 {
		return false
	}
	best, _ := rest.bestPair()
	b, need := rest.judge(o.need, best.far, budget)
	return len(b.missing(need)) == 0
}

// inSpans reports whether a time is in one of rising spans.
func inSpans(all []span, t time.Duration) bool {
	return slices.ContainsFunc(all, func(s span) bool { return s.from <= t && t < s.to })
}

// differsBeside reports whether two known videos that an upload has the same stretch of, in
// a segment of each, begin or end with it, and show different things beside it.
func (o *outcome) differsBeside(s *Segment, p *outcome, other *Segment, gate hash.Quality) bool {
	kind := o.match.Evidence.Kind
	within, beyond := farWithin(kind)
	mine, theirs := newTimeline(o.it, kind, gate), newTimeline(p.it, kind, gate)
	first, last := max(s.QueryFrom, other.QueryFrom), min(s.QueryTo, other.QueryTo)
	from, to := s.known(first), s.known(last)
	begins := from <= introEdge && other.known(first) <= introEdge
	ends := mine.end-to <= introEdge && theirs.end-other.known(last) <= introEdge
	same, different := 0, 0
	compare := func(known time.Duration) {
		at := s.QueryFrom + stretched(known-s.KnownFrom, 1/s.Speed)
		there := other.known(at)
		if known < 0 || known >= mine.end || there < 0 || there >= theirs.end {
			return
		}
		best, shown := math.MaxInt, [2]bool{}
		theirs.around(there-alignedSlack, there+alignedSlack, func(int32) { shown[1] = true })
		mine.around(known, known, func(n int32) {
			shown[0] = true
			theirs.around(there-alignedSlack, there+alignedSlack, func(k int32) {
				if mine.half[n] == theirs.half[k] {
					d, _ := o.it.signals[n].Value.Distance(p.it.signals[k].Value)
					best = min(best, d)
				}
			})
		})
		switch {
		case best <= max(within, 0):
			same++
		case best > beyond && best < math.MaxInt, shown[0] != shown[1]: // or one shows nothing
			different++
		}
	}
	for i := range time.Duration(besides) {
		if begins {
			compare(to + (i+1)*besideStep)
		}
		if ends {
			compare(from - (i+1)*besideStep)
		}
	}
	return different >= 3 && same == 0
}

// known is the known time of a time of the upload.
func (s *Segment) known(at time.Duration) time.Duration {
	return s.KnownFrom + stretched(at-s.QueryFrom, s.Speed)
}
