package region

import (
	"cmp"
	"image"
	"math/bits"
	"slices"

	"github.com/rematch-go/rematch/hash/internal/pixel"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// How straight edges are seen.
const (
	// mostPositions is what a picture is reduced to at the most, by a whole number
	// along both sides. Finer is better: neighbouring pixels of one picture are alike,
	// those on both sides of a cut are not. It is well over 512 x 512, so that the cost
	// beside a hash is largest there.
	mostPositions = 800 * 800
	// mostSamples is how many rows (or columns) are looked at, of which a
	// position is marked in each or not.
	mostSamples = 64
	// around is how far, to either side, a step is compared with the steps beside it.
	around = 8
	// leastStep is the smallest step that counts, of twice the luma.
	leastStep = 10
	// apart is how near two lines may come.
	apart = 3
)

// lines finds straight edges that cross the picture in one direction. Along it, up
// to 64 rows (for upright edges; columns for level ones) are sampled, and in each
// every position is marked where the luma steps by 1.5 times what it does on average
// around (a weak mark), or by 3 times (a strong one). An edge that is a cut has marks
// in most rows at the same position; edges of a scene are rarely that straight.
//
// Four samples are reckoned with at once, in lanes of 16 bits of a word, whose values
// stay below 2^15. Lane i holds the i'th quarter of the samples, in order, so that the
// marks of one position together make a mask in the order of the samples.
type lines struct {
	n      int      // positions
	length int      // of the picture along the lines, in positions of the other direction
	lane   int      // samples a lane, at most 16
	stride int      // of words, so that a column of them does not fall into one set of the cache
	words  []uint64 // [lane][stride]: four samples of each position, each the sum of two pixels
	steps  []uint64 // [around+n+around]: scratch
	weak   []uint64 // [n]: a bit a sample
	strong []uint64
	totals []uint8                 // [n]: marks of all samples
	first  []uint8                 // [length+1]: the first sample at a position or after it
	below  [mostSamples + 1]uint64 // the first so many samples
}

const lanes = 4

// reset makes room for n positions and lines of the given length.
func (l *lines) reset(n, length int) {
	if l.length != length {
		l.length, l.lane = length, min(length, mostSamples)/lanes
		l.index()
	}
	l.n = n
	l.stride = n + 8
	l.words, l.steps = grow(l.words, l.stride*l.lane), grow(l.steps, n+2*around)
	l.weak, l.strong = grow(l.weak, n), grow(l.strong, n)
}

func (l *lines) samples() int { return l.lane * lanes }

// at returns where the sample in a lane of word k lies.
func (l *lines) at(k, lane int) int {
	return (2*(lane*l.lane+k) + 1) * l.length / (2 * l.samples())
}

const (
	lowBits  = 0x0001000100010001
	highBits = 0x8000800080008000
)

// notLess has a lane's highest bit where a >= b.
func notLess(a, b uint64) uint64 { return ((a | highBits) - b) & highBits }

// difference returns |a-b| in every lane.
func difference(a, b uint64) uint64 {
	d := (a | highBits) - b ^ highBits // a-b in two's complement
	less := d & highBits
	all := less - less>>15 | less // 0xffff where it is negative
	return (d ^ all) + all&lowBits
}

// mark marks the steps in all samples.
func (l *lines) mark() {
	n := l.n
	clear(l.weak)
	clear(l.strong)
	if n < 3 {
		return
	}
	clear(l.steps[:around+1])
	clear(l.steps[around+n-1:])
	for k := range l.lane {
		w := l.words[k*l.stride:][:n]
		d := l.steps[around+1:][:n-2]
		a, b := w[:len(d)], w[2:][:len(d)]
		for x := range d {
			d[x] = difference(a[x], b[x])
		}
		markSteps(l.weak, l.strong, l.steps)
	}
}

// markSteps adds the marks of one word of samples. Within each
// lane they come in at the top and move down, so that the first ends lowest.
func markSteps(weak, strong, steps []uint64) {
	sum := uint64(0) // of the steps around
	for _, v := range steps[:2*around] {
		sum += v
	}
	n := len(weak)
	strong, enter, leave, step := strong[:n], steps[2*around:][:n], steps[:n], steps[around:][:n]
	for x := range weak {
		sum += enter[x]
		v := step[x]
		// 1.5 times the mean of 17 steps is sum/11.3, 3 times is sum/5.7.
		m := notLess(11*v, sum) & (v + (0x8000-leastStep)*lowBits)
		weak[x] = weak[x]>>1 | m
		strong[x] = strong[x]>>1 | m&notLess(11*v, 2*sum)
		sum -= leave[x]
	}
}

// support returns in how many of a thousand samples from position from to position
// to, along the line, there is a mark at x; a weak one counts half.
func (l *lines) support(x, from, to int) int {
	// The ends are left out, where the lines that cross there disturb.
	a, b := l.first[from+1], l.first[to-1]
	if b <= a {
		return 0
	}
	return 500 * l.marks(x, l.below[b]&^l.below[a]) / int(b-a)
}

// marks counts the marks at x in a mask of samples.
func (l *lines) marks(x int, mask uint64) int {
	return bits.OnesCount64(l.weak[x]&mask) + bits.OnesCount64(l.strong[x]&mask)
}

// index fills the tables that support needs.
func (l *lines) index() {
	n := l.samples()
	l.first = grow(l.first, l.length+1)
	i := 0
	for at := range l.first {
		for i < n && (2*i+1)*l.length < 2*n*at {
			i++
		}
		l.first[at] = uint8(i)
	}
	for i := range n {
		// The top bits of the lanes, whose marks came in from there.
		l.below[i+1] = l.below[i] | 1<<(16*(i/l.lane)+16-l.lane+i%l.lane)
	}
}

// line is a position with many marks.
type line struct{ at, marks int }

// strongest returns the positions of the most marks, in their order: not closer than
// apart, at most so many, and with a support over some stretch of the given length.
func (l *lines) strongest(dst []line, stretch, support, most int) []line {
	l.totals = grow(l.totals, l.n)
	for x := range l.totals {
		l.totals[x] = uint8(l.marks(x, ^uint64(0)))
	}
	dst = dst[:0]
	last := -apart
	for x, c := range l.totals {
		if x > 0 && c < l.totals[x-1] || x+1 < l.n && c < l.totals[x+1] || !l.supported(x, stretch, support) {
			continue
		}
		if x-last < apart {
			if int(c) <= dst[len(dst)-1].marks {
				continue
			}
			dst = dst[:len(dst)-1]
		}
		dst, last = append(dst, line{x, int(c)}), x
	}
	if len(dst) > most {
		slices.SortFunc(dst, func(a, b line) int {
			return cmp.Or(cmp.Compare(b.marks, a.marks), cmp.Compare(a.at, b.at))
		})
		dst = dst[:most]
		slices.SortFunc(dst, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	}
	return dst
}

// supported reports whether some stretch of the line at x, so many samples long, has
// the support; those are tried that begin at half a length each.
func (l *lines) supported(x, stretch, support int) bool {
	n := l.samples()
	for to := stretch; ; to += (stretch + 1) / 2 {
		to = min(to, n)
		if 500*l.marks(x, l.below[to]&^l.below[to-stretch]) >= support*stretch {
			return true
		}
		if to == n {
			return false
		}
	}
}

// sampler fills both directions' samples from a picture.
type sampler struct {
	reader  pixel.Reader
	w, h    int // of the picture
	factor  int // pixels a position
	rows    [4][]uint8
	floats  []float32
	x, y    lines // upright edges, by column; level ones, by row
	bytes   bool
	columns [][lanes]int // sampled ones
}

// load reads a picture and marks its edges. ok is false for pictures too small, or
// too long, to have parts.
func (s *sampler) load(m image.Image) (ok bool) {
	s.reader.Reset(m)
	s.w, s.h = s.reader.Size()
	if min(s.w, s.h) < leastPixels || !tent.Hashable(s.w, s.h) {
		return false
	}
	s.factor = 1
	for int64(s.w/s.factor)*int64(s.h/s.factor) > mostPositions {
		s.factor++
	}
	f := s.factor
	if min(s.w, s.h)/f < leastPositions {
		return false
	}
	s.bytes = s.reader.Bytes(0) != nil
	s.x.reset(s.w/f, s.h/f)
	s.y.reset(s.h/f, s.w/f)
	// Two pixels of each f, a quarter from either end.
	first, second := f/4, f-1-f/4

	// Upright edges: rows of the picture, four at a time.
	n := s.x.n
	for k := range s.x.lane {
		var r [lanes][]uint8
		for i := range r {
			r[i] = s.row(i, s.x.at(k, i)*f+f/2)
		}
		w := s.x.words[k*s.x.stride:][:n]
		p0, p1, p2, p3 := r[0], r[1], r[2], r[3]
		if f == 1 {
			p0, p1, p2, p3 = p0[:n], p1[:n], p2[:n], p3[:n]
			for x := range w {
				w[x] = 2 * (uint64(p0[x]) | uint64(p1[x])<<16 | uint64(p2[x])<<32 | uint64(p3[x])<<48)
			}
			continue
		}
		for x := range w {
			a, b := x*f+first, x*f+second
			w[x] = uint64(p0[a]) | uint64(p1[a])<<16 | uint64(p2[a])<<32 | uint64(p3[a])<<48
			w[x] += uint64(p0[b]) | uint64(p1[b])<<16 | uint64(p2[b])<<32 | uint64(p3[b])<<48
		}
	}
	s.x.mark()

	// Level edges: the sampled columns of all rows.
	s.columns = grow(s.columns, s.y.lane)
	for k := range s.columns {
		for i := range lanes {
			s.columns[k][i] = s.y.at(k, i)*f + f/2
		}
	}
	stride := s.y.stride
	for y := range s.y.n {
		a := s.row(0, y*f+first)
		out := s.y.words[y:]
		if first == second {
			for k, c := range s.columns {
				out[k*stride] = 2 * (uint64(a[c[0]]) | uint64(a[c[1]])<<16 | uint64(a[c[2]])<<32 | uint64(a[c[3]])<<48)
			}
			continue
		}
		b := s.row(1, y*f+second)
		for k, c := range s.columns {
			out[k*stride] = uint64(a[c[0]]) | uint64(a[c[1]])<<16 | uint64(a[c[2]])<<32 | uint64(a[c[3]])<<48
			out[k*stride] += uint64(b[c[0]]) | uint64(b[c[1]])<<16 | uint64(b[c[2]])<<32 | uint64(b[c[3]])<<48
		}
	}
	s.y.mark()
	return true
}

// row returns a row of luma in bytes, valid until the i'th is asked for again.
func (s *sampler) row(i, y int) []uint8 {
	if s.bytes {
		return s.reader.Bytes(y)
	}
	s.floats, s.rows[i] = grow(s.floats, s.w), grow(s.rows[i], s.w)
	s.reader.Row(s.floats, 0, y)
	for x, v := range s.floats {
		s.rows[i][x] = uint8(v)
	}
	return s.rows[i]
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
