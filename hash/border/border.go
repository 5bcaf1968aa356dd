// Package border finds the uniform black or near-black border around a picture:
// letterbox, pillarbox, window box. A border moves every bit of a perceptual hash, so
// that the picture within it must be looked at as well.
//
// It looks at luma only, in one pass over the border and at most one over the rest.
// What it finds depends on the pixels alone. A dark edge of the scene itself, a night
// sky for instance, may be taken for a border: that costs a second look at the
// picture, not a match, because the picture as it is must be judged too.
package border

import (
	"image"

	"github.com/rematch-go/rematch/hash/internal/pixel"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// What makes a border. Measured on 240 copies of 12 photographs with bars (above
// and below, left and right, all around, above only; MJPEG of scale 8 and 31, H.264 of
// rate factor 23 and 40, and of 30 after shrinking to 53 %): every border was found, and
// the inner pictures' PDQ hashes were 18 bits at most and 4 in the median from those
// of the pictures that never had bars; cut exactly they would be 16 and 2.
const (
	// black is the highest mean of the outermost row or column that counts as near
	// black: video black is 16 where its range was not expanded, and compression
	// adds some.
	black = 32
	// tolerance is how far a pixel of the border may be from the mean of the
	// outermost row or column.
	tolerance = 12
	// outliers is the share of a row or column, one in so many, that may be farther
	// off: specks, and corners where two sides' ringing meets.
	outliers = 50
	// smear is how many rows or columns after the border, which compression has
	// filled with echoes of the edge or mixed with the picture, may be cut away with
	// it: one transform block. They are while their mean is less than halfway from the
	// border's to that of the picture behind them, or within smearMean.
	smear     = 8
	smearMean = 16
	// thinnest is the narrowest border, as one part in so many of the side, 1.5 %.
	// Narrower ones hardly move a hash. It is at least two pixels. (One narrower than
	// a transform block may not be found after strong compression, whose echoes of
	// the edge fill it.)
	thinnest = 66
	// smallest is the part of each side, one in so many, that the inner picture must
	// have at least: 25 %.
	smallest = 4
)

// Find returns what lies within the border of m, in the coordinates of m.Bounds().
// A row belongs to the border when 98 % of its pixels are near the luma of the
// outermost row and that is near black, and so do up to 8 more that compression has
// smeared; then likewise columns, between the rows that are left. Each side is judged by itself: one black bar is a border.
//
// Without a border inner is m.Bounds() and found is false. So it is when no side's
// bar is at least 1.5 % of the side and two pixels, when less than a quarter of the
// width or height would remain, as of a black picture, and for pictures that have no
// PDQ hash (package pdq: less than 5 pixels along a side, nil). It is safe for
// concurrent use; it allocates two rows.
func Find(m image.Image) (inner image.Rectangle, found bool) {
	if m == nil {
		return image.Rectangle{}, false
	}
	s := scanner{}
	s.reader.Reset(m)
	w, h := s.reader.Size()
	if !tent.Hashable(w, h) {
		return m.Bounds(), false
	}
	s.row = make([]float32, w)
	s.counts = make([]int, w)

	top, ok := s.rows(0, 1, w, h)
	if !ok {
		return m.Bounds(), false
	}
	bottom, ok := s.rows(h-1, -1, w, h)
	if !ok || h-top-bottom < least(h) {
		return m.Bounds(), false
	}
	left, ok := s.columns(false, w, top, h-bottom)
	if !ok {
		return m.Bounds(), false
	}
	right, ok := s.columns(true, w, top, h-bottom)
	if !ok || w-left-right < least(w) {
		return m.Bounds(), false
	}
	if top+bottom+left+right == 0 {
		return m.Bounds(), false
	}
	inner = image.Rect(left, top, w-right, h-bottom).Add(m.Bounds().Min)
	return inner, true
}

// Crop returns the part of m within r, which must have pixels in common with it,
// as a picture that shares its memory. Every picture type of package image but
// image.Uniform keeps its type, and with it the fast path of the hashes.
func Crop(m image.Image, r image.Rectangle) image.Image {
	r = r.Intersect(m.Bounds())
	if s, ok := m.(interface {
		SubImage(r image.Rectangle) image.Image
	}); ok {
		return s.SubImage(r)
	}
	return window{m, r}
}

// window is a part of a picture of a type that can't make one itself.
type window struct {
	image.Image
	bounds image.Rectangle
}

func (w window) Bounds() image.Rectangle { return w.bounds }

func least(side int) int { return (side + smallest - 1) / smallest }

// trimmed is how much is cut from a side whose first n rows or columns are border
// beyond doubt: none if that is too thin, else they and what is smeared after them.
// meanOf gives the mean of row or column n.
func trimmed(n, side int, level float32, meanOf func(n int) float32) int {
	if n < max(2, (side+thinnest-1)/thinnest) {
		return 0
	}
	if n+smear >= side {
		return n
	}
	edge := level + max(smearMean, (meanOf(n+smear)-level)/2)
	for end := n + smear; n < end && meanOf(n) < edge; n++ {
	}
	return n
}

type scanner struct {
	reader pixel.Reader
	row    []float32
	counts []int // of outliers, by column
}

// rows returns the height of the bar that begins at row y and goes in direction
// step. ok is false when it leaves no picture.
func (s *scanner) rows(y, step, w, h int) (height int, ok bool) {
	row := s.row[:w]
	s.reader.Row(row, 0, y)
	level := mean(row)
	if level > black {
		return 0, true
	}
	n := 0
	for ; n < h; n++ {
		s.reader.Row(row, 0, y+n*step)
		if far(row, level) > w/outliers {
			break
		}
	}
	if h-n < least(h) {
		return 0, false
	}
	return trimmed(n, h, level, func(n int) float32 {
		s.reader.Row(row, 0, y+n*step)
		return mean(row)
	}), true
}

// columns returns the width of the bar on the left, or on the right, between rows
// top and bottom (exclusive). ok is false when it leaves no picture.
func (s *scanner) columns(right bool, w, top, bottom int) (width int, ok bool) {
	// at is the leftmost of n columns of which the outermost is the one numbered
	// from, counted from the edge inwards.
	at := func(from, n int) int {
		if right {
			return w - from - n
		}
		return from
	}
	level := s.columnMean(at(0, 1), top, bottom)
	if level > black {
		return 0, true
	}
	n := w // columns that may still belong to the bar
	clear(s.counts)
	limit := (bottom - top) / outliers
	for y := top; y < bottom && n > 0; y++ {
		row := s.row[:n]
		s.reader.Row(row, at(0, n), y)
		n = s.tally(row, right, level, limit)
	}
	if w-n < least(w) {
		return 0, false
	}
	return trimmed(n, w, level, func(n int) float32 {
		return s.columnMean(at(n, 1), top, bottom)
	}), true
}

// tally counts the outliers of one row's stretch of the bar, whose edge is on its
// left or right end, and returns how many columns still belong to the bar.
func (s *scanner) tally(row []float32, right bool, level float32, limit int) int {
	for i := range row {
		v := row[i]
		if right {
			v = row[len(row)-1-i]
		}
		if isFar(v, level) {
			s.counts[i]++
			if s.counts[i] > limit {
				return i
			}
		}
	}
	return len(row)
}

func (s *scanner) columnMean(x, top, bottom int) float32 {
	var sum float32
	for y := top; y < bottom; y++ {
		s.reader.Row(s.row[:1], x, y)
		sum += s.row[0]
	}
	return sum / float32(bottom-top)
}

func mean(row []float32) float32 {
	var sum float32
	for _, v := range row {
		sum += v
	}
	return sum / float32(len(row))
}

func far(row []float32, level float32) int {
	n := 0
	for _, v := range row {
		if isFar(v, level) {
			n++
		}
	}
	return n
}

func isFar(v, level float32) bool { return v > level+tolerance || v < level-tolerance }
