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
	// Bytes returns row y where the picture holds its luma as bytes, else nil: for
	// all rows or for none. The caller does not write to it; it stays as it is while the
	// picture is read.
	Bytes(y int) []uint8
}

// boxSize is the length of the box for a side of n pixels: half a block, rounded
// up, because it is applied twice (computeJaroszFilterWindowSize).
func boxSize(n int) int { return (n + 2*Side - 1) / (2 * Side) }

// centre is the pixel in the middle of block i of 64, on a side of n pixels
// (decimateFloat).
func centre(i, n int) int { return int((2*int64(i) + 1) * int64(n) / (2 * Side)) }

// grow returns a slice of n elements, s itself where it is large enough. Its
// contents are not kept.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
