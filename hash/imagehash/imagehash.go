// Package imagehash computes pHash, dHash and aHash, of 64 and of 256 bits, through
// github.com/corona10/goimagehash. They are for lists and duplicates that already
// use them; for everything else package pdq is better.
//
// The pixels are brought to one type first, an opaque *image.RGBA at the origin, so
// that a picture has one hash whatever its decoder made of it: goimagehash shrinks
// each picture type in its own way, and gives up to 17 bits else for the same colours.
// Transparency is dropped and 16-bit components count with their high byte, as in
// package pdq. That recipe is part of the kind: hashes by goimagehash on other
// picture types, and those of Python's imagehash, are not comparable.
//
// goimagehash's arithmetic is its own: on processors where Go fuses multiplication
// and addition (arm64, ppc64le, s390x and others) a bit that lies on the edge may
// fall to the other side. PDQ's never does.
package imagehash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"github.com/corona10/goimagehash"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/internal/pixel"
	"github.com/rematch-go/rematch/hash/internal/tent"
)

// MaxSide is the largest width and height, in pixels, that is hashed. Up to it the
// sums of the scaler below goimagehash stay within their 32 bits.
const MaxSide = 1 << 16

// MaxPixels is the largest width x height that is hashed: its copy takes 1 GiB.
const MaxPixels = 1 << 28

// ErrSize is the error of pictures without pixels, or with more than MaxSide along
// a side or MaxPixels in all. Shrink the latter before hashing.
var ErrSize = errors.New("imagehash: the picture is empty or too large to hash")

// KindError is the error of a kind that this package does not compute.
type KindError struct{ Kind hash.Kind }

func (e *KindError) Error() string {
	return fmt.Sprintf("imagehash: %s is not computed here; use phash, dhash, ahash, phash256, dhash256 or ahash256", e.Kind)
}

// Sum returns the hash of kind k of m: PHash, DHash, AHash, PHash256, DHash256 or
// AHash256. The quality, 0 to 100, is that of package pdq, so that a picture has one
// quality under every kind. Judge by it: the flat pictures of the world all have
// nearly the same hash. It is 0 for pictures less than 5 pixels wide or high.
//
// Errors are *KindError and ErrSize, the latter for nil as well. Sum copies the
// picture, four bytes a pixel, and is safe for concurrent use.
func Sum(k hash.Kind, m image.Image) (hash.Value, hash.Quality, error) {
	rgba, err := normalise(k, m)
	if err != nil {
		return hash.Value{}, 0, err
	}
	v, err := sum(k, rgba)
	if err != nil {
		return hash.Value{}, 0, err
	}
	return v, tent.Measure(m), nil
}

// Orientations returns the hashes of m in all eight orientations, indexed by
// hash.Orientation, and its quality. Each is exactly the hash of the turned picture,
// and costs as much. Errors are those of Sum.
func Orientations(k hash.Kind, m image.Image) (all [hash.Orientations]hash.Value, q hash.Quality, err error) {
	rgba, err := normalise(k, m)
	if err != nil {
		return all, 0, err
	}
	for o := range all {
		turned := rgba
		if o != int(hash.Original) {
			turned = pixel.Orient(rgba, hash.Orientation(o))
		}
		if all[o], err = sum(k, turned); err != nil {
			return [hash.Orientations]hash.Value{}, 0, err
		}
	}
	return all, tent.Measure(m), nil
}

// normalise checks everything that goimagehash would stumble over, and copies m.
func normalise(k hash.Kind, m image.Image) (*image.RGBA, error) {
	switch k {
	case hash.PHash, hash.DHash, hash.AHash, hash.PHash256, hash.DHash256, hash.AHash256:
	default:
		return nil, &KindError{Kind: k}
	}
	if m == nil {
		return nil, ErrSize
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide || int64(w)*int64(h) > MaxPixels {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrSize, w, h)
	}
	return pixel.RGBA(m), nil
}

// sum calls the function of goimagehash that the kind is named after. Its bits run
// from the highest of the first word, as those of hash.Value.
func sum(k hash.Kind, m *image.RGBA) (hash.Value, error) {
	const side = 16 // of the 256-bit kinds
	var short *goimagehash.ImageHash
	var long *goimagehash.ExtImageHash
	var err error
	switch k {
	case hash.PHash:
		short, err = goimagehash.PerceptionHash(m)
	case hash.DHash:
		short, err = goimagehash.DifferenceHash(m)
	case hash.AHash:
		short, err = goimagehash.AverageHash(m)
	case hash.PHash256:
		long, err = goimagehash.ExtPerceptionHash(m, side, side)
	case hash.DHash256:
		long, err = goimagehash.ExtDifferenceHash(m, side, side)
	case hash.AHash256:
		long, err = goimagehash.ExtAverageHash(m, side, side)
	}
	var b []byte
	switch {
	case err != nil:
		return hash.Value{}, fmt.Errorf("imagehash: %s: %w", k, err)
	case short != nil:
		b = binary.BigEndian.AppendUint64(b, short.GetHash())
	case long != nil:
		for _, word := range long.GetHash() {
			b = binary.BigEndian.AppendUint64(b, word)
		}
	}
	return hash.FromBytes(k, b)
}
