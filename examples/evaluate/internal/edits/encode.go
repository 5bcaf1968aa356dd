package edits

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
)

// asJPEG writes a JPEG with colours at half the resolution, as nearly all are.
func asJPEG(dst *bytes.Buffer, m *image.RGBA, quality int) error {
	return jpeg.Encode(dst, subsampled(m), &jpeg.Options{Quality: quality})
}

// subsampled is what the encoder would make of the picture itself, in a third of its
// time: the colour of four pixels is that of their mean.
func subsampled(m *image.RGBA) *image.YCbCr {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
	for cy := range (h + 1) / 2 {
		for cx := range (w + 1) / 2 {
			r, g, b := int32(0), int32(0), int32(0)
			for i := range 4 {
				x, y := min(2*cx+i%2, w-1), min(2*cy+i/2, h-1)
				p := m.Pix[y*m.Stride+4*x:][:4]
				pr, pg, pb := int32(p[0]), int32(p[1]), int32(p[2])
				out.Y[y*out.YStride+x] = uint8((19595*pr + 38470*pg + 7471*pb + 1<<15) >> 16)
				r, g, b = r+pr, g+pg, b+pb
			}
			_, cb, cr := color.RGBToYCbCr(uint8((r+2)/4), uint8((g+2)/4), uint8((b+2)/4))
			out.Cb[cy*out.CStride+cx], out.Cr[cy*out.CStride+cx] = cb, cr
		}
	}
	return out
}

func asPNG(dst *bytes.Buffer, m *image.RGBA) error {
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	return e.Encode(dst, m)
}

func asGIF(dst *bytes.Buffer, m *image.RGBA) error {
	return gif.Encode(dst, dithered(m), nil)
}

// The levels of red, green and blue in the palette of a GIF: 252 colours in all.
var levels = [3]int{6, 7, 6}

// dithered reduces a picture to a fixed palette with the error diffusion of Floyd and
// Steinberg. The standard library's compares each pixel with every colour, which takes
// longer than all else here.
func dithered(m *image.RGBA) *image.Paletted {
	var palette color.Palette
	for r := range levels[0] {
		for g := range levels[1] {
			for b := range levels[2] {
				palette = append(palette, color.RGBA{uint8(r * 255 / (levels[0] - 1)), uint8(g * 255 / (levels[1] - 1)), uint8(b * 255 / (levels[2] - 1)), 255})
			}
		}
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewPaletted(m.Rect, palette)
	var here, below [3][]int // sixteenths of a step, one pixel of room at either end
	for c := range 3 {
		here[c], below[c] = make([]int, w+2), make([]int, w+2)
	}
	for y := range h {
		for c := range 3 {
			clear(below[c])
		}
		for x := range w {
			index := 0
			for c, n := range levels {
				want := clamp(int(m.Pix[y*m.Stride+4*x+c]) + here[c][x+1]/16)
				level := (want*(n-1) + 127) / 255
				index = index*n + level
				e := want - level*255/(n-1)
				here[c][x+2] += 7 * e
				below[c][x] += 3 * e
				below[c][x+1] += 5 * e
				below[c][x+2] += e
			}
			out.Pix[y*out.Stride+x] = uint8(index)
		}
		here, below = below, here
	}
	return out
}

// reposted goes through two more platforms, each of which shrinks and compresses.
func reposted(_ *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	size := m.Rect.Size()
	for _, step := range []struct {
		scale   float64
		quality int
	}{{0.75, 60}, {0.9, 50}} {
		var b bytes.Buffer
		if err := asJPEG(&b, scaled(m, scaleInt(size.X, step.scale), scaleInt(size.Y, step.scale)), step.quality); err != nil {
			panic(err) // a bytes.Buffer takes everything, and sides are far below JPEG's limit
		}
		decoded, err := jpeg.Decode(&b)
		if err != nil {
			panic(err) // our own encoder's
		}
		m = Packed(decoded)
	}
	return m
}

func clamp(v int) int { return max(0, min(255, v)) }
