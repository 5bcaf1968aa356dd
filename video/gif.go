package video

import (
	"context"
	"image"

	"github.com/rematch-go/rematch/video/internal/gifstream"
)

// gifPictures are the pictures of a GIF.
type gifPictures struct {
	r      *gifstream.Reader
	canvas *gifstream.Canvas // nil until the first picture
	width  int
	height int
}

func (m *Media) openGIF(ctx context.Context) error {
	r := &contextReader{ctx: ctx, r: m.stored.Reader()}
	g, err := gifstream.NewReader(r)
	if err != nil {
		return animationError(ctx, r, err, 0)
	}
	width, height := g.Width, g.Height
	// Browsers make room for the whole first picture, whatever the header says.
	if p, err := g.Skip(); err == nil {
		width, height = max(width, p.Rect.Max.X), max(height, p.Rect.Max.Y)
	}
	return m.openAnimation(ctx, width, height, func(r *contextReader) (stream, error) {
		g, err := gifstream.NewReader(r)
		return &gifPictures{r: g, width: width, height: height}, err
	})
}

func (g *gifPictures) skip() (shot, error) {
	p, err := g.r.Skip()
	return shot{delay: p.Delay}, err
}

func (g *gifPictures) next(admit func(size image.Point) error) (shot, error) {
	p, err := g.r.Next(admit)
	if err != nil {
		return shot{}, err
	}
	if g.canvas == nil {
		g.canvas = gifstream.NewCanvas(g.width, g.height)
	}
	return shot{g.canvas.Draw(p), p.Delay, g.canvas.Covers(p)}, nil
}
