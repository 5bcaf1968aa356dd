package main

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// rgb is a colour with channels in 0..1, encoded as sRGB.
type rgb struct{ r, g, b float64 }

// hex makes a colour from 0xRRGGBB.
func hex(v uint32) rgb {
	return rgb{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255}
}

func mix(a, b rgb, t float64) rgb {
	return rgb{lerp(a.r, b.r, t), lerp(a.g, b.g, t), lerp(a.b, b.b, t)}
}

// lit returns the colour k times as bright.
func (c rgb) lit(k float64) rgb { return rgb{c.r * k, c.g * k, c.b * k} }

func channel(v float64) uint8 { return uint8(clamp(v, 0, 1)*255 + 0.5) }

func (c rgb) color() color.RGBA { return color.RGBA{channel(c.r), channel(c.g), channel(c.b), 255} }

// pt is a point in pixels; y grows downwards.
type pt struct{ x, y float64 }

// paint gives the colour of the pixel at x, y.
type paint func(x, y float64) rgb

func plain(c rgb) paint { return func(float64, float64) rgb { return c } }

// canvas draws anti-aliased shapes on a picture with premultiplied alpha.
type canvas struct {
	img  *image.RGBA
	ras  vector.Rasterizer
	mask *image.Alpha
	w, h float64
}

// newCanvas is transparent.
func newCanvas(w, h int) *canvas { return onto(image.NewRGBA(image.Rect(0, 0, w, h))) }

// onto draws on an existing picture, whose bounds start at 0, 0.
func onto(m *image.RGBA) *canvas {
	b := m.Bounds()
	return &canvas{img: m, mask: image.NewAlpha(b), w: float64(b.Dx()), h: float64(b.Dy())}
}

// cover paints every pixel of the rows from..to (exclusive).
func (c *canvas) cover(from, to float64, p paint) {
	for y := max(0, int(from)); y < min(int(c.h), int(to)); y++ {
		for x := range int(c.w) {
			c.img.SetRGBA(x, y, p(float64(x), float64(y)).color())
		}
	}
}

// at returns the colour of a pixel; outside the picture that of the nearest one.
func (c *canvas) at(x, y float64) rgb {
	p := c.img.RGBAAt(int(clamp(x, 0, c.w-1)), int(clamp(y, 0, c.h-1)))
	return rgb{float64(p.R) / 255, float64(p.G) / 255, float64(p.B) / 255}
}

// fill paints a polygon over what is there, at the given opacity (0..1).
func (c *canvas) fill(points []pt, p paint, opacity float64) {
	lo, hi := points[0], points[0]
	for _, q := range points {
		lo, hi = pt{min(lo.x, q.x), min(lo.y, q.y)}, pt{max(hi.x, q.x), max(hi.y, q.y)}
	}
	box := image.Rect(int(math.Floor(lo.x)), int(math.Floor(lo.y)), int(math.Ceil(hi.x)), int(math.Ceil(hi.y)))
	box = box.Intersect(c.img.Bounds())
	if box.Empty() {
		return
	}
	c.ras.Reset(box.Dx(), box.Dy())
	c.ras.DrawOp = draw.Src
	ox, oy := float64(box.Min.X), float64(box.Min.Y)
	for i, q := range points {
		x, y := float32(q.x-ox), float32(q.y-oy)
		if i == 0 {
			c.ras.MoveTo(x, y)
		} else {
			c.ras.LineTo(x, y)
		}
	}
	c.ras.ClosePath()
	c.ras.Draw(c.mask, box, image.Opaque, image.Point{})
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if a := c.mask.AlphaAt(x, y).A; a > 0 {
				c.blend(x, y, p(float64(x), float64(y)), float64(a)/255*opacity)
			}
		}
	}
}

// blend lays a colour over one pixel. The pixel must be inside the picture.
func (c *canvas) blend(x, y int, v rgb, alpha float64) {
	o := c.img.PixOffset(x, y)
	px := c.img.Pix[o : o+4 : o+4]
	for i, s := range [4]float64{v.r, v.g, v.b, 1} {
		d := float64(px[i]) / 255
		px[i] = channel(clamp(s, 0, 1)*alpha + d*(1-alpha))
	}
}

func box(x, y, w, h float64) []pt { return []pt{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}} }

// ellipse is turned by angle (radians).
func ellipse(cx, cy, rx, ry, angle float64) []pt {
	n := int(clamp(math.Max(rx, ry)*1.5, 8, 64))
	s, k := math.Sincos(angle)
	points := make([]pt, n)
	for i := range points {
		y, x := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		points[i] = pt{cx + x*rx*k - y*ry*s, cy + x*rx*s + y*ry*k}
	}
	return points
}

// bar is a line of some width.
func bar(a, b pt, width float64) []pt {
	dx, dy := b.x-a.x, b.y-a.y
	k := width / 2 / math.Max(math.Hypot(dx, dy), 1e-9)
	nx, ny := -dy*k, dx*k
	return []pt{{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}}
}

// grain is a paint with fine texture: c, lighter and darker by up to amount.
func grain(seed uint64, c rgb, scale, amount float64) paint {
	return func(x, y float64) rgb {
		return c.lit(1 + amount*(2*fbm(seed, x/scale, y/scale, 3)-1))
	}
}
