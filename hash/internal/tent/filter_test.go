package tent

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// raster is a picture of bytes that may be read as such or not.
type raster struct {
	pix    []uint8
	w      int
	floats bool
}

func (p *raster) Bytes(y int) []uint8 {
	if p.floats {
		return nil
	}
	return p.pix[y*p.w:][:p.w]
}

func (p *raster) Row(dst []float32, x, y int) {
	for i := range dst {
		v := p.pix[y*p.w+x+i]
		dst[i] = float32(v)
		if p.floats {
			dst[i] = float32(float32(0.299)*float32(v)) + float32(0.587*float32(v^0x15)) + float32(0.114*float32(255-v))
		}
	}
}

// paint fills a picture: noise, nearly flat, slopes, hard edges, extremes, brighter
// to the right, or nearly black.
func paint(w, h int, kind uint8, seed uint64) *raster {
	r := rand.New(rand.NewPCG(seed, uint64(kind)))
	p := &raster{pix: make([]uint8, w*h), w: w, floats: kind&16 != 0}
	for i := range p.pix {
		x, y := i%w, i/w
		switch kind % 8 {
		case 0:
			p.pix[i] = uint8(r.UintN(256))
		case 1:
			p.pix[i] = uint8(127 + r.UintN(2))
		case 2:
			p.pix[i] = uint8(x*255/w ^ y*3)
		case 3:
			p.pix[i] = uint8(255 * ((x/7 + y/5) & 1))
		case 4:
			p.pix[i] = 255
		case 5:
			p.pix[i] = uint8(r.UintN(4) / 3 * 255 * uint(y&1))
		case 6: // ever brighter to the right: sums grow past every power of two
			p.pix[i] = uint8(r.UintN(uint(2 + 254*x/w)))
		case 7: // black, but for a few
			p.pix[i] = uint8(r.UintN(40)/39) * uint8(1+r.UintN(uint(1+254*y/h)))
		}
	}
	return p
}

// requireEqual holds the kernels equal to the definition, bit for bit, with filters
// that have seen other pictures.
func requireEqual(t *testing.T, fast, portable *Filter, w, h int, kind uint8, seed uint64) {
	t.Helper()
	p := paint(w, h, kind, seed)
	var want, a, b Plane
	new(Oracle).Shrink(&want, p, w, h)
	portable.Portable = true
	fast.Shrink(&a, p, w, h)
	portable.Shrink(&b, p, w, h)
	for y := range want {
		require.Equal(t, want[y], a[y], "%dx%d kind %d, row %d", w, h, kind, y)
		require.Equal(t, want[y], b[y], "%dx%d kind %d, row %d, portable", w, h, kind, y)
	}
}

func TestKernelsAgree(t *testing.T) {
	var fast, portable Filter
	for _, size := range [][2]int{
		{5, 5}, {5, 64}, {64, 64}, {64, 65}, {7, 300}, {127, 128}, {128, 129}, {129, 127}, {256, 257}, {512, 512},
		{511, 513}, {640, 480}, {333, 700}, {1000, 77}, {1600, 99}, {4000, 5}, {5, 4000}, {40000, 6},
		{129, 129}, {100, 512}, {512, 7}, {385, 385}, {450, 512}, {512, 256}, {390, 1000}, {130, 1024}, {1024, 129}, {897, 250}, {1000, 128},
	} {
		for kind := range uint8(8) {
			requireEqual(t, &fast, &portable, size[0], size[1], kind, 1)
			requireEqual(t, &fast, &portable, size[0], size[1], kind|16, 2)
		}
	}
}

// FuzzKernels does the same at sizes from 5x5 to 4000x3 and back.
func FuzzKernels(f *testing.F) {
	f.Add(uint16(5), uint16(5), uint8(0), uint64(1))
	f.Add(uint16(4000), uint16(3), uint8(1), uint64(2))
	f.Add(uint16(513), uint16(300), uint8(18), uint64(3))
	f.Fuzz(func(t *testing.T, width, height uint16, kind uint8, seed uint64) {
		w, h := 5+int(width)%4096, 5+int(height)%4096
		if w*h > 1<<19 {
			h = max(5, (1<<19)/w)
		}
		var fast, portable Filter
		requireEqual(t, &fast, &portable, w, h, kind, seed)
	})
}

// TestQuotients holds the quotient by multiplication equal to the division.
func TestQuotients(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 200000 {
		c := 1 + r.IntN(1<<13)
		s := float32(255*float64(c)*r.Float64()) * float32(r.IntN(5)) / 4
		require.Equal(t, s/float32(c), float32(float64(s)*(1/float64(c))))
	}
}

// TestSteps holds the two kernels of the quality equal, and to the definition, on
// luma and on what is none.
func TestSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for round := range 300 {
		var p Plane
		for y := range p {
			for x := range p[y] {
				switch round % 3 {
				case 0:
					p[y][x] = 255 * r.Float32()
				case 1:
					p[y][x] = float32(r.IntN(101)) * 2.55 // steps that are nearly whole
				default:
					p[y][x] = math.Float32frombits(r.Uint32())
				}
			}
		}
		want := 0
		add := func(u, v float32) {
			d := float32((u-v)*100) / 255
			if d > -1<<16 && d < 1<<16 {
				want += max(int(d), -int(d))
			}
		}
		for y := range p {
			for x := range p[y] {
				if y > 0 {
					add(p[y-1][x], p[y][x])
				}
				if x > 0 {
					add(p[y][x-1], p[y][x])
				}
			}
		}
		require.Equal(t, want, steps(&p))
		if vectors {
			require.EqualValues(t, want, stepsAVX2(&p))
		}
	}
}

// TestRemainders holds that a remainder survives every sum below 2^m units, and not
// all from there on.
func TestRemainders(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	changed := 0
	for range 20000 {
		unit := 1 / float32(uint(1)<<r.IntN(6))
		// As it is left behind: by a sum of up to 2^10 that was rounded.
		left := float32(1+r.IntN(200)) / float32(uint64(1)<<(14+r.IntN(22)))
		if r.IntN(2) == 0 {
			left = -left
		}
		m := roundedFrom(left, unit)
		exact := func(sum int) bool {
			v := float64(float32(sum) * unit)
			return float64(float32(v)+left) == v+float64(left)
		}
		for range 5 {
			sum := r.IntN(1 << m)
			require.True(t, exact(sum), "%v by %d units of %v", left, sum, unit)
			if m < 15 && !exact(1<<(m+1)+r.IntN(1<<m)) {
				changed++
			}
		}
		require.True(t, exact(1<<m-1))
	}
	require.Greater(t, changed, 20000)
	require.Equal(t, 16, roundedFrom(0, 1))
	require.Equal(t, 16, roundedFrom(float32(math.Copysign(0, -1)), 1))
}

// TestWholeRounds holds that pictures which are to try it do have remainders that
// are rounded on their way along a row.
func TestWholeRounds(t *testing.T) {
	p := paint(512, 512, 6, 1)
	var f whole
	require.True(t, f.reset(p.w, p.w))
	rounded := 0
	for y := range 500 {
		f.step(p, y, false)
		if y < 10 {
			continue
		}
		all := f.sums.tents(f.bx, false)
		for r, i := f.remainder(), 0; ; i++ {
			if i = f.sums.next(i, f.last, all, roundedFrom(r, f.unit)); i < 0 {
				break
			}
			sum := float32(f.sums.of(f.sums.t, i)) * f.unit
			before := r
			if r = float32(sum+r) - sum; r != before {
				rounded++
			}
		}
	}
	require.Greater(t, rounded, 50)
}
