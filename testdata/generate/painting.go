package main

import (
	"image"
	"math"
	"math/rand/v2"
)

// painting is a still life of flowers in a vase, in layers of brush strokes.
func painting(seed uint64, w, h int) *image.RGBA {
	r := seeded(seed)
	sketch := stillLife(r, seed, w, h)
	c := onto(image.NewRGBA(sketch.img.Bounds()))
	unit := c.h / 600
	c.cover(0, c.h, func(x, y float64) rgb { return hex(0x8a6f52).lit(0.8 + 0.4*fbm(seed, x/(8*unit), y/(8*unit), 3)) })
	for _, size := range []float64{44, 22, 12, 7} {
		n := int(2.6 * c.w * c.h / (size * size * unit * unit))
		for range n {
			brush(c, r, sketch, seed, pt{c.w * r.Float64(), c.h * r.Float64()}, size*unit)
		}
	}
	return c.img
}

// brush lays one stroke across the slope of brightness, with streaks of the
// bristles, in the colour of the sketch.
func brush(c *canvas, r *rand.Rand, sketch *canvas, seed uint64, at pt, size float64) {
	v := sketch.at(at.x, at.y)
	e := math.Max(2, size/3)
	gx, gy := sum(sketch.at(at.x+e, at.y))-sum(sketch.at(at.x-e, at.y)), sum(sketch.at(at.x, at.y+e))-sum(sketch.at(at.x, at.y-e))
	angle := math.Pi * 3 * noise(seed+9, at.x/(size*9), at.y/(size*9))
	if math.Hypot(gx, gy) > 0.12 {
		angle = math.Atan2(gx, -gy)
	}
	s, k := math.Sincos(angle)
	v = v.lit(between(r, 0.82, 1.2))
	v = rgb{v.r + between(r, -0.03, 0.03), v.g + between(r, -0.03, 0.03), v.b + between(r, -0.03, 0.03)}
	half, bend := size*between(r, 0.7, 1.5), between(r, -0.25, 0.25)*size
	for i := range 3 {
		side := (float64(i) - 1) * size * 0.2
		a, b := pt{at.x - k*half - s*side, at.y - s*half + k*side}, pt{at.x + k*half - s*side, at.y + s*half + k*side}
		m := pt{at.x - s*(side+bend), at.y + k*(side+bend)}
		tone := v.lit(between(r, 0.92, 1.1))
		c.fill(bar(a, m, size*0.27), plain(tone), 0.85)
		c.fill(bar(m, b, size*0.24), plain(tone), 0.85)
	}
}

func sum(v rgb) float64 { return v.r + v.g + v.b }

// stillLife is what is painted: a wall, a table, a vase, flowers and fruit.
func stillLife(r *rand.Rand, seed uint64, w, h int) *canvas {
	c := newCanvas(w, h)
	unit := c.h / 600
	backs := []rgb{hex(0x2f4858), hex(0x6b8f71), hex(0xc9a66b), hex(0x7b4b5a), hex(0x49566e), hex(0xb86f50)}
	a, b := backs[r.IntN(len(backs))], backs[r.IntN(len(backs))]
	tilt := between(r, -1, 1)
	c.cover(0, c.h, func(x, y float64) rgb {
		v := mix(a, b, step(0.3, 0.7, fbm(seed+2, x/(300*unit), y/(240*unit), 3)))
		return v.lit(lerp(0.7, 1.5, clamp(0.5+tilt*(x/c.w-0.5)+0.4*(0.5-y/c.h), 0, 1)))
	})
	table := c.h * between(r, 0.68, 0.8)
	cloth := []rgb{hex(0xe9e2d0), hex(0x8b3a2e), hex(0x3c5a78), hex(0xd8b25c)}[r.IntN(4)]
	c.cover(table, c.h, func(x, y float64) rgb {
		fold := fbm(seed+3, x/(90*unit)+y/(60*unit), y/(200*unit), 3)
		return cloth.lit(0.5 + 0.9*fold)
	})
	at := pt{c.w * between(r, 0.3, 0.7), table + 40*unit}
	glaze, tall := backs[r.IntN(len(backs))].lit(1.3), between(r, 150, 220)*unit
	blooms := 16 + r.IntN(10)
	heart := pt{at.x, at.y - tall - 90*unit}
	heads := make([]pt, blooms)
	for i := range heads {
		turn, far := between(r, 0, 2*math.Pi), math.Sqrt(r.Float64())
		heads[i] = pt{heart.x + math.Cos(turn)*far*between(r, 150, 250)*unit, heart.y + math.Sin(turn)*far*130*unit}
		c.fill(bar(pt{at.x, at.y - tall}, heads[i], 5*unit), plain(hex(0x35552f)), 1)
		leaf := pt{(at.x + heads[i].x) / 2, (at.y - tall + heads[i].y) / 2}
		c.fill(ellipse(leaf.x, leaf.y, 40*unit, 13*unit, turn), plain(hex(0x4c7a3d).lit(between(r, 0.6, 1.3))), 1)
	}
	c.fill(ellipse(at.x+50*unit, at.y, 120*unit, 22*unit, 0), plain(hex(0x120e0c)), 0.5)
	vase := []pt{{at.x - 32*unit, at.y - tall}, {at.x - 70*unit, at.y - tall*0.5}, {at.x - 40*unit, at.y}, {at.x + 40*unit, at.y}, {at.x + 70*unit, at.y - tall*0.5}, {at.x + 32*unit, at.y - tall}}
	c.fill(vase, func(x, y float64) rgb {
		d := (x - at.x + 25*unit) / (70 * unit)
		band := 1.0
		if math.Mod(y/unit, 44) < 14 {
			band = 0.7
		}
		return glaze.lit(band * clamp(1.5-d*d*0.9, 0.3, 1.6))
	}, 1)
	for _, p := range heads {
		flower(c, r, p, between(r, 24, 50)*unit)
	}
	for range 3 + r.IntN(5) {
		fruit(c, pt{c.w * between(r, 0.06, 0.94), lerp(table+20*unit, c.h-20*unit, r.Float64())}, between(r, 24, 44)*unit, []rgb{hex(0xd9483b), hex(0xe8a33d), hex(0x9db04a), hex(0x6a2c4f)}[r.IntN(4)])
	}
	return c
}

func flower(c *canvas, r *rand.Rand, at pt, size float64) {
	v := []rgb{hex(0xf2d13c), hex(0xe4572e), hex(0xf3e9e0), hex(0xd972a3), hex(0x8458b3), hex(0xf29e38)}[r.IntN(6)]
	petals := 7 + r.IntN(6)
	turn := r.Float64()
	for i := range petals {
		s, k := math.Sincos(2 * math.Pi * (float64(i) + turn) / float64(petals))
		c.fill(ellipse(at.x+k*size*0.55, at.y+s*size*0.55, size*0.5, size*0.24, math.Atan2(s, k)), plain(v.lit(between(r, 0.75, 1.15)-0.2*s)), 1)
	}
	c.fill(ellipse(at.x, at.y, size*0.27, size*0.27, 0), plain(hex(0x5b3a1c)), 1)
}

func fruit(c *canvas, at pt, size float64, v rgb) {
	c.fill(ellipse(at.x+size*0.4, at.y+size*0.75, size*1.1, size*0.3, 0), plain(hex(0x120e0c)), 0.5)
	c.fill(ellipse(at.x, at.y, size, size*0.94, 0), func(x, y float64) rgb {
		return v.lit(clamp(1.5-math.Hypot(x-at.x+size*0.4, y-at.y+size*0.4)/size*0.85, 0.25, 1.5))
	}, 1)
}
