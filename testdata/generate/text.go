package main

import (
	"image"
	"image/draw"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// lettering writes text in the Go Bold font (BSD licence, Bigelow & Holmes).
type lettering struct {
	font  *opentype.Font
	faces map[float64]font.Face
}

var letters = lettering{faces: map[float64]font.Face{}}

// face returns the font at a size in pixels.
func (l *lettering) face(size float64) font.Face {
	if l.font == nil {
		f, err := opentype.Parse(gobold.TTF)
		if err != nil {
			panic(err) // the font is compiled in: this is a broken build, not input
		}
		l.font = f
	}
	if l.faces[size] == nil {
		f, err := opentype.NewFace(l.font, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			panic(err)
		}
		l.faces[size] = f
	}
	return l.faces[size]
}

// text writes s with its baseline starting at x, y.
func (c *canvas) text(s string, x, y, size float64, v rgb) {
	d := font.Drawer{Dst: draw.Image(c.img), Src: image.NewUniform(v.color()), Face: letters.face(size),
		Dot: fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(y * 64)}}
	d.DrawString(s)
}

// textIn writes s centred in a box, as large as fits.
func (c *canvas) textIn(s string, x, y, w, h float64, v rgb) {
	size := float64(int(h * 0.72))
	for ; size > 4; size-- {
		if wide := float64(font.MeasureString(letters.face(size), s)) / 64; wide <= w*0.92 {
			c.text(s, x+(w-wide)/2, y+h/2+size*0.36, size, v)
			return
		}
	}
}
