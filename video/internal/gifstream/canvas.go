package gifstream

import "image"

// Canvas shows the pictures of a GIF one after the other.
type Canvas struct {
	image *image.RGBA
	// What has to be undone before the next picture.
	dispose byte
	rect    image.Rectangle
	saved   []byte // rows of rect before it was drawn over, for DisposalPrevious
}

// NewCanvas returns a transparent canvas.
func NewCanvas(width, height int) *Canvas {
	return &Canvas{image: image.NewRGBA(image.Rect(0, 0, width, height))}
}

// Draw shows the next picture and returns the canvas, which is valid until the
// next call. What lies outside of the canvas is left out.
func (c *Canvas) Draw(p Picture) *image.RGBA {
	c.undo()
	c.rect = p.Rect.Intersect(c.image.Rect)
	c.dispose = p.Disposal
	if c.dispose == DisposalPrevious {
		c.save()
	}
	var colours [256][4]byte
	for i, e := range p.Palette {
		r, g, b, a := e.RGBA()
		colours[i] = [4]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8), byte(a >> 8)}
	}
	for y := c.rect.Min.Y; y < c.rect.Max.Y; y++ {
		row := p.Pix[(y-p.Rect.Min.Y)*p.Rect.Dx()+c.rect.Min.X-p.Rect.Min.X:][:c.rect.Dx()]
		at := c.image.PixOffset(c.rect.Min.X, y)
		for _, v := range row {
			if int(v) != p.Transparent && int(v) < len(p.Palette) {
				copy(c.image.Pix[at:at+4], colours[v][:])
			}
			at += 4
		}
	}
	return c.image
}

// Covers reports whether a picture hides all that was there before it.
func (c *Canvas) Covers(p Picture) bool {
	return p.Transparent < 0 && c.image.Rect.In(p.Rect)
}

func (c *Canvas) undo() {
	switch c.dispose {
	case DisposalBackground:
		c.rows(func(row []byte, _ int) { clear(row) })
	case DisposalPrevious:
		c.rows(func(row []byte, i int) { copy(row, c.saved[i*len(row):]) })
	}
}

func (c *Canvas) save() {
	if need := 4 * c.rect.Dx() * c.rect.Dy(); cap(c.saved) < need {
		c.saved = make([]byte, need)
	} else {
		c.saved = c.saved[:need]
	}
	c.rows(func(row []byte, i int) { copy(c.saved[i*len(row):], row) })
}

// rows calls f with the bytes of each row of rect and its number from the top.
func (c *Canvas) rows(f func(row []byte, i int)) {
	for i := range c.rect.Dy() {
		at := c.image.PixOffset(c.rect.Min.X, c.rect.Min.Y+i)
		f(c.image.Pix[at:at+4*c.rect.Dx()], i)
	}
}
