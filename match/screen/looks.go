package screen

import (
	"context"
	"image"
	"io"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/imagehash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
	"github.com/rematch-go/rematch/match"
)

// Parts of a picture are looked at beside it, and some of them could be parts of many
// pictures: those must be nearer. In bits of a PDQ hash; hashes of other lengths in
// proportion. (No look at 4,440 edits of 180 photographs was within 48 bits of one of
// 5,437 other photographs and crops of them, in 24 million pairs: others need no limit.)
const (
	// flatLimit is for what lies within a border and is flat (region.Part): logos,
	// slides and lines of text. Of 600 slides within borders, no two were nearer than
	// 26 bits.
	flatLimit = 15
	// faintLimit is for parts that show so little that their quality is below
	// faintQuality, not far over the gate.
	faintLimit   = 23
	faintQuality = 70
)

// foundParts is how many parts of a video's frame are looked at, beside what lies
// within its border. Of the first frame it is all: it may be the only one, a still in the
// guise of a video.
const foundParts = 2

// halfLimit is for halves of frames (hash.Half): none agrees beyond PDQ's own threshold,
// but along a line within twice of it. (Of 1.8 million pairs of halves of 10 clips and 20
// unrelated ones the nearest were 81 bits apart.)
const halfLimit = 31

// pictures returns a known picture as it is and, where a uniform border surrounds it,
// what lies within; each with the tokens of what was done.
func pictures(m image.Image) []look {
	all := []look{{picture: m}}
	if inner, found := region.WithinBorder(m); found {
		all = append(all, look{picture: region.Crop(m, inner), transform: []string{region.Part{Kind: region.Border}.String()}})
	}
	return all
}

type look struct {
	picture   image.Image
	transform []string
}

// looker looks at uploads' pictures. It keeps its buffers; it is not safe for
// concurrent use.
type looker struct {
	hasher pdq.Hasher
	finder region.Finder
	parts  []region.Part
}

// looks hashes an upload's picture every way it is judged: as it is and its parts, all
// of them or the first few, in eight orientations. Pictures too small to hash give no look.
func (l *looker) looks(m image.Image, kinds []hash.Kind, all bool) ([]match.Look, error) {
	l.parts = l.finder.Parts(l.parts[:0], m)
	if !all {
		l.parts = l.parts[:min(len(l.parts), foundParts+bordered(l.parts))]
	}
	looks := make([]match.Look, 0, (1+len(l.parts))*len(kinds)*hash.Orientations)
	looks, err := l.add(looks, m, nil, kinds)
	for i := 0; i < len(l.parts) && err == nil; i++ {
		looks, err = l.add(looks, m, &l.parts[i], kinds)
	}
	return looks, err
}

// halves appends the looks at the halves of a video's frame, or of what lies within its
// border, of which looks has the others. They are for what is partly covered: not for
// copies that are mirrored or turned as well.
func (l *looker) halves(looks []match.Look, m image.Image) []match.Look {
	bounds := m.Bounds()
	if bordered(l.parts) > 0 {
		bounds = l.parts[0].Bounds
	}
	for h := hash.Top; h < hash.Halves; h++ {
		area := h.Of(bounds)
		value, quality := l.hasher.Sum(region.Crop(m, area))
		if value.IsValid() && quality.Passes(hash.DefaultGate) {
			looks = append(looks, match.Look{Transform: []string{h.String()}, Value: value, Quality: quality, Limit: halfLimit, Area: area})
		}
	}
	return looks
}

func isHalf(l *match.Look) bool {
	if len(l.Transform) == 0 {
		return false
	}
	_, is := hash.ParseHalf(l.Transform[0])
	return is
}

func bordered(parts []region.Part) int {
	if len(parts) > 0 && parts[0].Kind == region.Border {
		return 1
	}
	return 0
}

// add appends the looks at a part, or at the whole picture.
func (l *looker) add(looks []match.Look, m image.Image, part *region.Part, kinds []hash.Kind) ([]match.Look, error) {
	var transform []string
	var area image.Rectangle
	if part != nil {
		m, transform = region.Crop(m, part.Bounds), []string{part.String()}
		if part.Kind != region.Border {
			area = part.Bounds
		}
	}
	for _, k := range kinds {
		values, quality, err := orientations(&l.hasher, m, k)
		if err != nil {
			return nil, err
		}
		limit := limitOf(part, quality) * k.Bits() / hash.PDQ.Bits()
		for i, value := range values {
			if !value.IsValid() {
				continue
			}
			transform := transform
			if o := hash.Orientation(i); o != hash.Original {
				transform = append(transform[:len(transform):len(transform)], o.String())
			}
			looks = append(looks, match.Look{Transform: transform, Value: value, Quality: quality, Limit: limit, Area: area})
		}
	}
	return looks, nil
}

// limitOf returns the limit of a look in bits of a PDQ hash, or 0.
func limitOf(part *region.Part, q hash.Quality) int {
	switch {
	case part == nil:
		return 0
	case part.Flat:
		return flatLimit
	case part.Kind != region.Border && q < faintQuality:
		return faintLimit
	}
	return 0
}

func orientations(hasher *pdq.Hasher, m image.Image, k hash.Kind) (values [hash.Orientations]hash.Value, q hash.Quality, err error) {
	if k == hash.PDQ {
		values, q = hasher.Orientations(m)
		return values, q, nil
	}
	return imagehash.Orientations(k, m)
}

// sum is one orientation's worth of orientations, for references.
func sum(hasher *pdq.Hasher, m image.Image, k hash.Kind) (hash.Value, hash.Quality, error) {
	if k == hash.PDQ {
		value, q := hasher.Sum(m)
		return value, q, nil
	}
	return imagehash.Sum(k, m)
}

// contextReader fails once its context has ended.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
