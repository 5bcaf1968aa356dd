package pdq

import (
	"image"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/pixel"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// Sum returns the PDQ hash of m and its quality, 0 to 100. The package comment says
// which pictures have none. It is safe for concurrent use; a Hasher spares its
// allocations.
func Sum(m image.Image) (hash.Value, hash.Quality) {
	var h Hasher
	return h.Sum(m)
}

// Quality returns the quality, 0 to 100, that Sum returns with the hash.
func Quality(m image.Image) hash.Quality {
	var h Hasher
	return h.Quality(m)
}

// Orientations returns the hashes of m in all eight orientations, indexed by
// hash.Orientation, and its quality. They are made from one transform by changing
// signs, as the reference does; hashing the turned picture itself gives a few bits
// else, because the filter's boxes lean to one side. The hash at hash.Original is
// that of Sum. (At 64 x 64 pixels the reference's dihedral function applies its filter
// of length one, which its plain function leaves out. The two agree but for rounding;
// here both leave it out.)
func Orientations(m image.Image) ([hash.Orientations]hash.Value, hash.Quality) {
	var h Hasher
	return h.Orientations(m)
}

// Hasher computes hashes and keeps its buffers for the next picture: about 40 KiB
// and width x (height/128 + 100) x 4 bytes of the largest so far, 2 MB at twelve
// megapixels. After the first picture of a size it does not allocate, but for
// a hash.Reduced and picture types that are read through At. The zero Hasher is ready. It is not
// safe for concurrent use; results do not depend on what it hashed before, nor on the processor.
//
// Pictures whose luma is bytes, as YCbCr and Gray, are the fastest, above all with
// sides of 129 to 256 and 385 to 512 pixels, where the filter's sums are whole numbers; then those of 8
// bits of red, green and blue.
type Hasher struct {
	reader pixel.Reader
	plane  plane
	filter tent.Filter
	oracle tent.Oracle // for planes of other values than luma
	small  tent.Plane
	dct    transform
}

// Sum is as the package's Sum.
func (h *Hasher) Sum(m image.Image) (hash.Value, hash.Quality) {
	q, ok := h.shrinkImage(m)
	if !ok {
		return hash.Value{}, 0
	}
	return h.dct.original(&h.small), q
}

// Quality is as the package's Quality.
func (h *Hasher) Quality(m image.Image) hash.Quality {
	q, _ := h.shrinkImage(m)
	return q
}

// Orientations is as the package's Orientations.
func (h *Hasher) Orientations(m image.Image) ([hash.Orientations]hash.Value, hash.Quality) {
	q, ok := h.shrinkImage(m)
	if !ok {
		return [hash.Orientations]hash.Value{}, 0
	}
	return h.dct.orientations(&h.small), q
}

// SumLuma hashes a plane of luma, row by row, of width x height pixels with values 0 to 255;
// others, above all infinite ones, give a hash that means nothing. It does not modify
// luma. When there are not exactly width x height values, or for sizes without a hash, the
// value is invalid and the quality 0.
func (h *Hasher) SumLuma(luma []float32, width, height int) (hash.Value, hash.Quality) {
	q, ok := h.shrinkLuma(luma, width, height)
	if !ok {
		return hash.Value{}, 0
	}
	return h.dct.original(&h.small), q
}

// OrientationsLuma is Orientations of a plane of luma as SumLuma takes it.
func (h *Hasher) OrientationsLuma(luma []float32, width, height int) ([hash.Orientations]hash.Value, hash.Quality) {
	q, ok := h.shrinkLuma(luma, width, height)
	if !ok {
		return [hash.Orientations]hash.Value{}, 0
	}
	return h.dct.orientations(&h.small), q
}

func (h *Hasher) shrinkLuma(luma []float32, width, height int) (hash.Quality, bool) {
	if !tent.Hashable(width, height) || int64(len(luma)) != int64(width)*int64(height) {
		return 0, false
	}
	h.plane = plane{luma, width}
	defer func() { h.plane = plane{} }() // as in shrinkImage
	if isLuma(luma) {
		h.filter.Shrink(&h.small, &h.plane, width, height)
	} else { // by the definition
		h.oracle.Shrink(&h.small, &h.plane, width, height)
	}
	return tent.Quality(&h.small), true
}

func (h *Hasher) shrinkImage(m image.Image) (hash.Quality, bool) {
	if small, ok := m.(hash.Reduced); ok {
		if !small.PDQSamples((*[tent.Side][tent.Side]float32)(&h.small)) {
			return 0, false
		}
		return tent.Quality(&h.small), true
	}
	h.reader.Reset(m)
	defer h.reader.Reset(nil) // a Hasher that waits must not hold on to a picture
	width, height := h.reader.Size()
	if !tent.Hashable(width, height) {
		return 0, false
	}
	h.filter.Shrink(&h.small, &h.reader, width, height)
	return tent.Quality(&h.small), true
}

// isLuma reports whether all values are 0 or from 2^-8 to 255: what tent.Filter
// takes. Luma made of bytes is.
func isLuma(luma []float32) bool {
	for _, v := range luma {
		if v != 0 && !(v >= 0x1p-8 && v <= 255) {
			return false
		}
	}
	return true
}

// plane is a picture of luma values in memory.
type plane struct {
	luma  []float32
	width int
}

// Row implements tent.Rows.
func (p *plane) Row(dst []float32, x, y int) { copy(dst, p.luma[y*p.width+x:]) }

// Bytes implements tent.Rows.
func (p *plane) Bytes(int) []uint8 { return nil }
