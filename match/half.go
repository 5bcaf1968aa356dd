package match

import "github.com/rematch-go/rematch/hash"

// halfOf returns which part of a picture a signal or a look is of.
func halfOf(transform []string) hash.Half {
	for _, t := range transform {
		if h, ok := hash.ParseHalf(t); ok {
			return h
		}
	}
	return hash.Whole
}

// sameHalf reports whether a look may be compared with a known signal. A half of a picture
// is compared with the same half alone: a hash of a half says little enough.
func (l *Look) sameHalf(s *Signal) bool { return halfOf(l.Transform) == halfOf(s.Transform) }

// distincts counts distinct hashes of each part of a picture for itself: a picture that
// stands still is the same whichever part of it agrees.
type distincts [hash.Halves]*distinct

func newDistincts(k hash.Kind) (d distincts) {
	for h := range d {
		d[h] = newDistinct(k)
	}
	return d
}
