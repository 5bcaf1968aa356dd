package screen_test

import (
	"bytes"
	"context"
	"image/gif"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/vpdq"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// Our vPDQ of the shared clips is the reference's to within what decoders differ: the same
// frames at the same times, and every good one within 10 bits.
func TestVPDQOfReferenceVideos(t *testing.T) {
	o := screen.Options{Video: video.Options{}}
	total, equal, worst := 0, 0, 0
	for _, name := range []string{"chair-19-sd-bar", "pattern-sd-grey-bar", "doorknob-hd-no-bar", "test-padded-dimensions"} {
		f, err := os.Open(media(t, "vpdq-1fps/"+name+".txt"))
		require.NoError(t, err)
		want, err := vpdq.Read(f, vpdq.Options{})
		require.NoError(t, f.Close())
		require.NoError(t, err)
		o.Video.Backend = native(t)
		got, err := screen.VPDQ(context.Background(), video.File(media(t, name+".mp4")), 0, o)
		require.NoError(t, err)
		require.Len(t, got, len(want), name)
		for i := range want {
			assert.Equal(t, want[i].Frame, got[i].Frame, name)
			assert.InDelta(t, want[i].Time.Seconds(), got[i].Time.Seconds(), 0.001, name)
			assert.InDelta(t, int(want[i].Quality), int(got[i].Quality), 2, name)
			if want[i].Quality < 80 {
				continue
			}
			d, ok := want[i].Value.Distance(got[i].Value)
			require.True(t, ok)
			assert.LessOrEqual(t, d, 10, "%s, frame %d", name, want[i].Frame)
			total++
			worst = max(worst, d)
			if d == 0 {
				equal++
			}
		}
		ofOurs, ofTheirs := vpdq.Compare(got, want, vpdq.DefaultDistance, vpdq.DefaultQuality)
		assert.Equal(t, [2]float64{100, 100}, [2]float64{ofOurs, ofTheirs}, name)
	}
	t.Logf("%d frames of quality 80 and more: %d equal, the farthest %d bits off", total, equal, worst)
}

func TestVPDQOfAnimations(t *testing.T) {
	g := stripes()
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, g))
	for every, want := range map[time.Duration]int{0: 2, -1: 20, 500 * time.Millisecond: 4} {
		got, err := screen.VPDQ(context.Background(), video.Bytes("a.gif", b.Bytes()), every, screen.Options{})
		require.NoError(t, err)
		assert.Len(t, got, want)
		require.NoError(t, vpdq.WriteText(new(bytes.Buffer), got))
	}
	_, err := screen.VPDQ(context.Background(), video.Bytes("a.png", pngOf(t, g.Image[0])), 0, screen.Options{})
	assert.ErrorIs(t, err, video.ErrUnsupported)
}
