//go:build !unix

package ffmpeg

import (
	"os/exec"
)

// isolate leaves a command as it is: killing the process is what os/exec does.
func isolate(*exec.Cmd) {}
