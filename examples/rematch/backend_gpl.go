//go:build !nogpl

package main

import (
	"context"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/wasmffmpeg"
)

// wasmBuiltIn tells whether this program holds the GPL decoder.
const wasmBuiltIn = true

// newWASM starts the WebAssembly decoder. The first start on a machine compiles
// it, which takes about ten seconds and is told to note; later ones read the
// compiled form from the user's cache folder.
func newWASM(ctx context.Context, note func(string)) (video.Backend, func() error, error) {
	b, err := wasmffmpeg.New(ctx, wasmffmpeg.Options{Progress: note})
	if err != nil {
		return nil, nil, err
	}
	return b, b.Close, nil
}
