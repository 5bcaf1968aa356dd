package screen_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// A stream matches as soon as enough of it is there, and says in the end what Screen says
// of the whole.
func TestStream(t *testing.T) {
	var known, upload reel
	for n := range 80 {
		known = append(known, scene(1, float64(n)/10, 120, 90))
	}
	for n := range 120 {
		m := scene(2, float64(n)/10, 120, 90)
		if n >= 40 && n < 90 {
			m = scene(1, float64(n-40)/10+1, 120, 90)
		}
		upload = append(upload, m)
	}
	bank := match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "reel", clip(""), known.options())}}
	s := screen.New(matcher(t, bank), upload.options())
	live := s.NewStream()
	v, err := live.Verdict()
	require.NoError(t, err)
	assert.Equal(t, screen.NotJudged, v.Outcome)
	assert.Equal(t, screen.ReasonLowQuality, v.Reason)
	matched := time.Duration(0)
	for n := 0; n < len(upload); n += 5 {
		at := time.Duration(n) * 100 * time.Millisecond
		require.NoError(t, live.Add(upload[n], at))
		v, err = live.Verdict()
		require.NoError(t, err)
		if n < 40 {
			assert.Equal(t, screen.NoMatch, v.Outcome, "at %v", at)
		}
		if v.Outcome == screen.Match && matched == 0 {
			matched = at
		}
	}
	assert.LessOrEqual(t, matched, 6*time.Second, "two seconds of the known video are enough")
	assert.Greater(t, matched, 4*time.Second)
	whole, err := s.Screen(context.Background(), video.Bytes("x", clip("")))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome)
	require.Len(t, v.Matches, 1)
	assert.Equal(t, whole.Matches[0].Evidence.Segments, v.Matches[0].Evidence.Segments)
	assert.ErrorIs(t, live.Add(upload[0], -time.Second), match.ErrInvalid)
	assert.Error(t, live.Add(nil, time.Hour))
}
