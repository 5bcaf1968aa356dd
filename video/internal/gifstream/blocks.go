package gifstream

import (
	"bufio"
	"io"
)

// blockReader reads a chain of sub-blocks (a length, then as many bytes) up to
// its terminator, a block of no length, where it gives io.EOF.
type blockReader struct {
	r    *bufio.Reader
	left int   // bytes of the current block
	done bool  // the terminator was read
	err  error // what else ended it
}

// ReadByte implements io.ByteReader, which keeps compress/lzw from reading ahead.
func (b *blockReader) ReadByte() (byte, error) {
	if err := b.open(); err != nil {
		return 0, err
	}
	c, err := b.r.ReadByte()
	if err != nil {
		b.err = unexpected(err)
		return 0, b.err
	}
	b.left--
	return c, nil
}

// Read implements io.Reader.
func (b *blockReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := b.open(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil {
		b.err = unexpected(err)
	}
	return n, b.err
}

// open makes sure that the current block has bytes left.
func (b *blockReader) open() error {
	switch {
	case b.err != nil:
		return b.err
	case b.done:
		return io.EOF
	case b.left > 0:
		return nil
	}
	n, err := b.r.ReadByte()
	if err != nil {
		b.err = unexpected(err)
		return b.err
	}
	if n == 0 {
		b.done = true
		return io.EOF
	}
	b.left = int(n)
	return nil
}

// drain reads up to and including the terminator.
func (b *blockReader) drain() error {
	for {
		switch err := b.open(); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
		n, err := b.r.Discard(b.left)
		b.left -= n
		if err != nil {
			b.err = unexpected(err)
			return b.err
		}
	}
}
