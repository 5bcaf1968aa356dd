package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/rematch-go/rematch/examples/evaluate/internal/clips"
	"github.com/rematch-go/rematch/examples/internal/pair"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// The banks. Hard negatives have one of their own, in which the known videos are too.
const knownBank, fillerBank, hardBank = "known", "fillers", "hard negatives"

// judged is what became of a posted file.
type judged struct {
	upload
	outcome screen.Outcome
	reason  string
	frames  int // that were looked at
	cpu     time.Duration
	found   *match.Match     // of the known video it was made from
	weak    *match.WeakMatch // likewise
	errors  []time.Duration  // of the ends of the expected stretches, on either side; if found
	wrong   []match.Match    // what it was not made from
	methods [videoMethods]bool
	falsely [videoMethods]int // known videos that a baseline matched and that are not in it
	behind  []pair.Point      // of a miss: frame by frame
}

// videoResult is a finished run.
type videoResult struct {
	*videos
	Judged    []judged
	Omitted   []leftOut
	enrolCPU  time.Duration // of the known videos
	bankBytes int64         // of a bank file of the known videos
}

func (v *videos) run(ctx context.Context) (*videoResult, error) {
	if err := v.load(ctx); err != nil {
		return nil, err
	}
	if err := v.plan(); err != nil {
		return nil, err
	}
	if err := v.make(ctx); err != nil {
		return nil, err
	}
	r := &videoResult{videos: v}
	main, hard, err := v.enrol(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := v.judge(ctx, r, main, hard); err != nil {
		return nil, err
	}
	if !v.noBaselines {
		if err := v.judgeBaselines(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := v.explain(ctx, r); err != nil {
		return nil, err
	}
	r.Omitted = v.omitted.sorted()
	return r, nil
}

// enrol makes the banks.
func (v *videos) enrol(ctx context.Context, r *videoResult) (main, hard *screen.Screener, err error) {
	steps := len(v.known) + len(v.fillers)
	for _, u := range v.uploads {
		if u.banked {
			steps++
		}
	}
	bar := newProgress(v.stderr, "enrolling", steps)
	defer bar.close()
	enrol := func(path, id string, longest time.Duration) (match.Entry, bool, error) {
		defer bar.step(1)
		path, why, err := v.shortened(ctx, path, id, longest)
		var e match.Entry
		if err == nil && why == "" {
			e, err = screen.Enroll(ctx, video.File(path), nil, v.screenOptions())
			if _, refused := video.Reason(err); ctx.Err() == nil && (refused || errors.Is(err, match.ErrLowQuality)) {
				why, err = reason(err), nil
			}
		}
		if why != "" {
			v.omitted.note("banked", filepath.Base(path), why)
		}
		e.ID = id
		return e, err == nil && why == "", err
	}
	known, fillers, shared := match.Bank{Name: knownBank}, match.Bank{Name: fillerBank}, match.Bank{Name: hardBank}
	begin := processTime()
	for i := range v.known {
		k := &v.known[i]
		e, ok, err := enrol(k.Path, k.Sum, k.Length)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			k.entry = e
			known.Entries = append(known.Entries, e)
		}
	}
	r.enrolCPU = processTime() - begin
	if len(known.Entries) == 0 {
		return nil, nil, errors.New("no known video could be enrolled")
	}
	for _, f := range v.fillers {
		e, ok, err := enrol(f.Path, f.Sum, v.maxLength)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			fillers.Entries = append(fillers.Entries, e)
		}
	}
	for _, u := range v.uploads {
		if !u.banked {
			continue
		}
		e, ok, err := enrol(u.path, u.kind+"/"+u.job.Name, u.length)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			shared.Entries = append(shared.Entries, e)
		}
	}
	v.uploads = slices.DeleteFunc(v.uploads, func(u upload) bool { return u.banked || u.known >= 0 && len(v.known[u.known].entry.Signals) == 0 })
	size, err := bankSize(filepath.Join(v.work, "known.bank"), known)
	if err != nil {
		return nil, nil, err
	}
	r.bankBytes = size
	for _, b := range []struct {
		dst   **screen.Screener
		banks []match.Bank
	}{{&main, []match.Bank{known, fillers}}, {&hard, []match.Bank{known, fillers, shared}}} {
		matcher, err := match.New(match.Options{}, b.banks...)
		if err != nil {
			return nil, nil, err
		}
		*b.dst = screen.New(matcher, v.screenOptions())
	}
	return main, hard, nil
}

// shortened is a file of no more than the beginning of a longer one.
func (v *videos) shortened(ctx context.Context, path, sum string, longest time.Duration) (short, why string, err error) {
	length, why, err := v.length(ctx, path)
	if err != nil || why != "" || length <= longest+100*time.Millisecond {
		return path, why, err
	}
	job := clips.Begin(clips.Clip{Path: path, Sum: sum, Length: longest})
	short = filepath.Join(v.work, "posted", job.Name)
	why, err = v.encode(ctx, job, short)
	return short, why, err
}

// judge screens every posted file, one after the other, so that the processor time is
// each one's own.
func (v *videos) judge(ctx context.Context, r *videoResult, main, hard *screen.Screener) error {
	bar := newProgress(v.stderr, "screening", len(v.uploads))
	defer bar.close()
	index := make(map[string]int)
	for i, k := range v.known {
		index[k.Sum] = i
	}
	for _, u := range v.uploads {
		s := main
		if u.kind != "" {
			s = hard
		}
		begin := processTime()
		verdict, err := s.Screen(ctx, video.File(u.path))
		if err != nil {
			return fmt.Errorf("%s: %w", u.path, err)
		}
		j := judged{upload: u, outcome: verdict.Outcome, reason: verdict.Reason, frames: verdict.Frames, cpu: processTime() - begin}
		for i := range verdict.Matches {
			m := &verdict.Matches[i]
			k, isKnown := index[m.Entry.ID]
			switch {
			case m.Entry.Bank != knownBank || !isKnown || k != u.known && !slices.Contains(u.also, k):
				j.wrong = append(j.wrong, *m)
			case k == u.known && j.found == nil:
				j.found = m
				j.errors = endErrors(u.job.Expect, m.Evidence.Segments)
			}
		}
		for i := range verdict.Weak {
			if w := &verdict.Weak[i]; u.known >= 0 && w.Entry.ID == v.known[u.known].Sum && j.weak == nil {
				j.weak = w
			}
		}
		r.Judged = append(r.Judged, j)
		bar.step(1)
	}
	return nil
}

// endErrors is how far the ends of the expected stretches are from those of the segments
// that overlap them in the upload, in the upload and in the known video. A stretch
// without a segment is off by its length at each end.
func endErrors(expected []clips.Stretch, segments []match.Segment) []time.Duration {
	var all []time.Duration
	for _, e := range expected {
		var from, to *match.Segment
		for i := range segments {
			s := &segments[i]
			// Of a loop, neighbouring stretches touch: half of one of the two must be in the other.
			if both := min(s.QueryTo, e.QueryTo) - max(s.QueryFrom, e.QueryFrom); 2*both < min(s.QueryTo-s.QueryFrom, e.QueryTo-e.QueryFrom) {
				continue
			}
			if from == nil || s.QueryFrom < from.QueryFrom {
				from = s
			}
			if to == nil || s.QueryTo > to.QueryTo {
				to = s
			}
		}
		if from == nil {
			l := e.QueryTo - e.QueryFrom
			all = append(all, l, l, l, l)
			continue
		}
		for _, d := range []time.Duration{from.QueryFrom - e.QueryFrom, to.QueryTo - e.QueryTo, from.KnownFrom - e.KnownFrom, to.KnownTo - e.KnownTo} {
			all = append(all, max(d, -d))
		}
	}
	return all
}

// explainEvery is how often missed files are looked at to say why.
const explainEvery = 500 * time.Millisecond

// explain looks at the frames of what was missed.
func (v *videos) explain(ctx context.Context, r *videoResult) error {
	var missed []int
	for i, j := range r.Judged {
		if j.known >= 0 && j.found == nil {
			missed = append(missed, i)
		}
	}
	bar := newProgress(v.stderr, "looking at what was missed", len(missed))
	defer bar.close()
	return pool(ctx, v.jobs, len(missed), func(ctx context.Context, _, i int) error {
		defer bar.step(1)
		j := &r.Judged[missed[i]]
		frames, _, err := pair.Hash(ctx, video.File(j.path), explainEvery, v.screenOptions().Video)
		if err != nil {
			if _, refused := video.Reason(err); !refused || ctx.Err() != nil {
				return err
			}
		}
		j.behind = pair.Compare(frames, v.known[j.known].entry, j.expected)
		return nil
	})
}

// expected is the time of the known clip that a time of the upload is made from.
func (u *upload) expected(at time.Duration) (time.Duration, bool) {
	for _, e := range u.job.Expect {
		if e.QueryFrom <= at && at < e.QueryTo {
			return e.KnownFrom + time.Duration(float64(at-e.QueryFrom)*float64(e.KnownTo-e.KnownFrom)/float64(e.QueryTo-e.QueryFrom)), true
		}
	}
	return 0, false
}
