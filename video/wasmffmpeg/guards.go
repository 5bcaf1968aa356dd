package wasmffmpeg

import "github.com/rematch-go/rematch/video"

// Guards tells how the decoder is held. They are the same on every system: the
// sandbox has no calls for anything but reading its one file, writing to its pipes and
// looking at a clock, and it lives and ends within the process. video.GuardDeadline is
// among them with Options.StopAnywhere only.
func (b *Backend) Guards() []video.ActiveGuard {
	guards := []video.ActiveGuard{
		{Guard: video.GuardFiles, By: []string{"one_file"}},
		{Guard: video.GuardNetwork, By: []string{"webassembly"}},
		{Guard: video.GuardSyscalls, By: []string{"webassembly"}},
		{Guard: video.GuardProcesses, By: []string{"webassembly"}},
		{Guard: video.GuardPrivileges, By: []string{"webassembly"}},
		{Guard: video.GuardMemory, By: []string{"memory_ceiling"}},
		{Guard: video.GuardFileSize, By: []string{"one_file"}},
	}
	if b.stopAnywhere {
		guards = append(guards, video.ActiveGuard{Guard: video.GuardDeadline, By: []string{"close_on_context"}})
	}
	return append(guards,
		video.ActiveGuard{Guard: video.GuardProcessGroup, By: []string{"in_process"}},
		video.ActiveGuard{Guard: video.GuardParentDeath, By: []string{"in_process"}})
}
