package match

import (
	"slices"

	"github.com/rematch-go/rematch/hash"
)

const (
	// maxAhead is how many looks are searched at once. MIH.SearchAll does as many in half the
	// time that they take one by one.
	maxAhead = 1 << 10
	// leastAhead is how many pay.
	leastAhead = 1 << 6
	// aheadHits is how many hits of one look are kept. What has more is searched again when
	// its turn comes: looks that thousands of entries share must not be kept by the thousand.
	aheadHits = 1 << 5
)

// ahead holds the hits of looks that were searched together before their turn.
type ahead struct {
	queries []hash.Value
	place   map[hash.Value]int // in queries
	hits    []Hit              // aheadHits for each query
	n       []int              // how many there were

	replaced uint64 // Matcher.replaced before
}

// fill searches the looks of the first frames that the range takes, and returns how many
// frames they are of.
func (a *ahead) fill(m *Matcher, frames []QueryFrame, r reach) (int, error) {
	a.queries = a.queries[:0]
	a.replaced = m.replaced.Load()
	clear(a.place)
	if a.place == nil {
		a.place = make(map[hash.Value]int)
	}
	taken := 0
	for ; taken < len(frames); taken++ {
		looks := frames[taken].Looks
		if taken > 0 && len(a.queries)+len(looks) > maxAhead {
			break
		}
		for j := range looks {
			l := &looks[j]
			if !r.takes(m, l) {
				continue
			}
			if _, seen := a.place[l.Value]; !seen {
				a.place[l.Value] = 0 // below
				a.queries = append(a.queries, l.Value)
			}
		}
	}
	if len(a.queries) < leastAhead {
		clear(a.place)
		return taken, nil
	}
	slices.SortStableFunc(a.queries, func(x, y hash.Value) int { return int(x.Kind()) - int(y.Kind()) })
	for i, v := range a.queries {
		a.place[v] = i
	}
	a.n = append(a.n[:0], make([]int, len(a.queries))...)
	a.hits = slices.Grow(a.hits[:0], len(a.queries)*aheadHits)[:len(a.queries)*aheadHits]
	for first := 0; first < len(a.queries); {
		k := a.queries[first].Kind()
		last := first
		for last < len(a.queries) && a.queries[last].Kind() == k {
			last++
		}
		if x, radius := m.indexFor(k, r); x != nil {
			if err := x.searchAll(a.queries[first:last], radius, func(query int, h Hit) { a.keep(first+query, h) }); err != nil {
				return taken, m.located(err)
			}
		}
		first = last
	}
	return taken, nil
}

func (a *ahead) keep(query int, h Hit) {
	if a.n[query] < aheadHits {
		a.hits[query*aheadHits+a.n[query]] = h
	}
	a.n[query]++
}

// take appends a look's hits to dst, and reports whether it has them all: not where entries were
// replaced since, which replaced tells.
func (a *ahead) take(dst []Hit, v hash.Value, replaced uint64) ([]Hit, bool) {
	i, ok := a.place[v]
	if !ok || a.n[i] > aheadHits || replaced != a.replaced {
		return dst, false
	}
	return append(dst, a.hits[i*aheadHits:][:a.n[i]]...), true
}
