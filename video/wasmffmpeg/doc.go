// Package wasmffmpeg decodes videos with ffmpeg as sandboxed WebAssembly.
package wasmffmpeg
