package screen_test

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

// media returns a file of the shared reference media. Without REMATCH_MEDIA the
// test is skipped; with it a missing file is a failure.
func media(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("REMATCH_MEDIA")
	if dir == "" {
		t.Skip("REMATCH_MEDIA is not set: the shared reference media is needed for this test")
	}
	path := filepath.Join(dir, "video", name)
	_, err := os.Stat(path)
	require.NoError(t, err)
	return path
}

func native(t *testing.T) video.Backend {
	t.Helper()
	b, err := ffmpeg.New(ffmpeg.Options{})
	require.NoError(t, err, "the reference media is there, so ffmpeg must be too")
	return b
}

// Two hand-held scenes in several edits, and others that show something else.
func TestReferenceVideos(t *testing.T) {
	media(t, "video-info.csv")
	o := screen.Options{Video: video.Options{Backend: native(t)}}
	var entries []match.Entry
	for _, name := range []string{"chair-orig-22-sd-bar.mp4", "pattern-hd-no-bar.mp4"} {
		e, err := screen.Enroll(context.Background(), video.File(media(t, name)), nil, o)
		require.NoError(t, err)
		e.ID = name
		t.Logf("%s: %d signals, %v", name, len(e.Signals), e.Duration)
		entries = append(entries, e)
	}
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: entries}), o)
	const chair, pattern = "chair-orig-22-sd-bar.mp4", "pattern-hd-no-bar.mp4"
	for _, c := range []struct {
		upload, entry string
		offset        float64 // seconds of the known video before the upload's start
	}{
		{"chair-orig-22-sd-bar.mp4", chair, 0},
		{"chair-19-sd-bar.mp4", chair, 3.75},
		{"chair-20-sd-bar.mp4", chair, 2},
		{"chair-22-sd-grey-bar.mp4", chair, 0},
		{"chair-22-sd-sepia-bar.mp4", chair, 0},
		{"chair-22-with-small-logo-bar.mp4", chair, 0},
		{"chair-22-with-large-logo-bar.mp4", chair, 0},
		{"pattern-hd-no-bar.mp4", pattern, 0},
		{"pattern-longer-no-bar.mp4", pattern, 0},
		{"pattern-sd-grey-bar.mp4", pattern, 0},
		{"pattern-sd-with-small-logo-bar.mp4", pattern, 0},
		{"pattern-sd-with-large-logo-bar.mp4", pattern, 0},
		{"doorknob-hd-no-bar.mp4", "", 0},
		{"test-padded-dimensions.mp4", "", 0},
	} {
		v, err := s.Screen(context.Background(), video.File(media(t, c.upload)))
		require.NoError(t, err)
		for _, m := range v.Matches {
			e := m.Evidence
			t.Logf("%-36s %d bits %v, %d segments, first %+v, query %.0f %%, known %.0f %%", c.upload, e.Distance, e.Transform, len(e.Segments), e.Segments[0], e.QueryPercent, e.KnownPercent)
		}
		for _, w := range v.Weak {
			t.Logf("%-36s weak: %s lacks %v", c.upload, w.Entry.ID, w.Missing)
		}
		if c.entry == "" {
			assert.Equal(t, screen.NoMatch, v.Outcome, c.upload)
			continue
		}
		require.Equal(t, screen.Match, v.Outcome, c.upload)
		require.Len(t, v.Matches, 1, c.upload)
		assert.Equal(t, c.entry, v.Matches[0].Entry.ID, c.upload)
		g := v.Matches[0].Evidence.Segments[0]
		assert.InDelta(t, c.offset, (g.KnownFrom - g.QueryFrom).Seconds(), .25, "%s: %+v", c.upload, g)
	}
}

// Frames as the native decoder gives them, hashed at native size, against the
// reference's own hashes of its own decoder's frames.
func TestFrameHashesAgainstReference(t *testing.T) {
	media(t, "video-info.csv")
	lists, err := filepath.Glob(filepath.Join(os.Getenv("REMATCH_MEDIA"), "video", "vpdq-1fps", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, lists)
	backend := native(t)
	spread := map[int]int{}
	total, near := 0, 0
	for _, list := range lists {
		name := strings.TrimSuffix(filepath.Base(list), ".txt") + ".mp4"
		type golden struct {
			value   hash.Value
			quality int
			seconds float64
		}
		want := map[int]golden{}
		f, err := os.Open(list)
		require.NoError(t, err)
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var n, q int
			var s float64
			fields := strings.Split(lines.Text(), ",")
			require.Len(t, fields, 4)
			_, err := fmt.Sscan(fields[0]+" "+fields[1]+" "+fields[3], &n, &q, &s)
			require.NoError(t, err)
			v, err := hash.ParseHex(hash.PDQ, fields[2])
			require.NoError(t, err)
			want[n] = golden{v, q, s}
		}
		require.NoError(t, f.Close())
		m, err := video.Open(context.Background(), video.File(media(t, name)), video.Options{Backend: backend})
		require.NoError(t, err)
		seen := 0
		for frame, err := range m.Frames(context.Background(), video.Request{}) {
			require.NoError(t, err)
			g, ok := want[frame.Number]
			if !ok {
				continue
			}
			seen++
			value, quality := pdq.Sum(frame.Image)
			assert.InDelta(t, g.seconds, frame.Time.Seconds(), .02, "%s, frame %d", name, frame.Number)
			if g.quality < 80 {
				continue
			}
			assert.GreaterOrEqual(t, int(quality), 50, "%s, frame %d", name, frame.Number)
			d, ok := value.Distance(g.value)
			require.True(t, ok)
			spread[d]++
			total++
			if d <= 10 {
				near++
			}
		}
		require.NoError(t, m.Close())
		assert.Equal(t, len(want), seen, name)
	}
	require.NotZero(t, total)
	t.Logf("%d frames of quality >= 80, %.1f %% within 10 bits; bits: frames %v", total, 100*float64(near)/float64(total), spread)
	assert.GreaterOrEqual(t, float64(near), math.Ceil(.95*float64(total)))
}
