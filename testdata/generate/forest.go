package main

import (
	"image"
	"math"
)

// forest is a path between trees: trunks in the haze, bark, leaves, patches of sun.
func forest(seed uint64, w, h int) *image.RGBA {
	r, c := seeded(seed), newCanvas(w, h)
	unit := c.h / 600
	leaf := []rgb{hex(0x5f8f3e), hex(0xc98a2b), hex(0x3f7f5f), hex(0xb5542e)}[r.IntN(4)]
	haze := mix(hex(0xe8eed6), leaf, 0.25)
	sun := pt{c.w * between(r, 0.15, 0.85), c.h * 0.2}
	c.cover(0, c.h, func(x, y float64) rgb {
		glow := math.Exp(-math.Hypot(x-sun.x, y-sun.y) / (260 * unit))
		v := mix(leaf.lit(0.55), haze, 0.25+0.75*glow)
		return v.lit(0.6 + 0.8*fbm(seed, x/(60*unit), y/(60*unit), 5))
	})
	floor, bend := c.h*between(r, 0.6, 0.7), between(r, -1, 1)
	c.cover(floor, c.h, func(x, y float64) rgb {
		near := (y - floor) / (c.h - floor)
		middle := c.w*0.5 + c.w*0.4*bend*(1-near)*(1-near)
		path := step(1.1, 0.8, math.Abs(x-middle)/(lerp(30, 260, near)*unit)+0.4*(fbm(seed+3, x/(30*unit), y/(14*unit), 3)-0.5))
		v := mix(leaf.lit(0.5), hex(0xb08d62), path)
		v = v.lit(0.55 + 0.9*fbm(seed+4, x/(24*unit), y/(8*unit), 5))
		return v.lit(lerp(0.55, 1.5, step(0.5, 0.62, fbm(seed+5, x/(110*unit), y/(30*unit), 3))))
	})
	for layer := range 4 {
		depth := float64(layer) / 3
		for x := -20 * unit; x < c.w; x += between(r, 40, 190) * unit * lerp(0.6, 1.5, depth) {
			wide := lerp(9, 46, depth) * between(r, 0.7, 1.4) * unit
			foot := floor + lerp(0, 0.8, depth*depth)*(c.h-floor)*between(r, 0.7, 1)
			trunk(c, seed+uint64(layer)*331, pt{x, foot}, wide, between(r, -0.06, 0.06), mix(haze.lit(0.8), hex(0x3b2c22), 0.3+0.7*depth), unit)
		}
		crown(c, seed+uint64(layer)*77, lerp(0.5, 0.24, depth)*c.h, lerp(5, 13, depth)*unit, mix(haze.lit(0.9), leaf, 0.4+0.6*depth), int(c.w/unit*1.6))
	}
	for i := range 900 { // fallen leaves
		p := pt{c.w * r.Float64(), lerp(floor, c.h, r.Float64())}
		size := lerp(1.5, 7, (p.y-floor)/(c.h-floor)) * unit
		c.fill(ellipse(p.x, p.y, size, size*0.45, between(r, 0, 3)), plain(mix(leaf, hex(0xd98324), lattice(seed, i, 1)).lit(between(r, 0.6, 1.4))), 1)
	}
	return c.img
}

func trunk(c *canvas, seed uint64, foot pt, wide, lean float64, bark rgb, unit float64) {
	top := pt{foot.x + lean*foot.y, -4}
	body := []pt{{foot.x - wide*0.75, foot.y}, {foot.x - wide*0.45, foot.y - wide*1.5}, {top.x - wide*0.35, top.y}, {top.x + wide*0.35, top.y}, {foot.x + wide*0.45, foot.y - wide*1.5}, {foot.x + wide*0.75, foot.y}}
	c.fill(ellipse(foot.x+wide, foot.y, wide*2.6, wide*0.35, 0), plain(hex(0x14100c)), 0.4)
	c.fill(body, func(x, y float64) rgb {
		across := (x - foot.x - lean*(foot.y-y)) / wide
		groove := fbm(seed, x/(5*unit), y/(42*unit), 4)
		return bark.lit(clamp(1.1-across*0.9, 0.3, 1.6) * (0.45 + 1.1*groove))
	}, 1)
}

// crown scatters leaves in clumps down to a height.
func crown(c *canvas, seed uint64, low, size float64, leaf rgb, count int) {
	r := seeded(seed)
	for range count {
		x, y := c.w*r.Float64(), low*math.Pow(r.Float64(), 1.3)
		if fbm(seed, x/(size*16), y/(size*12), 3) < 0.44+0.25*y/low {
			continue
		}
		c.fill(ellipse(x, y, size*between(r, 0.6, 1.4), size*0.6, between(r, 0, math.Pi)), plain(leaf.lit(between(r, 0.5, 1.5))), 0.9)
	}
}
