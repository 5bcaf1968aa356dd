package match

import (
	"fmt"
	"math/bits"

	"github.com/rematch-go/rematch/hash"
)

// Linear is the index that looks at every value: the truth that cleverer ones
// are held to, and fast enough for some hundred thousand values. Searches may run
// side by side, but not beside Add or Remove. Its memory follows the number of
// values and the largest ref.
type Linear struct {
	kind  hash.Kind
	max   int
	words [][4]uint64
	refs  []Ref   // of words, slot by slot
	pages []*page // from ref to slot
}

// page maps pageRefs consecutive refs to their slots plus one; 0 is none. Pages
// cost four bytes a ref where refs are dense, a fraction of a map.
type page [pageRefs]uint32

const pageRefs = 1024

// slot returns where the slot of ref is kept, or nil if its page does not exist.
func (x *Linear) slot(ref Ref) *uint32 {
	if p := int(ref / pageRefs); p < len(x.pages) && x.pages[p] != nil {
		return &x.pages[p][ref%pageRefs]
	}
	return nil
}

// NewLinear returns an empty index of values of kind k that answers radii from
// 0 to maxRadius bits, inclusive.
func NewLinear(k hash.Kind, maxRadius int) (*Linear, error) {
	if !k.IsValid() {
		return nil, &KindError{Got: k}
	}
	if maxRadius < 0 || maxRadius > k.Bits() {
		return nil, fmt.Errorf("match: maximum radius %d for kind %s; want 0 to %d", maxRadius, k, k.Bits())
	}
	return &Linear{kind: k, max: maxRadius}, nil
}

// Kind returns the kind of the index's values.
func (x *Linear) Kind() hash.Kind { return x.kind }

// MaxRadius returns the largest radius that Search answers, in bits.
func (x *Linear) MaxRadius() int { return x.max }

// Len implements Index.
func (x *Linear) Len() int { return len(x.refs) }

// Add puts v under ref, where the next search finds it. A value of another kind
// is a *KindError; a ref that is taken is ErrDuplicate.
func (x *Linear) Add(ref Ref, v hash.Value) error {
	if v.Kind() != x.kind {
		return &KindError{Want: x.kind, Got: v.Kind()}
	}
	slot := x.slot(ref)
	if slot == nil {
		p := int(ref / pageRefs)
		if p >= len(x.pages) {
			x.pages = append(x.pages, make([]*page, p+1-len(x.pages))...)
		}
		x.pages[p] = new(page)
		slot = x.slot(ref)
	}
	if *slot != 0 {
		return fmt.Errorf("%w: ref %d", ErrDuplicate, ref)
	}
	x.words = append(x.words, v.Words())
	x.refs = append(x.refs, ref)
	*slot = uint32(len(x.refs)) // refs are as many, so it cannot overflow
	return nil
}

// Remove takes the value under ref out and reports whether there was one. It
// costs the same at any size.
func (x *Linear) Remove(ref Ref) bool {
	kept := x.slot(ref)
	if kept == nil || *kept == 0 {
		return false
	}
	slot, last := *kept-1, len(x.refs)-1
	x.words[slot], x.refs[slot] = x.words[last], x.refs[last]
	*x.slot(x.refs[slot]) = slot + 1
	*kept = 0 // after the move: the last value may be the one that goes
	x.words, x.refs = x.words[:last], x.refs[:last]
	return true
}

// Search implements Index.
func (x *Linear) Search(dst []Hit, q hash.Value, radius int) ([]Hit, error) {
	if q.Kind() != x.kind {
		return dst, &KindError{Want: x.kind, Got: q.Kind()}
	}
	if radius < 0 || radius > x.max {
		return dst, &RadiusError{Kind: x.kind, Radius: radius, Max: x.max}
	}
	want := q.Words()
	for slot := range x.words {
		w := &x.words[slot]
		// Half of the bits decide nearly every comparison.
		d := bits.OnesCount64(w[0]^want[0]) + bits.OnesCount64(w[1]^want[1])
		if d > radius {
			continue
		}
		d += bits.OnesCount64(w[2]^want[2]) + bits.OnesCount64(w[3]^want[3])
		if d <= radius {
			dst = append(dst, Hit{Ref: x.refs[slot], Distance: d})
		}
	}
	return dst, nil
}
