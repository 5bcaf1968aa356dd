package tent

import (
	"image"

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
	total := 0
	for y := range Side {
		for x := range Side {
			if y+1 < Side {
				total += step(p[y][x], p[y+1][x])
			}
			if x+1 < Side {
				total += step(p[y][x], p[y][x+1])
			}
		}
	}
	return hash.Quality(min(total/90, 100))
}

func step(u, v float32) int {
	d := float32((u-v)*100) / 255
	if d < 0 {
		d = -d
	}
	// Luma gives 0 to 100. What is not luma must not overflow the sum.
	if !(d < 1<<16) {
		return 0
	}
	return int(d)
}
