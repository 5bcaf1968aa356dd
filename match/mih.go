package match

import (
	"fmt"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// MIH is the index for large sets that change: exact multi-index hashing in memory,
// at any radius. What it costs grows far slower than the set: a hash is found among
// the few that share 16 of its bits, or nearly so, with the query, and of these most
// are turned away by the next 16.
//
// All methods may be called by many goroutines at once. A search takes no lock: it
// sees what was added and removed before it began, and never waits for a writer. A
// change costs microseconds. What was added is put in order, and what was removed
// gives its memory back, in the background, by goroutines that end when there is
// nothing left to do; meanwhile searches go on as before.
//
// It takes about 105 bytes for a hash of 256 bits and 30 for one of 64, the hash
// included, and up to as much again, but at most some 3 GB, while they are put in
// order.
type MIH struct {
	kind hash.Kind
	max  int
	set  *mih.Index
}

// NewMIH returns an empty index of values of kind k, of 64 or 256 bits, that answers
// radii from 0 to maxRadius bits, inclusive. Digests are a *KindError: they have an
// index of their own.
func NewMIH(k hash.Kind, maxRadius int) (*MIH, error) {
	width := k.Bits() / 64
	if k.IsDigest() || width != 1 && width != 4 {
		return nil, &KindError{Got: k}
	}
	if maxRadius < 0 || maxRadius > k.Bits() {
		return nil, fmt.Errorf("match: maximum radius %d for kind %s; want 0 to %d", maxRadius, k, k.Bits())
	}
	return &MIH{kind: k, max: maxRadius, set: mih.New(width)}, nil
}

// Kind returns the kind of the index's values.
func (x *MIH) Kind() hash.Kind { return x.kind }

// MaxRadius returns the largest radius that Search answers, in bits.
func (x *MIH) MaxRadius() int { return x.max }

// Len implements Index.
func (x *MIH) Len() int { return x.set.Len() }

// Bytes returns how much memory the index takes, without what is being built in the
// background.
func (x *MIH) Bytes() int { return x.set.Bytes() }

// Add puts v under ref, where the next search finds it. A value of another kind
// is a *KindError; a ref that is taken is ErrDuplicate.
func (x *MIH) Add(ref Ref, v hash.Value) error {
	if v.Kind() != x.kind {
		return &KindError{Want: x.kind, Got: v.Kind()}
	}
	words := v.Words()
	if !x.set.Add(uint32(ref), &words) {
		return fmt.Errorf("%w: ref %d", ErrDuplicate, ref)
	}
	return nil
}

// AddAll puts values[i] under refs[i], all of them or, on an error, none. The errors
// are those of Add. Many at once cost much less than one by one. The slices must be
// equally long; they are not kept.
func (x *MIH) AddAll(refs []Ref, values []hash.Value) error {
	if len(refs) != len(values) {
		return fmt.Errorf("%w: %d refs for %d values", ErrInvalid, len(refs), len(values))
	}
	width := x.kind.Bits() / 64
	raw, words := make([]uint32, len(refs)), make([]uint64, 0, width*len(refs))
	for i, v := range values {
		if v.Kind() != x.kind {
			return &KindError{Want: x.kind, Got: v.Kind()}
		}
		w := v.Words()
		raw[i], words = uint32(refs[i]), append(words, w[:width]...)
	}
	if i, ok := x.set.AddAll(raw, words); !ok {
		return fmt.Errorf("%w: ref %d", ErrDuplicate, refs[i])
	}
	return nil
}

// Remove takes the value v under ref out and reports whether it was there. The next
// search does not find it.
func (x *MIH) Remove(ref Ref, v hash.Value) bool {
	if v.Kind() != x.kind {
		return false
	}
	words := v.Words()
	removed, err := x.set.Remove(uint32(ref), &words)
	return removed && err == nil // an error is of a file, and there is none here
}

// Search implements Index.
func (x *MIH) Search(dst []Hit, q hash.Value, radius int) ([]Hit, error) {
	if q.Kind() != x.kind {
		return dst, &KindError{Want: x.kind, Got: q.Kind()}
	}
	if radius < 0 || radius > x.max {
		return dst, &RadiusError{Kind: x.kind, Radius: radius, Max: x.max}
	}
	return x.search(dst, q, radius)
}

// search is Search at any radius.
func (x *MIH) search(dst []Hit, q hash.Value, radius int) ([]Hit, error) {
	words, was := q.Words(), len(dst)
	if err := x.set.Search(&words, radius, func(ref uint32, distance int) {
		dst = append(dst, Hit{Ref: Ref(ref), Distance: distance})
	}); err != nil {
		return dst[:was], fmt.Errorf("match: searching the index of kind %s: %w", x.kind, err)
	}
	return dst, nil
}

// SearchAll is Search for many queries, of which it calls emit with the number and each
// hit, in no order. A thousand at once cost about half of what they cost one by one in a
// set that is larger than the processor's caches; a few cost the same. It keeps a
// megabyte for the next call. On an error emit may have been called.
func (x *MIH) SearchAll(queries []hash.Value, radius int, emit func(query int, h Hit)) error {
	for _, q := range queries {
		if q.Kind() != x.kind {
			return &KindError{Want: x.kind, Got: q.Kind()}
		}
	}
	if radius < 0 || radius > x.max {
		return &RadiusError{Kind: x.kind, Radius: radius, Max: x.max}
	}
	return x.searchAll(queries, radius, emit)
}

// searchAll is SearchAll at any radius.
func (x *MIH) searchAll(queries []hash.Value, radius int, emit func(query int, h Hit)) error {
	words := make([][4]uint64, len(queries))
	for i, q := range queries {
		words[i] = q.Words()
	}
	if err := x.set.SearchAll(words, radius, func(query int, ref uint32, distance int) {
		emit(query, Hit{Ref: Ref(ref), Distance: distance})
	}); err != nil {
		return fmt.Errorf("match: searching the index of kind %s: %w", x.kind, err)
	}
	return nil
}
