package exchange

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/vpdq"
	"github.com/rematch-go/rematch/match"
)

const (
	// pruneRadius is as in screen.Enroll: frames this near, in bits, to the last one
	// kept prolong it.
	pruneRadius = 8
	// usualStep is the distance of frames that the reference takes by default, for lists
	// of which none can be told.
	usualStep = time.Second
)

// VPDQEntry makes an entry for a bank of the frames of a video that somebody else has hashed.
// Frames below the default gate are left out, as in screen.Enroll; if that leaves
// none the error is match.ErrLowQuality, and without a frame it is vpdq.ErrEmpty.
//
// A list tells when frames were taken and not how long they stand for. Each is given the time
// to the next one, but no more than twice the list's usual distance of frames, or a second if that
// is less: what lies in a gap is not known. Frames of the same time, which python-threatexchange writes
// from ten seconds on, share the time to the next one. Near-equal neighbours become one signal.
//
// Such an entry is matched as well as its frames are dense: of a copy of hand-held footage that was cut
// elsewhere, a frame a second finds a fifth of what every frame finds.
func VPDQEntry(id string, features []vpdq.Feature) (match.Entry, error) {
	if len(features) == 0 {
		return match.Entry{}, fmt.Errorf("exchange: vPDQ of %q: %w", id, vpdq.ErrEmpty)
	}
	frames := slices.Clone(features)
	slices.SortStableFunc(frames, func(a, b vpdq.Feature) int { return cmp.Compare(a.Time, b.Time) })
	entry := match.Entry{ID: id}
	var best hash.Quality
	for i, span := range spans(frames) {
		f := &frames[i]
		if f.Value.Kind() != hash.PDQ || f.Quality > 100 || f.Time < 0 {
			return match.Entry{}, fmt.Errorf("exchange: vPDQ of %q: %w: the frame at %v is none", id, match.ErrInvalid, f.Time)
		}
		best = max(best, f.Quality)
		entry.Duration = span.to
		if !f.Quality.Passes(hash.DefaultGate) {
			continue
		}
		if n := len(entry.Signals); n > 0 {
			last := &entry.Signals[n-1]
			if d, _ := last.Value.Distance(f.Value); d <= pruneRadius && last.To == span.from {
				last.To = span.to
				continue
			}
		}
		entry.Signals = append(entry.Signals, match.Signal{Value: f.Value, Quality: f.Quality, From: span.from, To: span.to})
	}
	if len(entry.Signals) == 0 {
		return match.Entry{}, fmt.Errorf("exchange: vPDQ of %q: %w", id, &match.LowQualityError{Quality: best, Gate: hash.DefaultGate})
	}
	return entry, nil
}

// span is what a frame stands for, to exclusive.
type span struct{ from, to time.Duration }

// spans returns what the frames, which are in order of their times, stand for.
func spans(frames []vpdq.Feature) []span {
	var gaps []time.Duration
	for i := 1; i < len(frames); i++ {
		if gap := frames[i].Time - frames[i-1].Time; gap > 0 {
			gaps = append(gaps, gap)
		}
	}
	step := usualStep
	if len(gaps) > 0 {
		slices.Sort(gaps)
		step = gaps[len(gaps)/2]
	}
	limit := max(2*step, usualStep)
	all := make([]span, len(frames))
	for i := 0; i < len(frames); {
		next := i + 1
		for next < len(frames) && frames[next].Time == frames[i].Time {
			next++
		}
		from, long := frames[i].Time, step
		if next < len(frames) {
			long = min(frames[next].Time-from, limit)
		}
		for n := time.Duration(next - i); i < next; i++ {
			k := n - time.Duration(next-i)
			part := func(k time.Duration) time.Duration { return long/n*k + long%n*k/n } // long*k may be too large
			all[i] = span{from + part(k), from + part(k+1)}
		}
	}
	return all
}
