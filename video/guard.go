package video

import (
	"fmt"
	"slices"
	"strings"
)

// Guard names one way in which the decoder of a Backend is held. The tokens are
// stable. What a Backend offers depends on the system and its kernel: see Guards.
type Guard string

// The guards.
const (
	GuardFiles        Guard = "files"         // it can read its program, the system's libraries and the one input, and write nothing
	GuardNetwork      Guard = "network"       // it can open no socket
	GuardSyscalls     Guard = "syscalls"      // it can't signal or look into other processes, nor use parts of the kernel that no decoder needs
	GuardProcesses    Guard = "processes"     // it can start no process, not even another of itself
	GuardPrivileges   Guard = "privileges"    // it has no privilege but to read, and can get none
	GuardMemory       Guard = "memory"        // its memory has a ceiling
	GuardCPU          Guard = "cpu"           // its processor time has an end
	GuardDeadline     Guard = "deadline"      // it is stopped when the context or Limits.Work ends, wherever it is
	GuardFileSize     Guard = "file_size"     // no file can grow, and there is no core dump
	GuardProcessGroup Guard = "process_group" // what it starts is killed with it
	GuardParentDeath  Guard = "parent_death"  // it does not outlive the program, however that ends
)

// ActiveGuard is a guard that holds, and what it is made of: stable tokens such as
// landlock, seccomp or network_namespace.
type ActiveGuard struct {
	Guard Guard    `json:"guard"`
	By    []string `json:"by"`
}

// Guarded is a Backend that tells its guards.
type Guarded interface {
	// Guards returns the guards that hold for every call, in the same order each time.
	Guards() []ActiveGuard
}

// Guards returns the guards of b; none for nil and for a Backend that tells none.
func Guards(b Backend) []ActiveGuard {
	if g, ok := b.(Guarded); ok {
		return g.Guards()
	}
	return nil
}

// MissingGuardsError tells which of the demanded guards a Backend lacks.
type MissingGuardsError struct{ Missing []Guard }

func (e *MissingGuardsError) Error() string {
	names := make([]string, len(e.Missing))
	for i, g := range e.Missing {
		names[i] = string(g)
	}
	return fmt.Sprintf("video: the decoder lacks guards that are demanded: %s", strings.Join(names, ", "))
}

// Demand returns a *MissingGuardsError unless all the demanded guards are active.
func Demand(active []ActiveGuard, demanded ...Guard) error {
	var missing []Guard
	for _, g := range demanded {
		if !slices.ContainsFunc(active, func(a ActiveGuard) bool { return a.Guard == g }) && !slices.Contains(missing, g) {
			missing = append(missing, g)
		}
	}
	if missing == nil {
		return nil
	}
	return &MissingGuardsError{missing}
}
