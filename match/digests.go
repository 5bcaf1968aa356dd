package match

import (
	"fmt"
	"slices"

	"github.com/bits-and-blooms/bloom/v3"

	"github.com/rematch-go/rematch/hash"
)

const (
	// digestFalsePositives is how often the filter sends a foreign digest on to the
	// table: 1 in 1000 at 14.4 bits a digest.
	digestFalsePositives = 0.001
	// digestFloor is the smallest filter, so that small sets are not rebuilt again
	// and again.
	digestFloor = 1024
)

// Digests is the index of exact digests of every kind: a Bloom filter that turns
// nearly all foreign digests away, in front of a table that decides. It has no
// false negatives: the filter holds everything that was added since it was built,
// and is built anew, from the table, when that is more than it was sized for.
//
// The zero value is empty and ready. Searches may run side by side, but not
// beside Add or Remove: adding writes into the filter.
type Digests struct {
	table  map[hash.Value]Ref   // the first ref of a digest
	more   map[hash.Value][]Ref // the others, rising, of the few digests that several entries share
	count  int
	filter *bloom.BloomFilter
	room   int // additions until the filter is rebuilt
}

// Len implements Index.
func (d *Digests) Len() int { return d.count }

// Add puts v under ref, where the next search finds it. Several refs may have
// the same digest; the same ref twice is ErrDuplicate, and a value that is no
// digest a *KindError.
func (d *Digests) Add(ref Ref, v hash.Value) error {
	if !v.Kind().IsDigest() {
		return &KindError{Got: v.Kind()}
	}
	first, known := d.table[v]
	if known {
		if first == ref {
			return fmt.Errorf("%w: ref %d", ErrDuplicate, ref)
		}
		at, twice := slices.BinarySearch(d.more[v], ref)
		if twice {
			return fmt.Errorf("%w: ref %d", ErrDuplicate, ref)
		}
		if d.more == nil {
			d.more = make(map[hash.Value][]Ref)
		}
		d.more[v] = slices.Insert(d.more[v], at, ref)
		d.count++
		return nil
	}
	if d.table == nil {
		d.table = make(map[hash.Value]Ref)
	}
	d.table[v] = ref
	d.count++
	if d.room == 0 {
		d.rebuild()
		return nil
	}
	var buf [digestKey]byte
	d.filter.Add(digestBytes(&buf, v))
	d.room--
	return nil
}

// Remove takes v under ref out and reports whether it was there. The filter
// keeps the digest until it is next built, which costs a look into the table and
// nothing else.
func (d *Digests) Remove(ref Ref, v hash.Value) bool {
	first, known := d.table[v]
	if !known {
		return false
	}
	others := d.more[v]
	at := -1 // in others; -1 is the table itself
	if first != ref {
		var there bool
		if at, there = slices.BinarySearch(others, ref); !there {
			return false
		}
	}
	d.count--
	if len(others) == 0 {
		delete(d.table, v)
		return true
	}
	last := len(others) - 1
	if at < 0 {
		d.table[v] = others[last]
	} else {
		copy(others[at:], others[at+1:])
	}
	if last == 0 {
		delete(d.more, v)
	} else {
		d.more[v] = others[:last]
	}
	return true
}

// Search implements Index with a maximum radius of 0: digests are equal or not.
func (d *Digests) Search(dst []Hit, q hash.Value, radius int) ([]Hit, error) {
	if !q.Kind().IsDigest() {
		return dst, &KindError{Got: q.Kind()}
	}
	if radius != 0 {
		return dst, &RadiusError{Kind: q.Kind(), Radius: radius}
	}
	if d.filter == nil {
		return dst, nil
	}
	var buf [digestKey]byte
	if !d.filter.Test(digestBytes(&buf, q)) {
		return dst, nil
	}
	ref, known := d.table[q]
	if !known {
		return dst, nil
	}
	dst = append(dst, Hit{Ref: ref})
	for _, r := range d.more[q] {
		dst = append(dst, Hit{Ref: r})
	}
	return dst, nil
}

// rebuild makes a filter for twice what the table holds and fills it.
func (d *Digests) rebuild() {
	size := max(2*len(d.table), digestFloor)
	filter := bloom.NewWithEstimates(uint(size), digestFalsePositives)
	var buf [digestKey]byte
	for v := range d.table { // in any order: a filter is the same whatever came first
		filter.Add(digestBytes(&buf, v))
	}
	d.filter, d.room = filter, size-len(d.table)
}

// digestKey is the length of what the filter hashes: the kind and the longest
// digest.
const digestKey = 1 + 32

func digestBytes(buf *[digestKey]byte, v hash.Value) []byte {
	buf[0] = byte(v.Kind())
	return v.AppendBytes(buf[:1])
}
