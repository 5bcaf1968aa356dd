package jpegluma

import "math"

// zigzag maps the order of the file to 8 x vertical + horizontal frequency (T.81,
// figure A.6).
var zigzag = func() (order [64]uint8) {
	x, y := 0, 0
	for i := range order {
		order[i] = uint8(8*y + x)
		switch up := (x+y)%2 == 0; {
		case up && x == 7, !up && y < 7 && x == 0:
			y++
		case up && y == 0, !up && y == 7:
			x++
		case up:
			x, y = x+1, y-1
		default:
			x, y = x-1, y+1
		}
	}
	return order
}()

// lastZigOf is the last coefficient in zigzag order that a scale needs.
func lastZigOf(scale int) int { return lastZigs[8/scale] }

// lastZigs is that by the coefficients kept a side.
var lastZigs = [9]int{1: 0, 2: 4, 4: 24, 8: 63}

// The cosines of the transforms.
const (
	cos1 = 0.98078528040323044912618 // of pi/16
	cos2 = 0.92387953251128675612818 // of 2 pi/16
	cos3 = 0.83146961230254523707878
	cos4 = 0.70710678118654752440084
	cos5 = 0.55557023301960222474283
	cos6 = 0.38268343236508977172846
	cos7 = 0.19509032201612826784828
)

// setQuant takes the quantization table of luma and multiplies into it what the inverse transform
// of size n = 8/scale would multiply all coefficients with. With the 8-point transform's norm
// kept, an n-point one takes the lowest frequencies of a block to its means over
// scale x scale pixels, but for what higher frequencies add.
func (d *Decoder) setQuant() {
	n := 8 / d.plane.Scale
	var side [8]float64
	side[0] = math.Sqrt(1.0 / 8)
	for i := 1; i < n; i++ {
		side[i] = 0.5
	}
	if n > 1 {
		side[n/2] = 0.5 * cos4
	}
	d.powers.set(&d.quants[d.components[0].quant])
	for i, q := range &d.quants[d.components[0].quant] {
		u, v := zigzag[i]/8, zigzag[i]%8
		d.quant[i] = float32(float64(q) * side[u] * side[v])
	}
}

// put transforms a block of luma, given in zigzag order, into the plane, and clears what
// was decoded of it. Blocks outside the picture are dropped.
func (d *Decoder) put(coef *[64]int32, bx, by int) {
	n := 8 / d.plane.Scale
	inside := bx < d.plane.Stride/n && by < d.plane.Rows/n
	dc := float32(float32(coef[0])*d.quant[0]) + 128
	if n == 1 {
		if inside {
			d.plane.Luma[by*d.plane.Stride+bx] = sample(dc)
		}
		return
	}
	last := lastZigs[n]
	if inside {
		out := d.plane.Luma[by*n*d.plane.Stride+bx*n:]
		switch n {
		case 2:
			a, b, c := dc, float32(float32(coef[1])*d.quant[1]), float32(float32(coef[2])*d.quant[2])
			e := float32(float32(coef[4]) * d.quant[4])
			below := out[d.plane.Stride:]
			out[0], out[1] = sample(a+b+(c+e)), sample(a-b+(c-e))
			below[0], below[1] = sample(a+b-(c+e)), sample(a-b-(c-e))
		default:
			var block [64]float32
			for i := 1; i <= last; i++ {
				block[zigzag[i]&63] = float32(float32(coef[i]) * d.quant[i])
			}
			block[0] = dc
			if n == 4 {
				inverse4(&block, out, d.plane.Stride)
			} else {
				inverse8(&block, out, d.plane.Stride)
			}
		}
	}
	clear(coef[:last+1])
}

// sample rounds and clips. Of 64 coefficients of at most 2^31 x 2^16, no sum overflows.
func sample(v float32) uint8 {
	return uint8(min(max(int64(v+0.5), 0), 255))
}

// inverse4 transforms the 4 x 4 lowest of the 8 x 8 coefficients.
func inverse4(block *[64]float32, out []uint8, stride int) {
	for x := range 4 {
		block[x], block[8+x], block[16+x], block[24+x] = four(block[x], block[8+x], block[16+x], block[24+x])
	}
	for y := range 4 {
		row, in := out[y*stride:][:4], block[8*y:][:4]
		a, b, c, d := four(in[0], in[1], in[2], in[3])
		row[0], row[1], row[2], row[3] = sample(a), sample(b), sample(c), sample(d)
	}
}

// four is the 4-point transform of coefficients scaled by setQuant.
func four(a, b, c, d float32) (p, q, r, s float32) {
	e0, e1 := a+c, a-c
	o0 := float32(b*cos2) + float32(d*cos6)
	o1 := float32(b*cos6) - float32(d*cos2)
	return e0 + o0, e1 + o1, e1 - o1, e0 - o0
}

func inverse8(block *[64]float32, out []uint8, stride int) {
	var column [8]float32
	for x := range 8 {
		for y := range column {
			column[y] = block[8*y+x]
		}
		eight(&column)
		for y, v := range column {
			block[8*y+x] = v
		}
	}
	for y := range 8 {
		row := (*[8]uint8)(out[y*stride:])
		in := (*[8]float32)(block[8*y:])
		eight(in)
		for x, v := range in {
			row[x] = sample(v)
		}
	}
}

// eight is the 8-point transform of coefficients scaled by setQuant.
func eight(v *[8]float32) {
	e0, e1, e2, e3 := four(v[0], v[2], v[4], v[6])
	a, b, c, d := v[1], v[3], v[5], v[7]
	o0 := float32(a*cos1) + float32(b*cos3) + float32(c*cos5) + float32(d*cos7)
	o1 := float32(a*cos3) - float32(b*cos7) - float32(c*cos1) - float32(d*cos5)
	o2 := float32(a*cos5) - float32(b*cos1) + float32(c*cos7) + float32(d*cos3)
	o3 := float32(a*cos7) - float32(b*cos5) + float32(c*cos3) - float32(d*cos1)
	v[0], v[1], v[2], v[3] = e0+o0, e1+o1, e2+o2, e3+o3
	v[4], v[5], v[6], v[7] = e3-o3, e2-o2, e1-o1, e0-o0
}
