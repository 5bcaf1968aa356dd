package match

import (
	"fmt"

	"github.com/rematch-go/rematch/hash"
)

// Ref names a value in an index. The caller chooses it; an index only gives it
// back.
type Ref uint32

// Hit is a value of an index that lies within the radius of a query.
type Hit struct {
	Ref      Ref
	Distance int // bits
}

// Index finds every value within a radius. Implementations are exact: no hit is
// missed and none is invented, at any radius from 0 to the index's maximum.
//
// Search may be called by many goroutines at once as long as nobody changes the
// index meanwhile; what changes an index says more in its own documentation.
type Index interface {
	// Len returns the number of values.
	Len() int
	// Search appends to dst a hit for every value whose distance from q is at most
	// radius (inclusive), in no particular order, and returns the longer slice. It
	// does not allocate while dst has room.
	//
	// A radius that is negative or over the index's maximum is a *RadiusError, a
	// query of another kind than the index's a *KindError; dst comes back as it was.
	Search(dst []Hit, q hash.Value, radius int) ([]Hit, error)
}

// RadiusError refuses a search or a threshold that an index cannot answer in
// full. It is an error because the alternative is a silent miss.
type RadiusError struct {
	Kind   hash.Kind // 0 for indices that hold several kinds
	Radius int       // bits, as asked for
	Max    int       // bits, inclusive: the index's maximum
}

func (e *RadiusError) Error() string {
	kind := ""
	if e.Kind != 0 {
		kind = e.Kind.String() + " "
	}
	if e.Radius < 0 {
		return fmt.Sprintf("match: %sradius %d is negative; use 0 for equal values", kind, e.Radius)
	}
	return fmt.Sprintf("match: %sradius %d is over the index's maximum of %d; lower it or raise Options.MaxRadius", kind, e.Radius, e.Max)
}

// KindError refuses a value of a kind that an index does not hold. Got is 0 for
// the invalid zero Value.
type KindError struct {
	Want hash.Kind // 0 where several would do
	Got  hash.Kind
}

func (e *KindError) Error() string {
	got := "an invalid value"
	if e.Got != 0 {
		got = "a value of kind " + e.Got.String()
	}
	if e.Want == 0 {
		return fmt.Sprintf("match: %s has no place in this index", got)
	}
	return fmt.Sprintf("match: %s has no place in an index of kind %s", got, e.Want)
}

// DefaultMaxRadius returns the largest radius of the kind's index unless
// Options.MaxRadius says otherwise: 31 bits of 256 (PDQ's own threshold), 10 of 64
// (as far again above the customary 8), and 0 for digests.
func DefaultMaxRadius(k hash.Kind) int {
	switch {
	case k.IsDigest():
		return 0
	case k.Bits() == 64:
		return 10
	}
	return 31
}
