package match_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// frameHash is a line of a vPDQ file.
type frameHash struct {
	value   hash.Value
	quality hash.Quality
	at      time.Duration
}

// vpdqEveryFrame reads the reference's hashes of every frame of a shared clip.
func vpdqEveryFrame(t *testing.T, clip string) []frameHash {
	t.Helper()
	media := os.Getenv("REMATCH_MEDIA")
	if media == "" {
		t.Skip("REMATCH_MEDIA is not set: the shared clips' hashes are not there")
	}
	f, err := os.Open(filepath.Join(media, "video", "vpdq-every-frame", clip+".txt"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var frames []frameHash
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), ",")
		require.Len(t, fields, 4)
		quality, err := strconv.ParseUint(fields[1], 10, 8)
		require.NoError(t, err)
		v, err := hash.ParseHex(hash.PDQ, fields[2])
		require.NoError(t, err)
		seconds, err := strconv.ParseFloat(fields[3], 64)
		require.NoError(t, err)
		frames = append(frames, frameHash{v, hash.Quality(quality), time.Duration(seconds * float64(time.Second))})
	}
	require.NotEmpty(t, frames)
	return frames
}

// reference makes a known video as an enrolment does: each frame that differs by
// more than 8 bits from the last one kept, with the interval it stands for.
func reference(id string, frames []frameHash) match.Entry {
	end := frames[len(frames)-1].at + time.Second/30
	e := match.Entry{ID: id, Duration: end}
	for _, f := range frames {
		if n := len(e.Signals); n > 0 {
			last := &e.Signals[n-1]
			if d, _ := last.Value.Distance(f.value); d <= 8 {
				continue
			}
			last.To = f.at
		}
		e.Signals = append(e.Signals, match.Signal{Value: f.value, Quality: f.quality, From: f.at, To: end})
	}
	return e
}

// sample takes one frame every step, beginning at phase.
func sample(frames []frameHash, step, phase time.Duration) []match.QueryFrame {
	var q []match.QueryFrame
	next := phase
	for i, f := range frames {
		if f.at < next {
			continue
		}
		q = append(q, match.QueryFrame{Number: i, Time: f.at, For: step, Looks: []match.Look{{Value: f.value, Quality: f.quality}}})
		for next <= f.at {
			next += step
		}
	}
	return q
}

// The clips' frames with their borders on, by key-frame-like and by usual
// sampling at several phases. (A letterboxed clip needs its border removed before
// hashing, which hashes alone can't do.)
func TestSharedClips(t *testing.T) {
	bank := match.Bank{Name: "clips", Entries: []match.Entry{
		reference("chair", vpdqEveryFrame(t, "chair-orig-22-sd-bar")),
		reference("pattern", vpdqEveryFrame(t, "pattern-hd-no-bar")),
	}}
	m, err := match.New(match.Options{}, bank)
	require.NoError(t, err)

	for _, c := range []struct {
		clip, entry string
		offset      time.Duration
	}{
		{"chair-orig-22-sd-bar", "chair", 0},
		{"chair-19-sd-bar", "chair", 3750 * time.Millisecond},
		{"chair-20-sd-bar", "chair", 2 * time.Second},
		{"chair-22-sd-grey-bar", "chair", 0},
		{"chair-22-sd-sepia-bar", "chair", 0},
		{"chair-22-with-small-logo-bar", "chair", 0},
		{"pattern-hd-no-bar", "pattern", 0},
		{"pattern-longer-no-bar", "pattern", 0},
		{"doorknob-hd-no-bar", "", 0},
		{"test-padded-dimensions", "", 0},
	} {
		for _, step := range []time.Duration{500 * time.Millisecond, 2 * time.Second} {
			for _, phase := range []time.Duration{0, 130 * time.Millisecond, 317 * time.Millisecond} {
				t.Run(c.clip+"/"+step.String()+"+"+phase.String(), func(t *testing.T) {
					frames := vpdqEveryFrame(t, c.clip)
					r, err := m.ScanVideo(sample(frames, step, phase))
					require.NoError(t, err)
					if c.entry == "" {
						assert.Empty(t, r.Matches)
						assert.Empty(t, r.Weak)
						return
					}
					require.Len(t, r.Matches, 1)
					got := r.Matches[0]
					assert.Equal(t, c.entry, got.Entry.ID)
					require.NotEmpty(t, got.Evidence.Segments)
					s := got.Evidence.Segments[0]
					assert.InDelta(t, c.offset.Seconds(), (s.KnownFrom - s.QueryFrom).Seconds(), 0.1)
					assert.GreaterOrEqual(t, got.Evidence.QueryPercent, 80.0)
				})
			}
		}
	}
}

// A large logo moves most frames of hand-held footage beyond the threshold: what
// is left is found at the right offset, or reported as weak, and never at a wrong
// one.
func TestSharedClipWithLargeLogo(t *testing.T) {
	m, err := match.New(match.Options{}, match.Bank{Name: "clips", Entries: []match.Entry{
		reference("chair", vpdqEveryFrame(t, "chair-orig-22-sd-bar")),
		reference("pattern", vpdqEveryFrame(t, "pattern-hd-no-bar")),
	}})
	require.NoError(t, err)
	frames := vpdqEveryFrame(t, "chair-22-with-large-logo-bar")
	found, phases := 0, 0
	for phase := time.Duration(0); phase < 500*time.Millisecond; phase += time.Second / 30 {
		result, err := m.ScanVideo(sample(frames, 500*time.Millisecond, phase))
		require.NoError(t, err)
		found += len(result.Matches)
		phases++
		require.Len(t, names(result.Matches), 1-len(result.Weak))
		for _, x := range result.Matches {
			require.Equal(t, "chair", x.Entry.ID)
			for _, s := range x.Evidence.Segments {
				assert.InDelta(t, 0, (s.KnownFrom - s.QueryFrom).Seconds(), 0.15)
			}
		}
	}
	t.Logf("%d of %d sampling phases match", found, phases)
	assert.Positive(t, found)
}
