package screen_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// A bank on trial is told of apart and decides nothing: of a picture, a video, a stream and a
// decoded picture; and an allow-list for other banks suppresses nothing of it.
func TestShadow(t *testing.T) {
	ctx := context.Background()
	var film reel
	for n := range 40 {
		film = append(film, scene(1, float64(n)/10, 120, 90))
	}
	still := scene(7, 0, 300, 200)
	file := pngOf(t, still)
	sum := digestOf(t, clip(""))
	bare := match.Entry{ID: "sum", Signals: []match.Signal{{Value: sum, Quality: hash.Unmeasured}}}
	m := matcher(t, match.Bank{Name: "known", Action: "block", RollOut: match.RollOut{Shadow: true},
		Entries: []match.Entry{enroll(t, "reel", clip(""), film.options()), enroll(t, "still", file, screen.Options{})}},
		match.Bank{Name: "harmless", Allow: true, Suppresses: []string{"another"}, Entries: []match.Entry{bare}})
	s := screen.New(m, film.options())
	look := func(outcome screen.Outcome, of func() (screen.Verdict, error)) screen.Verdict {
		t.Helper()
		v, err := of()
		require.NoError(t, err)
		require.Equal(t, outcome, v.Outcome, v.Err)
		matches, others := v.Matches, v.Shadow
		if outcome == screen.NoMatch {
			matches, others = others, matches
			require.Equal(t, match.ShadowedByRollOut, matches[0].ShadowedBy)
			require.Equal(t, 1, v.ShadowTotal)
		}
		require.Len(t, matches, 1)
		require.Equal(t, "block", matches[0].Action)
		require.Empty(t, matches[0].SuppressedBy)
		require.Empty(t, others)
		return v
	}
	ways := func(s *screen.Screener) []func() (screen.Verdict, error) {
		return []func() (screen.Verdict, error){
			func() (screen.Verdict, error) { return s.Screen(ctx, video.Bytes("x", clip(""))) },
			func() (screen.Verdict, error) { return s.Screen(ctx, video.Bytes("x", file)) },
			func() (screen.Verdict, error) { return s.ScreenImage(still) },
			func() (screen.Verdict, error) {
				live := s.NewStream()
				for n := 0; n < len(film); n += 5 {
					if err := live.Add(film[n], time.Duration(n)*100*time.Millisecond); err != nil {
						return screen.Verdict{}, err
					}
				}
				return live.Verdict()
			},
		}
	}
	for _, way := range ways(s) {
		look(screen.NoMatch, way)
	}

	// To half of the uploads: the same ones every time, by the caller's ID or by the bytes.
	require.NoError(t, m.EditBank("known", func(b *match.Bank) { b.RollOut = match.RollOut{Percent: 50} }))
	in, out := 0, 0
	for i := range 10 {
		id := fmt.Sprint("upload ", i)
		p, err := m.Upload(id).ScanPicture([]match.Look{{Value: enroll(t, "still", file, screen.Options{}).Signals[0].Value, Quality: 90}})
		require.NoError(t, err)
		want := screen.NoMatch
		if in += len(p.Matches); len(p.Matches) > 0 {
			want = screen.Match
		}
		out += len(p.Shadow)
		for _, way := range ways(s.For(id))[1:3] {
			look(want, way)
		}
	}
	require.Positive(t, in)
	require.Positive(t, out)
	id := fmt.Sprintf("sha256:%x", sha256.Sum256(file))
	same, err := s.For(id).Screen(ctx, video.Bytes("x", file))
	require.NoError(t, err)
	look(same.Outcome, ways(s)[1])
}

func digestOf(t *testing.T, file []byte) hash.Value {
	sum := sha256.Sum256(file)
	v, err := hash.FromBytes(hash.SHA256, sum[:])
	require.NoError(t, err)
	return v
}
