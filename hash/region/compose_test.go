package region_test

import (
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg"
	_ "image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	_ "golang.org/x/image/webp"
)

// The edits of these tests: a picture among other things, on a canvas. Each returns
// where the picture lies. What is not said is drawn by lot.

// decoded reads a picture file.
func decoded(t testing.TB, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	m, _, err := image.Decode(f)
	require.NoError(t, err, path)
	return m
}

// own returns pictures of the project's own, scaled to about a third of a megapixel.
func own(t testing.TB) []image.Image {
	t.Helper()
	var all []image.Image
	for _, name := range []string{"known/harbour.jpg", "known/flowers.jpg", "uploads/clean/other-street.jpg", "uploads/clean/autumn.jpg", "uploads/clean/lake.jpg"} {
		all = append(all, shrunk(decoded(t, filepath.Join("..", "..", "testdata", name)), 600))
	}
	return all
}

// shrunk scales a picture to the area of a square of the given side, at most to its
// own size.
func shrunk(m image.Image, side float64) image.Image {
	w, h := float64(m.Bounds().Dx()), float64(m.Bounds().Dy())
	f := min(side/math.Sqrt(w*h), 1)
	return scaled(m, int(w*f), int(h*f))
}

func scaled(m image.Image, w, h int) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.CatmullRom.Scale(dst, dst.Rect, m, m.Bounds(), draw.Src, nil)
	return dst
}

func filled(w, h int, c color.Color) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return dst
}

// put draws a picture with its corner at x, y.
func put(dst draw.Image, m image.Image, x, y int) image.Rectangle {
	r := m.Bounds().Sub(m.Bounds().Min).Add(image.Pt(x, y))
	draw.Draw(dst, r, m, m.Bounds().Min, draw.Src)
	return r
}

// between is a number by lot.
func between(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }

func someGrey(r *rand.Rand) color.Color {
	return color.Gray{Y: []uint8{0, 255, uint8(40 + r.IntN(180))}[r.IntN(3)]}
}

var letters = func() *opentype.Font {
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		panic(err) // the font is compiled in
	}
	return f
}()

// write fills a box with lines of made-up words.
func write(t testing.TB, r *rand.Rand, dst draw.Image, box image.Rectangle, size float64, c color.Color) {
	t.Helper()
	face, err := opentype.NewFace(letters, &opentype.FaceOptions{Size: size, DPI: 72})
	require.NoError(t, err)
	d := font.Drawer{Dst: dst, Src: image.NewUniform(c), Face: face}
	for y := box.Min.Y + int(size); y < box.Max.Y; y += int(1.4 * size) {
		end := box.Max.X - r.IntN(1+box.Dx()/3)
		for d.Dot = fixed.P(box.Min.X, y); ; {
			word := []byte("aeioubdfgklmnprst"[r.IntN(10):][:2+r.IntN(6)])
			r.Shuffle(len(word), func(i, j int) { word[i], word[j] = word[j], word[i] })
			if d.Dot.X.Ceil()+d.MeasureString(string(word)).Ceil() > end {
				break
			}
			d.DrawString(string(word) + " ")
		}
	}
}

// edit puts a picture among other things.
type edit func(t testing.TB, r *rand.Rand, m image.Image, others []image.Image) (image.Image, image.Rectangle)

var edits = map[string]edit{
	"bars": func(_ testing.TB, r *rand.Rand, m image.Image, _ []image.Image) (image.Image, image.Rectangle) {
		w, h := m.Bounds().Dx(), m.Bounds().Dy()
		x, y := int(between(r, .04, .3)*float64(w)), int(between(r, .04, .3)*float64(h))
		switch r.IntN(3) {
		case 0:
			x = 0
		case 1:
			y = 0
		}
		dst := filled(w+2*x, h+2*y, someGrey(r))
		return dst, put(dst, m, x, y)
	},
	"caption": func(t testing.TB, r *rand.Rand, m image.Image, _ []image.Image) (image.Image, image.Rectangle) {
		w, h := m.Bounds().Dx(), m.Bounds().Dy()
		band := int(between(r, .1, .3) * float64(h))
		paper, ink := color.Gray{Y: 255}, color.Gray{}
		if r.IntN(2) == 0 {
			paper, ink = ink, paper
		}
		dst := filled(w, h+band, paper)
		y := 0
		if r.IntN(2) == 0 {
			y = h
		}
		write(t, r, dst, image.Rect(w/30, y+band/10, w-w/30, y+band-band/10), max(float64(band)*between(r, .2, .5), 11), ink)
		return dst, put(dst, m, 0, band-band*y/h)
	},
	"screenshot": func(t testing.TB, r *rand.Rand, m image.Image, others []image.Image) (image.Image, image.Rectangle) {
		w := m.Bounds().Dx()
		h := m.Bounds().Dy() + int(between(r, .5, .9)*float64(w))
		paper, ink := color.Gray{Y: 255}, color.Gray{Y: 20}
		if r.IntN(2) == 0 {
			paper, ink = color.Gray{Y: 18}, color.Gray{Y: 230}
		}
		dst := filled(w, h, paper)
		u := w / 25
		draw.Draw(dst, image.Rect(0, 0, w, u), image.NewUniform(color.Gray{Y: 90}), image.Point{}, draw.Src)
		write(t, r, dst, image.Rect(u, 0, w/4, u), float64(u)*.7, ink)
		put(dst, scaled(others[0], 2*u, 2*u), u, u+u/2)
		write(t, r, dst, image.Rect(4*u, u+u/2, w-u, 4*u), float64(u), ink)
		at := put(dst, m, 0, 4*u+r.IntN(3*u))
		write(t, r, dst, image.Rect(u, at.Max.Y+u, w-u, h-u), float64(u), ink)
		return dst, at
	},
	"blurred copy": func(_ testing.TB, r *rand.Rand, m image.Image, _ []image.Image) (image.Image, image.Rectangle) {
		w, h := m.Bounds().Dx(), m.Bounds().Dy()
		W, H := int(float64(w)*between(r, 1.3, 2)), h
		if r.IntN(2) == 0 {
			W, H = w, int(float64(h)*between(r, 1.3, 2))
		}
		cover := max(float64(W)/float64(w), float64(H)/float64(h))
		crop := image.Rect(0, 0, int(float64(W)/cover), int(float64(H)/cover)).Add(m.Bounds().Min)
		crop = crop.Add(image.Pt((w-crop.Dx())/2, (h-crop.Dy())/2))
		small := image.NewRGBA(image.Rect(0, 0, 24, 24))
		xdraw.BiLinear.Scale(small, small.Rect, m, crop, draw.Src, nil)
		dst := scaled(small, W, H)
		return dst, put(dst, m, (W-w)/2, (H-h)/2)
	},
	"two by two": func(_ testing.TB, r *rand.Rand, m image.Image, o []image.Image) (image.Image, image.Rectangle) {
		return sheet(r, m, o, 2, 2, 0)
	},
	"two by two, gutters": func(_ testing.TB, r *rand.Rand, m image.Image, o []image.Image) (image.Image, image.Rectangle) {
		return sheet(r, m, o, 2, 2, 3+r.IntN(20))
	},
	"side by side": func(_ testing.TB, r *rand.Rand, m image.Image, o []image.Image) (image.Image, image.Rectangle) {
		return sheet(r, m, o, 2, 1, r.IntN(9))
	},
	"three by three": func(_ testing.TB, r *rand.Rand, m image.Image, o []image.Image) (image.Image, image.Rectangle) {
		return sheet(r, m, o, 3, 3, 3+r.IntN(9))
	},
	"picture in picture": func(_ testing.TB, r *rand.Rand, m image.Image, o []image.Image) (image.Image, image.Rectangle) {
		return inset(r, m, o[0], .5)
	},
	"large one in picture": func(_ testing.TB, r *rand.Rand, m image.Image, o []image.Image) (image.Image, image.Rectangle) {
		return inset(r, m, o[0], .7)
	},
}

// sheet is a grid of pictures.
func sheet(r *rand.Rand, m image.Image, others []image.Image, nx, ny, gutter int) (image.Image, image.Rectangle) {
	w := (700 + r.IntN(400)) / nx
	h := w * m.Bounds().Dy() / m.Bounds().Dx()
	margin := 0
	if r.IntN(2) == 0 {
		margin = gutter
	}
	dst := filled(nx*w+(nx-1)*gutter+2*margin, ny*h+(ny-1)*gutter+2*margin, someGrey(r))
	place := r.IntN(nx * ny)
	var at image.Rectangle
	for i := range nx * ny {
		p := others[i%len(others)]
		if i == place {
			p = m
		}
		q := put(dst, scaled(p, w, h), margin+i%nx*(w+gutter), margin+i/nx*(h+gutter))
		if i == place {
			at = q
		}
	}
	return dst, at
}

// inset is a picture within another, its longer side a share of that one's shorter.
func inset(r *rand.Rand, m, other image.Image, share float64) (image.Image, image.Rectangle) {
	dst := scaled(other, other.Bounds().Dx(), other.Bounds().Dy())
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	f := share * min(float64(dst.Rect.Dx())/float64(w), float64(dst.Rect.Dy())/float64(h))
	p := scaled(m, int(f*float64(w)), int(f*float64(h)))
	return dst, put(dst, p, r.IntN(dst.Rect.Dx()-p.Rect.Dx()+1), r.IntN(dst.Rect.Dy()-p.Rect.Dy()+1))
}
