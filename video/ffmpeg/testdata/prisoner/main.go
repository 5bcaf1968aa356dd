// Command prisoner stands in for a decoder that a file took over. It tries what its
// arguments say and prints "done", or what kept it from that.
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	err := try(os.Args[1], os.Args[2:]...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("done")
}

func try(action string, args ...string) error {
	switch action {
	case "read":
		_, err := os.ReadFile(args[0])
		return err
	case "list":
		_, err := os.ReadDir(args[0])
		return err
	case "write":
		return os.WriteFile(args[0], []byte("x"), 0o600)
	case "overwrite":
		f, err := os.OpenFile(args[0], os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("x")
		return err
	case "dump":
		if core := limited(); core.Max <= 1 {
			return fmt.Errorf("core dumps of %d bytes", core.Cur)
		}
		return nil
	case "grow": // memory that is a file
		limited()
		fd, err := unix.MemfdCreate("x", 0)
		if err != nil {
			return err
		}
		return unix.Ftruncate(fd, 1<<20)
	case "chmod":
		return os.Chmod(args[0], 0o666)
	case "utimes":
		return os.Chtimes(args[0], time.Unix(1, 0), time.Unix(1, 0))
	case "xattr":
		return unix.Setxattr(args[0], "user.x", []byte("x"), 0)
	case "prlimit":
		return unix.Prlimit(os.Getppid(), unix.RLIMIT_CORE, &unix.Rlimit{Cur: 7, Max: 4096}, nil)
	case "pdeath":
		return unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	case "nice":
		return unix.Setpriority(unix.PRIO_PROCESS, os.Getppid(), 10)
	case "affinity":
		var set unix.CPUSet
		set.Set(0)
		return unix.SchedSetaffinity(os.Getppid(), &set)
	case "fown":
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_NONBLOCK); err != nil {
			return err
		}
		for _, c := range [][2]int{{unix.F_SETOWN, os.Getppid()}, {unix.F_SETSIG, int(unix.SIGUSR2)}, {unix.F_SETFL, unix.O_ASYNC | unix.O_NONBLOCK}} {
			if _, err := unix.FcntlInt(uintptr(fds[0]), c[0], c[1]); err != nil {
				return err
			}
		}
		_, err := unix.Write(fds[1], []byte("x"))
		return err
	case "truncate":
		return os.Truncate(args[0], 0)
	case "remove":
		return os.Remove(args[0])
	case "connect":
		c, err := net.DialTimeout(args[0], args[1], 2*time.Second)
		if err == nil {
			c.Close()
		}
		return err
	case "signal":
		return syscall.Kill(os.Getppid(), 0)
	case "trace":
		return syscall.PtraceAttach(os.Getppid())
	case "session":
		_, err := syscall.Setsid()
		return err
	case "run":
		return exec.Command(args[0], "read", "/dev/null").Run()
	case "fork":
		pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			return errno
		}
		if pid == 0 {
			syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
		}
		return nil
	case "allocate":
		limited()
		for total := 0; total < 1<<36; total += 64 << 20 {
			if _, err := syscall.Mmap(-1, 0, 64<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE); err != nil {
				fmt.Fprintf(os.Stderr, "[error] %v after %d MiB\n", err, total>>20)
				return err
			}
		}
		return nil
	case "spin":
		for {
		}
	case "wait":
		fmt.Println(os.Getpid())
		time.Sleep(time.Hour)
	}
	return fmt.Errorf("no action %q", action)
}

// limited waits until our limits are set, which is after the program has begun: up to two seconds, for
// one that is never confined. It returns that of core dumps.
func limited() (core unix.Rlimit) {
	for range 200 {
		var space unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_CORE, &core) == nil && core.Max <= 1 &&
			unix.Getrlimit(unix.RLIMIT_AS, &space) == nil && space.Max != unix.RLIM_INFINITY {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return core
}
