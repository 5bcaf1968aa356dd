package ffmpeg

import (
	"os/exec"
	"syscall"
)

// isolate puts a command into a process group of its own, so that a signal from
// the terminal does not reach it and killing the group leaves nothing behind, and
// asks the kernel to kill it when we die.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return killGroup(cmd) }
}
