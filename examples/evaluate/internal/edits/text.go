package edits

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

var fonts = sync.OnceValue(func() (fonts struct{ regular, bold *opentype.Font }) {
	var err error
	if fonts.regular, err = opentype.Parse(goregular.TTF); err == nil {
		fonts.bold, err = opentype.Parse(gobold.TTF)
	}
	if err != nil {
		panic(err) // they are part of the program
	}
	return fonts
})

// face is a font at a height in pixels, of one goroutine.
func face(bold bool, pixels float64) font.Face {
	f := fonts().regular
	if bold {
		f = fonts().bold
	}
	made, err := opentype.NewFace(f, &opentype.FaceOptions{Size: max(pixels, 4), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic(err) // the options are ours
	}
	return made
}

var words = strings.Fields(`when you finally see it nobody told me about this look at that again
	the whole street was there last night and still no answer share before they delete it
	monday morning feeling part two wait for the end my neighbour really did this today
	original from the other page do not believe everything best day ever who remembers this`)

// fitting is a run of up to n words, as many as the width has room for.
func fitting(r *rand.Rand, f font.Face, n, width int, style func(string) string) string {
	text := style(phrase(r, n))
	for font.MeasureString(f, text).Ceil() > width && strings.Contains(text, " ") {
		text = text[:strings.LastIndex(text, " ")]
	}
	return text
}

// plain leaves a text as it is.
func plain(s string) string { return s }

// phrase is a run of n words.
func phrase(r *rand.Rand, n int) string {
	from := r.IntN(len(words) - n)
	return strings.Join(words[from:from+n], " ")
}

// say draws one line of text with its middle (centred) or start at x and its base at y.
func say(dst *image.RGBA, f font.Face, text string, x, y int, centred bool, c color.Color) {
	d := font.Drawer{Dst: dst, Src: image.NewUniform(c), Face: f, Dot: fixed.P(x, y)}
	if centred {
		d.Dot.X -= d.MeasureString(text) / 2
	}
	d.DrawString(text)
}

// textOverlay writes a line across the picture, such as a sender's name or a comment.
func textOverlay(percent float64) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		out := clone(m)
		size := percent / 100 * float64(m.Rect.Dy())
		c := fills[r.IntN(4)].color(r)
		y := int(between(r, 0.1, 0.95)*float64(m.Rect.Dy()-int(size))) + int(size)
		f := face(r.IntN(2) == 0, size)
		say(out, f, fitting(r, f, 3+r.IntN(4), m.Rect.Dx(), plain), m.Rect.Dx()/2, y, true, c)
		return out
	}
}

// memeText is white capitals with a black edge at the top and at the bottom.
func memeText(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	out := clone(m)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	size := between(r, 0.08, 0.13) * float64(h)
	f := face(true, size)
	edge := max(1, int(size/14))
	for _, y := range []int{int(size * 1.1), h - int(size*0.4)} {
		text := fitting(r, f, 2+r.IntN(3), w*97/100, strings.ToUpper)
		for _, d := range []image.Point{{-edge, -edge}, {0, -edge}, {edge, -edge}, {-edge, 0}, {edge, 0}, {-edge, edge}, {0, edge}, {edge, edge}} {
			say(out, f, text, w/2+d.X, y+d.Y, true, color.Black)
		}
		say(out, f, text, w/2, y, true, color.White)
	}
	return out
}

// lines draws a band of text: as many lines as fit, centred.
func lines(r *rand.Rand, dst *image.RGBA, band image.Rectangle, n int, bold bool, ink color.Color) {
	step := float64(band.Dy()) / (float64(n) + 0.4)
	f := face(bold, step*0.75)
	for i := range n {
		text := fitting(r, f, 3+r.IntN(4), band.Dx()*95/100, plain)
		say(dst, f, text, (band.Min.X+band.Max.X)/2, band.Min.Y+int(step*(float64(i)+0.95)), true, ink)
	}
}

// captions puts bands with a line or two of text above, below or both.
func captions(above, below bool) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		return banded(r, m, above, below, 0.08, 0.22, false)
	}
}

// memeBand is a tall band above the picture with two to four lines of bold text.
func memeBand(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
	return banded(r, m, true, false, 0.18, 0.38, true)
}

func banded(r *rand.Rand, m *image.RGBA, above, below bool, low, high float64, bold bool) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	paper, ink := color.Color(color.White), color.Color(color.Black)
	if r.IntN(3) == 0 {
		paper, ink = ink, paper
	}
	var top, bottom int
	if above {
		top = scaleInt(h, between(r, low, high))
	}
	if below {
		bottom = scaleInt(h, between(r, low, high))
	}
	out := canvas(w, h+top+bottom, paper)
	put(out, m, 0, top)
	n := 1 + r.IntN(2)
	if bold {
		n += 1 + r.IntN(2)
	}
	if above {
		lines(r, out, image.Rect(0, 0, w, top), n, bold, ink)
	}
	if below {
		lines(r, out, image.Rect(0, h+top, w, h+top+bottom), n, bold, ink)
	}
	return fit(out, maxCanvas, maxCanvas)
}

// logoOverlay puts a made-up emblem into a corner, as stations and sites do.
func logoOverlay(percent float64) apply {
	return func(r *rand.Rand, m *image.RGBA, _ []*image.RGBA) *image.RGBA {
		out := clone(m)
		w, h := m.Rect.Dx(), m.Rect.Dy()
		side := max(4, int(percent/100*float64(h)))
		margin := int(between(r, 0.02, 0.05) * float64(min(w, h)))
		x, y := margin, margin
		if r.IntN(2) == 0 {
			x = max(0, w-side-margin)
		}
		if r.IntN(2) == 0 {
			y = max(0, h-side-margin)
		}
		emblem(r, out, image.Rect(x, y, x+side, y+side))
		return out
	}
}

// emblem draws a disc, a ring and a letter.
func emblem(r *rand.Rand, dst *image.RGBA, at image.Rectangle) {
	paper, ink := anyColour(r), color.RGBA{255, 255, 255, 255}
	if luma([]uint8{paper.R, paper.G, paper.B}) > 140 {
		ink = color.RGBA{20, 20, 20, 255}
	}
	disc(dst, at, ink)
	disc(dst, at.Inset(max(1, at.Dx()/16)), paper)
	size := float64(at.Dy()) * 0.7
	say(dst, face(true, size), string(rune('A'+r.IntN(26))), (at.Min.X+at.Max.X)/2, at.Min.Y+int(float64(at.Dy())*0.75), true, ink)
}

// disc fills the ellipse within a rectangle.
func disc(dst *image.RGBA, at image.Rectangle, c color.Color) {
	rx, ry := float64(at.Dx())/2, float64(at.Dy())/2
	for y := at.Min.Y; y < at.Max.Y; y++ {
		d := (float64(y-at.Min.Y) + 0.5 - ry) / ry
		half := int(rx * math.Sqrt(max(0, 1-d*d)))
		mid := (at.Min.X + at.Max.X) / 2
		draw.Draw(dst, image.Rect(mid-half, y, mid+half, y+1), image.NewUniform(c), image.Point{}, draw.Src)
	}
}
