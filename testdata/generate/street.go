package main

import (
	"image"
	"math"
	"math/rand/v2"
)

var (
	bricks   = []rgb{hex(0x9c4a3c), hex(0xcdb892), hex(0x6f7f86), hex(0xd98f5c), hex(0xe6ded0), hex(0x7a5568), hex(0x4f6b58), hex(0xc9a24d)}
	cloths   = []rgb{hex(0xc0392b), hex(0x2c3e50), hex(0xf1c40f), hex(0x27ae60), hex(0xecf0f1), hex(0x8e44ad), hex(0xe67e22), hex(0x2980b9), hex(0x222222)}
	skins    = []rgb{hex(0xf1c9a5), hex(0xc68642), hex(0x8d5524), hex(0xe0ac69), hex(0x5a3825)}
	shopText = []string{"BAKERY", "CAFE LUNA", "BOOKS", "RADIO", "Obst & Gemüse", "HOTEL NORD", "KINO", "PHOTO", "Tea House", "FAHRRAD", "MUSIC", "PHARMACY", "LIBRAIRIE", "Bar 27", "FISH", "ATELIER"}
)

// street is a row of houses with shops, signs, lamps, cars and passers-by.
func street(seed uint64, w, h int) *image.RGBA {
	r, c := seeded(seed), newCanvas(w, h)
	unit := c.h / 600
	kerb := c.h * between(r, 0.74, 0.8)
	day := landPalette{zenith: hex(0x5b8fc7), low: hex(0xdde8ee), cloud: hex(0xffffff), sun: hex(0xfff6d8)}
	sky(c, seed, day, pt{c.w * r.Float64(), c.h * 0.1}, kerb)
	for x := -between(r, 0, 90) * unit; x < c.w; {
		wide := between(r, 120, 240) * unit
		facade(c, r, seed+uint64(x*8+5000), x, kerb, wide, between(r, 0.42, 0.92)*kerb, unit)
		x += wide
	}
	pavement(c, seed, kerb, unit)
	for x := between(r, 0, 200) * unit; x < c.w; x += between(r, 230, 420) * unit {
		lamp(c, pt{x, kerb + 8*unit}, 190*unit)
	}
	n := int(c.w / unit / 70)
	for i := range n { // from far to near, so that the near ones cover the far ones
		y := kerb + (c.h-kerb)*(0.1+0.85*float64(i)/float64(n))
		x := c.w * r.Float64()
		if r.Float64() < 0.22 {
			car(c, pt{x, y}, lerp(90, 200, float64(i)/float64(n))*unit, cloths[r.IntN(len(cloths))])
		} else {
			person(c, pt{x, y}, lerp(70, 150, float64(i)/float64(n))*unit, r.IntN(1000), between(r, -1, 1))
		}
	}
	return c.img
}

// facade is one house: bricks, windows with curtains, a shop and its sign.
func facade(c *canvas, r *rand.Rand, seed uint64, x, kerb, w, h, unit float64) {
	wall := bricks[r.IntN(len(bricks))].lit(between(r, 0.75, 1.1))
	top := kerb - h
	c.fill(box(x, top, w, h), func(px, py float64) rgb {
		course := math.Mod(py/unit, 9) < 1.3 || math.Mod(px/unit+math.Floor(py/unit/9)*11, 22) < 1.3
		v := wall.lit(0.72 + 0.56*fbm(seed, px/(26*unit), py/(40*unit), 4))
		if course {
			v = v.lit(0.82)
		}
		return v.lit(lerp(1.08, 0.85, (px-x)/w))
	}, 1)
	c.fill(box(x-3*unit, top-8*unit, w+6*unit, 14*unit), plain(wall.lit(0.5)), 1)
	if r.Float64() < 0.5 {
		c.fill([]pt{{x, top - 8*unit}, {x + w*0.2, top - 55*unit}, {x + w*0.8, top - 55*unit}, {x + w, top - 8*unit}}, grain(seed, hex(0x5a3a34), 4*unit, 0.5), 1)
	}
	cols, ground := 2+r.IntN(3), 92*unit
	rows := max(1, int((h-ground)/(82*unit)))
	cw, rh := w/float64(cols), (h-ground)/float64(rows)
	for i := range rows {
		for k := range cols {
			window(c, r, x+cw*(float64(k)+0.22), top+rh*(float64(i)+0.2), cw*0.56, rh*0.62, unit)
		}
	}
	shop(c, r, seed, x, kerb, w, ground, unit)
}

func window(c *canvas, r *rand.Rand, x, y, w, h, unit float64) {
	c.fill(box(x-3*unit, y-3*unit, w+6*unit, h+7*unit), plain(hex(0xefe9dc)), 1)
	glass, tilt := hex(0x2a3a4a), between(r, -1, 1)
	if r.Float64() < 0.25 {
		glass = hex(0xf6c766)
	}
	c.fill(box(x, y, w, h), func(px, py float64) rgb { // a slanted reflection of the sky
		return mix(glass, hex(0xbcd3e2), 0.6*step(0.4, 0.6, (px-x)/w+tilt*(py-y)/h))
	}, 1)
	if r.Float64() < 0.5 {
		k := between(r, 0.15, 0.4)
		c.fill(box(x, y, w*k, h), plain(hex(0xe9dfd0).lit(0.9)), 0.9)
		c.fill(box(x+w*(1-k), y, w*k, h), plain(hex(0xd8ccba)), 0.9)
	}
	c.fill(box(x+w/2-unit, y, 2*unit, h), plain(hex(0xefe9dc)), 1)
	c.fill(box(x, y+h*0.4, w, 2*unit), plain(hex(0xefe9dc)), 1)
	if r.Float64() < 0.3 { // flowers on the sill
		for range 9 {
			c.fill(ellipse(x+w*r.Float64(), y+h+between(r, -4, 3)*unit, 3*unit, 3*unit, 0), plain(cloths[r.IntN(len(cloths))]), 1)
		}
	}
}

func shop(c *canvas, r *rand.Rand, seed uint64, x, kerb, w, h, unit float64) {
	y := kerb - h
	c.fill(box(x+4*unit, y, w-8*unit, h), plain(bricks[r.IntN(len(bricks))].lit(0.45)), 1)
	c.fill(box(x+12*unit, y+34*unit, w*0.58, h-46*unit), func(px, py float64) rgb {
		return mix(hex(0xffe2a0), hex(0x4a3426), fbm(seed+4, px/(14*unit), py/(10*unit), 3)*1.5-0.2)
	}, 1)
	c.fill(box(x+w*0.72, y+36*unit, w*0.2, h-36*unit), grain(seed, hex(0x3b2a22), 5*unit, 0.3), 1)
	back, ink := cloths[r.IntN(len(cloths))], hex(0xfffdf2)
	if back.r+back.g+back.b > 1.8 {
		ink = hex(0x1c1c1c)
	}
	c.fill(box(x+8*unit, y+2*unit, w-16*unit, 26*unit), plain(back), 1)
	c.textIn(shopText[r.IntN(len(shopText))], x+8*unit, y+2*unit, w-16*unit, 26*unit, ink)
	if r.Float64() < 0.6 { // a striped awning
		stripe, n := cloths[r.IntN(len(cloths))], 9
		for i := range n {
			v := hex(0xf5efe2)
			if i%2 == 0 {
				v = stripe
			}
			a, b := x+w*0.62*float64(i)/float64(n)+6*unit, x+w*0.62*float64(i+1)/float64(n)+6*unit
			c.fill([]pt{{a, y + 28*unit}, {b, y + 28*unit}, {b + 4*unit, y + 50*unit}, {a + 4*unit, y + 50*unit}}, plain(v), 1)
		}
	}
}

func pavement(c *canvas, seed uint64, kerb, unit float64) {
	c.cover(kerb, c.h, func(x, y float64) rgb {
		near := (y - kerb) / (c.h - kerb)
		if near < 0.22 {
			return hex(0xa9a297).lit(0.8 + 0.4*fbm(seed+5, x/(20*unit), y/(5*unit), 3))
		}
		v := hex(0x4c4f54).lit(0.7 + 0.6*fbm(seed+6, x/(50*unit), y/(9*unit), 5))
		if near > 0.56 && near < 0.61 && math.Mod(x+500, 110*unit) < 60*unit {
			v = hex(0xe9e4d2)
		}
		return v
	})
}

func lamp(c *canvas, foot pt, h float64) {
	iron := plain(hex(0x1d2226))
	c.fill(bar(foot, pt{foot.x, foot.y - h}, h*0.025), iron, 1)
	c.fill(bar(pt{foot.x, foot.y - h}, pt{foot.x + h*0.16, foot.y - h*1.04}, h*0.02), iron, 1)
	c.fill(ellipse(foot.x+h*0.18, foot.y-h*1.01, h*0.05, h*0.035, 0), plain(hex(0xfff3c9)), 1)
}

// person stands or walks with the feet at a point; id chooses the clothes and
// stride (-1..1) the position of the legs.
func person(c *canvas, foot pt, h float64, id int, stride float64) {
	coat, legs := cloths[id%len(cloths)], cloths[(id/9+1)%len(cloths)].lit(0.5)
	skin := skins[id/3%len(skins)]
	c.fill(ellipse(foot.x, foot.y, h*0.2, h*0.03, 0), plain(hex(0x101010)), 0.4)
	hip, neck := pt{foot.x, foot.y - h*0.47}, pt{foot.x, foot.y - h*0.82}
	c.fill(bar(hip, pt{foot.x - stride*h*0.13, foot.y}, h*0.085), plain(legs), 1)
	c.fill(bar(hip, pt{foot.x + stride*h*0.13, foot.y}, h*0.085), plain(legs.lit(1.3)), 1)
	c.fill([]pt{{neck.x - h*0.11, neck.y}, {neck.x + h*0.11, neck.y}, {hip.x + h*0.12, hip.y + h*0.08}, {hip.x - h*0.12, hip.y + h*0.08}},
		func(x, _ float64) rgb { return coat.lit(lerp(1.2, 0.7, (x-foot.x)/h/0.24+0.5)) }, 1)
	c.fill(bar(pt{neck.x - h*0.1, neck.y + h*0.03}, pt{neck.x - h*0.12 + stride*h*0.12, hip.y}, h*0.06), plain(coat.lit(1.1)), 1)
	c.fill(bar(pt{neck.x + h*0.1, neck.y + h*0.03}, pt{neck.x + h*0.12 - stride*h*0.12, hip.y}, h*0.06), plain(coat.lit(0.7)), 1)
	c.fill(ellipse(neck.x, neck.y-h*0.09, h*0.068, h*0.085, 0), plain(skin), 1)
	c.fill(ellipse(neck.x-h*0.005, neck.y-h*0.135, h*0.074, h*0.05, 0), plain(cloths[(id/7)%len(cloths)].lit(0.35)), 1)
}

// car stands on its wheels at a point and is size long.
func car(c *canvas, foot pt, size float64, v rgb) {
	at := func(x, y float64) pt { return pt{foot.x + x*size, foot.y - y*size} }
	c.fill(ellipse(foot.x, foot.y, size*0.52, size*0.05, 0), plain(hex(0x0c0c0c)), 0.5)
	body := []pt{at(-0.5, 0.06), at(-0.5, 0.2), at(-0.3, 0.23), at(-0.18, 0.38), at(0.2, 0.38), at(0.34, 0.23), at(0.5, 0.19), at(0.5, 0.06)}
	c.fill(body, func(_, y float64) rgb { return v.lit(lerp(0.6, 1.25, (foot.y-y)/size/0.38)) }, 1)
	c.fill([]pt{at(-0.25, 0.24), at(-0.16, 0.35), at(0.0, 0.35), at(0.0, 0.24)}, plain(hex(0x9fb8c6)), 1)
	c.fill([]pt{at(0.02, 0.24), at(0.02, 0.35), at(0.18, 0.35), at(0.28, 0.24)}, plain(hex(0x7d97a6)), 1)
	for _, x := range []float64{-0.3, 0.3} {
		hub := at(x, 0.075)
		c.fill(ellipse(hub.x, hub.y, size*0.085, size*0.085, 0), plain(hex(0x141414)), 1)
		c.fill(ellipse(hub.x, hub.y, size*0.045, size*0.045, 0), plain(hex(0xb8bcc0)), 1)
	}
	c.fill(ellipse(at(0.48, 0.16).x, at(0.48, 0.16).y, size*0.025, size*0.025, 0), plain(hex(0xfff4bf)), 1)
}
