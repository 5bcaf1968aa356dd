package exact

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// seeded gives every test the same numbers on every machine.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

var sizes = []int{16, 20, 32}

func random(r *rand.Rand, size int) []byte {
	var b []byte
	for len(b) < size {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return b[:size]
}

// sets are ways in which keys lie.
var sets = []struct {
	name string
	make func(r *rand.Rand, size, n int) [][]byte
}{
	{"random", func(r *rand.Rand, size, n int) [][]byte {
		return repeat(n, func(int) []byte { return random(r, size) })
	}},
	{"one prefix", func(r *rand.Rand, size, n int) [][]byte {
		one := random(r, size)
		return repeat(n, func(int) []byte { return append(one[:size-3:size-3], random(r, 3)...) })
	}},
	{"few keys", func(r *rand.Rand, size, n int) [][]byte {
		few := repeat(40, func(int) []byte { return random(r, size) })
		return repeat(n, func(int) []byte { return few[r.IntN(len(few))] })
	}},
	{"all equal", func(r *rand.Rand, size, n int) [][]byte {
		one := random(r, size)
		return repeat(n, func(int) []byte { return one })
	}},
	{"zeros, ones and between", func(r *rand.Rand, size, n int) [][]byte {
		return repeat(n, func(i int) []byte {
			b := bytes.Repeat([]byte{[]byte{0, 0xff, 0x80}[i%3]}, size)
			b[r.IntN(size)] ^= byte(r.IntN(4))
			return b
		})
	}},
}

func repeat(n int, f func(int) []byte) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = f(i)
	}
	return all
}

// flat returns the keys as AddAll takes them.
func flat(keys [][]byte) (refs []uint32, all []byte) {
	for i, key := range keys {
		refs, all = append(refs, uint32(i)), append(all, key...)
	}
	return refs, all
}

func found(t require.TestingT, x *Index, key []byte) []uint32 {
	var refs []uint32
	require.NoError(t, x.Search(key, func(ref uint32) { refs = append(refs, ref) }))
	slices.Sort(refs)
	return refs
}

// other returns a key that differs from key in one bit.
func other(r *rand.Rand, key []byte) []byte {
	o := slices.Clone(key)
	o[r.IntN(len(o))] ^= 1 << r.IntN(8)
	return o
}

// file lays a table out as a file, each array in blocks of its own.
func file(p *Packed) (data []byte, at [NumArrays]Range) {
	for i, a := range p.Arrays {
		data = append(data, make([]byte, -len(data)&(mapped.BlockSize-1))...)
		at[i] = Range{int64(len(data)), int64(len(a))}
		data = append(data, a...)
	}
	return data, at
}

// held returns a file of data with its own checksums.
func held(t require.TestingT, data []byte) *mapped.File {
	f := mapped.Hold(data)
	require.NoError(t, f.Expect(mapped.Sums(data), int64(len(data))))
	return f
}

// opened packs and opens.
func opened(t require.TestingT, span uint32, p *Packed) *Frozen {
	data, at := file(p)
	s, err := Open(p.Size, span, held(t, data), at)
	require.NoError(t, err)
	return s
}

func TestSortIsTheSort(t *testing.T) {
	for _, size := range sizes {
		for _, set := range sets {
			for _, n := range []int{0, 1, 2, fewKeys, fewKeys + 1, 5000} {
				r := seeded()
				keys := set.make(r, size, n)
				type pair struct {
					key string
					ref uint32
				}
				want := make([]pair, n)
				l := newList(size, n)
				for i, key := range keys {
					ref := uint32(i*7919) % 10007
					want[i] = pair{string(key), ref}
					l.add(key, ref)
				}
				slices.SortFunc(want, func(a, b pair) int {
					return 2*bytes.Compare([]byte(a.key), []byte(b.key)) + int(max(-1, min(1, int64(a.ref)-int64(b.ref))))
				})
				bare := &list{size: size, keys: slices.Clone(l.keys)}
				l.sort()
				bare.sort()
				for i, p := range want {
					require.Equal(t, p, pair{string(l.key(i)), l.refs[i]}, "%s, size %d, n %d", set.name, size, n)
				}
				require.Equal(t, l.keys, bare.keys)
			}
		}
	}
}

func TestRefSet(t *testing.T) {
	r := seeded()
	for range 300 {
		var s refSet
		truth := map[uint32]bool{}
		for range 20 {
			base := []uint32{0, 50, refsPerPage - 70, 5 * refsPerPage}[r.IntN(4)] + uint32(r.IntN(130))
			n := uint64(r.IntN(200))
			free := true
			for i := range uint32(n) {
				free = free && !truth[base+i]
			}
			require.Equal(t, free, s.takeRun(base, n))
			if free {
				for i := range uint32(n) {
					truth[base+i] = true
				}
			}
			one := base + uint32(r.IntN(300))
			require.Equal(t, !truth[one], s.take(one))
			truth[one] = true
		}
		n := 0
		for _, page := range s.pages {
			if page != nil {
				for _, w := range page {
					n += bits.OnesCount64(w)
				}
			}
		}
		require.Len(t, truth, n)
		for ref := range truth {
			if !s.has(ref) {
				require.Fail(t, "gone", "ref %d", ref)
			}
		}
	}
	var s refSet
	require.True(t, s.takeRun(1<<32-100, 100))
	require.True(t, s.has(1<<32-1))
	require.False(t, s.has(1<<32-101))
	require.False(t, s.take(1<<32-1))
	s.release(1<<32 - 1)
	require.True(t, s.takeRun(1<<32-1, 1))
}
