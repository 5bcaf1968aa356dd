package screen

import (
	"context"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// pruneRadius is how near, in bits of a PDQ hash, a frame of a known video must be
// to the last one kept to be left out: 8 of the threshold's 31, so that whatever
// matches a pruned frame within 23 bits still matches the kept one. Two thirds to
// four fifths of hand-held footage stay.
const pruneRadius = 8

// Enroll hashes a known picture or video into an entry for a bank: every kind of
// signal asked for (nil means PDQ). A picture is hashed as it is and without its
// border, and in crops by PDQ alone (Options.Crops). A video gives every visually
// distinct frame with the interval it stands for, at most 12 a second in the mean, and by
// PDQ alone eight of their halves (hash.Half) and crops. The entry's ID is the input's name.
//
// Known content must never be left out in silence: what can't be hashed in every
// kind asked for is an error, an upload-grade one (video.Error) or
// match.ErrLowQuality. A video damaged part-way is refused as well.
func Enroll(ctx context.Context, in video.Input, kinds []hash.Kind, o Options) (match.Entry, error) {
	stored, err := video.Store(ctx, in, o.Video.Limits)
	if err != nil {
		return match.Entry{}, err
	}
	defer stored.Close()

	var digests, perceptual []hash.Kind
	for _, k := range kinds {
		switch {
		case !k.IsValid():
			return match.Entry{}, fmt.Errorf("screen: enrolling %q: %v is not a kind of hash", in.Name(), k)
		case k.IsDigest():
			digests = append(digests, k)
		default:
			perceptual = append(perceptual, k)
		}
	}
	if len(kinds) == 0 {
		perceptual = []hash.Kind{hash.PDQ}
	}
	entry := match.Entry{ID: in.Name()}
	if len(digests) > 0 {
		values, _, err := digest.Sum(contextReader{ctx, stored.Reader()}, digests...)
		if err != nil {
			return match.Entry{}, fmt.Errorf("screen: enrolling %q: %w", in.Name(), err)
		}
		for _, value := range values {
			entry.Signals = append(entry.Signals, match.Signal{Value: value, Quality: hash.Unmeasured})
		}
	}
	if len(perceptual) == 0 {
		return entry, nil
	}
	media, err := video.Open(ctx, stored.Input(), o.Video)
	if err != nil {
		return match.Entry{}, err
	}
	defer media.Close()
	r := recorder{kinds: perceptual}
	request := video.Request{}
	if media.Info().Class == video.Still {
		r.crops = o.crops()
	} else {
		r.video, r.cropped, r.budget, r.parts = true, o.Crops >= 0, newBudget(), newParts()
		request = video.Request{Luma: true, MaxSide: frameSide}
	}
	for frame, err := range media.Frames(ctx, request) {
		if err == nil {
			err = r.add(frame)
		}
		if err != nil {
			return match.Entry{}, fmt.Errorf("screen: enrolling %q: %w", in.Name(), err)
		}
	}
	if err := r.finish(&entry, media.Info()); err != nil {
		return match.Entry{}, fmt.Errorf("screen: enrolling %q: %w", in.Name(), err)
	}
	return entry, nil
}

// EnrollImage hashes a known picture that the caller has decoded already, as Enroll
// does a still. Digests are of files: a kind that is one is an error. Of the options
// only Crops counts.
func EnrollImage(id string, m image.Image, kinds []hash.Kind, o Options) (match.Entry, error) {
	if len(kinds) == 0 {
		kinds = []hash.Kind{hash.PDQ}
	}
	for _, k := range kinds {
		if !k.IsValid() || k.IsDigest() {
			return match.Entry{}, fmt.Errorf("screen: enrolling %q: %v is not a kind of hash that a picture has", id, k)
		}
	}
	entry := match.Entry{ID: id}
	r := recorder{kinds: kinds, crops: o.crops()}
	err := r.add(hash.Frame{Image: m, Key: true})
	if err == nil {
		err = r.finish(&entry, video.Info{})
	}
	if err != nil {
		return match.Entry{}, fmt.Errorf("screen: enrolling %q: %w", id, err)
	}
	return entry, nil
}

// recorder turns the frames of a known item into signals.
type recorder struct {
	kinds   []hash.Kind
	crops   []crop
	hasher  pdq.Hasher
	kept    []shot
	frames  int
	last    time.Duration
	step    time.Duration // between the last two frames
	quality hash.Quality  // the best seen, for the error

	video   bool // frames are kept within the budget
	cropped bool // and parts of them
	budget  budget
	whole   shot // the last one with a border that was kept as a whole
	parts   parts
}

// shot is a kept frame and the signals it gave.
type shot struct {
	from    time.Duration
	value   hash.Value // PDQ of the whole picture
	judged  bool       // its quality passes the gate
	inner   hash.Value // PDQ within the border; invalid without one
	signals []match.Signal
	renewed bool // the signals of the whole picture are its own; else an earlier shot's go on
}

func (r *recorder) add(frame hash.Frame) error {
	if r.frames > 0 {
		r.step = frame.Time - r.last
	}
	r.frames++
	r.last = frame.Time
	value, quality := r.hasher.Sum(frame.Image)
	r.quality = max(r.quality, quality)
	s := shot{from: frame.Time, value: value, judged: quality.Passes(hash.DefaultGate)}
	looks := pictures(frame.Image)
	if len(looks) > 1 {
		var q hash.Quality
		if s.inner, q = r.hasher.Sum(looks[1].picture); !q.Passes(hash.DefaultGate) {
			s.inner = hash.Value{}
		}
	}
	if n := len(r.kept); n > 0 && s.near(&r.kept[n-1]) {
		return nil
	}
	if r.video {
		r.budget.pass(frame.Time)
		if r.cropped && slices.Contains(r.kinds, hash.PDQ) {
			r.parts.add(&r.hasher, looks[len(looks)-1], frame.Time, s.judged || s.inner.IsValid(), &r.budget)
		}
	}
	if s.renewed = r.renews(&s); !s.renewed {
		if kept := &r.kept[len(r.kept)-1]; s.innerNear(kept) {
			return nil
		}
		s.value, s.judged = r.whole.value, r.whole.judged // which goes on standing for it
	}
	if r.video && len(r.kept) > 0 && (s.judged || s.inner.IsValid()) && !r.budget.takeFrame() && !r.due() {
		return nil // what came before stands for it
	}
	for i, p := range looks {
		if i == 0 && !s.renewed {
			continue
		}
		for _, k := range r.kinds {
			value, quality := value, quality
			if i > 0 || k != hash.PDQ {
				var err error
				if value, quality, err = sum(&r.hasher, p.picture, k); err != nil {
					return err
				}
			}
			r.quality = max(r.quality, quality)
			if value.IsValid() && quality.Passes(hash.DefaultGate) {
				s.signals = append(s.signals, match.Signal{Value: value, Quality: quality, Transform: p.transform})
			}
		}
	}
	// A picture that shows too little is no known picture by one of its crops.
	if len(r.crops) > 0 && slices.ContainsFunc(s.signals, func(s match.Signal) bool { return s.Value.Kind() == hash.PDQ }) {
		s.signals = append(s.signals, cropSignals(&r.hasher, looks, r.crops, s.signals)...)
	}
	r.kept = append(r.kept, s) // also without signals: it ends the interval of the one before
	return nil
}

// renews reports whether the whole picture of a frame is kept, and not only what lies
// within its border: bars dampen what moves between them, so that the last one often still
// stands for it.
func (r *recorder) renews(s *shot) bool {
	if !r.video || !s.inner.IsValid() {
		return true
	}
	if last := &r.whole; len(r.kept) > 0 && r.kept[len(r.kept)-1].inner.IsValid() && last.value.IsValid() {
		d, ok := s.value.Distance(last.value)
		due := r.budget.frames > burst/2 || s.from-last.from >= wholeEvery
		if ok && d <= pruneRadius && s.judged == last.judged || !due || !r.budget.takeFrame() {
			return false
		}
	}
	r.whole = *s
	return true
}

// near reports whether the frame looks like the one kept before in every way that
// the signals are made from. The whole picture alone does not tell: a bar dampens what
// moves within it, and a scene that fades in has its hash before it can be judged.
func (s *shot) near(kept *shot) bool {
	d, ok := s.value.Distance(kept.value)
	if !ok || d > pruneRadius || s.judged && !kept.judged {
		return false
	}
	return !s.inner.IsValid() || s.innerNear(kept)
}

func (s *shot) innerNear(kept *shot) bool {
	d, ok := s.inner.Distance(kept.inner)
	return ok && d <= pruneRadius
}

// due reports whether a frame is kept over the budget, because what was kept last can't be
// judged and would stand for it.
func (r *recorder) due() bool { return len(r.kept[len(r.kept)-1].signals) == 0 }

func (r *recorder) finish(entry *match.Entry, info video.Info) error {
	if r.frames > 1 {
		entry.Duration = max(info.Duration, r.last+max(r.step, time.Millisecond))
	}
	for i, s := range r.kept {
		to, wholeTo := entry.Duration, entry.Duration
		if i+1 < len(r.kept) {
			to = r.kept[i+1].from
		}
		if next := slices.IndexFunc(r.kept[i+1:], func(s shot) bool { return s.renewed }); next >= 0 {
			wholeTo = r.kept[i+1+next].from
		}
		for _, signal := range s.signals {
			if r.frames > 1 {
				signal.From, signal.To = s.from, to
				if len(signal.Transform) == 0 {
					signal.To = wholeTo
				}
			}
			entry.Signals = append(entry.Signals, signal)
		}
	}
	entry.Signals = append(entry.Signals, r.parts.end(entry.Duration)...)
	for _, k := range r.kinds {
		if !slices.ContainsFunc(entry.Signals, func(s match.Signal) bool { return s.Value.Kind() == k }) {
			return &match.LowQualityError{Quality: r.quality, Gate: hash.DefaultGate}
		}
	}
	return nil
}
