package wasmffmpeg

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"
)

// inputName is what the file is called inside every sandbox.
const inputName = "input"

// oneFile is a read-only file system with one file in it, under a name and with
// attributes that tell nothing. It opens nothing: it hands out readers of a file
// that is already open.
type oneFile struct {
	file  *os.File
	size  int64
	guard *guard
}

var _ fs.FS = (*oneFile)(nil)

// openInput opens the file at path. Reads of it end the guest once g was stopped.
func openInput(ctx context.Context, path string, g *guard) (*oneFile, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &oneFile{file: f, size: info.Size(), guard: g}, nil
}

// Close closes the file. Readers that are still out fail.
func (o *oneFile) Close() error { return o.file.Close() }

// Open implements fs.FS: there is the root folder and the file.
func (o *oneFile) Open(name string) (fs.File, error) {
	switch name {
	case ".":
		return root{}, nil
	case inputName:
		return &reader{SectionReader: io.NewSectionReader(o.file, 0, o.size), of: o}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// reader is an open file of a oneFile.
type reader struct {
	*io.SectionReader
	of *oneFile
}

func (r *reader) Read(p []byte) (int, error) {
	r.of.guard.check()
	return r.SectionReader.Read(p)
}

func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	r.of.guard.check()
	return r.SectionReader.ReadAt(p, off)
}

func (r *reader) Stat() (fs.FileInfo, error) { return attributes{inputName, r.of.size, 0o444}, nil }
func (r *reader) Close() error               { return nil }

// root is the folder of a oneFile. It does not list what is in it.
type root struct{}

func (root) Stat() (fs.FileInfo, error) { return attributes{".", 0, fs.ModeDir | 0o555}, nil }
func (root) Close() error               { return nil }
func (root) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}
func (root) ReadDir(int) ([]fs.DirEntry, error) { return nil, io.EOF }

// attributes is the fs.FileInfo of both.
type attributes struct {
	name string
	size int64
	mode fs.FileMode
}

func (a attributes) Name() string       { return a.name }
func (a attributes) Size() int64        { return a.size }
func (a attributes) Mode() fs.FileMode  { return a.mode }
func (a attributes) ModTime() time.Time { return time.Time{} }
func (a attributes) IsDir() bool        { return a.mode.IsDir() }
func (a attributes) Sys() any           { return nil }
