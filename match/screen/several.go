package screen

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// What a verdict flags of the file itself, beside what it shows: stable tokens, in this order.
const (
	FlagName     = "name_disagrees" // its name promises another format
	FlagType     = "type_disagrees" // the type it was declared with does: see video.Input.Declared
	FlagMedia    = "several_media"  // it is more than one medium: see Verdict.Media
	FlagArchive  = "archive"        // it ends with the directory of a ZIP archive
	FlagTrailing = "trailing_bytes" // something that is no medium stands behind the end of one
)

// Medium is one of the media that an upload has beside the first.
type Medium struct {
	video.Part
	Outcome Outcome
	Reason  string // as Verdict.Reason
	Err     error  // likewise
	Info    video.Info
	Frames  int
	Plan    []Pass
	Matches []match.Match // which are also at the end of the verdict's
	Shadow  []match.Match // likewise
	Weak    []match.WeakMatch
}

// outline is what is told of an upload without decoding anything.
type outline struct {
	layout video.Layout
	flags  bool    // layout is told, and there is something that could disagree with it
	front  Verdict // of the digests of what stands before the end of the first medium
	err    error   // what kept it from being told; a verdict
}

// outlineShare is the part of the time for an upload that its outline may take: a file can be made
// so that it takes long, and what it begins with is to be judged all the same.
const outlineShare = 4

func (s *Screener) outline(w work, stored *video.Stored, u *match.Upload, digests []hash.Kind) (*outline, error) {
	ctx, stop := w.ctx, context.CancelFunc(func() {})
	if end, limited := w.ctx.Deadline(); limited {
		ctx, stop = context.WithTimeout(w.ctx, time.Until(end)/outlineShare)
	}
	defer stop()
	var o outline
	layout, err := stored.Parts(ctx)
	if o.err = err; err == nil {
		o.layout, o.flags = layout, stored.Size() > 0
		if len(digests) > 0 && layout.End < stored.Size() { // what is known may have had nothing behind it
			o.err = front(ctx, stored, layout.End, u, digests, &o.front)
		}
	}
	if errors.Is(o.err, context.DeadlineExceeded) && w.caller.Err() == nil {
		o.err = &video.Error{Name: w.name, Err: video.ErrTimeout}
	}
	if o.err != nil {
		if _, err := refuse(Verdict{}, o.err); err != nil {
			return nil, err // of no upload's making
		}
	}
	return &o, nil
}

// media judges what an upload has beside the medium that it begins with, and completes the
// verdict.
func (s *Screener) media(w work, stored *video.Stored, contentType string, u *match.Upload, digests, perceptual []hash.Kind, whole *outline, v Verdict) (Verdict, error) {
	o := s.options.Video
	o.Limits = o.Limits.Defaults()
	layout := &whole.layout
	if whole.flags {
		v.Flags = flags(stored.Name(), contentType, layout)
	}
	v.add(&whole.front)
	undecoded := cmp.Or(v.Err, whole.err)
	for _, p := range layout.Parts {
		m, err := s.medium(w, stored, p, u, digests, perceptual, &o)
		if err != nil {
			if m, err = refuse(m, w.cause(err)); err != nil {
				return Verdict{}, err
			}
		}
		v.Media = append(v.Media, Medium{Part: p, Outcome: m.Outcome, Reason: m.Reason, Err: m.Err, Info: m.Info, Frames: m.Frames, Plan: m.Plan, Matches: m.Matches, Shadow: m.Shadow, Weak: m.Weak})
		v.add(&m)
		// A picture behind another that shows nothing, as the maps that phones put there, leaves nothing open.
		if m.Info.Class != video.Still || m.Reason != ReasonLowQuality && m.Reason != ReasonTooSmall {
			undecoded = cmp.Or(undecoded, m.Err)
		}
	}
	if layout.More {
		undecoded = cmp.Or(undecoded, tooManyParts(stored.Name()))
	}
	if undecoded != nil {
		return refuse(v, undecoded)
	}
	return s.verdict(v)
}

func tooManyParts(name string) error {
	return &video.Error{Name: name, Err: &video.LimitError{Limit: "parts", Max: video.MaxParts}}
}

// add adds what another part of the file matched.
func (v *Verdict) add(m *Verdict) {
	v.Matches, v.Total = append(v.Matches, m.Matches...), v.Total+m.Total
	v.Shadow, v.ShadowTotal = append(v.Shadow, m.Shadow...), v.ShadowTotal+m.ShadowTotal
	v.Hashes = append(v.Hashes, m.Hashes...)
}

// medium judges a part, and takes what it needs from the budgets of bytes and frames.
func (s *Screener) medium(w work, stored *video.Stored, p video.Part, u *match.Upload, digests, perceptual []hash.Kind, o *video.Options) (Verdict, error) {
	part, err := stored.Part(w.ctx, p, o.Limits)
	if err != nil {
		if limit := new(video.LimitError); errors.As(err, &limit) && p.Member != "" && o.Limits.Bytes > 0 {
			o.Limits.Bytes = 1 // it is used up
		}
		return Verdict{}, err
	}
	defer part.Close()
	sums, err := digestLooks(w.ctx, part, digests)
	if err != nil {
		return Verdict{}, err
	}
	v, err := s.judge(w, part, u, sums, perceptual, *o)
	if err == nil && v.Err == nil && p.Member != "" { // what is behind a member's end is not gone into
		var l video.Layout
		if l, err = part.Parts(w.ctx); err == nil && (len(l.Parts) > 0 || l.More) {
			err = tooManyParts(stored.Name())
		}
	}
	spend := func(budget int64, n int64) int64 {
		if budget < 0 {
			return budget // there is none
		}
		return max(budget-n, 1) // 0 would be the default
	}
	if p.Member != "" {
		o.Limits.Bytes = spend(o.Limits.Bytes, part.Size())
	}
	o.Limits.Frames = int(spend(int64(o.Limits.Frames), int64(v.Frames)))
	return v, err
}

// front looks for the digests of what stands before the end of the first medium.
func front(ctx context.Context, stored *video.Stored, end int64, u *match.Upload, digests []hash.Kind, v *Verdict) error {
	part, err := stored.Part(ctx, video.Part{Size: end}, video.Limits{Bytes: -1})
	if err != nil {
		return err
	}
	defer part.Close()
	sums, err := digestLooks(ctx, part, digests)
	if err != nil {
		return err
	}
	return picture(u, sums, v)
}

// flags says what is odd about a file.
func flags(name, contentType string, l *video.Layout) []string {
	var all []string
	for _, f := range []struct {
		is   bool
		flag string
	}{
		{video.NameDisagrees(name, l.Format), FlagName},
		{video.TypeDisagrees(contentType, l.Format), FlagType},
		{len(l.Parts) > 0, FlagMedia},
		{l.Archive, FlagArchive},
		{l.Trailing > 0, FlagTrailing},
	} {
		if f.is {
			all = append(all, f.flag)
		}
	}
	return slices.Clip(all)
}
