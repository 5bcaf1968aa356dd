package main

import "math"

// share is so many of so many.
type share struct{ Hits, Of int }

// percent is NaN where there is nothing to take a share of.
func (s share) percent() float64 { return 100 * float64(s.Hits) / float64(s.Of) }

// wilson is the interval, in percent, in which the true share lies with 95 %
// confidence (E. B. Wilson, 1927). Of nothing it is 0 to 100.
func (s share) wilson() (low, high float64) {
	if s.Of == 0 {
		return 0, 100
	}
	const z = 1.959964 // of the normal distribution, two-sided 95 %
	n, p := float64(s.Of), float64(s.Hits)/float64(s.Of)
	mid := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return 100 * max(0, mid-half), 100 * min(1, mid+half)
}

// distances counts pairs by their distance in bits.
type distances [257]int

// within counts the pairs up to a threshold, inclusive; -1 is none.
func (d *distances) within(threshold int) int {
	n := 0
	for _, count := range d[:threshold+1] {
		n += count
	}
	return n
}

func (d *distances) add(o *distances) {
	for i, n := range o {
		d[i] += n
	}
}

// largest is the largest threshold, at most limit, that at most allowed pairs are
// within; -1 when not even equal hashes may match.
func (d *distances) largest(limit, allowed int) int {
	n := 0
	for t := range limit + 1 {
		if n += d[t]; n > allowed {
			return t - 1
		}
	}
	return limit
}
