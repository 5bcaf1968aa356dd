package main

import (
	"image"
	"math"
)

// landPalette is the light of a landscape.
type landPalette struct {
	zenith, low, cloud, sun rgb // of the sky
	far, near, snow         rgb // of the hills
	water                   rgb
}

var (
	dusk = landPalette{hex(0x24365e), hex(0xf2a65a), hex(0xffd9b8), hex(0xfff1c4), hex(0x8a7fa3), hex(0x1f2a33), hex(0xf6dfd8), hex(0x2b4a66)}
	noon = landPalette{hex(0x3f7fc1), hex(0xc9e4f2), hex(0xffffff), hex(0xfffbe8), hex(0x8fa9bd), hex(0x27472c), hex(0xf4f8ff), hex(0x2d6a7a)}
)

// landscape is a lake or harbour under mountains: clouds, ridges, houses on the
// shore, boats, and all of it mirrored in moving water.
func landscape(seed uint64, w, h int, p landPalette) *image.RGBA {
	r, c := seeded(seed), newCanvas(w, h)
	unit := c.h / 600
	shore := c.h * between(r, 0.5, 0.64)
	sun := pt{c.w * between(r, 0.1, 0.9), shore * between(r, 0.25, 0.7)}
	sky(c, seed, p, sun, shore)
	for i := range 4 {
		depth := float64(i) / 3
		base := shore * lerp(0.72, 0.99, depth)
		ridge(c, seed+uint64(i)*977, p, depth, base, shore*lerp(0.62, 0.22, depth), unit)
	}
	bank(c, seed, p, shore, unit)
	for x := -20.0; x < c.w; x += between(r, 16, 70) * unit {
		if r.Float64() < 0.55 {
			house(c, seed, pt{x, shore + 2*unit}, between(r, 24, 52)*unit, r.IntN(6), r.Float64())
		} else {
			pine(c, seed+uint64(x), pt{x, shore + 2*unit}, between(r, 30, 90)*unit, p.near)
		}
	}
	water(c, seed, p, shore, sun.x, unit)
	for range 5 {
		y := lerp(shore+10*unit, c.h*0.95, r.Float64())
		boat(c, pt{c.w * r.Float64(), y}, unit*lerp(14, 70, (y-shore)/(c.h-shore)), r.IntN(6))
	}
	return c.img
}

func sky(c *canvas, seed uint64, p landPalette, sun pt, shore float64) {
	s := c.h / 600
	density := func(x, y float64) float64 { return fbm(seed+7, x/(190*s), y/(70*s), 6) }
	c.cover(0, shore+2, func(x, y float64) rgb {
		v := mix(p.zenith, p.low, math.Pow(y/shore, 1.4))
		d := math.Hypot(x-sun.x, y-sun.y) / s
		v = mix(v, p.sun, 0.75*math.Exp(-d/70)+0.2*math.Exp(-d/300))
		if d < 26 {
			v = p.sun
		}
		thick := step(0.46, 0.68, density(x, y))
		if thick > 0 { // the side towards the sun is bright
			k := clamp(0.75+3*(density(x, y)-density(x+(sun.x-x)*0.03, y-9*s)), 0.45, 1.1)
			v = mix(v, p.cloud.lit(k), thick*0.9)
		}
		return v
	})
}

// ridge is one mountain range; depth is 0 for the farthest and 1 for the nearest.
func ridge(c *canvas, seed uint64, p landPalette, depth, base, height, unit float64) {
	wide := lerp(340, 150, depth) * unit
	line := []pt{{-1, base + c.h}}
	for x := 0.0; x <= c.w+2; x += 2 {
		line = append(line, pt{x, base - height*math.Pow(fbm(seed, x/wide, 0, 7), 1.7)*1.9})
	}
	line = append(line, pt{c.w + 2, base + c.h})
	rock := mix(p.far, p.near, depth)
	relief := func(x, y float64) float64 { return fbm(seed+3, x/(60*unit), y/(40*unit), 5) }
	c.fill(line, func(x, y float64) rgb {
		slope := relief(x+3*unit, y-2*unit) - relief(x-3*unit, y+2*unit)
		v := rock.lit(clamp(1+slope*lerp(5, 7, depth), 0.35, 1.9))
		snow := step(0.1, 0.3, (base-y)/height-0.35+relief(x, y)*0.5-0.35) * (1 - depth)
		v = mix(v, p.snow.lit(clamp(0.9+slope*4, 0.5, 1.1)), snow)
		return mix(v, p.low, 0.35*(1-depth)*step(base-height*0.4, base, y))
	}, 1)
}

// bank is the strip of land that the houses stand on.
func bank(c *canvas, seed uint64, p landPalette, shore, unit float64) {
	line := []pt{{-1, shore + 4*unit}}
	for x := 0.0; x <= c.w+4; x += 4 {
		line = append(line, pt{x, shore - (3+16*fbm(seed+13, x/(55*unit), 0, 4))*unit})
	}
	line = append(line, pt{c.w + 4, shore + 4*unit})
	c.fill(line, grain(seed+14, mix(p.near, hex(0x8a8a5c), 0.35), 6*unit, 0.7), 1)
}

// water mirrors what lies above the shore.
func water(c *canvas, seed uint64, p landPalette, shore, sunX, unit float64) {
	c.cover(shore, c.h, func(x, y float64) rgb {
		near := (y - shore) / (c.h - shore)
		swell := fbm(seed+11, x/(lerp(50, 120, near)*unit), y/(lerp(3, 16, near)*unit), 4) - 0.5
		v := c.at(x+swell*70*unit*near, shore-(y-shore)*0.95+swell*90*unit*(0.2+near))
		v = mix(v.lit(0.85), p.water, 0.25+0.35*near)
		glint := step(0.1, 0.2, swell) * math.Exp(-math.Abs(x-sunX)/(90*unit*(0.4+near)))
		v = mix(v, p.sun, 0.8*glint)
		return v.lit(1 + 0.9*swell)
	})
}

var walls = []rgb{hex(0xe8e0d0), hex(0xb5473a), hex(0xd9a441), hex(0x5c7d8f), hex(0xf3f1ea), hex(0x8c5a3c)}

func house(c *canvas, seed uint64, at pt, w float64, hue int, tall float64) {
	h := w * lerp(0.6, 1.3, tall)
	wall := walls[hue]
	c.fill(box(at.x, at.y-h, w, h), grain(seed, wall, 5, 0.25), 1)
	roof := []pt{{at.x - w*0.08, at.y - h}, {at.x + w/2, at.y - h - w*0.45}, {at.x + w*1.08, at.y - h}}
	c.fill(roof, grain(seed+1, wall.lit(0.42), 3, 0.4), 1)
	rows := 1 + int(tall*3)
	for i := range rows {
		for k := range 3 {
			x, y := at.x+w*(0.12+0.29*float64(k)), at.y-h+h*(float64(i)+0.25)/float64(rows)
			lamp := hex(0x27303a)
			if lattice(seed, int(x), int(y)) < 0.4 {
				lamp = hex(0xffd98a)
			}
			c.fill(box(x, y, w*0.18, h*0.5/float64(rows)), plain(lamp), 1)
		}
	}
}

func pine(c *canvas, seed uint64, foot pt, h float64, dark rgb) {
	for i := range 6 {
		y := foot.y - h*float64(i)/7
		half := h * 0.26 * (1 - float64(i)/7)
		tip := y - h*0.3
		shade := dark.lit(0.7 + 0.6*lattice(seed, i, 3))
		c.fill([]pt{{foot.x - half, y}, {foot.x, tip}, {foot.x + half, y}}, grain(seed, shade, 3, 0.5), 1)
	}
}

// boat has its water line at the given point.
func boat(c *canvas, at pt, size float64, hue int) {
	hull := []pt{{at.x - size*0.6, at.y - size*0.18}, {at.x + size*0.7, at.y - size*0.22}, {at.x + size*0.45, at.y}, {at.x - size*0.45, at.y}}
	mast := pt{at.x + size*0.02, at.y - size*0.2}
	top := pt{mast.x, mast.y - size*1.1}
	for _, mirrored := range []bool{true, false} {
		put := func(points []pt, v rgb, opacity float64) {
			out := append([]pt(nil), points...)
			if mirrored {
				opacity *= 0.45
				for i := range out {
					out[i].y = at.y + (at.y-out[i].y)*0.7
				}
			}
			c.fill(out, plain(v), opacity)
		}
		put(bar(mast, top, size*0.035), hex(0x3a2a1e), 1)
		put([]pt{{top.x, top.y}, {mast.x, mast.y - size*0.1}, {mast.x + size*0.55, mast.y - size*0.12}}, hex(0xf7f2e6), 1)
		put([]pt{{top.x, top.y + size*0.1}, {mast.x - size*0.04, mast.y - size*0.1}, {mast.x - size*0.4, mast.y - size*0.1}}, hex(0xe3d7c0), 1)
		put(hull, walls[hue].lit(0.85), 1)
		put(box(at.x-size*0.5, at.y-size*0.2, size*1.1, size*0.05), hex(0xf4f0e4), 1)
	}
}
