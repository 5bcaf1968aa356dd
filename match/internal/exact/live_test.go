package exact

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// model is an Index beside what it must hold.
type model struct {
	x    *Index
	keys map[uint32]string
	refs map[string]map[uint32]bool
}

func newModel(size int) *model {
	return &model{New(size), make(map[uint32]string), make(map[string]map[uint32]bool)}
}

func (m *model) put(ref uint32, key []byte) {
	m.keys[ref] = string(key)
	if m.refs[string(key)] == nil {
		m.refs[string(key)] = make(map[uint32]bool)
	}
	m.refs[string(key)][ref] = true
}

func (m *model) add(t require.TestingT, ref uint32, key []byte) {
	_, taken := m.keys[ref]
	if m.x.Add(ref, key) == taken {
		require.Fail(t, "add", "ref %d, taken: %v", ref, taken)
	}
	if !taken {
		m.put(ref, key)
	}
}

func (m *model) remove(t require.TestingT, r *rand.Rand, ref uint32) {
	key, there := m.keys[ref]
	if !there {
		key = string(random(r, m.x.size))
	}
	if m.x.Remove(ref, other(r, []byte(key))) || m.x.Remove(ref, []byte(key)) != there {
		require.Fail(t, "remove", "ref %d, there: %v", ref, there)
	}
	delete(m.keys, ref)
	delete(m.refs[key], ref)
}

func (m *model) check(t require.TestingT, key []byte) {
	var want []uint32
	for ref := range m.refs[string(key)] {
		want = append(want, ref)
	}
	slices.Sort(want)
	require.Equal(t, want, found(t, m.x, key))
	require.Equal(t, len(m.keys), m.x.Len())
}

// verify holds every table of the set to its own rules.
func (m *model) verify(t require.TestingT) {
	for _, table := range m.x.state.Load().tables {
		require.NoError(t, table.verify())
	}
}

// Additions and removals in any order, through every merge of deltas into tables, of
// tables into larger ones and of those that lie in a file, are seen by the next search.
func TestLiveSets(t *testing.T) {
	for i, set := range sets {
		size := sizes[i%len(sizes)]
		r := seeded()
		m := newModel(size)
		keys := set.make(r, size, 60_000)
		next := uint32(0)
		for step := range 8 {
			for range 5000 {
				switch i := r.IntN(10); {
				case i < 6 && int(next) < len(keys):
					m.add(t, next, keys[next])
					next++
				case i < 8:
					m.remove(t, r, uint32(r.IntN(int(next)+1)))
				default: // a ref is used again, often for the same key
					m.add(t, uint32(r.IntN(int(next)+1)), keys[r.IntN(len(keys))])
				}
			}
			if step%3 == 2 {
				refs, all := flat(keys[next:][:2000+10_000*(step/4)])
				for i := range refs {
					refs[i] += 1_000_000 + uint32(step)*100_000
					m.put(refs[i], keys[int(next)+i])
				}
				if step == 2 {
					_, ok := m.x.AddAll(refs, all)
					require.True(t, ok)
				} else {
					for i := range refs {
						refs[i] = uint32(i)
					}
					s := opened(t, 0, Pack(size, all, refs))
					require.NoError(t, m.x.Attach(1_000_000+uint32(step)*100_000, s))
				}
				m.x.Wait()
				m.verify(t)
			}
			for looked := 0; looked < 20_000; {
				key := keys[r.IntN(len(keys))]
				m.check(t, key)
				m.check(t, other(r, key))
				looked += 100 + len(m.refs[string(key)])
			}
		}
		for ref := range m.keys {
			m.remove(t, r, ref)
		}
		m.check(t, keys[0])
		m.x.Wait()
		for _, s := range m.x.state.Load().tables {
			assert.NotZero(t, s.live(), "what is all removed is freed")
		}
	}
}

// Around every size at which something else is done.
func TestBoundaries(t *testing.T) {
	for _, n := range []int{0, 1, firstDelta, firstDelta + 1, deltaSize - 1, deltaSize, deltaSize + 1, 2*deltaSize + 1} {
		for _, at := range []string{"one by one", "at once", "in a file"} {
			r := seeded()
			m := newModel(20)
			keys := sets[0].make(r, 20, n)
			switch refs, all := flat(keys); at {
			case "one by one":
				for i, key := range keys {
					require.True(t, m.x.Add(uint32(i), key))
				}
			case "at once":
				_, ok := m.x.AddAll(refs, all)
				require.True(t, ok)
			case "in a file":
				require.NoError(t, m.x.Attach(0, opened(t, 0, Pack(20, all, refs))))
			}
			for i, key := range keys {
				m.put(uint32(i), key)
			}
			for range 2 {
				for _, key := range keys {
					m.check(t, key)
				}
				m.check(t, random(r, 20))
				m.x.Wait()
			}
			m.verify(t)
		}
	}
}

// Tables stay few, and what is removed gives its memory back.
func TestMergesKeepTablesFew(t *testing.T) {
	r := seeded()
	x := New(16)
	n := 200_000
	keys := sets[0].make(r, 16, n)
	for i, key := range keys {
		require.True(t, x.Add(uint32(i), key))
	}
	x.Wait()
	st := x.state.Load()
	require.LessOrEqual(t, len(st.tables), 5)
	require.Len(t, st.deltas, 1)
	full := x.Bytes()
	assert.Less(t, full, 26*n)
	for i, key := range keys[n/10:] {
		require.True(t, x.Remove(uint32(i+n/10), key))
	}
	x.Wait()
	assert.Less(t, x.Bytes(), full/5)
	require.Equal(t, n/10, x.Len())
	for i, key := range keys[:n/10] {
		require.Equal(t, []uint32{uint32(i)}, found(t, x, key))
	}
}

func TestAddAllIsAllOrNothing(t *testing.T) {
	r := seeded()
	x := New(32)
	keys := sets[0].make(r, 32, 10_000)
	refs, all := flat(keys)
	require.True(t, x.Add(9_000, keys[0]))
	at, ok := x.AddAll(refs, all)
	require.False(t, ok)
	require.Equal(t, 9_000, at)
	require.Equal(t, 1, x.Len())
	require.True(t, x.Remove(9_000, keys[0]))
	_, ok = x.AddAll(append(refs[:9_999:9_999], 5), all)
	require.False(t, ok, "twice")
	was := slices.Clone(all)
	_, ok = x.AddAll(refs, all)
	require.True(t, ok)
	require.Equal(t, was, all, "the caller's keys stay as they are")
	require.Equal(t, 10_000, x.Len())
}

func TestSearchDoesNotAllocate(t *testing.T) {
	r := seeded()
	keys := sets[2].make(r, 32, smallTable+1)
	x := New(32)
	refs, all := flat(keys)
	_, ok := x.AddAll(refs[:20_000], all[:32*20_000])
	require.True(t, ok)
	require.NoError(t, x.Attach(1_000_000, opened(t, 0, Pack(32, slices.Clone(all), refs))))
	x.Wait()
	require.True(t, x.Add(1<<32-1, keys[0]))
	require.NotNil(t, x.state.Load().tables[1].file, "it is too large to be merged")
	hits, foreign := 0, random(r, 32)
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		if x.Search(keys[0], func(uint32) { hits++ }) != nil || x.Search(foreign, func(uint32) { hits++ }) != nil {
			t.Error("damage")
		}
	}))
	assert.Greater(t, hits, 1000)
}

// A key of another size is a mistake that is not passed over.
func TestSizesAreHeld(t *testing.T) {
	for _, size := range []int{0, 15, 33, 64} {
		require.Panics(t, func() { New(size) })
		require.Panics(t, func() { Pack(size, nil, nil) })
	}
	x := New(16)
	key := make([]byte, 20)
	require.Panics(t, func() { x.Add(0, key) })
	require.Panics(t, func() { x.Remove(0, key) })
	require.Panics(t, func() { x.AddAll([]uint32{0}, key) })
	require.Panics(t, func() { _ = x.Search(key, func(uint32) {}) })
	require.Zero(t, x.Len())
}

// Readers, writers and merges together: what is there all the time is always found,
// what never was is never, and nothing is found twice.
func TestReadersBesideWriters(t *testing.T) {
	r := seeded()
	x := New(20)
	keys := sets[0].make(r, 20, 300)
	var stay [][]byte // three times in memory and twice in a file
	for range 3 {
		stay = append(stay, keys...)
	}
	for i, key := range stay {
		require.True(t, x.Add(uint32(i), key))
	}
	refs, all := flat(append(stay[:300:300], keys...))
	require.NoError(t, x.Attach(900, opened(t, 0, Pack(20, all, refs))))
	var done atomic.Bool
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for i := 0; !done.Load(); i = (i + 1) % 300 {
				var seen [5]int
				wrong := 0
				err := x.Search(keys[i], func(ref uint32) {
					switch {
					case ref < 1500 && int(ref)%300 == i:
						seen[ref/300]++
					case ref < 10_000 || i%3 > 0: // writers use every third key
						wrong++
					}
				})
				if err != nil || wrong > 0 || seen != [5]int{1, 1, 1, 1, 1} {
					assert.Fail(t, "wrong", "%v %d %v", err, wrong, seen)
					return
				}
			}
		}()
	}
	for w := range 2 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			r := rand.New(rand.NewPCG(uint64(w), 3))
			var mine [][]byte
			base := uint32(10_000 + w*1_000_000)
			for i := range 30_000 {
				key := random(r, 20)
				if i%2 == 0 {
					key = keys[3*r.IntN(100)]
				}
				assert.True(t, x.Add(base+uint32(i), key))
				mine = append(mine, key)
				if i%4 > 0 {
					gone := r.IntN(len(mine))
					x.Remove(base+uint32(gone), mine[gone])
				}
			}
			for i := range mine {
				x.Remove(base+uint32(i), mine[i])
			}
		}()
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	require.Equal(t, 1500, x.Len())
	for range 2 {
		for i, key := range keys {
			n := uint32(i)
			require.Equal(t, []uint32{n, n + 300, n + 600, n + 900, n + 1200}, found(t, x, key), "what was removed is gone")
		}
		x.Wait()
	}
}

// FuzzIndex plays a sequence of changes and searches. Keys are made of few bytes, so
// that many are equal or share a prefix.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x01\x01\x02\x03\x02\x01\x02\x1f"), uint16(0))
	f.Add([]byte("\x03\x40\x00\x00\x03\x40\x10\x00\x02\x00\x00\x20\x01\x00\x01\x00\x02\x01\x00\x1f"), uint16(9000))
	f.Add([]byte("\x04\x40\x00\x09\x03\x40\x10\x00\x02\x00\x00\x20\x04\x00\x01\x00\x02\x01\x00\x1f"), uint16(300))
	f.Fuzz(func(t *testing.T, ops []byte, filler uint16) {
		for _, size := range sizes {
			r := seeded()
			m := newModel(size)
			keyOf := func(a, b byte) []byte {
				key := make([]byte, size)
				key[0], key[size-1], key[int(b)%size] = a&3, a, b
				return key
			}
			for i := range min(int(filler), 18_000) { // so that there are tables
				m.add(t, 1000+uint32(i), keyOf(byte(i), byte(i>>8)))
			}
			base := uint32(100_000)
			for i := 0; i+4 <= len(ops) && i < 400; i += 4 {
				a, b, c := ops[i+1], ops[i+2], ops[i+3]
				switch ops[i] % 5 {
				case 0:
					m.add(t, uint32(c), keyOf(a, b))
				case 1:
					m.remove(t, r, uint32(c))
				case 2:
					m.check(t, keyOf(a, b))
				case 3:
					m.remove(t, r, 1000+uint32(binary.LittleEndian.Uint16([]byte{a, b}))%6000)
				case 4:
					var keys []byte
					var refs []uint32
					for i := range uint32(c) {
						key := keyOf(a+byte(i), b)
						m.put(base+2*i, key)
						keys, refs = append(keys, key...), append(refs, 2*i)
					}
					require.NoError(t, m.x.Attach(base, opened(t, 2*uint32(c), Pack(size, keys, refs))))
					base += 2 * uint32(c)
				}
			}
			m.check(t, make([]byte, size))
			m.x.Wait()
			m.verify(t)
			m.check(t, keyOf(1, 2))
		}
	})
}
