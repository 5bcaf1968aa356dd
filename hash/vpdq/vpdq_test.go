package vpdq_test

import (
	"bytes"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/vpdq"
)

// shared reads the vPDQ files of the reference media, by folder and name. Without
// REMATCH_MEDIA the test is skipped; with it a missing file is a failure.
func shared(t *testing.T) (features map[string][]vpdq.Feature, files map[string][]byte) {
	t.Helper()
	dir := os.Getenv("REMATCH_MEDIA")
	if dir == "" {
		t.Skip("REMATCH_MEDIA is not set: no reference media to compare with")
	}
	features, files = make(map[string][]vpdq.Feature), make(map[string][]byte)
	for _, folder := range []string{"1fps", "every-frame"} {
		names, err := filepath.Glob(filepath.Join(dir, "video", "vpdq-"+folder, "*.txt"))
		require.NoError(t, err)
		require.Len(t, names, 14)
		for _, name := range names {
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			key := folder + "/" + strings.TrimSuffix(filepath.Base(name), ".txt")
			files[key] = b
			features[key], err = vpdq.Read(bytes.NewReader(b), vpdq.Options{})
			require.NoError(t, err, name)
		}
	}
	return features, files
}

func TestFilesOfTheReference(t *testing.T) {
	features, files := shared(t)
	for name, f := range features {
		var out bytes.Buffer
		require.NoError(t, vpdq.WriteText(&out, f))
		assert.Equal(t, string(files[name]), out.String(), "%s is written as it was read", name)

		out.Reset()
		require.NoError(t, vpdq.WriteJSON(&out, f))
		again, err := vpdq.Read(&out, vpdq.Options{})
		require.NoError(t, err)
		require.Len(t, again, len(f))
		for i := range f {
			assert.Equal(t, i, again[i].Frame)
			again[i].Frame = f[i].Frame
		}
		assert.Equal(t, f, again)
	}
}

// slowCompare is the rule as vpdq/README.md has it, on the text of the files, with numbers
// of any size and without an idea in it.
func slowCompare(query, known []byte, distance, quality int) (q, k float64) {
	frames := func(file []byte) (list []*big.Int) {
	lines:
		for line := range strings.Lines(string(file)) {
			fields := strings.Split(strings.TrimSpace(line), ",")
			grade, ok := new(big.Int).SetString(fields[1], 10)
			bits, ok2 := new(big.Int).SetString(fields[2], 16)
			if !ok || !ok2 || grade.Cmp(big.NewInt(int64(quality))) < 0 {
				continue
			}
			for _, other := range list {
				if other.Cmp(bits) == 0 {
					continue lines
				}
			}
			list = append(list, bits)
		}
		return list
	}
	in := func(a, b []*big.Int) float64 {
		n := 0
		for _, x := range a {
			for _, y := range b {
				if strings.Count(new(big.Int).Xor(x, y).Text(2), "1") <= distance {
					n++
					break
				}
			}
		}
		return float64(n) * 100 / float64(len(a))
	}
	x, y := frames(query), frames(known)
	if len(x) == 0 || len(y) == 0 {
		return 0, 0
	}
	return in(x, y), in(y, x)
}

func TestCompareIsTheRule(t *testing.T) {
	features, files := shared(t)
	some := []string{
		"1fps/chair-19-sd-bar", "1fps/chair-orig-22-sd-bar", "1fps/chair-22-sd-grey-bar", "1fps/chair-22-with-large-logo-bar", "1fps/doorknob-hd-no-bar",
		"1fps/pattern-hd-no-bar", "1fps/pattern-longer-no-bar", "1fps/test-padded-dimensions", "every-frame/doorknob-hd-no-bar", "every-frame/test-padded-dimensions",
	}
	for _, a := range some {
		for _, b := range some {
			for _, c := range [][2]int{{31, 50}, {30, 50}, {0, 0}, {80, 100}} {
				q, k := vpdq.Compare(features[a], features[b], c[0], hash.Quality(c[1]))
				wantQ, wantK := slowCompare(files[a], files[b], c[0], c[1])
				assert.Equal(t, [2]float64{wantQ, wantK}, [2]float64{q, k}, "%s %s %v", a, b, c)
			}
		}
	}
	// What is known of these clips: a recoloured one is found whole, one that was cut
	// hardly, and one with bars not at all.
	for _, c := range []struct {
		query, known string
		percent      float64
	}{
		{"1fps/chair-22-sd-sepia-bar", "1fps/chair-orig-22-sd-bar", 100},
		{"1fps/chair-22-with-small-logo-bar", "1fps/chair-orig-22-sd-bar", 100},
		{"1fps/chair-19-sd-bar", "1fps/chair-orig-22-sd-bar", 10.5},
		{"1fps/pattern-longer-no-bar", "1fps/pattern-hd-no-bar", 37.5},
		{"1fps/pattern-hd-no-bar", "1fps/pattern-sd-grey-bar", 0},
	} {
		q, _ := vpdq.Compare(features[c.query], features[c.known], vpdq.DefaultDistance, vpdq.DefaultQuality)
		assert.InDelta(t, c.percent, q, 0.05, c.query)
	}
}

// value is a PDQ hash with its first n bits set.
func value(t testing.TB, n int) hash.Value {
	t.Helper()
	bits := strings.Repeat("1", n) + strings.Repeat("0", 256-n)
	x, ok := new(big.Int).SetString(bits, 2)
	require.True(t, ok)
	v, err := hash.ParseHex(hash.PDQ, fmt.Sprintf("%064x", x))
	require.NoError(t, err)
	return v
}

func TestCompareAtItsEdges(t *testing.T) {
	feature := func(bits int, q hash.Quality) vpdq.Feature { return vpdq.Feature{Value: value(t, bits), Quality: q} }
	zero := []vpdq.Feature{feature(0, 50)}
	for distance, want := range map[int]float64{31: 100, 32: 0} {
		q, k := vpdq.Compare(zero, []vpdq.Feature{feature(distance, 100)}, 31, 50)
		assert.Equal(t, [2]float64{want, want}, [2]float64{q, k}, "inclusive: %d bits", distance)
	}
	q, k := vpdq.Compare(zero, []vpdq.Feature{feature(0, 49)}, 31, 50)
	assert.Equal(t, [2]float64{}, [2]float64{q, k}, "nothing is left of the known video")
	// Twice the same hash is one frame of two; a low quality does not hide a later one.
	q, k = vpdq.Compare(zero, []vpdq.Feature{feature(0, 10), feature(0, 90), feature(0, 90), feature(200, 90)}, 31, 50)
	assert.Equal(t, [2]float64{100, 50}, [2]float64{q, k})
	q, k = vpdq.Compare(nil, nil, 31, 50)
	assert.Equal(t, [2]float64{}, [2]float64{q, k})
}

func ExampleCompare() {
	known := `0,100,e271017837246aaccddea259648fb7d62f435c89d9e99b2497763e216c8d055c,0.000
30,100,df83b48f2ad34d68169c36bc6d2f6b36ce5ed08701a301e9cbb9fc12f80b8154,1.000
`
	query := `["df83b48f2ad34d68169c36bc6d2f6b36ce5ed08701a301e9cbb9fc12f80b8154,100,0.0"]`
	k, err := vpdq.Read(strings.NewReader(known), vpdq.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	q, err := vpdq.Read(strings.NewReader(query), vpdq.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ofQuery, ofKnown := vpdq.Compare(q, k, vpdq.DefaultDistance, vpdq.DefaultQuality)
	fmt.Printf("%.0f%% of the query, %.0f%% of the known video\n", ofQuery, ofKnown)
	// Output: 100% of the query, 50% of the known video
}

// A thousand frames against a thousand others: each is compared with each, twice.
func BenchmarkCompare(b *testing.B) {
	var videos [2][]vpdq.Feature
	for i := range 2000 {
		v, err := hash.ParseHex(hash.PDQ, strings.Repeat(fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15), 4))
		require.NoError(b, err)
		videos[i%2] = append(videos[i%2], vpdq.Feature{Value: v, Quality: 100})
	}
	for b.Loop() {
		vpdq.Compare(videos[0], videos[1], vpdq.DefaultDistance, vpdq.DefaultQuality)
	}
}
