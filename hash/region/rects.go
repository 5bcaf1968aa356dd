package region

import (
	"cmp"
	"image"
	"slices"
)

// What makes a rectangle a part. Tuned on 34 kinds of edits of 90 photographs, and
// held by TestPhotographs; supports are in thousandths.
const (
	// leastPart is the least part of the picture's width and height that a part has, in
	// thousandths: an upright picture of 40 % of the height of a level one.
	leastPart = 150
	// mostLines is how many lines of each direction are tried as sides: a sheet of
	// three by three has eight, a screenshot more.
	mostLines = 20
	// crossing is how much less support than the sides a line may have that cuts the
	// rectangle in two: with more it is two parts. Under leastCrossing it never is.
	crossing      = 150
	leastCrossing = 500
	// leastDivided is the support with which the best rectangle that is cut in two is
	// a part nevertheless, if it lies within the picture on all sides: scenes have
	// horizons.
	leastDivided = 550
	// mostRects bounds the rectangles that are compared with each other.
	mostRects = 2048
	// weakest is the least support that any side has.
	weakest = 300
	// onAverage is what the sides have on average.
	onAverage = 450
)

// weakestOf returns the support that the weakest of so many sides must have, the
// picture's own sides not counted: the more there are, the less likely it is that a
// scene has them by chance.
func weakestOf(sides int) int {
	switch sides {
	case 4:
		return weakest
	case 3:
		return 320
	}
	return 360
}

// What makes a band: supports across the whole picture, in thousandths, and the least part of
// the picture between the lines.
const (
	leastBandLine = 450 // of the clearer line
	leastBand     = 550 // of both together
	leastWithin   = 250
)

// rect is a rectangle of positions whose sides are edges.
type rect struct {
	image.Rectangle
	support int  // of the sides that are not the picture's own, on average
	inside  bool // none is the picture's own
}

// side is a possible side of a rectangle.
type side struct {
	at      int
	picture bool // it is the picture's own
	support int  // between the other two sides that are tried
}

// rects finds rectangles between lines.
type rects struct {
	x, y           *lines
	upright        []side // with the picture's own
	level          []side
	found          []line
	between        []side
	all            []rect
	leastW, leastH int
}

// search fills r.all with the rectangles whose sides are edges, the best first.
func (r *rects) search(x, y *lines) {
	r.x, r.y = x, y
	r.all = r.all[:0]
	r.upright = r.sides(r.upright, x)
	r.level = r.sides(r.level, y)
	r.leastW, r.leastH = x.n*leastPart/1000, y.n*leastPart/1000
	for i, left := range r.upright {
		for _, right := range r.upright[i+1:] {
			if right.at-left.at >= r.leastW {
				r.add(left, right)
			}
		}
	}
	slices.SortStableFunc(r.all, func(a, b rect) int { return cmp.Compare(b.support, a.support) })
}

// sides returns the lines that are tried as sides.
func (r *rects) sides(dst []side, l *lines) []side {
	r.found = l.strongest(r.found, l.samples()*leastPart/1000, weakest, mostLines)
	dst = append(dst[:0], side{picture: true})
	for _, f := range r.found {
		if f.at >= apart && f.at < l.n-apart {
			dst = append(dst, side{at: f.at})
		}
	}
	return append(dst, side{at: l.n, picture: true})
}

// add adds the rectangles that have these upright sides.
func (r *rects) add(left, right side) {
	r.between = r.between[:0]
	for _, s := range r.level {
		if !s.picture {
			if s.support = r.y.support(s.at, left.at, right.at); s.support < weakest {
				continue
			}
		}
		r.between = append(r.between, s)
	}
	for i, top := range r.between {
		for _, bottom := range r.between[i+1:] {
			if bottom.at-top.at < r.leastH || len(r.all) == mostRects {
				continue
			}
			if !left.picture {
				left.support = r.x.support(left.at, top.at, bottom.at)
			}
			if !right.picture {
				right.support = r.x.support(right.at, top.at, bottom.at)
			}
			n, sum, least := 0, 0, 1000
			for _, s := range [4]side{left, top, right, bottom} {
				if !s.picture {
					n, sum, least = n+1, sum+s.support, min(least, s.support)
				}
			}
			if n == 0 || least < weakestOf(n) || sum < n*onAverage {
				continue
			}
			r.all = append(r.all, rect{image.Rect(left.at, top.at, right.at, bottom.at), sum / n, n == 4})
		}
	}
}

// band returns the rectangle between two lines that cross the whole picture as far from one side
// as from the other: a picture that was fitted into another shape stands so, in front of a blurred
// copy of itself for instance. That it stands in the middle makes up for what the lines lack,
// and for other lines that lie as well.
func (r *rects) band() (q image.Rectangle, ok bool) {
	most := leastBand - 1
	whole := image.Rect(0, 0, r.x.n, r.y.n)
	for _, upright := range []bool{false, true} {
		l, sides := r.y, r.level
		if upright {
			l, sides = r.x, r.upright
		}
		for _, s := range sides {
			opposite := l.n - s.at
			if s.picture || min(s.at, opposite) < 2*apart {
				continue
			}
			clear, other := l.support(s.at, 0, l.length), 0
			for at := l.n - s.at - 2; at <= l.n-s.at+2; at++ {
				if has := l.support(at, 0, l.length); has > other {
					other, opposite = has, at
				}
			}
			low, high := min(s.at, opposite), max(s.at, opposite)
			if clear < leastBandLine || clear+other <= most || 1000*(high-low) < leastWithin*l.n {
				continue
			}
			most, ok = clear+other, true
			q = whole
			if upright {
				q.Min.X, q.Max.X = low, high
			} else {
				q.Min.Y, q.Max.Y = low, high
			}
		}
	}
	return q, ok
}

// divided reports whether a line cuts the rectangle in two.
func (r *rects) divided(q *rect) bool {
	most := max(q.support-crossing, leastCrossing)
	for _, s := range r.upright {
		if s.at > q.Min.X+apart && s.at < q.Max.X-apart && r.x.support(s.at, q.Min.Y, q.Max.Y) >= most {
			return true
		}
	}
	for _, s := range r.level {
		if s.at > q.Min.Y+apart && s.at < q.Max.Y-apart && r.y.support(s.at, q.Min.X, q.Max.X) >= most {
			return true
		}
	}
	return false
}

// flat reports whether a rectangle of positions is Flat.
func (s *sampler) flat(q image.Rectangle) bool {
	var c counts
	a, b := int(s.x.first[q.Min.Y+1]), int(s.x.first[q.Max.Y-1])
	for i := a; i < b; i++ {
		w := s.x.words[i%s.x.lane*s.x.stride:][:s.x.n]
		shift := 16*(i/s.x.lane) + 1 // of two pixels
		for x := q.Min.X + 1; x < q.Max.X-1; x += 3 {
			c.add(uint8(w[x] >> (shift & 63)))
		}
	}
	return c.flat()
}

// counts is how many pixels have each of 64 lumas.
type counts [64]int

func (c *counts) add(luma uint8) { c[luma/4]++ }

// flat reports whether more than half of the pixels are of two neighbouring lumas.
// Two of 180 photographs are, and what lies within the margins of 67 slides all is.
func (c *counts) flat() bool {
	n, most := 0, 0
	for i, v := range c {
		n += v
		if i > 0 {
			most = max(most, v+c[i-1])
		}
	}
	return 2*most >= n
}
