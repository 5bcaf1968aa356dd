package match

import (
	"cmp"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
)

const (
	// maxFarther is how many frames of an upload are looked up beyond the threshold: what
	// costs 16 microseconds a look among a million hashes costs 400 there. One frame that
	// names a known video is enough; then the others are held against it.
	maxFarther = 48
	// maxFartherEntries is how many known videos one such frame is followed to: the oldest.
	maxFartherEntries = 64
)

// open returns the frames that are looked up beyond the threshold: of those that no match
// accounts for, one distinct one in each of maxFarther equal stretches of the upload, so
// that frames that are added somewhere change nothing elsewhere.
func (q *query) open(outcomes []outcome) []int32 {
	var matched []span
	for i := range outcomes {
		if o := &outcomes[i]; len(o.missing) == 0 {
			for _, s := range o.match.Evidence.Segments {
				matched = append(matched, span{s.QueryFrom, s.QueryTo})
			}
		}
	}
	matched = union(matched)
	var open []int32
	counts := make(map[hash.Kind]*distinct)
	stretch := max(q.length/maxFarther, 1)
	next := time.Duration(0) // where the next stretch begins
	for i := range q.frames {
		f := &q.frames[i]
		at := f.Time - q.frames[0].Time
		for len(matched) > 0 && matched[0].to <= f.Time {
			matched = matched[1:]
		}
		if !q.pass[i] || at < next || len(matched) > 0 && matched[0].from <= f.Time {
			continue
		}
		for j := range f.Looks {
			l := &f.Looks[j]
			if !q.judges(l) || l.Limit > 0 {
				continue
			}
			k := l.Value.Kind()
			if counts[k] == nil {
				counts[k] = newDistinct(k)
			}
			if counts[k].add(l.Value) {
				open = append(open, int32(i))
				next = (at/stretch + 1) * stretch
			}
			break // the first look stands for the frame
		}
	}
	return open
}

// farther looks frames up beyond the threshold, and returns the known videos that are
// found so, with what they agree with otherwise, in the order of the items and kinds.
func (c *collector) farther(q *query, open []int32, gate hash.Quality) ([]*candidate, error) {
	if err := c.look(q, open, reach{gate: gate, far: true}); err != nil {
		return nil, err
	}
	most := share(len(c.crowds))
	found := make(map[key]*candidate)
	var all []*candidate
	for _, number := range open {
		f := &q.frames[number]
		raws := c.wide[q.given[number]]
		var n crowd
		for i := range raws {
			switch {
			case i > 0 && raws[i].it == raws[i-1].it:
			case raws[i].shadow:
				n.shadow++
			default:
				n.known++
			}
		}
		for rest := raws; len(rest) > 0; {
			same := 1
			for same < len(rest) && rest[same].it == rest[0].it && rest[same].kind == rest[0].kind {
				same++
			}
			k := key{rest[0].it, rest[0].kind}
			cand := found[k]
			if cand == nil {
				if kept := c.byKey[k]; kept != nil {
					seen := make(map[int32]bool)
					cand = kept.numbered(q, most, func(frame int32) bool {
						first := !seen[frame]
						seen[frame] = true
						return first
					})
				} else {
					cand = &candidate{key: k, sampled: sampledList(k.it, k.kind)}
				}
				found[k] = cand
				all = append(all, cand)
			}
			entries := q.entries[number] + n.known
			if rest[0].shadow {
				entries += n.shadow
			}
			t := cand.track("")
			if !slices.ContainsFunc(t.sightings, func(s sighting) bool { return s.frame == number }) {
				t.sightings = append(t.sightings, sighting{frame: number, entries: entries, places: c.join(f, cand, rest[:same])})
			}
			rest = rest[same:]
		}
	}
	for _, cand := range all {
		for _, t := range cand.tracks {
			t.sort()
		}
	}
	slices.SortFunc(all, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.key.it.seq, b.key.it.seq), cmp.Compare(a.key.kind, b.key.kind))
	})
	return all, nil
}

// look fills wide with what frames agree with beyond the threshold. What was found for the
// last verdict is not searched again.
func (c *collector) look(q *query, open []int32, r reach) error {
	wide := make(map[int32][]raw, len(open))
	var numbers []int32
	var frames []QueryFrame
	for _, number := range open {
		if known, ok := c.wide[q.given[number]]; ok {
			wide[q.given[number]] = known
		} else {
			numbers, frames = append(numbers, q.given[number]), append(frames, q.frames[number])
		}
	}
	defer clear(c.ahead.place)
	for len(frames) > 0 {
		n, err := c.ahead.fill(c.m, frames, r)
		if err != nil {
			return err
		}
		for i := range frames[:n] {
			if err := c.search(&frames[i], r); err != nil {
				return err
			}
			wide[numbers[i]] = oldest(c.raws)
		}
		numbers, frames = numbers[n:], frames[n:]
	}
	c.wide = wide
	return nil
}

// oldest returns a copy of the hits beyond the threshold that are followed.
func oldest(raws []raw) []raw {
	var out []raw
	var known, shadowed int // items; neither must crowd out the other
	var last *item
	for i := range raws {
		r := &raws[i]
		if !r.far {
			continue
		}
		n := &known
		if r.shadow {
			n = &shadowed
		}
		if r.it != last {
			last = r.it
			*n++
		}
		if *n <= maxFartherEntries {
			out = append(out, *r)
		}
	}
	return out
}
