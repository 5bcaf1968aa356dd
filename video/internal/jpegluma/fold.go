package jpegluma

import (
	"image"
	"math"
)

// Side is the size of the picture that PDQ's filter leaves.
const Side = 64

// weights are those of one of the 64 sums along an axis: of the samples from first on.
type weights struct {
	first int
	w     []float32
}

// Fold fills dst with what the filter of PDQ's reference leaves of a part of the
// picture: two running means each way and a sample at the middle of each of 64 parts, as one
// sum of products an axis. The area is in pixels of the picture as it is stored; it lies within
// it and is not empty. With mirrorX its columns are taken from right to left, with mirrorY its
// rows upwards: that is not the same as to mirror the result, because the filter leans to one
// side.
//
// A sample's weight is not merely the sum of the weights of its pixels: they are transformed as its
// block was and as many coefficients kept, so that every coefficient that the plane
// was made of counts in the hash as it does at full size. Pixels outside the area weigh
// nothing.
func (p *Plane) Fold(dst *[Side][Side]float32, area image.Rectangle, mirrorX, mirrorY bool) {
	xs := weigh(area.Min.X, area.Max.X, p.Scale, mirrorX)
	ys := weigh(area.Min.Y, area.Max.Y, p.Scale, mirrorY)
	from, to := span(&xs)
	row := make([]float32, to-from)
	for i, down := range ys {
		clear(row)
		for j, w := range down.w {
			if w != 0 {
				add(row, p.Luma[(down.first+j)*p.Stride+from:], w)
			}
		}
		for k, across := range xs {
			sum := float32(0)
			in := row[across.first-from:]
			for j, w := range across.w {
				sum += float32(w * in[j])
			}
			dst[i][k] = sum
		}
	}
}

// span is the range of samples that have any weight.
func span(all *[Side]weights) (from, to int) {
	from = math.MaxInt
	for i := range all {
		from = min(from, all[i].first)
		to = max(to, all[i].first+len(all[i].w))
	}
	return from, to
}

func add(dst []float32, src []uint8, w float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] += float32(w * float32(src[i]))
	}
}

// weigh computes the weights of the pixels from to to of a side.
func weigh(from, to, scale int, mirrored bool) (all [Side]weights) {
	n := to - from
	size := (n + 2*Side - 1) / (2 * Side) // of the box, computeJaroszFilterWindowSize
	ahead := (size + 2) / 2               // box1DFloat: output i has the inputs before i + ahead
	reach := func(i int) (from, to int) { return max(0, i+ahead-size), min(n, i+ahead) }
	side := 8 / scale
	kept := keep(side)
	pixels := make([]float64, 2*size+16)
	memory := make([]float32, 0, Side*(2*size+16)/scale)
	for i := range all {
		centre := int((2*int64(i) + 1) * int64(n) / (2 * Side)) // decimateFloat
		first, last := reach(centre)
		low, _ := reach(first)
		_, high := reach(last - 1)
		place := func(x int) int { return from + x } // of the area's pixel x on the side
		if mirrored {
			place = func(x int) int { return to - 1 - x }
			low, high = place(high-1), place(low)+1
		} else {
			low, high = place(low), place(high-1)+1
		}
		low, high = low/8*8, over(high, 8)*8
		clear(pixels)
		for j := first; j < last; j++ {
			a, b := reach(j)
			w := 1 / float64(last-first) / float64(b-a)
			for x := a; x < b; x++ {
				pixels[place(x)-low] += w
			}
		}
		for at := 0; at < high-low; at += 8 {
			for j := range side {
				sum := 0.0
				for x, w := range pixels[at : at+8] {
					sum += float64(kept[j][x] * w)
				}
				memory = append(memory, float32(sum))
			}
		}
		n := (high - low) / scale
		all[i] = weights{low / scale, memory[:n:n]}
		memory = memory[n:]
	}
	return all
}

// keep is the matrix that turns the weights of a block's 8 pixels into those of its side
// samples, [sample][pixel].
func keep(side int) (m [8][8]float64) {
	for u := range side {
		norm := 2.0
		if u == 0 {
			norm = 1
		}
		for j := range side {
			c := norm / float64(side) * math.Cos(float64((2*j+1)*u)*math.Pi/float64(2*side))
			for x := range 8 {
				m[j][x] += float64(c * math.Cos(float64((2*x+1)*u)*math.Pi/16))
			}
		}
	}
	return m
}
