package hash

import (
	"fmt"
	"image"
)

// Half names a part of a frame that is hashed for itself, so that a copy is found of which
// the rest is covered: a logo in any corner of half the width and height leaves two of the
// four halves as they were.
type Half uint8

// The halves. The zero Half is the whole picture.
const (
	Whole Half = iota
	Top
	Bottom
	Left
	Right
)

// Halves is how many there are, Whole among them.
const Halves = 5

// halfPercent is how much of the height or the width a half has: a logo of half of it may
// stand a little off the edge.
const halfPercent = 46

var halfNames = [Halves]string{"whole", "top", "bottom", "left", "right"}

// String returns the stable token of the half: top, bottom, left or right, and whole for
// Whole.
func (h Half) String() string {
	if int(h) < len(halfNames) {
		return halfNames[h]
	}
	return fmt.Sprintf("half(%d)", uint8(h))
}

// ParseHalf reads a token that String returns, but that of Whole; ok is false for others.
func ParseHalf(token string) (h Half, ok bool) {
	for h := Top; h < Halves; h++ {
		if halfNames[h] == token {
			return h, true
		}
	}
	return Whole, false
}

// Of is the half of a picture with these bounds: 46 % of its height or width, rounded to
// whole pixels, and all of the other side.
func (h Half) Of(b image.Rectangle) image.Rectangle {
	w, t := (b.Dx()*halfPercent+50)/100, (b.Dy()*halfPercent+50)/100
	switch h {
	case Top:
		b.Max.Y = b.Min.Y + t
	case Bottom:
		b.Min.Y = b.Max.Y - t
	case Left:
		b.Max.X = b.Min.X + w
	case Right:
		b.Min.X = b.Max.X - w
	}
	return b
}
