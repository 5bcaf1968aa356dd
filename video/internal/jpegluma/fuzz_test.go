package jpegluma

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rendered is a picture with edges, slopes and noise, as JPEG by image/jpeg (4:2:0, or
// grey).
func rendered(tb testing.TB, w, h, quality int, grey bool) []byte {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	gray, rgba := image.NewGray(image.Rect(0, 0, w, h)), image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8(x*3 + y*2 + r.IntN(20))
			if (x/13+y/9)%3 == 0 {
				v = 250
			}
			gray.SetGray(x, y, color.Gray{Y: v})
			rgba.Set(x, y, color.RGBA{R: v, G: uint8(x * 5), B: 255 - v, A: 255})
		}
	}
	var m image.Image = rgba
	if grey {
		m = gray
	}
	var b bytes.Buffer
	require.NoError(tb, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
	return b.Bytes()
}

func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {7, 9}, {8, 8}, {16, 16}, {17, 33}, {65, 40}, {300, 31}} {
		for _, quality := range []int{5, 75, 100} {
			for _, grey := range []bool{false, true} {
				requireLuma(t, rendered(t, size[0], size[1], quality, grey))
			}
		}
	}
}

// TestTruncated holds that every beginning of a file is refused as such, but for the
// one that lacks only the end mark.
func TestTruncated(t *testing.T) {
	data := rendered(t, 40, 24, 80, false)
	var d Decoder
	for _, scale := range []int{1, 8} {
		for end := range data {
			_, err := d.Decode(data[:end], Options{Scale: scale})
			require.ErrorIs(t, err, ErrTruncated, "%d of %d bytes", end, len(data))
		}
		_, err := d.Decode(data[:len(data)-2], Options{Scale: scale, OpenEnd: true})
		require.NoError(t, err)
	}
}

// files are those of testdata, by name.
func files(tb testing.TB) map[string][]byte {
	names, err := filepath.Glob(filepath.Join("testdata", "*.jpg"))
	require.NoError(tb, err)
	require.Len(tb, names, 5)
	all := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(tb, err)
		all[filepath.Base(name)] = data
	}
	return all
}

// TestFiles holds progressive files, subsamplings and restart markers equal to image/jpeg;
// and that none of their beginnings, nor a file with a byte changed, is accepted that
// image/jpeg refuses, at any scale.
func TestFiles(t *testing.T) {
	eoi := []byte{0xff, markEOI}
	for name, data := range files(t) {
		requireLuma(t, data)
		accepted := 0
		var d Decoder
		for end := range data {
			try := [][]byte{data[:end]}
			if end%4 == 0 {
				changed := bytes.Clone(data)
				changed[end] ^= 0x11
				try = append(try, changed)
			}
			for _, file := range try {
				_, want := jpeg.Decode(bytes.NewReader(append(bytes.Clone(file), eoi...)))
				for _, scale := range []int{1, 8} {
					_, err := d.Decode(file, Options{Scale: scale, OpenEnd: true, MaxPixels: 1 << 20})
					if err == nil {
						accepted++
						require.NoError(t, want, "%s: %d bytes, changed at %d, scale %d", name, len(file), end, scale)
					}
				}
			}
		}
		assert.NotZero(t, accepted, "%s: without its end mark", name)
	}
}

// TestBudgets holds that what asks for too much is refused before it is given.
func TestBudgets(t *testing.T) {
	data := rendered(t, 40, 24, 80, true)
	var budget *BudgetError
	_, err := Decode(data, Options{MaxPixels: 40*24 - 1})
	require.ErrorAs(t, err, &budget)
	assert.Equal(t, BudgetError{"pixels", 40*24 - 1, 40 * 24}, *budget)

	frame := bytes.Index(data, []byte{0xff, markSOF0})
	huge := bytes.Clone(data)
	copy(huge[frame+5:], "\xff\xff\xff\xff")
	_, err = Decode(huge, Options{})
	require.ErrorAs(t, err, &budget)

	// A thousand scans of a progressive file that are all but empty.
	many := bytes.Clone(data[:bytes.Index(data, []byte{0xff, markSOS})])
	many[frame+1] = markSOF2
	for range 1000 {
		many = append(many, 0xff, markSOS, 0, 8, 1, 1, 0, 0, 0, 0x10)
		many = append(many, make([]byte, 8)...)
	}
	_, err = Decode(append(many, 0xff, markEOI), Options{})
	require.ErrorAs(t, err, &budget)
	assert.Equal(t, "scans", budget.What)
}

// TestTablesWithoutUse holds that tables of codes cost next to nothing until a scan uses
// them: a megabyte defines sixty thousand.
func TestTablesWithoutUse(t *testing.T) {
	data := []byte{0xff, markSOI}
	const tables = 40
	for range 1000 {
		data = append(data, 0xff, markDHT, (2+18*tables)>>8, (2+18*tables)&0xff)
		for j := range byte(tables) {
			data = append(data, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, j)
		}
	}
	var d Decoder
	_, err := d.Decode(data, Options{})
	require.ErrorIs(t, err, ErrTruncated)
	require.False(t, d.huffman[1][0].derived)
}

// TestRefinedOnly holds a picture whose DC coefficients come bit by bit without a first
// scan equal to image/jpeg's.
func TestRefinedOnly(t *testing.T) {
	const side = 128
	data := []byte{0xff, markSOI, 0xff, markDQT, 0, 67, 0}
	data = append(data, bytes.Repeat([]byte{8}, 64)...)
	data = append(data, 0xff, markSOF2, 0, 11, 8, 0, side, 0, side, 1, 1, 0x11, 0)
	for low := 6; low >= 0; low-- {
		data = append(data, 0xff, markSOS, 0, 8, 1, 1, 0, 0, 0, byte((low+1)<<4|low))
		bits, n := 0, 0
		for y := range side / 8 {
			for x := range side / 8 {
				bits, n = bits<<1|x*y%128>>low&1, n+1
				if n%8 != 0 {
					continue
				}
				if data = append(data, byte(bits)); byte(bits) == 0xff {
					data = append(data, 0)
				}
			}
		}
	}
	requireLuma(t, append(data, 0xff, markEOI))
}

// TestFactorOfGrey: the factors of a lone component stand for nothing, also the three that
// image/jpeg does not support.
func TestFactorOfGrey(t *testing.T) {
	data := rendered(t, 24, 17, 60, true)
	plain, err := Decode(data, Options{Scale: 1})
	require.NoError(t, err)
	at := bytes.Index(data, []byte{0xff, markSOF0, 0, 11}) + 11
	for _, factors := range []byte{0x22, 0x13, 0x31, 0x33} {
		data[at] = factors
		p, err := Decode(data, Options{Scale: 1})
		require.NoError(t, err, "%#x", factors)
		require.Equal(t, plain.Luma, p.Luma, "%#x", factors)
	}
}

// FuzzDecode holds the reader to image/jpeg: what that accepts is accepted or called
// unusual, and what it refuses as damaged is not accepted.
func FuzzDecode(f *testing.F) {
	for _, grey := range []bool{false, true} {
		f.Add(rendered(f, 24, 17, 60, grey))
	}
	for _, data := range files(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 1 << 20
		var unusual UnusualError
		var budget *BudgetError
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err == nil && c.Width*c.Height > most {
			return
		}
		var d Decoder
		p, err := d.Decode(data, Options{Scale: 1, MaxPixels: most})
		for _, scale := range []int{2, 4, 8} {
			small, coarse := Decode(data, Options{Scale: scale, MaxPixels: most})
			require.False(t, err == nil && coarse != nil && coarse != errLoud, "scale %d: %v", scale, coarse)
			if coarse == nil {
				require.Len(t, small.Luma, small.Stride*small.Rows)
				var out [Side][Side]float32
				small.Fold(&out, image.Rect(0, 0, small.PictureWidth, small.PictureHeight), false, false)
			}
		}
		if errors.As(err, &unusual) || errors.As(err, &budget) {
			return
		}
		_, want := jpeg.Decode(bytes.NewReader(data))
		if want == nil {
			require.NoError(t, err)
		}
		var unsupported jpeg.UnsupportedError // TestFactorOfGrey
		if err == nil && !errors.As(want, &unsupported) {
			require.NoError(t, want)
			require.Equal(t, image.Pt(c.Width, c.Height), image.Pt(p.Width, p.Height))
		}
	})
}
