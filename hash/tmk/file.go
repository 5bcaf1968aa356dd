package tmk

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// FileSize is the size of every .tmk file in bytes.
const FileSize = 32 + 4*Periods + 4*Coefficients + 4*Dimensions*(1+2*Periods*Coefficients)

const magic = "TMK1FVECPDQF" // project, file type, kind of frame feature

// FormatError says where a .tmk file is none, or is one of another shape than
// this package computes.
type FormatError struct {
	Offset int64  // of the byte, or the number, that is wrong
	Reason string // for people
	Err    error  // io.ErrUnexpectedEOF where the file ends too early; may be nil
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("tmk: not a usable .tmk file: %s (byte %d)", e.Reason, e.Offset)
}

func (e *FormatError) Unwrap() error { return e.Err }

// header is what all files begin with: little-endian int32s after the magic. A -1 may be
// anything from 0 up: the number of frames.
var header = [...]struct {
	name string
	want int32
}{
	{"frames a second", FrameRate}, {"periods", Periods}, {"Fourier coefficients", Coefficients},
	{"feature dimensions", Dimensions}, {"frames", -1},
	{"frames in period 1", int32(periods[0])}, {"frames in period 2", int32(periods[1])},
	{"frames in period 3", int32(periods[2])}, {"frames in period 4", int32(periods[3])},
}

// Read reads a .tmk file as the reference writes it, to its end: FileSize bytes and no
// more. A file that is not one, that is cut, longer, made with other parameters or has
// numbers that are not finite is a *FormatError; other errors are those of r.
//
// The reference takes two files for comparable when their Fourier coefficients agree to a
// millionth, and so does this.
func Read(r io.Reader) (*Vector, error) {
	// One byte more tells whether there is more, and a header that is wrong is told
	// before the rest is waited for.
	buf := make([]byte, FileSize+1)
	n, err := io.ReadFull(r, buf[:32])
	if err == nil {
		if err := checkMagic(buf[:n]); err != nil {
			return nil, err
		}
		var more int
		more, err = io.ReadFull(r, buf[32:])
		n += more
	}
	switch {
	case err == nil:
		return nil, &FormatError{Offset: FileSize, Reason: "there is more after its end"}
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return nil, fmt.Errorf("tmk: reading after byte %d: %w", n, err)
	}
	if err := checkMagic(buf[:n]); err != nil {
		return nil, err
	}
	if n < FileSize {
		return nil, &FormatError{Offset: int64(n), Reason: fmt.Sprintf("it ends after %d of %d bytes", n, FileSize), Err: io.ErrUnexpectedEOF}
	}
	return parse(buf[:FileSize])
}

func checkMagic(b []byte) error {
	for i := range min(len(b), len(magic)) {
		if b[i] != magic[i] {
			return &FormatError{Offset: int64(i), Reason: fmt.Sprintf("it begins with %.12q, not %q", b[:min(len(b), len(magic))], magic)}
		}
	}
	return nil
}

func parse(b []byte) (*Vector, error) {
	in := reader{b: b, at: len(magic), bad: -1}
	v := new(Vector)
	for _, h := range header {
		at := in.at
		n := int32(in.word())
		switch {
		case h.want >= 0 && n != h.want:
			return nil, &FormatError{Offset: int64(at), Reason: fmt.Sprintf("%s: %d, but only %d is in use", h.name, n, h.want)}
		case n < 0:
			return nil, &FormatError{Offset: int64(at), Reason: fmt.Sprintf("%s: %d", h.name, n)}
		case h.want < 0:
			v.Frames = n
		}
	}
	start := in.at
	in.floats(v.weights[:])
	for j, w := range v.weights {
		// Written so that what is not a number is refused.
		if want := float64(weights[j]); !(math.Abs(float64(w)-want) <= 1e-6*want) {
			return nil, &FormatError{Offset: int64(start + 4*j), Reason: fmt.Sprintf("Fourier coefficient %d is %v, not %v", j, w, weights[j])}
		}
	}
	in.floats(v.Average[:])
	for _, features := range [...]*[Periods][Coefficients]Feature{&v.Cosine, &v.Sine} {
		for i := range features {
			for j := range features[i] {
				in.floats(features[i][j][:])
			}
		}
	}
	if in.bad >= 0 {
		return nil, &FormatError{Offset: int64(in.bad), Reason: "not a finite number"}
	}
	if v.weights == weights {
		v.weights = [Coefficients]float32{} // so that equal vectors are equal values
	}
	return v, nil
}

// reader takes numbers from a file in memory.
type reader struct {
	b   []byte
	at  int
	bad int // offset of the first number that is not finite; -1: none
}

func (r *reader) word() uint32 {
	r.at += 4
	return binary.LittleEndian.Uint32(r.b[r.at-4:])
}

func (r *reader) floats(dst []float32) {
	for i := range dst {
		dst[i] = math.Float32frombits(r.word())
		if x := float64(dst[i]); r.bad < 0 && (math.IsNaN(x) || math.IsInf(x, 0)) {
			r.bad = r.at - 4
		}
	}
}

// WriteTo writes the .tmk file of v: byte for byte what Read read, and what the
// reference would write of the same numbers.
func (v *Vector) WriteTo(w io.Writer) (int64, error) {
	b := append(make([]byte, 0, FileSize), magic...)
	for _, h := range header {
		n := h.want
		if n < 0 {
			n = v.Frames
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	coefficients := &v.weights
	if *coefficients == [Coefficients]float32{} {
		coefficients = &weights
	}
	b = appendFloats(b, coefficients[:])
	b = appendFloats(b, v.Average[:])
	for _, features := range [...]*[Periods][Coefficients]Feature{&v.Cosine, &v.Sine} {
		for i := range features {
			for j := range features[i] {
				b = appendFloats(b, features[i][j][:])
			}
		}
	}
	n, err := w.Write(b)
	return int64(n), err
}

func appendFloats(b []byte, floats []float32) []byte {
	for _, x := range floats {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
