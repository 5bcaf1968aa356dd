package video_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// TestMillionFrames: a GIF of a million frames, 15 bytes each, is judged as far as the
// budget goes, and within its time.
func TestMillionFrames(t *testing.T) {
	head := "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" // one pixel, two colours
	frame := "\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00" +                // where it is
		"\x02\x02\x44\x01\x00" // in codes of three bits: clear, colour 0, end
	file := append([]byte(head), bytes.Repeat([]byte(frame), 1_000_000)...)
	file = append(file, 0x3b)

	const limit = 50_000
	began := time.Now()
	m, err := video.Open(t.Context(), video.Bytes("million.gif", file), video.Options{Limits: video.Limits{Frames: limit, Work: time.Minute}})
	frames := 0
	if err == nil {
		defer m.Close()
		for _, err = range m.Frames(t.Context(), video.Request{}) {
			if err == nil {
				frames++
			}
		}
	}
	reason, ok := video.Reason(err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "over_budget_frames", reason)
	assert.LessOrEqual(t, frames, limit)
	assert.Less(t, time.Since(began), time.Minute)
}
