// Package region finds the pictures within a picture: what lies within a border, the
// picture in a screenshot or between captions, the panels of a collage. A perceptual
// hash of the whole does not see them, so they must be looked at as well.
//
// It looks at luma only: what differs in hue alone can't be told. What it finds
// depends on the pixels alone. An edge of the scene itself, a horizon for instance, may
// be taken for the side of a part: that costs a second look, not a match, because the
// picture as it is must be judged too.
//
// There are two ways. Borders are uniform rows and columns from the outside inwards.
// All other parts are found by their sides: where two pictures meet, luma steps along
// one straight line, a pixel wide, in most of its pixels, and four such lines, or
// three and a side of the picture, seldom come together in a photograph.
package region

import (
	"cmp"
	"fmt"
	"image"
	"slices"
)

// Kind says how a part lies in its picture.
type Kind uint8

// The kinds. The zero Kind is none of them.
const (
	Border Kind = iota + 1 // within uniform bars on one to four sides
	Inner                  // within something else: a screenshot, captions, another picture
	Panel                  // one of several that lie side by side
)

// Part is a part of a picture that may be a picture of its own.
type Part struct {
	Bounds image.Rectangle // in the coordinates of the picture's bounds
	Kind   Kind
	// Number counts the panels that were found, by rows, from 1 to Of. Both are 0 for
	// the other kinds.
	Number, Of int
	// Flat tells that more than half of the part has about the same luma, as slides,
	// text and logos: then many look alike.
	Flat bool
}

// String returns the part's stable token: border, inner or panel:2/4.
func (p Part) String() string {
	switch p.Kind {
	case Border:
		return "border"
	case Inner:
		return "inner"
	case Panel:
		return fmt.Sprintf("panel:%d/%d", p.Number, p.Of)
	}
	return "invalid"
}

const (
	// mostParts bounds the parts that are found, and mostArea the pixels in them, in
	// pictures' worth: what they cost to hash.
	mostParts = 16
	mostArea  = 4
	// leastPixels is the shortest side of a part, in pixels: PDQ takes 64 samples.
	leastPixels = 48
	// leastPositions is the shortest side of a picture, reduced, in which parts are
	// looked for.
	leastPositions = 24
	// tiling is the share, in percent, of the picture that panels must cover together.
	tiling = 70
)

// Finder finds parts of pictures, and keeps its buffers for the next one: about 400
// KiB. After the first picture of a size it does not allocate, but for picture types
// that are read through At. The zero Finder is ready. It is not safe for concurrent
// use; results do not depend on what it saw before.
type Finder struct {
	bars    bars
	sampler sampler
	rects   rects
	panels  []int
}

// Parts appends the parts of m that may be pictures of their own to dst: first what
// lies within its border, then what lies in the middle between two lines from side to side,
// then others, those with the clearest sides first. There are at
// most 17, and all but the first together have at most 4 times the pixels of m; most
// photographs have none. Parts may overlap.
//
// A part other than within a border has at least 15 % of the width and of the height
// of m and 48 pixels along each side, and is not flat (Part.Flat): bands of text and
// toolbars are left out. Uniform strips up to 5 % wide along its sides, the gutters
// between panels, are cut off.
//
// The cost is that of one PDQ hash at 512 x 512 pixels and hardly grows beyond, but for
// uniform bars, of which every pixel is read: up to three PDQ hashes of the picture. For
// parts to be found m must be at least 48 pixels wide and high, and not more than about
// 25 times as long as it is wide.
func (f *Finder) Parts(dst []Part, m image.Image) []Part {
	start := len(dst)
	if border, found := f.Border(m); found {
		dst = append(dst, Part{Bounds: border, Kind: Border, Flat: f.flat(m, border)})
	}
	s := &f.sampler
	defer s.reader.Reset(nil) // as in Border
	if !s.load(m) {
		return dst
	}
	f.rects.search(&s.x, &s.y)
	whole, first, room := m.Bounds(), len(dst), mostArea*pixels(m.Bounds())
	take := func(q image.Rectangle) {
		if len(dst)-first == mostParts || s.flat(q) {
			return
		}
		r := s.refine(q).Add(whole.Min)
		known := func(p Part) bool { return alike(p.Bounds, r) }
		if min(r.Dx(), r.Dy()) < leastPixels || pixels(r) > room || known(Part{Bounds: whole}) || slices.ContainsFunc(dst[start:], known) {
			return
		}
		room -= pixels(r)
		dst = append(dst, Part{Bounds: r, Kind: Inner})
	}
	if q, found := f.rects.band(); found {
		take(q)
	}
	banded := len(dst) - first
	var divided *rect
	for i := 0; i < len(f.rects.all) && len(dst)-first < mostParts; i++ {
		q := &f.rects.all[i]
		if !f.rects.divided(q) {
			take(q.Rectangle)
		} else if divided == nil && q.inside && q.support >= leastDivided {
			divided = q
		}
	}
	if divided != nil {
		take(divided.Rectangle)
	}
	f.number(dst[first:], banded, whole)
	return dst
}

func pixels(r image.Rectangle) int64 { return int64(r.Dx()) * int64(r.Dy()) }

// alike reports whether two parts are the same but for a hundredth of their sides.
func alike(a, b image.Rectangle) bool {
	near := func(u, v, side int) bool { return 100*max(u-v, v-u) <= side }
	return near(a.Min.X, b.Min.X, a.Dx()) && near(a.Max.X, b.Max.X, a.Dx()) && near(a.Min.Y, b.Min.Y, a.Dy()) && near(a.Max.Y, b.Max.Y, a.Dy())
}

// number makes panels of the parts that lie side by side, the clearest ones, if they
// cover most of the picture. The first few come last: panels can make a band by chance.
func (f *Finder) number(parts []Part, last int, whole image.Rectangle) {
	f.panels = f.panels[:0]
	area := int64(0)
	for n := range parts {
		i := (n + last) % len(parts)
		p := parts[i]
		// A pixel or two they may share.
		inner := p.Bounds.Inset(min(p.Bounds.Dx(), p.Bounds.Dy()) / 50)
		if !slices.ContainsFunc(f.panels, func(j int) bool { return inner.Overlaps(parts[j].Bounds) }) {
			f.panels = append(f.panels, i)
			area += pixels(p.Bounds)
		}
	}
	if len(f.panels) < 2 || 100*area < tiling*pixels(whole) {
		return
	}
	// By rows: a row goes on while panels begin above the middle of its first.
	slices.SortFunc(f.panels, func(i, j int) int {
		a, b := parts[i].Bounds.Min, parts[j].Bounds.Min
		return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
	})
	for rest := f.panels; len(rest) > 0; {
		top := parts[rest[0]].Bounds
		n := 1
		for n < len(rest) && 2*parts[rest[n]].Bounds.Min.Y < top.Min.Y+top.Max.Y {
			n++
		}
		slices.SortFunc(rest[:n], func(i, j int) int { return cmp.Compare(parts[i].Bounds.Min.X, parts[j].Bounds.Min.X) })
		rest = rest[n:]
	}
	for n, i := range f.panels {
		parts[i].Kind, parts[i].Number, parts[i].Of = Panel, n+1, len(f.panels)
	}
}

// Crop returns the part of m within r, which must have pixels in common with it,
// as a picture that shares its memory. Every picture type of package image but
// image.Uniform keeps its type, and with it the fast path of the hashes.
func Crop(m image.Image, r image.Rectangle) image.Image {
	r = r.Intersect(m.Bounds())
	if s, ok := m.(interface {
		SubImage(r image.Rectangle) image.Image
	}); ok {
		return s.SubImage(r)
	}
	return window{m, r}
}

// window is a part of a picture of a type that can't make one itself.
type window struct {
	image.Image
	bounds image.Rectangle
}

func (w window) Bounds() image.Rectangle { return w.bounds }
