package mih

import (
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
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
func laid(p *Packed, width, align int) *image {
	m := &image{width: width, limit: uint32(p.Count)}
	for i, a := range p.Arrays {
		m.data = append(m.data, make([]byte, -len(m.data)&(align-1))...)
		m.at[i] = Range{int64(len(m.data)), int64(len(a))}
		m.data = append(m.data, a...)
	}
	return m
}

// array returns the bytes of an array.
func (m *image) array(i int) []byte { return m.data[m.at[i].Offset:][:m.at[i].Length] }

// open opens the segment with checksums that may be those of other bytes.
func (m *image) open(sums []uint32) (*Frozen, *mapped.File, error) {
	f := mapped.Hold(m.data)
	if err := f.Expect(sums, int64(len(m.data))); err != nil {
		return nil, nil, err
	}
	s, err := Open(f, m.width, m.limit, m.at)
	return s, f, err
}

// frozen returns hashes in a file.
func frozen(t require.TestingT, width int, words []uint64, refs []uint32) *Frozen {
	m := laid(Pack(width, words, refs), width, 64)
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

// scanOf returns the hits of the linear scan. Without refs they are the places.
func scanOf(words []uint64, refs []uint32, base uint32, width int, q hash, radius int) (hits []hit) {
	scan(words, width, &q, radius, func(i, distance int) {
		ref := uint32(i)
		if refs != nil {
			ref = refs[i]
		}
		hits = append(hits, hit{base + ref, distance})
	})
	return sorted(hits)
}

// A segment in a file finds what the scan does, and what the same hashes in memory
// do, with refs and without.
func TestFrozenIsTheScan(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	for _, width := range []int{1, 4} {
		for _, set := range sets {
			for _, n := range []int{1, 2, 4000, 100_000} {
				if n == 100_000 && set.name != "random" && set.name != "clusters in noise" {
					continue // the others take as long as a scan does, or longer
				}
				for _, withRefs := range []bool{false, true} {
					r := seeded()
					hashes := set.make(r, width, n)
					_, words := flat(hashes, width)
					var refs []uint32
					if withRefs {
						refs = shuffled(r, n)
					}
					s := frozen(t, width, words, refs)
					if !withRefs {
						var err error
						words, err = s.AppendWords(nil, 0, s.Len()) // in order, without equal ones
						require.NoError(t, err)
					}
					require.Equal(t, len(words)/width, s.Count())
					base := r.Uint32()
					if base > -uint32(s.Count()) {
						base = 7
					}
					x, live := New(width), New(width)
					require.NoError(t, x.Attach(base, s))
					require.Equal(t, s.Count(), x.Len())
					at := refs
					if !withRefs {
						at = make([]uint32, s.Count())
						for i := range at {
							at[i] = uint32(i)
						}
					}
					_, ok := live.AddAll(at, words)
					require.True(t, ok)
					all := radii(width)
					if n == 100_000 {
						all = []int{0, 4*width - 1, 8*width - 1, 8 * width, 40 * width}
					}
					for _, radius := range all {
						q := nearby(r, hashes, width, radius)
						for _, at := range []int{radius - 1, radius, radius + 1} {
							if at < 0 || at > 64*width {
								continue
							}
							got := found(t, x, q, at)
							require.Equal(t, scanOf(words, refs, base, width, q, at), got, "%s, width %d, n %d, refs %v, radius %d", set.name, width, n, withRefs, at)
							if at != radius {
								continue
							}
							for i := range got {
								got[i].ref -= base
							}
							require.Equal(t, found(t, live, q, at), got)
						}
					}
				}
			}
		}
	}
}

// attach puts hashes in a file into a model, without refs where they are distinct.
func (m *model) attach(t require.TestingT, r *rand.Rand, base uint32, hashes []hash) {
	_, words := flat(hashes, m.width)
	p := Pack(m.width, words, nil)
	refs := shuffled(r, len(hashes))
	if p.N == len(hashes) && r.IntN(2) == 0 {
		refs = nil
		hashes = slices.SortedFunc(slices.Values(hashes), func(a, b hash) int { return compare(a[:], b[:]) })
	}
	require.NoError(t, m.x.Attach(base, frozen(t, m.width, words, refs)))
	for i, h := range hashes {
		if refs != nil {
			i = int(refs[i])
		}
		m.truth[base+uint32(i)] = h
	}
}

// Segments in files beside live ones, with additions, removals and merges of all of
// them.
func TestFrozenAmongLive(t *testing.T) {
	for _, width := range []int{1, 4} {
		for _, set := range sets {
			r := seeded()
			m := newModel(width)
			hashes := set.make(r, width, 12_000)
			var refs []uint32 // that were ever used
			for step := range 10 {
				for range 700 {
					switch i := r.IntN(10); {
					case i < 5:
						ref := r.Uint32N(1 << 20)
						m.add(t, ref, hashes[r.IntN(len(hashes))])
						refs = append(refs, ref)
					case len(refs) > 0:
						m.remove(t, refs[r.IntN(len(refs))])
					}
				}
				if step%2 == 0 {
					n, from := 1+r.IntN(3000), r.IntN(9000)
					base := uint32(step+1) << 20
					m.attach(t, r, base, hashes[from:from+n])
					for i := range n {
						refs = append(refs, base+uint32(i))
					}
					require.Error(t, m.x.Attach(base+uint32(n)-1, frozen(t, width, hashes[0][:width], nil)), "taken")
				}
				if step%3 == 0 {
					m.x.Wait()
				}
				for _, radius := range []int{0, 4*width - 1, 8*width - 1, 8 * width} {
					m.check(t, nearby(r, hashes, width, radius), radius)
				}
			}
			for ref := range m.truth {
				m.remove(t, ref)
			}
			m.x.Wait()
			m.check(t, hashes[0], 64*width)
			for _, s := range m.x.state.Load().segments {
				require.NotZero(t, s.live(), "what is all removed is let go of")
			}
		}
	}
}

// A large segment stays in its file until a quarter of it is removed.
func TestLargeFrozenRests(t *testing.T) {
	r := seeded()
	n := smallSegment + 40_000
	hashes := repeat(n, func(int) hash { return random(r, 1) })
	_, words := flat(hashes, 1)
	x := New(1)
	s := frozen(t, 1, words, nil)
	require.NoError(t, x.Attach(0, s))
	words, err := s.AppendWords(nil, 0, n)
	require.NoError(t, err)
	more := repeat(60_000, func(int) hash { return random(r, 1) })
	for i, h := range more {
		require.True(t, x.Add(uint32(n+i), &h))
	}
	x.Wait()
	inFiles := func() (n int) {
		for _, s := range x.state.Load().segments {
			if s.origin != nil {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, inFiles())
	require.Less(t, x.Bytes(), 50*len(more), "what is in a file is not counted")
	gone := n/4 + 1
	for i := range gone {
		require.True(t, remove(t, x, uint32(i), hash{words[i]}))
		if i < gone-1 {
			require.Equal(t, 1, inFiles())
		}
	}
	x.Wait()
	require.Zero(t, inFiles())
	require.Equal(t, n-gone+len(more), x.Len())
	for range 20 {
		q := nearby(r, hashes, 1, 9)
		var want []hit
		for _, h := range scanOf(words, nil, 0, 1, q, 9) {
			if int(h.ref) >= gone {
				want = append(want, h)
			}
		}
		_, late := flat(more, 1)
		want = append(want, scanOf(late, nil, uint32(n), 1, q, 9)...)
		require.Equal(t, want, found(t, x, q, 9))
	}
}

// Refs with gaps, in more than one segment under one base.
func TestAttachTakesRefs(t *testing.T) {
	r := seeded()
	hashes := repeat(6, func(int) hash { return random(r, 4) })
	_, words := flat(hashes, 4)
	part := func(from, to int, limit uint32, refs ...uint32) *Frozen {
		m := laid(Pack(4, words[4*from:4*to], refs), 4, 64)
		m.limit = limit
		s, _, err := m.open(mapped.Sums(m.data))
		require.NoError(t, err)
		return s
	}
	a, b := part(0, 3, 1000, 7, 999, 0), part(3, 5, 1000, 1, 500)
	x := New(4)
	require.True(t, x.Add(100, &hashes[5]))
	require.True(t, x.Add(1102, &hashes[5]))
	require.Error(t, x.Attach(100, a, b))
	require.Error(t, x.Attach(103, a, b))
	require.Error(t, x.Attach(1<<32-999, a, b), "over the end of refs")
	require.Error(t, x.Attach(101, a, part(3, 5, 999, 1, 2)), "different limits")
	require.Error(t, New(1).Attach(101, a))
	require.Equal(t, 2, x.Len())
	require.NoError(t, x.Attach(101, a, b))
	require.Equal(t, 7, x.Len())
	require.Equal(t, []hit{{101 + 999, 0}}, found(t, x, hashes[1], 31))
	require.Equal(t, []hit{{101 + 500, 0}}, found(t, x, hashes[4], 31))
	require.False(t, x.Add(101+3, &hashes[5]), "a gap is taken too")
	require.True(t, remove(t, x, 101+500, hashes[4]))
	require.False(t, remove(t, x, 101+500, hashes[4]))
	require.True(t, x.Add(101+500, &hashes[5]), "what was removed is free")
	require.NoError(t, x.Attach(1<<32-1000, a, b), "to the end of refs")
	require.Equal(t, []hit{{101 + 999, 0}, {1<<32 - 1, 0}}, found(t, x, hashes[1], 31))

	none := frozen(t, 4, nil, nil)
	require.Zero(t, none.Len())
	require.NoError(t, none.Verify())
	before := x.state.Load()
	require.NoError(t, x.Attach(101, none), "nothing is taken")
	require.Same(t, before, x.state.Load())
}

// A range is taken as its refs one by one would be.
func TestTakeRange(t *testing.T) {
	r := seeded()
	for range 100 {
		x, taken := New(1), make(map[uint32]bool)
		for range 20 {
			from, n := r.Uint32N(3*refsPerPage), 1+r.Uint32N(200)
			if r.IntN(4) == 0 {
				n = 1 + r.Uint32N(2*refsPerPage)
			}
			free := true
			for ref := from; ref < from+n; ref++ {
				free = free && !taken[ref]
			}
			require.Equal(t, free, x.takeRange(from, n))
			for ref := from; free && ref < from+n; ref++ {
				taken[ref] = true
			}
		}
		for ref := range uint32(6 * refsPerPage) {
			if taken[ref] != x.isTaken(ref) {
				require.Equal(t, taken[ref], x.isTaken(ref), "%d", ref)
			}
		}
	}
}

func TestPackIsOfTheSet(t *testing.T) {
	for _, width := range []int{1, 4} {
		r := seeded()
		hashes := sets[3].make(r, width, 3000)
		refs, words := flat(hashes, width)
		want, bare := Pack(width, words, refs), Pack(width, words, nil)
		for i, p := range r.Perm(len(hashes)) { // in another order
			copy(words[i*width:], hashes[p][:width])
			refs[i] = uint32(p)
		}
		kept := slices.Clone(words)
		require.Equal(t, want, Pack(width, words, refs))
		require.Equal(t, bare, Pack(width, words, nil))
		require.Equal(t, bare, Pack(width, append(words, words...), nil), "equal hashes count once")
		require.Equal(t, bare, Pack(width, mapped.View[uint64](bare.Arrays[Words]), nil), "in order already")
		require.Equal(t, kept, words, "what is packed is not changed")
		require.Zero(t, bare.Arrays[Refs])
		require.Zero(t, bare.Arrays[Starts])
		require.Equal(t, make([]byte, 2*padding), want.Arrays[Verify][len(want.Arrays[Verify])-2*padding:])
	}
}

func TestFrozenListsAndFinds(t *testing.T) {
	for _, width := range []int{1, 4} {
		r := seeded()
		hashes := repeat(3000, func(int) hash { return random(r, width) })
		_, words := flat(hashes, width)
		s := frozen(t, width, words, nil)
		rising, err := s.AppendWords(nil, 0, s.Len())
		require.NoError(t, err)
		for _, i := range []int{0, 1, 1499, 2999} {
			w, err := s.AppendWords(nil, i, i+1)
			require.NoError(t, err)
			require.Equal(t, rising[i*width:(i+1)*width], w)
			var h hash
			copy(h[:], w)
			place, ok, err := s.Find(&h)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, i, place)
			h[width-1] ^= 1
			_, ok, err = s.Find(&h)
			require.NoError(t, err)
			require.False(t, ok)
		}
	}
}

// Nothing that is said of the arrays is believed.
func TestOpenRefuses(t *testing.T) {
	r := seeded()
	hashes := repeat(300, func(i int) hash { return hash{uint64(i/2) * 0x9e37_79b9_7f4a_7c15} })
	_, words := flat(hashes, 1)
	good := laid(Pack(1, words, shuffled(r, 300)), 1, 64)
	sums := mapped.Sums(good.data)
	_, _, err := good.open(sums)
	require.NoError(t, err)
	refused := func(why string, change func(m *image)) {
		m := *good
		change(&m)
		_, _, err := m.open(sums)
		var d *mapped.Damage
		require.ErrorAs(t, err, &d, why)
	}
	for i := range NumArrays {
		for _, by := range []int64{-1, 1, -sizes[i], sizes[i], -8, 8, -good.at[i].Length, -1 << 40, 1 << 40, 1<<63 - 1 - good.at[i].Length, -1 << 63} {
			if good.at[i].Length == 0 && by <= 0 && by != -1<<40 && by != -1<<63 {
				continue
			}
			refused("length", func(m *image) { m.at[i].Length += by })
		}
		for _, to := range []int64{-8, -1 << 63, good.at[i].Offset + 1, good.at[i].Offset + 4, int64(len(good.data)), 1<<63 - 8} {
			refused("offset", func(m *image) {
				m.at[i].Offset = to
				m.at[i].Length = max(m.at[i].Length, sizes[i])
			})
		}
	}
	refused("starts without refs", func(m *image) { m.at[Refs] = Range{} })
	refused("refs without starts", func(m *image) { m.at[Starts] = Range{} })
	refused("a limit below", func(m *image) { m.limit = 299 })
	refused("another width", func(m *image) { m.width = 4 })
	m := *good
	m.width = 3
	_, _, err = m.open(sums)
	require.Error(t, err)

	// What is small is read at once: here the checksums are right.
	for _, array := range []int{Bounds, Starts} {
		for _, change := range []func(b []uint32){
			func(b []uint32) { b[0] = 1 },
			func(b []uint32) { b[len(b)-1]++ },
			func(b []uint32) { b[len(b)-1] = 1 << 31 },
			func(b []uint32) { b[7], b[6] = b[6], b[7]+1 },
			func(b []uint32) { b[8] = 1 << 31 },
			func(b []uint32) { b[1<<minKeyBits] = b[1<<minKeyBits-1] - 1 },
		} {
			m := *good
			m.data = slices.Clone(m.data)
			change(mapped.View[uint32](m.array(array)))
			_, _, err := m.open(mapped.Sums(m.data))
			require.True(t, damaged(t, err))
		}
	}
}

// Files that are consistent, but of hashes that are not in order, or with a ref twice.
func TestVerifyWantsOrder(t *testing.T) {
	r := seeded()
	hashes := repeat(200, func(int) hash { return random(r, 1) })
	_, words := flat(hashes, 1)
	slices.Sort(words)
	refs := shuffled(r, 200)
	words[51], words[52] = words[50], words[50]
	slices.Sort(refs[50:53])
	verify := func(words []uint64, refs []uint32) error {
		a := arrays{shape: shapeOf(1, len(words), len(words)), words: words}
		if refs != nil {
			a = fold(&list{width: 1, words: slices.Clone(words), refs: refs})
		}
		a.index()
		m := laid(a.packed(), 1, 64)
		s, _, err := m.open(mapped.Sums(m.data))
		require.NoError(t, err)
		return s.Verify()
	}
	require.NoError(t, verify(words, refs))
	require.True(t, damaged(t, verify(words, nil)), "equal hashes without refs")
	words[51], words[52] = words[50]+1, words[50]+2
	require.NoError(t, verify(words, nil))
	words[51], words[52] = words[52], words[51]
	require.True(t, damaged(t, verify(words, nil)), "hashes that fall")
	words[51], words[52] = words[50], words[50]
	refs[51], refs[52] = refs[52], refs[51]
	require.True(t, damaged(t, verify(words, refs)), "refs that fall")
	refs[51], refs[52] = refs[52], refs[51]
	refs[0] = refs[9]
	require.True(t, damaged(t, verify(words, refs)), "a ref twice")
}

// spoilable are sets to make files of that are then spoiled: a small one, and one that
// has marks. Every byte of the small one is spoiled; of the other it is some.
var spoilable = []struct{ width, n, step int }{{4, 80, 1}, {1, 1<<pageBits + 500, 20_011}}

// spoilableSet returns hashes and their refs. The first two are equal, and of 256 bits they lie
// in a cluster; nearly all others are distinct.
func spoilableSet(r *rand.Rand, width, n int) (hashes []hash, words []uint64, refs []uint32) {
	centre := random(r, width)
	hashes = repeat(n, func(i int) hash {
		if i < n/6 && width == 4 {
			return flipped(r, centre, width, r.IntN(20))
		}
		return random(r, width)
	})
	hashes[1] = hashes[0]
	_, words = flat(hashes, width)
	return hashes, words, shuffled(r, n)
}

// steps are numbers below n, the last one among them.
func steps(n, step int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n; i += step {
			if !yield(i) {
				return
			}
		}
		if n > 0 && step > 1 {
			yield(n - 1)
		}
	}
}

// damaged tells that an error is one of a file.
func damaged(t require.TestingT, err error) bool {
	if err == nil {
		return false
	}
	var d *mapped.Damage
	require.ErrorAs(t, err, &d)
	return true
}

// Every byte of every array is flipped in turn. No search takes it for what was there.
func TestNoFlippedByteIsBelieved(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	for _, c := range spoilable {
		r := seeded()
		hashes, words, refs := spoilableSet(r, c.width, c.n)
		m := laid(Pack(c.width, words, refs), c.width, mapped.BlockSize)
		sums := mapped.Sums(m.data)
		q := flipped(r, hashes[0], c.width, 5)
		radius := 4*c.width - 1 // small sets are scanned for more
		want := [][]hit{scanOf(words, refs, 0, c.width, q, radius), scanOf(words, refs, 0, c.width, q, 50*c.width)}
		for array := range NumArrays {
			bytes, seen := m.array(array), false
			for i := range steps(len(bytes), c.step) {
				right := bytes[i]
				bytes[i] ^= 1 << r.IntN(8)
				s, f, err := m.open(sums)
				if damaged(t, err) {
					seen = true
					err = f.CheckAll()
				} else {
					require.False(t, array == Bounds || array == Starts, "these are read at once")
					x := New(c.width)
					require.NoError(t, x.Attach(0, s))
					for at, radius := range []int{radius, 50 * c.width} {
						var hits []hit
						err := x.Search(&q, radius, func(ref uint32, distance int) { hits = append(hits, hit{ref, distance}) })
						if damaged(t, err) {
							seen = true
							continue
						}
						require.Equal(t, want[at], sorted(hits), "array %d, byte %d", array, i)
					}
					require.True(t, damaged(t, s.Verify()))
					_, err = s.AppendWords(nil, 0, s.Len())
					require.Equal(t, array == Words, damaged(t, err))
					err = f.CheckAll()
				}
				require.True(t, damaged(t, err), "array %d, byte %d", array, i)
				bytes[i] = right
			}
			if array == Marks && c.width == 4 {
				require.Empty(t, bytes)
				continue
			}
			require.True(t, seen, "array %d is never looked at", array)
			if array == Bounds || array == Starts {
				continue
			}
			// All of it at once, so that whatever is looked at is wrong.
			for i := range bytes {
				bytes[i] ^= 1
			}
			s, _, err := m.open(sums)
			require.NoError(t, err)
			x := New(c.width)
			require.NoError(t, x.Attach(0, s))
			for i := range 60 {
				q := flipped(r, hashes[i], c.width, 4*c.width-1)
				var hits []hit
				err := x.Search(&q, 4*c.width-1, func(ref uint32, distance int) { hits = append(hits, hit{ref, distance}) })
				if !damaged(t, err) {
					require.Equal(t, scanOf(words, refs, 0, c.width, q, 4*c.width-1), sorted(hits), "array %d", array)
				}
			}
			for i := range bytes {
				bytes[i] ^= 1
			}
		}
	}
}

// The same with checksums that are right: the file is somebody's who wants harm.
// Nothing breaks, and Verify tells.
func TestHostileBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	r := seeded()
	for _, c := range spoilable {
		hashes, words, refs := spoilableSet(r, c.width, c.n)
		queries := []hash{hashes[1], hashes[c.n-1]}
		m := laid(Pack(c.width, words, refs), c.width, 64)
		good := slices.Clone(m.data)
		for array := range NumArrays {
			bytes := m.array(array)
			for i := range steps(len(bytes), c.step) {
				bytes[i] ^= byte(1 + r.IntN(255))
				require.False(t, survives(t, m, queries, i%16 == 0), "array %d, byte %d", array, i)
				copy(m.data, good)
			}
			for _, fill := range []byte{0, 0xff, 1, 0x80} {
				for i := range bytes {
					bytes[i] = fill
				}
				require.Equal(t, array == Marks && c.width == 4, survives(t, m, queries, true), "array %d, all %x", array, fill)
				copy(m.data, good)
			}
		}
		require.True(t, survives(t, m, queries, true))
	}
}

// survives does with a file what can be done, and returns whether it is right. If it
// is, all answers are.
func survives(t require.TestingT, m *image, queries []hash, merge bool) bool {
	s, f, err := m.open(mapped.Sums(m.data))
	if damaged(t, err) {
		return false
	}
	require.NoError(t, f.CheckAll())
	bad := damaged(t, s.Verify())
	words, err := s.AppendWords(nil, 0, s.Len())
	require.NoError(t, err)
	x := New(m.width)
	require.NoError(t, x.Attach(5, s))
	for _, q := range queries {
		for _, radius := range []int{4*m.width - 1, 8*m.width - 1, 60 * m.width} {
			hits := 0
			err := x.Search(&q, radius, func(uint32, int) { hits++ })
			require.LessOrEqual(t, hits, s.Count())
			if damaged(t, err) || bad {
				require.True(t, bad, "%v", err)
				continue
			}
			want := 0
			scan(words, m.width, &q, radius, func(i, _ int) {
				from, to := s.refsOf(i)
				want += to - from
			})
			require.Equal(t, want, hits, "radius %d", radius)
		}
	}
	for _, radius := range []int{4*m.width - 1, 8*m.width - 1} {
		hits := make([]int, len(queries))
		if err := x.SearchAll(queries, radius, func(query int, _ uint32, _ int) { hits[query]++ }); damaged(t, err) {
			require.True(t, bad, "%v", err)
		}
		require.LessOrEqual(t, slices.Max(hits), s.Count())
	}
	if merge {
		for i := range tableSize + 1 {
			x.Add(1<<30+uint32(i), &queries[0])
		}
		x.Wait()
	}
	for _, q := range queries {
		_, _, err = s.Find(&q)
		damaged(t, err)
		_, err = x.Remove(5, &q)
		damaged(t, err)
	}
	return !bad
}

// A hash with very many refs that a group has again and again.
func TestHostileRepetition(t *testing.T) {
	r := seeded()
	const n, shared = 3000, 1500
	hashes := repeat(n, func(int) hash { return random(r, 4) })
	for i := range shared {
		hashes[i] = hashes[0]
	}
	refs, words := flat(hashes, 4)
	m := laid(Pack(4, words, refs), 4, 64)
	open := func() *Frozen {
		s, _, err := m.open(mapped.Sums(m.data))
		require.NoError(t, err)
		return s
	}
	place, ok, err := open().Find(&hashes[0])
	require.NoError(t, err)
	require.True(t, ok)
	low, verify := mapped.View[uint16](m.array(Low)), mapped.View[uint16](m.array(Verify))
	for i := range low[:n-shared+1] { // of slot 1
		low[i], verify[n-shared+1+i] = uint16(place), slotOf(hashes[0][:], 2)
	}
	s := open()
	x := New(4)
	require.NoError(t, x.Attach(0, s))
	hits := 0
	q := hashes[0]
	q[0] ^= 3 << 48 // so that slot 1 is the first to find it
	require.True(t, damaged(t, x.Search(&q, 15, func(uint32, int) { hits++ })))
	require.LessOrEqual(t, hits, n)
	require.True(t, damaged(t, s.Verify()))
}

// What can't be read is not merged: all else is, and searches go on to say so.
func TestMergesLeaveDamageAlone(t *testing.T) {
	r := seeded()
	hashes := repeat(10_000, func(int) hash { return random(r, 4) })
	_, words := flat(hashes, 4)
	m := laid(Pack(4, words[:4*3000], nil), 4, mapped.BlockSize)
	sums := mapped.Sums(m.data)
	m.array(Words)[4] ^= 1 // the first of two blocks
	bad, _, err := m.open(sums)
	require.NoError(t, err)
	good := frozen(t, 4, words[4*3000:4*6000], nil)
	x := New(4)
	require.NoError(t, x.Attach(0, bad))
	require.NoError(t, x.Attach(3000, good))
	for i, h := range hashes[6000:] {
		require.True(t, x.Add(uint32(6000+i), &h))
	}
	x.Wait()
	left := 0
	for _, s := range x.state.Load().segments {
		if s.origin != nil {
			left++
			require.True(t, s.taken)
		}
	}
	require.Equal(t, 1, left)
	require.Equal(t, 10_000, x.Len())
	var first, last hash // of the damaged segment: in the bad block and in the good one
	rising := mapped.View[uint64](Pack(4, words[:4*3000], nil).Arrays[Words])
	copy(first[:], rising)
	copy(last[:], rising[4*2999:])
	require.True(t, damaged(t, x.Search(&first, 0, func(uint32, int) {})))
	require.Equal(t, []hit{{2999, 0}}, found(t, x, last, 0))
	require.Equal(t, []hit{{9999, 0}}, found(t, x, hashes[9999], 0))
	_, err = x.Remove(0, &first)
	require.True(t, damaged(t, err))
	require.True(t, remove(t, x, 2999, last))
	require.True(t, remove(t, x, 9999, hashes[9999]))
	require.False(t, remove(t, x, 9998, first), "a ref that is elsewhere asks nothing of it")
	hits := 0
	require.True(t, damaged(t, x.Search(&hashes[7000], 256, func(uint32, int) { hits++ })))
	require.Equal(t, 6999, hits, "the others are searched all the same")
}

// A segment whose hashes are not in order would be lost in a merge.
func TestMergesWantOrder(t *testing.T) {
	r := seeded()
	hashes := repeat(6000, func(int) hash { return random(r, 1) })
	_, words := flat(hashes, 1)
	m := laid(Pack(1, words[:100], nil), 1, 64)
	b := mapped.View[uint64](m.array(Words))
	b[10], b[11] = b[11], b[10]
	s, _, err := m.open(mapped.Sums(m.data))
	require.NoError(t, err)
	x := New(1)
	require.NoError(t, x.Attach(0, s))
	for i, h := range hashes[100:] {
		require.True(t, x.Add(uint32(100+i), &h))
	}
	x.Wait()
	require.True(t, slices.ContainsFunc(x.state.Load().segments, func(s *segment) bool { return s.origin != nil }))
}

// mappedSegment writes a file and opens its segment.
func mappedSegment(t *testing.T, m *image, path string) (*Frozen, *mapped.File) {
	require.NoError(t, os.WriteFile(path, m.data, 0o600))
	f, err := mapped.Map(path)
	require.NoError(t, err)
	require.NoError(t, f.Expect(mapped.Sums(m.data), int64(len(m.data))))
	s, err := Open(f, m.width, m.limit, m.at)
	require.NoError(t, err)
	return s, f
}

// What is removed while its segment is merged, and then can't be read: the result of
// the merge must not be used, as it would find what was removed.
func TestMergesEndWithoutTheirFile(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is known to fault here")
	}
	r := seeded()
	hashes := repeat(3000, func(int) hash { return random(r, 4) })
	_, words := flat(hashes, 4)
	slices.SortFunc(hashes, func(a, b hash) int { return compare(a[:], b[:]) })
	path := filepath.Join(t.TempDir(), "segment")
	s, _ := mappedSegment(t, laid(Pack(4, words, nil), 4, 64), path)
	x := New(4)
	require.NoError(t, x.Attach(0, s))
	old := x.state.Load()
	j := &job{segments: slices.Clone(old.segments)}
	for _, dead := range j.dead() {
		j.was = append(j.was, make([]uint32, len(dead)))
	}
	made, bad := j.build(4)
	require.Nil(t, bad)
	require.Equal(t, 3000, made.live())
	require.True(t, remove(t, x, 7, hashes[7]))
	require.Nil(t, j.bury(made))
	require.Equal(t, 2999, made.live())
	require.True(t, remove(t, x, 8, hashes[8]))
	require.NoError(t, os.Truncate(path, 0))
	require.Same(t, old.segments[0], x.put(j, made))
	require.Same(t, old, x.state.Load())
	j.giveUp(old.segments[0])
	require.True(t, old.segments[0].taken)
}

// A file that is cut short under its mapping is an error at every step.
func TestFrozenCutShort(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is known to fault here")
	}
	r := seeded()
	hashes := repeat(20_000, func(int) hash { return random(r, 4) })
	_, words := flat(hashes, 4)
	m := laid(Pack(4, words, nil), 4, 64)
	path := filepath.Join(t.TempDir(), "segment")
	for array := range Marks { // there are none of those
		for _, checked := range []bool{false, true} {
			s, f := mappedSegment(t, m, path)
			if checked {
				require.NoError(t, f.CheckAll())
			}
			x := New(4)
			require.NoError(t, x.Attach(0, s))
			require.NoError(t, os.Truncate(path, m.at[array].Offset&^4095))
			failed := 0
			for _, h := range hashes[:50] {
				for _, radius := range []int{31, 128} {
					if damaged(t, x.Search(&h, radius, func(uint32, int) {})) {
						failed++
					}
				}
			}
			require.NotZero(t, failed, "array %d", array)
			require.True(t, damaged(t, s.Verify()))
			for i := range 3 * tableSize {
				require.True(t, x.Add(1<<30+uint32(i), &hashes[i]))
			}
			x.Wait()
			require.Equal(t, 20_000+3*tableSize, x.Len())
		}
	}
}

func TestFrozenSearchDoesNotAllocate(t *testing.T) {
	for _, set := range sets {
		r := seeded()
		hashes := set.make(r, 4, 20_000)
		_, words := flat(hashes, 4)
		x := New(4)
		require.NoError(t, x.Attach(9, frozen(t, 4, words, shuffled(r, len(hashes)))))
		q, hits := nearby(r, hashes, 4, 31), 0
		assert.Zero(t, testing.AllocsPerRun(10, func() {
			if x.Search(&q, 31, func(uint32, int) { hits++ }) != nil {
				t.Fail()
			}
		}), set.name)
	}
}

// Readers beside writers, merges and segments being attached.
func TestFrozenBesideReadersAndWriters(t *testing.T) {
	r := seeded()
	x := New(4)
	centre := random(r, 4)
	stay := repeat(3000, func(i int) hash { return flipped(r, centre, 4, i%32) })
	_, words := flat(stay, 4)
	refs, _ := flat(stay, 4)
	require.NoError(t, x.Attach(0, frozen(t, 4, words, refs)))
	var done atomic.Bool
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for !done.Load() {
				n, wrong := 0, 0
				assert.NoError(t, x.Search(&centre, 31, func(ref uint32, distance int) {
					switch {
					case int(ref) >= len(stay):
						if distance != 20 {
							wrong++
						}
					case distance != int(ref)%32:
						wrong++
					default:
						n++
					}
				}))
				assert.Zero(t, wrong)
				assert.Equal(t, len(stay), n)
			}
		}()
	}
	for w := range 2 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			r := rand.New(rand.NewPCG(uint64(w), 3))
			base := uint32(10_000 + w*1_000_000)
			for range 12 {
				mine := repeat(600, func(i int) hash { return flipped(r, centre, 4, 20+100*(i%2)) })
				refs, words := flat(mine, 4)
				assert.NoError(t, x.Attach(base, frozen(t, 4, words, refs)))
				for i, h := range mine {
					assert.True(t, x.Add(base+1000+uint32(i), &h))
					if i%2 == 0 {
						assert.True(t, remove(t, x, base+uint32(i), h))
					}
				}
				for i, h := range mine {
					if i%2 != 0 {
						assert.True(t, remove(t, x, base+uint32(i), h))
					}
					if i%8 != 0 {
						assert.True(t, remove(t, x, base+1000+uint32(i), h))
					}
				}
				base += 2000
			}
		}()
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	x.Wait()
	require.Equal(t, len(stay)+2*12*75, x.Len())
}

// hostileBases are files to spoil: a small one with shared refs, and one with marks.
var hostileBases = sync.OnceValue(func() (bases [2]*image) {
	r := seeded()
	for i, c := range spoilable {
		_, words, refs := spoilableSet(r, c.width, c.n)
		bases[i] = laid(Pack(c.width, words, refs), c.width, 64)
	}
	return bases
})

// FuzzHostile spoils files whose checksums are right: bytes, whole stretches, and
// where arrays are said to lie.
func FuzzHostile(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte{Low, 0, 0, 0xff, 0x05, 0xff}, false)
	f.Add([]byte{Marks, 0, 0, 0, 0x3f, 0xff}, true)
	f.Add([]byte{Refs, 0, 5, 0, 0, 0, Starts, 0, 4, 7, 0, 1}, true)
	f.Add([]byte{Bounds | 0x80, 0, 64, 1, 0, 0}, false)
	f.Fuzz(func(t *testing.T, ops []byte, large bool) {
		base := hostileBases()[0]
		if large {
			base = hostileBases()[1]
		}
		m := *base
		m.data = slices.Clone(m.data)
		for ; len(ops) >= 6; ops = ops[6:] {
			array, at, n, to := int(ops[0]&0x7f)%NumArrays, int(ops[1])<<8|int(ops[2]), int(ops[3])<<8|int(ops[4]), ops[5]
			if ops[0]&0x80 != 0 {
				m.at[array].Offset += 8 * int64(int8(ops[3]))
				m.at[array].Length += int64(int8(ops[4])) * sizes[array]
				continue
			}
			bytes := m.data[base.at[array].Offset:][:base.at[array].Length]
			at = at * len(bytes) / (1 << 16)
			for i := range bytes[at:min(at+n+1, len(bytes))] {
				bytes[at+i] = to + byte(i)*ops[0]>>4
			}
		}
		queries := []hash{{}, {1 << 20}}
		copy(queries[1][:], mapped.View[uint64](base.array(Words))[:base.width])
		if m.at == base.at && slices.Equal(m.data, base.data) {
			require.True(t, survives(t, &m, queries, true))
			return
		}
		survives(t, &m, queries, true)
	})
}

// What was put in at once goes out at once, and what else is there stays.
func TestDetach(t *testing.T) {
	r := seeded()
	_, words := flat(sets[0].make(r, 4, smallSegment+10), 4)
	_, others := flat(sets[0].make(r, 4, 3000), 4)
	s, o := frozen(t, 4, words, nil), frozen(t, 4, others, nil)
	x := New(4)
	require.NoError(t, x.Attach(100, s))
	require.NoError(t, x.Attach(1_000_000, s))
	require.NoError(t, x.Attach(2_000_000, o))
	q := hash(words[:4])
	removed, err := x.Remove(1_000_000, &q)
	require.NoError(t, err)
	t.Log("removed:", removed)
	x.Wait()
	before := x.Len()
	require.Empty(t, x.Detach(1_000_000, s))
	require.Equal(t, []*Frozen{s}, x.Detach(1_000_000, s), "it is gone already")
	require.Less(t, x.Len(), before-smallSegment)
	var got []uint32
	require.NoError(t, x.Search(&q, 0, func(ref uint32, _ int) { got = append(got, ref) }))
	for _, ref := range got {
		require.Less(t, ref, uint32(1_000_000))
	}
	q = hash(others[:4])
	got = nil
	require.NoError(t, x.Search(&q, 0, func(ref uint32, _ int) { got = append(got, ref) }))
	require.Len(t, got, 1)
	require.Empty(t, x.Detach(100, s))
	require.Equal(t, o.Count(), x.Len())
}
