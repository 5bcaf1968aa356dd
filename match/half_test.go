package match_test

import (
	"image"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// halved is a film with the hashes of its halves.
type halved [hash.Halves]film

// entry keeps every whole frame, and of each half one frame in so many.
func (f halved) entry(id string, every int) match.Entry {
	e := f[hash.Whole].entry(id)
	for h := hash.Top; h < hash.Halves; h++ {
		for i := 0; i < len(f[h]); i += every {
			from := time.Duration(i) * frame
			e.Signals = append(e.Signals, match.Signal{Value: f[h][i], Quality: 90, Transform: []string{h.String()}, From: from, To: from + 5*frame})
		}
	}
	return e
}

// sampled is the film as an upload. Its halves are looked at up to PDQ's threshold.
func (f halved) sampled(step, phase time.Duration) []match.QueryFrame {
	frames := f[hash.Whole].sampled(step, phase)
	for h := hash.Top; h < hash.Halves; h++ {
		for i, q := range f[h].sampled(step, phase) {
			l := q.Looks[0]
			l.Transform, l.Limit, l.Area = []string{h.String()}, 31, h.Of(image.Rect(0, 0, 100, 100))
			frames[i].Looks = append(frames[i].Looks, l)
		}
	}
	return frames
}

// A film of which all but two halves is covered is named by those, and borne out by one of
// them along a line.
func TestHalvesOfVideos(t *testing.T) {
	r := seeded()
	s := time.Second
	var known, stands halved
	for h := range known {
		known[h] = moving(r, 10*s)
		stands[h] = still(r, random(r, hash.PDQ), 10*s, 6)
	}
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "known", Entries: []match.Entry{known.entry("film", 20), stands.entry("still", 20), picture("shot", known[hash.Top][100])}})
	covered := func(f halved, left ...hash.Half) halved {
		var c halved
		for h := range c {
			c[h] = moving(r, 10*s)
		}
		for _, h := range left {
			c[h] = f[h].recoded(r, 6)
		}
		return c
	}
	for _, left := range [][]hash.Half{{hash.Top, hash.Left}, {hash.Bottom, hash.Right}, {hash.Left}} {
		result, err := m.ScanVideo(covered(known, left...).sampled(half, 100*time.Millisecond))
		require.NoError(t, err)
		require.Equal(t, []string{"known/film"}, names(result.Matches), "%v", left)
		e := result.Matches[0].Evidence
		require.Len(t, e.Transform, 1)
		by, ok := hash.ParseHalf(e.Transform[0])
		assert.True(t, ok)
		assert.Contains(t, left, by)
		assert.Equal(t, e.Transform, e.KnownTransform)
		assert.LessOrEqual(t, e.Distance, 31)
		require.Len(t, e.Segments, 1)
		assert.InDelta(t, 0, e.Segments[0].KnownFrom.Seconds(), 0.5)
		assert.InDelta(t, 10, e.Segments[0].KnownTo.Seconds(), 0.5)
	}

	// The whole is told by the whole.
	result, err := m.ScanVideo(covered(known, hash.Whole, hash.Top, hash.Left).sampled(half, 0))
	require.NoError(t, err)
	require.Equal(t, []string{"known/film"}, names(result.Matches))
	assert.Empty(t, result.Matches[0].Evidence.Transform)

	// Two halves of a picture that stands are no two pictures.
	result, err = m.ScanVideo(covered(stands, hash.Top, hash.Left).sampled(half, 0))
	require.NoError(t, err)
	assert.Empty(t, result.Matches)

	// A half is compared with the same half alone.
	swapped := known
	swapped[hash.Top], swapped[hash.Left], swapped[hash.Whole] = known[hash.Left], known[hash.Whole], known[hash.Top]
	result, err = m.ScanVideo(covered(swapped, hash.Whole, hash.Top, hash.Left).sampled(half, 0))
	require.NoError(t, err)
	for _, found := range result.Matches {
		assert.Equal(t, "shot", found.Entry.ID, "the picture, by the whole frame")
	}

	// A picture is not known by its halves.
	frames := known.sampled(half, 0)
	pictures, err := m.ScanPicture(frames[0].Looks[1:])
	require.ErrorIs(t, err, match.ErrLowQuality)
	assert.Empty(t, pictures.Matches)
}

// Where an allow-list has the film, a copy that shows half of it is allowed.
func TestAllowedHalves(t *testing.T) {
	r := seeded()
	var known halved
	for h := range known {
		known[h] = moving(r, 10*time.Second)
	}
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "known", Entries: []match.Entry{known.entry("film", 20)}},
		match.Bank{Name: "news", Allow: true, Entries: []match.Entry{known.entry("broadcast", 20)}})
	upload := known
	upload[hash.Whole], upload[hash.Bottom], upload[hash.Right] = moving(r, 10*time.Second), moving(r, 10*time.Second), moving(r, 10*time.Second)
	result, err := m.ScanVideo(upload.sampled(half, 0))
	require.NoError(t, err)
	require.Len(t, result.Matches, 1)
	assert.Equal(t, "news/broadcast", result.Matches[0].SuppressedBy)
}
