//go:build !linux

package main

import "time"

var start = time.Now()

// cpuTime is the time that has passed: the standard library has no clock of a
// thread's work for this system.
func cpuTime() time.Duration { return time.Since(start) }

// processTime is the time that has passed.
func processTime() time.Duration { return time.Since(start) }
