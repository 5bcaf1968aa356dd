//go:build unix

package video

import "syscall"

// openFlags keep open(2) from waiting: a name that was a file a moment ago can be
// a fifo now. Reading a regular file is not changed by it.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY
