package match

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"slices"

	"github.com/rematch-go/rematch/hash"
)

// The bank file, byte by byte. All numbers are little-endian and unsigned; a
// string is its length (uint16) and its bytes; a list is its length (uint16) and
// its strings; a time is nanoseconds (uint64, at most 2^63-1).
//
//	file    = "rmbank\r\n"  version uint16 = 1  zero uint16  crc uint32   section...
//	section = tag [4]byte   number uint32       length uint32   payload [length]byte   crc uint32
//
// Both crc are CRC-32C (Castagnoli) of what stands before them, in the header or in
// the section. Sections are numbered from 0. Their order is KIND, then for each
// bank BANK and its HASH and ENTR sections, then DONE, and nothing follows.
//
//	KIND  count uint8, then for every kind of the library in the order of their
//	      numbers that existed when the file was written: number uint8, bits uint16,
//	      name string, recipe string. A reader refuses kinds that it does not have
//	      or makes in another way.
//	BANK  name string, flags uint8 (1 disabled, 2 allow-list), labels list,
//	      thresholds: count uint8 and for each kind, rising: number uint8, bits
//	      uint16; entries uint64.
//	HASH  entries that are nothing but a hash: kind uint8, count uint32, then each
//	      value's bytes. The entry's ID is the value's text ("pdq:f8f8..."), the
//	      quality unmeasured, everything else empty.
//	ENTR  all other entries: count uint32, then for each: id string, flags uint8
//	      (1 disabled), labels list, duration time, signals uint32, and for each
//	      signal: kind uint8, quality uint8, transform list, from time, to time,
//	      value's bytes.
//	DONE  banks uint64, entries uint64 of the whole file, and the SHA-256 of all
//	      bytes before this section.
//
// The same banks always give the same bytes: HASH and ENTR sections follow the
// order of the entries and are as long as sectionSize allows; only an ENTR section
// of one entry may be longer, up to maxSection. A reader refuses any other way to
// write them.
const (
	fileMagic   = "rmbank\r\n" // a copy in text mode breaks it at once
	fileVersion = 1
	headerSize  = len(fileMagic) + 2 + 2 + 4
	sectionHead = 4 + 4 + 4
	sectionTail = 4
	// sectionSize is what a reader has in memory beside the result: 1 MiB.
	sectionSize = 1 << 20
	// maxReserve bounds the entries that a reader makes room for on a file's word.
	maxReserve = 16 << 20
	// maxSection bounds a single entry: 64 MiB are some 700,000 frames.
	maxSection = 64 << 20
)

const (
	tagKinds   = "KIND"
	tagBank    = "BANK"
	tagHashes  = "HASH"
	tagEntries = "ENTR"
	tagDone    = "DONE"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// recipes say how each kind is made, so that a file never outlives a change of
// its hashes' meaning unnoticed.
var recipes = map[hash.Kind]string{
	hash.PDQ:      "PDQ of full-size luma, ThreatExchange pdq/cpp",
	hash.PHash:    "goimagehash v1.1.0 PerceptionHash of RGBA",
	hash.DHash:    "goimagehash v1.1.0 DifferenceHash of RGBA",
	hash.AHash:    "goimagehash v1.1.0 AverageHash of RGBA",
	hash.PHash256: "goimagehash v1.1.0 ExtPerceptionHash(16, 16) of RGBA",
	hash.DHash256: "goimagehash v1.1.0 ExtDifferenceHash(16, 16) of RGBA",
	hash.AHash256: "goimagehash v1.1.0 ExtAverageHash(16, 16) of RGBA",
	hash.MD5:      "MD5 of the file",
	hash.SHA1:     "SHA-1 of the file",
	hash.SHA256:   "SHA-256 of the file",
}

// What may be wrong with a bank file. Test with errors.Is.
var (
	ErrNotBankFile = errors.New("not a bank file")
	ErrNewerFile   = errors.New("written by a newer version; update the program")
	ErrDamaged     = errors.New("damaged or incomplete; fetch or build it again")
	ErrTooLarge    = errors.New("over the limit of bytes; raise the limit if the file can be trusted")
)

// FormatError says where and why a bank file was refused. Nothing of a refused
// file is returned.
type FormatError struct {
	Section string // the tag of the section, "header", or empty between two
	Number  int    // of the section, from 0; -1 in the header
	Offset  int64  // of the section or header, in bytes from the start
	Reason  string // for people
	Err     error  // ErrNotBankFile, ErrNewerFile, ErrDamaged or ErrTooLarge
}

func (e *FormatError) Error() string {
	where := "header"
	if e.Number >= 0 {
		where = fmt.Sprintf("section %d %s", e.Number, e.Section)
	}
	return fmt.Sprintf("match: bank file, %s at byte %d: %s: %v", where, e.Offset, e.Reason, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// isBareHash reports whether an entry is nothing but a hash, so that it goes into
// a HASH section.
func isBareHash(e *Entry) bool {
	if len(e.Signals) != 1 || len(e.Labels) > 0 || e.Duration != 0 || e.Disabled {
		return false
	}
	s := &e.Signals[0]
	return s.Quality == hash.Unmeasured && len(s.Transform) == 0 && s.From == 0 && s.To == 0 && isTextOf(e.ID, s.Value)
}

// isTextOf reports whether id is v.String(), without making that.
func isTextOf(id string, v hash.Value) bool {
	var raw [32]byte
	var digits [64]byte
	n := hex.Encode(digits[:], v.AppendBytes(raw[:0]))
	name := v.Kind().String()
	return v.IsValid() && len(id) == len(name)+1+n && id[:len(name)] == name && id[len(name)] == ':' && id[len(name)+1:] == string(digits[:n])
}

// repeated looks for an ID that two entries have. It compares hashes of the IDs
// first: a set of ten million strings takes seconds and half a gigabyte, sorting as
// many numbers neither.
func repeated(entries []Entry) (id string, twice bool) {
	seed := maphash.MakeSeed()
	sums := make([]uint64, len(entries))
	for i := range entries {
		sums[i] = maphash.String(seed, entries[i].ID)
	}
	slices.Sort(sums)
	equal := make(map[uint64]struct{})
	for i := 1; i < len(sums); i++ {
		if sums[i] == sums[i-1] {
			equal[sums[i]] = struct{}{}
		}
	}
	if len(equal) == 0 {
		return "", false
	}
	seen := make(map[string]struct{})
	for i := range entries { // in order, so that it is always the same ID
		id := entries[i].ID
		if _, suspect := equal[maphash.String(seed, id)]; !suspect {
			continue
		}
		if _, twice := seen[id]; twice {
			return id, true
		}
		seen[id] = struct{}{}
	}
	return "", false
}
