// Package generic makes the hashes of pictures that show nothing in particular: flat ones,
// gradients, edges, frames, stripes, test patterns. A list that has one of them by mistake, or out
// of malice, would match such pictures of everybody.
package generic

import (
	"image"
	"math/bits"
	"sync"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/imagehash"
	"github.com/rematch-go/rematch/hash/pdq"
)

// Picture is the hash of one.
type Picture struct {
	Value hash.Value
	Name  string // what it shows, for people: "a gradient"
	words [4]uint64
}

// Plain returns what picture that shows nothing in particular a PDQ hash is of, for people, or
// nothing. It says the same on every processor, and takes a microsecond; the first call 20 ms.
//
// The pictures are those of slanted edges, of discs, rings and gradients, in all orientations and
// their negatives, up to 31 bits away; and whatever is Separable. How far was measured on 345
// photographs that show enough to be judged: the nearest one is 86 bits away. What PDQ tells of a picture
// that changes along its sides is in great part rounding, another one in every size: such hashes match
// little, and Separable knows many.
func Plain(words [4]uint64) string {
	if Separable(words) {
		return "a corner, a frame or a grid"
	}
	pictures := ofPDQ()
	for i := range pictures {
		p := &pictures[i]
		if withinBits(words, p.words, pdqRadius) {
			return p.Name
		}
	}
	return ""
}

const pdqRadius = 31 // PDQ's threshold: what they would match

// withinBits reports whether two hashes are at most so many bits apart.
func withinBits(a, b [4]uint64, most int) bool {
	for i := range a {
		if most -= bits.OnesCount64(a[i] ^ b[i]); most < 0 {
			return false
		}
	}
	return true
}

// Of returns the pictures of a kind but PDQ, each hash once, and how near to one of them, in bits and
// inclusive, a hash is no other picture's. They are made at the first call for a kind, in 300 ms for
// pHash. goimagehash may have a bit else on another processor.
//
// How near was measured on the same photographs. The nearest is 14 bits away from all of
// pHash, where 8 are allowed; dHash and aHash of 64 bits tell so little that a landscape and an edge can
// be equal: of these only pictures without an edge count, and 0 or 1 bits.
func Of(k hash.Kind) (pictures []Picture, radius int) {
	switch k {
	case hash.PHash:
		return ofPHash(), k.Threshold()
	case hash.DHash:
		return ofDHash(), 1
	case hash.AHash:
		return ofAHash(), 0
	case hash.DHash256:
		return ofDHash256(), 8
	case hash.AHash256:
		return ofAHash256(), 2
	}
	return nil, 0 // phash256 takes goimagehash 50 ms a picture
}

// Within returns the picture that a hash is within the radius of, or nil.
func Within(v hash.Value) *Picture {
	pictures, radius := Of(v.Kind())
	words := v.Words()
	for i := range pictures {
		if withinBits(words, pictures[i].words, radius) {
			return &pictures[i]
		}
	}
	return nil
}

var (
	ofPDQ      = sync.OnceValue(func() []Picture { return all(hash.PDQ, append(smooth(), slanted()...)) })
	ofPHash    = sync.OnceValue(func() []Picture { return all(hash.PHash, append(append(smooth(), slanted()...), straight()...)) })
	ofDHash    = sync.OnceValue(func() []Picture { return all(hash.DHash, smooth()) })
	ofAHash    = sync.OnceValue(func() []Picture { return all(hash.AHash, smooth()) })
	ofDHash256 = sync.OnceValue(func() []Picture { return all(hash.DHash256, smooth()) })
	ofAHash256 = sync.OnceValue(func() []Picture { return all(hash.AHash256, smooth()) })
)

// all hashes drawings in all orientations, and their negatives.
func all(k hash.Kind, drawings []drawing) []Picture {
	var pictures []Picture
	seen := make(map[hash.Value]bool)
	for _, d := range drawings {
		m := d.at.draw()
		for range 2 {
			for _, v := range orientations(k, m) {
				if v.IsValid() && !seen[v] {
					seen[v] = true
					pictures = append(pictures, Picture{v, d.name, v.Words()})
				}
			}
			for i := range m.Pix {
				m.Pix[i] = 255 - m.Pix[i]
			}
		}
	}
	return pictures
}

func orientations(k hash.Kind, m image.Image) (all [hash.Orientations]hash.Value) {
	if k == hash.PDQ {
		all, _ = pdq.Orientations(m)
		return all
	}
	all, _, _ = imagehash.Orientations(k, m) // the kind and the size are right
	return all
}

// separable is how many bits a PDQ hash may differ, inclusive, from one that Separable means
// exactly. Of 6,158 photographs and frames of hand-held videos none is nearer than 24, and all but
// one in a hundred are beyond 56.
const separable = 10

// Separable reports whether a PDQ hash is that of a picture which is the product of what changes
// across and what changes down, as corners, frames, chessboards and grids are: its 16 rows of 16
// bits are the same, or the opposite, but for a few bits.
func Separable(words [4]uint64) bool {
	var rows [16]uint16
	for i := range rows {
		rows[i] = uint16(words[i/4] >> (48 - 16*(i%4)))
	}
	// Rows that differ are at most as many as bits may, so one of the first few is like the others.
	for _, t := range rows[:separable+1] {
		apart := 0
		for _, r := range rows {
			d := bits.OnesCount16(r ^ t)
			if apart += min(d, 16-d); apart > separable {
				break
			}
		}
		if apart <= separable {
			return true
		}
	}
	return false
}
