package jpegluma

// A decoder cuts what lies beyond black and white off every pixel; a sum of pixels, which
// is what a reduced plane is made of, can't. Whoever makes a file could so hide great sums in
// a few specks or under a white sky, and give a picture that everybody sees the hash of
// another one. The energy of a block tells: that of pixels from 0 to 255 has a limit,
// and transforms keep it.

const (
	// fullEnergy is the energy about middle grey of a block that is all black and white.
	fullEnergy = 64 * 128 * 128
	// loud is what only blocks with pixels beyond black and white have. Coarse quantization
	// makes some, around letters above all.
	loud = 1.125 * fullEnergy
	// shrill is what no encoder makes of a picture.
	shrill = 2.5 * fullEnergy
	// loudShare is how many of a picture's blocks may be loud, one in so many.
	loudShare = 256
)

// powers are the squares of the luma's quantization steps, in zigzag order.
type powers [lastZig + 1]uint64

// squares are the mean squares of the values of so many bits.
var squares = func() (mean [16]uint64) {
	for size := range mean {
		if size == 0 {
			continue
		}
		low := uint64(1) << (size - 1)
		sum := uint64(0)
		for v := low; v < 2*low; v++ {
			sum += v * v
		}
		mean[size] = sum / low
	}
	return mean
}()

// set takes the steps. Steps from 4096 on count as that, which is shrill with any
// coefficient, so that no sum overflows.
func (p *powers) set(quants *[64]uint16) {
	for i, q := range quants {
		q := uint64(min(q, 1<<12))
		p[i] = q * q
	}
}

// weigh judges a block by its DC coefficient and the energy of the others.
func (d *Decoder) weigh(dc int32, energy float64) {
	mean := float64(dc) * float64(d.quants[d.components[0].quant][0])
	energy += mean * mean
	d.energy += energy
	switch {
	case energy <= loud:
	case energy <= shrill:
		d.loud++
	default:
		d.shrill++
	}
}

// errLoud is for pictures whose sums are not those of what is seen.
const errLoud = UnusualError("pixels far beyond black and white")

// tooLoud tells that a reduced picture can't be trusted to have the sums of what is seen; or,
// at any scale, one whose coefficients are so large that decoders of whole numbers wrap around.
func (d *Decoder) tooLoud() bool {
	n := 8 / d.plane.Scale
	blocks := d.plane.Stride / n * (d.plane.Rows / n)
	return d.shrill > 0 || d.plane.Scale > 1 && d.loud > blocks/loudShare
}
