//go:build !unix

package ffmpeg

import (
	"os/exec"

	"github.com/rematch-go/rematch/video"
)

// held are the guards that os/exec gives.
var held = []video.ActiveGuard{{Guard: video.GuardDeadline, By: []string{"kill"}}}

// isolate leaves a command as it is: killing the process is what os/exec does.
func isolate(*exec.Cmd) {}
