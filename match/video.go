package match

import (
	"cmp"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// VideoResult is all that a video's frames came to.
type VideoResult struct {
	Matches []Match     // sorted by distance, bank, ID and kind
	Weak    []WeakMatch // what agreed but was too little to be a match, in the same order
	Frames  int         // how many frames were given
	Judged  int         // how many of them passed the gate with at least one look
	// Limited tells that some frames occur in more entries or places than one query
	// follows, or a known video in more pieces. What is reported is true, but there
	// may be more entries, and more and longer segments. What agrees beyond the threshold only
	// does not count.
	Limited bool
	// Shadow are matches that are recorded and not reported (Match.ShadowedBy), in the same
	// order. They change nothing of the rest.
	Shadow []Match

	shadowWeak []WeakMatch // for Closer
}

// WeakMatch is an agreement with a known video that is too little to be a match,
// and why.
type WeakMatch struct {
	Match
	// Missing lists what was too little, as stable tokens: frames (distinct ones on one
	// line), duration, refuted (more frames on the line show something else than agree),
	// scene (the frames agree about as well with other times of the known video: the same
	// place or people, not the same footage), common (the frames occur in many entries, or
	// are an intro or credits that entries of different content share), query_percent,
	// known_percent.
	Missing []string
	// Closer is where in the upload frames that were not looked at could make a match of
	// it: around what agrees, as far as the known video goes. Rising and disjoint; empty
	// where frames were not what was missing.
	Closer []Span
}

// Closer is where a closer look at the upload could make matches of what is weak: rising
// and disjoint.
func (r *VideoResult) Closer() []Span {
	var all []span
	for _, weak := range [][]WeakMatch{r.Weak, r.shadowWeak} {
		for i := range weak {
			if weak[i].SuppressedBy != "" {
				continue
			}
			for _, s := range weak[i].Closer {
				all = append(all, span{s.From, s.To})
			}
		}
	}
	return spans(all)
}

// spans returns the union of times, rising and disjoint.
func spans(all []span) []Span {
	var out []Span
	for _, s := range union(all) {
		out = append(out, Span{s.from, s.to})
	}
	return out
}

// MatchVideo compares a video's frames with every enabled bank and returns what
// ScanVideo calls Matches.
func (m *Matcher) MatchVideo(frames []QueryFrame) ([]Match, error) {
	r, err := m.ScanVideo(frames)
	return r.Matches, err
}

// ScanVideo compares a video's frames with every enabled bank. A known video
// matches when enough of the frames agree with it along a line from one's times to the
// other's (see Options); a known picture matches when it is within the threshold
// of any one frame, and Evidence.QueryTime says where. An entry matches once for
// each kind.
//
// The frames are sampled as finely as the caller likes, in any order, each with
// the time it stands for; a For of 0 means until the next frame. All of a frame's
// looks count; digests among them are ignored.
//
// A line has a constant offset, or a speed from 0.8 to 1.25 (Segment.Speed), which takes
// one more frame. Frames within the threshold tell it. Where they leave something of the
// upload open, so do frames within a third more (41 of PDQ's 256 bits): up to 48 distinct
// ones, spread over the upload, by looks without a limit that are not turned. Then each other frame is compared
// with what the known video shows where the line puts it: one that is near enough there,
// and clearly nearer than to the rest of the known video, counts for half of one though it
// is beyond the threshold (Segment.Confirmed, of kinds of 256 bits), so that without any
// frame within it four are needed; and when more show
// something else than agree, it is no match. Nor is it one when the frames agree about as
// well with other times of the known video: WeakMatch.Missing has all reasons.
//
// Looks at a half of the frame, with its token (hash.Half) in the transform, are compared
// with known signals of the same half alone, and others with none of those. Of a line one
// part of the picture must say enough: halves of one frame are no two frames.
//
// A known video of a list of frames at a constant step, as of one a second, whose intervals
// reach to the next frame, is known at their beginnings only, and its segments to that step.
//
// Allow-lists: a frame is allowed if an allow-list's picture matches it, or if it
// lies within a second of a segment that is at least half of an allow-list's video.
// A match is suppressed when each of the frames that it rests on is allowed;
// SuppressedBy names the entry that allows most of them. So a known clip is
// suppressed inside an allowed programme, and stands where it is cut out of that. A
// frame of which an allow-list has only a part is allowed in that part (Look.Area).
//
// When no frame passes the gate the error is a *LowQualityError with the best
// quality there was.
func (m *Matcher) ScanVideo(frames []QueryFrame) (VideoResult, error) {
	return m.Upload("").ScanVideo(frames)
}

func sortedFrames(frames []QueryFrame) []QueryFrame {
	sorted := slices.Clone(frames)
	slices.SortStableFunc(sorted, func(a, b QueryFrame) int { return compareFrames(&a, &b) })
	return sorted
}

// stillLive leaves out what was disabled or removed while the query ran, and tells the others'
// treatment; and whether something was replaced, by what the frames were not compared with.
func (u *Upload) stillLive(all []*candidate) (live []*candidate, replaced bool) {
	live = slices.DeleteFunc(all, func(c *candidate) bool {
		t, by := u.treat(c.key.it)
		if t == Shadow {
			c.shadowedBy = by
		}
		replaced = replaced || c.key.it.off.Load()&offReplaced != 0
		return t == Ignore || t == Shadow && c.key.it.bank.allow
	})
	return live, replaced
}

// outcome is what a candidate came to.
type outcome struct {
	it      *item
	match   Match
	missing []string
	limited bool       // there are more segments than were followed
	nothing bool       // not even weak
	need    int        // how many distinct frames it takes
	closer  []Span     // see WeakMatch
	lines   *alignment // of a known video that matches; else nil
	seen    []seen     // what the match rests on, by rising frames
}

// seen is a frame of the upload that agrees with an item, by one of its looks.
type seen struct{ frame, look int32 }

// judgePicture reports a known picture that was seen in a video.
func judgePicture(q *query, c *candidate) outcome {
	t := c.tracks[0]
	best := 0
	all := make([]seen, len(t.sightings))
	for i := range t.sightings {
		all[i] = seen{t.sightings[i].frame, t.sightings[i].places[0].look}
		if t.sightings[i].places[0].distance < t.sightings[best].places[0].distance {
			best = i
		}
	}
	s := &t.sightings[best]
	match := q.match(c.key, s.frame, &s.places[0])
	match.Evidence.QueryPercent = percent(len(all), q.judged)
	return outcome{it: c.key.it, match: match, seen: all}
}

// judgeVideo aligns a known video with the upload and applies the rules. budget is how
// many comparisons beyond the threshold are left.
func judgeVideo(q *query, c *candidate, r *rules, budget *int) outcome {
	it := c.key.it
	a := align(q, c, budget)
	a.confirm(budget)
	best, at := a.bestPair()
	o := outcome{it: it, limited: a.limited, match: q.match(c.key, best.frame, best.place)}
	e := &o.match.Evidence
	if best.far {
		e.Threshold = q.frames[best.frame].Looks[best.place.look].threshold(it.bank)
	}
	e.Segments = a.segments()
	e.QueryPercent = percent(c.matched, q.judged)
	e.KnownPercent = covered(it, c.key.kind, r.gate, e.Segments)
	// The known time of the best pair is where the alignment puts it, within what its
	// signal stands for.
	e.KnownTime = min(max(e.KnownTime, at.line.at(e.QueryTime)), max(it.signals[best.place.signal].To, e.KnownTime))

	var stood time.Duration
	count := newDistincts(c.key.kind)
	var weights [hash.Halves]float64
	for i := range a.runs {
		for j, f := range a.runs[i].frames {
			o.seen = append(o.seen, seen{f.frame, f.place.look})
			stood = min(stood+a.stands(&a.runs[i], j), maxTime)
			if h := a.line.half[f.place.signal]; count[h].add(q.value(f.frame, f.place)) {
				weights[h] += f.worth() * max(leastWeightOf(q.frames[f.frame].For), commonness(f.entries))
			}
		}
	}
	weight := slices.Max(weights[:])
	slices.SortFunc(o.seen, func(a, b seen) int { return cmp.Compare(a.frame, b.frame) })

	// What the upload or the known video does not have cannot be asked for; but a
	// single sampled frame has no offset and is never an alignment.
	need := max(1, min(r.minFrames, q.distinct(c.key.kind, r.minFrames), knownDistinct(it, c.key.kind, r)))
	b, need := a.judge(need, best.far, budget)
	o.missing = b.missing(need)
	if len(o.seen) < 2 && r.minFrames > 1 && b.distinct >= float64(need) {
		o.missing = append(o.missing, "frames")
	}
	if stood < min(r.minDuration, q.length, it.end()) {
		o.missing = append(o.missing, "duration")
	}
	// Frames that many entries share say little, unless they make up most of this
	// one: then the entry itself is what is there many times.
	if weight < float64(need) && b.distinct >= float64(need) && e.KnownPercent < 50 {
		o.missing = append(o.missing, "common")
	}
	if e.QueryPercent < r.queryPercent {
		o.missing = append(o.missing, "query_percent")
	}
	if e.KnownPercent < r.knownPercent {
		o.missing = append(o.missing, "known_percent")
	}
	// One frame beyond the threshold that nothing bears out is not worth a word.
	o.nothing = best.far && b.distinct < 1
	o.need = need
	o.closer = a.closer(o.missing)
	if len(o.missing) == 0 {
		o.lines = a
	}
	return o
}

// stands returns how much of the upload's time the frame number j of a run stands for: until
// the next frame, or the next of the run if that comes within the usual step, as if nothing between
// them had been looked at. So denser looks take nothing from what sparser ones have shown; what
// they show against it counts by itself (run.against).
func (a *alignment) stands(r *run, j int) time.Duration {
	f := &a.q.frames[r.frames[j].frame]
	if j+1 < len(r.frames) {
		if d := a.q.frames[r.frames[j+1].frame].Time - f.Time; d <= usualStep {
			return max(f.For, d)
		}
	}
	return f.For
}

// bestPair returns the frame that agrees best, and its run: within the threshold before
// beyond it, and by the whole before a half.
func (a *alignment) bestPair() (best *aligned, at *run) {
	rank := func(f *aligned) int {
		switch {
		case f.far:
			return 2
		case a.line.half[f.place.signal] != hash.Whole:
			return 1
		}
		return 0
	}
	for i := range a.runs {
		for j := range a.runs[i].frames {
			f := &a.runs[i].frames[j]
			if best == nil || cmp.Or(cmp.Compare(rank(f), rank(best)), cmp.Compare(f.place.distance, best.place.distance)) < 0 {
				best, at = f, &a.runs[i]
			}
		}
	}
	return best, at
}

// commonEntries is how many entries may share a frame before it counts for less:
// a handful of banks hold copies of the same item, hundreds of entries share
// title cards, logos and test cards.
const commonEntries = 8

// leastWeight is what a distinct frame that stands for half a second counts for at the
// least. Content that was banked in hundreds of variants looks like a title card in this
// respect, but goes on for longer: at the default of two frames, ten seconds of distinct
// ones that agree, and five of them at the least, are a match however common they are.
const leastWeight = 0.1

func leastWeightOf(stands time.Duration) float64 {
	return leastWeight * min(max(stands.Seconds()/0.5, 1), 4)
}

// commonness weighs a distinct frame by the number of entries that have it.
func commonness(entries int32) float64 {
	if entries <= commonEntries {
		return 1
	}
	return max(leastWeight, commonEntries/float64(entries))
}

// knownDistinct counts the distinct judgeable frames of a known video, up to enough.
func knownDistinct(it *item, k hash.Kind, r *rules) int {
	count := newDistinct(k)
	for i := range it.signals {
		if s := &it.signals[i]; s.Value.Kind() == k && s.Quality.Passes(r.gate) && halfOf(s.Transform) == hash.Whole && count.n < r.minFrames {
			count.add(s.Value)
		}
	}
	return count.n
}

// covered returns how much of the known video's judgeable time the segments
// cover, in percent.
func covered(it *item, k hash.Kind, gate hash.Quality, segments []Segment) float64 {
	var judgeable, found []span
	for i := range it.signals {
		if s := &it.signals[i]; s.Value.Kind() == k && s.Quality.Passes(gate) {
			judgeable = append(judgeable, span{s.From, s.To})
		}
	}
	for _, s := range segments {
		found = append(found, span{s.KnownFrom, s.KnownTo})
	}
	judgeable, found = union(judgeable), union(found)
	var all, both time.Duration
	for _, j := range judgeable {
		all += j.to - j.from
		for _, f := range found {
			both += max(0, min(j.to, f.to)-max(j.from, f.from))
		}
	}
	if all == 0 {
		return 0
	}
	return 100 * float64(both) / float64(all)
}

// span is a stretch of time, to exclusive.
type span struct{ from, to time.Duration }

// union returns the same times as rising, disjoint spans. It reuses spans.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(whole) }
