package mp4head

import "encoding/binary"

// box is the content of a box.
type box []byte

func (b box) u16(at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
func (b box) u32(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
func (b box) u64(at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }

// each calls f with every box in b until f is false, and reports whether all was well.
func (b box) each(f func(kind string, content box) bool) bool {
	for len(b) >= 8 {
		length, skip := uint64(b.u32(0)), uint64(8)
		if length == 1 && len(b) >= 16 {
			length, skip = b.u64(8), 16
		}
		if length < skip || length > uint64(len(b)) {
			return false
		}
		if !f(string(b[4:8]), b[skip:length]) {
			return false
		}
		b = b[length:]
	}
	return len(b) == 0 || len(b) == 4 && b.u32(0) == 0 // QuickTime ends some lists with a zero
}

// version splits the version and flags from a full box.
func (b box) version() (v byte, rest box, ok bool) {
	if len(b) < 4 || b[0] > 1 {
		return 0, nil, false
	}
	return b[0], b[4:], true
}

// count returns the number of entries of a table, each of the given size.
func (b box) count(size int) (n int, ok bool) {
	if len(b) < 8 || uint64(b.u32(4))*uint64(size) > uint64(len(b)-8) {
		return 0, false
	}
	return int(b.u32(4)), true
}
