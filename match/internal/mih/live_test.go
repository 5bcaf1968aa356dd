package mih

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// model is an Index beside what it must hold.
type model struct {
	x     *Index
	width int
	truth map[uint32]hash
}

func newModel(width int) *model { return &model{New(width), width, make(map[uint32]hash)} }

func (m *model) add(t require.TestingT, ref uint32, h hash) {
	_, taken := m.truth[ref]
	require.Equal(t, !taken, m.x.Add(ref, &h))
	if !taken {
		m.truth[ref] = h
	}
}

func (m *model) remove(t require.TestingT, ref uint32) {
	h, there := m.truth[ref]
	if there {
		other := h
		other[0] ^= 1
		require.False(t, remove(t, m.x, ref, other), "another hash")
	}
	require.Equal(t, there, remove(t, m.x, ref, h))
	delete(m.truth, ref)
}

func (m *model) check(t require.TestingT, q hash, radius int) {
	require.Equal(t, oracle(m.truth, m.width, q, radius), found(t, m.x, q, radius), "radius %d", radius)
	require.Equal(t, len(m.truth), m.x.Len())
}

// Additions and removals in any order, through every merge of tables into segments
// and of segments into larger ones, are seen by the next search.
func TestLiveSets(t *testing.T) {
	for _, set := range sets {
		r := seeded()
		m := newModel(4)
		hashes := set.make(r, 4, 15_000)
		next := uint32(0)
		for step := range 16 {
			for range 1500 {
				switch i := r.IntN(10); {
				case i < 6 && int(next) < len(hashes):
					m.add(t, next, hashes[next])
					next++
				case i < 9:
					m.remove(t, uint32(r.IntN(int(next)+1)))
				default: // a ref is used again, often for the same hash
					m.add(t, uint32(r.IntN(int(next)+1)), hashes[r.IntN(len(hashes))])
				}
			}
			if step%3 == 0 {
				m.x.Wait()
			}
			for _, radius := range []int{0, 15, 30, 31, 32} {
				m.check(t, nearby(r, hashes, 4, radius), radius)
			}
		}
		for ref := range m.truth {
			m.remove(t, ref)
		}
		m.check(t, hashes[0], 31)
		m.x.Wait()
		for _, s := range m.x.state.Load().segments {
			assert.NotZero(t, s.live(), "what is all removed is freed")
		}
	}
}

// Segments stay few, and what is removed gives its memory back.
func TestMergesKeepSegmentsFew(t *testing.T) {
	r := seeded()
	x := New(1)
	n := 100_000
	hashes := repeat(n, func(int) hash { return random(r, 1) })
	for i, h := range hashes {
		require.True(t, x.Add(uint32(i), &h))
	}
	x.Wait()
	st := x.state.Load()
	require.LessOrEqual(t, len(st.segments), 5)
	require.Len(t, st.tables, 1)
	full := x.Bytes()
	assert.Less(t, full, 40*n)
	for i, h := range hashes[n/10:] {
		require.True(t, remove(t, x, uint32(i+n/10), h))
	}
	x.Wait()
	assert.Less(t, x.Bytes(), full/5)
	require.Equal(t, n/10, x.Len())
	for i, h := range hashes[:n/10] {
		require.Contains(t, found(t, x, h, 0), hit{uint32(i), 0})
	}
}

func TestAddAllIsAllOrNothing(t *testing.T) {
	r := seeded()
	x := New(4)
	hashes := repeat(10_000, func(int) hash { return random(r, 4) })
	refs, words := flat(hashes, 4)
	require.True(t, x.Add(9_000, &hashes[0]))
	at, ok := x.AddAll(refs, words)
	require.False(t, ok)
	require.Equal(t, 9_000, at)
	require.Equal(t, 1, x.Len())
	require.True(t, remove(t, x, 9_000, hashes[0]))
	_, ok = x.AddAll(append(refs[:9_999:9_999], 5), words)
	require.False(t, ok, "twice")
	_, ok = x.AddAll(refs, words)
	require.True(t, ok)
	require.Equal(t, 10_000, x.Len())
}

func TestSearchDoesNotAllocate(t *testing.T) {
	for _, set := range sets {
		r := seeded()
		hashes := set.make(r, 4, 20_000)
		x := New(4)
		x.AddAll(flat(hashes, 4))
		x.Add(1<<32-1, &hashes[0])
		x.Wait()
		q, hits := nearby(r, hashes, 4, 31), 0
		assert.Zero(t, testing.AllocsPerRun(10, func() {
			if x.Search(&q, 31, func(uint32, int) { hits++ }) != nil {
				t.Fail()
			}
		}), set.name)
	}
}

// Readers, writers and merges together: what is there all the time is always found,
// what never was is never, and nothing is found twice.
func TestReadersBesideWriters(t *testing.T) {
	r := seeded()
	x := New(4)
	centre := random(r, 4)
	stay := repeat(1000, func(i int) hash { return flipped(r, centre, 4, i%32) })
	for i, h := range stay {
		require.True(t, x.Add(uint32(i), &h))
	}
	var done atomic.Bool
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			seen := make([]bool, len(stay))
			for !done.Load() {
				clear(seen)
				twice, wrong := 0, 0
				assert.NoError(t, x.Search(&centre, 31, func(ref uint32, distance int) {
					switch {
					case int(ref) >= len(stay):
						if distance != 20 {
							wrong++
						}
					case seen[ref]:
						twice++
					case distance != int(ref)%32:
						wrong++
					default:
						seen[ref] = true
					}
				}))
				assert.Zero(t, twice)
				assert.Zero(t, wrong)
				assert.NotContains(t, seen, false)
			}
		}()
	}
	for w := range 2 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			r := rand.New(rand.NewPCG(uint64(w), 3))
			var mine []hash
			base := uint32(10_000 + w*1_000_000)
			for i := range 6000 {
				h := flipped(r, centre, 4, 20+100*(i%2)) // the others are far away
				assert.True(t, x.Add(base+uint32(i), &h))
				mine = append(mine, h)
				if i%4 > 0 {
					gone := r.IntN(len(mine))
					remove(t, x, base+uint32(gone), mine[gone])
				}
			}
			for i := range mine {
				remove(t, x, base+uint32(i), mine[i])
			}
		}()
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	require.Equal(t, len(stay), x.Len())
	require.Len(t, found(t, x, centre, 31), len(stay))
}

// FuzzIndex plays a sequence of changes and searches. Hashes are made of few bytes,
// so that many are near or equal.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x01\x01\x02\x03\x02\x01\x02\x1f"), uint16(0))
	f.Add([]byte("\x03\x40\x00\x00\x03\x40\x10\x00\x02\x00\x00\x20\x01\x00\x01\x00\x02\x01\x00\x1f"), uint16(3000))
	f.Fuzz(func(t *testing.T, ops []byte, filler uint16) {
		for _, width := range []int{1, 4} {
			m := newModel(width)
			hashOf := func(a, b byte) (h hash) {
				for i := range width {
					h[i] = uint64(a) * 0x0101_0101_0101_0101 >> (i % 3)
				}
				h[int(b)%width] ^= 1 << (b % 64)
				return h
			}
			for i := range min(int(filler), 6000) { // so that there are segments
				m.add(t, 1000+uint32(i), hashOf(byte(i), byte(i>>8)))
			}
			for i := 0; i+4 <= len(ops) && i < 400; i += 4 {
				a, b, c := ops[i+1], ops[i+2], ops[i+3]
				switch ops[i] % 4 {
				case 0:
					m.add(t, uint32(c), hashOf(a, b))
				case 1:
					m.remove(t, uint32(c))
				case 2:
					m.check(t, hashOf(a, b), int(c)%(64*width+1))
				case 3:
					m.remove(t, 1000+uint32(binary.LittleEndian.Uint16([]byte{a, b}))%6000)
				}
			}
			m.check(t, hash{}, 31)
			m.x.Wait()
			m.check(t, hashOf(1, 2), 20)
		}
	})
}
