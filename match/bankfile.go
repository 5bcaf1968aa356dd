package match

import (
	"errors"
	"fmt"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mapped"
)

// The bank file, version 3, byte by byte. All numbers are little-endian and unsigned;
// a string is its length (uint16) and its bytes; a list is its length (uint16) and its
// strings; a time is nanoseconds (uint64, at most 100,000 hours); a date is nanoseconds since
// 1970 in UTC (uint64, below 2262), or 0 for none; a number is an IEEE 754 double (8 bytes). All
// crc are CRC-32C (Castagnoli).
//
//	file      = header  section...  sums  directory  footer
//	header    = "rmbank\r\n"  version uint16 = 3  block uint16 = 16  zero [48]byte  crc uint32 of what stands before it
//	section   = what the directory says of it
//	sums      = crc uint32 of each 1<<block bytes from the start of the file to the sums; the last ones may be fewer
//	directory = for each section: tag [4]byte  bank uint32  kind uint8  zero uint8  part uint16  zero uint32
//	            offset uint64  length uint64
//	footer    = offset of sums uint64  offset of directory uint64  sections uint32  crc uint32 of sums to directory
//	            id [16]byte  sequence uint64  length uint64 of the file  "done"  crc uint32 of what stands before it in the footer
//
// Every section, the sums and the directory start at the next multiple of 64 after what
// is before them, with zeros between, and so where a processor can read numbers of any
// size; the footer follows the directory at once and ends the file.
//
// The id names the lineage of a file for its log of changes, and the sequence the last
// change that is in the file. A file that was made at once has the first half of the
// SHA-256 of all bytes before the sums, and 0.
//
// A bare entry is nothing but a hash: its ID is the value's text "pdq:f8f8...", the
// quality unmeasured, everything else empty. Entries and signals are numbered through
// the whole file from 0: first the bare entries, in the order of the sections, whose
// numbers as entries and as signals are the same; then the other entries, and their
// signals, as they follow each other in ENTR.
//
// Sections, in their order. None is empty: what would be is left out. Where nothing
// else is said bank is 0xffffffff (of the whole file), kind 0 and part 0.
//
//	KIND  count uint8, then for every kind of the library in the order of their numbers
//	      that existed when the file was written: number uint8, bits uint16, name string,
//	      recipe string. A reader refuses kinds that it does not have or makes in another
//	      way.
//	BANK  banks uint32, then for each: name string, flags uint8 (1 disabled, 2
//	      allow-list, 4 shadow), labels list, thresholds: count uint8 and for each kind, rising:
//	      number uint8, bits uint16; action string, suppressed banks list, six treatments
//	      uint8 (no opinion, positive, seed, negative, disputed, quarantined; 0 default, 1
//	      report, 2 shadow, 3 ignore), roll-out in per cent number, key string; bare entries uint32, other entries uint32, videos
//	      among them uint32, signals: count uint32 and for each sort, rising: kind uint8,
//	      of videos uint8 (0 or 1), quality uint8, number uint32 (not 0), how many of them
//	      are junk uint32.
//
// Then indices: for every bank, and in it for every kind, of the bare hashes. They have
// the bank's number in BANK, from 0, the kind and the part. One has no more than 1<<24
// perceptual hashes or 1<<30 digests; of more, hash i in rising order is in part i%parts
// at place i/parts, so that every part is an even sample.
//
// Then indices of the signals of all other entries, for every kind, with the kind and
// the part: refs are numbers of signals, less the number of bare entries. Each part has
// the signals that follow those in the part before.
//
// An index of a perceptual kind, where b is the bits of a hash. A slot is 16 bits of
// it, from the top, and a group of a slot has the hashes in which the top g bits of the
// slot are the same, in the order of HASH: g is the smallest number from 6 on for which
// all hashes are fewer than 33<<g, but at most 16.
//
//	HASH  the distinct hashes, rising: each b/64 uint64, the first one with the first
//	      digits, at its top.
//	HREF  uint32: the refs, by hash, then rising. Not with bare hashes.
//	HSTA  uint32: where each hash's refs start, and where they end. Not if each has one.
//	HBND  uint32: by slot, then by group, where the group starts in HVER, and the end.
//	HVER  uint16: by slot, by group, by hash: the slot after this one, or the first one
//	      after the last; then 16 zeros.
//	HLOW  uint16: the same without the first slot: the low 16 bits of the hash's number.
//	HMRK  uint64: a bit for each of the same, lowest bits first, which is 1, and in every
//	      group a 0 after those of the first 65,536 hashes, of the next, and so on. Not up
//	      to 65,536 hashes.
//
// An index of digests.
//
//	DIGS  the digests' bytes, rising; as often as they have refs.
//	DREF  uint32: the refs, rising where digests are equal. Not with bare hashes.
//	DTOP  uint32: for each value of the first t bits the place of the first digest that has
//	      these, or more, and the number of digests: t is the smallest number for which
//	      all digests are fewer than 16<<t, but at most 26.
//	DBLM  uint64: the words of a Bloom filter of 14.378 bits a digest, rounded up, with 10
//	      hashes, as bloom.From of github.com/bits-and-blooms/bloom/v3 takes them.
//
// The other entries, by bank, in the order they were given.
//
//	ENTR  for each: id string, flags uint8 (1 disabled, 2 with a curation), labels list,
//	      curation (if there is one), duration time,
//	      signals uint32, and for each signal: kind uint8, quality uint8, transform list,
//	      from time, to time, value's bytes.
//	ENTO  for each and one more: offset in ENTR uint64, number of its first signal uint32,
//	      zero uint32.
//	ENTI  for each, by bank, then rising: the first 8 bytes of the SHA-256 of the ID
//	      uint64 (as a big-endian number), number of the entry uint32, zero uint32.
//	JUNK  for each signal that would match what nobody meant (see Quarantined), rising:
//	      number uint32.
//
//	curation = disabled until date, expires date, note string, decision: stance uint8 (0, 1
//	      positive, 3 negative), by string, at date, note string; quarantine since date and,
//	      unless that is 0, count uint32, usual number, uploads uint32; origin: exchange,
//	      member, id, severity strings, fetched date, tags list; opinions uint16 and for each:
//	      by string, stance uint8 (1 positive, 2 seed, 3 negative), ours uint8 (0 or 1), at
//	      date, tags list. It is never one that says nothing.
//
// Version 2 is the same without what of BANK stands between thresholds and bare entries, and
// without curations, and its JUNK has only what is blank or of an empty file; it is read, not
// written.
//
// The same banks always give the same bytes.
const (
	fileMagic   = "rmbank\r\n" // a copy in text mode breaks it at once
	fileVersion = 3
	oldVersion  = 2  // which is still read
	fileBlock   = 16 // mapped.BlockSize is 1<<fileBlock
	fileEnd     = "done"
	headerSize  = 64
	recordSize  = 32 // of the directory
	footerSize  = 64
	fileAlign   = 64
	wholeFile   = 1<<32 - 1 // the bank of sections that belong to none
	// maxEntry bounds a single entry, and the description of a bank: 64 MiB are some
	// 700,000 frames.
	maxEntry = 64 << 20

	entoSize = 8 + 4 + 4
	entiSize = 8 + 4 + 4
)

const (
	tagKinds   = "KIND"
	tagBanks   = "BANK"
	tagEntries = "ENTR"
	tagOffsets = "ENTO"
	tagIDs     = "ENTI"
	tagJunk    = "JUNK"
)

// alignUp returns where what comes after n bytes starts.
func alignUp(n int64) int64 { return (n + fileAlign - 1) &^ (fileAlign - 1) }

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
	ErrOlderFile   = errors.New("written by an older version; build it again")
	ErrDamaged     = errors.New("damaged or incomplete; fetch or build it again")
	ErrTooLarge    = errors.New("over the limit of bytes; raise the limit if the file can be trusted")
)

// FormatError says where and why a bank file, or its log of changes, was refused. Nothing
// that a refused part of it holds is returned.
type FormatError struct {
	Section string // the tag of the section, or "header", "sums", "directory", "footer"; "log" for the log of changes
	Number  int    // of the section in the directory, or of the change in the log, from 0; -1 where it is none
	Offset  int64  // in bytes from the start of the file: of what makes no sense, or of the 64 KiB whose checksum does not agree
	Reason  string // for people
	Err     error  // ErrNotBankFile, ErrNewerFile, ErrOlderFile, ErrDamaged or ErrTooLarge
}

func (e *FormatError) Error() string {
	file, where := "bank file", e.Section
	switch {
	case e.Section == logSection && e.Number >= 0:
		file, where = "log of changes", fmt.Sprintf("record %d", e.Number)
	case e.Section == logSection:
		file, where = "log of changes", "header"
	case e.Number >= 0:
		where = fmt.Sprintf("section %d %s", e.Number, e.Section)
	}
	return fmt.Sprintf("match: %s, %s at byte %d: %s: %v", file, where, e.Offset, e.Reason, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// bad throws what makes no sense at an offset of a file. Functions that read files
// catch it.
func bad(offset int64, format string, args ...any) {
	panic(&mapped.Damage{Offset: offset, Reason: fmt.Sprintf(format, args...)})
}
