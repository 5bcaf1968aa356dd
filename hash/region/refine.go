package region

import "image"

// Sides are found to a position or so, several pixels of a large picture, and a hash
// wants them to a pixel.

const (
	// probes is how many pixels of a row or column are looked at.
	probes = 48
	// widestStrip is the widest strip that is cut off a part, one part in so many of
	// its side.
	widestStrip = 20
	// stripTolerance is how far from its mean a pixel of a uniform strip may be.
	stripTolerance = 10
	// stripStep is the step at its end.
	stripStep = 10
	// mostStep is the largest step of luma that is reckoned with, so that a few large
	// ones do not outweigh a line.
	mostStep = 64
)

// refine returns a rectangle of positions in pixels, from the picture's corner.
func (s *sampler) refine(q image.Rectangle) image.Rectangle {
	f := s.factor
	r := image.Rect(q.Min.X*f, q.Min.Y*f, q.Max.X*f, q.Max.Y*f)
	if q.Max.X == s.x.n {
		r.Max.X = s.w
	}
	if q.Max.Y == s.y.n {
		r.Max.Y = s.h
	}
	exact := r
	if q.Min.X > 0 {
		exact.Min.X = s.column(q.Min.X, r.Min.Y, r.Max.Y)
	}
	if q.Max.X < s.x.n {
		exact.Max.X = s.column(q.Max.X, r.Min.Y, r.Max.Y)
	}
	if q.Min.Y > 0 {
		exact.Min.Y = s.level(q.Min.Y, r.Min.X, r.Max.X)
	}
	if q.Max.Y < s.y.n {
		exact.Max.Y = s.level(q.Max.Y, r.Min.X, r.Max.X)
	}
	return s.trim(exact)
}

// column returns the column near position x where luma steps most, between two rows.
func (s *sampler) column(x, from, to int) int {
	f := s.factor
	first, end := max((x-1)*f-1, 0), min((x+2)*f+1, s.w)
	n := end - first
	s.floats = grow(s.floats, max(2*n, s.w))
	row, sums := s.floats[:n], s.floats[n:2*n]
	clear(sums)
	for i := range probes {
		s.reader.Row(row, first, from+(2*i+1)*(to-from)/(2*probes))
		for c := 1; c < n; c++ {
			sums[c] += min(abs(row[c]-row[c-1]), mostStep)
		}
	}
	best := 1
	for c := 2; c < n; c++ {
		if sums[c] > sums[best] {
			best = c
		}
	}
	return first + best
}

// level returns the row near position y where luma steps most, between two columns.
func (s *sampler) level(y, from, to int) int {
	f := s.factor
	first, end := max((y-1)*f-1, 0), min((y+2)*f+1, s.h)
	best, at := float32(-1), first+1
	var above, row [probes]float32
	s.probe(&above, first, from, to, true)
	for r := first + 1; r < end; r++ {
		s.probe(&row, r, from, to, true)
		sum := float32(0)
		for i := range row {
			sum += min(abs(row[i]-above[i]), mostStep)
		}
		if sum > best {
			best, at = sum, r
		}
		above = row
	}
	return at
}

// probe reads pixels of a row, or of a column, at equal distances between two ends.
func (s *sampler) probe(dst *[probes]float32, at, from, to int, row bool) {
	for i := range dst {
		p := from + (2*i+1)*(to-from)/(2*probes)
		if row {
			s.reader.Row(dst[i:i+1], p, at)
		} else {
			s.reader.Row(dst[i:i+1], at, p)
		}
	}
}

// trim cuts uniform strips that end in an edge off the sides: the gutters of a sheet
// and the frames of pictures in pictures.
func (s *sampler) trim(r image.Rectangle) image.Rectangle {
	t := r
	t.Min.X += s.strip(r.Min.X, 1, r.Dx()/widestStrip, r.Min.Y, r.Max.Y, false)
	t.Max.X -= s.strip(r.Max.X-1, -1, r.Dx()/widestStrip, r.Min.Y, r.Max.Y, false)
	t.Min.Y += s.strip(r.Min.Y, 1, r.Dy()/widestStrip, r.Min.X, r.Max.X, true)
	t.Max.Y -= s.strip(r.Max.Y-1, -1, r.Dy()/widestStrip, r.Min.X, r.Max.X, true)
	return t
}

// strip returns the width of the strip that begins at a row or column.
func (s *sampler) strip(at, step, most, from, to int, row bool) int {
	var v, last [probes]float32
	level, n := float32(-1), 0
	for ; n <= most; n++ {
		s.probe(&v, at+n*step, from, to, row)
		if level >= 0 {
			if !uniform(&v, level) {
				break
			}
		} else if m := mean(v[:]); uniform(&v, m) {
			level = m
		} else if n == 2 { // two may be mixed with what is beyond
			return 0
		}
		last = v
	}
	if level < 0 || n > most {
		return 0
	}
	// After strong compression or scaling, the first row after it is mixed with it.
	s.probe(&v, at+(n+1)*step, from, to, row)
	steps := 0
	for i := range v {
		if abs(v[i]-last[i]) > stripStep {
			steps++
		}
	}
	if 2*steps < probes {
		return 0
	}
	return n + 1
}

// uniform allows a tenth of outliers.
func uniform(v *[probes]float32, level float32) bool {
	far := 0
	for _, x := range v {
		if abs(x-level) > stripTolerance {
			far++
		}
	}
	return far <= probes/10
}
