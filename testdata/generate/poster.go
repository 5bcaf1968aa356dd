package main

import (
	"image"
	"math"
)

// poster is a flat print: a sun, a skyline, waves and large letters.
func poster(seed uint64, w, h int, title, line string) *image.RGBA {
	r, c := seeded(seed), newCanvas(w, h)
	unit := c.h / 1000
	sets := [][]rgb{
		{hex(0xf6e7c8), hex(0xd1462f), hex(0x1f3a5f), hex(0xf2a541), hex(0x2f7f79)},
		{hex(0x16213e), hex(0xf0c419), hex(0xe9dcc3), hex(0xd94f70), hex(0x3fa7d6)},
		{hex(0xdfe7e2), hex(0x8c2f39), hex(0x2b2d42), hex(0xe9724c), hex(0x5f8a8b)},
	}
	inks := sets[r.IntN(len(sets))]
	c.cover(0, c.h, plain(inks[0]))
	sun := pt{c.w * between(r, 0.2, 0.8), c.h * between(r, 0.28, 0.42)}
	rays := 18 + r.IntN(10)
	for i := range rays {
		y0, x0 := math.Sincos(2 * math.Pi * float64(i) / float64(rays))
		y1, x1 := math.Sincos(2 * math.Pi * (float64(i) + 0.5) / float64(rays))
		c.fill([]pt{sun, {sun.x + x0*c.h, sun.y + y0*c.h}, {sun.x + x1*c.h, sun.y + y1*c.h}}, plain(mix(inks[0], inks[3], 0.45)), 1)
	}
	c.fill(ellipse(sun.x, sun.y, 190*unit, 190*unit, 0), plain(inks[1]), 1)
	ground := c.h * between(r, 0.66, 0.76)
	for x := -30 * unit; x < c.w; {
		wide, tall := between(r, 40, 110)*unit, between(r, 90, 420)*unit
		ink := inks[2]
		if r.Float64() < 0.35 {
			ink = inks[4]
		}
		c.fill(box(x, ground-tall, wide+1, tall), plain(ink), 1)
		if r.Float64() < 0.4 {
			c.fill([]pt{{x, ground - tall}, {x + wide/2, ground - tall - wide*between(r, 0.5, 1.4)}, {x + wide, ground - tall}}, plain(ink), 1)
		}
		for y := ground - tall + 14*unit; y < ground-20*unit; y += 26 * unit {
			for k := 12 * unit; k < wide-14*unit; k += 22 * unit {
				if r.Float64() < 0.55 {
					c.fill(box(x+k, y, 10*unit, 14*unit), plain(inks[3]), 1)
				}
			}
		}
		x += wide
	}
	for i := range 7 {
		y, phase, ink := ground+float64(i)*34*unit, between(r, 0, 6), inks[[]int{4, 2, 0}[i%3]]
		wave := []pt{{0, c.h}}
		for x := 0.0; x <= c.w+4; x += 4 {
			wave = append(wave, pt{x, y + 14*unit*math.Sin(x/(60*unit)+phase)})
		}
		c.fill(append(wave, pt{c.w + 4, c.h}), plain(ink), 1)
	}
	for range 9 {
		p, s := pt{c.w * r.Float64(), c.h * between(r, 0.08, 0.4)}, between(r, 14, 40)*unit
		c.fill([]pt{{p.x - s, p.y - s*0.5}, {p.x, p.y}, {p.x + s, p.y - s*0.6}, {p.x, p.y + s*0.22}}, plain(inks[2]), 1)
	}
	c.textIn(title, 0, c.h*0.01, c.w, 150*unit, inks[2])
	c.fill(box(0, c.h*0.93, c.w, c.h*0.07), plain(inks[1]), 1)
	c.textIn(line, 0, c.h*0.935, c.w, 56*unit, inks[0])
	return c.img
}
