package video

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Stored is an input's bytes at rest: read once, within a budget, and then used
// as often as needed for digests and decoding. It is safe for concurrent use,
// except that nothing may be using it when it is closed.
type Stored struct {
	name string
	size int64
	data io.ReaderAt // memory or file
	file *os.File    // nil: the bytes are in memory
	own  bool        // file is a temporary one of ours, removed on Close

	memory []byte // what data reads, when there is no file

	mu     sync.Mutex
	path   string // absolute; empty: not in the file system yet
	copied string // a temporary file made for path; removed on Close
	closed bool
}

// Store brings an input to rest. A File is opened, not copied; anything but a
// regular file is refused with ErrNotRegular at once. Bytes are used as they
// are. A Reader is read to its end: into memory up to 4 MiB, beyond that into a
// temporary file that only this user can read.
//
// More than l.Bytes is a *LimitError, and no more than one byte over the budget
// is read to find out. Everything that was made is removed when Store fails. An
// empty input is not an error here. When ctx ends Store returns at once; a
// reader that blocks may then still be in its last Read, whose bytes are
// dropped. All errors are *Error.
func Store(ctx context.Context, in Input, l Limits) (*Stored, error) {
	s, err := store(ctx, in, l.Defaults())
	if err != nil {
		return nil, wrap(in.name, err)
	}
	return s, nil
}

func store(ctx context.Context, in Input, l Limits) (*Stored, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch in.from {
	case fromFile:
		return storeFile(in, l)
	case fromBytes:
		size := int64(len(in.bytes))
		if over(size, l.Bytes) {
			return nil, &LimitError{Limit: "bytes", Max: l.Bytes, Got: size}
		}
		return &Stored{name: in.name, size: size, data: bytes.NewReader(in.bytes), memory: in.bytes}, nil
	case fromReader:
		if in.reader == nil {
			return nil, errors.New("the reader is nil: give video.Reader something to read")
		}
		return storeReader(ctx, in, l)
	case fromStored:
		if over(in.stored.size, l.Bytes) {
			return nil, &LimitError{Limit: "bytes", Max: l.Bytes, Got: in.stored.size}
		}
		return in.stored, nil
	}
	return nil, errors.New("the input is empty: make it with video.File, Bytes or Reader")
}

// storeFile opens a regular file. Its kind is looked at before opening, because
// opening a device can have effects, and again after, because names can change
// hands in between.
func storeFile(in Input, l Limits) (*Stored, error) {
	info, err := os.Stat(in.path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	path, err := filepath.Abs(in.path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		switch {
		case !info.Mode().IsRegular():
			err = ErrNotRegular
		case over(info.Size(), l.Bytes):
			err = &LimitError{Limit: "bytes", Max: l.Bytes, Got: info.Size()}
		}
	}
	if err != nil {
		_ = f.Close() // the first error says more
		return nil, err
	}
	return &Stored{name: in.name, size: info.Size(), data: f, file: f, path: path}, nil
}

// Size returns the number of bytes.
func (s *Stored) Size() int64 { return s.size }

// Name returns the input's name.
func (s *Stored) Name() string { return s.name }

// Reader returns a fresh reader of the whole content.
func (s *Stored) Reader() *io.SectionReader { return io.NewSectionReader(s.data, 0, s.size) }

// Input returns an input that uses the stored bytes without copying them.
// Closing what is opened from it does not close s; s must outlive it.
func (s *Stored) Input() Input { return Input{name: s.name, stored: s, from: fromStored} }

// Close releases the bytes and removes temporary files. Further calls do nothing.
func (s *Stored) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.file != nil {
		errs = append(errs, s.file.Close())
		if s.own {
			errs = append(errs, os.Remove(s.file.Name()))
		}
	}
	if s.copied != "" {
		errs = append(errs, os.Remove(s.copied))
	}
	if err := errors.Join(errs...); err != nil {
		return wrap(s.name, fmt.Errorf("closing: %w", err))
	}
	return nil
}

// filePath returns where a decoder finds the bytes in the file system: bytes in
// memory are written to a temporary file on the first call.
func (s *Stored) filePath(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", os.ErrClosed
	}
	if s.path != "" {
		return s.path, nil
	}
	f, err := createTemp()
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, &contextReader{ctx: ctx, r: s.Reader()})
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", fmt.Errorf("writing a temporary file for the decoder: %w", err)
	}
	s.path, s.copied = f.Name(), f.Name()
	return s.path, nil
}

// createTemp makes an empty file that only this user can read and write, at an
// absolute path.
func createTemp() (*os.File, error) {
	dir, err := filepath.Abs(os.TempDir())
	if err != nil {
		return nil, err
	}
	return os.CreateTemp(dir, "rematch-*.media")
}

// over reports whether n exceeds a budget; a negative budget is none.
func over(n, budget int64) bool { return budget >= 0 && n > budget }
