package jpegluma

import "math"

// A decoder cuts what lies beyond black and white off every pixel; a sum of pixels, which
// is what a reduced plane is made of, can't. Whoever makes a file could so hide great sums in
// a few specks or under a white sky, and give a picture that everybody sees the hash of
// another one. The energy of a block tells: that of pixels from 0 to 255 has a limit,
// and transforms keep it.

const (
	// fullEnergy is the energy about middle grey of a block that is all black and white.
	fullEnergy = 64 * 128 * 128
	// shrill is what no encoder makes of a picture.
	shrill = 2.5 * fullEnergy
	// hidable is the largest share of a picture's contrast that may be hidden beyond black
	// and white, by the bound of weigh, which is far above what is there. Of 195 photographs
	// half stay under 0.04 and 95 in 100 under 0.11; specks that move a hash by 40 bits
	// come to over 1.
	hidable = 0.125
)

// levels is what the blocks of luma tell of their pixels.
type levels struct {
	blocksWeighed int
	shrill        int     // blocks with pixels far beyond black and white
	hidden        float64 // the bound of what lies beyond, in grey levels, a sum over the blocks
	// Of the blocks' means, no farther than black and white.
	grey, greySquares float64
}

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

// beyond returns the most that can lie, on average, beyond a bound that is so far from the
// mean, whatever the pixels are of that variance (Scarf 1958).
func beyond(variance, far float64) float64 { return (math.Sqrt(variance+far*far) - far) / 2 }

// weigh judges a block by its DC coefficient and the energy of the others.
func (d *Decoder) weigh(dc int32, energy float64) {
	mean := float64(dc) * float64(d.quants[d.components[0].quant][0])
	if energy+mean*mean > shrill {
		d.shrill++
	}
	grey := min(max(mean/8+128, 0), 255)
	d.hidden += beyond(energy/64, grey) + beyond(energy/64, 255-grey)
	d.blocksWeighed++
	d.grey += grey
	d.greySquares += grey * grey
}

// errLoud is for pictures whose sums are not those of what is seen.
const errLoud = UnusualError("pixels far beyond black and white")

// tooLoud tells that a reduced picture can't be trusted to have the sums of what is seen; or,
// at any scale, one whose coefficients are so large that decoders of whole numbers wrap around.
func (d *Decoder) tooLoud() bool {
	if d.shrill > 0 || d.plane.Scale == 1 || d.blocksWeighed == 0 {
		return d.shrill > 0
	}
	n := float64(d.blocksWeighed)
	contrast := math.Sqrt(max(d.greySquares/n-d.grey*d.grey/n/n, 0))
	return d.hidden/n > hidable*contrast
}
