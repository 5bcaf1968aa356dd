package region

import (
	"image"

	"github.com/rematch-go/rematch/hash/internal/pixel"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// What makes a border. Measured on 240 copies of 12 photographs with black bars (above
// and below, left and right, all around, above only; MJPEG of scale 8 and 31, H.264 of
// rate factor 23 and 40, and of 30 after shrinking to 53 %): every border was found, and
// the inner pictures' PDQ hashes were 18 bits at most and 4 in the median from those
// of the pictures that never had bars; cut exactly they would be 16 and 2.
const (
	// tolerance is how far a pixel of the border may be from the mean of the
	// outermost row or column.
	tolerance = 12
	// outliers is the share of a row or column, one in so many, that may be farther
	// off: specks, and corners where two sides' ringing meets.
	outliers = 50
	// smear is how many rows or columns after the border, which compression has
	// filled with echoes of the edge or mixed with the picture, may be cut away with
	// it: one transform block. They are while they deviate from the border's luma, on
	// average, less than half as much as the picture behind them, or than smearMean.
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
	// black is the highest mean of the outermost row or column that is taken for a bar
	// wherever it ends: video black is 16 where its range was not expanded, and
	// compression adds some. A bar of any other luma must end in an edge: one part in
	// edgeShare of the first row after it differs. Skies and white backgrounds end
	// anywhere.
	black     = 32
	edgeShare = 4
)

// WithinBorder returns what lies within the uniform border of m, of whatever luma, in the
// coordinates of m.Bounds(). A row belongs to the border when 98 % of its pixels are
// near the luma of the outermost row, and so do up to 8 more that compression has
// smeared; then likewise columns, between the rows that are left. Each side is judged
// by itself, with a luma of its own: one bar is a border. Bars that are not nearly
// black must end in an edge along a quarter of their length.
//
// Without a border inner is m.Bounds() and found is false. So it is when no side's
// bar is at least 1.5 % of the side and two pixels, when less than a quarter of the
// width or height would remain, as of a black picture, and for pictures that have no
// PDQ hash (package pdq: less than 5 pixels along a side, nil). It is safe for
// concurrent use; a Finder spares its allocations.
func WithinBorder(m image.Image) (inner image.Rectangle, found bool) {
	var f Finder
	return f.Border(m)
}

// Border is as the package's WithinBorder.
func (f *Finder) Border(m image.Image) (inner image.Rectangle, found bool) {
	if m == nil {
		return image.Rectangle{}, false
	}
	s := &f.bars
	s.reader.Reset(m)
	defer s.reader.Reset(nil) // a Finder that waits must not hold on to a picture
	w, h := s.reader.Size()
	if !tent.Hashable(w, h) {
		return m.Bounds(), false
	}
	s.row, s.counts = grow(s.row, w), grow(s.counts, w)

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

// flat reports whether a part of m is Flat.
func (f *Finder) flat(m image.Image, r image.Rectangle) bool {
	s := &f.bars
	s.reader.Reset(m)
	defer s.reader.Reset(nil)
	r = r.Sub(m.Bounds().Min)
	var c counts
	for i := range probes {
		s.reader.Row(s.row[:r.Dx()], r.Min.X, r.Min.Y+(2*i+1)*r.Dy()/(2*probes))
		for x := 0; x < r.Dx(); x += (r.Dx() + probes - 1) / probes {
			c.add(uint8(s.row[x]))
		}
	}
	return c.flat()
}

func least(side int) int { return (side + smallest - 1) / smallest }

// trimmed is how much is cut from a side whose first n rows or columns are border
// beyond doubt: none if that is too thin or does not end as it must, else they and
// what is smeared after them. read gives row or column n.
func trimmed(n, side int, level float32, read func(n int) []float32) int {
	if n < max(2, (side+thinnest-1)/thinnest) {
		return 0
	}
	if n+smear >= side {
		return n
	}
	edge := max(smearMean, deviation(read(n+smear), level)/2)
	for end := n + smear; n < end && deviation(read(n), level) < edge; n++ {
	}
	if next := read(n); level > black && far(next, level) < len(next)/edgeShare {
		return 0
	}
	return n
}

// bars finds the bars along the sides of a picture.
type bars struct {
	reader pixel.Reader
	row    []float32
	column []float32
	counts []int // of outliers, by column
}

// rows returns the height of the bar that begins at row y and goes in direction
// step. ok is false when it leaves no picture.
func (s *bars) rows(y, step, w, h int) (height int, ok bool) {
	read := func(n int) []float32 {
		s.reader.Row(s.row[:w], 0, y+n*step)
		return s.row[:w]
	}
	level := mean(read(0))
	n := 0
	for n < h && far(read(n), level) <= w/outliers {
		n++
	}
	if h-n < least(h) {
		return 0, level > black
	}
	return trimmed(n, h, level, read), true
}

// columns returns the width of the bar on the left, or on the right, between rows
// top and bottom (exclusive). ok is false when it leaves no picture.
func (s *bars) columns(right bool, w, top, bottom int) (width int, ok bool) {
	// at is the leftmost of n columns of which the outermost is the one numbered
	// from, counted from the edge inwards.
	at := func(from, n int) int {
		if right {
			return w - from - n
		}
		return from
	}
	s.column = grow(s.column, bottom-top)
	read := func(n int) []float32 {
		for i := range s.column {
			s.reader.Row(s.column[i:i+1], at(n, 1), top+i)
		}
		return s.column
	}
	level := mean(read(0))
	limit := len(s.column) / outliers
	if far(s.column, level) > limit {
		return 0, true
	}
	n := w // columns that may still belong to the bar
	clear(s.counts)
	for y := top; y < bottom && n > 0; y++ {
		row := s.row[:n]
		s.reader.Row(row, at(0, n), y)
		n = s.tally(row, right, level, limit)
	}
	if w-n < least(w) {
		return 0, level > black
	}
	return trimmed(n, w, level, read), true
}

// tally counts the outliers of one row's stretch of the bar, whose edge is on its
// left or right end, and returns how many columns still belong to the bar.
func (s *bars) tally(row []float32, right bool, level float32, limit int) int {
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

func mean(row []float32) float32 {
	var sum float32
	for _, v := range row {
		sum += v
	}
	return sum / float32(len(row))
}

// deviation returns how far the pixels are from a luma, on average.
func deviation(row []float32, level float32) float32 {
	var sum float32
	for _, v := range row {
		sum += abs(v - level)
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

func abs(v float32) float32 { return max(v, -v) }
