package jpegluma

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	mathbits "math/bits"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
)

// written is a grey JPEG file of blocks of coefficients in zigzag order, quantized by q;
// progressive in two scans.
func written(w, h int, q uint8, progressive bool, blocks [][64]int32) []byte {
	var b bytes.Buffer
	b.Write([]byte{0xff, markSOI, 0xff, markDQT, 0, 67, 0})
	b.Write(bytes.Repeat([]byte{q}, 64))
	frame := byte(markSOF0)
	if progressive {
		frame = markSOF2
	}
	b.Write([]byte{0xff, frame, 0, 11, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 1, 1, 0x11, 0})
	// A code of four bits for each size of DC, one of eight for each symbol of AC.
	b.Write([]byte{0xff, markDHT, 0, 2 + 17 + 12, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for size := range byte(12) {
		b.WriteByte(size)
	}
	b.Write([]byte{0xff, markDHT, 1, 17, 0x10, 0, 0, 0, 0, 0, 0, 0, 254, 0, 0, 0, 0, 0, 0, 0, 0})
	for symbol := range byte(254) {
		b.WriteByte(symbol)
	}
	acc, n := uint64(0), 0
	put := func(v uint32, count int) {
		acc, n = acc<<count|uint64(v)&(1<<count-1), n+count
		for ; n >= 8; n -= 8 {
			b.WriteByte(byte(acc >> (n - 8)))
			if byte(acc>>(n-8)) == 0xff {
				b.WriteByte(0)
			}
		}
	}
	value := func(v int32) (code uint32, size int) {
		if v < 0 {
			size = mathbits.Len32(uint32(-v))
			return uint32(v) + 1<<size - 1, size
		}
		return uint32(v), mathbits.Len32(uint32(v))
	}
	scan := func(from, to byte, each func(i int)) {
		b.Write([]byte{0xff, markSOS, 0, 8, 1, 1, 0, from, to, 0})
		for i := range blocks {
			each(i)
		}
		put(0x7f, 7)
		n = 0
	}
	last := int32(0)
	dc := func(i int) {
		v, size := value(blocks[i][0] - last)
		last = blocks[i][0]
		put(uint32(size), 4)
		put(v, size)
	}
	ac := func(i int) {
		run := uint32(0)
		for _, c := range blocks[i][1:] {
			if c == 0 {
				run++
				continue
			}
			for ; run > 15; run -= 16 {
				put(0xf0, 8)
			}
			v, size := value(c)
			put(run<<4|uint32(size), 8)
			put(v, size)
			run = 0
		}
		if run > 0 {
			put(0, 8)
		}
	}
	if progressive {
		scan(0, 0, dc)
		scan(1, 63, ac)
	} else {
		scan(0, 63, func(i int) { dc(i); ac(i) })
	}
	b.Write([]byte{0xff, markEOI})
	return b.Bytes()
}

// transformed are the coefficients of 8 x 8 pixels about middle grey, quantized by q.
func transformed(pixels *[8][8]float64, q float64) (coef [64]int32) {
	for i, z := range zigzag {
		v, u := float64(z/8), float64(z%8)
		sum := 0.0
		for y := range pixels {
			for x, p := range pixels[y] {
				sum += (p - 128) * math.Cos(float64(2*x+1)*u*math.Pi/16) * math.Cos(float64(2*y+1)*v*math.Pi/16)
			}
		}
		for _, f := range []float64{u, v} {
			if f == 0 {
				sum /= math.Sqrt2
			}
		}
		coef[i] = int32(math.Round(sum / 4 / q))
	}
	return coef
}

// bright is a picture of many waves.
var bright = sync.OnceValue(func() *[512][512]float64 {
	var m [512][512]float64
	for y := range m {
		for x := range m[y] {
			sum := 0.0
			for n := range 60 {
				i := float64(n)
				sum += math.Sin(.12*(math.Sin(i*i)*float64(x)+math.Cos(3*i*i)*float64(y)) + i)
			}
			m[y][x] = max(0, min(255, 150+14*sum))
		}
	}
	return &m
})

// specked is that picture with dark specks on its bright parts; how
// dark, differs from place to place, where nobody sees it: at and below black.
func specked(contrast, below float64, progressive bool) []byte {
	const side, q = 512, 3
	var blocks [][64]int32
	for by := range side / 8 {
		for bx := range side / 8 {
			var pixels [8][8]float64
			for y := range pixels {
				for x := range pixels[y] {
					pixels[y][x] = 128 + contrast*(bright()[8*by+y][8*bx+x]-128)
				}
			}
			if (bx*5+by*3)%7 < 6 {
				pixels[by%8][bx%8] = -below * (1 + math.Sin(float64(bx*bx)*.03)*math.Cos(float64(by)*.5))
			}
			blocks = append(blocks, transformed(&pixels, q))
		}
	}
	return written(side, side, q, progressive, blocks)
}

// TestBeyondBlack holds that pixels far beyond black, which nobody sees, don't give a
// picture the hash of another.
func TestBeyondBlack(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	for _, c := range []struct{ contrast, below float64 }{{1, 12000}, {0.3, 700}} {
		for _, progressive := range []bool{false, true} {
			honest := specked(c.contrast, 0, progressive)
			requireLuma(t, honest)
			m, err := jpeg.Decode(bytes.NewReader(honest))
			require.NoError(t, err)
			want, _ := pdq.Sum(m)
			var decoder Decoder
			for _, scale := range []int{2, 8} {
				_, err := decoder.Decode(honest, Options{Scale: scale})
				require.NoError(t, err, "contrast %v, scale %d", c.contrast, scale)
				assert.LessOrEqual(t, distance(t, want, &decoder.plane), 12)
			}

			forged := specked(c.contrast, c.below, progressive)
			m, err = jpeg.Decode(bytes.NewReader(forged))
			require.NoError(t, err)
			seen, _ := pdq.Sum(m)
			d, _ := want.Distance(seen)
			require.LessOrEqual(t, d, 12, "what is seen is the same")
			for _, scale := range []int{2, 4, 8} {
				_, err = decoder.Decode(forged, Options{Scale: scale})
				require.Equal(t, errLoud, err)
			}
			assert.Greater(t, distance(t, want, &decoder.plane), 12, "the sums are not: else this proves nothing")
			if c.below > 4096 {
				_, err = decoder.Decode(forged, Options{Scale: 1})
				require.Equal(t, errLoud, err)
			}
		}
	}
}

func distance(t *testing.T, want hash.Value, p *Plane) int {
	var small [Side][Side]float32
	p.Fold(&small, image.Rect(0, 0, p.PictureWidth, p.PictureHeight), false, false)
	var flat []float32
	for y := range small {
		flat = append(flat, small[y][:]...)
	}
	var h pdq.Hasher
	got, _ := h.SumLuma(flat, Side, Side)
	d, ok := want.Distance(got)
	require.True(t, ok)
	return d
}

// TestEnergy holds the bound that is reckoned from codes near that of the pixels, and never
// under it.
func TestEnergy(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing in it runs at the same time")
	}
	files := [][]byte{specked(1, 0, false), specked(1, 0, true), rendered(t, 300, 200, 50, true), rendered(t, 300, 200, 95, false)}
	if os.Getenv("REMATCH_MEDIA") != "" {
		for _, name := range media(t, "pdq/files/*.[jJ][pP]*[gG]") {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			if c, err := jpeg.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height < 2<<20 {
				files = append(files, data)
			}
		}
	}
	for _, data := range files {
		var d Decoder
		p, err := d.Decode(data, Options{Scale: 1})
		if err != nil {
			continue
		}
		want := 0.0
		for y := 0; y < p.Rows; y += 8 {
			for x := 0; x < p.Stride; x += 8 {
				sum, squares := 0.0, 0.0
				for i := range 64 {
					v := float64(p.Luma[(y+i/8)*p.Stride+x+i%8])
					sum, squares = sum+v, squares+v*v
				}
				grey := sum / 64
				variance := squares/64 - grey*grey
				want += beyond(variance, grey) + beyond(variance, 255-grey)
			}
		}
		// Small values are the likelier ones of those of so many bits.
		assert.InDelta(t, 1.15, d.hidden/want, 0.15, "%d x %d", p.Width, p.Height)
	}
}
