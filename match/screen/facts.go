package screen

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// Whose says of which uploads something is told.
type Whose uint8

// Of whose.
const (
	OfMatched Whose = iota // those that match something, also in shadow or suppressed
	OfAll
	OfNone
)

func (w Whose) wants(v *Verdict) bool {
	return w == OfAll || w == OfMatched && len(v.Matches)+len(v.Shadow) > 0
}

// PictureHash is a hash of a picture of an upload as it is.
type PictureHash struct {
	Time    time.Duration // of the frame; 0 for a still
	Value   hash.Value
	Quality hash.Quality
}

// MaxHashes bounds Verdict.Hashes of one medium.
const MaxHashes = 1000

// note keeps the hashes of a picture as it is, one of each kind.
func (w *watch) note(at time.Duration, looks []match.Look) {
	if !w.keep {
		return
	}
	for i := range looks {
		if l := &looks[i]; len(l.Transform) == 0 && len(w.hashes) < MaxHashes {
			w.hashes = append(w.hashes, PictureHash{Time: at, Value: l.Value, Quality: l.Quality})
		}
	}
}

// kept returns the hashes that were kept, by time.
func (w *watch) kept() []PictureHash {
	if w == nil || len(w.hashes) == 0 {
		return nil
	}
	all := slices.Clone(w.hashes)
	slices.SortStableFunc(all, func(a, b PictureHash) int { return cmp.Compare(a.Time, b.Time) })
	return all
}

// fileDigests returns the digests that others know a file by.
func fileDigests(ctx context.Context, stored *video.Stored) ([]hash.Value, error) {
	looks, err := digestLooks(ctx, stored, []hash.Kind{hash.MD5, hash.SHA1, hash.SHA256})
	values := make([]hash.Value, len(looks))
	for i := range looks {
		values[i] = looks[i].Value
	}
	return values, err
}
