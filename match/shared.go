package match

import (
	"math"
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
// upload that has it is a copy of neither. What stands in the middle of both, or is most of
// a known video, or goes on for ten seconds, is no intro.
func discountIntros(q *query, outcomes []outcome) {
	intros := make([]bool, len(outcomes))
	pairs := 0
	for i := range outcomes {
		o := &outcomes[i]
		if !o.candidateIntro() || pairs > maxSegmentPairs {
			continue
		}
		rivals := 0
		for j := range outcomes {
			p := &outcomes[j]
			pairs += len(o.match.Evidence.Segments) * len(p.match.Evidence.Segments)
			if i == j || !p.it.isVideo() || p.match.Evidence.Kind != o.match.Evidence.Kind || !o.sharesFrames(p) {
				continue
			}
			if rivals++; rivals > maxRivals {
				break
			}
			if o.differsBeside(p, q.gate) {
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

// candidateIntro reports whether all of a match would be too little were it an intro.
func (o *outcome) candidateIntro() bool {
	return o.it.isVideo() && len(o.missing) == 0 && o.match.Evidence.KnownPercent < 50 && o.least < float64(o.need)
}

// sharesFrames reports whether most of the longest segment is one of another's too, and
// but for its edges nothing agrees that is not.
func (o *outcome) sharesFrames(p *outcome) bool {
	var all, both, longest time.Duration
	for i, s := range o.match.Evidence.Segments {
		all += s.QueryTo - s.QueryFrom
		for _, g := range p.match.Evidence.Segments {
			common := max(min(s.QueryTo, g.QueryTo)-max(s.QueryFrom, g.QueryFrom), 0)
			both += common
			if i == 0 {
				longest = max(longest, common)
			}
		}
	}
	s := &o.match.Evidence.Segments[0]
	return 2*longest > s.QueryTo-s.QueryFrom && all-both < sharedEdge
}

// differsBeside reports whether two known videos that an upload has the same stretch of
// begin or end with it, and show different things beside it.
func (o *outcome) differsBeside(p *outcome, gate hash.Quality) bool {
	s, g := &o.match.Evidence.Segments[0], p.match.Evidence.Segments
	other := &g[0]
	for i := range g {
		if min(s.QueryTo, g[i].QueryTo)-max(s.QueryFrom, g[i].QueryFrom) > min(s.QueryTo, other.QueryTo)-max(s.QueryFrom, other.QueryFrom) {
			other = &g[i]
		}
	}
	kind := o.match.Evidence.Kind
	within, beyond := farWithin(kind)
	mine, theirs := newTimeline(o.it, kind, gate), newTimeline(p.it, kind, gate)
	begins := s.KnownFrom <= introEdge && other.KnownFrom <= introEdge
	ends := mine.end-s.KnownTo <= introEdge && theirs.end-other.KnownTo <= introEdge
	same, different := 0, 0
	compare := func(known time.Duration) {
		at := s.QueryFrom + stretched(known-s.KnownFrom, 1/s.Speed)
		there := other.KnownFrom + stretched(at-other.QueryFrom, other.Speed)
		best := math.MaxInt
		mine.around(known, known, func(n int32) {
			theirs.around(there-alignedSlack, there+alignedSlack, func(k int32) {
				d, _ := o.it.signals[n].Value.Distance(p.it.signals[k].Value)
				best = min(best, d)
			})
		})
		switch {
		case best <= max(within, 0):
			same++
		case best > beyond && best < math.MaxInt:
			different++
		}
	}
	for i := range time.Duration(besides) {
		if begins {
			compare(s.KnownTo + (i+1)*besideStep)
		}
		if ends {
			compare(s.KnownFrom - (i+1)*besideStep)
		}
	}
	return different >= 3 && same == 0
}
