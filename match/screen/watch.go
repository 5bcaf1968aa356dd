package screen

import (
	"cmp"
	"context"
	"errors"
	"math/bits"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// watch is a video that is being looked at, pass by pass.
type watch struct {
	kinds  []hash.Kind
	looker *looker
	scan   *match.VideoScan
	step   time.Duration // Options.sample
	end    time.Duration // of the video; 0 while it is not known
	stored bool          // looked at is what is stored, whatever an edit list leaves out
	told   bool          // an index that was read tells the end, and not just a header
	whole  bool          // all was looked at in steps, since seeking leads elsewhere

	first  match.QueryFrame // the first frame: as long as it is the only one, a picture
	frames []looked         // in order
	done   []stretch        // that were looked at in steps, rising and disjoint
	plan   []Pass

	keep   bool          // Options.Hashes
	hashes []PictureHash // in the order they were looked at
}

// add looks at a frame, unless it was looked at before. What it returns is of the
// frame's picture or operational.
func (w *watch) add(frame hash.Frame) error {
	at, known := slices.BinarySearchFunc(w.frames, frame.Time, func(f looked, t time.Duration) int { return cmp.Compare(f.at, t) })
	if known {
		return nil
	}
	looks, err := w.looker.looks(frame.Image, w.kinds, len(w.frames) == 0)
	if err != nil {
		return err
	}
	w.note(frame.Time, looks)
	if w.scan != nil && slices.ContainsFunc(looks, judgedPDQ) {
		looks = w.looker.halves(looks, frame.Image)
	}
	q := match.QueryFrame{Number: frame.Number, Time: frame.Time, Looks: looks}
	if rest := w.end - frame.Time; rest > 0 && rest <= w.step {
		q.For = rest
	}
	f := looked{at: frame.Time, key: frame.Key}
	for i := range looks {
		if looks[i].Quality.Passes(hash.DefaultGate) {
			f.judged = true
			if looks[0].Value.Kind() == hash.PDQ {
				f.value = looks[0].Value.Words()
			}
			break
		}
	}
	switch len(w.frames) {
	case 0:
		w.first = q
	case 1:
		if err := w.give(w.first); err != nil {
			return err
		}
		fallthrough
	default:
		if err := w.give(q); err != nil {
			return err
		}
	}
	w.frames = slices.Insert(w.frames, at, f)
	return nil
}

// judgedPDQ reports whether a look at a frame, or at what lies within its border, is a PDQ
// hash that is judged.
func judgedPDQ(l match.Look) bool {
	return l.Value.Kind() == hash.PDQ && l.Area.Empty() && l.Quality.Passes(hash.DefaultGate)
}

// give hands a frame over to be compared.
func (w *watch) give(q match.QueryFrame) error {
	// Frames are held against known videos many at a time, which says more than a
	// limit; and a title within bars is a frame like others.
	q.Looks = slices.Clone(q.Looks)
	for i := range q.Looks {
		if !isHalf(&q.Looks[i]) {
			q.Looks[i].Limit = 0
		}
	}
	return w.scan.Add(q)
}

// result returns what the frames so far come to. Frames that show too little, and one
// frame alone, come to nothing.
func (w *watch) result() (match.VideoResult, error) {
	if len(w.frames) < 2 {
		return match.VideoResult{}, nil
	}
	r, err := w.scan.Result()
	if errors.Is(err, match.ErrLowQuality) {
		err = nil
	}
	w.cut(r.Matches)
	return r, err
}

// cut ends segments where the video does: the last key frame stands for no more than is
// left.
func (w *watch) cut(matches []match.Match) {
	for i := range matches {
		segments := matches[i].Evidence.Segments
		for j := range segments {
			s := &segments[j]
			if beyond := s.QueryTo - w.end; w.end > 0 && beyond > 0 && s.QueryFrom < w.end {
				s.QueryTo = w.end
				s.KnownTo = max(s.KnownFrom, s.KnownTo-time.Duration(float64(beyond)*s.Speed))
			}
		}
	}
}

// look makes a pass. complete looks on where a match is over.
func (w *watch) look(ctx context.Context, media *video.Media, p Pass, complete bool) (err error) {
	before := len(w.frames)
	every := w.step
	if p.Why == WhyDense {
		every /= denser
	}
	r := video.Request{Luma: true, MaxSide: frameSide, Unedited: w.stored, Sampling: video.Sampling{
		Keys: p.Kind == KeyFrames, Every: every, From: p.From, To: p.To,
	}}
	whole := p.From == 0 && p.To == 0
	toEnd := p.To == 0
	last, n := p.From, 0
	known, began := w.from(p.From), time.Duration(-1)
	defer func() {
		p.Frames = len(w.frames) - before
		if p.To == 0 || err != nil {
			p.To = last
		}
		w.plan = append(w.plan, p)
		if p.Kind == Sampled {
			w.done = joinedExactly(append(w.done, stretch{From: p.From, To: max(p.To, w.endOf(err, whole))}))
		}
	}()
	for frame, err := range media.Frames(ctx, r) {
		if err != nil {
			return err
		}
		if err := w.add(frame); err != nil {
			return err
		}
		if last = frame.Time; began < 0 {
			began = last
		}
		if n++; n%checkEvery == 0 && whole && !complete {
			result, err := w.result()
			if err != nil {
				return err
			}
			if over(result.Matches, last) {
				w.end = last
				return nil
			}
		}
	}
	if p.From > 0 && known >= 0 && (toEnd || known < p.To) && (began < 0 || began > known+w.step) {
		return errSeek
	}
	if toEnd {
		w.end = max(w.end, last)
		last = w.end
	}
	return nil
}

// endOf is how far a pass that ended so has covered the video: all of it, if it came to the
// end.
func (w *watch) endOf(err error, whole bool) time.Duration {
	if whole && err == nil {
		return w.end
	}
	return 0
}

// stretches looks at parts of the video in steps. An error of the media ends that pass
// and the ones after it.
func (w *watch) stretches(ctx context.Context, media *video.Media, all []stretch, why string) error {
	for _, s := range joined(all) {
		p := Pass{Kind: Sampled, Why: why, From: s.From, To: s.To}
		switch {
		case s.To < w.end:
		case w.told:
			p.To = w.end + w.step // the last frame may lie at the end itself
		default:
			p.To = 0
		}
		if err := w.lookCloser(ctx, media, p); err != nil {
			return err
		}
	}
	return nil
}

// errSeek is look's error when an index of the file led elsewhere: a frame that is there, and
// was seen before, did not come.
var errSeek = errors.New("screen: seeking led elsewhere")

// lookCloser looks at a stretch, and where that can't be found at everything.
func (w *watch) lookCloser(ctx context.Context, media *video.Media, p Pass) error {
	if w.whole && (p.Why != WhyDense || p.From > 0) { // a dense look is at all of it then
		return nil
	}
	err := w.look(ctx, media, p, true)
	if errors.Is(err, errSeek) {
		if p.Why == WhyDense && w.end > longestDense {
			return nil
		}
		err = w.look(ctx, media, Pass{Kind: Sampled, Why: p.Why}, true)
		w.whole = err == nil
	}
	return err
}

// from returns the time of the first frame at or after at that was looked at; -1: none.
func (w *watch) from(at time.Duration) time.Duration {
	i, _ := slices.BinarySearchFunc(w.frames, at, func(f looked, at time.Duration) int { return cmp.Compare(f.at, at) })
	if i == len(w.frames) {
		return -1
	}
	return w.frames[i].at
}

// follow looks at a video as the plan has it: key frames first, then whatever they
// leave open. The error can be the media's; what was seen before it counts.
func (w *watch) follow(ctx context.Context, media *video.Media, complete bool) error {
	info := media.Info()
	w.end, w.told = info.Duration, info.KeyFrames > 0
	first := Pass{Kind: KeyFrames, Why: WhyFirst}
	if w.stored = info.LeftOut > mostLeftOut; w.stored {
		info.Duration += info.LeftOut
		w.end = info.Duration
	}
	switch {
	case complete:
		first = Pass{Kind: Sampled, Why: WhyComplete}
	case info.Class == video.Animation: // all pictures cost the same
		first.Kind = Sampled
	case info.Duration == 0, w.told && info.KeyFrames <= fewKeys, w.told && info.Duration/time.Duration(info.KeyFrames) > longestGap:
		first = Pass{Kind: Sampled, Why: WhySparse}
	}
	if w.stored {
		first.Why = WhyEdits
	}
	err := w.look(ctx, media, first, complete)
	if first.Kind == KeyFrames && errors.Is(err, video.ErrCorrupt) && len(w.frames) == 0 {
		return w.look(ctx, media, Pass{Kind: Sampled, Why: WhySparse}, false)
	}
	if err != nil && (!errors.Is(err, video.ErrTruncated) && !errors.Is(err, video.ErrUnsupported)) || len(w.frames) == 0 {
		return err
	}
	if err != nil { // what there is of it is looked at all the same
		w.end = w.frames[len(w.frames)-1].at
	}
	if first.Kind == KeyFrames {
		if closer := w.betweenKeys(ctx, media); closer != nil {
			return cmp.Or(err, closer)
		}
	}
	return cmp.Or(err, w.closer(ctx, media))
}

// betweenKeys looks between key frames that do not stand for all there is, unless a
// match is found already.
func (w *watch) betweenKeys(ctx context.Context, media *video.Media) error {
	result, err := w.result()
	if err != nil || slices.ContainsFunc(result.Matches, isVideo) {
		return err
	}
	between, runs := stills(w.frames)
	open := gaps(w.frames, w.end)
	if !w.told { // what comes after the last key frame, wherever it ends
		last := w.frames[len(w.frames)-1].at
		w.end = max(w.end, last+time.Millisecond)
		open = joinedExactly(append(open, stretch{From: last, To: w.end}))
	}
	if len(w.frames) < 2 && w.end > w.step {
		open = []stretch{{To: w.end}}
	}
	if covered(open) >= w.end*2/5 && len(open) > 0 {
		open = []stretch{{From: open[0].From, To: open[len(open)-1].To}} // a process for each costs more
	}
	if err := w.stretches(ctx, media, open, WhyGap); err != nil {
		return err
	}
	between = without(between, w.done, w.step)
	for i, s := range between {
		if i == mostStretches {
			break
		}
		if err := w.stretches(ctx, media, []stretch{s}, WhyStill); err != nil {
			return err
		}
	}
	open = open[:0]
	for i := range runs {
		if w.changes(runs[i]) {
			open = append(open, runs[i])
		}
	}
	if err := w.stretches(ctx, media, without(open, w.done, w.step), WhyStill); err != nil {
		return err
	}
	return w.spots(ctx, media)
}

// isVideo reports whether a known video stands as a match.
func isVideo(m match.Match) bool { return m.SuppressedBy == "" && len(m.Evidence.Segments) > 0 }

// changes reports whether some frame within a run of alike key frames shows something
// else.
func (w *watch) changes(run stretch) bool {
	var first *looked
	for i := range w.frames {
		f := &w.frames[i]
		if f.at < run.From || f.at > run.To {
			continue
		}
		if first == nil {
			first = f
		}
		if f.judged && apart(f.value, first.value) > anotherScene {
			return true
		}
	}
	return false
}

// closer looks where something agrees with a known video but not enough, and at the
// edges of what matches.
func (w *watch) closer(ctx context.Context, media *video.Media) error {
	result, err := w.result()
	for range 2 { // what is seen around one frame can tell of more
		if err != nil {
			return err
		}
		open := without(within(result.Closer(), w.end), w.done, w.step)
		if len(open) == 0 {
			break
		}
		if err := w.stretches(ctx, media, open, WhyWeak); err != nil {
			return err
		}
		result, err = w.result()
	}
	if err != nil {
		return err
	}
	if open := w.dense(&result); len(open) > 0 {
		if err := w.stretches(ctx, media, open, WhyDense); err != nil {
			return err
		}
		if result, err = w.result(); err != nil {
			return err
		}
	}
	open := without(edges(w.frames, result.Matches, w.step, w.end), w.done, w.step/2)
	return w.stretches(ctx, media, open, WhyEdge)
}

// dense returns where frames nearer to each other could make a match, as far as that is short:
// around what agrees with a known video, or all of a short video that is lively.
func (w *watch) dense(result *match.VideoResult) []stretch {
	if slices.ContainsFunc(result.Matches, isVideo) {
		return nil
	}
	open := joined(within(result.Closer(), w.end)) // as they will be looked at
	if len(open) > 0 && w.whole || len(open) == 0 && w.end <= shortVideo && w.lively() {
		open = []stretch{{To: w.end}}
	}
	if covered(open) > longestDense {
		return nil
	}
	return open
}

// lively reports whether most frames are so far from the one before that those a step apart
// do not stand for what is between them.
func (w *watch) lively() bool {
	pairs, far := 0, 0
	for i := 1; i < len(w.frames); i++ {
		if a, b := &w.frames[i-1], &w.frames[i]; a.judged && b.judged {
			pairs++
			if apart(a.value, b.value) > farApart {
				far++
			}
		}
	}
	return 2*far > pairs
}

// within cuts stretches off at the end.
func within(all []stretch, end time.Duration) []stretch {
	var out []stretch
	for _, s := range all {
		if s.To = min(s.To, end); s.From < s.To {
			out = append(out, s)
		}
	}
	return out
}

// joinedExactly returns the union of stretches.
func joinedExactly(all []stretch) []stretch {
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
		} else {
			out = append(out, s)
		}
	}
	return out
}

func covered(all []stretch) (sum time.Duration) {
	for _, s := range all {
		sum += s.To - s.From
	}
	return sum
}

// apart returns the distance of two PDQ hashes in bits.
func apart(a, b [4]uint64) (d int) {
	for i := range a {
		d += bits.OnesCount64(a[i] ^ b[i])
	}
	return d
}
