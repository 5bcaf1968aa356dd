package match_test

import (
	"math/rand/v2"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// seeded gives every test the same numbers on every machine.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// random returns a value with about half of its bits set, as PDQ's are.
func random(r *rand.Rand, k hash.Kind) hash.Value {
	b := make([]byte, k.Bits()/8)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	v, err := hash.FromBytes(k, b)
	if err != nil {
		panic(err) // the length is the kind's own
	}
	return v
}

// flipped returns v with n of its bits changed.
func flipped(r *rand.Rand, v hash.Value, n int) hash.Value {
	b := v.AppendBytes(nil)
	for _, bit := range r.Perm(8 * len(b))[:n] {
		b[bit/8] ^= 1 << (bit % 8)
	}
	w, err := hash.FromBytes(v.Kind(), b)
	if err != nil {
		panic(err) // the length is the kind's own
	}
	return w
}

// bare is an entry as lists give it.
func bare(v hash.Value) match.Entry {
	return match.Entry{ID: v.String(), Signals: []match.Signal{{Value: v, Quality: hash.Unmeasured}}}
}
