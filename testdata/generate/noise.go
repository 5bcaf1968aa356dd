package main

import (
	"math"
	"math/rand/v2"
)

// seeded returns the random numbers of one scene. Equal seeds give equal scenes.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5ca1ab1e)) }

// between returns a number in [lo, hi).
func between(r *rand.Rand, lo, hi float64) float64 { return lo + r.Float64()*(hi-lo) }

// lattice returns a number in [0, 1) that depends on nothing but its arguments:
// the finaliser of SplitMix64 (Steele, Lea, Flood 2014) on the mixed coordinates.
func lattice(seed uint64, x, y int) float64 {
	h := seed + uint64(int64(x))*0x9e3779b97f4a7c15 + uint64(int64(y))*0xc2b2ae3d27d4eb4f
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return float64((h^h>>31)>>11) / (1 << 53)
}

// noise is value noise in [0, 1] with features one unit large.
func noise(seed uint64, x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	u, v := smooth(x-fx), smooth(y-fy)
	top := lerp(lattice(seed, ix, iy), lattice(seed, ix+1, iy), u)
	bottom := lerp(lattice(seed, ix, iy+1), lattice(seed, ix+1, iy+1), u)
	return lerp(top, bottom, v)
}

// fbm sums octaves of noise, each half as large and half as strong as the one
// before. Its range is [0, 1], most of it within 0.25..0.75.
func fbm(seed uint64, x, y float64, octaves int) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for i := range octaves {
		sum += weight * noise(seed+uint64(i)*101, x, y)
		total += weight
		weight /= 2
		x, y = 2*x+17.3, 2*y+9.1
	}
	return sum / total
}

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

func smooth(t float64) float64 { return t * t * (3 - 2*t) }

func clamp(v, lo, hi float64) float64 { return max(lo, min(hi, v)) }

// step rises smoothly from 0 at lo to 1 at hi.
func step(lo, hi, v float64) float64 { return smooth(clamp((v-lo)/(hi-lo), 0, 1)) }
