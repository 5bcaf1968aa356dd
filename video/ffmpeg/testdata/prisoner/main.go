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
	case "grow": // memory that is a file
		fd, err := unix.MemfdCreate("x", 0)
		if err != nil {
			return err
		}
		return unix.Ftruncate(fd, 1<<20)
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
