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
}

// Of returns the pictures of a kind, each hash once, and how near to one of them, in bits and
// inclusive, a hash is no other picture's. They are made at the first call for a kind, in 50 ms
// for PDQ and 500 ms for pHash. A kind without any, as digests, has none.
//
// How near was measured on photographs: of those that show enough to be judged, the nearest
// one is 84 bits away from all of PDQ, where 31 are allowed; 12 of pHash, where 8 are. dHash and
// aHash of 64 bits tell so little that a landscape and an edge can be equal: of these only
// pictures without an edge count.
//
// What PDQ tells of a picture that changes in one direction only is rounding, another one in
// every size: such hashes match little, and Separable knows most.
func Of(k hash.Kind) (pictures []Picture, radius int) {
	switch k {
	case hash.PDQ:
		return ofPDQ(), k.Threshold()
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

var (
	ofPDQ      = sync.OnceValue(func() []Picture { return all(hash.PDQ, drawings()) })
	ofPHash    = sync.OnceValue(func() []Picture { return all(hash.PHash, drawings()) })
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
					pictures = append(pictures, Picture{v, d.name})
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
