// Package match compares signals with banks of known content and explains every
// match. It sees hashes and times, never pixels and never files' media.
//
// A picture is checked in one line:
//
//	matches, err := m.Match(pdq.Sum(img))
package match

import (
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// Signal is one hash of a known item.
type Signal struct {
	Value   hash.Value
	Quality hash.Quality // hash.Unmeasured when a list does not tell it
	// Transform names what was undone before hashing the known picture: nil for the
	// picture as it is, ["border"] for what lies within a uniform border.
	Transform []string
	// From and To are the interval of a known video that the signal stands for, from
	// the start of the media, To exclusive. Both are zero for pictures and digests.
	From, To time.Duration
}

// Entry is one known item in a bank.
type Entry struct {
	ID       string // unique in its bank
	Bank     string // filled in on entries that matches return
	Labels   []string
	Signals  []Signal
	Duration time.Duration // of a known video; 0 for anything else
	Disabled bool          // kept, but matched by nothing
	// Curation is what is said of the entry; nil: nothing. It is never changed, only replaced:
	// see Matcher.EditEntry.
	Curation *Curation
}

// IsVideo reports whether the entry's perceptual signals are frames with times.
func (e Entry) IsVideo() bool { return e.Duration > 0 }

// Bank is a named list of known content.
type Bank struct {
	Name       string
	Labels     []string          // given to every match beside the entry's own
	Thresholds map[hash.Kind]int // bits, inclusive; a kind that is missing has its default, Kind.Threshold
	Disabled   bool              // nothing in it matches
	Allow      bool              // an allow-list: its entries suppress the matches of other banks
	// Suppresses names the banks whose matches an allow-list suppresses; empty: of all.
	Suppresses []string
	Action     string // what the program is to do about a match, in its own words, such as block or review
	Policy     Policy
	RollOut    RollOut
	Entries    []Entry
}

// Segment is a stretch of an upload that is a stretch of a known video. Times are
// from the start of each media; To is exclusive.
type Segment struct {
	QueryFrom, QueryTo time.Duration
	KnownFrom, KnownTo time.Duration
	// Speed is the known video's time that passes in a time of the upload: 1 where both
	// run alike, 1.25 where the upload is played a quarter faster. Exactly 1 unless the
	// frames say otherwise.
	Speed  float64
	Frames int // distinct frames of the upload that agree
	// Confirmed is how many of Frames are beyond the threshold: alone they say nothing, but
	// they lie near the known frames where the others put them (64 of PDQ's 256 bits at
	// the most, and nearer than to what the known video shows elsewhere).
	Confirmed    int
	MeanDistance float64 // bits, over Frames
}

// Evidence says why something matched.
type Evidence struct {
	Kind      hash.Kind
	Distance  int          // bits between Query and Known, the best pair
	Threshold int          // bits, inclusive: the bank's, or the look's own limit where that is smaller. Distance is over it only where Segments rest on confirmed frames alone
	Quality   hash.Quality // of Query
	// Transform lists, outermost first, what was done to the upload's picture before
	// it was compared: border, inner or panel:2/4 (region.Part), or top, left, ... of a
	// video's frame (hash.Half), then flipx, rot90, ... (hash.Orientation). KnownTransform is the Transform of the known signal. Empty:
	// the picture as it is.
	Transform, KnownTransform []string
	Query, Known              hash.Value
	// For videos: the times of the best pair, the aligned stretches, longest first,
	// and two percentages in the sense of vPDQ. QueryPercent is the share of the
	// upload's judged frames that match; KnownPercent is the share of the known
	// item's time that the segments cover.
	QueryTime, KnownTime       time.Duration
	Segments                   []Segment
	QueryPercent, KnownPercent float64
}

// Match is an upload's signal that lies within the threshold of an entry.
type Match struct {
	Entry        Entry // without its signals
	Evidence     Evidence
	SuppressedBy string // "bank/entry" of the allow-list entry that suppresses the match; empty if it stands
	Action       string // of the entry's bank
	// ShadowedBy is why the match is recorded and not reported: rollout, quarantine, or what is
	// said of the entry where the bank's Policy shadows that: disputed, seed, none, ... It is
	// empty in lists of reported matches.
	ShadowedBy string
}

// Look is one way an upload's picture was looked at: what was done to it, and the
// hash that gave.
type Look struct {
	Transform []string // outermost first; nil: as it is
	Value     hash.Value
	Quality   hash.Quality
	// Limit is the largest distance, in bits and inclusive, at which this look
	// counts: for looks that are right less often than the picture as it is, such as
	// parts of it. 0: whatever the bank's threshold is; a larger one than that changes
	// nothing. Negative limits are ErrInvalid.
	Limit int
	// Area is the part of the picture that was looked at, in coordinates that all looks at
	// it share. Empty: the whole picture, or all that lies within its border. What an
	// allow-list has of a part suppresses only what lies, to three quarters, within that
	// part: not its neighbours in a collage, nor the whole.
	Area image.Rectangle
}

// covers reports whether what is said of one area of a picture holds for another.
func covers(area, other image.Rectangle) bool {
	if area.Empty() || other.Empty() {
		return area.Empty()
	}
	both := area.Intersect(other)
	return 4*int64(both.Dx())*int64(both.Dy()) >= 3*int64(other.Dx())*int64(other.Dy())
}

// threshold returns the largest distance at which the look is a match in a bank.
func (l *Look) threshold(b *bank) int {
	bits := b.threshold(l.Value.Kind())
	if l.Limit > 0 {
		bits = min(bits, l.Limit)
	}
	return bits
}

// thresholdOf returns the threshold at which a hit in a bank was one. That may have been
// lowered since.
func (l *Look) thresholdOf(b *bank, distance int) int { return max(l.threshold(b), distance) }

// QueryFrame is one sampled frame of an upload with all its looks.
type QueryFrame struct {
	Number int
	Time   time.Duration
	For    time.Duration // how long until the next sampled frame, or the end; 0, or more than that: until the next one given
	Looks  []Look
}

// ErrLowQuality is the error of a hash that was not judged: its picture shows too
// little. Use errors.As with *LowQualityError for the figures.
var ErrLowQuality = errors.New("match: not judged: the picture shows too little to hash")

// LowQualityError carries the figures of ErrLowQuality.
type LowQualityError struct{ Quality, Gate hash.Quality }

func (e *LowQualityError) Error() string {
	return fmt.Sprintf("%v (quality %s, at least %s is needed)", ErrLowQuality, e.Quality, e.Gate)
}

// Is makes errors.Is(err, ErrLowQuality) true.
func (e *LowQualityError) Is(target error) bool { return target == ErrLowQuality }
