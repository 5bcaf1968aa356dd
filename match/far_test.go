package match_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// shot is a frame that shows a picture.
func shot(v hash.Value, at time.Duration) match.QueryFrame {
	return match.QueryFrame{Time: at, Looks: []match.Look{{Value: v, Quality: 90}}}
}

// Pages that stand for long, each of which comes in by a frame that is far off: however
// many frames there are, the distinct ones count.
func TestSlowPages(t *testing.T) {
	r := seeded()
	pages := slides(r, 6, 20*time.Second)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{pages.entry("pages")}})
	for _, n := range []int{60, 64, 65, 80, 100, 120} {
		frames := pages.sampled(half, 0)[:n]
		for i := range frames {
			off := 2
			if i%40 == 0 {
				off = 45
			}
			frames[i] = shot(flipped(r, frames[i].Looks[0].Value, off), frames[i].Time)
		}
		result, err := m.ScanVideo(frames)
		require.NoError(t, err)
		assert.Equal(t, []string{"known/pages"}, names(result.Matches), "%d frames", n)
	}
}

// Frames beyond the threshold that are as near to one known frame as to the others.
func TestFarFromAllAlike(t *testing.T) {
	r := seeded()
	scene := random(r, hash.PDQ)
	e := match.Entry{ID: "clip", Duration: time.Second}
	for i := range time.Duration(5) {
		e.Signals = append(e.Signals, match.Signal{Value: flipped(r, scene, 12), Quality: 90, From: i * 200 * time.Millisecond, To: (i + 1) * 200 * time.Millisecond})
	}
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{e}})
	var frames []match.QueryFrame
	for i := range time.Duration(40) {
		v := random(r, hash.PDQ)
		if i >= 10 && i < 16 {
			v = flipped(r, scene, 26)
		}
		frames = append(frames, shot(v, i*200*time.Millisecond))
	}
	result, err := m.ScanVideo(frames)
	require.NoError(t, err)
	assert.Empty(t, result.Matches)
}

// What confirms a frame does not depend on where other kinds of hash stand in the entry.
func TestConfirmedAmongKinds(t *testing.T) {
	for _, before := range []bool{false, true} {
		r := seeded()
		film := moving(r, 60*time.Second)
		e := film.entry("film")
		signals := e.Signals
		e.Signals = nil
		for _, s := range signals {
			other := s
			other.Value = random(r, hash.PHash)
			if before {
				s, other = other, s
			}
			e.Signals = append(e.Signals, s, other)
		}
		m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{e}})
		result, err := m.ScanVideo(noisy(r, film.cut(10*time.Second, 40*time.Second).sampled(half, 0), 46, 55, 60))
		require.NoError(t, err)
		require.Equal(t, []string{"known/film"}, names(result.Matches), "%v", before)
		assert.Greater(t, result.Matches[0].Evidence.Segments[0].Confirmed, 50)
	}
}

// A picture that stands still is compared with what the banks have when it is added again.
func TestStillSeesChanges(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{picture("other", random(r, hash.PDQ))}})
	scan := m.NewVideo()
	require.NoError(t, scan.Add(shot(v, 0)))
	require.NoError(t, m.AddEntries("known", picture("new", v)))
	require.NoError(t, scan.Add(shot(v, half)))
	result, err := scan.Result()
	require.NoError(t, err)
	assert.Equal(t, []string{"known/new"}, names(result.Matches))
}

// Hashes alone that lie a little beyond the threshold are not kept in memory for it.
func TestFarHashesStayOnTheShelf(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	var b match.Builder
	require.NoError(t, b.Bank(match.Bank{Name: "known"}))
	for range 500 {
		require.NoError(t, b.Hash(flipped(r, v, 36)))
	}
	require.NoError(t, b.Entry(moving(r, 4*time.Second).entry("film")))
	s, err := b.Snapshot()
	require.NoError(t, err)
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(s))
	result, err := m.ScanVideo([]match.QueryFrame{shot(v, 0), shot(flipped(r, v, 2), half)})
	require.NoError(t, err)
	assert.Empty(t, result.Matches)
	assert.Zero(t, m.Kept())
}

// A frame that is a little beyond the threshold of many places of a known video is no
// reason not to judge the upload.
func TestFarPlacesAreNoLimit(t *testing.T) {
	r := seeded()
	wall := random(r, hash.PDQ)
	e := match.Entry{ID: "lecture", Duration: 100 * time.Second}
	for i := range time.Duration(100) {
		v := random(r, hash.PDQ)
		if i%2 == 0 {
			v = flipped(r, wall, 10)
		}
		e.Signals = append(e.Signals, match.Signal{Value: v, Quality: 90, From: i * time.Second, To: i*time.Second + 900*time.Millisecond})
	}
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{e}})
	var frames []match.QueryFrame
	for i := range time.Duration(20) {
		v := random(r, hash.PDQ)
		if i == 10 {
			v = flipped(r, wall, 31)
		}
		frames = append(frames, shot(v, i*half))
	}
	result, err := m.ScanVideo(frames)
	require.NoError(t, err)
	assert.Empty(t, result.Matches)
	assert.False(t, result.Limited)
}

// An entry whose treatment changes in the middle of a verdict stays in the list it was in.
func TestFarWhileTreatmentChanges(t *testing.T) {
	r := seeded()
	clip := match.Entry{ID: "clip", Duration: 10 * time.Second}
	for i := range time.Duration(10) {
		clip.Signals = append(clip.Signals, match.Signal{Value: random(r, hash.PDQ), Quality: 90, From: i * time.Second, To: i*time.Second + 400*time.Millisecond})
	}
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{clip}})
	frames := []match.QueryFrame{shot(clip.Signals[0].Value, 0)}
	for i := range time.Duration(40) {
		frames = append(frames, shot(random(r, hash.PDQ), (10+i)*time.Second))
	}
	for i := 1; i < 8; i++ {
		frames = append(frames, shot(flipped(r, clip.Signals[i].Value, 36), time.Duration(200-17*i)*time.Second))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for on := true; ; on = !on {
			select {
			case <-done:
				return
			default:
			}
			if err := m.EditBank("known", func(b *match.Bank) { b.RollOut.Shadow = on }); err != nil {
				t.Error(err)
			}
		}
	})
	defer wg.Wait()
	defer close(done)
	for range 300 {
		result, err := m.ScanVideo(frames)
		require.NoError(t, err)
		for _, match := range result.Matches {
			require.Empty(t, match.ShadowedBy)
		}
		for _, match := range result.Weak {
			require.Empty(t, match.ShadowedBy)
		}
	}
}
