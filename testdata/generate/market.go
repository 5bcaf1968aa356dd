package main

import (
	"image"
	"math"
	"math/rand/v2"
)

// market is a crowded square seen from above: parasols, stalls, people and their
// shadows on cobbles.
func market(seed uint64, w, h int) *image.RGBA {
	r, c := seeded(seed), newCanvas(w, h)
	unit := c.h / 600
	stone := []rgb{hex(0xb9a58a), hex(0x9aa0a3), hex(0xc4b28f), hex(0xa88f7d)}[r.IntN(4)]
	lean, size := between(r, -0.8, 0.8), between(r, 9, 14)*unit
	c.cover(0, c.h, func(x, y float64) rgb {
		px, py := x+y*lean*0.4, y-x*lean*0.2
		cell := lattice(seed, int(math.Floor(px/size)), int(math.Floor(py/size)))
		v := stone.lit(0.7 + 0.3*cell + 0.5*(fbm(seed+1, x/(130*unit), y/(130*unit), 4)-0.5))
		if fx, fy := math.Mod(px+9999*size, size), math.Mod(py+9999*size, size); fx < size*0.12 || fy < size*0.12 {
			v = v.lit(0.7)
		}
		return v.lit(lerp(0.75, 1.15, step(0.42, 0.55, fbm(seed+2, x/(260*unit), y/(260*unit), 2))))
	})
	shade := pt{between(r, -16, 16) * unit, between(r, 8, 18) * unit}
	count := int(c.w * c.h / (unit * unit) / 2600)
	for range count { // people under and between the parasols
		walker(c, r, pt{c.w * r.Float64(), c.h * r.Float64()}, between(r, 8, 11)*unit, shade)
	}
	for range count / 5 {
		stall(c, r, pt{c.w * r.Float64(), c.h * r.Float64()}, between(r, 34, 60)*unit, lean*0.5, shade)
	}
	for range count / 5 {
		parasol(c, r, pt{c.w * r.Float64(), c.h * r.Float64()}, between(r, 22, 58)*unit, shade)
	}
	for range count / 2 {
		walker(c, r, pt{c.w * r.Float64(), c.h * r.Float64()}, between(r, 8, 11)*unit, shade)
	}
	return c.img
}

func walker(c *canvas, r *rand.Rand, at pt, size float64, shade pt) {
	turn := between(r, 0, math.Pi)
	c.fill(ellipse(at.x+shade.x*0.5, at.y+shade.y*0.5, size*1.1, size*0.7, turn), plain(hex(0x1a1512)), 0.45)
	coat := cloths[r.IntN(len(cloths))]
	c.fill(ellipse(at.x, at.y, size, size*0.55, turn), plain(coat), 1)
	c.fill(ellipse(at.x-size*0.1, at.y-size*0.1, size*0.6, size*0.3, turn), plain(coat.lit(1.25)), 0.7)
	c.fill(ellipse(at.x, at.y, size*0.42, size*0.42, 0), plain([]rgb{hex(0x2b1b12), hex(0x5d3b1e), hex(0xc9a15a), hex(0x8c8c8c)}[r.IntN(4)]), 1)
}

func parasol(c *canvas, r *rand.Rand, at pt, size float64, shade pt) {
	c.fill(ellipse(at.x+shade.x*1.6, at.y+shade.y*1.6, size, size, 0), plain(hex(0x1a1512)), 0.5)
	a, b, turn := cloths[r.IntN(len(cloths))], cloths[r.IntN(len(cloths))], r.Float64()
	if r.Float64() < 0.5 {
		b = hex(0xf4ecd8)
	}
	const ribs = 8
	for i := range ribs {
		y0, x0 := math.Sincos(2 * math.Pi * (float64(i) + turn) / ribs)
		y1, x1 := math.Sincos(2 * math.Pi * (float64(i) + 1 + turn) / ribs)
		v := a
		if i%2 == 1 {
			v = b
		}
		light := 0.95 + 0.25*(-(y0+y1)/2*0.7-(x0+x1)/2*0.5)
		c.fill([]pt{at, {at.x + x0*size, at.y + y0*size}, {at.x + (x0+x1)*size*0.48, at.y + (y0+y1)*size*0.48}, {at.x + x1*size, at.y + y1*size}},
			func(x, y float64) rgb {
				return v.lit(light * lerp(1.12, 0.8, math.Hypot(x-at.x, y-at.y)/size))
			}, 1)
	}
	c.fill(ellipse(at.x, at.y, size*0.06, size*0.06, 0), plain(hex(0x30241c)), 1)
}

// stall is a table of goods: fruit, cloth or books.
func stall(c *canvas, r *rand.Rand, at pt, size, turn float64, shade pt) {
	s, k := math.Sincos(turn)
	to := func(x, y float64) pt { return pt{at.x + (x*k-y*s)*size, at.y + (x*s+y*k)*size} }
	quad := func(x0, y0, x1, y1 float64) []pt { return []pt{to(x0, y0), to(x1, y0), to(x1, y1), to(x0, y1)} }
	shadow := quad(-1, -0.6, 1, 0.6)
	for i := range shadow {
		shadow[i] = pt{shadow[i].x + shade.x*0.8, shadow[i].y + shade.y*0.8}
	}
	c.fill(shadow, plain(hex(0x1a1512)), 0.5)
	c.fill(quad(-1, -0.6, 1, 0.6), plain(hex(0x6b4a30)), 1)
	for i := range 4 {
		x, v := -0.95+0.48*float64(i), cloths[r.IntN(len(cloths))]
		c.fill(quad(x, -0.54, x+0.44, 0.54), plain(v.lit(0.55)), 1)
		for range 22 {
			p := to(x+0.06+0.32*r.Float64(), -0.46+0.92*r.Float64())
			c.fill(ellipse(p.x, p.y, size*0.075, size*0.075, 0), plain(v.lit(between(r, 0.8, 1.3))), 1)
		}
	}
}
