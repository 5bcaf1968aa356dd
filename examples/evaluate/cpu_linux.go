package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the processor time of the calling thread so far; the caller has locked
// its goroutine to it. Unlike the clock it does not count what neighbours take.
func cpuTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// processTime is the processor time of this program and of the programs it has run and
// that have ended, so far.
func processTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			return 0
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
