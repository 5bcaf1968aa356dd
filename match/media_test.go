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

// A large logo moves most frames of hand-held footage beyond the threshold, of 12 key frames
// all but one: those that are left tell where the others belong, and there they are near
// enough. Where not one is left there is nothing to begin with.
func TestSharedClipWithLargeLogo(t *testing.T) {
	m, err := match.New(match.Options{}, match.Bank{Name: "clips", Entries: []match.Entry{
		reference("chair", vpdqEveryFrame(t, "chair-orig-22-sd-bar")),
		reference("pattern", vpdqEveryFrame(t, "pattern-sd-grey-bar")),
	}})
	require.NoError(t, err)
	for _, c := range []struct {
		clip, entry string
		step        time.Duration
		least       int // of 30 phases, in which it matches
	}{
		{"chair-22-with-large-logo-bar", "chair", time.Second / 2, 30},
		{"chair-22-with-large-logo-bar", "chair", time.Second, 30},
		{"chair-22-with-large-logo-bar", "chair", 2 * time.Second, 30},
		// Of this one no frame is within 31 bits but in a few phases.
		{"pattern-sd-with-large-logo-bar", "pattern", time.Second / 2, 30},
	} {
		frames := vpdqEveryFrame(t, c.clip)
		matches, weak, confirmed := 0, 0, 0
		for i := range 30 {
			result, err := m.ScanVideo(sample(frames, c.step, time.Duration(i)*c.step/30))
			require.NoError(t, err)
			matches += len(result.Matches)
			weak += len(result.Weak)
			for _, x := range result.Matches {
				require.Equal(t, c.entry, x.Entry.ID)
				for _, s := range x.Evidence.Segments {
					assert.InDelta(t, 0, (s.KnownFrom - s.QueryFrom).Seconds(), 0.35)
					confirmed += s.Confirmed
				}
			}
		}
		t.Logf("%s every %v: %d of 30 sampling phases match, %d are weak; %d frames confirmed", c.clip, c.step, matches, weak, confirmed)
		assert.GreaterOrEqual(t, matches, c.least, "%s every %v", c.clip, c.step)
		assert.Positive(t, confirmed)
	}
}

// listed is a known video as a list of one frame every step tells it.
func listed(id string, frames []frameHash, step time.Duration) match.Entry {
	e := match.Entry{ID: id}
	next := time.Duration(0)
	for _, f := range frames {
		if f.at >= next {
			e.Signals = append(e.Signals, match.Signal{Value: f.value, Quality: f.quality, From: f.at, To: f.at + step})
			next += step
		}
	}
	e.Duration = e.Signals[len(e.Signals)-1].To
	return e
}

// Lists of one frame a second, as vPDQ makes them, match as well as they can: the frames
// in between are not known, so that in quick motion most of an upload's agree with nothing.
func TestSharedClipsAgainstLists(t *testing.T) {
	m, err := match.New(match.Options{}, match.Bank{Name: "lists", Entries: []match.Entry{
		listed("chair", vpdqEveryFrame(t, "chair-orig-22-sd-bar"), time.Second),
		listed("pattern", vpdqEveryFrame(t, "pattern-hd-no-bar"), time.Second),
	}})
	require.NoError(t, err)
	for _, c := range []struct {
		clip, entry string
		offset      float64
		least       int // of 30 phases
	}{
		{"chair-22-with-small-logo-bar", "chair", 0, 30},
		{"chair-22-sd-sepia-bar", "chair", 0, 30},
		{"chair-19-sd-bar", "chair", 3.7, 30},
		{"pattern-longer-no-bar", "pattern", 0, 10},
		{"doorknob-hd-no-bar", "", 0, 0},
		{"test-padded-dimensions", "", 0, 0},
	} {
		frames := vpdqEveryFrame(t, c.clip)
		matches, weak := 0, 0
		for i := range 30 {
			result, err := m.ScanVideo(sample(frames, 500*time.Millisecond, time.Duration(i)*500*time.Millisecond/30))
			require.NoError(t, err)
			weak += len(result.Weak)
			for _, x := range result.Matches {
				matches++
				require.Equal(t, c.entry, x.Entry.ID)
				s := x.Evidence.Segments[0]
				assert.InDelta(t, c.offset, (s.KnownFrom - s.QueryFrom).Seconds(), 0.6, "within a step")
			}
		}
		t.Logf("%s: %d of 30 sampling phases match, %d are weak", c.clip, matches, weak)
		assert.GreaterOrEqual(t, matches, c.least, c.clip)
		if c.entry == "" {
			assert.Zero(t, matches+weak)
		}
	}
}
