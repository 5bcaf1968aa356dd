package wasmffmpeg

import (
	"testing"

	"codeberg.org/gruf/go-ffmpreg/embed"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video/wasmffmpeg/internal/blob"
)

// A program that links the decoder must not unpack it at its start.
func TestTheProgramIsUnpackedWhenItIsNeeded(t *testing.T) {
	assert.Panics(t, func() { embed.B() }, "go-ffmpreg has unpacked it")
	assert.NotEmpty(t, blob.Archive())
	program, err := unpack()
	require.NoError(t, err)
	assert.Equal(t, "\x00asm", string(program[:4]))
	assert.Greater(t, len(program), len(blob.Archive()))
}
