package main

import "math"

// sailor is a boat that crosses the water.
func sailor(from, to pt, seconds, size float64, hue int) actor {
	return func(s stage, t float64) {
		k := t / seconds
		p := pt{lerp(from.x, to.x, k), lerp(from.y, to.y, k) + 2*math.Sin(t*2)}
		boat(s.c, s.to(p), size*s.scale, hue)
	}
}

// gulls are birds that beat their wings and glide in a loose group.
func gulls(seed uint64, from pt, vx, vy, size float64) actor {
	return func(s stage, t float64) {
		for i := range 7 {
			k := float64(i)
			ox, oy := 160*lattice(seed, i, 0), 90*lattice(seed, i, 1)
			p := s.to(pt{from.x + ox + vx*t, from.y + oy + vy*t + 6*math.Sin(t*1.7+k)})
			wing := size * s.scale
			lift := wing * 0.6 * math.Sin(t*9+k*2)
			for _, side := range []float64{-1, 1} {
				s.c.fill([]pt{{p.x, p.y - wing*0.1}, {p.x + side*wing, p.y - lift}, {p.x + side*wing*0.4, p.y + wing*0.16}, {p.x, p.y + wing*0.16}}, plain(hex(0xf2f0ea)), 1)
			}
		}
	}
}

// walkerBy is a person who walks past; speed in world pixels a second.
func walkerBy(start pt, speed, h float64, id int) actor {
	return func(s stage, t float64) {
		person(s.c, s.to(pt{start.x + speed*t, start.y - 2*math.Abs(math.Sin(t*6))}), h*s.scale, id, math.Sin(t*6))
	}
}

// driver is a car that passes.
func driver(start pt, speed, size float64, v rgb) actor {
	return func(s stage, t float64) {
		car(s.c, s.to(pt{start.x + speed*t, start.y + math.Sin(t*11)}), size*s.scale, v)
	}
}

// strollers are people seen from above, each on a way of its own.
func strollers(seed uint64, n int, w, h, size float64) actor {
	return func(s stage, t float64) {
		for i := range n {
			turn := 2 * math.Pi * lattice(seed, i, 0)
			speed := 20 + 40*lattice(seed, i, 1)
			dy, dx := math.Sincos(turn)
			p := s.to(pt{w*lattice(seed, i, 2) + dx*speed*t, h*lattice(seed, i, 3) + dy*speed*t})
			k := size * s.scale
			s.c.fill(ellipse(p.x+k*0.4, p.y+k*0.6, k*1.1, k*0.7, turn), plain(hex(0x1a1512)), 0.45)
			s.c.fill(ellipse(p.x, p.y, k, k*0.55, turn+math.Pi/2), plain(cloths[i%len(cloths)]), 1)
			s.c.fill(ellipse(p.x, p.y, k*0.42, k*0.42, 0), plain(hex(0x3a2618)), 1)
		}
	}
}

// falling are leaves on the wind.
func falling(seed uint64, n int, w, h float64, v rgb) actor {
	return func(s stage, t float64) {
		for i := range n {
			y := math.Mod(h*lattice(seed, i, 0)+70*t, h)
			x := w*lattice(seed, i, 1) + 40*math.Sin(t*1.5+float64(i)) + 30*t
			p, k := s.to(pt{x, y}), (6+7*lattice(seed, i, 2))*s.scale
			s.c.fill(ellipse(p.x, p.y, k, k*0.25+k*0.3*math.Abs(math.Sin(t*4+float64(i))), t*2+float64(i)), plain(v.lit(0.6+0.7*lattice(seed, i, 3))), 1)
		}
	}
}
