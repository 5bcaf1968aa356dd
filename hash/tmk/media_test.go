package tmk_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/tmk"
)

// goldenVectors reads the reference's hashes of the shared clips. Without
// REMATCH_MEDIA the test is skipped; with it a missing file is a failure.
func goldenVectors(t testing.TB) (vectors map[string]*tmk.Vector, files map[string][]byte) {
	t.Helper()
	dir := os.Getenv("REMATCH_MEDIA")
	if dir == "" {
		t.Skip("REMATCH_MEDIA is not set: no reference media to compare with")
	}
	names, err := filepath.Glob(filepath.Join(dir, "video", "tmk", "*.tmk"))
	require.NoError(t, err)
	require.Len(t, names, 14)
	vectors, files = make(map[string]*tmk.Vector), make(map[string][]byte)
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		v, err := tmk.Read(bytes.NewReader(b))
		require.NoError(t, err, name)
		vectors[filepath.Base(name)], files[filepath.Base(name)] = v, b
	}
	return vectors, files
}

func TestFilesOfTheReference(t *testing.T) {
	vectors, files := goldenVectors(t)
	for name, v := range vectors {
		var out bytes.Buffer
		n, err := v.WriteTo(&out)
		require.NoError(t, err)
		assert.EqualValues(t, tmk.FileSize, n)
		assert.True(t, bytes.Equal(files[name], out.Bytes()), "%s is written as it was read", name)
	}
	assert.EqualValues(t, 284, vectors["chair-19-sd-bar.tmk"].Frames)
}

func TestScoresOfTheReference(t *testing.T) {
	vectors, _ := goldenVectors(t)
	f, err := os.Open(filepath.Join(os.Getenv("REMATCH_MEDIA"), "video", "tmk-pairwise.txt"))
	require.NoError(t, err)
	defer f.Close()
	var pairs int
	var worst1, worst2 float64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var level1, level2 float64
		var a, b string
		_, err := fmt.Sscan(lines.Text(), &level1, &level2, &a, &b)
		require.NoError(t, err)
		require.Contains(t, vectors, a)
		require.Contains(t, vectors, b)
		worst1 = max(worst1, math.Abs(tmk.Level1(vectors[a], vectors[b])-level1))
		worst2 = max(worst2, math.Abs(tmk.Level2(vectors[a], vectors[b])-level2))
		pairs++
	}
	assert.Equal(t, 105, pairs)
	// Six digits are printed, and the reference sums in single precision.
	assert.Less(t, worst1, 5e-6)
	assert.Less(t, worst2, 5e-6)
	t.Logf("%d pairs: level 1 within %.1e of the reference, level 2 within %.1e", pairs, worst1, worst2)
}

func BenchmarkLevel1(b *testing.B) { benchmarkScore(b, tmk.Level1) }
func BenchmarkLevel2(b *testing.B) { benchmarkScore(b, tmk.Level2) }

// benchmarkScore goes through pairs of videos made by made, of which no two are alike.
func benchmarkScore(b *testing.B, score func(x, y *tmk.Vector) float64) {
	var all [4]*tmk.Vector
	for i := range all {
		all[i] = made(uint64(i), 300)
	}
	for i := 0; b.Loop(); i++ {
		score(all[i%4], all[(i/4+i)%4])
	}
}

func BenchmarkAdd(b *testing.B) {
	f := features(1)
	var a tmk.Accumulator
	for b.Loop() {
		x := f()
		a.Add(&x)
	}
}
