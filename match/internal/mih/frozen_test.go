package mih

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// image is a file of one segment.
type image struct {
	width int
	limit uint32
	data  []byte
	at    [NumArrays]Range
}

// laid lays the arrays of a segment one after the other, each at a multiple of align.
func laid(p *Packed, width int, limit uint32, align int) *image {
	m := &image{width: width, limit: limit}
	for i, a := range p.Arrays {
		m.data = append(m.data, make([]byte, -len(m.data)&(align-1))...)
		m.at[i] = Range{int64(len(m.data)), int64(len(a))}
		m.data = append(m.data, a...)
	}
	return m
}

// open opens the segment, of which the checksums are expected.
func (m *image) open(sums []uint32) (*Frozen, *mapped.File, error) {
	f := mapped.Hold(m.data)
	if err := f.Expect(sums, int64(len(m.data))); err != nil {
		return nil, nil, err
	}
	s, err := Open(f, m.width, m.limit, m.at)
	return s, f, err
}

// frozen is a set of hashes in a file. Without refs, they are distinct, and rise.
func frozen(t testing.TB, width int, words []uint64, refs []uint32) *Frozen {
	m := laid(Pack(width, words, refs), width, uint32(len(words)/width), 64)
	s, _, err := m.open(mapped.Sums(m.data))
	require.NoError(t, err)
	return s
}

// shuffled returns refs in any order.
func shuffled(r *rand.Rand, n int) []uint32 {
	refs := make([]uint32, n)
	for i, p := range r.Perm(n) {
		refs[i] = uint32(p)
	}
	return refs
}

// A segment in a file finds what the scan does, with refs and without, alone and
// beside others.
func TestFrozenIsTheScan(t *testing.T) {
	for _, width := range []int{1, 4} {
		for _, set := range sets {
			for _, n := range []int{1, 2, 500, 5000, 100_000} {
				for _, withRefs := range []bool{false, true} {
					r := seeded()
					hashes := set.make(r, width, n)
					_, words := flat(hashes, width)
					var refs []uint32
					if withRefs {
						refs = shuffled(r, n)
					}
					s := frozen(t, width, words, refs)
					truth := make(map[uint32]hash)
					base := uint32(r.Uint32N(1 << 30))
					if withRefs {
						require.Equal(t, n, s.Count())
						for i, h := range hashes {
							truth[base+refs[i]] = h
						}
					} else {
						rising, err := s.AppendWords(nil, 0, s.Len())
						require.NoError(t, err)
						for i := range s.Len() {
							var h hash
							copy(h[:], rising[i*width:(i+1)*width])
							truth[base+uint32(i)] = h
						}
					}
					x := New(width)
					require.NoError(t, x.Attach(base, s))
					require.Equal(t, len(truth), x.Len())
					all := radii(width)
					if n == 100_000 {
						all = all[r.IntN(3):][:6]
					}
					for _, radius := range all {
						q := nearby(r, hashes, width, radius)
						for _, at := range []int{radius - 1, radius, radius + 1} {
							if at >= 0 && at <= 64*width {
								require.Equal(t, oracle(truth, width, q, at), found(t, x, q, at), "%s, width %d, n %d, refs %v, radius %d", set.name, width, n, withRefs, at)
							}
						}
					}
				}
			}
		}
	}
}
