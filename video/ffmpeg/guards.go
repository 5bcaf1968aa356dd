package ffmpeg

import (
	"time"

	"github.com/rematch-go/rematch/video"
)

const (
	// baseMemory is what ffmpeg maps before it decodes anything: the libraries of a
	// distribution's build take a third of it, the reserves of its threads' heaps and
	// their stacks the rest.
	baseMemory = 1 << 30
	// pixelMemory is what a pixel may take: sixteen reference pictures of 4:2:0, the
	// most that H.264 and HEVC allow, of 1.5 bytes a pixel each, and a third more.
	pixelMemory = 32
	// threadMemory is what a further thread may: a heap of its own in glibc, which takes
	// twice its 64 MiB to place it, and a stack.
	threadMemory = 136 << 20
	// maxPixels bounds what is reckoned for a caller without a limit of pixels: a
	// larger picture is refused anyway.
	maxPixels = 1 << 29
)

// memory returns the ceiling of a process in bytes; 0: none.
func (b *Backend) memory(l video.Limits) int64 {
	switch {
	case b.options.Memory < 0:
		return 0
	case b.options.Memory > 0:
		return b.options.Memory
	}
	pixels := l.Pixels
	if pixels <= 0 || pixels > maxPixels {
		pixels = maxPixels
	}
	return baseMemory + pixelMemory*pixels + threadMemory*int64(max(b.options.Threads, 1)-1)
}

// cpu returns the processor time of a process, in whole seconds because that is
// what the kernel counts in; 0: none.
func (b *Backend) cpu(l video.Limits) time.Duration {
	d := b.options.CPU
	if d == 0 {
		// One thread more than decoders: reading, scaling and writing have their own.
		d = l.Work * time.Duration(max(b.options.Threads, 1)+1)
	}
	if d <= 0 {
		return 0
	}
	return (d + time.Second - 1).Truncate(time.Second)
}

// limits are the ceilings of one process; 0: none.
type limits struct {
	memory int64 // bytes of address space
	cpu    time.Duration
}

func (b *Backend) limits(l video.Limits) limits {
	if !b.confine.canLimit() {
		return limits{}
	}
	return limits{memory: b.memory(l), cpu: b.cpu(l)}
}

// Guards tells how the programs are held on this machine. On Linux each guard was
// tried when the Backend was made; see the documentation of the package.
func (b *Backend) Guards() []video.ActiveGuard {
	guards := b.confine.guards()
	if b.confine.canLimit() {
		if b.options.Memory >= 0 {
			guards = append(guards, video.ActiveGuard{Guard: video.GuardMemory, By: []string{"rlimit"}})
		}
		if b.options.CPU >= 0 {
			guards = append(guards, video.ActiveGuard{Guard: video.GuardCPU, By: []string{"rlimit"}})
		}
		guards = append(guards, video.ActiveGuard{Guard: video.GuardFileSize, By: []string{"rlimit"}})
	}
	return append(guards, held...)
}
