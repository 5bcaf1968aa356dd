//go:build nogpl

package main

import (
	"context"

	"github.com/rematch-go/rematch/video"
)

// wasmBuiltIn tells whether this program holds the GPL decoder.
const wasmBuiltIn = false

func newWASM(context.Context, func(string)) (video.Backend, func() error, error) {
	return nil, nil, errLeftOut
}
