package video

import (
	"image"
	"image/color"
	"image/draw"
)

// orientation is the EXIF tag 0x0112: how the stored pixels must be turned to be
// shown. The names say what is done to them.
type orientation uint8

const (
	upright orientation = iota + 1
	flipX               // left and right exchanged
	rotate180
	flipY      // top and bottom exchanged
	transpose  // rows become columns
	rotate90   // clockwise
	transverse // transposed along the other diagonal
	rotate270  // clockwise
)

// swaps reports whether width and height are exchanged.
func (o orientation) swaps() bool { return o >= transpose }

// mirrorsX and mirrorsY report whether the stored columns and rows are read from
// the far end.
func (o orientation) mirrorsX() bool {
	return o == flipX || o == rotate180 || o == transverse || o == rotate270
}

func (o orientation) mirrorsY() bool {
	return o == rotate180 || o == flipY || o == rotate90 || o == transverse
}

// size returns the size of a picture of w x h stored pixels as shown.
func (o orientation) size(w, h int) (int, int) {
	if o.swaps() {
		return h, w
	}
	return w, h
}

// stored returns where a part of a picture as shown, at the origin, lies in its w x h
// stored pixels.
func (o orientation) stored(r image.Rectangle, w, h int) image.Rectangle {
	if o.swaps() {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	}
	if o.mirrorsX() {
		r.Min.X, r.Max.X = w-r.Max.X, w-r.Min.X
	}
	if o.mirrorsY() {
		r.Min.Y, r.Max.Y = h-r.Max.Y, h-r.Min.Y
	}
	return r
}

// apply returns the picture as shown: of the same type where it is one of the
// standard library's, so that the luma plane of a YCbCr picture is exactly the
// turned Y plane. The result begins at (0, 0) and shares no memory with m, unless
// nothing is to be done.
func (o orientation) apply(m image.Image) image.Image {
	if o <= upright {
		return m
	}
	b := m.Bounds()
	w, h := o.size(b.Dx(), b.Dy())
	r := image.Rect(0, 0, w, h)
	turn := func(dst []byte, dstStride int, src []byte, srcStride, bytes int) {
		o.turn(dst, dstStride, src, srcStride, b.Dx(), b.Dy(), bytes)
	}
	switch m := m.(type) {
	case *image.YCbCr:
		return o.applyYCbCr(m)
	case *image.NYCbCrA:
		d := &image.NYCbCrA{YCbCr: *o.applyYCbCr(&m.YCbCr), A: make([]byte, w*h), AStride: w}
		turn(d.A, d.AStride, m.A[m.AOffset(b.Min.X, b.Min.Y):], m.AStride, 1)
		return d
	case *image.Gray:
		d := image.NewGray(r)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 1)
		return d
	case *image.Gray16:
		d := image.NewGray16(r)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 2)
		return d
	case *image.RGBA:
		d := image.NewRGBA(r)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 4)
		return d
	case *image.NRGBA:
		d := image.NewNRGBA(r)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 4)
		return d
	case *image.RGBA64:
		d := image.NewRGBA64(r)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 8)
		return d
	case *image.NRGBA64:
		d := image.NewNRGBA64(r)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 8)
		return d
	case *image.CMYK:
		d := image.NewCMYK(r)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 4)
		return d
	case *image.Paletted:
		d := image.NewPaletted(r, m.Palette)
		turn(d.Pix, d.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, 1)
		return d
	}
	// No decoder here makes any other type.
	n := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(n, n.Bounds(), m, b.Min, draw.Src)
	return o.apply(n)
}

// turn copies a plane of w x h stored pixels of the given number of bytes each
// into dst, turned. src begins with the first pixel.
func (o orientation) turn(dst []byte, dstStride int, src []byte, srcStride, w, h, bytes int) {
	// Going one pixel right or down in dst moves by this much in src.
	from, right, down := 0, bytes, srcStride
	if o.mirrorsX() {
		from, right = from+(w-1)*bytes, -bytes
	}
	if o.mirrorsY() {
		from, down = from+(h-1)*srcStride, -srcStride
	}
	if o.swaps() {
		right, down = down, right
	}
	dw, dh := o.size(w, h)
	for y := range dh {
		at := from + y*down
		row := dst[y*dstStride : y*dstStride+dw*bytes]
		if bytes == 1 {
			for x := range row {
				row[x] = src[at]
				at += right
			}
			continue
		}
		for x := 0; x < len(row); x += bytes {
			copy(row[x:x+bytes], src[at:at+bytes])
			at += right
		}
	}
}

// applyYCbCr turns the planes one by one where each colour sample still belongs
// to the same pixels afterwards; otherwise (an odd size mirrored along a
// subsampled axis, or a subsampling without a turned counterpart) every pixel is
// given its own colour sample first.
func (o orientation) applyYCbCr(m *image.YCbCr) *image.YCbCr {
	b := m.Bounds()
	sx, sy := subsampling(m.SubsampleRatio)
	ratio, ok := turnedRatio(m.SubsampleRatio, o.swaps())
	if !ok || b.Min.X%sx != 0 || b.Min.Y%sy != 0 ||
		o.mirrorsX() && b.Dx()%sx != 0 || o.mirrorsY() && b.Dy()%sy != 0 {
		m, sx, sy, ratio = fullChroma(m), 1, 1, image.YCbCrSubsampleRatio444
		b = m.Bounds()
	}
	w, h := o.size(b.Dx(), b.Dy())
	d := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	o.turn(d.Y, d.YStride, m.Y[m.YOffset(b.Min.X, b.Min.Y):], m.YStride, b.Dx(), b.Dy(), 1)
	cw, ch := (b.Dx()+sx-1)/sx, (b.Dy()+sy-1)/sy
	c := m.COffset(b.Min.X, b.Min.Y)
	o.turn(d.Cb, d.CStride, m.Cb[c:], m.CStride, cw, ch, 1)
	o.turn(d.Cr, d.CStride, m.Cr[c:], m.CStride, cw, ch, 1)
	return d
}

// subsampling returns how many pixels share a colour sample in each direction.
func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// turnedRatio returns the subsampling after the axes are exchanged; ok is false
// when it has no name.
func turnedRatio(r image.YCbCrSubsampleRatio, swapped bool) (turned image.YCbCrSubsampleRatio, ok bool) {
	if !swapped {
		return r, true
	}
	switch r {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio420:
		return r, true
	case image.YCbCrSubsampleRatio422:
		return image.YCbCrSubsampleRatio440, true
	case image.YCbCrSubsampleRatio440:
		return image.YCbCrSubsampleRatio422, true
	}
	return 0, false
}

// fullChroma returns m with a colour sample for every pixel, at (0, 0).
func fullChroma(m *image.YCbCr) *image.YCbCr {
	b := m.Bounds()
	d := image.NewYCbCr(image.Rect(0, 0, b.Dx(), b.Dy()), image.YCbCrSubsampleRatio444)
	for y := range b.Dy() {
		for x := range b.Dx() {
			var c color.YCbCr = m.YCbCrAt(b.Min.X+x, b.Min.Y+y)
			i := y*d.YStride + x
			d.Y[i], d.Cb[i], d.Cr[i] = c.Y, c.Cb, c.Cr
		}
	}
	return d
}
