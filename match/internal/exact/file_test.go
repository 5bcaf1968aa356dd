package exact

import (
	"bytes"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// A table comes back from a file as it went in, mapped or held, with refs or without.
func TestPackedTables(t *testing.T) {
	for _, size := range sizes {
		for _, set := range sets {
			for _, n := range []int{0, 1, 15, 16, 3000} {
				for _, bare := range []bool{false, true} {
					r := seeded()
					keys := set.make(r, size, n)
					refs, all := flat(keys)
					if bare {
						refs = nil
						keys = slices.Clone(keys)
						slices.SortFunc(keys, bytes.Compare)
						keys = slices.CompactFunc(keys, bytes.Equal)
					}
					p := Pack(size, all, refs)
					require.Equal(t, len(keys), p.N)
					data, at := file(p)
					path := filepath.Join(t.TempDir(), "table")
					require.NoError(t, os.WriteFile(path, data, 0o600))
					f, err := mapped.Map(path)
					require.NoError(t, err)
					require.NoError(t, f.Expect(mapped.Sums(data), int64(len(data))))
					s, err := Open(size, 0, f, at)
					require.NoError(t, err)
					require.NoError(t, s.Verify())
					require.Equal(t, len(keys), s.Count())
					require.EqualValues(t, len(keys), s.Span())
					x := New(size)
					require.NoError(t, x.Attach(500, s))
					require.Equal(t, len(keys), x.Len())
					truth := make(map[string][]uint32)
					for i, key := range keys {
						truth[string(key)] = append(truth[string(key)], 500+uint32(i))
					}
					for key, refs := range truth {
						require.Equal(t, refs, found(t, x, []byte(key)))
						foreign := other(r, []byte(key))
						require.Equal(t, truth[string(foreign)], found(t, x, foreign))
						i, ok, err := s.Find([]byte(key))
						require.NoError(t, err)
						require.True(t, ok)
						for n, want := range refs {
							got, err := s.Key(i + n)
							require.NoError(t, err)
							require.Equal(t, key, string(got))
							ref, err := s.Ref(i + n)
							require.NoError(t, err)
							require.Equal(t, want, 500+ref)
						}
					}
					_, ok, err := s.Find(random(r, size))
					require.NoError(t, err)
					require.False(t, ok)
					_, ok, err = s.Find(nil)
					require.NoError(t, err)
					require.False(t, ok)
				}
			}
		}
	}
}

// A file is the same bytes however its keys came.
func TestPackIsDeterministic(t *testing.T) {
	r := seeded()
	keys := sets[2].make(r, 20, 5000)
	refs, all := flat(keys)
	want := Pack(20, all, refs)
	var shuffledKeys []byte
	var shuffledRefs []uint32
	for _, i := range r.Perm(len(keys)) {
		shuffledKeys, shuffledRefs = append(shuffledKeys, keys[i]...), append(shuffledRefs, uint32(i))
	}
	require.Equal(t, want, Pack(20, shuffledKeys, shuffledRefs))
}

// Foreign keys are turned away by the filter, nearly all of them, without a look at the
// table; and at most forty bytes a key suffice for that.
func TestForeignKeysDoNotTouchTheTable(t *testing.T) {
	r := seeded()
	const n = 100_000
	keys := sets[0].make(r, 32, n)
	_, all := flat(keys)
	p := Pack(32, all, nil)
	sum := 0
	for _, a := range p.Arrays {
		sum += len(a)
	}
	assert.Less(t, sum, 35*n)
	data, at := file(p)
	f := held(t, data)
	s, err := Open(32, 0, f, at)
	require.NoError(t, err)
	before, _ := f.Checked()
	x := New(32)
	require.NoError(t, x.Attach(0, s))
	for range 30 {
		require.Empty(t, found(t, x, random(r, 32)))
	}
	after, _ := f.Checked()
	require.Equal(t, before, after, "only the tops and the filter were read")
	passed := 0
	for range n {
		if s.filter.Test(random(r, 32)) {
			passed++
		}
	}
	assert.InDelta(t, 100, passed, 20, "one in a thousand")
}

// A million keys that begin alike cost a look-up no more than halves do.
func TestOnePrefixIsSearchedByHalves(t *testing.T) {
	if testing.Short() {
		t.Skip("a million keys")
	}
	const n = 1_000_000
	keys := make([]byte, 0, 32*n)
	prefix := bytes.Repeat([]byte{7}, 28)
	for i := range n {
		keys = append(append(keys, prefix...), byte(i>>24), byte(i>>16), byte(i>>8), byte(i))
	}
	data, at := file(Pack(32, keys, nil))
	f := held(t, data)
	s, err := Open(32, 0, f, at)
	require.NoError(t, err)
	x := New(32)
	require.NoError(t, x.Attach(0, s))
	r := seeded()
	for range 20 {
		before, _ := f.Checked()
		i := r.IntN(n)
		require.Equal(t, []uint32{uint32(i)}, found(t, x, append(prefix[:28:28], byte(i>>24), byte(i>>16), byte(i>>8), byte(i))))
		after, all := f.Checked()
		require.LessOrEqual(t, after-before, 20, "of %d blocks", all)
	}
}

func TestAttachRefuses(t *testing.T) {
	r := seeded()
	keys := sets[0].make(r, 16, 100)
	refs, all := flat(keys)
	s := opened(t, 0, Pack(16, all, refs))
	x := New(20)
	require.Error(t, x.Attach(0, s), "another size")
	x = New(16)
	require.Error(t, x.Attach(1<<32-99, s), "beyond the last ref")
	require.True(t, x.Add(99, keys[0]))
	require.Error(t, x.Attach(0, s), "a ref is taken")
	require.Equal(t, 1, x.Len())
	require.NoError(t, x.Attach(100, s))
	require.NoError(t, x.Attach(1<<32-100, s))
	require.Equal(t, 201, x.Len())
	require.False(t, x.Add(150, keys[0]))
	require.False(t, x.Add(1<<32-1, keys[0]))
	require.True(t, x.Remove(1<<32-1, keys[99]))
	require.True(t, x.Add(1<<32-1, keys[0]))
}

// Refs may be spread: all below the span are taken, whether there is a key or not.
func TestSpread(t *testing.T) {
	r := seeded()
	keys := sets[0].make(r, 16, 3)
	_, all := flat(keys)
	s := opened(t, 50, Pack(16, all, []uint32{7, 49, 20}))
	require.NoError(t, s.Verify())
	require.EqualValues(t, 50, s.Span())
	x := New(16)
	require.NoError(t, x.Attach(1000, s))
	require.Equal(t, 3, x.Len())
	require.Equal(t, []uint32{1049}, found(t, x, keys[1]))
	require.False(t, x.Add(1030, keys[0]))
	require.True(t, x.Add(1050, keys[0]))
	require.False(t, x.Remove(1030, keys[1]))
	require.True(t, x.Remove(1020, keys[2]))
	require.True(t, x.Add(1020, keys[0]))
	require.Equal(t, []uint32{1007, 1020, 1050}, found(t, x, keys[0]))
}

// Large tables in files are left alone until a quarter of them is removed; small ones
// are merged as all others are.
func TestMergesOfTablesInFiles(t *testing.T) {
	r := seeded()
	const n = smallTable + smallTable/2
	m := newModel(16)
	keys := sets[0].make(r, 16, n)
	_, all := flat(keys)
	attach := func(first, n int, base uint32) {
		p := Pack(16, slices.Clone(all[16*first:16*(first+n)]), nil)
		for i := range n {
			m.put(base+uint32(i), p.Arrays[Keys][16*i:16*(i+1)])
		}
		require.NoError(t, m.x.Attach(base, opened(t, 0, p)))
	}
	files := func() (large, small int) {
		for _, t := range m.x.state.Load().tables {
			if t.file != nil && t.n > smallTable {
				large++
			} else if t.file != nil {
				small++
			}
		}
		return large, small
	}
	attach(0, n, 0)
	attach(0, 1000, 1_000_000)
	for i := range 8 * deltaSize { // enough for the large one to be next, were it in memory
		m.add(t, 2_000_000+uint32(i), keys[i])
	}
	m.x.Wait()
	large, small := files()
	require.Equal(t, 1, large)
	require.Zero(t, small)
	for i := range uint32(n / 4) {
		m.remove(t, r, i)
	}
	m.x.Wait()
	large, _ = files()
	require.Equal(t, 1, large, "a quarter, and not more")
	for i := range uint32(10) {
		m.remove(t, r, n/4+i)
	}
	m.x.Wait()
	large, _ = files()
	require.Zero(t, large)
	m.verify(t)
	for range 3000 {
		m.check(t, keys[r.IntN(n)])
		m.check(t, random(r, 16))
	}
}

// A merge that meets damage, or keys that are out of order, leaves that table as it is
// and goes on with the others; a search that needs it says so.
func TestMergesMeetDamage(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(data []byte, at [NumArrays]Range) (*mapped.File, []byte)
	}{
		{"damage", func(data []byte, at [NumArrays]Range) (*mapped.File, []byte) {
			f := mapped.Hold(data)
			require.NoError(t, f.Expect(mapped.Sums(data), int64(len(data))))
			data[at[Keys].Offset+16*50+3] ^= 1
			return f, nil
		}},
		{"disorder", func(data []byte, at [NumArrays]Range) (*mapped.File, []byte) {
			keys := data[at[Keys].Offset:]
			a, b := keys[16*30:16*31], keys[16*50:16*51]
			for i := range a {
				a[i], b[i] = b[i], a[i]
			}
			return held(t, data), nil
		}},
		{"a ref beyond the last", func(data []byte, at [NumArrays]Range) (*mapped.File, []byte) {
			data[at[Refs].Offset+4*50+3] = 1
			return held(t, data), nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := seeded()
			keys := sets[0].make(r, 16, 100)
			refs, all := flat(keys)
			data, at := file(Pack(16, all, refs))
			f, _ := c.harm(data, at)
			s, err := Open(16, 0, f, at)
			require.NoError(t, err)
			require.Error(t, s.Verify())
			m := newModel(16)
			require.NoError(t, m.x.Attach(1_000_000, s))
			good := sets[0].make(r, 16, 4*deltaSize)
			for i, key := range good {
				require.True(t, m.x.Add(uint32(i), key))
			}
			m.x.Wait()
			st := m.x.state.Load()
			left := slices.IndexFunc(st.tables, func(t *table) bool { return t.file != nil })
			require.GreaterOrEqual(t, left, 0)
			require.True(t, st.tables[left].broken)
			require.False(t, st.tables[left].taken)
			require.Len(t, st.deltas, 1, "what can be merged is")
			for i, key := range good { // some of them pass the damaged table's filter
				var refs []uint32
				_ = m.x.Search(key, func(ref uint32) { refs = append(refs, ref) })
				require.Equal(t, []uint32{uint32(i)}, refs)
			}
			require.Equal(t, len(good)+100, m.x.Len())
			damaged := 0
			for _, key := range keys {
				hits := 0
				if err := m.x.Search(key, func(uint32) { hits++ }); err != nil {
					var d *mapped.Damage
					require.ErrorAs(t, err, &d)
					damaged++
				} else if hits == 0 {
					require.Equal(t, "disorder", c.name, "never a silent miss")
				}
			}
			if c.name == "damage" {
				require.Equal(t, 100, damaged, "they are all in one block")
				require.False(t, m.x.Remove(1_000_000, keys[0]))
			}
			if c.name == "a ref beyond the last" {
				require.Equal(t, 1, damaged)
			}
		})
	}
}

// A file that is cut short under the mapping is an error.
func TestAFileCutShort(t *testing.T) {
	r := seeded()
	const n = 20_000
	keys := sets[0].make(r, 32, n)
	_, all := flat(keys)
	p := Pack(32, all, nil)
	p.Arrays[Keys], p.Arrays[Filter] = p.Arrays[Filter], p.Arrays[Keys] // the keys come last
	data, at := file(p)
	at[Keys], at[Filter] = at[Filter], at[Keys]
	path := filepath.Join(t.TempDir(), "table")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	f, err := mapped.Map(path)
	require.NoError(t, err)
	if _, all := f.Checked(); all == 0 {
		require.NoError(t, f.Expect(mapped.Sums(data), int64(len(data))))
	}
	s, err := Open(32, 0, f, at)
	require.NoError(t, err)
	x := New(32)
	require.NoError(t, x.Attach(0, s))
	if err := os.Truncate(path, at[Keys].Offset); err != nil {
		t.Skip("this system does not cut mapped files")
	}
	var d *mapped.Damage
	require.ErrorAs(t, x.Search(keys[0], func(uint32) {}), &d)
	_, _, err = s.Find(keys[0])
	require.ErrorAs(t, err, &d)
	_, err = s.Key(n - 1)
	require.ErrorAs(t, err, &d)
	require.ErrorAs(t, s.Verify(), &d)
	require.False(t, x.Remove(0, keys[0]))
	require.NoError(t, x.Search(random(r, 32), func(uint32) {}), "the filter has been read")
}

func TestOpenBelievesNoLength(t *testing.T) {
	r := seeded()
	keys := sets[0].make(r, 20, 300)
	refs, all := flat(keys)
	data, good := file(Pack(20, all, refs))
	end := int64(len(data))
	for name, change := range map[string]func(at *[NumArrays]Range){
		"negative offset": func(at *[NumArrays]Range) { at[Keys].Offset = -20 },
		"negative length": func(at *[NumArrays]Range) { at[Refs].Length = -4 },
		"beyond the end":  func(at *[NumArrays]Range) { at[Filter].Offset = end - 8 },
		"overflow":        func(at *[NumArrays]Range) { at[Keys] = Range{1 << 62, 1<<63 - 20} },
		"no whole key":    func(at *[NumArrays]Range) { at[Keys].Length-- },
		"more than keys":  func(at *[NumArrays]Range) { at[Keys].Length++ },
		"no keys":         func(at *[NumArrays]Range) { at[Keys].Length = 0 },
		"a key less":      func(at *[NumArrays]Range) { at[Keys].Length -= 20 },
		"a ref less":      func(at *[NumArrays]Range) { at[Refs].Length -= 4 },
		"half a ref":      func(at *[NumArrays]Range) { at[Refs].Length -= 2 },
		"no tops":         func(at *[NumArrays]Range) { at[Tops].Length = 0 },
		"a top less":      func(at *[NumArrays]Range) { at[Tops].Length -= 4 },
		"no filter":       func(at *[NumArrays]Range) { at[Filter].Length = 0 },
		"a smaller one":   func(at *[NumArrays]Range) { at[Filter].Length -= 8 },
		"other tops":      func(at *[NumArrays]Range) { at[Tops].Offset = at[Filter].Offset },
		"a shorter run":   func(at *[NumArrays]Range) { at[Keys].Length -= 20; at[Refs].Length -= 4 },
	} {
		at := good
		change(&at)
		_, err := Open(20, 0, held(t, data), at)
		var d *mapped.Damage
		require.ErrorAs(t, err, &d, name)
	}
	_, err := Open(20, 299, held(t, data), good)
	require.Error(t, err, "fewer refs than keys")
	at := good
	at[Refs].Length = 0
	_, err = Open(20, 301, held(t, data), at)
	require.Error(t, err, "refs that are places can't be spread")
	_, err = Open(20, 301, held(t, data), good)
	require.NoError(t, err)
}

// What Open can't see without reading all, Verify does.
func TestVerifySeesWhatIsWrong(t *testing.T) {
	r := seeded()
	keys := sets[0].make(r, 16, 100)
	_, all := flat(keys)
	sorted := &list{size: 16, keys: all}
	sorted.sort()
	refs := make([]uint32, 100)
	for i := range refs {
		refs[i] = uint32(99 - i)
	}
	for name, c := range map[string]struct {
		array  int // that the damage is in
		change func(l *list)
	}{
		"nothing":                  {-1, func(*list) {}},
		"nothing, without refs":    {-1, func(l *list) { l.refs = nil }},
		"nothing, equal keys":      {-1, func(l *list) { copy(l.key(51), l.key(50)); l.refs[50], l.refs[51] = l.refs[51], l.refs[50] }},
		"equal keys, without refs": {Keys, func(l *list) { copy(l.key(51), l.key(50)); l.refs = nil }},
		"equal keys, refs fall":    {Keys, func(l *list) { copy(l.key(51), l.key(50)) }},
		"keys fall":                {Keys, func(l *list) { k := slices.Clone(l.key(50)); copy(l.key(50), l.key(51)); copy(l.key(51), k) }},
		"a ref twice":              {Refs, func(l *list) { l.refs[70] = l.refs[3] }},
		"a ref beyond the last":    {Refs, func(l *list) { l.refs[70] = 100 }},
	} {
		l := &list{size: 16, keys: slices.Clone(sorted.keys), refs: slices.Clone(refs)}
		c.change(l)
		f := newFrozen(l)
		s := opened(t, 0, &Packed{Size: 16, N: 100, Arrays: [NumArrays][]byte{f.keys, mapped.Bytes(f.refs), mapped.Bytes(f.tops), mapped.Bytes(f.filter.BitSet().Words())}})
		err := s.Verify()
		if c.array < 0 {
			require.NoError(t, err, name)
			continue
		}
		var d *mapped.Damage
		require.ErrorAs(t, err, &d, name)
		require.GreaterOrEqual(t, d.Offset, s.at[c.array].Offset, name)
		require.Less(t, d.Offset, s.at[c.array].Offset+s.at[c.array].Length, name)
	}
}

func TestOpenRefusesTopsThatFall(t *testing.T) {
	_, all := flat(sets[0].make(seeded(), 16, 1000))
	for _, c := range []struct {
		at   int
		with uint32
	}{{0, 1}, {5, 0}, {5, 1001}, {64, 999}, {64, 1001}} {
		p := Pack(16, slices.Clone(all), nil)
		tops := mapped.View[uint32](p.Arrays[Tops])
		require.Len(t, tops, 65)
		tops[c.at] = c.with
		p.Arrays[Tops] = mapped.Bytes(tops)
		data, at := file(p)
		_, err := Open(16, 0, held(t, data), at)
		var d *mapped.Damage
		require.ErrorAs(t, err, &d, "%+v", c)
		require.GreaterOrEqual(t, d.Offset, at[Tops].Offset)
	}
}

// Files stay readable: the same keys are the same bytes in every version and on every
// processor, those of the filter's library too.
func TestPackedBytesDoNotChange(t *testing.T) {
	for size, want := range map[int][NumArrays]uint32{
		16: {0x9bf2c2e0, 0x202f8264, 0x8a0e3c37, 0x7b960773},
		20: {0x0ecfeefc, 0x65b87885, 0x14bd1773, 0x47c54fa4},
		32: {0x0ebbaac3, 0x2ad7b3a9, 0x6807dd1b, 0x630bcacc},
	} {
		refs, keys := flat(sets[0].make(seeded(), size, 1000))
		p := Pack(size, keys, refs)
		var got [NumArrays]uint32
		for i, a := range p.Arrays {
			got[i] = crc32.ChecksumIEEE(a)
		}
		assert.Equal(t, want, got, size)
	}
}

// tiny is a small table as a file, with every way of keys.
func tiny(size int, bare bool) (keys [][]byte, data []byte, at [NumArrays]Range) {
	r := seeded()
	keys = sets[0].make(r, size, 33)
	refs, all := flat(append(keys[:33:33], keys[5], keys[5], keys[8]))
	if bare {
		refs = nil
	}
	data, at = file(Pack(size, all, refs))
	return keys, data, at
}

// answers opens a table and asks for all keys and some others. An answer is the refs
// with an error's nil beside them.
func answers(t *testing.T, size int, f *mapped.File, at [NumArrays]Range, keys [][]byte) (all [][]uint32, errs []error, s *Frozen) {
	s, err := Open(size, 0, f, at)
	if err != nil {
		var d *mapped.Damage
		require.ErrorAs(t, err, &d)
		return nil, nil, nil
	}
	x := New(size)
	require.NoError(t, x.Attach(0, s))
	for _, key := range keys {
		var refs []uint32
		err := x.Search(key, func(ref uint32) { refs = append(refs, ref) })
		all, errs = append(all, refs), append(errs, err)
	}
	return all, errs, s
}

// Every byte of a small table is changed in every way that a bit or all bits can be.
// With the checksums of the true table nothing wrong is ever answered. With checksums of
// its own it does no harm, and Verify reports it.
func TestEveryByteFlipped(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	for _, size := range sizes {
		for _, bare := range []bool{false, true} {
			keys, data, at := tiny(size, bare)
			sums := mapped.Sums(data)
			asked := append(keys, repeat(10, func(i int) []byte { return other(seeded(), keys[i]) })...)
			want, _, s := answers(t, size, held(t, data), at, asked)
			require.NoError(t, s.Verify())
			for _, r := range at {
				for i := r.Offset; i < r.Offset+r.Length; i++ {
					for _, flip := range []byte{1 << (i % 8), 0xff} {
						data[i] ^= flip
						f := mapped.Hold(data)
						require.NoError(t, f.Expect(sums, int64(len(data))))
						got, errs, _ := answers(t, size, f, at, asked)
						for n := range got {
							if errs[n] == nil {
								require.Equal(t, want[n], got[n], "byte %d", i)
							}
						}
						require.Error(t, f.CheckAll())

						block := i / mapped.BlockSize
						end := min((block+1)*mapped.BlockSize, int64(len(data)))
						was := sums[block]
						sums[block] = mapped.Sums(data[block*mapped.BlockSize : end])[0]
						f = mapped.Hold(data)
						require.NoError(t, f.Expect(sums, int64(len(data))))
						if _, _, s := answers(t, size, f, at, asked); s != nil {
							require.Error(t, s.Verify(), "byte %d", i)
							for n := range s.Count() {
								_, err := s.Key(n)
								require.NoError(t, err)
							}
						}
						sums[block] = was
						data[i] ^= flip
					}
				}
			}
		}
	}
}

// FuzzOpen opens what claims to be a table, with checksums that agree.
func FuzzOpen(f *testing.F) {
	for _, size := range sizes {
		_, data, at := tiny(size, false)
		f.Add(uint8(size), data[at[Keys].Offset:][:at[Keys].Length], data[at[Refs].Offset:][:at[Refs].Length], data[at[Tops].Offset:][:at[Tops].Length], data[at[Filter].Offset:], uint16(0))
		_, data, at = tiny(size, true)
		f.Add(uint8(size), data[at[Keys].Offset:][:at[Keys].Length], []byte{}, data[at[Tops].Offset:][:at[Tops].Length], data[at[Filter].Offset:], uint16(50))
	}
	f.Fuzz(func(t *testing.T, size uint8, keys, refs, tops, filter []byte, span uint16) {
		n := sizes[int(size)%len(sizes)]
		if i := sort.SearchInts(sizes, int(size)); i < len(sizes) && sizes[i] == int(size) {
			n = int(size)
		}
		data, at := file(&Packed{Size: n, Arrays: [NumArrays][]byte{keys, refs, tops, filter}})
		s, err := Open(n, uint32(span), held(t, data), at)
		if err != nil {
			var d *mapped.Damage
			require.ErrorAs(t, err, &d)
			return
		}
		x := New(n)
		require.NoError(t, x.Attach(1<<20, s))
		right := s.Verify() == nil
		for i := range s.Count() {
			key, err := s.Key(i)
			require.NoError(t, err)
			ref, err := s.Ref(i)
			if right {
				require.NoError(t, err)
			}
			found := false
			err = x.Search(key, func(r uint32) { found = found || r == 1<<20+ref })
			_, ok, _ := s.Find(key)
			if right {
				require.NoError(t, err)
				require.True(t, found && ok)
			}
			if i%2 == 0 && x.Remove(1<<20+ref, key) && right {
				_ = x.Search(key, func(r uint32) { require.NotEqual(t, 1<<20+ref, r) })
			}
		}
		x.Wait()
		if right {
			require.Equal(t, s.Count()/2, x.Len())
		}
	})
}

// What was put in at once goes out at once, and what else is there stays.
func TestDetach(t *testing.T) {
	r := seeded()
	_, keys := flat(repeat(1000, func(int) []byte { return random(r, 16) }))
	s := opened(t, 0, Pack(16, keys, nil))
	x := New(16)
	require.NoError(t, x.Attach(0, s))
	require.NoError(t, x.Attach(5000, s))
	key := keys[:16]
	require.True(t, x.Add(9000, key))
	x.Wait()
	if x.Detach(5000, s) {
		require.Equal(t, 1001, x.Len())
		require.False(t, x.Detach(5000, s))
		var got []uint32
		require.NoError(t, x.Search(key, func(ref uint32) { got = append(got, ref) }))
		require.Len(t, got, 2)
	} else {
		require.Equal(t, 2001, x.Len(), "it was merged: nothing has changed")
	}
}
