package pair

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

const testdata = "../../../testdata"

// TestCompare: an animation needs no decoder; its frames are near the picture that they
// show, whatever was done to it.
func TestCompare(t *testing.T) {
	known, err := screen.Enroll(t.Context(), video.File(filepath.Join(testdata, "known", "flowers.jpg")), nil, screen.Options{})
	require.NoError(t, err)
	for name, want := range map[string][]string{"flowers-mirror.jpg": {"flipy"}, "flowers-bars.jpg": {"border"}} {
		frames, info, err := Hash(t.Context(), video.File(filepath.Join(testdata, "uploads", "pictures", name)), time.Second, video.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, video.Still, info.Class)
		require.Len(t, frames, 1)
		value, quality := frames[0].Plain()
		assert.True(t, value.IsValid())
		assert.Positive(t, quality)
		points := Compare(frames, known, nil)
		require.Len(t, points, 1)
		assert.LessOrEqual(t, points[0].Best, 31, name)
		assert.Equal(t, want, points[0].Transform)
		assert.False(t, points[0].Expected)
		assert.Equal(t, -1, points[0].Aligned)
	}
}

// TestAligned: a frame is held against what the known video shows about its time, and
// the nearest of all may be elsewhere.
func TestAligned(t *testing.T) {
	frames, _, err := Hash(t.Context(), video.File(filepath.Join(testdata, "uploads", "videos", "places-part.gif")), time.Second, video.Options{})
	require.NoError(t, err)
	require.Greater(t, len(frames), 3)
	known := match.Entry{Duration: time.Duration(len(frames)) * time.Second}
	for i := range frames {
		value, quality := frames[i].Plain()
		known.Signals = append(known.Signals, match.Signal{Value: value, Quality: quality, From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second})
	}
	points := Compare(frames, known, func(at time.Duration) (time.Duration, bool) { return 500 * time.Millisecond, at < 2*time.Second })
	for i, p := range points {
		assert.Zero(t, p.Best, "itself is known")
		assert.Equal(t, p.Time < 2*time.Second, p.Expected)
		assert.Equal(t, p.Expected, p.Aligned >= 0)
		if i == 0 {
			assert.Zero(t, p.Aligned)
		}
	}
	assert.Empty(t, Compare(nil, known, nil))
	assert.Equal(t, -1, Compare(frames, match.Entry{}, nil)[0].Best)
}
