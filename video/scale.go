package video

import (
	"image"
	"image/color"
	"image/draw"
)

// scaled brings a picture to the size that r asks for.
func scaled(m image.Image, r Request) image.Image {
	if r.Size == (image.Point{}) {
		return fit(m, r.MaxSide)
	}
	row, straight := rowsOf(m)
	size := image.Rectangle{Max: r.Size}
	if straight {
		d := image.NewNRGBA(size)
		shrink(d.Pix, r.Size.X, r.Size.Y, 4, m.Bounds().Dx(), m.Bounds().Dy(), row)
		return d
	}
	d := image.NewRGBA(size)
	shrink(d.Pix, r.Size.X, r.Size.Y, 4, m.Bounds().Dx(), m.Bounds().Dy(), row)
	return d
}

// fit scales a picture down until its longer side is maxSide pixels; smaller
// pictures, and all when maxSide is 0, are returned as they are. YCbCr and Gray
// stay what they are, the Y plane scaled by itself. Colours that are not
// multiplied with their alpha become NRGBA, each channel scaled by itself, because
// that is how they are hashed; all else becomes RGBA.
//
// Every pixel of the result is the mean of the area it covers, computed in
// integers and rounded: the same bits on every processor, which the floating
// point kernels of x/image/draw do not promise.
func fit(m image.Image, maxSide int) image.Image {
	b := m.Bounds()
	w, h := fitted(b.Dx(), b.Dy(), maxSide)
	if w == b.Dx() && h == b.Dy() {
		return m
	}
	r := image.Rect(0, 0, w, h)
	switch m := m.(type) {
	case *image.YCbCr:
		return fitYCbCr(m, r)
	case *image.NYCbCrA:
		d := &image.NYCbCrA{YCbCr: *fitYCbCr(&m.YCbCr, r), A: make([]byte, w*h), AStride: w}
		shrinkPlane(d.A, r, m.A[m.AOffset(b.Min.X, b.Min.Y):], m.AStride, b.Dx(), b.Dy())
		return d
	case *image.Gray:
		d := image.NewGray(r)
		shrinkPlane(d.Pix, r, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy())
		return d
	}
	row, straight := rowsOf(m)
	if straight {
		d := image.NewNRGBA(r)
		shrink(d.Pix, w, h, 4, b.Dx(), b.Dy(), row)
		return d
	}
	d := image.NewRGBA(r)
	shrink(d.Pix, w, h, 4, b.Dx(), b.Dy(), row)
	return d
}

// rowsOf returns the rows of a picture as bytes of red, green, blue and alpha, and
// whether the colours are straight, not multiplied with alpha. One row at a time
// is converted, so that a large picture is not held twice.
func rowsOf(m image.Image) (row func(y int) []byte, straight bool) {
	b := m.Bounds()
	buf := make([]byte, 4*b.Dx())
	switch m := m.(type) {
	case *image.NRGBA:
		return func(y int) []byte { return m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):] }, true
	case *image.NRGBA64:
		return func(y int) []byte {
			// The high byte of each component, as color.NRGBAModel.
			for i, at := 0, m.PixOffset(b.Min.X, b.Min.Y+y); i < len(buf); i, at = i+1, at+2 {
				buf[i] = m.Pix[at]
			}
			return buf
		}, true
	case *image.Paletted:
		var colours [256]color.NRGBA
		for i, c := range m.Palette {
			colours[i&255] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
		return func(y int) []byte {
			at := m.PixOffset(b.Min.X, b.Min.Y+y)
			for x, v := range m.Pix[at : at+b.Dx()] {
				c := colours[v]
				buf[4*x], buf[4*x+1], buf[4*x+2], buf[4*x+3] = c.R, c.G, c.B, c.A
			}
			return buf
		}, true
	}
	line := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	return func(y int) []byte {
		draw.Draw(line, line.Rect, m, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		return line.Pix
	}, false
}

// fitted returns the size of a w x h picture within maxSide, at least one pixel.
func fitted(w, h, maxSide int) (int, int) {
	long := int64(max(w, h))
	if maxSide <= 0 || long <= int64(maxSide) {
		return w, h
	}
	scaled := func(n int) int { return int(max(1, (int64(n)*int64(maxSide)+long/2)/long)) }
	return scaled(w), scaled(h)
}

// fitYCbCr scales the planes one by one into a picture with full colour.
func fitYCbCr(m *image.YCbCr, r image.Rectangle) *image.YCbCr {
	d := image.NewYCbCr(r, image.YCbCrSubsampleRatio444)
	b := m.Bounds()
	shrinkPlane(d.Y, r, m.Y[m.YOffset(b.Min.X, b.Min.Y):], m.YStride, b.Dx(), b.Dy())
	sx, sy := subsampling(m.SubsampleRatio)
	// A picture may begin in the middle of a colour sample.
	cw, ch := (b.Max.X+sx-1)/sx-b.Min.X/sx, (b.Max.Y+sy-1)/sy-b.Min.Y/sy
	c := m.COffset(b.Min.X, b.Min.Y)
	shrinkPlane(d.Cb, r, m.Cb[c:], m.CStride, cw, ch)
	shrinkPlane(d.Cr, r, m.Cr[c:], m.CStride, cw, ch)
	return d
}

// shrinkPlane resamples a plane of w x h bytes to the size of r.
func shrinkPlane(dst []byte, r image.Rectangle, src []byte, stride, w, h int) {
	shrink(dst, r.Dx(), r.Dy(), 1, w, h, func(y int) []byte { return src[y*stride : y*stride+w] })
}

// shrink resamples sw x sh pixels of n interleaved bytes, whose rows row gives
// from the top, each once, into dst of dw x dh pixels without gaps between rows.
//
// In a grid where a source pixel is dw x dh units and a pixel of dst sw x sh
// units, both fill the picture exactly, and every overlap is a whole number. No sum
// exceeds 255 x sw x sh.
func shrink(dst []byte, dw, dh, n, sw, sh int, row func(y int) []byte) {
	var (
		across = make([]uint64, dw*n) // one source row, summed into the columns of dst
		sum    = make([]uint64, dw*n) // the current row of dst
		area   = uint64(sw) * uint64(sh)
		left   = sh // units of the current row of dst that are still to be filled
		y      = 0
	)
	for sy := range sh {
		shrinkRow(across, row(sy), dw, n, sw)
		for units := dh; units > 0; {
			take := min(units, left)
			for i, v := range across {
				sum[i] += v * uint64(take)
			}
			units, left = units-take, left-take
			if left > 0 {
				break
			}
			out := dst[y*dw*n : (y+1)*dw*n]
			for i, v := range sum {
				out[i] = byte((v + area/2) / area)
			}
			clear(sum)
			y, left = y+1, sh
		}
	}
}

// shrinkRow sums a source row into the columns of dst, weighted by overlap.
func shrinkRow(across []uint64, row []byte, dw, n, sw int) {
	clear(across)
	x, left := 0, sw
	for sx := range sw {
		for units := dw; units > 0; {
			take := min(units, left)
			for c := range n {
				across[x*n+c] += uint64(row[sx*n+c]) * uint64(take)
			}
			units, left = units-take, left-take
			if left == 0 {
				x, left = x+1, sw
			}
		}
	}
}
