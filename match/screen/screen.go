// Package screen is the one call of an upload pipeline: bytes in, an explained
// verdict out.
//
//	s := screen.New(matcher, screen.Options{Video: video.Options{Backend: ffmpeg}})
//	verdict, err := s.Screen(ctx, video.Reader(name, upload))
//
// It ties the rooms together and links none of the heavy ones: decoders of video
// are passed in.
package screen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
	"github.com/rematch-go/rematch/hash/imagehash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// Outcome is the first word of a verdict.
type Outcome uint8

// The outcomes. The zero Outcome is none of them.
const (
	Match     Outcome = iota + 1 // at least one match that no allow-list suppresses
	NoMatch                      // everything was looked at and nothing matched
	NotJudged                    // it could not be looked at, or not at all of it; Verdict.Reason says why
)

// String returns the stable token: match, no_match or not_judged.
func (o Outcome) String() string {
	switch o {
	case Match:
		return "match"
	case NoMatch:
		return "no_match"
	case NotJudged:
		return "not_judged"
	}
	return "invalid"
}

// Reasons for not judging that do not come from decoding; the others are
// video.Reason's.
const (
	ReasonLowQuality = "low_quality" // the picture, or every frame, shows too little to hash
	ReasonTooSmall   = "too_small"   // the picture is under 5 pixels wide or high
	ReasonNoBank     = "no_bank"     // there is nothing to compare with: no enabled bank of known content has a signal
	ReasonLimited    = "limited"     // nothing matched, but its frames are in more entries or places than are followed
)

// Verdict is what is said of an upload.
type Verdict struct {
	Outcome Outcome
	// Reason is the stable token of what kept the upload, or the rest of it, from
	// being judged. It is set with NotJudged, and with Match where the upload was
	// damaged but what could be read of it already matched.
	Reason  string
	Err     error         // the error behind Reason, for people
	Matches []match.Match // best first; suppressed ones too, with SuppressedBy set
	// Total is how many matches there are: of more than match.Options.MaxMatches of a
	// picture, Matches has the nearest.
	Total int
	// Shadow are the matches that are recorded and not reported, and ShadowTotal how many there
	// are: of banks that are rolled out to none or a part of the uploads, of entries that are
	// disputed or in quarantine (match.Match.ShadowedBy, match.Policy). They have no part in Outcome.
	Shadow      []match.Match
	ShadowTotal int
	// Weak lists what agreed with known videos but was too little to be a match, and
	// what was missing: for a person's eyes, never for an automatic decision.
	Weak   []match.WeakMatch
	Info   video.Info // of the upload; zero where it was not recognised
	Frames int        // pictures that were looked at
	// Plan is how a video was looked at, pass by pass.
	Plan []Pass
	// Flags tell what is odd about the file itself, as that its name, the type it was declared with
	// and its content disagree: FlagName and the others. It is judged by its content.
	Flags []string
	// Media are what the upload holds beside the medium that it begins with and that Info, Frames
	// and Plan are of: a film behind a photograph, the pictures of an archive. Each is judged, and
	// what keeps one from it is the Reason of the upload, unless that is low quality.
	Media []Medium
	// Decoder is what decoded the upload: the name of the video backend, or empty where that was
	// done in Go, or not at all.
	Decoder string
	// Digests are the MD5, SHA-1 and SHA-256 of the upload's bytes, where Options.Digests asks for them.
	Digests []hash.Value
	// Hashes are those of the upload's pictures as they are, where Options.Hashes asks for them: by
	// time, up to MaxHashes of a medium.
	Hashes []PictureHash
}

// Options of a Screener and of Enroll. The zero value decodes stills, animated GIFs and
// animated WebPs.
type Options struct {
	Video video.Options
	// Sample is the distance of the frames that are looked at where key frames do not
	// stand for a video; default 500 ms. References hold every distinct frame, so the phase
	// does not matter.
	Sample time.Duration
	// Complete asks for all segments of all matches: every video is looked at in steps of
	// Sample from its beginning to its end. Without it Screen begins with the key frames, looks
	// closer only where they leave something open, and leaves the rest of a long upload alone
	// once it has matched: see Screen.
	Complete bool
	// Crops is how many crops of a known picture Enroll keeps beside the whole, each a
	// PDQ signal, so that cropped copies match: the first of a fixed order, best first.
	// A picture with a border, or margins that look like one, has as many again within it.
	// 0 means DefaultCrops, a negative number none, and more than MaxCrops is MaxCrops.
	// The first 25 find most copies that were cut evenly around the middle, the others
	// those that were cut unevenly. Each takes 69 bytes in a bank file, 240 in a Matcher
	// with its index (a million were measured), and at enrolment a third of the time of
	// hashing a picture of one megapixel. Of videos three crops around the middle and the
	// halves (hash.Half) are kept, eight signals a second together; a negative number leaves
	// those out too.
	Crops int
	// Digests says of which uploads Verdict.Digests is set: by default of those that matched
	// something, in shadow and suppressed too, for a report of them needs it. They are read once
	// more for it. Digests and hashes tell what an upload was: do not keep those of others.
	Digests Whose
	// Hashes asks for Verdict.Hashes, of all uploads.
	Hashes bool
}

func (o Options) sample() time.Duration {
	if o.Sample <= 0 {
		return 500 * time.Millisecond
	}
	return o.Sample
}

// frameSide bounds the longer side, in pixels, of the frames of videos that are hashed:
// larger ones are scaled down in the decoder. With video.Request.Luma hashes at 384 are as
// near to those of copies in other sizes as at native size, and parts of a frame still show
// enough to be found.
const frameSide = 384

// Screener judges uploads. It is safe for concurrent use.
type Screener struct {
	matcher *match.Matcher
	options Options
	lookers *sync.Pool // of *looker
	id      string     // the caller's, of the upload
}

// New returns a Screener that compares with the banks of m. Banks may change
// while it works: each upload sees the banks as they are then.
func New(m *match.Matcher, o Options) *Screener {
	return &Screener{matcher: m, options: o, lookers: &sync.Pool{New: func() any { return new(looker) }}}
}

// For returns the Screener for an upload with the caller's own ID of it, by which it is decided
// whether a bank that is rolled out to a percentage of the uploads matches it (match.RollOut).
// Without an ID that is done by the SHA-256 of its bytes, of a decoded picture by its first
// hash, and of a Stream by that of its first frame. It costs next to nothing.
func (s *Screener) For(id string) *Screener {
	t := *s
	t.id = id
	return &t
}

// upload returns what compares an upload: one for all that is in its file.
func (s *Screener) upload(ctx context.Context, stored *video.Stored) (*match.Upload, error) {
	id := s.id
	if id == "" && s.matcher.HasPercent() {
		sums, err := digestLooks(ctx, stored, []hash.Kind{hash.SHA256})
		if err != nil {
			return nil, err
		}
		id = sums[0].Value.String()
	}
	return s.matcher.Upload(id), nil
}

// Screen reads an upload once, within the budgets of Options.Video.Limits, and
// judges it. The error is for operational failures alone: a cancelled context, an
// input that can't be read, a decoder that does not start. Whatever is wrong with
// the upload itself is a verdict.
//
// A video is looked at in passes, which Verdict.Plan tells. First come its key frames, or
// one frame in Options.Sample of all where its index tells that there are only one or two,
// or that they are more than 3.25 seconds apart in the mean. Then, in steps of Options.Sample:
//
//   - every stretch of more than 3.25 seconds without a frame that can be judged, and a part
//     of every run of key frames that show the same, unless something matches already;
//   - all, where the frames around two or more key frames tell that these are not of the video; that is
//     looked at where the index tells of jumps after two in five key frames, and in
//     videos of five minutes and more;
//   - what lies around frames that agree with a known video but are not enough for a match. If they
//     still are not, it is looked at in steps of a quarter of Options.Sample, up to 20 seconds of it;
//     and so is all of a video of up to three seconds of which most frames are far from the one before;
//   - where a match begins and ends.
//
// A file that is several media, as a photograph with a film behind it, is judged as each of them:
// Verdict.Media. All of them have one budget of frames and of unpacked bytes, beside the first.
// Limits.Work is for all of that together, from when the upload is here: what was seen within it
// is judged, and the media that were not reached are told, unless the time was too short to find
// them. Verdict.Digests are read beside it.
//
// Frames are looked at in halves as well (hash.Half), so that a copy is found of which a
// logo covers a quarter, as far as it is neither mirrored nor turned.
//
// Where an edit list of one piece keeps more than a second of a plain MP4 (Info.KeyFrames is told) from
// being shown, what is stored
// is looked at, and all times are of that: Verdict.Info.ShownFrom is where showing it begins.
//
// Once a known video has matched and nothing more of any was seen for a minute, the rest
// is left alone (unless Options.Complete is set). What a key frame stands for is believed
// where the frames between it and the next, at most 3.25 seconds, are not looked at:
// damage in them goes unseen, and so does a scene that has no key frame of its own.
func (s *Screener) Screen(ctx context.Context, upload video.Input) (Verdict, error) {
	stored, err := video.Store(ctx, upload, s.options.Video.Limits)
	if err != nil {
		return refuse(Verdict{}, err)
	}
	defer stored.Close()
	v, err := s.screen(ctx, stored, upload)
	if err != nil || !s.options.Digests.wants(&v) {
		return v, err
	}
	v.Digests, err = fileDigests(ctx, stored)
	return v, err
}

func (s *Screener) screen(ctx context.Context, stored *video.Stored, upload video.Input) (Verdict, error) {
	digests, perceptual := s.kinds()
	if !s.matcher.HasKnown() || len(digests)+len(perceptual) == 0 {
		return refuse(Verdict{}, errNoBank)
	}
	w, stop := startWork(ctx, stored.Name(), s.options.Video.Limits)
	defer stop()
	u, err := s.upload(w.ctx, stored)
	if err != nil {
		return refuse(Verdict{}, w.cause(err))
	}
	sums, err := digestLooks(w.ctx, stored, digests)
	if err != nil {
		return refuse(Verdict{}, w.cause(err))
	}
	whole, err := s.outline(w, stored, u, digests) // first: what decodes slowly must not hide it
	if err != nil {
		return Verdict{}, err
	}
	v, err := s.judge(w, stored, u, sums, perceptual, s.options.Video)
	if err != nil {
		return Verdict{}, err
	}
	return s.media(w, stored, upload.ContentType(), u, digests, perceptual, whole, v)
}

// work is the budget of work of an upload, in which all that is done with it counts: it can
// be several media, and ask for many passes over each.
type work struct {
	caller context.Context
	ctx    context.Context // ends with the caller's, or when the budget is used up
	name   string
}

func startWork(ctx context.Context, name string, l video.Limits) (work, context.CancelFunc) {
	limited, stop := ctx, context.CancelFunc(func() {})
	if budget := l.Defaults().Work; budget > 0 {
		limited, stop = context.WithTimeout(ctx, budget)
	}
	return work{ctx, limited, name}, stop
}

// cause gives what went wrong because the time was up its cause.
func (w work) cause(err error) error {
	switch caller := w.caller.Err(); {
	case w.ctx.Err() == nil || !errors.Is(err, context.DeadlineExceeded): // a backend can have its own
		return err
	case caller != nil:
		return &video.Error{Name: w.name, Err: caller}
	}
	return &video.Error{Name: w.name, Err: video.ErrTimeout}
}

// judge judges one medium; sums are its digests.
func (s *Screener) judge(w work, stored *video.Stored, u *match.Upload, sums []match.Look, perceptual []hash.Kind, o video.Options) (Verdict, error) {
	var v Verdict
	var seen *watch
	var undecoded error
	if len(perceptual) > 0 {
		seen, undecoded = s.frames(w.ctx, stored, u, perceptual, &v, o)
		undecoded = w.cause(undecoded)
		v.Hashes = seen.kept()
		if _, ok := video.Reason(undecoded); undecoded != nil && !ok {
			return Verdict{}, undecoded
		}
	}
	if err := s.compare(u, seen, sums, &v); err != nil {
		return refuse(v, cmp.Or(undecoded, err)) // what was not seen is weightier than what showed too little
	}
	if undecoded != nil {
		return refuse(v, undecoded)
	}
	return s.verdict(v)
}

// ScreenImage judges a picture that the caller has decoded already, in every way that
// Screen judges a still. It has no digests, so it is not judged where the banks hold
// nothing else. The verdict's Info is zero but for its class and size.
func (s *Screener) ScreenImage(m image.Image) (Verdict, error) {
	_, perceptual := s.kinds()
	if !s.matcher.HasKnown() || len(perceptual) == 0 {
		return refuse(Verdict{}, errNoBank)
	}
	v := Verdict{Frames: 1}
	if m != nil {
		v.Info = video.Info{Class: video.Still, Width: m.Bounds().Dx(), Height: m.Bounds().Dy()}
	}
	looker := s.lookers.Get().(*looker)
	defer s.lookers.Put(looker)
	w := &watch{kinds: perceptual, looker: looker, keep: s.options.Hashes}
	err := w.add(hash.Frame{Image: m})
	v.Hashes = w.kept()
	if err == nil {
		err = s.compare(s.matcher.Upload(s.id), w, nil, &v)
	}
	if err != nil {
		return refuse(v, unhashable("", err))
	}
	return s.verdict(v)
}

// verdict concludes, unless by now there is nothing to compare with any more.
func (s *Screener) verdict(v Verdict) (Verdict, error) {
	if v = conclude(v); v.Outcome == NoMatch && !s.matcher.HasKnown() {
		return refuse(v, errNoBank)
	}
	return v, nil
}

// unhashable makes the error of a picture that is within the budget of pixels and still
// too long for a kind of hash the upload's fault.
func unhashable(name string, err error) error {
	if errors.Is(err, imagehash.ErrSize) {
		return &video.Error{Name: name, Err: video.ErrUnsupported, Detail: err.Error()}
	}
	return err
}

// kinds returns the kinds of hash that the banks hold.
func (s *Screener) kinds() (digests, perceptual []hash.Kind) {
	for _, k := range s.matcher.Kinds() {
		if k.IsDigest() {
			digests = append(digests, k)
		} else {
			perceptual = append(perceptual, k)
		}
	}
	return digests, perceptual
}

// digestLooks reads the upload once for all digests that the banks hold.
func digestLooks(ctx context.Context, stored *video.Stored, kinds []hash.Kind) ([]match.Look, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	values, _, err := digest.Sum(contextReader{ctx, stored.Reader()}, kinds...)
	if err != nil {
		return nil, fmt.Errorf("screen: reading %q: %w", stored.Name(), err)
	}
	looks := make([]match.Look, len(values))
	for i, value := range values {
		looks[i] = match.Look{Value: value, Quality: hash.Unmeasured}
	}
	return looks, nil
}

// frames decodes the upload and hashes its pictures. With an error it returns what
// was seen before it.
func (s *Screener) frames(ctx context.Context, stored *video.Stored, u *match.Upload, kinds []hash.Kind, v *Verdict, o video.Options) (*watch, error) {
	media, err := video.Open(ctx, stored.Input(), o)
	if err != nil {
		return nil, err
	}
	defer media.Close()
	v.Info, v.Decoder = media.Info(), media.Backend()

	looker := s.lookers.Get().(*looker)
	defer s.lookers.Put(looker)
	if v.Info.Class == video.Still {
		return s.still(ctx, stored.Name(), media, u, looker, kinds, v)
	}
	w := &watch{kinds: kinds, looker: looker, scan: u.NewVideo(), step: s.options.sample(), keep: s.options.Hashes}
	err = w.follow(ctx, media, s.options.Complete)
	v.Plan = w.plan
	if err == nil && len(w.frames) == 1 { // a still in the guise of a video
		w, err = s.still(ctx, stored.Name(), media, u, looker, kinds, v)
	}
	v.Frames = len(w.frames)
	if err == nil && v.Frames == 0 {
		err = &video.Error{Name: stored.Name(), Err: video.ErrCorrupt}
	}
	return w, unhashable(stored.Name(), err)
}

// still hashes a picture, or all frames of a video that was over before a second one was due.
func (s *Screener) still(ctx context.Context, name string, media *video.Media, u *match.Upload, looker *looker, kinds []hash.Kind, v *Verdict) (*watch, error) {
	w := &watch{kinds: kinds, looker: looker, keep: s.options.Hashes}
	if v.Info.Class != video.Still { // it can have more frames than were looked at
		w.scan, w.step = u.NewVideo(), s.options.sample()
	}
	// goimagehash shrinks pictures in its own ways, so that its hashes need all pixels.
	onlyPDQ := !slices.ContainsFunc(kinds, func(k hash.Kind) bool { return k != hash.PDQ })
	for frame, err := range media.Frames(ctx, video.Request{Luma: onlyPDQ && v.Info.Class == video.Still}) {
		if err == nil {
			err = w.add(frame)
		}
		if err != nil {
			return w, unhashable(name, err)
		}
	}
	v.Frames = len(w.frames)
	return w, nil
}

// compare matches one picture as a picture and several as a video, and the
// digests with them, and adds what it finds to v. w may be nil.
func (s *Screener) compare(u *match.Upload, w *watch, sums []match.Look, v *Verdict) error {
	switch {
	case w == nil || len(w.frames) == 0:
		if len(sums) > 0 {
			return picture(u, sums, v)
		}
		return nil
	case len(w.frames) == 1:
		if len(w.first.Looks) > 0 {
			return picture(u, append(slices.Clone(w.first.Looks), sums...), v)
		}
		return cmp.Or(s.compare(u, nil, sums, v), errTooSmall)
	}
	result, scanErr := w.scan.Result()
	w.cut(result.Matches)
	v.Weak = result.Weak
	if len(sums) > 0 {
		if err := picture(u, sums, v); err != nil {
			return err
		}
		if err := cmp.Or(allow(u, result.Matches, sums), allow(u, result.Shadow, sums)); err != nil {
			return err
		}
	}
	v.Shadow, v.ShadowTotal = append(v.Shadow, result.Shadow...), v.ShadowTotal+len(result.Shadow)
	v.Matches, v.Total = append(v.Matches, result.Matches...), v.Total+len(result.Matches)
	if scanErr == nil && result.Limited && conclude(*v).Outcome == NoMatch {
		return errLimited
	}
	return scanErr
}

// picture matches the looks at one picture.
func picture(u *match.Upload, looks []match.Look, v *Verdict) error {
	result, err := u.ScanPicture(looks)
	v.Matches, v.Total = result.Matches, result.Total
	v.Shadow, v.ShadowTotal = result.Shadow, result.ShadowTotal
	return err
}

// allow suppresses a video's matches when an allow-list has the file's digest.
func allow(u *match.Upload, matches []match.Match, sums []match.Look) error {
	said := make(map[string]string) // by bank
	for _, look := range sums {
		clear(said)
		for i := range matches {
			bank := matches[i].Entry.Bank
			by, known := said[bank]
			if !known {
				var err error
				if by, err = u.AllowedBy(look.Value, bank); err != nil {
					return err
				}
				said[bank] = by
			}
			matches[i].SuppressedBy = cmp.Or(matches[i].SuppressedBy, by)
		}
	}
	return nil
}

var (
	errTooSmall = errors.New("screen: the picture is under 5 pixels wide or high")
	errNoBank   = errors.New("screen: there is nothing to compare with: no enabled bank of known content has a signal that can match")
	errLimited  = errors.New("screen: frames are in more known entries or places than one query follows, and nothing that was followed matches")
)

// refuse turns what went wrong with an upload into a verdict, and returns
// everything else as the error it is.
func refuse(v Verdict, err error) (Verdict, error) {
	reason, ok := video.Reason(err)
	switch {
	case ok:
	case errors.Is(err, match.ErrLowQuality):
		reason = ReasonLowQuality
	case errors.Is(err, errTooSmall):
		reason = ReasonTooSmall
	case errors.Is(err, errNoBank):
		reason = ReasonNoBank
	case errors.Is(err, errLimited):
		reason = ReasonLimited
	default:
		return Verdict{}, err
	}
	v = conclude(v)
	v.Reason, v.Err = reason, err
	if v.Outcome == NoMatch {
		v.Outcome = NotJudged
	}
	return v, nil
}

// conclude sorts out the outcome from the matches.
func conclude(v Verdict) Verdict {
	v.Outcome = NoMatch
	if slices.ContainsFunc(v.Matches, func(m match.Match) bool { return m.SuppressedBy == "" }) {
		v.Outcome = Match
	}
	return v
}
