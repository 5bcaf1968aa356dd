package edits

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// Packed returns m as this package wants pictures: opaque, at the origin, with rows
// packed. Transparent parts lie on white.
func Packed(m image.Image) *image.RGBA {
	b := m.Bounds()
	if o, ok := m.(interface{ Opaque() bool }); ok && o.Opaque() {
		out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(out, out.Rect, m, b.Min, draw.Src)
		return out
	}
	out := canvas(b.Dx(), b.Dy(), color.White)
	draw.Draw(out, out.Rect, m, b.Min, draw.Over)
	return out
}

// Fit shrinks m until neither side is over side pixels; smaller pictures come back as
// they are.
func Fit(m *image.RGBA, side int) *image.RGBA { return fit(m, side, side) }

func fit(m *image.RGBA, w, h int) *image.RGBA {
	scale := min(float64(w)/float64(m.Rect.Dx()), float64(h)/float64(m.Rect.Dy()))
	if scale >= 1 {
		return m
	}
	return scaled(m, scaleInt(m.Rect.Dx(), scale), scaleInt(m.Rect.Dy(), scale))
}

// into scales m, up or down, to the largest that fits w x h.
func into(m *image.RGBA, w, h int) *image.RGBA {
	scale := min(float64(w)/float64(m.Rect.Dx()), float64(h)/float64(m.Rect.Dy()))
	return scaled(m, min(w, scaleInt(m.Rect.Dx(), scale)), min(h, scaleInt(m.Rect.Dy(), scale)))
}

// cover scales m so that it fills w x h, and cuts what stands out evenly.
func cover(m *image.RGBA, w, h int) *image.RGBA {
	scale := max(float64(w)/float64(m.Rect.Dx()), float64(h)/float64(m.Rect.Dy()))
	big := scaled(m, max(w, scaleInt(m.Rect.Dx(), scale)), max(h, scaleInt(m.Rect.Dy(), scale)))
	return part(big, image.Rect(0, 0, w, h).Add(image.Pt((big.Rect.Dx()-w)/2, (big.Rect.Dy()-h)/2)))
}

func scaled(m *image.RGBA, w, h int) *image.RGBA {
	if m.Rect.Dx() == w && m.Rect.Dy() == h {
		return m
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	var how xdraw.Scaler = xdraw.BiLinear
	if 5*w >= 3*m.Rect.Dx() && 5*h >= 3*m.Rect.Dy() {
		how = xdraw.ApproxBiLinear // four times as fast, and as good where little is lost
	}
	how.Scale(out, out.Rect, m, m.Rect, xdraw.Src, nil)
	return out
}

func scaleInt(n int, factor float64) int { return max(1, int(math.Round(float64(n)*factor))) }

func canvas(w, h int, c color.Color) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

func clone(m *image.RGBA) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	copy(out.Pix, m.Pix)
	return out
}

// part copies a rectangle out of m.
func part(m *image.RGBA, r image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(out, out.Rect, m, r.Min, draw.Src)
	return out
}

// put draws m onto dst with its corner at x, y.
func put(dst, m *image.RGBA, x, y int) {
	draw.Draw(dst, m.Rect.Add(image.Pt(x, y)), m, image.Point{}, draw.Src)
}

func fillRect(dst *image.RGBA, r image.Rectangle, c color.Color) {
	draw.Draw(dst, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func resize(factor float64) apply {
	return func(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		return scaled(m, scaleInt(m.Rect.Dx(), factor), scaleInt(m.Rect.Dy(), factor))
	}
}

func aspect(factor float64) apply {
	return func(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		return scaled(m, scaleInt(m.Rect.Dx(), factor), m.Rect.Dy())
	}
}

// moved copies every pixel of a w x h picture from where from says.
func moved(m *image.RGBA, w, h int, from func(x, y int) (int, int)) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := from(x, y)
			copy(out.Pix[y*out.Stride+4*x:][:4], m.Pix[sy*m.Stride+4*sx:][:4])
		}
	}
	return out
}

func mirror(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return moved(m, w, h, func(x, y int) (int, int) { return w - 1 - x, y })
}

func flip(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return moved(m, w, h, func(x, y int) (int, int) { return x, h - 1 - y })
}

func turnLeft(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return moved(m, h, w, func(x, y int) (int, int) { return w - 1 - y, x })
}

func halfTurn(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return moved(m, w, h, func(x, y int) (int, int) { return w - 1 - x, h - 1 - y })
}

func turnRight(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return moved(m, h, w, func(x, y int) (int, int) { return y, h - 1 - x })
}

// rotate turns the picture about its centre, one way or the other, within its old
// frame. The corners that come free are black or white.
func rotate(degrees float64) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		fill := color.Color(color.Black)
		if r.IntN(2) == 0 {
			fill = color.White
		}
		sin, cos := math.Sincos(float64(1-2*r.IntN(2)) * degrees * math.Pi / 180)
		w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
		out := canvas(m.Rect.Dx(), m.Rect.Dy(), fill)
		xdraw.ApproxBiLinear.Transform(out, f64.Aff3{
			cos, -sin, w/2 - cos*w/2 + sin*h/2,
			sin, cos, h/2 - sin*w/2 - cos*h/2,
		}, m, m.Rect, xdraw.Src, nil)
		for i := 3; i < len(out.Pix); i += 4 {
			out.Pix[i] = 255
		}
		return out
	}
}

// cropped removes a percentage of the width and of the height; where says which
// share of that goes from the left and from the top.
func cropped(percent float64, where func(*rand.Rand) (left, top float64)) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		w, h := scaleInt(m.Rect.Dx(), 1-percent/100), scaleInt(m.Rect.Dy(), 1-percent/100)
		left, top := where(r)
		x, y := int(math.Round(left*float64(m.Rect.Dx()-w))), int(math.Round(top*float64(m.Rect.Dy()-h)))
		return part(m, image.Rect(x, y, x+w, y+h))
	}
}

func cropCentre(percent float64) apply {
	return cropped(percent, func(*rand.Rand) (float64, float64) { return 0.5, 0.5 })
}

func cropAnywhere(percent float64) apply {
	return cropped(percent, func(r *rand.Rand) (float64, float64) { return r.Float64(), r.Float64() })
}

// cropCorner keeps one of the corners.
func cropCorner(percent float64) apply {
	return cropped(percent, func(r *rand.Rand) (float64, float64) { return float64(r.IntN(2)), float64(r.IntN(2)) })
}
