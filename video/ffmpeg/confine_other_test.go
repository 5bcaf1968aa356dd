//go:build !linux

package ffmpeg

// The tests of the kernel's guards are for Linux.
func beParent() bool { return false }
func cleanUp()       {}
