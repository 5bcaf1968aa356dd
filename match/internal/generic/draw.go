package generic

import (
	"image"
	"math"
)

// side is the width and height, in pixels, that pictures are drawn in. Larger ones of the same
// picture have hashes a few bits away, where these say something of it: see Of.
const side = 128

// shade is a picture: its brightness, 0 to 1, at a place from 0 to 1 across and down.
type shade func(x, y float64) float64

// drawing is a picture with a name for people.
type drawing struct {
	name string
	at   shade
}

// draw makes the picture.
func (s shade) draw() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			v := s((float64(x)+0.5)/side, (float64(y)+0.5)/side)
			m.Pix[y*m.Stride+x] = uint8(math.Round(255 * min(max(v, 0), 1)))
		}
	}
	return m
}

// step is 1 from edge on and 0 before it.
func step(edge, v float64) float64 {
	if v >= edge {
		return 1
	}
	return 0
}

// within is 1 from the edge to as far from the other end.
func within(edge, v float64) float64 { return step(edge, v) - step(1-edge, v) }

// distance is not math.Hypot, which is not the same everywhere. No product here is added to
// something before it is rounded: bank files carry what the pictures say, on all processors.
func distance(x, y, cx, cy float64) float64 {
	return math.Sqrt(float64((x-cx)*(x-cx)) + float64((y-cy)*(y-cy)))
}

// smooth are pictures without an edge. Of these and the others turned, mirrored and negative ones
// are made.
func smooth() (all []drawing) {
	add := func(name string, at shade) { all = append(all, drawing{name, at}) }
	add("a flat picture", func(_, _ float64) float64 { return 0 })
	add("a flat picture", func(_, _ float64) float64 { return 0.5 })
	add("a gradient", func(x, _ float64) float64 { return x })
	for _, tilt := range []float64{0.25, 0.5, 1} {
		add("a gradient", func(x, y float64) float64 { return (x + float64(tilt*y)) / (1 + tilt) })
	}
	for _, c := range [][2]float64{{0.5, 0.5}, {0, 0}, {0.5, 0}} {
		add("a round gradient", func(x, y float64) float64 { return 1 - distance(x, y, c[0], c[1])/1.5 })
		add("a vignette", func(x, y float64) float64 { d := distance(x, y, c[0], c[1]); return 1 - float64(d*d) })
	}
	return all
}

// slanted are pictures of edges that do not run along the sides.
func slanted() (all []drawing) {
	add := func(name string, at shade) { all = append(all, drawing{name, at}) }
	for _, c := range []float64{0.5, 0.75, 1} {
		for _, tilt := range []float64{0.25, 0.5, 1} {
			add("one slanted edge", func(x, y float64) float64 { return step(c*(1+tilt)/2, x+float64(tilt*y)) })
		}
	}
	for _, r := range []float64{0.15, 0.25, 0.35, 0.45} {
		add("a disc", func(x, y float64) float64 { return step(-r, -distance(x, y, 0.5, 0.5)) })
		add("a ring", func(x, y float64) float64 {
			d := distance(x, y, 0.5, 0.5)
			return step(-r, -d) * step(r-0.08, d)
		})
	}
	for _, n := range []float64{2, 3, 4, 5, 6, 7, 8, 10, 12, 16} {
		add("slanted stripes", func(x, y float64) float64 { return float64(int((x+y)*n/2) & 1) })
	}
	add("a saltire", func(x, y float64) float64 { return step(-0.03, -min(math.Abs(x-y), math.Abs(x+y-1))) })
	add("colour bars", smpte)
	return all
}

// straight are pictures that change along their sides, each in one direction or in both.
func straight() (all []drawing) {
	add := func(name string, at shade) { all = append(all, drawing{name, at}) }
	for _, at := range []float64{0.1, 0.15, 0.2, 0.25, 1.0 / 3, 0.4, 0.5} {
		add("one edge", func(x, _ float64) float64 { return step(at, x) })
		add("one edge over a gradient", func(x, y float64) float64 { return step(at, x)/2 + x/4 + y/4 })
		add("a corner", func(x, y float64) float64 { return step(at, x) * step(at, y) })
		if at < 0.5 {
			add("bars at two sides", func(x, _ float64) float64 { return within(at, x) })
			add("a frame", func(x, y float64) float64 { return within(at, x) * within(at, y) })
		}
	}
	for _, n := range []float64{2, 3, 4, 5, 6, 7, 8, 10, 12, 16} {
		add("stripes", func(x, _ float64) float64 { return float64(int(x*n) & 1) })
		add("steps of grey", func(x, _ float64) float64 { return math.Floor(x*n) / (n - 1) })
		add("a chessboard", func(x, y float64) float64 { return float64((int(x*n) + int(y*n)) & 1) })
		add("a grid", func(x, y float64) float64 {
			_, u := math.Modf(x * n)
			_, v := math.Modf(y * n)
			return max(step(0.9, u), step(0.9, v), step(-0.1, -u), step(-0.1, -v))
		})
	}
	add("a cross", func(x, y float64) float64 { return step(-0.02, -min(math.Abs(x-0.5), math.Abs(y-0.5))) })
	add("colour bars", func(x, _ float64) float64 { return bar(x, 8) })
	add("colour bars", func(x, _ float64) float64 { return bar(x, 7) })
	return all
}

// bar is the luma of colour bars, the first n of white, yellow, cyan, green, magenta, red, blue
// and black (ITU-R BT.601).
func bar(x float64, n int) float64 {
	luma := [...]float64{1, 0.886, 0.701, 0.587, 0.413, 0.299, 0.114, 0}
	return luma[min(int(x*float64(n)), n-1)]
}

// smpte is the bars of SMPTE EG 1: seven of them, a row of the same backwards with black between,
// and one of white and blacks.
func smpte(x, y float64) float64 {
	switch {
	case y < 2.0/3:
		return 0.75 * bar(x, 7)
	case y < 0.75:
		if n := min(int(x*7), 6); n&1 == 0 {
			return 0.75 * bar(1-(float64(n)+0.5)/7, 7)
		}
		return 0
	case x >= 1.25/7 && x < 2.5/7:
		return 1
	}
	return 0.07
}
