package ffmpeg

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// The WebAssembly backend builds its arguments with Command.Args: ffmpeg-go must
// write the same.
func TestArgumentsAreTheSharedOnes(t *testing.T) {
	c := ffargs.Command{
		Input:  map[string]string{"f": "mov", "nostdin": "", "max_pixels": "100", "an": ""},
		File:   "file:/a b/-i 'x'.mp4",
		Output: map[string]string{"f": "rawvideo", "vf": "select='gt(a,b)',showinfo@x=checksum=0", "map": "0:V:0"},
	}
	want := []string{"-f", "mov", "-an", "-max_pixels", "100", "-nostdin", "-i", "file:/a b/-i 'x'.mp4",
		"-f", "rawvideo", "-map", "0:V:0", "-vf", "select='gt(a,b)',showinfo@x=checksum=0", "pipe:1"}
	assert.Equal(t, want, arguments(c))
	assert.Equal(t, want, c.Args())

	c.Probe = true
	want = []string{"-f", "mov", "-an", "-max_pixels", "100", "-nostdin", "-i", "file:/a b/-i 'x'.mp4"}
	assert.Equal(t, want, c.Args())
	assert.ElementsMatch(t, want, arguments(c))
}
