package match

import (
	"fmt"
	"math"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// NoGate as Options.Gate judges every hash, however little its picture shows.
const NoGate hash.Quality = 254

// The defaults of Options.
const (
	// DefaultMinFrames: one frame that two videos share is a title card as often as
	// a copy; a second, different one at the same offset never happened by chance in
	// the shared clips, whose unrelated frames stay 100 bits apart.
	DefaultMinFrames = 2
	// DefaultMinDuration is two frames at the usual sampling of one every 0.5 s.
	DefaultMinDuration = time.Second
	// DefaultMaxMatches is more than a person looks through; the count is told anyway.
	DefaultMaxMatches = 1000
)

// Options are the rules of a Matcher. The zero value means the defaults.
type Options struct {
	// Gate is the lowest quality that is judged, inclusive; 0 means
	// hash.DefaultGate (50) and NoGate none. Known signals below it are not matched
	// either. Hashes of unmeasured quality pass.
	Gate hash.Quality
	// MaxRadius is the largest threshold, in bits, that a bank may have for a kind. A
	// kind that is missing has DefaultMaxRadius.
	MaxRadius map[hash.Kind]int
	// MinFrames is how many distinct frames must agree, on one line, for a video to match;
	// 0 means DefaultMinFrames. Frames are distinct when they differ by more than a 32nd of
	// their bits (8 of PDQ's 256), and so do the known ones. A frame beyond the threshold
	// counts for half of one, and at another speed than the known video's it takes one more
	// (see ScanVideo). An upload or known video that has fewer distinct frames needs no more
	// than it has, but never matches by a single sampled frame.
	MinFrames int
	// MinDuration is how much of the upload's time the agreeing frames must stand for
	// together, each until the next frame, or until the next that agrees where that comes
	// within half a second; 0 means DefaultMinDuration, negative none. An upload or known
	// video that is shorter needs no more than its length.
	MinDuration time.Duration
	// QueryPercent and KnownPercent are the two thresholds of vPDQ, from 0 to 100,
	// inclusive: the share of the upload's judged frames that must match, and the
	// share of the known video that must be covered. Both are 0 by default, that is,
	// not required, so that a short known clip in a long upload and a trim of a long
	// known video both match. python-threatexchange requires 80 of the query, vPDQ's
	// README 80 of the known video.
	QueryPercent, KnownPercent float64
	// MaxMatches is how many matches of a picture are described, the nearest ones:
	// sets of a hundred thousand near copies of one picture exist. PictureResult.Total is
	// the true count. 0 means DefaultMaxMatches, negative all.
	MaxMatches int
	// Now is the clock by which entries are disabled until a date, and expire; nil means
	// time.Now. It is asked once a query at most, and only if an entry that is hit has dates, or with Surge,
	// or where entries are replaced meanwhile.
	Now func() time.Time
	// RollOutKey is the key of the hash by which uploads are chosen for banks that are rolled
	// out to a percentage and have none of their own. See RollOut.
	RollOutKey string
	// Surge sets entries aside that suddenly match far more uploads than they used to. It is
	// off without a Heard.
	Surge SurgeRule
	// Clean are perceptual hashes of uploads of the caller's own that are known to be harmless, a
	// thousand or more of any kinds: frames of videos as well. A known hash within whose kind's
	// threshold more than CleanPercent of those of its kind lie, and at least four, is set aside
	// with CauseCommon when it is added or loaded: it is a mistake or malice. An added signal
	// costs a search among them, a snapshot that is loaded one for each of them.
	Clean []hash.Value
	// CleanPercent is more than 0 and at most 100; 0 means DefaultCleanPercent.
	CleanPercent float64
	// Release are known hashes that match although they would be set aside, unless it is for
	// their quality: somebody has looked at them. See Matcher.Quarantined.
	Release []hash.Value
}

// rules are checked options with the defaults filled in.
type rules struct {
	gate                       hash.Quality
	maxRadius                  byKind
	minFrames                  int
	minDuration                time.Duration
	queryPercent, knownPercent float64
	maxMatches                 int
	clock                      func() time.Time
	rollOutKey                 string
	surge                      SurgeRule
	suspects
}

func (o Options) rules() (rules, error) {
	r := rules{
		gate: o.Gate, minFrames: o.MinFrames, minDuration: max(o.MinDuration, 0),
		queryPercent: o.QueryPercent, knownPercent: o.KnownPercent, maxMatches: o.MaxMatches,
		clock: o.Now, rollOutKey: o.RollOutKey,
	}
	var err error
	if r.surge, err = o.Surge.resolved(); err != nil {
		return rules{}, err
	}
	switch {
	case o.MaxMatches == 0:
		r.maxMatches = DefaultMaxMatches
	case o.MaxMatches < 0:
		r.maxMatches = math.MaxInt
	}
	switch {
	case o.Gate == 0:
		r.gate = hash.DefaultGate
	case o.Gate == NoGate:
		r.gate = 0
	case o.Gate > 100:
		return rules{}, fmt.Errorf("%w: Options.Gate is %d; want 1 to 100, 0 for the default or NoGate", ErrInvalid, uint8(o.Gate))
	}
	if o.MinFrames == 0 {
		r.minFrames = DefaultMinFrames
	} else if o.MinFrames < 0 {
		return rules{}, fmt.Errorf("%w: Options.MinFrames is %d; want 1 or more, or 0 for the default", ErrInvalid, o.MinFrames)
	}
	if o.MinDuration == 0 {
		r.minDuration = DefaultMinDuration
	}
	for _, p := range []struct {
		name    string
		percent float64
	}{{"QueryPercent", o.QueryPercent}, {"KnownPercent", o.KnownPercent}} {
		if !(p.percent >= 0 && p.percent <= 100) { // so written that NaN is refused
			return rules{}, fmt.Errorf("%w: Options.%s is %v; want 0 to 100", ErrInvalid, p.name, p.percent)
		}
	}
	for _, k := range hash.Kinds() {
		r.maxRadius[k] = DefaultMaxRadius(k)
		given, ok := o.MaxRadius[k]
		if !ok {
			continue
		}
		if given < 0 || given > k.Bits() || k.IsDigest() && given != 0 {
			return rules{}, fmt.Errorf("%w: Options.MaxRadius of %s is %d; want 0 to %d bits, and 0 for digests", ErrInvalid, k, given, k.Bits())
		}
		r.maxRadius[k] = given
	}
	for k := range 256 { // by number, so that of several errors it is always the same one
		k := hash.Kind(k)
		if _, given := o.MaxRadius[k]; given && !k.IsValid() {
			return rules{}, fmt.Errorf("%w: Options.MaxRadius of %s: there is no such kind", ErrInvalid, k)
		}
	}
	r.suspects, err = o.suspects()
	return r, err
}
