package match_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// scene is footage that never leaves one picture: each frame differs from it by least to
// most bits, and drifts as motion does. Of two films of one scene the frames are as near
// to each other as other moments of the same scene are.
func scene(r *rand.Rand, base hash.Value, length time.Duration, least, most int) film {
	bits := r.Perm(256)[:most]
	on := make([]bool, most)
	var f film
	for range int(length / frame) {
		for range 2 {
			i := r.IntN(most)
			on[i] = !on[i]
		}
		b := base.AppendBytes(nil)
		n := 0
		for i, bit := range bits {
			if on[i] || n < least && i >= most-least+n {
				b[bit/8] ^= 1 << (bit % 8)
				n++
			}
		}
		v, err := hash.FromBytes(hash.PDQ, b)
		if err != nil {
			panic(err) // the length is the kind's own
		}
		f = append(f, v)
	}
	return f
}

// Unrelated footage: hundreds of uploads against hundreds of known videos, of correlated
// hashes (all of one base, so that pairs are 100 bits apart instead of 128), with
// frames here and there that some known video has as well. One frame that agrees is weak;
// the frames around it, compared one by one, never make it a match.
func TestFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	r := seeded()
	s := time.Second
	base := random(r, hash.PDQ)
	alike := func(length time.Duration) film { return moving(r, length).towards(r, base) }
	bank := match.Bank{Name: "known"}
	var known []film
	for i := range 100 {
		f := alike(30 * s)
		known = append(known, f)
		bank.Entries = append(bank.Entries, f.entry(fmt.Sprint(i)))
	}
	m := newMatcher(t, match.Options{}, bank)
	weak, near, pairs := 0, 256, 0
	for i := range 150 {
		upload := alike(30 * s)
		for k := range 3 { // pictures of three known videos
			f := known[(7*i+k)%len(known)]
			upload[len(upload)*(k+1)/4] = f[r.IntN(len(f))]
		}
		for k := 0; k < len(upload); k += 50 {
			d, _ := upload[k].Distance(known[i%100][k])
			if k != len(upload)/4 && k != len(upload)/2 && k != len(upload)*3/4 {
				near, pairs = min(near, d), pairs+1
			}
		}
		result, err := m.ScanVideo(upload.sampled(frame, 0)[:len(upload)/2])
		require.NoError(t, err)
		require.Empty(t, result.Matches, "upload %d", i)
		weak += len(result.Weak)
		result, err = m.ScanVideo(upload.sampled(10*frame, 0))
		require.NoError(t, err)
		require.Empty(t, result.Matches, "upload %d", i)
	}
	assert.Positive(t, weak)
	t.Logf("%d weak; the nearest of %d unrelated pairs are %d bits apart", weak, pairs, near)
}

// towards moves every frame a fifth of the way to a picture.
func (f film) towards(r *rand.Rand, base hash.Value) film {
	mask := r.Perm(256)[:51]
	b := base.AppendBytes(nil)
	g := make(film, len(f))
	for i, v := range f {
		c := v.AppendBytes(nil)
		for _, bit := range mask {
			c[bit/8] = c[bit/8]&^(1<<(bit%8)) | b[bit/8]&(1<<(bit%8))
		}
		w, err := hash.FromBytes(hash.PDQ, c)
		if err != nil {
			panic(err) // the length is the kind's own
		}
		g[i] = w
	}
	return g
}

// The same wall, speaker or game level in other footage: its frames lie 15 to 60 bits from
// the known video's everywhere, and now and then within the threshold.
func TestSameSceneIsNoCopy(t *testing.T) {
	r := seeded()
	s := time.Second
	matches, weak := 0, 0
	for i := range 60 {
		base := random(r, hash.PDQ)
		spread := 30 + i%4*10
		known := scene(r, base, 40*s, 4, spread)
		other := scene(r, base, 40*s, 4, spread)
		m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{known.entry("a")}})
		for _, step := range []time.Duration{half, 2 * s} {
			result, err := m.ScanVideo(other.sampled(step, 0))
			require.NoError(t, err)
			matches += len(result.Matches)
			weak += len(result.Weak)
			if len(result.Matches) > 0 {
				t.Logf("scene %d, spread %d, step %v: %+v", i, spread, step, result.Matches[0].Evidence.Segments)
			}
			// A copy of it is one.
			result, err = m.ScanVideo(known.cut(9*s, 25*s).recoded(r, 10).sampled(step, 0))
			require.NoError(t, err)
			require.Len(t, result.Matches, 1, "scene %d, step %v: %+v", i, step, result.Weak)
			g := result.Matches[0].Evidence.Segments[0]
			assert.InDelta(t, 9, (g.KnownFrom - g.QueryFrom).Seconds(), 0.5, "scene %d, step %v", i, step)
		}
	}
	t.Logf("%d weak", weak)
	assert.Zero(t, matches)
	assert.Positive(t, weak)
}
