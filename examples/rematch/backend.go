package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

// errLeftOut is the reason that a program built with -tags nogpl gives for not
// using WebAssembly.
var errLeftOut = errors.New("this program was built without the WebAssembly decoder (-tags nogpl)")

// decoder is the video.Backend of the programs: it picks one when the first video
// turns up, so that a run over pictures starts no decoder and compiles none.
type decoder struct {
	choice string       // auto, ffmpeg or wasm
	note   func(string) // told what takes long; may be called from any goroutine

	once    sync.Once
	backend video.Backend
	err     error
	closer  func() error
}

// newDecoder checks the choice; note may be nil.
func newDecoder(choice string, note func(string)) (*decoder, error) {
	switch choice {
	case "wasm":
		if !wasmBuiltIn {
			return nil, usagef("--backend wasm: %w", errLeftOut)
		}
	case "auto", "ffmpeg":
	default:
		return nil, usagef("--backend %q: want auto, ffmpeg or wasm", choice)
	}
	if note == nil {
		note = func(string) {}
	}
	return &decoder{choice: choice, note: note}, nil
}

// start picks the backend. Every call gives what the first one found.
func (d *decoder) start(ctx context.Context) (video.Backend, error) {
	d.once.Do(func() {
		var missing error
		if d.choice != "wasm" {
			native, err := ffmpeg.New(ffmpeg.Options{Lazy: true})
			if err == nil {
				d.backend = native
				return
			}
			missing = err
		}
		if d.choice != "ffmpeg" {
			var err error
			d.backend, d.closer, err = newWASM(ctx, d.note)
			if !errors.Is(err, errLeftOut) {
				d.err = err
				return
			}
			if missing == nil {
				missing = err
			}
		}
		d.err = fmt.Errorf("%w: %w", video.ErrNoBackend, missing)
	})
	return d.backend, d.err
}

// close releases what the backend holds. No frames may be asked for during or
// after it.
func (d *decoder) close() error {
	if d.closer == nil {
		return nil
	}
	return d.closer()
}

// Name implements video.Backend.
func (d *decoder) Name() string { return d.choice }

// Probe implements video.Backend.
func (d *decoder) Probe(ctx context.Context, c video.Container) (video.Info, error) {
	b, err := d.start(ctx)
	if err != nil {
		return video.Info{}, err
	}
	return b.Probe(ctx, c)
}

// Frames implements video.Backend.
func (d *decoder) Frames(ctx context.Context, c video.Container, info video.Info, r video.Request) iter.Seq2[hash.Frame, error] {
	b, err := d.start(ctx)
	if err != nil {
		return func(yield func(hash.Frame, error) bool) { yield(hash.Frame{}, err) }
	}
	return b.Frames(ctx, c, info, r)
}
