package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
)

// resource is a file within a Qt resource file.
type resource struct {
	name string // slash-separated
	data []byte
}

// errRCC is the error of bytes that are no Qt resource file, or a damaged one.
var errRCC = errors.New("not a Qt resource file that can be read")

// The flags of a node (qtbase, src/tools/rcc/rcc.h).
const (
	rccZlib   = 1
	rccFolder = 2
	rccZstd   = 4
)

// maxResource bounds one unpacked file, in bytes.
const maxResource = 64 << 20

// readRCC lists the files of a Qt resource file (rcc --binary), versions 1 to 3:
// the header is "qres", then big-endian the version and the offsets of the tree, the
// data and the names. Files packed with Zstandard are counted and left out.
func readRCC(b []byte) (files []resource, skipped int, err error) {
	if len(b) < 20 || string(b[:4]) != "qres" {
		return nil, 0, errRCC
	}
	r := rcc{b: b, nodeSize: 14}
	version := r.u32(4)
	if version < 1 || version > 3 {
		return nil, 0, fmt.Errorf("%w: version %d", errRCC, version)
	}
	if version > 1 {
		r.nodeSize = 22 // with a time of modification
	}
	r.tree, r.data, r.names = int64(r.u32(8)), int64(r.u32(12)), int64(r.u32(16))
	r.nodesLeft = len(b) / r.nodeSize
	r.folder(0, "")
	if r.broken {
		return nil, 0, fmt.Errorf("%w: it is damaged", errRCC)
	}
	return r.files, r.skipped, nil
}

type rcc struct {
	b                 []byte
	nodeSize          int
	tree, data, names int64
	nodesLeft         int // a damaged tree may have circles
	files             []resource
	skipped           int
	broken            bool
}

func (r *rcc) u32(at int64) uint32 {
	if at < 0 || at+4 > int64(len(r.b)) {
		r.broken = true
		return 0
	}
	return binary.BigEndian.Uint32(r.b[at:])
}

func (r *rcc) u16(at int64) uint16 {
	if at < 0 || at+2 > int64(len(r.b)) {
		r.broken = true
		return 0
	}
	return binary.BigEndian.Uint16(r.b[at:])
}

// name reads a string: its length, a hash, UTF-16.
func (r *rcc) name(at int64) string {
	text := make([]uint16, r.u16(at))
	for i := range text {
		text[i] = r.u16(at + 6 + 2*int64(i))
	}
	return string(utf16.Decode(text))
}

// folder walks the children of a node that is a folder.
func (r *rcc) folder(node int64, path string) {
	at := r.tree + node*int64(r.nodeSize)
	count, first := int64(r.u32(at+6)), int64(r.u32(at+10))
	for child := first; child < first+count && !r.broken; child++ {
		if r.nodesLeft--; r.nodesLeft < 0 {
			r.broken = true
			return
		}
		at := r.tree + child*int64(r.nodeSize)
		name, flags := r.name(r.names+int64(r.u32(at))), r.u16(at+4)
		if path != "" {
			name = path + "/" + name
		}
		if flags&rccFolder != 0 {
			r.folder(child, name)
			continue
		}
		r.file(name, flags, r.data+int64(r.u32(at+10)))
	}
}

// file reads a file's bytes: their number, and behind it the bytes; packed ones
// have their unpacked number in front.
func (r *rcc) file(name string, flags uint16, at int64) {
	size := int64(r.u32(at))
	if r.broken || at+4+size > int64(len(r.b)) {
		r.broken = true
		return
	}
	data := r.b[at+4 : at+4+size]
	switch {
	case flags&rccZstd != 0:
		r.skipped++
		return
	case flags&rccZlib != 0:
		if len(data) < 4 {
			r.broken = true
			return
		}
		z, err := zlib.NewReader(bytes.NewReader(data[4:]))
		if err == nil {
			data, err = io.ReadAll(io.LimitReader(z, maxResource))
		}
		if err != nil {
			r.broken = true
			return
		}
	}
	r.files = append(r.files, resource{name, data})
}
