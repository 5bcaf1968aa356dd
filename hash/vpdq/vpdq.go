// Package vpdq reads, writes and compares vPDQ, the PDQ hashes of a video's frames that
// other platforms share: the text files of the reference's C++ tools and the JSON of
// python-threatexchange.
//
// For our own matching vPDQ's rule is too coarse: with one frame a second on both sides it finds
// a fifth of the frames of a copy that was cut elsewhere. Package match aligns frames instead;
// exchange.VPDQEntry makes an entry for it of what others have hashed.
package vpdq

import (
	"math/bits"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// The reference's defaults for Compare (vpdq/README.md, python-threatexchange's vpdq_util.py).
// DefaultPercent of the known video have to match for the README, and of the query for
// python-threatexchange; of the respective other one neither asks for any.
const (
	DefaultDistance = 31 // bits, inclusive
	DefaultQuality  = hash.DefaultGate
	DefaultPercent  = 80.0
)

const (
	maxTime  = 1 << 20 * time.Second // twelve days, far beyond any media
	maxFrame = 1<<31 - 1             // the reference's int
)

// Feature is one frame of a video.
type Feature struct {
	Frame   int           // its number, from 0
	Quality hash.Quality  // 0 to 100
	Value   hash.Value    // of kind hash.PDQ
	Time    time.Duration // from the start of the media
}

// Compare returns the two numbers of vPDQ's rule, in percent: how much of the query is in the
// known video, and how much of the known video is in the query. Frames of less than the given
// quality are left out, then equal hashes count once, and a frame is in the other video if one of
// its frames is within distance bits, inclusive. Both are 0 if nothing is left of either video.
//
// That is the rule of vpdq/README.md and of python-threatexchange's index. Others differ at the
// edges: the C++ tool (matchTwoHashBrute) asks for less than distance bits and counts equal hashes as
// often as they occur; python-threatexchange's compare_hash removes equal hashes before it looks
// at qualities, so that a frame whose hash occurred before with a low quality is lost, and divides by
// zero where nothing is left.
//
// It takes time in proportion to the product of the numbers of frames: a few milliseconds for a
// thousand against a thousand.
func Compare(query, known []Feature, distance int, quality hash.Quality) (queryPercent, knownPercent float64) {
	q, k := distinct(query, quality), distinct(known, quality)
	return share(q, k, distance), share(k, q, distance)
}

// distinct returns the hashes of at least the given quality, each once.
func distinct(features []Feature, quality hash.Quality) [][4]uint64 {
	var values [][4]uint64
	seen := make(map[hash.Value]bool, len(features))
	for _, f := range features {
		if f.Value.Kind() == hash.PDQ && f.Quality.Passes(quality) && !seen[f.Value] {
			seen[f.Value] = true
			values = append(values, f.Value.Words())
		}
	}
	return values
}

// share returns how many percent of a are in b.
func share(a, b [][4]uint64, distance int) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	found := 0
	for _, v := range a {
		for i := range b {
			w := &b[i]
			d := bits.OnesCount64(v[0]^w[0]) + bits.OnesCount64(v[1]^w[1])
			if d > distance {
				continue // mostly
			}
			if d+bits.OnesCount64(v[2]^w[2])+bits.OnesCount64(v[3]^w[3]) <= distance {
				found++
				break
			}
		}
	}
	return 100 * float64(found) / float64(len(a))
}
