package match_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// However many entries of allow-lists a frame is in, what is known is found.
func TestAllowListsDoNotCrowdOutTheKnown(t *testing.T) {
	r := seeded()
	film := moving(r, 20*time.Second)
	allow := match.Bank{Name: "allow", Allow: true}
	for i := range 70 { // more than the share of a frame in so long an upload
		e := film.entry(fmt.Sprint(i))
		e.Duration = time.Hour // the film is an excerpt of each: it allows nothing
		allow.Entries = append(allow.Entries, e)
	}
	m := newMatcher(t, match.Options{}, allow, match.Bank{Name: "known", Entries: []match.Entry{film.entry("film")}})
	frames := film.recoded(r, 6).sampled(half, 0)
	for len(frames) < 4200 {
		last := frames[len(frames)-1]
		frames = append(frames, match.QueryFrame{Time: last.Time + half, Looks: []match.Look{{Value: random(r, hash.PDQ), Quality: 90}}})
	}
	result, err := m.ScanVideo(frames)
	require.NoError(t, err)
	require.Equal(t, []string{"known/film"}, names(result.Matches))
	assert.Empty(t, result.Matches[0].SuppressedBy)
	assert.True(t, result.Limited)
}

// Times near the end of a Duration would overflow in the alignment.
func TestTimesBeyondAllMediaAreRefused(t *testing.T) {
	v := random(seeded(), hash.PDQ)
	for _, e := range []match.Entry{
		{ID: "x", Duration: math.MaxInt64, Signals: []match.Signal{{Value: v, Quality: 90, To: time.Second}}},
		{ID: "x", Duration: time.Second, Signals: []match.Signal{{Value: v, Quality: 90, To: math.MaxInt64}}},
	} {
		_, err := match.New(match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{e}})
		require.ErrorIs(t, err, match.ErrInvalid)
	}
}

// One digest under very many refs costs no more than as many digests do.
func TestOneDigestManyTimes(t *testing.T) {
	const n = 300_000
	v := random(seeded(), hash.MD5)
	var d match.Digests
	for i := range match.Ref(n) {
		require.NoError(t, d.Add(i^1, v)) // not quite rising
	}
	require.ErrorIs(t, d.Add(1, v), match.ErrDuplicate)
	require.ErrorIs(t, d.Add(n/2, v), match.ErrDuplicate)
	hits, err := d.Search(nil, v, 0)
	require.NoError(t, err)
	require.Len(t, hits, n)
	for i := match.Ref(n); i > 10; i-- {
		require.True(t, d.Remove(i-1, v))
	}
	require.False(t, d.Remove(10, v))
	hits, err = d.Search(nil, v, 0)
	require.NoError(t, err)
	left := map[match.Ref]bool{}
	for _, h := range hits {
		left[h.Ref] = true
	}
	require.Len(t, left, 10)
	require.Equal(t, 10, d.Len())
}
