package match

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"

	"github.com/rematch-go/rematch/hash"
)

// Quarantined is a signal of a bank that is kept and listed but matches nothing,
// because it would match what it was never meant for, or nothing at all.
type Quarantined struct {
	Bank, Entry string
	Signal      int // its number in the entry, from 0
	Value       hash.Value
	Reason      string // for people
}

// junk returns why no list can have meant v, or an empty string.
//
// Lists of the field do carry such values. A PDQ hash has half of its bits set by
// construction; one with nearly none or nearly all set is a blank picture's or a
// data-entry error, and matches every other blank picture: the all-zero hash did
// so in production (facebook/ThreatExchange#1609). "Nearly" is the kind's own
// threshold: what lies within it of the all-zero or all-one hash. The digest of
// the empty file is what a failed upload leaves in a list.
func junk(v hash.Value) string {
	set := 0
	for _, w := range v.Words() {
		set += bits.OnesCount64(w)
	}
	k := v.Kind()
	clear := k.Bits() - set
	switch {
	case k.IsDigest() && (set == 0 || clear == 0):
		return "all its bits are the same: no file has such a digest"
	case k.IsDigest() && slices.Contains(emptyDigests, v):
		return "it is the digest of an empty file"
	case k.IsDigest():
		return ""
	case min(set, clear) <= k.Threshold():
		return fmt.Sprintf("%d of %d bits are set: it would match any blank picture", set, k.Bits())
	}
	return ""
}

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
