package consortium

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestValues: a value leads back to its record, and nothing else does.
func TestValues(t *testing.T) {
	for z := uint64(1); z != 0; z <<= 1 {
		require.Equal(t, z-1, unmix(mix(z-1)))
		require.Equal(t, uint64(1), inverse(z|1)*(z|1))
	}
	d := data{seed: 9, n: 50}
	seen := map[string]bool{}
	for k := range kindCount {
		for i := range d.n {
			v := d.value(i, k)
			require.False(t, seen[v])
			seen[v] = true
			found, ok := d.find(v, k)
			require.True(t, ok)
			require.Equal(t, i, found)
			_, ok = d.find(v, (k+1)%kindCount)
			require.False(t, ok)
			_, ok = data{seed: 8, n: 50}.find(v, k)
			require.False(t, ok)
		}
		_, ok := d.find(d.value(d.n, k), k)
		require.False(t, ok, "not one of the generated ones")
	}
	for _, n := range []uint32{1, 2, 3, 7, 10, 1000, 1001} {
		b := newBoard(data{seed: 5, n: n}, time.Unix(1e9, 0), 1e9, func(i uint32) uint32 { return i }, nil)
		seen := map[uint32]bool{}
		for o := range n {
			seen[b.ordinal(o)] = true
		}
		require.Len(t, seen, int(n), "every record has its place")
		for s := uint32(1); s < n; s++ {
			require.LessOrEqual(t, b.at(s-1), b.at(s))
		}
	}
}

func TestParseFaults(t *testing.T) {
	got, err := ParseFaults(" 429=0.25, cut*3@ncmec,bad-page,")
	require.NoError(t, err)
	require.Equal(t, []Fault{{"429", "", 0.25, 0}, {"cut", "ncmec", 0, 3}, {"bad-page", "", 0, 1}}, got)
	for _, bad := range []string{"418", "429=2", "429=x", "429=NaN", "429*-1", "429*x", "429@iwf", "=1"} {
		_, err := ParseFaults(bad)
		require.Error(t, err, bad)
	}
}

func FuzzFields(f *testing.F) {
	f.Add("id,descriptors{owner{id},tags}")
	f.Add("a{b}}")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseFields(text)
		if ok {
			require.NotEmpty(t, got)
			require.Equal(t, strings.Count(text, "{"), strings.Count(text, "}"))
		}
		got.unknown(teKnownFields, "")
	})
}

func FuzzVote(f *testing.F) {
	f.Add(`<feedbackSubmission xmlns="` + ncNamespace + `"><negative><reasonIds><guid>` + guid(ncReasons[0]) + `</guid></reasonIds></negative></feedbackSubmission>`)
	f.Fuzz(func(t *testing.T, text string) {
		reasons, wrong := parseVote([]byte(text))
		require.True(t, wrong == "" || reasons == nil)
		if wrong == "" {
			require.Contains(t, text, "feedbackSubmission")
		}
	})
}
