package match

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/generic"
)

// Cause is why a signal is set aside: a stable token.
type Cause string

// The causes.
const (
	CauseLowQuality Cause = "low_quality"   // its quality is below Options.Gate
	CauseBlank      Cause = "blank"         // nearly all bits of a perceptual hash, or all of a digest, are the same
	CauseEmptyFile  Cause = "empty_file"    // the digest of the empty file
	CauseNotAHash   Cause = "not_a_hash"    // more bits are set than the kind ever sets
	CausePlain      Cause = "plain_picture" // of a gradient, an edge, a frame, a test pattern
	CauseCommon     Cause = "common"        // matches too many of Options.Clean
	CauseIndex      Cause = "index"         // the index has refused it: a fault of this package
)

// Quarantined is a signal of a bank that is kept and listed but matches nothing,
// because it would match what it was never meant for, or nothing at all.
type Quarantined struct {
	Bank, Entry string
	Signal      int // its number in the entry, from 0
	Value       hash.Value
	Cause       Cause
	Reason      string // for people
}

// junk returns why no list can have meant v, or empty strings. It looks at nothing but the
// bits, and says the same on every machine: bank files carry what it says.
//
// Lists of the field do carry such values. A PDQ hash has half of its bits set by
// construction; one with nearly none or nearly all set is a blank picture's or a
// data-entry error, and matches every other blank picture: the all-zero hash did
// so in production (facebook/ThreatExchange#1609). "Nearly" is the kind's own
// threshold: what lies within it of the all-zero or all-one hash. PDQ and pHash set the bits
// that are above the median, so never more than half of them; what has more than that and the
// threshold is beyond the threshold from all hashes that there can be. The digest of
// the empty file is what a failed upload leaves in a list.
func junk(v hash.Value) (Cause, string) {
	set := 0
	words := v.Words()
	for _, w := range words {
		set += bits.OnesCount64(w)
	}
	k := v.Kind()
	clear := k.Bits() - set
	switch {
	case k.IsDigest() && (set == 0 || clear == 0):
		return CauseBlank, "all its bits are the same: no file has such a digest"
	case k.IsDigest() && slices.Contains(emptyDigests, v):
		return CauseEmptyFile, "it is the digest of an empty file"
	case k.IsDigest():
		return "", ""
	case min(set, clear) <= k.Threshold():
		return CauseBlank, fmt.Sprintf("%d of %d bits are set: it would match any blank picture", set, k.Bits())
	case byMedian(k) && set > k.Bits()/2+k.Threshold():
		return CauseNotAHash, fmt.Sprintf("%d of %d bits are set, and no picture sets more than half: it is no hash of this kind", set, k.Bits())
	case k == hash.PDQ:
		if name := generic.Plain(words); name != "" {
			return CausePlain, plainReason(name)
		}
	}
	return "", ""
}

func plainReason(name string) string {
	return fmt.Sprintf("it is the hash of %s and would match others that show no more", name)
}

// isJunk reports whether no list can have meant v.
func isJunk(v hash.Value) bool {
	cause, _ := junk(v)
	return cause != ""
}

// byMedian reports whether the bits of a kind are those of values above their median.
func byMedian(k hash.Kind) bool { return k == hash.PDQ || k == hash.PHash || k == hash.PHash256 }

// emptyDigests are the digests of an empty file.
var emptyDigests = func() (all []hash.Value) {
	m, s1, s2 := md5.Sum(nil), sha1.Sum(nil), sha256.Sum256(nil)
	for _, d := range []struct {
		kind hash.Kind
		sum  []byte
	}{{hash.MD5, m[:]}, {hash.SHA1, s1[:]}, {hash.SHA256, s2[:]}} {
		v, err := hash.FromBytes(d.kind, d.sum)
		if err != nil {
			panic(err) // the length is the kind's own
		}
		all = append(all, v)
	}
	return all
}()
