package match

import (
	"fmt"
	"sync/atomic"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/exact"
)

// Digests is the index of exact digests of every kind, for large sets that change. It
// has no false negatives: sorted tables decide, each behind a Bloom filter that turns
// nearly all foreign digests away without a look at its table.
//
// All methods may be called by many goroutines at once. A search takes no lock: it sees
// what was added and removed before it began, and never waits for a writer. A change
// costs microseconds. What was added is put in order, and what was removed gives its
// memory back, in the background, by goroutines that end when there is nothing left to
// do; meanwhile searches go on as before.
//
// It takes some 7 bytes for a digest beside the digest itself, and up to as much again
// in all, but at most some 2.5 GB, while digests are put in order.
//
// The zero value is empty and ready. It must not be copied after the first use.
type Digests struct {
	sets [digestKinds]atomic.Pointer[exact.Index] // by kind less MD5; nil if there never was one
}

// digestKinds is how many kinds of digests there are; their numbers follow on each other.
const digestKinds = int(hash.SHA256-hash.MD5) + 1

// set returns the set of a kind of digests, nil if there never was one.
func (d *Digests) set(k hash.Kind) *exact.Index { return d.sets[k-hash.MD5].Load() }

// made returns the set of a kind of digests, made if need be.
func (d *Digests) made(k hash.Kind) *exact.Index {
	if x := d.set(k); x != nil {
		return x
	}
	d.sets[k-hash.MD5].CompareAndSwap(nil, exact.New(k.Bits()/8)) // or somebody else's
	return d.set(k)
}

// Len implements Index.
func (d *Digests) Len() int {
	sum := 0
	for i := range d.sets {
		if x := d.sets[i].Load(); x != nil {
			sum += x.Len()
		}
	}
	return sum
}

// Bytes returns how much memory the index takes, without what is being built in the
// background.
func (d *Digests) Bytes() int {
	sum := 0
	for i := range d.sets {
		if x := d.sets[i].Load(); x != nil {
			sum += x.Bytes()
		}
	}
	return sum
}

// Add puts v under ref, where the next search finds it. Several refs may have the same
// digest, and a ref a digest of each kind. A ref that is taken by another digest of the
// kind, or by this one, is ErrDuplicate, and a value that is no digest a *KindError.
func (d *Digests) Add(ref Ref, v hash.Value) error {
	if !v.Kind().IsDigest() {
		return &KindError{Got: v.Kind()}
	}
	var buf [maxDigest]byte
	if !d.made(v.Kind()).Add(uint32(ref), v.AppendBytes(buf[:0])) {
		return fmt.Errorf("%w: ref %d", ErrDuplicate, ref)
	}
	return nil
}

// AddAll puts values[i] under refs[i], all of them or, on an error, none; a search
// meanwhile may see some. The errors are those of Add. Many at once cost less than one by
// one. The slices must be equally long; they are not kept.
func (d *Digests) AddAll(refs []Ref, values []hash.Value) error {
	if len(refs) != len(values) {
		return fmt.Errorf("%w: %d refs for %d values", ErrInvalid, len(refs), len(values))
	}
	var count [digestKinds]int
	for _, v := range values {
		if !v.Kind().IsDigest() {
			return &KindError{Got: v.Kind()}
		}
		count[v.Kind()-hash.MD5]++
	}
	for i, n := range count {
		if n == 0 {
			continue
		}
		k := hash.MD5 + hash.Kind(i)
		raw, keys := make([]uint32, 0, n), make([]byte, 0, n*k.Bits()/8)
		for i, v := range values {
			if v.Kind() == k {
				raw, keys = append(raw, uint32(refs[i])), v.AppendBytes(keys)
			}
		}
		taken, ok := d.made(k).AddAll(raw, keys)
		if ok {
			continue
		}
		for i, v := range values {
			if v.Kind() < k {
				d.Remove(refs[i], v)
			}
		}
		return fmt.Errorf("%w: ref %d", ErrDuplicate, raw[taken])
	}
	return nil
}

// Remove takes the value v under ref out and reports whether it was there. The next
// search does not find it.
func (d *Digests) Remove(ref Ref, v hash.Value) bool {
	if !v.Kind().IsDigest() {
		return false
	}
	x := d.set(v.Kind())
	var buf [maxDigest]byte
	return x != nil && x.Remove(uint32(ref), v.AppendBytes(buf[:0]))
}

// Search implements Index with a maximum radius of 0: digests are equal or not. After
// any other error than those of Index, which says that a part of a file can't be read,
// the hits that stand elsewhere were appended.
func (d *Digests) Search(dst []Hit, q hash.Value, radius int) ([]Hit, error) {
	if !q.Kind().IsDigest() {
		return dst, &KindError{Got: q.Kind()}
	}
	if radius != 0 {
		return dst, &RadiusError{Kind: q.Kind(), Radius: radius}
	}
	x := d.set(q.Kind())
	if x == nil {
		return dst, nil
	}
	var buf [maxDigest]byte
	err := x.Search(q.AppendBytes(buf[:0]), func(ref uint32) { dst = append(dst, Hit{Ref: Ref(ref)}) })
	return dst, err
}

// maxDigest is the length of the longest digest.
const maxDigest = 32
