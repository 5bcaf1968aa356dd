package screen

import (
	"fmt"
	"image"
	"slices"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match"
)

// Crops of a known picture. A PDQ hash moves by 22 bits of its 31 when the picture is
// shifted by 1 % of its width, and by 18 when 1 % is cut away on every side (medians of 308
// photographs), so a cropped copy matches nothing. Where all that is known is a hash,
// nothing can be done about it; of a picture that we have, what a cropped copy would show
// can be hashed beforehand.
//
// More signals could match more by mistake. With all 300 crops, 3.2 million pairs of
// unrelated pictures (308 photographs; the whole and 33 parts of each, of 20 to 100 % of
// the width and height, against all others in eight orientations) gave no match, and
// the nearest were 56 bits apart. Nor did 106,000 pairs of drawn slides, pages of text,
// tables and chats, 60 of a layout, but for four that matched by the whole.

// crops returns the crops that are kept of every known picture.
func (o Options) crops() []crop {
	switch {
	case o.Crops < 0:
		return nil
	case o.Crops == 0:
		return cropTable[:DefaultCrops]
	}
	return cropTable[:min(o.Crops, MaxCrops)]
}

// crop is a part of a picture: where its left and upper edge are, and its width and
// height, in per cent of the picture's.
type crop struct{ x, y, w, h int8 }

// token is the crop's token in match.Signal.Transform.
func (c crop) token() string { return fmt.Sprintf("crop:%d,%d,%d,%d", c.x, c.y, c.w, c.h) }

// of is the part of a picture with these bounds, its edges rounded to whole pixels.
func (c crop) of(b image.Rectangle) image.Rectangle {
	at := func(side, percent int) int { return (side*percent + 50) / 100 }
	x, y, w, h := int(c.x), int(c.y), int(c.w), int(c.h)
	return image.Rect(at(b.Dx(), x), at(b.Dy(), y), at(b.Dx(), x+w), at(b.Dy(), y+h)).Add(b.Min)
}

// ParseCrop reads the token of a crop in Signal.Transform: "crop:x,y,w,h" is the
// part of the known picture that begins x per cent of its width from its left edge and y
// per cent of its height from its top, and is w and h per cent as wide and high.
// The rectangle is in per cent, within 0 to 100, and neither empty nor all of the picture.
// ok is false for any other token.
func ParseCrop(token string) (percent image.Rectangle, ok bool) {
	var c crop
	if n, err := fmt.Sscanf(token, "crop:%d,%d,%d,%d", &c.x, &c.y, &c.w, &c.h); n != 4 || err != nil || c.token() != token {
		return image.Rectangle{}, false
	}
	r := image.Rectangle{Min: image.Pt(int(c.x), int(c.y)), Max: image.Pt(int(c.x)+int(c.w), int(c.y)+int(c.h))}
	all := image.Rect(0, 0, 100, 100)
	if c.w <= 0 || c.h <= 0 || r == all || !r.In(all) {
		return image.Rectangle{}, false
	}
	return r, true
}

// cropSignals hashes the crops of a known picture, of the whole and of what lies
// within its border: whoever cuts a picture cuts the border away first, but what was
// taken for a border may be a dark edge. kept are the picture's other signals. Crops that
// show too little are left out, and those that are as near to a signal that is kept as the
// frames of a video that are pruned.
func cropSignals(hasher *pdq.Hasher, looks []look, crops []crop, kept []match.Signal) []match.Signal {
	given := len(kept)
	kept = slices.Clone(kept)
	parts := make([]image.Rectangle, len(crops))
	for _, l := range looks {
		for i, c := range crops {
			parts[i] = c.of(l.picture.Bounds())
		}
		for i, part := range hasher.Parts(l.picture, parts) {
			if !part.Value.IsValid() || !part.Quality.Passes(hash.DefaultGate) {
				continue
			}
			if slices.ContainsFunc(kept, func(s match.Signal) bool {
				d, ok := part.Value.Distance(s.Value)
				return ok && d <= pruneRadius
			}) {
				continue
			}
			transform := append(slices.Clone(l.transform), crops[i].token())
			kept = append(kept, match.Signal{Value: part.Value, Quality: part.Quality, Transform: transform})
		}
	}
	return kept[given:]
}
