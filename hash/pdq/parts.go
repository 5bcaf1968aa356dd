package pdq

import (
	"image"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/pixel"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

const (
	// maxPartsSide bounds the longer side, in pixels, of the plane that parts are
	// hashed from: sixteen pixels a sample, and eight in a part of half the side.
	maxPartsSide = 1024
	// minPartsSide is what shrinking leaves of the shorter side: with fewer pixels than
	// two or three a sample a hash is not the picture's own.
	minPartsSide = 192
)

// Part is the hash of a part of a picture and its quality.
type Part struct {
	Value   hash.Value
	Quality hash.Quality
}

// Parts hashes many parts of one picture, in the order given, each a rectangle in the
// coordinates of m.Bounds() of which only what lies within them counts. It is for known
// pictures, not for speed with one part: m is read once into whole numbers of luma, and
// above 1024 pixels along the longer side shrunk by the whole factor that brings it there,
// or the shorter side near 192; then every part is hashed as Sum would. So for pictures of
// up to 1024 pixels whose luma is bytes (image.Gray, image.YCbCr) the result is Sum's of the
// sub-picture to the bit; colours that are not, rounded to bytes, move few bits, and shrinking
// moves as many as it does anywhere.
//
// A part of less than 5 pixels along a side, of m or of what it is shrunk to, has an
// invalid value and the quality 0. It allocates the plane, a byte a
// pixel, at most 1 MiB but of pictures more than five times as long as wide, and the
// result.
func (h *Hasher) Parts(m image.Image, parts []image.Rectangle) []Part {
	all := make([]Part, len(parts))
	h.reader.Reset(m)
	width, height := h.reader.Size()
	if !tent.Hashable(width, height) {
		h.reader.Reset(nil)
		return all
	}
	by := max(1, min((max(width, height)+maxPartsSide-1)/maxPartsSide, min(width, height)/minPartsSide))
	small := shrunk(&h.reader, width/by, height/by, by)
	h.reader.Reset(nil)
	bounds := m.Bounds()
	for i, r := range parts {
		r = r.Intersect(bounds).Sub(bounds.Min)
		r = image.Rect((r.Min.X+by/2)/by, (r.Min.Y+by/2)/by, (r.Max.X+by/2)/by, (r.Max.Y+by/2)/by)
		all[i].Value, all[i].Quality = h.Sum(small.SubImage(r))
	}
	return all
}

// shrunk reads a picture of at least width*by x height*by pixels as width x height
// means of squares of by x by. What lies beyond the last whole square is left out.
func shrunk(r *pixel.Reader, width, height, by int) *image.Gray {
	small := image.NewGray(image.Rect(0, 0, width, height))
	row := make([]float32, width*by)
	sums := make([]float32, width)
	area := float32(by * by)
	for y := range height {
		clear(sums)
		for line := range by {
			r.Row(row, 0, y*by+line)
			for x := range sums {
				for _, v := range row[x*by : (x+1)*by] {
					sums[x] += v
				}
			}
		}
		for x, sum := range sums {
			small.Pix[y*small.Stride+x] = uint8(sum/area + .5)
		}
	}
	return small
}
