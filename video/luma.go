package video

import (
	"context"
	"image"
	"image/color"
	"io"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video/internal/jpegluma"
)

// maxLumaFile is the largest file, in bytes, that is read into memory for its luma: five
// times the files of today's largest cameras. Others are decoded in full, as a stream.
const maxLumaFile = 64 << 20

// luma returns the luma of a JPEG still at a reduced scale. ok is false for every file that
// is not plainly sound and usual, and for those within a limit of the short cut alone:
// what is to be said of them the full decoder says, so that a file is judged on this route
// if and only if it is judged on that.
func (s *still) luma(ctx context.Context) (m *reduced, ok bool) {
	if s.format != "jpeg" || s.stored.size > maxLumaFile {
		return nil, false
	}
	defer func() {
		if recover() != nil {
			m, ok = nil, false
		}
	}()
	data, err := s.bytes(ctx)
	if err != nil {
		return nil, false
	}
	plane, err := jpegluma.Decode(data, jpegluma.Options{MaxPixels: s.limits.Pixels, OpenEnd: true, Check: ctx.Err})
	if err != nil {
		return nil, false
	}
	return newReduced(plane, s.orientation), true
}

// bytes returns the whole file, which is not to be written to.
func (s *still) bytes(ctx context.Context) ([]byte, error) {
	if s.stored.memory != nil {
		return s.stored.memory, nil
	}
	data := make([]byte, s.stored.size)
	_, err := io.ReadFull(&contextReader{ctx: ctx, r: s.stored.Reader()}, data)
	return data, err
}

// reduced is the luma of a still, or of a part of it, at a reduced scale and turned as it is
// shown. It is a hash.Reduced.
type reduced struct {
	shown  *image.Gray
	plane  *jpegluma.Plane // as it is stored, of the whole still
	turned orientation
	area   image.Rectangle // of the still as it is stored, in its pixels
}

var _ hash.Reduced = (*reduced)(nil)

func newReduced(p *jpegluma.Plane, o orientation) *reduced {
	gray := &image.Gray{Pix: p.Luma, Stride: p.Stride, Rect: image.Rect(0, 0, p.Width, p.Height)}
	return &reduced{
		shown: o.apply(gray).(*image.Gray), plane: p, turned: o,
		area: image.Rect(0, 0, p.PictureWidth, p.PictureHeight),
	}
}

// Gray implements hash.Reduced.
func (m *reduced) Gray() *image.Gray { return m.shown }

// ColorModel, Bounds and At implement image.Image, Opaque what package image/draw asks.
func (m *reduced) ColorModel() color.Model { return color.GrayModel }
func (m *reduced) Bounds() image.Rectangle { return m.shown.Rect }
func (m *reduced) At(x, y int) color.Color { return m.shown.At(x, y) }
func (m *reduced) Opaque() bool            { return true }

// SubImage returns a part of the picture, r in its pixels. Its hash is that of exactly the
// larger picture's pixels that lie under it.
func (m *reduced) SubImage(r image.Rectangle) image.Image {
	r = r.Intersect(m.shown.Rect)
	if r.Empty() {
		return &image.Gray{}
	}
	part := *m
	part.shown = m.shown.SubImage(r).(*image.Gray)
	p := m.plane
	from := m.turned.stored(r, p.Width, p.Height)
	part.area = image.Rectangle{Min: from.Min.Mul(p.Scale), Max: from.Max.Mul(p.Scale)}.
		Intersect(image.Rect(0, 0, p.PictureWidth, p.PictureHeight))
	return &part
}

// PDQSamples implements hash.Reduced.
func (m *reduced) PDQSamples(dst *[64][64]float32) bool {
	if m.area.Dx() < minHashable || m.area.Dy() < minHashable {
		return false
	}
	m.plane.Fold(dst, m.area, m.turned.mirrorsX(), m.turned.mirrorsY())
	if m.turned.swaps() {
		for y := range dst {
			for x := range y {
				dst[y][x], dst[x][y] = dst[x][y], dst[y][x]
			}
		}
	}
	return true
}

// minHashable is the smallest side that has a PDQ hash (package pdq).
const minHashable = 5
