package video

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// maxMembers bounds how many members of an archive are looked at.
const maxMembers = 4096

// archiveMembers lists the media in the ZIP archive that a file ends with, if it does. Programs
// find it from the end, whatever the file begins with (APPNOTE 4.3). complete is false if there is
// more to it than is looked at; base is where it begins. What a member is, is told by its first bytes once they are unpacked;
// an archive in an archive is listed and not opened.
//
// The standard library's reader takes memory for every member there is before its caller can count
// them.
func archiveMembers(r io.ReaderAt, size int64) (parts []Part, base int64, archive, complete bool) {
	const record = 22 // of the end of the directory, without its comment
	b, at := lastIndex(r, size, record+math.MaxUint16, "PK\x05\x06")
	le := binary.LittleEndian
	var end []byte
	for ; ; at = bytes.LastIndex(b[:at], []byte("PK\x05\x06")) {
		if at < 0 {
			return nil, 0, false, true
		}
		end = b[at:]
		if len(end) >= record && record+int(le.Uint16(end[20:])) <= len(end) {
			break // or else it is chance, or stands in a comment
		}
	}
	members, length, offset := int(le.Uint16(end[10:])), int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	directory := size - int64(len(b)) + int64(at) - length // where it is, and offset where its maker put it
	if directory < offset || members == math.MaxUint16 || length == math.MaxUint32 {
		return nil, 0, true, false // the long form, or damaged
	}
	base = directory - offset
	in := io.NewSectionReader(r, directory, length)
	for i := 0; ; i++ {
		var h [46]byte
		if _, err := io.ReadFull(in, h[:]); err != nil || string(h[:4]) != "PK\x01\x02" {
			return parts, base, true, err != nil && i == members
		}
		if i == maxMembers || len(parts) > MaxParts { // which the caller cuts
			return parts, base, true, i < maxMembers
		}
		name := make([]byte, le.Uint16(h[28:]))
		if _, err := io.ReadFull(in, name); err != nil {
			return parts, base, true, false
		}
		if _, err := in.Seek(int64(le.Uint16(h[30:]))+int64(le.Uint16(h[32:])), io.SeekCurrent); err != nil {
			return parts, base, true, false
		}
		packed := int64(le.Uint32(h[20:]))
		if len(name) == 0 || name[len(name)-1] == '/' && packed == 0 {
			continue
		}
		p := Part{Member: string(name), Size: packed}
		switch method := le.Uint16(h[10:]); {
		case le.Uint16(h[8:])&1 != 0:
			p.Err = ErrEncrypted
		case method != 0 && method != 8:
			p.Err = refuse(ErrUnsupported, fmt.Sprintf("packed by method %d", method))
		default:
			p.deflated = method == 8
			p.Err = p.findMember(r, base+int64(le.Uint32(h[42:])), size)
		}
		if p.Err == nil {
			header := make([]byte, sniffLen)
			n, err := io.ReadFull(p.unpack(r, maxPacked), header)
			var damage flate.CorruptInputError
			if errors.As(err, &damage) || n < len(header) && p.Size > maxPacked {
				p.Err = refuse(ErrCorrupt, "a member of the archive can't be unpacked")
			} else if p.Format, _, _ = Sniff(header[:n]); p.Format == "" {
				continue // a text, or what else is no medium
			}
		}
		parts = append(parts, p)
	}
}

// findMember finds the packed bytes behind the member's own head.
func (p *Part) findMember(r io.ReaderAt, at, size int64) error {
	var h [30]byte
	if n, _ := r.ReadAt(h[:], at); n < len(h) || string(h[:4]) != "PK\x03\x04" {
		return refuse(ErrCorrupt, "a member of the archive is not where its directory says")
	}
	le := binary.LittleEndian
	p.Offset = at + int64(len(h)) + int64(le.Uint16(h[26:])) + int64(le.Uint16(h[28:]))
	if p.Offset > size || p.Size > size-p.Offset {
		return refuse(ErrTruncated, "a member of the archive breaks off")
	}
	return nil
}

// maxPacked is how much of a member is read to tell what it is, in bytes: hundreds of times what
// it takes. Thousands of members may share what packs nothing.
const maxPacked = 64 << 10

// unpack reads a member, or what so many packed bytes of it are.
func (p *Part) unpack(r io.ReaderAt, most int64) io.Reader {
	in := io.NewSectionReader(r, p.Offset, min(p.Size, most))
	if p.deflated {
		return flate.NewReader(in)
	}
	return in
}

// member unpacks a member to a file of its own.
func (s *Stored) member(ctx context.Context, name string, p Part, l Limits) (*Stored, error) {
	part, err := Store(ctx, Reader(name, p.unpack(s.data, p.Size)), l)
	var damage flate.CorruptInputError
	if errors.As(err, &damage) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, wrap(name, refuse(ErrCorrupt, err.Error()))
	}
	return part, err
}

// partName is how a part is named behind the file's name.
func partName(p Part) string {
	if p.Member != "" {
		return "!" + p.Member
	}
	return fmt.Sprintf("@%d", p.Offset)
}
