package ffmpeg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rematch-go/rematch/video"
)

// confinement says which of the kernel's guards are used. All but the namespace are
// put on the one thread that starts the program, which inherits them, and never on
// the process that we live in. The zero value uses none.
type confinement struct {
	privileges bool // no new ones, and all but one dropped
	landlock   int  // version; 0: not used
	seccomp    bool
	// network: a network namespace without anything in it, where we may make one as we
	// are. One can be had by any user within a user namespace of its own, but then Go
	// copies the page tables of the whole process instead of borrowing its memory:
	// in a program with a heap of 1 GiB each start costs 170 ms of processor time more.
	// The seccomp filter forbids sockets for nothing.
	network bool
	rlimits bool
}

// keptCapability is what a decoder started by root keeps: root opens files whose
// owner it is not.
const keptCapability = unix.CAP_DAC_READ_SEARCH

// kernelGuards tries every guard, once in the life of a process, on a thread that
// ends with it. The error says that there was no answer: for want of file
// descriptors or processes; it is tried again at the next call.
func kernelGuards() (confinement, error) {
	tried.Lock()
	defer tried.Unlock()
	if tried.done {
		return tried.confinement, nil
	}
	// os finds out now, and not first on a restricted thread, whether processes have
	// handles.
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Release()
	}
	done := make(chan error)
	onOwnThread(func() {
		var err error
		tried.confinement, err = tryGuards()
		done <- err
	})
	err := <-done
	tried.done = err == nil
	return tried.confinement, err
}

var tried struct {
	sync.Mutex
	confinement
	done bool
}

// tryGuards asks the kernel for what it has. The error is one that says nothing about that.
func tryGuards() (c confinement, err error) {
	answers := func(e error) bool { // and remembers if it is none
		if passing(e) {
			err = e
		}
		return e == nil
	}
	var limit unix.Rlimit
	c.rlimits = answers(unix.Prlimit(0, unix.RLIMIT_AS, nil, &limit))
	// Nothing is at this path, and that is found out after the namespace was made.
	_, forkErr := syscall.ForkExec("/dev/null/none", nil, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}})
	answers(forkErr)
	c.network = errors.Is(forkErr, unix.ENOTDIR) || errors.Is(forkErr, unix.ENOENT)
	if !answers(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		return c, err
	}
	c.privileges = answers(dropCapabilities())
	if abi := landlockABI(); abi > 0 && answers(landlock(abi, nil)) {
		fd, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if answers(err) {
			unix.Close(fd)
		} else if errors.Is(err, unix.EACCES) {
			c.landlock = abi
		}
	}
	if haveSeccomp && answers(seccomp(c.cloneFlags())) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if answers(err) {
			unix.Close(fd)
		}
		c.seccomp = errors.Is(err, unix.EPERM)
	}
	return c, err
}

// prepare sets what a command needs before its thread is restricted.
func (c confinement) prepare(cmd *exec.Cmd) {
	if c.network {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWNET
	}
}

// cloneFlags are the flags with which os/exec starts our programs.
func (c confinement) cloneFlags() uint32 {
	flags := uint32(unix.CLONE_VFORK|unix.CLONE_VM) | uint32(unix.SIGCHLD)
	if c.network {
		flags |= unix.CLONE_NEWNET
	}
	return flags
}

// fallbacks returns what to try, in this order, when a program does not run as
// confined as the kernel allows: a wrapper script that starts processes, or libraries
// in places that nobody thought of.
func (c confinement) fallbacks() []confinement {
	tries := []confinement{c}
	add := func(change func(*confinement)) {
		less := c
		change(&less)
		if less != tries[len(tries)-1] {
			tries = append(tries, less)
		}
	}
	add(func(c *confinement) { c.landlock = 0 })
	add(func(c *confinement) { c.seccomp = false })
	add(func(c *confinement) { c.landlock, c.seccomp = 0, false })
	add(func(c *confinement) { c.network = false })
	add(func(c *confinement) { c.rlimits = false })
	add(func(c *confinement) { *c = confinement{rlimits: c.rlimits} })
	add(func(c *confinement) { *c = confinement{} })
	return tries
}

func (c confinement) canLimit() bool { return c.rlimits }

// guards lists what holds.
func (c confinement) guards() (g []video.ActiveGuard) {
	add := func(name video.Guard, by ...string) { g = append(g, video.ActiveGuard{Guard: name, By: by}) }
	if c.landlock > 0 {
		add(video.GuardFiles, "landlock")
	}
	switch {
	case c.seccomp && c.network:
		add(video.GuardNetwork, "seccomp", "network_namespace")
	case c.seccomp:
		add(video.GuardNetwork, "seccomp")
	case c.network:
		add(video.GuardNetwork, "network_namespace")
	}
	if c.seccomp {
		add(video.GuardSyscalls, "seccomp")
	}
	if c.oneProcess() {
		add(video.GuardProcesses, "seccomp", "capabilities")
	}
	if c.privileges {
		add(video.GuardPrivileges, "no_new_privs", "capabilities")
	}
	return g
}

// oneProcess reports whether the program can start no other. A filter can't tell our
// call that starts the program from one of the program's own, unless ours is one that
// the program is not privileged to make: one with a network namespace.
func (c confinement) oneProcess() bool { return c.seccomp && c.network && c.privileges }

// enter restricts the calling thread, for good, to running a program with its rules on
// input, which may be "". The thread must be one of onOwnThread.
func (c confinement) enter(rules permissions, input string) error {
	if !c.privileges && c.landlock == 0 && !c.seccomp {
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	if c.privileges {
		if err := dropCapabilities(); err != nil {
			return err
		}
	}
	if c.landlock > 0 {
		if input != "" {
			rules = append(slices.Clip(rules), rule{input, mayRead, true})
		}
		if err := landlock(c.landlock, rules); err != nil {
			return err
		}
	}
	if c.seccomp {
		return seccomp(c.cloneFlags())
	}
	return nil
}

// dropCapabilities sees to it that a program started by this thread has none but
// keptCapability. The thread keeps its own.
func dropCapabilities() error {
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if c == keptCapability {
			continue
		}
		// Ambient ones are kept by a program that is run; the bounding set is what root gets.
		_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_LOWER, c, 0, 0)
		if os.Geteuid() != 0 && os.Getuid() != 0 {
			continue // gets none, as no_new_privs is set
		}
		if has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0); err == nil && has == 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // the kernel knows no more
		}
		if err != nil {
			return fmt.Errorf("dropping capabilities: %w", err)
		}
	}
	return nil
}

// limit sets the ceilings of a process that has just been started by this thread.
// Go has no way to set them before it runs, and they need not be: a process loads its
// libraries first, and a ceiling binds whatever was reached before it came.
func (c confinement) limit(pid int, l limits) error {
	if !c.rlimits {
		return nil
	}
	set := func(resource int, n uint64) error {
		// Not above what we are allowed ourselves, which only root may exceed.
		var now unix.Rlimit
		if err := unix.Prlimit(pid, resource, nil, &now); err != nil {
			return err
		}
		n = min(n, now.Max)
		return unix.Prlimit(pid, resource, &unix.Rlimit{Cur: n, Max: n}, nil)
	}
	err := errors.Join(
		set(unix.RLIMIT_FSIZE, 0),
		set(unix.RLIMIT_CORE, coreSize),
		set(unix.RLIMIT_NOFILE, maxFiles),
		set(unix.RLIMIT_MEMLOCK, 0))
	if l.memory > 0 {
		err = errors.Join(err, set(unix.RLIMIT_AS, uint64(l.memory)))
	}
	if l.cpu > 0 {
		// The same soft and hard: ffmpeg would catch the signal of a soft one and end as if
		// all were well.
		err = errors.Join(err, set(unix.RLIMIT_CPU, uint64(l.cpu/time.Second)))
	}
	if errors.Is(err, unix.ESRCH) {
		return nil // it has ended
	}
	if err != nil {
		return fmt.Errorf("setting the limits of the decoder: %w", err)
	}
	return nil
}

// addressSpace returns what tells the most that a process has taken so far of what limits.memory
// bounds, in bytes; 0 where that can't be told, and once it has ended. It is to be closed.
func addressSpace(pid int) (taken func() int64, closer io.Closer) {
	// Opened once: the number may be another's later.
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return func() int64 { return 0 }, io.NopCloser(nil)
	}
	var b [64 << 10]byte // groups stand before it, and there can be many
	return func() int64 {
		n, _ := status.ReadAt(b[:], 0)
		_, peak, _ := bytes.Cut(b[:n], []byte("\nVmPeak:"))
		kib, _, _ := bytes.Cut(bytes.TrimLeft(peak, " \t"), []byte(" "))
		size, _ := strconv.ParseInt(string(kib), 10, 50)
		return size << 10
	}, status
}

// coreSize is the one that also keeps a dump from a program that the kernel would pipe it to,
// which for 0 is that program's own choice: see core(5). A file of one byte is none either.
const coreSize = 1

// maxFiles is how many files the program may have open: it has its three pipes, the
// input, and a library at a time.
const maxFiles = 64

// onOwnThread runs f in a goroutine on a thread that nobody else ever uses: it ends
// with f. The first thread of a process can't end, so it is not taken.
func onOwnThread(f func()) {
	go func() {
		runtime.LockOSThread() // for good: a restricted thread must not go back to the others
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		elsewhere := make(chan struct{})
		go func() {
			runtime.LockOSThread() // not the first thread, which is held here
			close(elsewhere)
			f()
		}()
		<-elsewhere
		runtime.UnlockOSThread()
	}()
}
