package screen

import (
	"cmp"
	"image"
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
	"github.com/rematch-go/rematch/match"
)

// videoParts are the parts of a known video's frames that are kept beside the whole: the
// halves that a logo leaves, two of four in whatever corner it is, and the crops of copies
// that lost 4, 10 and 20 % of their width and height around the middle. A hash bears a per
// cent more or less.
var videoParts = []framePart{
	{half: hash.Top}, {half: hash.Left}, {crop: crop{5, 5, 90, 90}}, {half: hash.Bottom}, {half: hash.Right},
	{crop: crop{10, 10, 80, 80}}, {crop: crop{2, 2, 96, 96}},
}

// framePart is a half of a picture, or a crop.
type framePart struct {
	half hash.Half
	crop crop
}

func (p framePart) of(b image.Rectangle) image.Rectangle {
	if p.half != hash.Whole {
		return p.half.Of(b)
	}
	return p.crop.of(b)
}

func (p framePart) token() string {
	if p.half != hash.Whole {
		return p.half.String()
	}
	return p.crop.token()
}

// partRadius is how near, in bits of a PDQ hash, a part of a known video's frame must be to
// the one that was kept to be left out. Fewer are kept than of whole frames: one frame of an
// upload in ten is enough to name a known video by its parts.
const partRadius = 20

// radius is partRadius but for halves where there is room for more: where little moves,
// little tells one moment from another.
func (p framePart) radius(b *budget) int {
	if p.half != hash.Whole && b.part > partBurst/2 {
		return pruneRadius
	}
	return partRadius
}

// parts are the parts of a known video's frames that are kept. Each stands for as long as
// it looks about the same; then it waits for its turn.
type parts struct {
	signals []match.Signal // by From; those that stand still have no To
	tracks  []partTrack
}

type partTrack struct {
	framePart
	stands int           // the signal that stands, from 1; 0: none
	last   time.Duration // when the last one was kept
}

func newParts() parts {
	var p parts
	for _, part := range videoParts {
		p.tracks = append(p.tracks, partTrack{framePart: part})
	}
	return p
}

// add looks at a frame, or at what lies within its border. judged tells whether it shows
// enough.
func (p *parts) add(hasher *pdq.Hasher, l look, at time.Duration, judged bool, b *budget) {
	// The one that was kept the longest time ago first.
	slices.SortStableFunc(p.tracks, func(x, y partTrack) int { return cmp.Compare(x.last, y.last) })
	for i := range p.tracks {
		t := &p.tracks[i]
		var value hash.Value
		var quality hash.Quality
		if judged {
			value, quality = hasher.Sum(region.Crop(l.picture, t.of(l.picture.Bounds())))
		}
		shown := value.IsValid() && quality.Passes(hash.DefaultGate)
		if t.stands > 0 {
			stood := &p.signals[t.stands-1]
			if d, ok := value.Distance(stood.Value); shown && ok && d <= t.radius(b) {
				continue
			}
			stood.To, t.stands = at, 0
		}
		if shown && b.takePart() {
			transform := append(l.transform[:len(l.transform):len(l.transform)], t.token())
			p.signals = append(p.signals, match.Signal{Value: value, Quality: quality, Transform: transform, From: at})
			t.stands, t.last = len(p.signals), at
		}
	}
}

// end returns the signals of a video that ends then; of a still there are none.
func (p *parts) end(at time.Duration) []match.Signal {
	if at == 0 {
		return nil
	}
	for _, t := range p.tracks {
		if t.stands > 0 {
			p.signals[t.stands-1].To = at
		}
	}
	return p.signals
}
