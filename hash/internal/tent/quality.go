package tent

import (
	"image"
	"math"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/pixel"
)

// Measure returns the quality of a picture, 0 for one that is not Hashable.
func Measure(m image.Image) hash.Quality {
	var r pixel.Reader
	r.Reset(m)
	w, h := r.Size()
	if !Hashable(w, h) {
		return 0
	}
	var f Filter
	var p Plane
	f.Shrink(&p, &r, w, h)
	return Quality(&p)
}

// Quality measures how much there is in a picture: the steps between neighbouring
// samples, in whole percent of the luma range so that faint ones count nothing,
// summed and divided by 90, at most 100 (pdqImageDomainQualityMetric).
func Quality(p *Plane) hash.Quality {
	if vectors {
		return percent(int(stepsAVX2(p)))
	}
	return percent(steps(p))
}

func percent(steps int) hash.Quality { return hash.Quality(min(steps/90, 100)) }

// steps is the sum of all steps.
func steps(p *Plane) int {
	total := 0
	for y := range p {
		row, below := &p[y], &p[min(y+1, Side-1)]
		u := row[0]
		for x := 1; x < Side; x++ {
			v := row[x]
			total += step(u, v) + step(v, below[x])
			u = v
		}
		total += step(row[0], below[0])
	}
	return total
}

func step(u, v float32) int {
	// The quotient by 255 has the bits of the division: see slide.go.
	d := float32(float64(float32((u-v)*100)) * (1.0 / 255))
	d = math.Float32frombits(math.Float32bits(d) & math.MaxInt32)
	// Luma gives 0 to 100. What is not luma must not overflow the sum.
	if !(d < 1<<16) {
		return 0
	}
	return int(d)
}
