package match

import (
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// Frames beyond the threshold can't be looked up, for too much lies as far away as they
// do. But where frames within it have told a line, each other frame has only a few known
// ones to be compared with, and there a distance says far more: hashes of unrelated
// pictures are 128 bits apart with a standard deviation of 8; of 390,000 pairs of frames of
// the shared clips of different scenes none was below 92. At 64 bits, eight deviations, one
// frame with a dozen looks and a dozen known signals confirms an unrelated one less than
// once in 10^12 times were the bits independent, and for real pictures so seldom that none
// was ever seen. What does come that near is another moment of the same scene; clearly
// tells that from the same moment.
const (
	// farBits is the largest distance in bits, inclusive, at which an aligned frame agrees.
	// A large logo leaves half of the frames within 54 and nine of ten within 74.
	farBits = 64
	// apartBits is the distance above which an aligned frame surely shows something else.
	apartBits = 90
	// clearBits is by how much an aligned frame must be nearer to the known frame there
	// than to those elsewhere in the known video.
	clearBits = 4
	// alignedSlack is how far from the line a known frame is looked for.
	alignedSlack = 200 * time.Millisecond
	// elsewhereTime is how far from the line elsewhere begins.
	elsewhereTime = time.Second
	// maxElsewhere bounds the known signals elsewhere that a frame is compared with: of
	// more it is every second, or third, ...
	maxElsewhere = 64
	// maxBetween bounds the frames between two runs that are looked at.
	maxBetween = 16
	// offsetStep is the step in which the offsets of a lone frame are tried, and
	// maxOffsets how many.
	offsetStep = 300 * time.Millisecond
	maxOffsets = 9
)

// seedWithin returns how far a frame may be from a known video's to name it: a third more than
// the threshold, 41 bits of PDQ's 256. That alone is never a match; it takes four distinct
// frames on one line, each clearly nearer to the known frame there than to the others.
func seedWithin(k hash.Kind, threshold int) int {
	within, _ := farWithin(k)
	return max(threshold, min(threshold+threshold/3, within))
}

// farWithin returns the distances within which an aligned frame of a kind agrees and
// beyond which it does not. Short hashes of unrelated pictures lie too near to each other:
// of them nothing is told.
func farWithin(k hash.Kind) (within, beyond int) {
	if k.Bits() < 256 {
		return -1, k.Bits()
	}
	return farBits * k.Bits() / 256, apartBits * k.Bits() / 256
}

// showing is what a frame shows where a line puts it in the known video.
type showing uint8

const (
	untold  showing = iota // nothing known there, or neither near nor far
	agrees                 // it is that frame
	against                // it surely is another one
)

// confirm adds to the runs the frames beyond the threshold that agree with the known
// video where the runs' lines put them, between the runs' frames and beyond them, and
// counts those that are against it. budget is how many comparisons are left.
func (a *alignment) confirm(budget *int) {
	if within, _ := farWithin(a.key.kind); within < 0 {
		return
	}
	taken := make([]bool, len(a.q.frames))
	for i := range a.runs {
		r := &a.runs[i]
		for f := r.frames[0].frame; f <= r.last(); f++ {
			taken[f] = true
		}
	}
	for i := range a.runs {
		r := &a.runs[i]
		best := a.grow(r, r.line, taken, budget)
		if len(r.frames) == 1 {
			at := a.q.frames[r.frames[0].frame].Time
			from, to := r.frames[0].place.from-jitter, r.frames[0].place.to+jitter
			for n := 1; n < maxOffsets; n++ {
				step := time.Duration((n+1)/2) * offsetStep
				if n%2 == 0 {
					step = -step
				}
				l := r.line
				l.known0 += step
				if known := l.at(at); known < from || known > to {
					continue
				}
				if g := a.grow(r, l, taken, budget); len(g.frames)-g.against > len(best.frames)-best.against {
					best = g
				}
			}
		}
		*r = best
		for f := r.frames[0].frame; f <= r.last(); f++ {
			taken[f] = true
		}
	}
	a.join() // runs that have met
}

// grow returns a run with the frames added that agree on the given line.
func (a *alignment) grow(r *run, l line, taken []bool, budget *int) run {
	g := *r
	g.line, g.against = l, 0
	g.frames = make([]aligned, 0, len(r.frames))
	first, last := r.frames[0].frame, r.last()
	// Backwards from the first frame, then to the last, then on.
	a.extend(&g, first, -1, taken, budget)
	slices.Reverse(g.frames)
	next := 0
	for f := first; f <= last; f++ {
		if r.frames[next].frame == f {
			g.frames = append(g.frames, r.frames[next])
			next++
			continue
		}
		switch m, s := a.there(f, l.at(a.q.frames[f].Time), g.class, budget); s {
		case agrees:
			g.frames = append(g.frames, m)
		case against:
			g.against++
		}
	}
	a.extend(&g, last, 1, taken, budget)
	return g
}

// extend adds to g the frames that agree from its edge on, forwards or with a step of -1
// backwards, as far as they belong to one segment.
func (a *alignment) extend(g *run, edge, step int32, taken []bool, budget *int) {
	pending, lost := 0, time.Duration(0) // lost is what near would count, carried along
	for f := edge + step; f >= 0 && int(f) < len(a.q.frames) && !taken[f] && lost <= a.gap() && a.reaches(min(f, edge), max(f, edge)); f += step {
		known := g.line.at(a.q.frames[f].Time)
		if step < 0 && known < -alignedSlack || step > 0 && known > a.line.end+alignedSlack {
			break
		}
		switch m, s := a.there(f, known, g.class, budget); s {
		case agrees:
			g.frames = append(g.frames, m)
			g.against += pending
			pending, edge, lost = 0, f, 0
			continue
		case against:
			pending++
		}
		if a.q.pass[f] {
			lost += a.q.frames[f].For
		}
	}
}

// refuted reports whether most of what is told between two runs on one line is against it.
func (a *alignment) refuted(x, y *run, budget *int) bool {
	first, last := x.last()+1, y.frames[0].frame
	step := max(1, (last-first)/maxBetween)
	told, no := 0, 0
	for f := first; f < last; f += step {
		switch _, s := a.there(f, x.line.at(a.q.frames[f].Time), x.class, budget); s {
		case agrees:
			told++
		case against:
			told++
			no++
		}
	}
	return 2*no > told
}

// there tells what a frame shows of the known video around a known time, with looks that
// are turned as class says. A half of it is asked where the whole is not within the
// threshold.
func (a *alignment) there(frame int32, known time.Duration, class string, budget *int) (aligned, showing) {
	if !a.q.pass[frame] || *budget <= 0 {
		return aligned{}, untold
	}
	_, beyond := farWithin(a.key.kind)
	best := a.nearest(frame, known, class, budget)
	if w := &best[hash.Whole]; w.distance >= 0 && int(w.distance) <= a.q.look(frame, w).threshold(a.key.it.bank) {
		if m, ok := a.agreesThere(frame, w, known, budget); ok {
			return m, agrees
		}
	}
	told, apart := false, true
	for range best {
		p := &best[0]
		for h := range best {
			if o := &best[h]; o.distance >= 0 && (p.distance < 0 || o.distance < p.distance) {
				p = o
			}
		}
		if p.distance < 0 {
			break
		}
		if m, ok := a.agreesThere(frame, p, known, budget); ok {
			return m, agrees
		}
		told, apart = true, apart && int(p.distance) > beyond
		p.distance = -1
	}
	if told && apart && !a.line.sampled {
		return aligned{}, against
	}
	return aligned{}, untold
}

// nearest returns for each part of a frame the nearest pair of a look and a known signal
// around a known time; of a negative distance where there is none.
func (a *alignment) nearest(frame int32, known time.Duration, class string, budget *int) (best [hash.Halves]place) {
	for h := range best {
		best[h].distance = -1
	}
	looks := a.q.frames[frame].Looks
	a.line.around(known-alignedSlack, known+alignedSlack, func(signal int32) {
		v, half := a.key.it.signals[signal].Value, a.line.half[signal]
		p := &best[half]
		for j := range looks {
			l := &looks[j]
			if l.Value.Kind() != a.key.kind || !a.q.judges(l) || !isClass(l.Transform, class) || halfOf(l.Transform) != half {
				continue
			}
			*budget--
			if d, _ := v.Distance(l.Value); p.distance < 0 || d < int(p.distance) {
				*p = place{signal: signal, look: int32(j), distance: int16(d)}
			}
		}
	})
	*budget--
	return best
}

// agreesThere reports whether a pair around a known time is near enough, and nearer than
// the look is to the rest of the known video.
func (a *alignment) agreesThere(frame int32, p *place, known time.Duration, budget *int) (aligned, bool) {
	within, _ := farWithin(a.key.kind)
	l, d := a.q.look(frame, p), int(p.distance)
	if l.Limit > 0 {
		within = min(within, 2*l.Limit)
	}
	if d > within || !a.clearly(l.Value, p.signal, known, d, budget) {
		return aligned{}, false
	}
	at := *p
	at.from, at.to = a.line.span(p.signal)
	return aligned{frame: frame, entries: a.q.entries[frame], place: &at, far: d > l.threshold(a.key.it.bank)}, true
}

// clearly reports whether a hash is nearer to a known signal than to those at other times
// of the known video that show something else. Where there are none, it is not: a still
// picture confirms nothing by standing on.
func (a *alignment) clearly(v hash.Value, signal int32, known time.Duration, distance int, budget *int) bool {
	nearest, n := a.elsewhere(v, signal, known, budget)
	return n >= 3 && distance+clearBits <= nearest
}

// elsewhere returns the distance from a hash to the nearest of the known signals that
// lie at other times than known and differ from the given one, of the same part of the
// picture, and how many were compared.
func (a *alignment) elsewhere(v hash.Value, signal int32, known time.Duration, budget *int) (nearest, n int) {
	signals, judged := a.key.it.signals, a.line.judged[a.line.half[signal]]
	nearest = a.key.kind.Bits()
	step := max(1, (len(judged)+maxElsewhere-1)/maxElsewhere)
	for j := 0; j < len(judged); j += step {
		i := judged[j]
		from, to := a.line.span(i)
		if to >= known-elsewhereTime && from <= known+elsewhereTime {
			continue
		}
		if d, _ := signals[i].Value.Distance(signals[signal].Value); d <= a.key.kind.Bits()/32 {
			continue // the same picture again
		}
		d, _ := signals[i].Value.Distance(v)
		nearest = min(nearest, d)
		n++
	}
	*budget -= len(judged)/step + 1
	return nearest, n
}

// proof is what the frames on a line say of it.
type proof struct {
	worth           float64 // distinct frames, each at what it says
	here, elsewhere int     // frames within the threshold that are nearer to the known video where the line puts them, or elsewhere
}

// prove judges the frames on a line by what the known video shows elsewhere. Other footage
// of the same scene, as of the same wall behind the same speaker, agrees with it now and
// then, and about as well in other places; a copy agrees where the line puts it. A frame
// counts whole that is within half of the threshold, or nearer to the known video there than
// elsewhere by the threshold; else by the part of it. One that is beyond the threshold
// counts for half of that.
func (a *alignment) prove(o *onLine, threshold int, budget *int) proof {
	var p proof
	n := 0 // distinct frames
	for i := range o.frames {
		if o.frames[i].distinct {
			n++
		}
	}
	step, every := (len(o.frames)+maxElsewhere-1)/maxElsewhere, (n+maxElsewhere-1)/maxElsewhere
	n = 0
	for i := range o.frames {
		f := &o.frames[i]
		counts := f.distinct && n%every == 0
		if f.distinct {
			n++
		}
		if !counts && i%step != 0 {
			continue
		}
		at := o.line.at(a.q.frames[f.frame].Time)
		v := a.q.value(f.frame, f.place)
		best, signal := a.key.kind.Bits()+1, int32(-1)
		half := a.line.half[f.place.signal]
		a.line.around(at-alignedSlack, at+alignedSlack, func(n int32) {
			if *budget--; a.line.half[n] != half {
				return
			}
			if d, _ := a.key.it.signals[n].Value.Distance(v); d < best {
				best, signal = d, n
			}
		})
		worth := 1.0
		if f.far {
			worth = 0 // unless the rest of the known video bears it out
		}
		if signal >= 0 && *budget > 0 {
			nearest, n := a.elsewhere(v, signal, at, budget)
			if n > 0 && !f.far && best < nearest {
				p.here++
			}
			if n > 0 && !f.far && best > nearest {
				p.elsewhere++
			}
			if f.far && n >= 3 || !f.far && n > 0 && 2*best > threshold {
				worth = min(max(float64(nearest-best)/float64(threshold+1), 0), 1)
			}
		}
		if counts {
			p.worth += float64(f.worth() * worth * float64(every))
		}
	}
	return p
}

// isScene reports whether the frames on a line agree about as well with other times of the
// known video. Where one frame is all there is to ask for, and it is not far, a picture stands
// still.
func (a *alignment) isScene(o *onLine, need int, far bool, budget *int) bool {
	if need == 1 && !far || o.distinct < float64(need) {
		return false
	}
	p := a.prove(o, a.key.it.bank.threshold(a.key.kind), budget)
	return p.worth < float64(need) || p.elsewhere > p.here
}

// isClass reports whether the turns and mirrorings in a look's transform are those of a
// class.
func isClass(transform []string, class string) bool {
	rest, first := class, true
	for _, t := range transform {
		if !isOrientation(t) {
			continue
		}
		if !first {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return false
			}
		}
		var ok bool
		if rest, ok = strings.CutPrefix(rest, t); !ok {
			return false
		}
		first = false
	}
	return rest == ""
}
