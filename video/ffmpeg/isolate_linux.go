package ffmpeg

import (
	"os/exec"
	"syscall"

	"github.com/rematch-go/rematch/video"
)

// held are the guards that isolate and os/exec give.
var held = []video.ActiveGuard{
	{Guard: video.GuardDeadline, By: []string{"kill"}},
	{Guard: video.GuardProcessGroup, By: []string{"setpgid"}},
	{Guard: video.GuardParentDeath, By: []string{"pdeathsig"}},
}

// isolate puts a command into a process group of its own, so that a signal from
// the terminal does not reach it and killing the group leaves nothing behind, and
// asks the kernel to kill it when we die.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return killGroup(cmd) }
}
