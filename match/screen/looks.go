package screen

import (
	"context"
	"image"
	"io"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/border"
	"github.com/rematch-go/rematch/hash/imagehash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match"
)

// transformBorder is the token of "a uniform border was removed".
const transformBorder = "border"

// pictures returns the picture as it is and, where a uniform border surrounds it,
// what lies within; each with the tokens of what was done.
func pictures(m image.Image) []look {
	all := []look{{picture: m}}
	if inner, found := border.Find(m); found {
		all = append(all, look{picture: border.Crop(m, inner), transform: []string{transformBorder}})
	}
	return all
}

type look struct {
	picture   image.Image
	transform []string
}

// queryLooks hashes an upload's picture every way it is judged: with and without
// its border, in eight orientations. Pictures too small to hash give no look.
func queryLooks(hasher *pdq.Hasher, m image.Image, kinds []hash.Kind) ([]match.Look, error) {
	var looks []match.Look
	for _, l := range pictures(m) {
		for _, k := range kinds {
			values, quality, err := orientations(hasher, l.picture, k)
			if err != nil {
				return nil, err
			}
			for i, value := range values {
				if !value.IsValid() {
					continue
				}
				transform := l.transform
				if o := hash.Orientation(i); o != hash.Original {
					transform = append(transform[:len(transform):len(transform)], o.String())
				}
				looks = append(looks, match.Look{Transform: transform, Value: value, Quality: quality})
			}
		}
	}
	return looks, nil
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
