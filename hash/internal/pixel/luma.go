package pixel

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"

	"github.com/rematch-go/rematch/hash"
)

// The weights of red, green and blue: luma_from_R_coeff, _G_ and _B_ of the
// reference's pdq/cpp/downscaling/downscaling.cpp, in its single precision.
const (
	weightR float32 = 0.299
	weightG float32 = 0.587
	weightB float32 = 0.114
)

// Luma returns the luma, 0 to 255, of a straight colour, with the reference's
// arithmetic (fillFloatLumaFromRGB) bit for bit. Each product is rounded before it
// is added, so that no processor fuses the two.
func Luma(r, g, b uint8) float32 {
	return float32(weightR*float32(r)) + float32(weightG*float32(g)) + float32(weightB*float32(b))
}

// lumaOf is the luma of any colour. It defines what the fast paths of Reader
// compute: colours that carry a luma keep it, all others are reckoned from red, green
// and blue.
func lumaOf(c color.Color) float32 {
	switch c := c.(type) {
	case color.YCbCr:
		return float32(c.Y)
	case color.NYCbCrA:
		return float32(c.Y)
	case color.Gray:
		return float32(c.Y)
	case color.Gray16:
		return float32(c.Y >> 8)
	}
	s := straightOf(c)
	return Luma(s.R, s.G, s.B)
}

// Reader reads the luma of a picture row by row. The zero Reader is a picture
// without pixels. It is not safe for concurrent use.
//
// Every picture type of package image but image.Uniform, image.Alpha and image.Alpha16
// is read from its memory, whatever its bounds, stride or subsampling; all others
// through their At method, which is slow and may allocate.
type Reader struct {
	img     image.Image
	origin  image.Point
	w, h    int
	palette [256]float32 // luma of each index, for *image.Paletted
}

// Reset makes r read m, which may be nil.
func (r *Reader) Reset(m image.Image) {
	if small, ok := m.(hash.Reduced); ok {
		m = small.Gray()
	}
	r.img, r.origin, r.w, r.h = m, image.Point{}, 0, 0
	if m == nil {
		return
	}
	b := m.Bounds()
	r.origin, r.w, r.h = b.Min, b.Dx(), b.Dy()
	if p, ok := m.(*image.Paletted); ok {
		r.palette = [256]float32{}
		for i, c := range p.Palette {
			if i == len(r.palette) {
				break
			}
			r.palette[i] = lumaOf(c)
		}
	}
}

// Size returns the picture's width and height in pixels.
func (r *Reader) Size() (w, h int) { return r.w, r.h }

// Row writes the luma, 0 to 255, of len(dst) pixels of row y from column x on.
// Rows and columns count from 0 at the picture's top left corner, wherever its bounds
// lie; the pixels asked for must be within the picture.
func (r *Reader) Row(dst []float32, x, y int) {
	if len(dst) == 0 {
		return
	}
	x, y = x+r.origin.X, y+r.origin.Y
	n := len(dst)
	switch m := r.img.(type) {
	case *image.YCbCr:
		fromBytes(dst, m.Y[m.YOffset(x, y):])
	case *image.NYCbCrA:
		fromBytes(dst, m.Y[m.YOffset(x, y):])
	case *image.Gray:
		fromBytes(dst, m.Pix[m.PixOffset(x, y):])
	case *image.Gray16:
		i := m.PixOffset(x, y)
		for j, s := 0, m.Pix[i:i+2*n]; j < n; j++ {
			dst[j] = float32(s[2*j])
		}
	case *image.Paletted:
		i := m.PixOffset(x, y)
		for j, v := range m.Pix[i : i+n] {
			dst[j] = r.palette[v]
		}
	case *image.RGBA:
		i := m.PixOffset(x, y)
		fromRGBA(dst, m.Pix[i:i+4*n], vectors)
	case *image.NRGBA:
		i := m.PixOffset(x, y)
		fromRGB(dst, m.Pix[i:i+4*n], vectors)
	case *image.RGBA64:
		i := m.PixOffset(x, y)
		fromRGBA64(dst, m.Pix[i:i+8*n])
	case *image.NRGBA64:
		i := m.PixOffset(x, y)
		for j, s := 0, m.Pix[i:i+8*n]; j < n; j++ {
			p := s[8*j : 8*j+8 : 8*j+8]
			dst[j] = Luma(p[0], p[2], p[4])
		}
	case *image.CMYK:
		i := m.PixOffset(x, y)
		for j, s := 0, m.Pix[i:i+4*n]; j < n; j++ {
			p := s[4*j : 4*j+4 : 4*j+4]
			dst[j] = Luma(color.CMYKToRGB(p[0], p[1], p[2], p[3]))
		}
	default:
		for j := range dst {
			dst[j] = lumaOf(r.img.At(x+j, y))
		}
	}
}

func fromBytes(dst []float32, src []uint8) {
	src = src[:len(dst)]
	for j := range dst {
		dst[j] = float32(src[j])
	}
}

// fromRGB reads the luma of pixels of 4 bytes: red, green, blue and another. It
// returns false where one of these others may be below 255.
func fromRGB(dst []float32, src []uint8, fast bool) bool {
	n, all := 0, uint32(math.MaxUint32)
	if fast && len(dst) >= 8 {
		n = len(dst) &^ 7
		all = lumaAVX2(&dst[0], &src[0], n)
	}
	dst, src = dst[n:], src[4*n:]
	for len(dst) >= 4 && len(src) >= 16 {
		p, q := binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint64(src[8:])
		all &= uint32(p) & uint32(p>>32) & uint32(q) & uint32(q>>32)
		dst[0] = products[0][uint8(p)] + products[1][uint8(p>>8)] + products[2][uint8(p>>16)]
		dst[1] = products[0][uint8(p>>32)] + products[1][uint8(p>>40)] + products[2][uint8(p>>48)]
		dst[2] = products[0][uint8(q)] + products[1][uint8(q>>8)] + products[2][uint8(q>>16)]
		dst[3] = products[0][uint8(q>>32)] + products[1][uint8(q>>40)] + products[2][uint8(q>>48)]
		dst, src = dst[4:], src[16:]
	}
	for len(dst) > 0 && len(src) >= 4 {
		p := binary.LittleEndian.Uint32(src)
		all &= p
		dst[0] = products[0][uint8(p)] + products[1][uint8(p>>8)] + products[2][uint8(p>>16)]
		dst, src = dst[1:], src[4:]
	}
	return all>>24 == 0xff
}

// products are the components times their weights, as Luma rounds them.
var products = func() (p [3][256]float32) {
	for i := range 256 {
		v := float32(i)
		p[0][i], p[1][i], p[2][i] = float32(weightR*v), float32(weightG*v), float32(weightB*v)
	}
	return p
}()

func fromRGBA(dst []float32, src []uint8, fast bool) {
	if fromRGB(dst, src, fast) {
		return
	}
	for j := range dst {
		p := src[4*j : 4*j+4 : 4*j+4]
		if a := p[3]; a != 0xff {
			dst[j] = Luma(straight(word(p[0]), word(p[1]), word(p[2]), word(a)))
		}
	}
}

func fromRGBA64(dst []float32, src []uint8) {
	for j := range dst {
		p := src[8*j : 8*j+8 : 8*j+8]
		r, g, b := p[0], p[2], p[4]
		if p[6] != 0xff || p[7] != 0xff {
			r, g, b = straight(join(p[0], p[1]), join(p[2], p[3]), join(p[4], p[5]), join(p[6], p[7]))
		}
		dst[j] = Luma(r, g, b)
	}
}

// word widens 8 bits to 16 as package color does.
func word(v uint8) uint32 { return uint32(v) * 0x101 }

func join(high, low uint8) uint32 { return uint32(high)<<8 | uint32(low) }

// straight divides 16-bit components by an alpha below 0xffff, as
// color.NRGBAModel, and keeps their high bytes.
func straight(r, g, b, a uint32) (uint8, uint8, uint8) {
	if a == 0 {
		return 0, 0, 0
	}
	return uint8(r * 0xffff / a >> 8), uint8(g * 0xffff / a >> 8), uint8(b * 0xffff / a >> 8)
}

// Bytes returns row y of the luma of a picture that holds it in memory as bytes, one
// a pixel, and nil for all rows of any other. The caller does not write to it.
func (r *Reader) Bytes(y int) []uint8 {
	x, y := r.origin.X, y+r.origin.Y
	switch m := r.img.(type) {
	case *image.YCbCr:
		return m.Y[m.YOffset(x, y):][:r.w]
	case *image.NYCbCrA:
		return m.Y[m.YOffset(x, y):][:r.w]
	case *image.Gray:
		return m.Pix[m.PixOffset(x, y):][:r.w]
	}
	return nil
}
