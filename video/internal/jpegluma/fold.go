package jpegluma

import "math"

// Side is the size of the picture that PDQ's filter leaves.
const Side = 64

// Folder applies PDQ's filter to planes and keeps its buffers. The zero value is
// ready; it is not safe for concurrent use.
type Folder struct {
	x, y [Side]weights
	row  []float32
}

// weights are those of one of the 64 sums along an axis: of the samples from first on.
type weights struct {
	first int
	w     []float32
}

// Fold fills dst with what the filter of PDQ's reference leaves of the picture: two
// running means each way and a sample at the middle of each of 64 parts, as one sum of
// products an axis. pdq.Hasher.SumLuma takes the result, as 64 x 64 pixels, unfiltered.
//
// A sample's weight is not merely the sum of the weights of its pixels: they are transformed as its
// block was and as many coefficients kept, so that every coefficient that the plane
// was made of counts in the hash as it does at full size. Pixels outside the
// picture weigh nothing.
func (f *Folder) Fold(dst *[Side * Side]float32, p *Plane) {
	setWeights(&f.x, p.PictureWidth, p.Scale)
	setWeights(&f.y, p.PictureHeight, p.Scale)
	if cap(f.row) < p.Stride {
		f.row = make([]float32, p.Stride)
	}
	row := f.row[:p.Stride]
	for i := range f.y {
		clear(row)
		for j, w := range f.y[i].w {
			in := p.Luma[(f.y[i].first+j)*p.Stride:][:len(row)]
			for x, v := range in {
				row[x] += float32(w * v)
			}
		}
		for k := range f.x {
			sum := float32(0)
			for j, v := range row[f.x[k].first:][:len(f.x[k].w)] {
				sum += float32(f.x[k].w[j] * v)
			}
			dst[i*Side+k] = sum
		}
	}
}

// setWeights computes the weights of a side of n pixels, read at a scale.
func setWeights(all *[Side]weights, n, scale int) {
	size := (n + 2*Side - 1) / (2 * Side) // of the box, computeJaroszFilterWindowSize
	ahead := (size + 2) / 2               // box1DFloat: output i has the inputs before i + ahead
	reach := func(i int) (from, to int) { return max(0, i+ahead-size), min(n, i+ahead) }
	pixels := make([]float64, 2*size+16)
	for i := range all {
		centre := (2*i + 1) * n / (2 * Side) // decimateFloat
		from, to := reach(centre)
		low, _ := reach(from)
		_, high := reach(to - 1)
		low, high = low/8*8, over(high, 8)*8
		for len(pixels) < high-low {
			pixels = append(pixels, 0)
		}
		clear(pixels)
		for j := from; j < to; j++ {
			a, b := reach(j)
			for x := a; x < b; x++ {
				pixels[x-low] += 1 / float64(to-from) / float64(b-a)
			}
		}
		side := 8 / scale
		all[i].first = low / scale
		all[i].w = all[i].w[:0]
		for at := 0; at < high-low; at += 8 {
			for _, w := range blockWeights(pixels[at:at+8], side) {
				all[i].w = append(all[i].w, float32(w))
			}
		}
	}
}

// blockWeights turns the weights of a block's 8 pixels into those of its side samples.
func blockWeights(pixels []float64, side int) []float64 {
	out := make([]float64, 8)[:side]
	for u := range side {
		sum := 0.0
		for x, w := range pixels {
			sum += w * math.Cos(float64((2*x+1)*u)*math.Pi/16)
		}
		if u > 0 {
			sum *= 2
		}
		for j := range out {
			out[j] += sum * math.Cos(float64((2*j+1)*u)*math.Pi/float64(2*side)) / float64(side)
		}
	}
	return out
}
