package clips

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Art is drawn by this program: what is laid over clips and put between them.
type Art struct{ Logo, Card, Text Clip }

// Draw writes the art into a folder.
func Draw(folder string) (Art, error) {
	var a Art
	for _, x := range []struct {
		dst  *Clip
		name string
		draw func() (image.Image, error)
	}{{&a.Logo, "logo.png", drawLogo}, {&a.Card, "card.png", drawCard}, {&a.Text, "text.png", drawText}} {
		m, err := x.draw()
		if err != nil {
			return a, err
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			return a, err
		}
		sum := sha256.Sum256(b.Bytes())
		*x.dst = Clip{Path: filepath.Join(folder, x.name), Sum: hex.EncodeToString(sum[:]), Width: m.Bounds().Dx(), Height: m.Bounds().Dy()}
		if err := os.WriteFile(x.dst.Path, b.Bytes(), 0o644); err != nil {
			return a, err
		}
	}
	return a, nil
}

// drawLogo is a shield with letters, opaque.
func drawLogo() (image.Image, error) {
	m := image.NewRGBA(image.Rect(0, 0, 320, 320))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{178, 24, 32, 255}), image.Point{}, draw.Src)
	for y := range 320 {
		for x := range 320 {
			if d := (x-160)*(x-160) + (y-150)*(y-150); d < 130*130 && d > 108*108 {
				m.SetRGBA(x, y, color.RGBA{250, 240, 220, 255})
			}
		}
	}
	if err := say(m, "RE24", 84, 58, 178); err != nil {
		return nil, err
	}
	return m, say(m, "WORLD NEWS", 44, 22, 308)
}

// drawCard is a title card: a slope of colour, a title and lines of small print.
func drawCard() (image.Image, error) {
	m := image.NewRGBA(image.Rect(0, 0, 1280, 720))
	for y := range 720 {
		for x := range 1280 {
			m.SetRGBA(x, y, color.RGBA{uint8(10 + x/24), uint8(30 + y/12), uint8(90 + (x+y)/28), 255})
		}
	}
	draw.Draw(m, image.Rect(0, 430, 1280, 444), image.NewUniform(color.RGBA{230, 180, 40, 255}), image.Point{}, draw.Src)
	for _, l := range []struct {
		text    string
		size    float64
		x, base int
	}{{"THE EVENING", 150, 90, 240}, {"BROADCAST", 150, 180, 400}, {"tonight at eight with reports from everywhere", 44, 120, 530}, {"episode 112   part two   all rights reserved", 38, 120, 610}} {
		if err := say(m, l.text, l.size, l.x, l.base); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// drawText is a strip of text to scroll.
func drawText() (image.Image, error) {
	m := image.NewRGBA(image.Rect(0, 0, 2400, 64))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{20, 20, 30, 255}), image.Point{}, draw.Src)
	return m, say(m, "breaking  share this before they take it down  +++  follow the channel for the second part  +++  more in the comments  +++  do not let them hide it", 40, 20, 46)
}

// say writes a line in white; x and base are where it starts.
func say(m draw.Image, text string, size float64, x, base int) error {
	parsed, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return fmt.Errorf("clips: %w", err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		return fmt.Errorf("clips: %w", err)
	}
	d := font.Drawer{Dst: m, Src: image.White, Face: face, Dot: fixed.P(x, base)}
	d.DrawString(text)
	return nil
}
