//go:build amd64 || arm64

package ffmpeg

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const haveSeccomp = true

// forbidden are the system calls that fail with EPERM, for the decoder and for the
// thread that starts it; nativeForbidden are those that one processor has and the
// other has not. What Go's runtime needs on a thread is not among them, nor is what
// the runtime repeats on every thread (setuid and its like), which must have the same
// result on all.
var forbidden = []uint32{
	// The network, and what can reach it or a file without the calls for it.
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT,
	// Other processes. (tgkill and clone are looked at more closely.)
	unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP,
	unix.SYS_SETSID, unix.SYS_EXECVEAT,
	// What Landlock leaves open on every path: modes, owners, times and attributes.
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT, unix.SYS_TRUNCATE,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
	// Sockets that were there before, and other processes' schedules.
	unix.SYS_ACCEPT, unix.SYS_ACCEPT4, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
	unix.SYS_SETPRIORITY, unix.SYS_IOPRIO_SET, unix.SYS_SCHED_SETATTR, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETSCHEDULER,
	unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES, unix.SYS_PROCESS_MRELEASE,
	// Memory that outlives its process or belongs to several.
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,
	// Namespaces and mounts.
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_CHROOT, unix.SYS_PIVOT_ROOT, unix.SYS_MOUNT, unix.SYS_UMOUNT2,
	unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
	unix.SYS_MOUNT_SETATTR, unix.SYS_QUOTACTL,
	// The machine, and the parts of the kernel in which holes have been found.
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_FANOTIFY_INIT, unix.SYS_INOTIFY_INIT1, unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_REBOOT,
	unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME,
	unix.SYS_ADJTIMEX, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_PERSONALITY,
}

// Offsets in struct seccomp_data. Both processors are little-endian, so the lower
// half of an argument comes first.
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16
)

const (
	retAllow = uint32(unix.SECCOMP_RET_ALLOW)
	retPerm  = uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.EPERM)
	retNone  = uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.ENOSYS) // libraries then try an older call
)

// filter returns the program that the kernel runs at each system call. cloneFlags
// are the flags, besides those for a pidfd, with which os/exec starts a process: a
// thread may be made, and a process with exactly these.
func filter(cloneFlags uint32) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	ret := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	jump := func(op uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	var p []unix.SockFilter
	// on adds what happens at one call, which must end in a return.
	on := func(number uint32, then ...unix.SockFilter) {
		p = append(p, jump(unix.BPF_JEQ, number, 0, uint8(len(then))))
		p = append(p, then...)
	}
	p = append(p,
		load(offArch), jump(unix.BPF_JEQ, nativeArch, 1, 0), ret(retPerm), // no call by another processor's table
		load(offNumber), jump(unix.BPF_JGE, 0x40000000, 0, 1), ret(retNone)) // nor by x32's
	for _, number := range forbidden {
		on(number, ret(retPerm))
	}
	for _, number := range nativeForbidden {
		on(number, ret(retPerm))
	}
	on(unix.SYS_CLONE3, ret(retNone)) // its flags are in memory, where a filter can't look
	on(unix.SYS_CLONE,
		load(offArgs),
		jump(unix.BPF_JSET, unix.CLONE_THREAD, 2, 0),
		jump(unix.BPF_JEQ, cloneFlags, 1, 0),
		jump(unix.BPF_JEQ, cloneFlags|unix.CLONE_PIDFD, 0, 1),
		ret(retAllow), ret(retPerm))
	on(unix.SYS_TGKILL, // the signal by which Go's scheduler preempts is harmless to all others
		load(offArgs+2*8), jump(unix.BPF_JEQ, uint32(unix.SIGURG), 0, 1), ret(retAllow), ret(retPerm))
	on(unix.SYS_SETPGID, // of itself only, which os/exec does for it
		load(offArgs), jump(unix.BPF_JEQ, 0, 0, 3),
		load(offArgs+8), jump(unix.BPF_JEQ, 0, 0, 1), ret(retAllow), ret(retPerm))
	on(unix.SYS_PRLIMIT64, load(offArgs), jump(unix.BPF_JEQ, 0, 0, 1), ret(retAllow), ret(retPerm)) // its own
	on(unix.SYS_FCNTL,                                                                              // no signals by way of a file
		load(offArgs+8),
		jump(unix.BPF_JEQ, unix.F_SETOWN, 2, 0), jump(unix.BPF_JEQ, unix.F_SETSIG, 1, 0), jump(unix.BPF_JEQ, unix.F_SETOWN_EX, 0, 1),
		ret(retPerm), ret(retAllow))
	on(unix.SYS_PRCTL, // os/exec asks for SIGKILL; nobody takes it back
		load(offArgs), jump(unix.BPF_JEQ, unix.PR_SET_PDEATHSIG, 0, 2),
		load(offArgs+8), jump(unix.BPF_JEQ, uint32(unix.SIGKILL), 0, 1), ret(retAllow), ret(retPerm))
	return append(p, ret(retAllow))
}

// seccomp restricts the system calls of the calling thread and of what it starts.
// PR_SET_NO_NEW_PRIVS must have been set.
func seccomp(cloneFlags uint32) error {
	p := filter(cloneFlags)
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	// Before Linux 5.16 a filter turns on mitigations that make any program slower,
	// unless it is told not to. They keep a program from reading its own memory in
	// roundabout ways, and there is nothing in it but the stranger's file.
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW)
	for {
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
		runtime.KeepAlive(p)
		switch {
		case errno == 0:
			return nil
		case errno == unix.EINVAL && flags != 0:
			flags = 0 // before Linux 4.17
		default:
			return fmt.Errorf("seccomp: %w", errno)
		}
	}
}
