package main

import (
	"fmt"
	"image"
	"io"
	"math"
)

// view is where a camera looks: the centre of the frame in the world, how many
// world pixels one frame pixel shows, and the roll in radians.
type view struct{ x, y, zoom, roll float64 }

// stage lets an actor draw in world coordinates.
type stage struct {
	c     *canvas
	to    func(pt) pt // world to frame
	scale float64     // frame pixels for one world pixel
}

// actor draws something that moves, t seconds after the start of its shot.
type actor func(s stage, t float64)

// shot is one take without a cut.
type shot struct {
	world   *image.RGBA
	seconds float64
	camera  func(t float64) view
	actors  []actor
	surface float64 // world row from which on water moves; 0: no water
}

// roll renders shots one after another as raw RGBA frames.
func roll(out io.Writer, w, h, rate int, shots []shot) error {
	frame := image.NewRGBA(image.Rect(0, 0, w, h))
	for _, s := range shots {
		c := onto(frame)
		for i := range int(s.seconds*float64(rate) + 0.5) {
			s.expose(c, float64(i)/float64(rate))
			if _, err := out.Write(frame.Pix); err != nil {
				return fmt.Errorf("generate: giving frame %d to the encoder: %w", i, err)
			}
		}
	}
	return nil
}

// expose renders the frame at t seconds. The world is sampled bilinearly in
// 16.16 fixed point, so that every processor gives the same pixels for equal views.
func (s shot) expose(c *canvas, t float64) {
	v := s.camera(t)
	sin, cos := math.Sincos(v.roll)
	dx, dy := int64(cos*v.zoom*65536), int64(sin*v.zoom*65536)
	for row := range int(c.h) {
		oy := float64(row) - c.h/2
		x := int64((v.x - c.w/2*cos*v.zoom - oy*sin*v.zoom) * 65536)
		y := int64((v.y - c.w/2*sin*v.zoom + oy*cos*v.zoom) * 65536)
		if wy := float64(y) / 65536; s.surface > 0 && wy > s.surface {
			depth := wy - s.surface
			x += int64(65536 * (1 + depth/50) * math.Sin(depth*0.35-t*3.1) * math.Sin(depth*0.11+t*1.3))
		}
		line := c.img.Pix[row*c.img.Stride:]
		for col := range int(c.w) {
			sample(line[4*col:4*col+4:4*col+4], s.world, x+int64(col)*dx, y+int64(col)*dy)
		}
	}
	place := stage{c: c, scale: 1 / v.zoom, to: func(p pt) pt {
		px, py := (p.x-v.x)/v.zoom, (p.y-v.y)/v.zoom
		return pt{px*cos + py*sin + c.w/2, py*cos - px*sin + c.h/2}
	}}
	for _, a := range s.actors {
		a(place, t)
	}
}

// sample writes the world's colour at x, y (16.16) to px; the edge pixels reach
// on for ever.
func sample(px []byte, world *image.RGBA, x, y int64) {
	b := world.Rect
	x0, y0 := int(x>>16), int(y>>16)
	u, v := uint32(x>>8&255), uint32(y>>8&255)
	xa, xb := min(max(x0, 0), b.Max.X-1), min(max(x0+1, 0), b.Max.X-1)
	ya, yb := min(max(y0, 0), b.Max.Y-1), min(max(y0+1, 0), b.Max.Y-1)
	p, q := world.Pix[world.PixOffset(xa, ya):], world.Pix[world.PixOffset(xb, ya):]
	r, s := world.Pix[world.PixOffset(xa, yb):], world.Pix[world.PixOffset(xb, yb):]
	for i := range 3 {
		top := uint32(p[i])*(256-u) + uint32(q[i])*u
		bottom := uint32(r[i])*(256-u) + uint32(s[i])*u
		px[i] = byte((top*(256-v) + bottom*v + 1<<15) >> 16)
	}
	px[3] = 255
}

// travel looks from one view to another, slowly setting off and coming to rest
// by ease (0: steady speed, 1: all the way).
func travel(seconds, ease float64, a, b view) func(float64) view {
	return func(t float64) view {
		k := clamp(t/seconds, 0, 1)
		k = lerp(k, smooth(k), ease)
		return view{lerp(a.x, b.x, k), lerp(a.y, b.y, k), lerp(a.zoom, b.zoom, k), lerp(a.roll, b.roll, k)}
	}
}

// handheld shakes a camera as a walking person does: steps up and down, sway,
// and a tremor, in world pixels of the given amount.
func handheld(seed uint64, amount float64, still func(float64) view) func(float64) view {
	return func(t float64) view {
		v := still(t)
		tremor := func(k uint64) float64 { return fbm(seed+k, t*2.7, 0, 3) - 0.5 }
		v.x += amount * (0.9*math.Sin(t*5.3) + 2.4*tremor(1))
		v.y += amount * (0.8*math.Abs(math.Sin(t*5.3)) + 2.2*tremor(2))
		v.roll += 0.012*math.Sin(t*2.65) + 0.06*tremor(3)
		v.zoom *= 1 + 0.05*tremor(4)
		return v
	}
}
