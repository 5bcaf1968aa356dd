package vectors

import (
	"cmp"
	"math"
	"slices"

	"github.com/rematch-go/rematch/hash/tmk"
)

// A vector is brought to length 1 and split: the strongest few frequencies, the next, and
// the rest. By Cauchy and Schwarz the product of two rests is at most the product of their
// lengths, so that the first parts of two vectors bound their cosine. The sizes were tried out
// (BenchmarkSearch): smaller heads leave more vectors to look at, larger ones cost more each.
const (
	inHead   = 48
	inMiddle = 48
	slack    = 1e-4
)

type head struct {
	at   [inHead]float32
	rest float32 // length of all after it
}

type middle struct {
	at   [inMiddle]float32
	rest float32
}

// order is that of the frequencies: the lower ones are the stronger in pictures.
var order = func() (o [tmk.Dimensions]int) {
	for i := range o {
		o[i] = i
	}
	slices.SortStableFunc(o[:], func(a, b int) int { return cmp.Compare(a/16+a%16, b/16+b%16) })
	return o
}()

// parts reports false for numbers that are not finite.
func parts(v *tmk.Feature) (h head, m middle, ok bool) {
	sum := 0.0
	for _, x := range v {
		sum += float64(float64(x) * float64(x))
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return h, m, false
	}
	if sum == 0 {
		return h, m, true
	}
	length := math.Sqrt(sum)
	rest := 0.0 // from the end, so that small numbers are not lost beside large ones
	for i := tmk.Dimensions - 1; i >= 0; i-- {
		switch i {
		case inHead + inMiddle - 1:
			m.rest = float32(math.Sqrt(rest))
		case inHead - 1:
			h.rest = float32(math.Sqrt(rest))
		}
		x := float64(v[order[i]]) / length
		rest += float64(x * x)
		switch {
		case i < inHead:
			h.at[i] = float32(x)
		case i < inHead+inMiddle:
			m.at[i-inHead] = float32(x)
		}
	}
	return h, m, true
}

func (h *head) dot(o *head) float32 {
	var a, b, c, d float32
	for i := 0; i < inHead; i += 4 {
		a += float32(h.at[i] * o.at[i])
		b += float32(h.at[i+1] * o.at[i+1])
		c += float32(h.at[i+2] * o.at[i+2])
		d += float32(h.at[i+3] * o.at[i+3])
	}
	return a + b + c + d
}

func (m *middle) dot(o *middle) float32 {
	var a, b, c, d float32
	for i := 0; i < inMiddle; i += 4 {
		a += float32(m.at[i] * o.at[i])
		b += float32(m.at[i+1] * o.at[i+1])
		c += float32(m.at[i+2] * o.at[i+2])
		d += float32(m.at[i+3] * o.at[i+3])
	}
	return a + b + c + d
}
