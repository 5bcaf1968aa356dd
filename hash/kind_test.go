package hash_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
)

// TestKindTable freezes names, numbers, lengths and thresholds: bank files and lists
// depend on them.
func TestKindTable(t *testing.T) {
	want := []struct {
		number    uint8
		name      string
		bits      int
		threshold int
		digest    bool
	}{
		{1, "pdq", 256, 31, false},
		{2, "phash", 64, 8, false},
		{3, "dhash", 64, 4, false},
		{4, "ahash", 64, 1, false},
		{5, "phash256", 256, 31, false},
		{6, "dhash256", 256, 18, false},
		{7, "ahash256", 256, 2, false},
		{32, "md5", 128, 0, true},
		{33, "sha1", 160, 0, true},
		{34, "sha256", 256, 0, true},
	}
	require.Len(t, hash.Kinds(), len(want))
	for i, k := range hash.Kinds() {
		w := want[i]
		assert.Equal(t, hash.Kind(w.number), k)
		assert.Equal(t, w.name, k.String())
		assert.Equal(t, w.bits, k.Bits(), k)
		assert.Equal(t, w.threshold, k.Threshold(), k)
		assert.Equal(t, w.digest, k.IsDigest(), k)
		assert.True(t, k.IsValid(), k)
		for _, name := range []string{w.name, strings.ToUpper(w.name)} {
			parsed, err := hash.ParseKind(name)
			require.NoError(t, err)
			assert.Equal(t, k, parsed)
		}
	}
	kinds := hash.Kinds()
	kinds[0] = 99
	assert.Equal(t, hash.PDQ, hash.Kinds()[0], "callers get a copy")
}

func TestUnknownKind(t *testing.T) {
	for _, k := range []hash.Kind{0, 8, 31, 35, 255} {
		assert.False(t, k.IsValid())
		assert.Zero(t, k.Bits())
		assert.Zero(t, k.Threshold())
		assert.False(t, k.IsDigest())
		assert.True(t, strings.HasPrefix(k.String(), "kind("), k)
	}
	for _, name := range []string{"", "pdq ", "photodna", strings.Repeat("x", 10_000)} {
		_, err := hash.ParseKind(name)
		require.Error(t, err)
		assert.Contains(t, err.Error(), "the kinds are pdq, ", "the error says what there is")
		assert.Less(t, len(err.Error()), 300, "and does not repeat what it was given at length")
	}
}

func TestQuality(t *testing.T) {
	assert.True(t, hash.Quality(50).Passes(hash.DefaultGate), "inclusive")
	assert.False(t, hash.Quality(49).Passes(hash.DefaultGate))
	assert.True(t, hash.Quality(0).Passes(0))
	assert.True(t, hash.Unmeasured.Passes(100))
	assert.Equal(t, "73", hash.Quality(73).String())
	assert.Equal(t, "unmeasured", hash.Unmeasured.String())
}

func TestOrientationNames(t *testing.T) {
	want := []string{"orig", "rot90", "rot180", "rot270", "flipx", "flipy", "flipplus1", "flipminus1"}
	require.Len(t, want, hash.Orientations)
	for i, name := range want {
		assert.Equal(t, name, hash.Orientation(i).String())
	}
	assert.Equal(t, "orientation(8)", hash.Orientation(8).String())
}
