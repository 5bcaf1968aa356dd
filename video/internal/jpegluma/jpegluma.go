// Package jpegluma reads the luma of JPEG files at a reduced scale, for hashing: it
// decodes the entropy code, which a JPEG file can't be read without, and little else.
// Colour is dropped, and of every 8 x 8 block of luma only the coefficients are
// kept that the scale needs: one, 2 x 2, 4 x 4 or all.
//
// It reads baseline, extended sequential and progressive files of 8 bits with one or
// three components. All else (CMYK, RGB, 12 bits, arithmetic coding, lossless) and
// what only image/jpeg gives a meaning to is an UnusualError: decode that with image/jpeg.
// What image/jpeg accepts is accepted here, and has the same luma at scale 1 but for
// rounding; what it refuses is refused, wherever the fault lies: the codes of colour are read
// as well, and dropped.
// A picture with so many pixels beyond black and white that only full decoding tells what is
// seen is an UnusualError at the reduced scales.
package jpegluma

import (
	"errors"
	"fmt"
)

// FormatError says what is wrong with a file that is no sound JPEG.
type FormatError string

func (e FormatError) Error() string { return "jpegluma: damaged JPEG: " + string(e) }

// UnusualError says which rare feature a file uses that image/jpeg has to decide about.
type UnusualError string

func (e UnusualError) Error() string {
	return "jpegluma: " + string(e) + ": decode it with image/jpeg"
}

// ErrTruncated is the error of a file that ends too early.
var ErrTruncated = errors.New("jpegluma: the file ends before the picture does")

// BudgetError is the error of a file that asks for more than it is allowed.
type BudgetError struct {
	What     string // pixels or scans
	Max, Got int64
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("jpegluma: %d %s, over the budget of %d", e.Got, e.What, e.Max)
}

// Options say how a file is read.
type Options struct {
	// Scale is 1, 2, 4 or 8: how many pixels a side a sample stands for. 0 takes what
	// ScaleFor says of the picture.
	Scale int
	// MaxPixels bounds width x height; 0 means 64 Mi and a negative number no bound. Memory is
	// one byte a sample of the scaled picture, and for progressive files 4 bytes a sample
	// and 12 bytes a block more.
	MaxPixels int64
	// Check, if not nil, is called before each scan; its error ends the reading.
	Check func() error
	// OpenEnd accepts a file that is complete but for its end mark.
	OpenEnd bool
}

// maxScans bounds the scans of a file. Encoders send
// under 30; one that sent every bit of every coefficient by itself would come to 14 x 64. A
// few bytes tell that all of a progressive scan's blocks are empty, or define the tables of
// codes anew that are made for each, so that the size of the file does not bound the work.
const maxScans = 200

// Plane is the luma of a picture at a reduced scale.
type Plane struct {
	// Luma has the samples row by row, Stride apart; 0 is black and 255 white. They are
	// rounded and clipped, which leaves hashes as near to those of the pixels as they would
	// be without. It belongs to the Decoder.
	Luma   []uint8
	Stride int
	// Rows counts those in Luma. The right and lower blocks of a picture can
	// reach over its edges: of Stride x Rows samples only Width x Height have any pixel of
	// the picture under them.
	Rows int
	// Width and Height are in samples: the picture's size over Scale, rounded up. The
	// last ones stand for less than Scale x Scale pixels of the picture.
	Width, Height int
	// Scale is pixels a side of a sample: 1, 2, 4 or 8.
	Scale int
	// PictureWidth and PictureHeight are the picture's size in pixels.
	PictureWidth, PictureHeight int
}

// Decode reads a file into a plane of its own.
func Decode(data []byte, o Options) (*Plane, error) {
	var d Decoder
	return d.Decode(data, o)
}

// Decoder reads files and keeps its buffers and tables for the next one. The zero value is ready. It
// is not safe for concurrent use; results do not depend on what it read before.
type Decoder struct {
	frame
	tables
	bits   bits
	plane  Plane
	quant  [64]float32 // of luma, in zigzag order, with the inverse transform's factors
	powers powers
	// For the blocks of colour, which are read and dropped.
	unused     [64]int32
	weightless powers
	coef       [64]int32 // of one block, in zigzag order; zero but for [0] between blocks
	blocks     blocks    // of a progressive file
	scans      int64     // read of the file
	levels
	options Options
}

// Decode is as the package's Decode; the plane is valid until the next call.
func (d *Decoder) Decode(data []byte, o Options) (*Plane, error) {
	if o.MaxPixels == 0 {
		o.MaxPixels = 64 << 20
	}
	switch o.Scale {
	case 0, 1, 2, 4, 8:
	default:
		return nil, fmt.Errorf("jpegluma: a scale of %d: take 1, 2, 4 or 8", o.Scale)
	}
	d.options = o
	d.frame = frame{}
	d.scans, d.coef = 0, [64]int32{}
	d.levels = levels{}
	d.tables.reset()
	err := d.segments(data)
	d.bits.raw = nil // a Decoder that waits must not hold on to a file
	if err != nil {
		return nil, err
	}
	return &d.plane, nil
}

// ScaleFor is the coarsest scale at which the hash of a picture is all but that of its
// pixels: a short side of at least MinSide samples is left, or the scale is 1. With
// 192 to 255 samples it is as near in most pictures, with 128 to 191 2 in 100 are over 6
// bits off, and with less than that many.
func ScaleFor(width, height int) int {
	for _, scale := range []int{8, 4, 2} {
		if min(width, height)/scale >= MinSide {
			return scale
		}
	}
	return 1
}

// MinSide is how many samples ScaleFor leaves on the shorter side.
const MinSide = 256
