package wasmffmpeg

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	_ "codeberg.org/gruf/go-ffmpreg/embed" // the program, which package blob takes from it
	"codeberg.org/gruf/go-ffmpreg/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs"
	"github.com/rematch-go/rematch/video/wasmffmpeg/internal/blob"
)

// ErrClosed is wrapped by the errors of a Backend that was closed.
var ErrClosed = errors.New("the decoder was closed")

const (
	pageSize      = 64 << 10 // of WebAssembly memory
	defaultMemory = 1 << 30
	maxMemory     = 4 << 30 // 32-bit addresses
)

// Options say how the decoder is made. The zero value means the defaults.
type Options struct {
	// CacheDir keeps the machine code that ffmpeg was compiled to. Default: the
	// folder rematch in os.UserCacheDir; where that can't be written, nothing is kept
	// and each start compiles anew. What is in it is run: nobody else may be able to
	// write there. It is made with permissions for its owner only.
	CacheDir string
	// Progress is told when the compilation takes long, in a sentence for people. It
	// is called from another goroutine while New runs, and never after. May be nil.
	Progress func(string)
	// Memory is the ceiling, in bytes, of one call's memory; default 1 GiB, at most
	// 4 GiB. It holds the decoder's reference frames: 8K video takes about 0.6 GiB.
	// A video that needs more is ErrCorrupt or ErrTruncated.
	Memory int64
	// StopAnywhere makes the end of a context stop the decoder at once, wherever it is,
	// and not at its next read, write or look at the clock, which a loop without any of them never
	// comes to: its thread would be lost until the program ends. It costs three to seven
	// times the processor time, and a compilation of its own.
	StopAnywhere bool
	// Require are guards that must be active: New fails with a *video.MissingGuardsError
	// where one is missing.
	Require []video.Guard
}

// Backend is a video.Backend. It is safe for concurrent use: the compiled program
// is shared, and each call runs an instance with memory of its own.
type Backend struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	cache   wazero.CompilationCache

	stopAnywhere bool

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
	ended  context.Context // ends with Close
	end    context.CancelFunc
}

var _ video.Backend = (*Backend)(nil)

// New compiles the decoder, or loads it from the cache: ten to twenty seconds of
// processor time once for a machine, later half a second. Make one Backend and
// share it. When ctx ends, New returns at once; the compilation can't be
// interrupted and runs to its end in the background.
func New(ctx context.Context, o Options) (*Backend, error) {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Memory < pageSize || o.Memory > maxMemory {
		return nil, fmt.Errorf("wasmffmpeg: Options.Memory is %d bytes; it must be from %d to %d", o.Memory, pageSize, int64(maxMemory))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wasmffmpeg: %w", err)
	}
	if err := video.Demand((&Backend{stopAnywhere: o.StopAnywhere}).Guards(), o.Require...); err != nil {
		return nil, fmt.Errorf("wasmffmpeg: %w", err)
	}
	config := wazero.NewRuntimeConfig().WithMemoryLimitPages(uint32(o.Memory / pageSize)).WithCloseOnContextDone(o.StopAnywhere)
	cache, err := openCache(o.CacheDir)
	if err != nil {
		return nil, err
	}
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}

	type result struct {
		b   *Backend
		err error
	}
	compiled := make(chan result, 1)
	go func() {
		b, err := compile(config, cache)
		if b != nil {
			b.stopAnywhere = o.StopAnywhere
		}
		compiled <- result{b, err}
	}()
	announce := time.NewTimer(announceAfter)
	defer announce.Stop()
	for {
		select {
		case r := <-compiled:
			return r.b, r.err
		case <-announce.C:
			if o.Progress != nil {
				o.Progress("compiling the video decoder for this machine; this takes ten to twenty seconds of processor time and is done once")
			}
		case <-ctx.Done():
			go func() { // throw away what nobody waits for
				if r := <-compiled; r.b != nil {
					_ = r.b.Close()
				}
			}()
			return nil, fmt.Errorf("wasmffmpeg: %w", ctx.Err())
		}
	}
}

// announceAfter is how long New takes before it says so; from the cache it takes
// half a second.
const announceAfter = 1500 * time.Millisecond

// openCache returns the cache of machine code. It is nil, without an error, when
// no folder was named and the default one can't be had.
func openCache(dir string) (wazero.CompilationCache, error) {
	named := dir != ""
	if !named {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, nil
		}
		dir = filepath.Join(user, "rematch")
	}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var cache wazero.CompilationCache
		if cache, err = wazero.NewCompilationCacheWithDir(dir); err == nil {
			return cache, nil
		}
	}
	if named {
		return nil, fmt.Errorf("wasmffmpeg: Options.CacheDir: %w", err)
	}
	return nil, nil
}

// compile makes a Backend. It owns cache, also when it fails.
func compile(config wazero.RuntimeConfig, cache wazero.CompilationCache) (*Backend, error) {
	ctx := experimental.WithCompilationWorkers(context.Background(), runtime.GOMAXPROCS(0))
	b := &Backend{cache: cache}
	b.ended, b.end = context.WithCancel(ctx)
	program, err := unpack()
	if err == nil {
		b.runtime, err = wasm.NewRuntime(ctx, config)
	}
	if err == nil {
		b.module, err = b.runtime.CompileModule(ctx, program)
	}
	if err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("wasmffmpeg: compiling the decoder: %w", err)
	}
	return b, nil
}

// unpack returns the decoder's program.
func unpack() ([]byte, error) {
	z, err := gzip.NewReader(strings.NewReader(blob.Archive()))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// Close ends all calls that run, waits for them, and frees the decoder. Later
// calls fail with ErrClosed. Closing twice is harmless. An error about a decoder
// that does not stop means that it was not freed.
func (b *Backend) Close() error {
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	b.mu.Unlock()
	if closed {
		return nil
	}
	b.end()
	idle := make(chan struct{})
	go func() {
		b.calls.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(stopWait):
		// Its machine code is in use: to free it would crash the program.
		return fmt.Errorf("wasmffmpeg: %w", errStuck)
	}
	ctx := context.Background()
	var err error
	if b.runtime != nil {
		err = b.runtime.Close(ctx)
	}
	if b.cache != nil {
		err = errors.Join(err, b.cache.Close(ctx))
	}
	if err != nil {
		return fmt.Errorf("wasmffmpeg: %w", err)
	}
	return nil
}

// Name returns "wasmffmpeg".
func (b *Backend) Name() string { return "wasmffmpeg" }

// Probe implements video.Backend. It takes at most a minute, or Limits.Work.
func (b *Backend) Probe(ctx context.Context, c video.Container) (video.Info, error) {
	return ffargs.Probe(ctx, b.starter(c), c, settings)
}

// Frames implements video.Backend. A video in which no key frame is marked is
// sampled every two seconds when Sampling.Keys asks for key frames.
func (b *Backend) Frames(ctx context.Context, c video.Container, info video.Info, r video.Request) iter.Seq2[hash.Frame, error] {
	return ffargs.Frames(ctx, b.starter(c), c, info, r, settings)
}

// settings: the file has the same name in every sandbox, and there are no threads.
var settings = ffargs.Settings{File: "file:/" + inputName}
