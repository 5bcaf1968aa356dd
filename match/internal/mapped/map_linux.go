package mapped

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) (data []byte, unmap func([]byte), err error) {
	data, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err == nil {
		// A query reads hundreds of places all over the file: on large pages, where the file
		// system has them, the first ones wait a third as long. It is advice.
		_ = unix.Madvise(data, unix.MADV_HUGEPAGE)
	}
	return data, func(b []byte) { _ = unix.Munmap(b) }, err
}
