package match_test

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// A mutable index, as the contract needs it. A new index is one line in indices.
type mutable interface {
	match.Index
	Add(ref match.Ref, v hash.Value) error
	Remove(ref match.Ref, v hash.Value) bool
}

type linear struct{ *match.Linear }

func (l linear) Remove(ref match.Ref, _ hash.Value) bool { return l.Linear.Remove(ref) }

var indices = []struct {
	name string
	kind hash.Kind
	max  int
	make func(hash.Kind, int) (mutable, error)
}{
	{"linear of 256 bits", hash.PDQ, 40, newLinear},
	{"linear of 64 bits", hash.PHash, 10, newLinear},
	{"linear of one distance", hash.DHash256, 0, newLinear},
	{"mih of 256 bits", hash.PDQ, 40, newMIH},
	{"mih of 64 bits", hash.PHash, 10, newMIH},
	{"mih of 64 bits, far", hash.PHash, 30, newMIH},
	{"mih of one distance", hash.DHash256, 0, newMIH},
	{"digests md5", hash.MD5, 0, newDigests},
	{"digests sha1", hash.SHA1, 0, newDigests},
	{"digests sha256", hash.SHA256, 0, newDigests},
}

func newLinear(k hash.Kind, maxRadius int) (mutable, error) {
	x, err := match.NewLinear(k, maxRadius)
	return linear{x}, err
}

func newMIH(k hash.Kind, maxRadius int) (mutable, error) { return match.NewMIH(k, maxRadius) }

func newDigests(hash.Kind, int) (mutable, error) { return &match.Digests{}, nil }

// bruteForce is the contract in its shortest form.
func bruteForce(values map[match.Ref]hash.Value, q hash.Value, radius int) []match.Hit {
	var hits []match.Hit
	for ref, v := range values {
		if d, ok := q.Distance(v); ok && d <= radius {
			hits = append(hits, match.Hit{Ref: ref, Distance: d})
		}
	}
	return sorted(hits)
}

func sorted(hits []match.Hit) []match.Hit {
	slices.SortFunc(hits, func(a, b match.Hit) int { return cmp.Compare(a.Ref, b.Ref) })
	return hits
}

func TestIndexContract(t *testing.T) {
	for _, c := range indices {
		t.Run(c.name, func(t *testing.T) {
			r := seeded()
			x, err := c.make(c.kind, c.max)
			require.NoError(t, err)
			values := make(map[match.Ref]hash.Value)
			q := random(r, c.kind)
			hits, err := x.Search(nil, q, 0)
			require.NoError(t, err)
			require.Empty(t, hits)
			require.Zero(t, x.Len())

			// Values at every distance around the query, some of them equal, and others far away.
			add := func(ref match.Ref, v hash.Value) {
				require.NoError(t, x.Add(ref, v))
				values[ref] = v
			}
			for i := range 3000 {
				v := random(r, c.kind)
				if i%3 == 0 {
					v = flipped(r, q, i/3%(c.max+5))
				}
				add(match.Ref(i*7), v)
			}
			add(1<<32-1, q)
			same := func() {
				t.Helper()
				require.Equal(t, len(values), x.Len())
				for radius := 0; radius <= c.max; radius++ {
					hits, err := x.Search(nil, q, radius)
					require.NoError(t, err)
					require.Equal(t, bruteForce(values, q, radius), sorted(hits), "radius %d", radius)
				}
			}
			same()

			require.ErrorIs(t, x.Add(0, values[0]), match.ErrDuplicate)
			for _, radius := range []int{-1, c.max + 1, 1 << 30} {
				keep := []match.Hit{{Ref: 3}}
				got, err := x.Search(keep, q, radius)
				var re *match.RadiusError
				require.ErrorAs(t, err, &re)
				assert.Equal(t, keep, got)
				assert.Equal(t, radius, re.Radius)
				assert.Equal(t, c.max, re.Max)
			}
			for _, k := range append(hash.Kinds(), 0) {
				other := hash.Value{}
				if k != 0 {
					other = random(r, k)
				}
				if k == c.kind || k.IsDigest() && c.kind.IsDigest() {
					continue
				}
				_, err := x.Search(nil, other, 0)
				var ke *match.KindError
				require.ErrorAs(t, err, &ke, "%v", k)
				require.ErrorAs(t, x.Add(1, other), &ke, "%v", k)
				assert.NotEmpty(t, ke.Error())
			}

			// Removal is seen at once, wherever it happens.
			refs := slices.Sorted(func(yield func(match.Ref) bool) {
				for ref := range values {
					if !yield(ref) {
						return
					}
				}
			})
			for i, at := range r.Perm(len(refs)) {
				ref := refs[at]
				require.True(t, x.Remove(ref, values[ref]))
				require.False(t, x.Remove(ref, values[ref]), "it is gone")
				delete(values, ref)
				if i%500 == 0 {
					same()
				}
			}
			require.Zero(t, x.Len())
			add(5, q)
			same()
			require.False(t, x.Remove(6, q), "another ref")
		})
	}
}

func TestSearchDoesNotAllocate(t *testing.T) {
	for _, c := range indices {
		r := seeded()
		x, err := c.make(c.kind, c.max)
		require.NoError(t, err)
		q := random(r, c.kind)
		for i := range 100 {
			require.NoError(t, x.Add(match.Ref(i), flipped(r, q, i%(c.max+1))))
		}
		dst := make([]match.Hit, 0, 100)
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if hits, err := x.Search(dst, q, c.max); err != nil || len(hits) != 100 {
				t.Errorf("%d hits, %v", len(hits), err)
			}
		}), c.name)
	}
}

func TestNewIndexRefuses(t *testing.T) {
	for _, c := range []struct {
		k   hash.Kind
		max int
	}{{0, 1}, {99, 1}, {hash.PDQ, -1}, {hash.PDQ, 257}, {hash.PHash, 65}} {
		_, err := match.NewLinear(c.k, c.max)
		require.Error(t, err, "%+v", c)
		_, err = match.NewMIH(c.k, c.max)
		require.Error(t, err, "%+v", c)
	}
	_, err := match.NewMIH(hash.SHA256, 0)
	require.Error(t, err, "digests have their own")
}

// The filter in front of the table never hides a digest, however often the set
// grows and shrinks.
func TestDigestsHaveNoFalseNegatives(t *testing.T) {
	r := seeded()
	var d match.Digests
	kinds := []hash.Kind{hash.MD5, hash.SHA1, hash.SHA256}
	present := make(map[hash.Value]match.Ref)
	var order []hash.Value
	for i := range 40_000 {
		v := random(r, kinds[i%3])
		require.NoError(t, d.Add(match.Ref(i), v))
		present[v] = match.Ref(i)
		order = append(order, v)
		if i%5 == 4 {
			gone := order[r.IntN(len(order))]
			if ref, ok := present[gone]; ok {
				require.True(t, d.Remove(ref, gone))
				delete(present, gone)
			}
		}
		if i%4999 == 0 || i == 39_999 {
			for _, v := range order {
				hits, err := d.Search(nil, v, 0)
				require.NoError(t, err)
				if ref, ok := present[v]; ok {
					require.Equal(t, []match.Hit{{Ref: ref}}, hits)
				} else {
					require.Empty(t, hits)
				}
			}
		}
	}
	require.Equal(t, len(present), d.Len())
}

func TestSeveralRefsOfOneDigest(t *testing.T) {
	r := seeded()
	var d match.Digests
	v := random(r, hash.MD5)
	for ref := range match.Ref(4) {
		require.NoError(t, d.Add(ref, v))
		require.ErrorIs(t, d.Add(ref, v), match.ErrDuplicate)
	}
	for n, ref := range []match.Ref{2, 0, 3, 1} {
		hits, err := d.Search(nil, v, 0)
		require.NoError(t, err)
		require.Len(t, hits, 4-n)
		require.True(t, d.Remove(ref, v))
	}
	require.Zero(t, d.Len())
	require.False(t, errors.Is(d.Add(0, v), match.ErrDuplicate))
}

// A ref has one digest of a kind, and may have one of each.
func TestRefsOfDigests(t *testing.T) {
	r := seeded()
	var d match.Digests
	require.Zero(t, d.Bytes())
	md5, sha1 := random(r, hash.MD5), random(r, hash.SHA1)
	require.NoError(t, d.Add(7, md5))
	require.NoError(t, d.Add(7, sha1))
	require.ErrorIs(t, d.Add(7, random(r, hash.MD5)), match.ErrDuplicate)
	require.False(t, d.Remove(7, random(r, hash.SHA256)))
	require.Equal(t, 2, d.Len())
	require.NotZero(t, d.Bytes())
	require.True(t, d.Remove(7, md5))
	require.NoError(t, d.Add(7, random(r, hash.MD5)))
}

func TestAddAllDigestsIsAllOrNothing(t *testing.T) {
	r := seeded()
	var d match.Digests
	var refs []match.Ref
	var values []hash.Value
	for i := range 30_000 {
		refs, values = append(refs, match.Ref(i/2)), append(values, random(r, []hash.Kind{hash.SHA256, hash.MD5, hash.SHA1, hash.MD5}[i%4]))
		refs[i] += match.Ref(i % 2 * 100_000)
	}
	require.ErrorIs(t, d.AddAll(refs[1:], values), match.ErrInvalid)
	var ke *match.KindError
	require.ErrorAs(t, d.AddAll(refs[:2], []hash.Value{values[0], random(r, hash.PDQ)}), &ke)
	require.Zero(t, d.Len())
	require.NoError(t, d.AddAll(nil, nil))

	last := len(values) - 2
	require.Equal(t, hash.SHA1, values[last].Kind())
	require.NoError(t, d.Add(refs[last], values[last-4]))
	require.ErrorIs(t, d.AddAll(refs, values), match.ErrDuplicate)
	require.Equal(t, 1, d.Len())
	for _, v := range values[:100] {
		hits, err := d.Search(nil, v, 0)
		require.NoError(t, err)
		require.Empty(t, hits)
	}
	require.True(t, d.Remove(refs[last], values[last-4]))

	require.NoError(t, d.AddAll(refs, values))
	require.Equal(t, len(values), d.Len())
	for i, v := range values {
		hits, err := d.Search(nil, v, 0)
		require.NoError(t, err)
		require.Equal(t, []match.Hit{{Ref: refs[i]}}, hits)
	}
	again := []match.Ref{500_000, 500_001, 500_000}
	require.ErrorIs(t, d.AddAll(again, []hash.Value{values[0], values[1], values[4]}), match.ErrDuplicate, "twice in one call")
	require.Equal(t, len(values), d.Len())
}

// What is there all the time is found by searches beside additions and removals, from
// the first use on.
func TestDigestsAreSearchedWhileTheyChange(t *testing.T) {
	r := seeded()
	var d match.Digests
	kinds := []hash.Kind{hash.MD5, hash.SHA1, hash.SHA256}
	stay := make([]hash.Value, 30)
	for i := range stay {
		stay[i] = random(r, kinds[i%3])
	}
	values := make([]hash.Value, 20_000)
	for i := range values {
		values[i] = random(r, kinds[i%3])
	}
	var begun, all sync.WaitGroup
	var done atomic.Bool
	begun.Add(3) // before the first one waits
	for i := range 3 {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := i; n < len(stay); n += 3 { // each kind is made by one, and looked into by all
				assert.NoError(t, d.Add(match.Ref(n), stay[n]))
			}
			begun.Done()
			begun.Wait()
			for n := 0; !done.Load(); n++ {
				v := stay[n%len(stay)]
				hits, err := d.Search(nil, v, 0)
				if err != nil || len(hits) != 1 || int(hits[0].Ref) != n%len(stay) {
					assert.Fail(t, "wrong", "%v %v", hits, err)
					return
				}
			}
		}()
	}
	begun.Wait()
	for i, v := range values {
		require.NoError(t, d.Add(match.Ref(100+i), v))
		if i%2 > 0 {
			require.True(t, d.Remove(match.Ref(100+i/2), values[i/2]))
		}
	}
	done.Store(true)
	all.Wait()
	require.Equal(t, len(stay)+len(values)/2, d.Len())
}

// Many queries at once find what each finds alone.
func TestSearchAll(t *testing.T) {
	r := seeded()
	x, err := match.NewMIH(hash.PDQ, 31)
	require.NoError(t, err)
	values := make([]hash.Value, 3000)
	for i := range values {
		values[i] = random(r, hash.PDQ)
		require.NoError(t, x.Add(match.Ref(i), values[i]))
	}
	queries := make([]hash.Value, 500)
	for i := range queries {
		queries[i] = flipped(r, values[i%100], r.IntN(40))
	}
	got := make([][]match.Hit, len(queries))
	require.NoError(t, x.SearchAll(queries, 31, func(query int, h match.Hit) { got[query] = append(got[query], h) }))
	hits := 0
	for i, q := range queries {
		want, err := x.Search(nil, q, 31)
		require.NoError(t, err)
		require.Equal(t, sorted(want), sorted(got[i]))
		hits += len(want)
	}
	require.Greater(t, hits, 300)

	none := func(int, match.Hit) { t.Fail() }
	var radius *match.RadiusError
	require.ErrorAs(t, x.SearchAll(queries, 32, none), &radius)
	require.ErrorAs(t, x.SearchAll(queries, -1, none), &radius)
	var kind *match.KindError
	require.ErrorAs(t, x.SearchAll([]hash.Value{queries[0], random(r, hash.PHash)}, 31, none), &kind)
	require.NoError(t, x.SearchAll(nil, 31, none))
}
