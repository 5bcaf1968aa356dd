package hash

import (
	"fmt"
	"strings"
)

// Kind is the algorithm that made a Value. Two values compare only when their
// kinds are equal.
//
// A kind names an exact recipe, not a family: a change that moves bits is a new
// kind, so that lists made before and after it can never be mixed in silence.
type Kind uint8

// The kinds that the library computes. Their numbers are written into bank
// files and never change.
const (
	PDQ      Kind = 1  // 256 bits, package pdq
	PHash    Kind = 2  // 64 bits, goimagehash.PerceptionHash on RGBA pixels, package imagehash
	DHash    Kind = 3  // 64 bits, goimagehash.DifferenceHash on RGBA pixels
	AHash    Kind = 4  // 64 bits, goimagehash.AverageHash on RGBA pixels
	PHash256 Kind = 5  // 256 bits, goimagehash.ExtPerceptionHash(16, 16) on RGBA pixels
	DHash256 Kind = 6  // 256 bits, goimagehash.ExtDifferenceHash(16, 16) on RGBA pixels
	AHash256 Kind = 7  // 256 bits, goimagehash.ExtAverageHash(16, 16) on RGBA pixels
	MD5      Kind = 32 // 128 bits of the file's bytes, package digest
	SHA1     Kind = 33 // 160 bits of the file's bytes
	SHA256   Kind = 34 // 256 bits of the file's bytes
)

var kinds = []struct {
	kind      Kind
	name      string
	bits      int
	threshold int
	digest    bool
}{
	{PDQ, "pdq", 256, 31, false},           // PDQ_CONFIDENT_MATCH_THRESHOLD, pdq/README.md "Matching"
	{PHash, "phash", 64, 8, false},         // 64 bits: 12 % like PDQ's 31 of 256
	{DHash, "dhash", 64, 4, false},         // 0.07, Thorn perception, docs/examples/deduplication.rst
	{AHash, "ahash", 64, 1, false},         // 0.008, the same table, rounded up
	{PHash256, "phash256", 256, 31, false}, // as PDQ
	{DHash256, "dhash256", 256, 18, false}, // 0.07 of 256
	{AHash256, "ahash256", 256, 2, false},  // 0.008 of 256
	{MD5, "md5", 128, 0, true},
	{SHA1, "sha1", 160, 0, true},
	{SHA256, "sha256", 256, 0, true},
}

// Kinds returns every kind, in the order of their numbers.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i, k := range kinds {
		all[i] = k.kind
	}
	return all
}

// ParseKind returns the kind with the given name, in any case.
func ParseKind(name string) (Kind, error) {
	for _, k := range kinds {
		if strings.EqualFold(name, k.name) {
			return k.kind, nil
		}
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return 0, fmt.Errorf("hash: unknown kind %.40q; the kinds are %s", name, strings.Join(names, ", "))
}

// String returns the kind's name as it stands in lists and on command lines,
// for example "pdq".
func (k Kind) String() string {
	for _, d := range kinds {
		if d.kind == k {
			return d.name
		}
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// IsValid reports whether k is one of the kinds of this package.
func (k Kind) IsValid() bool { return k.Bits() > 0 }

// Bits returns the length of a value of the kind: 64 to 256, and 0 for a kind
// that does not exist.
func (k Kind) Bits() int {
	switch k { // a switch, not the table: Bits is on the path of every comparison
	case PDQ, PHash256, DHash256, AHash256, SHA256:
		return 256
	case PHash, DHash, AHash:
		return 64
	case MD5:
		return 128
	case SHA1:
		return 160
	}
	return 0
}

// Threshold returns the distance, in bits and inclusive, up to which two values
// of the kind are taken for the same content unless a bank says otherwise. It is 31
// for PDQ and 0 for digests.
func (k Kind) Threshold() int {
	for _, d := range kinds {
		if d.kind == k {
			return d.threshold
		}
	}
	return 0
}

// IsDigest reports whether values of the kind are digests of a file's bytes,
// which match only when they are equal.
func (k Kind) IsDigest() bool { return k == MD5 || k == SHA1 || k == SHA256 }
