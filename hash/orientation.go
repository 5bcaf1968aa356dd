package hash

import "fmt"

// Orientation is one of the eight ways to turn and mirror a picture. Its names
// are the reference implementation's.
type Orientation uint8

// The eight orientations. "The hash at Rot90" is the hash of the picture after
// it was so turned. The names are the reference's, the directions what its hashes
// and its pictures (pdq/data/misc-images, and package pdq's tests) show: its quarter turns
// go against the clock, and flipx mirrors about the x axis, which is the level one.
const (
	Original   Orientation = iota
	Rot90                  // a quarter turn counter-clockwise: the right edge becomes the top
	Rot180                 // a half turn
	Rot270                 // a quarter turn clockwise: the left edge becomes the top
	FlipX                  // upside down: top and bottom change places
	FlipY                  // mirrored: left and right change places, as in a looking-glass
	FlipPlus1              // transposed: rows become columns, the top left corner stays
	FlipMinus1             // transposed along the other diagonal: the top right corner stays
)

// Orientations is how many there are.
const Orientations = 8

var orientationNames = [Orientations]string{"orig", "rot90", "rot180", "rot270", "flipx", "flipy", "flipplus1", "flipminus1"}

// String returns the stable token of the orientation: orig, rot90, rot180,
// rot270, flipx, flipy, flipplus1 or flipminus1.
func (o Orientation) String() string {
	if int(o) < len(orientationNames) {
		return orientationNames[o]
	}
	return fmt.Sprintf("orientation(%d)", uint8(o))
}
