package ffmpeg

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock restricts the thread that asks for it, and what that thread starts.
// (https://docs.kernel.org/userspace-api/landlock.html)

const (
	mayRead = unix.LANDLOCK_ACCESS_FS_READ_FILE
	mayRun  = unix.LANDLOCK_ACCESS_FS_EXECUTE | mayRead
)

// systemPaths hold the libraries and what the loader reads to find them; the
// devices are those that give nothing away.
var systemPaths = []string{
	"/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64",
	"/nix/store", "/gnu/store",
	"/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path",
	"/dev/null", "/dev/urandom",
}

// scriptPaths hold the programs that a wrapper around ffmpeg may start.
var scriptPaths = []string{"/bin", "/usr/bin", "/usr/local/bin"}

// landlockABI returns the version of the kernel's Landlock; 0: none.
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// rights returns everything of a version that can be forbidden, and the size of the
// structure that says so.
func rights(abi int) (unix.LandlockRulesetAttr, uintptr) {
	a := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1} // the first version's last bit
	size := unsafe.Sizeof(a.Handled_access_fs)
	if abi >= 2 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		a.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		size = unsafe.Offsetof(a.Scoped)
	}
	if abi >= 5 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		// Not LANDLOCK_SCOPE_SIGNAL: kernels before 6.15 apply it between threads too,
		// and Go's scheduler sends signals to its own. The seccomp filter forbids them.
		a.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		size = unsafe.Offsetof(a.Quiet_access_fs)
	}
	return a, size
}

// rule allows something below a path.
type rule struct {
	path   string
	access uint64
	must   bool // it is an error if the path is not there
}

// permissions are the rules for running a program.
type permissions []rule

// newPermissions finds out what a program needs. The error says that it can't be read just now.
func newPermissions(program string) (permissions, error) {
	rules := permissions{{program, mayRun, true}}
	system := uint64(mayRead)
	var libraries []string
	f, err := elf.Open(program)
	if passing(err) {
		return nil, err
	}
	if err == nil {
		defer f.Close()
		if loader := interpreter(f); loader != "" {
			rules = append(rules, rule{loader, mayRun, false})
		}
		for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
			lists, _ := f.DynString(tag)
			for _, list := range lists {
				libraries = append(libraries, filepath.SplitList(list)...)
			}
		}
	} else {
		// A script that starts the program proper.
		system = mayRun
		for _, path := range scriptPaths {
			rules = append(rules, rule{path, system, false})
		}
	}
	origin := filepath.Dir(program)
	if real, err := filepath.EvalSymlinks(program); err == nil {
		origin = filepath.Dir(real)
	}
	libraries = append(libraries, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...)
	for _, path := range libraries {
		path = strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin).Replace(path)
		if path = filepath.Clean(path); filepath.IsAbs(path) && path != "/" {
			rules = append(rules, rule{path, system, false})
		}
	}
	for _, path := range systemPaths {
		rules = append(rules, rule{path, system, false})
	}
	return rules, nil
}

// interpreter returns the loader that a program asks for.
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < unix.PathMax {
			name := make([]byte, p.Filesz)
			if _, err := p.ReadAt(name, 0); err == nil {
				return string(bytes.TrimRight(name, "\x00"))
			}
		}
	}
	return ""
}

// landlock lets the calling thread do nothing with files but what the rules say.
// PR_SET_NO_NEW_PRIVS must have been set.
func landlock(abi int, rules []rule) error {
	attr, size := rights(abi)
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("landlock_create_ruleset: %w", errno)
	}
	defer unix.Close(int(set))
	for _, r := range rules {
		if err := allow(int(set), r); err != nil {
			return err
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); errno != 0 {
		return fmt.Errorf("landlock_restrict_self: %w", errno)
	}
	return nil
}

func allow(set int, r rule) error {
	fd, err := unix.Open(r.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		if !r.must && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EACCES)) {
			return nil
		}
		return &os.PathError{Op: "open", Path: r.path, Err: err}
	}
	defer unix.Close(fd)
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: r.access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&beneath)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("landlock_add_rule %s: %w", r.path, errno)
	}
	return nil
}
