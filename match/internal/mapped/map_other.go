//go:build !unix

package mapped

import (
	"io"
	"os"
)

func mapFile(f *os.File, size int) (data []byte, unmap func([]byte), err error) {
	data = make([]byte, size)
	_, err = io.ReadFull(f, data)
	return data, nil, err
}
