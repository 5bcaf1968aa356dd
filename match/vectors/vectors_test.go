package vectors_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/tmk"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/vectors"
)

// invented returns n averages with the spectrum of photographs, the lower frequencies the
// stronger (the averages of videos have less of the higher ones); some near others.
func invented(n int, seed uint64) []tmk.Feature {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([]tmk.Feature, n)
	for i := range all {
		for k := range all[i] {
			all[i][k] = float32(r.NormFloat64() * 500 / math.Pow(1+float64(k/16+k%16), 0.6))
		}
		if i > 0 && i%10 == 0 { // near an earlier one, at any distance
			from, share := all[r.IntN(i)], r.Float32()
			for k := range all[i] {
				all[i][k] = share*all[i][k] + (1-share)*from[k]
			}
		}
	}
	return all
}

// scan compares with every vector; what Search has to find stands first.
func scan(known map[string]*tmk.Feature, q *tmk.Feature) []vectors.Hit {
	var hits []vectors.Hit
	for id, v := range known {
		hits = append(hits, vectors.Hit{ID: id, Level1: tmk.Cosine(q, v)})
	}
	slices.SortFunc(hits, func(a, b vectors.Hit) int {
		return cmp.Or(cmp.Compare(b.Level1, a.Level1), strings.Compare(a.ID, b.ID))
	})
	return hits
}

func TestSearchIsExact(t *testing.T) {
	var x vectors.Index
	known := make(map[string]*tmk.Feature)
	all := invented(3000, 1)
	add := func(i int) {
		id := fmt.Sprint(i)
		require.NoError(t, x.Add(id, &all[i]))
		known[id] = &all[i]
	}
	for i := range 2000 {
		add(i)
	}
	all[2000] = tmk.Feature{} // black
	all[2001] = tmk.Feature{255: 1}
	add(2000)
	add(2001)
	queries := 40
	if testing.Short() {
		queries = 12
	}
	check := func() {
		t.Helper()
		require.Equal(t, len(known), x.Len())
		found := 0
		for q := range queries {
			q := &all[q*70]
			thresholds := []float64{-1, -0.3, 0, 0.5, 0.7, 0.9, 0.99, 1, 1.5}
			ranked := scan(known, q)
			for _, h := range ranked[:2] {
				thresholds = append(thresholds, h.Level1, math.Nextafter(h.Level1, 2)) // at the edge, and beyond it
			}
			for _, level1 := range thresholds {
				n, _ := slices.BinarySearchFunc(ranked, level1, func(h vectors.Hit, t float64) int {
					if h.Level1 >= t {
						return -1
					}
					return 1
				})
				want := ranked[:n]
				got, err := x.Search([]vectors.Hit{{ID: "first"}}, q, level1)
				require.NoError(t, err)
				require.Equal(t, "first", got[0].ID)
				require.Equal(t, len(want), len(got)-1, "%v", level1)
				if len(want) > 0 {
					require.Equal(t, want, got[1:], "%v", level1)
				}
				if level1 > 0.6 {
					found += len(want)
				}
			}
		}
		assert.Greater(t, found, 2*queries)
	}
	check()
	for i := 0; i < 2000; i += 3 {
		assert.True(t, x.Remove(fmt.Sprint(i)))
		delete(known, fmt.Sprint(i))
	}
	assert.False(t, x.Remove("0"))
	for i := 2002; i < 3000; i++ {
		add(i)
	}
	check()
	for id := range known {
		require.True(t, x.Remove(id))
	}
	got, err := x.Search(nil, &all[0], -1)
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestRefused(t *testing.T) {
	var x vectors.Index
	v := tmk.Feature{1}
	require.NoError(t, x.Add("a", &v))
	require.ErrorIs(t, x.Add("a", &v), match.ErrDuplicate)
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		w := tmk.Feature{17: float32(bad)}
		require.ErrorIs(t, x.Add("b", &w), match.ErrInvalid)
		_, err := x.Search(nil, &w, 0)
		require.ErrorIs(t, err, match.ErrInvalid)
		_, err = x.Search(nil, &v, bad)
		require.ErrorIs(t, err, match.ErrInvalid)
	}
	huge := tmk.Feature{math.MaxFloat32, math.MaxFloat32}
	require.NoError(t, x.Add("huge", &huge))
	hits, err := x.Search(nil, &huge, 0.99)
	require.NoError(t, err)
	require.Len(t, hits, 1)
	assert.Equal(t, 2, x.Len())
}

func TestConcurrent(t *testing.T) {
	all := invented(200, 2)
	var x vectors.Index
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			for i := g; i < len(all); i += 4 {
				id := fmt.Sprint(i)
				assert.NoError(t, x.Add(id, &all[i]))
				hits, err := x.Search(nil, &all[i], 0.999999)
				assert.NoError(t, err)
				assert.True(t, slices.ContainsFunc(hits, func(h vectors.Hit) bool { return h.ID == id }))
				if i%3 == 0 {
					assert.True(t, x.Remove(id))
				}
			}
		})
	}
	wait.Wait()
	assert.Equal(t, 200-67, x.Len())
}

// The shared clips: the copies of each are found on both levels, with the scores that tmk
// gives, and nothing else.
func TestVerifyReferenceVideos(t *testing.T) {
	dir := os.Getenv("REMATCH_MEDIA")
	if dir == "" {
		t.Skip("REMATCH_MEDIA is not set: no .tmk files of the reference")
	}
	names, err := filepath.Glob(filepath.Join(dir, "video", "tmk", "*.tmk"))
	require.NoError(t, err)
	require.Len(t, names, 14)
	load := func(id string) (*tmk.Vector, error) {
		f, err := os.Open(filepath.Join(dir, "video", "tmk", id))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return tmk.Read(f)
	}
	var x vectors.Index
	known := make(map[string]*tmk.Vector)
	for _, name := range names {
		id := filepath.Base(name)
		v, err := load(id)
		require.NoError(t, err)
		require.NoError(t, x.Add(id, &v.Average))
		known[id] = v
	}
	for _, q := range known {
		hits, err := x.Search(nil, &q.Average, tmk.DefaultThreshold)
		require.NoError(t, err)
		hits, err = vectors.Verify(hits, q, tmk.DefaultThreshold, load)
		require.NoError(t, err)
		got := make(map[string]vectors.Hit)
		for _, h := range hits {
			got[h.ID] = h
		}
		for id, v := range known {
			l1, l2 := tmk.Level1(q, v), tmk.Level2(q, v)
			if l1 < tmk.DefaultThreshold || l2 < tmk.DefaultThreshold {
				assert.NotContains(t, got, id)
				continue
			}
			assert.Equal(t, vectors.Hit{ID: id, Level1: l1, Level2: l2}, got[id])
		}
	}
	gone := errors.New("gone")
	hits, err := vectors.Verify([]vectors.Hit{{ID: "x"}}, known["doorknob-hd-no-bar.tmk"], 0, func(string) (*tmk.Vector, error) { return nil, gone })
	assert.Nil(t, hits)
	assert.ErrorIs(t, err, gone)
}

func dot(x, y *tmk.Feature) float32 {
	var a, b, c, d float32
	for i := 0; i < len(x); i += 4 {
		a += float32(x[i] * y[i])
		b += float32(x[i+1] * y[i+1])
		c += float32(x[i+2] * y[i+2])
		d += float32(x[i+3] * y[i+3])
	}
	return a + b + c + d
}

func BenchmarkSearch(b *testing.B) {
	const n = 100_000
	all := invented(n, 3)
	var x vectors.Index
	for i := range all {
		if err := x.Add(fmt.Sprint(i), &all[i]); err != nil {
			b.Fatal(err)
		}
	}
	queries := invented(100, 4)
	unit := slices.Clone(all) // the plain scan is given every advantage: vectors of length 1, and no ties
	for i := range unit {
		length := float32(math.Sqrt(float64(dot(&unit[i], &unit[i]))))
		for k := range unit[i] {
			unit[i][k] /= length
		}
	}
	found := 0
	for _, level1 := range []float64{0.7, 0.9} {
		b.Run(fmt.Sprintf("index=vectors/n=100k/level1=%v", level1), func(b *testing.B) {
			var hits []vectors.Hit
			for i := 0; b.Loop(); i++ {
				var err error
				if hits, err = x.Search(hits[:0], &queries[i%len(queries)], level1); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("index=scan/n=100k/level1=%v", level1), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				q := &unit[i%100]
				for k := range unit {
					if dot(q, &unit[k]) >= float32(level1) {
						found++
					}
				}
			}
		})
	}
}
