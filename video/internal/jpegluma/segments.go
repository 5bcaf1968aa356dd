package jpegluma

import "encoding/binary"

// Markers, of T.81, table B.1.
const (
	markSOF0  = 0xc0
	markSOF1  = 0xc1
	markSOF2  = 0xc2
	markDHT   = 0xc4
	markRST0  = 0xd0
	markRST7  = 0xd7
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markDQT   = 0xdb
	markDRI   = 0xdd
	markAPP0  = 0xe0
	markAPP14 = 0xee
	markAPP15 = 0xef
	markCOM   = 0xfe

	none = -1 // there is no further marker
)

// component is one of a frame's, of section B.2.2.
type component struct {
	id, quant uint8
	h, v      int
}

// frame is what the headers of a file say.
type frame struct {
	sequential, progressive bool // neither for extended sequential
	width, height           int
	components              []component
	space                   [3]component
	mcusX, mcusY            int
	interval                int // MCUs between restart markers
	jfif                    bool
	adobe                   int // the transform's number + 1; 0: not told
	started                 bool
}

// tables are those that a file defines.
type tables struct {
	quants  [4][64]uint16 // in zigzag order
	huffman [2][4]huffman // of DC and AC
	present [2][4]bool    // the file has defined it
}

// reset forgets all tables but keeps what was derived from codes.
func (t *tables) reset() {
	t.quants = [4][64]uint16{}
	t.present = [2][4]bool{}
}

// segments reads a file from its first marker to its end.
func (d *Decoder) segments(data []byte) error {
	if len(data) < 2 {
		return ErrTruncated
	}
	if data[0] != 0xff || data[1] != markSOI {
		return FormatError("it does not begin with SOI")
	}
	at := 2
	for {
		marker, next := nextMarker(data, at)
		at = next
		switch {
		case marker == markEOI, marker == none && d.options.OpenEnd:
			return d.finish()
		case marker == none:
			return ErrTruncated
		case markRST0 <= marker && marker <= markRST7:
			continue // some encoders end a scan with one
		}
		if at+2 > len(data) {
			return ErrTruncated
		}
		length := int(binary.BigEndian.Uint16(data[at:]))
		if length < 2 {
			return FormatError("a segment shorter than its length")
		}
		if at+length > len(data) {
			return ErrTruncated
		}
		body := data[at+2 : at+length]
		at += length
		var err error
		switch marker {
		case markSOF0, markSOF1, markSOF2:
			err = d.readFrame(marker, body)
		case markDHT:
			err = d.readHuffman(body)
		case markDQT:
			err = d.readQuants(body)
		case markDRI:
			if len(body) != 2 {
				err = FormatError("a DRI segment of the wrong length")
			} else {
				d.interval = int(binary.BigEndian.Uint16(body))
			}
		case markSOS:
			at, err = d.readScan(data, body, at)
		case markAPP0:
			if len(body) >= 5 {
				d.jfif = string(body[:5]) == "JFIF\x00"
			}
		case markAPP14:
			if len(body) >= 12 && string(body[:5]) == "Adobe" {
				d.adobe = int(body[11]) + 1
			}
		default:
			switch {
			case markAPP0 <= marker && marker <= markAPP15, marker == markCOM:
			case marker < markSOF0:
				err = FormatError("a marker that is not defined")
			default:
				err = UnusualError("an unknown or rare marker")
			}
		}
		if err != nil {
			return err
		}
	}
}

// nextMarker finds the first marker from data[at] on and what follows it. Bytes before
// it are ignored, and so are fill bytes. The marker is none at the end of the data.
func nextMarker(data []byte, at int) (marker, next int) {
	at = segmentEnd(data, at)
	for at < len(data) && data[at] == 0xff {
		at++
	}
	if at >= len(data) {
		return none, at
	}
	return int(data[at]), at + 1
}

// readFrame reads a frame header (B.2.2) and refuses what image/jpeg refuses.
func (d *Decoder) readFrame(marker int, body []byte) error {
	if d.components != nil {
		return FormatError("a second frame")
	}
	d.sequential, d.progressive = marker == markSOF0, marker == markSOF2
	count := 0
	switch len(body) {
	case 6 + 3*1, 6 + 3*3:
		count = (len(body) - 6) / 3
	default:
		return UnusualError("a number of components other than one and three")
	}
	if body[0] != 8 {
		return UnusualError("a precision other than 8 bits")
	}
	d.height, d.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	if int(body[5]) != count {
		return FormatError("a frame header of the wrong length")
	}
	if d.width == 0 || d.height == 0 {
		return UnusualError("a side of no pixels")
	}
	if pixels := int64(d.width) * int64(d.height); d.options.MaxPixels >= 0 && pixels > d.options.MaxPixels {
		return &BudgetError{"pixels", d.options.MaxPixels, pixels}
	}
	d.components = d.space[:count]
	for i := range d.components {
		c := &d.components[i]
		b := body[6+3*i:]
		*c = component{id: b[0], quant: b[2], h: int(b[1] >> 4), v: int(b[1] & 15)}
		for _, other := range d.components[:i] {
			if other.id == c.id {
				return FormatError("two components of one name")
			}
		}
		if c.quant > 3 {
			return FormatError("a quantization table over 3")
		}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return FormatError("a sampling factor that is not 1 to 4")
		}
	}
	if count == 1 {
		d.components[0].h, d.components[0].v = 1, 1 // A.2.2: a block is an MCU, whatever it says
	} else if y, cb, cr := d.components[0], d.components[1], d.components[2]; y.h == 3 || y.v > 2 ||
		y.h%cb.h != 0 || y.v%cb.v != 0 || cb.h != cr.h || cb.v != cr.v {
		return UnusualError("a rare subsampling of colour")
	}
	y := d.components[0]
	d.mcusX, d.mcusY = over(d.width, 8*y.h), over(d.height, 8*y.v)
	return nil
}

// over is a/b, rounded up.
func over(a, b int) int { return (a + b - 1) / b }

// readQuants reads quantization tables (B.2.4.1).
func (d *Decoder) readQuants(body []byte) error {
	for len(body) > 0 {
		precision, to := body[0]>>4, body[0]&15
		if to > 3 {
			return FormatError("a quantization table over 3")
		}
		if precision > 1 {
			return FormatError("a quantization table of unknown precision")
		}
		body = body[1:]
		size := 64 << precision
		if len(body) < size {
			return FormatError("a DQT segment of the wrong length")
		}
		if d.progressive && d.started {
			return UnusualError("a quantization table between the scans of a progressive picture")
		}
		for i := range d.quants[to] {
			if precision == 0 {
				d.quants[to][i] = uint16(body[i])
			} else {
				d.quants[to][i] = binary.BigEndian.Uint16(body[2*i:])
			}
		}
		body = body[size:]
	}
	return nil
}

// readHuffman reads tables of codes (B.2.4.2).
func (d *Decoder) readHuffman(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 {
			return FormatError("a DHT segment of the wrong length")
		}
		class, to := body[0]>>4, body[0]&15
		if class > 1 || to > 3 || d.sequential && to > 1 {
			return FormatError("a table of codes that does not exist")
		}
		counts := (*[16]uint8)(body[1:17])
		total := 0
		for _, n := range counts {
			total += int(n)
		}
		if total == 0 || total > 256 || len(body) < 17+total {
			return FormatError("a table of codes of the wrong length")
		}
		d.present[class][to] = false
		if err := d.huffman[class][to].define(counts, body[17:17+total]); err != nil {
			return err
		}
		d.present[class][to] = true
		body = body[17+total:]
	}
	return nil
}

// isRGB tells that the components are red, green and blue, as image/jpeg decides it.
func (d *Decoder) isRGB() bool {
	if len(d.components) != 3 || d.jfif {
		return false
	}
	c := d.components
	return d.adobe == 1 || c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'
}

// finish ends a file at its end mark.
func (d *Decoder) finish() error {
	if !d.started {
		return FormatError("no picture in it")
	}
	if d.isRGB() {
		return errRGB
	}
	if d.progressive {
		d.reconstruct()
	}
	if d.tooLoud() {
		return errLoud
	}
	return nil
}

const errRGB = UnusualError("red, green and blue instead of luma and colour")
