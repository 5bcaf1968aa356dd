package wasmffmpeg

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"codeberg.org/gruf/go-ffmpreg/wasm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
)

// tightLoop is a program that does nothing for ever, and calls nobody:
// (module (func (export "_start") (loop (br 0))))
var tightLoop = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // one type, of functions without parameters and results
	"\x03\x02\x01\x00" + // one function, of this type
	"\x07\x0a\x01\x06_start\x00\x00" + // exported
	"\x0a\x09\x01\x07\x00\x03\x40\x0c\x00\x0b\x0b") // loop, branch to it, end, end

// TestStopAnywhere: with the option, the end of the context and Close stop a guest
// in a tight loop.
func TestStopAnywhere(t *testing.T) {
	ctx := context.Background()
	b := &Backend{stopAnywhere: true}
	b.ended, b.end = context.WithCancel(ctx)
	var err error
	b.runtime, err = wasm.NewRuntime(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
	require.NoError(t, err)
	b.module, err = b.runtime.CompileModule(ctx, tightLoop)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(path, nil, 0o600))

	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	p, err := b.start(limited, path, ffargs.Command{})
	require.NoError(t, err)
	began := time.Now()
	time.AfterFunc(100*time.Millisecond, cancel)
	_, _ = io.Copy(io.Discard, p.Stderr)
	assert.Error(t, p.Wait())
	assert.Less(t, time.Since(began), stopWait/2)
	assert.Error(t, limited.Err())

	p, err = b.start(ctx, path, ffargs.Command{})
	require.NoError(t, err)
	require.NoError(t, b.Close())
	assert.ErrorIs(t, p.Wait(), ErrClosed)
}

func TestGuards(t *testing.T) {
	assert.Error(t, video.Demand((&Backend{}).Guards(), video.GuardDeadline))
	assert.NoError(t, video.Demand((&Backend{stopAnywhere: true}).Guards(),
		video.GuardFiles, video.GuardNetwork, video.GuardMemory, video.GuardDeadline, video.GuardParentDeath))
	_, err := New(context.Background(), Options{Require: []video.Guard{video.GuardFiles, video.GuardDeadline}})
	var missing *video.MissingGuardsError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, []video.Guard{video.GuardDeadline}, missing.Missing)
}
