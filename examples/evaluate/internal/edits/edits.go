// Package edits is what people do to a picture before they post it again, each at
// several strengths: the transforms of Copydays and SSCD and the frames, bands and
// collages of phones and messengers.
//
// Whatever a person would choose anew each time (the height of a band, its colour,
// a text, the place of a logo) is drawn from the random source, so that nothing can
// be fitted to one value. The same source state gives the same picture.
package edits

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
)

// Edit is one transform at one strength.
type Edit struct {
	Family   string // for the grouping of tables: tone, border, crop, ...
	Name     string // the transform
	Strength string // with its unit; empty where there is only one
	Others   int    // how many unrelated pictures it shows beside this one

	apply  apply
	encode encode // nil: JPEG of quality 85, as a platform would store it
}

// apply makes the edited picture. It leaves m and others as they are, and may return
// m itself. All pictures are opaque, at the origin, with rows packed.
type apply func(r *rand.Rand, m *image.RGBA, others []*image.RGBA) *image.RGBA

// encode writes a file.
type encode func(dst *bytes.Buffer, m *image.RGBA) error

// String is the name and the strength, as tables and filters have it.
func (e Edit) String() string {
	if e.Strength == "" {
		return e.Name
	}
	return e.Name + " " + e.Strength
}

// Post appends to dst the file that is posted: the edited picture as JPEG of quality
// 85, unless the edit is itself a file format. m must be opaque, at the origin, with
// rows packed (see Packed), and so must others, of which there must be e.Others.
func (e Edit) Post(dst *bytes.Buffer, r *rand.Rand, m *image.RGBA, others []*image.RGBA) error {
	if len(others) < e.Others {
		return fmt.Errorf("edits: %s shows %d other pictures, got %d", e, e.Others, len(others))
	}
	out := m
	if e.apply != nil {
		out = e.apply(r, m, others)
	}
	if e.encode != nil {
		return e.encode(dst, out)
	}
	return asJPEG(dst, out, 85)
}

// All returns every edit, family by family. The strengths:
//
//   - jpeg: the quality. resize: the factor along either axis. blur: sigma in pixels. noise: sigma in steps of 255.
//   - gamma, contrast, brightness, saturation: the exponent or factor; brightness in steps of 255.
//   - text, logo: the height against the picture's. padding: of either axis, added at each end.
//   - letterbox, pillarbox: bars at both ends, each 8 to 30 % of the picture's height or width.
//   - crop: of the width and of the height, removed in all: "crop centre 20 %" keeps the middle 80 % of either
//     axis, which is 64 % of the area. (What others call a crop of 5 % at every edge is our 10 %.)
//   - picture in picture: the share of the other picture's width and height that the box around it takes.
//   - rotate: degrees, either way. aspect: the width's factor.
func All() []Edit {
	var all []Edit
	add := func(family, name string, strengths ...strength) {
		for _, s := range strengths {
			all = append(all, Edit{Family: family, Name: name, Strength: s.name, Others: s.others, apply: s.apply, encode: s.encode})
		}
	}
	add("file", "none", strength{})
	add("file", "jpeg", jpegs(3, 5, 8, 10, 15, 20, 30, 50, 75)...)
	add("file", "png", strength{encode: asPNG})
	add("file", "gif", strength{encode: asGIF})
	add("file", "reposted three times", only(reposted))
	add("size", "resize", each("x%g", resize, 0.1, 0.25, 0.5, 2)...)
	add("size", "aspect", each("x%g", aspect, 0.8, 1.25, 1.5)...)
	add("tone", "blur", each("%g px", blur, 1, 2, 4)...)
	add("tone", "noise", each("%g", noise, 8, 16, 32)...)
	add("tone", "gamma", each("%g", gamma, 0.5, 1.5, 2.2)...)
	add("tone", "contrast", each("x%g", contrast, 0.5, 1.5, 2)...)
	add("tone", "brightness", each("%+g", brightness, -60, -30, 30, 60)...)
	add("tone", "saturation", each("x%g", saturation, 0.4, 2)...)
	add("tone", "grey", only(saturation(0)))
	add("tone", "sepia", only(sepia))
	add("tone", "vignette", each("%g%%", vignette, 50, 90)...)
	add("overlay", "text", each("%g%%", textOverlay, 4, 8, 16)...)
	add("overlay", "logo", each("%g%%", logoOverlay, 8, 16, 30)...)
	add("overlay", "meme text", only(memeText))
	add("band", "caption", named("above", captions(true, false)), named("below", captions(false, true)), named("both", captions(true, true)))
	add("band", "meme band", only(memeBand))
	for _, fill := range fills {
		add("border", "letterbox", named(fill.name, bars(fill, false)))
	}
	for _, fill := range fills {
		add("border", "pillarbox", named(fill.name, bars(fill, true)))
	}
	add("border", "padding", each("%g%%", padding, 5, 10, 20)...)
	add("border", "blurred fill", named("portrait", blurredFill(true)), named("landscape", blurredFill(false)))
	add("screenshot", "screenshot", named("phone feed", phoneFeed), named("phone gallery", phoneGallery), named("browser", browser), named("viewer", viewer))
	add("composite", "collage of 4", strength{name: "tight", others: 3, apply: collage(false)}, strength{name: "gutters", others: 3, apply: collage(true)})
	for _, p := range []float64{50, 70} {
		add("composite", "picture in picture", strength{name: fmt.Sprintf("%g%%", p), others: 1, apply: pictureInPicture(p)})
	}
	add("turn", "mirror", only(mirror))
	add("turn", "flip", only(flip))
	add("turn", "turn", named("left", turnLeft), named("half", halfTurn), named("right", turnRight))
	add("turn", "rotate", each("%g deg", rotate, 1, 2, 4, 10)...)
	add("crop", "crop centre", each("%g%%", cropCentre, 5, 10, 20, 30, 50)...)
	add("crop", "crop off-centre", each("%g%%", cropAnywhere, 5, 10, 20, 30, 50)...)
	add("crop", "crop corner", each("%g%%", cropCorner, 5, 10, 20, 30, 50)...)
	return all
}

// strength is one row of a transform.
type strength struct {
	name   string
	others int
	apply  apply
	encode encode
}

func only(f apply) strength { return strength{apply: f} }

func named(name string, f apply) strength { return strength{name: name, apply: f} }

// each makes a strength of every value, named by the format.
func each(format string, f func(float64) apply, values ...float64) []strength {
	var all []strength
	for _, v := range values {
		all = append(all, named(fmt.Sprintf(format, v), f(v)))
	}
	return all
}

// jpegs makes a strength of every quality.
func jpegs(qualities ...int) []strength {
	var all []strength
	for _, q := range qualities {
		all = append(all, strength{name: fmt.Sprint(q), encode: func(dst *bytes.Buffer, m *image.RGBA) error { return asJPEG(dst, m, q) }})
	}
	return all
}
