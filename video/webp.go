package video

import (
	"context"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/webp"

	"github.com/rematch-go/rematch/video/internal/webpstream"
)

// webpPictures are the pictures of an animated WebP.
type webpPictures struct {
	r      *webpstream.Reader
	canvas *webpstream.Canvas // nil until the first picture
}

func (m *Media) openAnimatedWebP(ctx context.Context) error {
	begin := func(r *contextReader) (stream, error) {
		p, err := webpstream.NewReader(r, m.stored.size)
		return &webpPictures{r: p}, err
	}
	r := &contextReader{ctx: ctx, r: m.stored.Reader()}
	head, err := webpstream.NewReader(r, m.stored.size)
	if err != nil {
		return animationError(ctx, r, err, 0)
	}
	return m.openAnimation(ctx, head.Width, head.Height, begin)
}

func (w *webpPictures) skip() (shot, error) {
	p, err := w.r.Next()
	return shot{delay: p.Delay}, err
}

func (w *webpPictures) next(admit func(size image.Point) error) (shot, error) {
	p, err := w.r.Next()
	if err == nil {
		err = admit(p.Rect.Size())
	}
	if err != nil {
		return shot{}, err
	}
	m, err := decodeWebP(p.Still())
	if err == nil && m.Bounds().Size() != p.Rect.Size() {
		err = fmt.Errorf("%v pixels where the frame has %v", m.Bounds().Size(), p.Rect.Size())
	}
	if err != nil {
		return shot{}, fmt.Errorf("%w: %v", errPicture, err)
	}
	if w.canvas == nil {
		w.canvas = webpstream.NewCanvas(w.r.Width, w.r.Height)
	}
	return shot{w.canvas.Draw(p, m), p.Delay, w.canvas.Covers(p, m)}, nil
}

// decodeWebP decodes a WebP still to full-range YCbCr. A lossy WebP keeps the
// "studio" range of video, luma 16..235 and chroma 16..240 (RFC 6386 section 9.2,
// ITU-R BT.601); x/image hands its planes out as if they were full range, which
// makes pictures dull and their gradients, and so their quality, too small.
func decodeWebP(r io.Reader) (image.Image, error) {
	picture, err := webp.Decode(r)
	if err != nil {
		return nil, err
	}
	switch m := picture.(type) {
	case *image.YCbCr:
		expandRange(m)
	case *image.NYCbCrA:
		expandRange(&m.YCbCr)
	}
	return picture, nil
}

// expandRange stretches the planes to 0..255 in place.
func expandRange(m *image.YCbCr) {
	var luma, chroma [256]byte
	for i := range 256 {
		luma[i] = stretch(i-16, 219, 0)
		chroma[i] = stretch(i-128, 224, 128)
	}
	for i, v := range m.Y {
		m.Y[i] = luma[v]
	}
	for i, v := range m.Cb {
		m.Cb[i] = chroma[v]
	}
	for i, v := range m.Cr {
		m.Cr[i] = chroma[v]
	}
}

// stretch returns v x 255 / steps + zero, rounded and clamped to a byte.
func stretch(v, steps, zero int) byte {
	n := 2*255*v + steps + 2*steps*zero // twice the result, plus a half, x steps
	if n < 0 {
		return 0
	}
	return byte(min(n/(2*steps), 255))
}
