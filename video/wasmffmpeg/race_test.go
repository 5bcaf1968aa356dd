//go:build race

package wasmffmpeg

const raceEnabled = true
