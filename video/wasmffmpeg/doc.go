// Package wasmffmpeg decodes videos with ffmpeg as sandboxed WebAssembly: nothing
// is installed, and the decoder sees one file and nothing else of the machine. The
// frames are those that package video/ffmpeg gives with ffmpeg 5.1, bit for bit, at
// about six times the cost.
//
// The module is under the GPL, version 3, because the ffmpeg in it is: a program
// that imports it is under the GPL as a whole when it is given to others. See
// README.md.
package wasmffmpeg
