package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// children returns the processes that this one has started and that are there.
func children() (pids []int) {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		list, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%s/children", t.Name()))
		for _, field := range strings.Fields(string(list)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func killProcess(pid int) bool { return unix.Kill(pid, unix.SIGKILL) == nil }

// limitFiles bounds what this process may write to one file; a negative size lifts that.
func limitFiles(size int64) bool {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_FSIZE, &limit) != nil {
		return false
	}
	signal.Ignore(syscall.SIGXFSZ) // writes then fail, as those to a full disk
	if limit.Cur = limit.Max; size >= 0 {
		limit.Cur = min(uint64(size), limit.Max)
	}
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &limit) == nil
}

// highWater returns the most memory in bytes that this process has had.
func highWater() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
