package mih

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page on the processors that matter here. Where it
// is another one, the system rounds.
const hugePage = 2 << 20

// advise asks the system to keep a large new slice on large pages: a query touches
// hundreds of places all over it, and each on a small page costs a walk through the
// page tables as well. It is advice: nothing depends on it being taken.
func advise[T any](s []T) []T {
	if len(s) == 0 {
		return s
	}
	from := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	size := uintptr(len(s)) * unsafe.Sizeof(s[0])
	skip := -from & (hugePage - 1) // only pages that are all of s
	if size < skip+hugePage {
		return s
	}
	whole := (size - skip) &^ (hugePage - 1)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), size)[skip : skip+whole]
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // an old or small system has none
	return s
}
