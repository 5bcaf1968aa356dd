// Package tent shrinks pictures to the 64 x 64 samples that PDQ is made from, and
// measures on them how much there is to hash.
//
// The filter is the reference's (pdq/cpp/downscaling/downscaling.cpp): a box along
// the rows and a box along the columns, twice, which is nearly a tent; then the
// sample at the centre of each of 64 x 64 blocks. Its sums run along in single
// precision and their rounding errors decide bits, so every addition happens here in
// the reference's order. What differs is only what is kept: rows stream through, the
// columns' window of rows is held instead of two whole planes, and the second round
// is reckoned only at the 64 columns that are sampled.
package tent

// Side is the number of samples along each side.
const Side = 64

// Plane holds the samples: [row][column], of luma 0 to 255.
type Plane [Side][Side]float32

// MinSide is the smallest width and height that is hashed: MIN_HASHABLE_DIM of the
// reference's pdqhashing.cpp.
const MinSide = 5

// The largest side and the largest picture, in pixels, that are hashed: beyond
// what decoders make, and far below the boundless pictures of image.Uniform.
const (
	MaxSide   = 1 << 20
	MaxPixels = 1 << 32
)

// Hashable reports whether a picture of w x h pixels has a hash: both sides from
// MinSide to MaxSide, and at most MaxPixels in all.
func Hashable(w, h int) bool {
	return w >= MinSide && h >= MinSide && w <= MaxSide && h <= MaxSide && int64(w)*int64(h) <= MaxPixels
}

// Rows is a picture that can be read row by row, as pixel.Reader.
type Rows interface {
	// Row writes the luma of len(dst) pixels of row y from column x on.
	Row(dst []float32, x, y int)
}

// Filter shrinks pictures and keeps its buffers for the next one: about
// width x (height/128 + 4) x 4 bytes. The zero value is ready; it is not safe for
// concurrent use.
type Filter struct {
	luma, line    []float32 // one row each: as read, and after the first round
	first, second columns
	xs, ys        [Side]int // where the samples are taken
}

// Shrink fills dst from a picture of w x h pixels, which must be Hashable. It reads
// every row once, from top to bottom.
//
// A picture of 64 x 64 pixels is taken as it is, as pdqFloat256FromFloatLuma does.
func (f *Filter) Shrink(dst *Plane, src Rows, w, h int) {
	if w == Side && h == Side {
		for y := range dst {
			src.Row(dst[y][:], 0, y)
		}
		return
	}
	boxX, boxY := boxSize(w), boxSize(h)
	for i := range Side {
		f.xs[i], f.ys[i] = centre(i, w), centre(i, h)
	}
	f.luma, f.line = grow(f.luma, w), grow(f.line, w)
	f.first.reset(w, h, boxY)
	f.second.reset(Side, h, boxY)

	var out [Side]float32
	taken := 0 // rows of dst that are filled
	finish := func(y int) {
		row, ok := f.second.step(y, out[:])
		for ; ok && taken < Side && f.ys[taken] == row; taken++ {
			dst[taken] = out
		}
	}
	for y := range f.first.steps() {
		if y < h {
			src.Row(f.luma, 0, y)
			box(f.first.slot(y), f.luma, boxX)
		}
		if row, ok := f.first.step(y, f.line); ok {
			boxAt(f.second.slot(row), f.line, boxX, &f.xs)
			finish(row)
		}
	}
	for y := h; y < f.second.steps(); y++ {
		finish(y)
	}
}

// boxSize is the length of the box for a side of n pixels: half a block, rounded
// up, because it is applied twice (computeJaroszFilterWindowSize).
func boxSize(n int) int { return (n + 2*Side - 1) / (2 * Side) }

// centre is the pixel in the middle of block i of 64, on a side of n pixels
// (decimateFloat).
func centre(i, n int) int { return int((2*int64(i) + 1) * int64(n) / (2 * Side)) }

// grow returns a slice of n elements, s itself where it is large enough. Its
// contents are not kept.
func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
