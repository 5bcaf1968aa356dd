package fftest

import (
	"image"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// Equal holds two backends to the same frames of every clip: pictures, times,
// numbers and keys, at native size and scaled.
func Equal(t *testing.T, a, b video.Backend) {
	for _, c := range clips {
		t.Run(c.name, func(t *testing.T) {
			made, info := open(t, a, c.make(t))
			_, other := open(t, b, made)
			assert.Equal(t, info, other)
			for _, r := range []video.Request{
				{}, {MaxSide: 50, Sampling: video.Sampling{Every: 300 * time.Millisecond}}, {Sampling: video.Sampling{Keys: true}},
				{Size: image.Pt(64, 64), Sampling: video.Sampling{Every: 500 * time.Millisecond}},
			} {
				equal(t, a, b, made, info, r)
			}
		})
	}
}

// equal counts the frames that differ: to print them would help nobody.
func equal(t *testing.T, a, b video.Backend, c video.Container, info video.Info, r video.Request) {
	t.Helper()
	want, err := Collect(a, c, info, r)
	require.NoError(t, err)
	got, err := Collect(b, c, info, r)
	require.NoError(t, err)
	differ := 0
	for i := range want {
		if i >= len(got) || want[i] != got[i] {
			differ++
		}
	}
	assert.Len(t, got, len(want))
	assert.Zero(t, differ, "frames that differ of %d, %+v", len(want), r)
}
