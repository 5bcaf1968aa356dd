package mih

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seeded gives every test the same numbers on every machine.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

type hash = [4]uint64

// random returns a hash of width words.
func random(r *rand.Rand, width int) (h hash) {
	for i := range width {
		h[i] = r.Uint64()
	}
	return h
}

// flipped returns h with n of its bits changed.
func flipped(r *rand.Rand, h hash, width, n int) hash {
	for _, bit := range r.Perm(64 * width)[:n] {
		h[bit/64] ^= 1 << (bit % 64)
	}
	return h
}

// sets are ways in which hashes lie, each of any size.
var sets = []struct {
	name string
	make func(r *rand.Rand, width, n int) []hash
}{
	{"random", func(r *rand.Rand, width, n int) []hash {
		return repeat(n, func(int) hash { return random(r, width) })
	}},
	{"one cluster", func(r *rand.Rand, width, n int) []hash {
		centre := random(r, width)
		return repeat(n, func(int) hash { return flipped(r, centre, width, r.IntN(12*width)) })
	}},
	{"all equal", func(r *rand.Rand, width, n int) []hash {
		one := random(r, width)
		return repeat(n, func(int) hash { return one })
	}},
	{"clusters in noise", func(r *rand.Rand, width, n int) []hash {
		centres := repeat(3, func(int) hash { return random(r, width) })
		return repeat(n, func(i int) hash {
			if i%2 == 0 {
				return random(r, width)
			}
			return flipped(r, centres[r.IntN(3)], width, r.IntN(5*width))
		})
	}},
	{"constant planes", func(r *rand.Rand, width, n int) []hash {
		return repeat(n, func(int) hash {
			h := random(r, width)
			h[0] |= 0xffff_fffc << 16
			h[width-1] &^= 0xff_ffff
			return h
		})
	}},
	{"few patterns a slot", func(r *rand.Rand, width, n int) []hash {
		patterns := repeat(8, func(int) hash { return random(r, width) })
		return repeat(n, func(int) (h hash) {
			for slot := range 4 * width {
				v := slotOf(patterns[r.IntN(8)][:], slot)
				h[slot/4] |= uint64(v) << (48 - 16*(slot%4))
			}
			return h
		})
	}},
}

func repeat(n int, f func(int) hash) []hash {
	all := make([]hash, n)
	for i := range all {
		all[i] = f(i)
	}
	return all
}

// flat returns the hashes as AddAll takes them.
func flat(hashes []hash, width int) (refs []uint32, words []uint64) {
	for i, h := range hashes {
		refs, words = append(refs, uint32(i)), append(words, h[:width]...)
	}
	return refs, words
}

type hit struct {
	ref      uint32
	distance int
}

func found(t require.TestingT, x *Index, q hash, radius int) (hits []hit) {
	require.NoError(t, x.Search(&q, radius, func(ref uint32, distance int) { hits = append(hits, hit{ref, distance}) }))
	sorted(hits)
	other := q
	other[0] ^= 1 << 60
	var batch [3][]hit
	require.NoError(t, x.SearchAll([]hash{q, other, q}, radius, func(query int, ref uint32, distance int) {
		batch[query] = append(batch[query], hit{ref, distance})
	}))
	require.Equal(t, hits, sorted(batch[0]))
	require.Equal(t, hits, sorted(batch[2]))
	return hits
}

func remove(t require.TestingT, x *Index, ref uint32, h hash) bool {
	removed, err := x.Remove(ref, &h)
	assert.NoError(t, err)
	return removed
}

// oracle is the linear scan.
func oracle(hashes map[uint32]hash, width int, q hash, radius int) (hits []hit) {
	for ref, h := range hashes {
		scan(h[:width], width, &q, radius, func(_, distance int) { hits = append(hits, hit{ref, distance}) })
	}
	return sorted(hits)
}

func sorted(hits []hit) []hit {
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Compare(a.ref, b.ref) })
	return hits
}

// nearby returns a query that has the set's own structure: near a member at a
// distance around the radius, or at random.
func nearby(r *rand.Rand, hashes []hash, width, radius int) hash {
	if len(hashes) == 0 || r.IntN(8) == 0 {
		return random(r, width)
	}
	return flipped(r, hashes[r.IntN(len(hashes))], width, min(max(0, radius-2+r.IntN(5)), 64*width))
}

// radii are around every change of plan: where the reach of all slots is raised.
func radii(width int) []int {
	all := []int{0, 1, 2, 5}
	for reach := range maxReach + 1 {
		edge := 4 * width * (reach + 1)
		all = append(all, edge-2, edge-1, edge, edge+1)
	}
	return append(all, 64*width/2, 64*width)
}

func TestSearchIsTheScan(t *testing.T) {
	for _, width := range []int{1, 4} {
		for _, set := range sets {
			for _, n := range []int{0, 1, tableSize, tableSize + 1, 5000} {
				r := seeded()
				hashes := set.make(r, width, n)
				x := New(width)
				refs, words := flat(hashes, width)
				_, ok := x.AddAll(refs, words)
				require.True(t, ok)
				truth := make(map[uint32]hash)
				for i, h := range hashes {
					truth[uint32(i)] = h
				}
				for _, radius := range radii(width) {
					q := nearby(r, hashes, width, radius)
					for _, at := range []int{radius - 1, radius, radius + 1} {
						if at >= 0 && at <= 64*width {
							require.Equal(t, oracle(truth, width, q, at), found(t, x, q, at), "%s, width %d, n %d, radius %d", set.name, width, n, at)
						}
					}
				}
			}
		}
	}
}

// Sets of more than one page of numbers, and of every width of keys.
func TestSearchIsTheScanInLargeSets(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	for _, width := range []int{1, 4} {
		for i, set := range sets {
			for _, n := range [][]int{{1 << 16, 1<<16 + 1, 200_000}, {150_000}}[min(i, 1)] {
				r := seeded()
				hashes := set.make(r, width, n)
				x := New(width)
				refs, words := flat(hashes, width)
				_, ok := x.AddAll(refs, words)
				require.True(t, ok)
				for range 12 {
					radius := []int{3, 8 * width, 8*width - 1, 8*width + r.IntN(4*width)}[r.IntN(4)]
					q := nearby(r, hashes, width, radius)
					var want []hit
					scan(words, width, &q, radius, func(i, distance int) { want = append(want, hit{uint32(i), distance}) })
					require.Equal(t, want, found(t, x, q, radius), "%s, width %d, n %d, radius %d", set.name, width, n, radius)
				}
			}
		}
	}
}

// A batch finds for each query what that finds alone: more than one batch of them, some
// of which have very many candidates.
func TestSearchAllIsSearch(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	for _, width := range []int{1, 4} {
		for _, set := range sets {
			r := seeded()
			hashes := set.make(r, width, 70_000)
			refs, words := flat(hashes, width)
			live, file := New(width), New(width)
			_, ok := live.AddAll(refs, words)
			require.True(t, ok)
			require.NoError(t, file.Attach(0, frozen(t, width, words, nil)))
			radius := 8*width - 1
			queries := repeat(maxBatch+50, func(int) hash { return nearby(r, hashes, width, radius) })
			if set.name == "one cluster" || set.name == "all equal" {
				queries = queries[:40] // each finds most of the set
			}
			for _, x := range []*Index{live, file} {
				got := make([][]hit, len(queries))
				require.NoError(t, x.SearchAll(queries, radius, func(query int, ref uint32, distance int) {
					got[query] = append(got[query], hit{ref, distance})
				}))
				for i := range queries {
					var want []hit
					require.NoError(t, x.Search(&queries[i], radius, func(ref uint32, distance int) { want = append(want, hit{ref, distance}) }))
					require.Equal(t, sorted(want), sorted(got[i]), "%s, width %d, query %d", set.name, width, i)
				}
			}
		}
	}
	require.NoError(t, New(4).SearchAll(nil, 31, nil))
}
