package match_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// However the frames come, and however often the verdict is asked for meanwhile, it is
// that of ScanVideo.
func TestVideoScanOfAnySplit(t *testing.T) {
	r := seeded()
	s := time.Second
	a, b := moving(r, 30*s), moving(r, 20*s)
	programme := join(moving(r, 8*s), b, moving(r, 8*s))
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "known", Entries: []match.Entry{a.entry("a"), b.entry("b"), picture("shot", a[300])}},
		match.Bank{Name: "news", Allow: true, Entries: []match.Entry{programme.entry("broadcast")}})
	upload := join(moving(r, 6*s), a.cut(5*s, 25*s).sped(1.1), programme, moving(r, 4*s), b.cut(0, 700*time.Millisecond), a.cut(0, 600*time.Millisecond))
	frames := noisy(r, upload.sampled(half, 0), 5, 50, 2)
	want, err := m.ScanVideo(frames)
	require.NoError(t, err)
	require.NotEmpty(t, want.Matches)

	for _, order := range []string{"rising", "key frames first", "shuffled"} {
		for _, batch := range []int{1, 7, len(frames)} {
			t.Run(fmt.Sprintf("%s by %d", order, batch), func(t *testing.T) {
				var given []match.QueryFrame
				switch order {
				case "rising":
					given = append(given, frames...)
				case "key frames first":
					for _, key := range []bool{true, false} {
						for i := range frames {
							if (i%4 == 0) == key {
								given = append(given, frames[i])
							}
						}
					}
				case "shuffled":
					for _, i := range r.Perm(len(frames)) {
						given = append(given, frames[i])
					}
				}
				v := m.NewVideo()
				_, err := v.Result()
				require.ErrorIs(t, err, match.ErrLowQuality, "nothing was added yet")
				for len(given) > 0 {
					n := min(batch, len(given))
					require.NoError(t, v.Add(given[:n]...))
					given = given[n:]
					_, err := v.Result()
					require.NoError(t, err)
				}
				got, err := v.Result()
				require.NoError(t, err)
				require.Equal(t, want, got)
				again, err := v.Result()
				require.NoError(t, err)
				require.Equal(t, want, again)
			})
		}
	}
}

func TestVideoScanOfBadFrames(t *testing.T) {
	r := seeded()
	a := moving(r, 10*time.Second)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}})
	v := m.NewVideo()
	good := a.sampled(half, 0)
	require.NoError(t, v.Add(good...))
	want, err := v.Result()
	require.NoError(t, err)
	require.ErrorIs(t, v.Add(good[0], match.QueryFrame{Time: -1}), match.ErrInvalid)
	got, err := v.Result()
	require.NoError(t, err)
	require.Equal(t, want, got, "of a call with a bad frame none is added")

	// What is removed meanwhile is in no verdict any more.
	require.NoError(t, m.Remove("known", "a"))
	got, err = v.Result()
	require.NoError(t, err)
	require.Empty(t, got.Matches)
}

// The budgets of what is kept hold while frames come, and the verdict is still ScanVideo's
// where they come in order.
func TestVideoScanOfCrowds(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	r := seeded()
	card := random(r, hash.PDQ)
	bank := match.Bank{Name: "known"}
	for i := range 2000 {
		bank.Entries = append(bank.Entries, match.Entry{ID: fmt.Sprint(i), Duration: 5 * time.Second, Signals: []match.Signal{
			{Value: flipped(r, card, 2), Quality: 90, To: time.Second}, {Value: random(r, hash.PDQ), Quality: 90, From: time.Second, To: 5 * time.Second},
		}})
	}
	m := newMatcher(t, match.Options{}, bank)
	v := m.NewVideo()
	var frames []match.QueryFrame
	var looks []match.Look
	for i := range 450 {
		if i%10 == 0 {
			looks = []match.Look{{Value: flipped(r, card, r.IntN(5)), Quality: 90}}
		}
		frames = append(frames, match.QueryFrame{Time: time.Duration(i) * half, Looks: looks})
		require.NoError(t, v.Add(frames[i]))
	}
	want, err := m.ScanVideo(frames)
	require.NoError(t, err)
	require.True(t, want.Limited)
	got, err := v.Result()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// What is half convincing tells where more frames would help.
func TestCloserLooks(t *testing.T) {
	r := seeded()
	s := time.Second
	a := moving(r, 20*s)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{a.entry("a")}})
	upload := join(moving(r, 60*s), a.cut(8*s, 12*s), moving(r, 60*s))
	v := m.NewVideo()
	key := upload.sampled(5*s, 2*s) // one of them in the piece
	require.NoError(t, v.Add(key...))
	result, err := v.Result()
	require.NoError(t, err)
	require.Empty(t, result.Matches)
	closer := result.Closer()
	require.Len(t, closer, 1)
	assert.LessOrEqual(t, closer[0].From, 60*s)
	assert.GreaterOrEqual(t, closer[0].To, 64*s)
	assert.Less(t, closer[0].To-closer[0].From, 30*s)

	for _, f := range upload.sampled(half, 0) {
		if closer[0].From <= f.Time && f.Time < closer[0].To {
			require.NoError(t, v.Add(f))
		}
	}
	result, err = v.Result()
	require.NoError(t, err)
	require.Equal(t, []string{"known/a"}, names(result.Matches))
	g := result.Matches[0].Evidence.Segments[0]
	assert.InDelta(t, 60, g.QueryFrom.Seconds(), 0.5)
	assert.InDelta(t, 64, g.QueryTo.Seconds(), 0.5)
	assert.Empty(t, result.Closer())
}

func BenchmarkVideoScanResult(b *testing.B) {
	r := seeded()
	bank := match.Bank{Name: "known"}
	var first film
	for i := range 20 {
		f := moving(r, time.Minute)
		if i == 0 {
			first = f
		}
		bank.Entries = append(bank.Entries, f.entry(fmt.Sprint(i)))
	}
	m := newMatcher(b, match.Options{}, bank)
	v := m.NewVideo()
	if err := v.Add(first.recoded(rand.New(rand.NewPCG(3, 4)), 6).sampled(half, 0)...); err != nil {
		b.Fatal(err)
	}
	b.Run("query=1min/step=500ms", func(b *testing.B) {
		for b.Loop() {
			if result, err := v.Result(); err != nil || len(result.Matches) != 1 {
				b.Fatal(result, err)
			}
		}
	})
}
