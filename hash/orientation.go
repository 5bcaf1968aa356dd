package hash

import "fmt"

// Orientation is one of the eight ways to turn and mirror a picture. Its names
// are the reference implementation's.
type Orientation uint8

// The eight orientations. "The hash at Rot90" is the hash of the picture after
// it was so turned.
const (
	Original   Orientation = iota
	Rot90                  // a quarter turn, as the reference's rot90
	Rot180                 // a half turn
	Rot270                 // the other quarter turn
	FlipX                  // mirrored, as the reference's flipx
	FlipY                  // mirrored, as the reference's flipy
	FlipPlus1              // transposed along one diagonal, the reference's flipplus1
	FlipMinus1             // transposed along the other, the reference's flipminus1
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
