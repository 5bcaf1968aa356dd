// Package pdq computes PDQ, the perceptual hash of 256 bits for photographs and
// video frames that platforms and hash-sharing programmes exchange.
//
// On equal pixels the hash, the quality and all eight orientations are bit for bit
// those of the reference implementation (ThreatExchange, pdq/cpp/hashing), on every
// processor. Decoders differ in a few pixels, and so may the hashes of equal files:
// the reference allows 10 bits where the quality is at least 80.
//
// # Pixels
//
// A picture is hashed at the size it is given; the caller shrinks, or not. (The
// reference's command-line tool first reduces anything over 512 pixels to 512 x 512
// by nearest neighbour, 2 to 10 bits from this; its Python binding does not.) The luma
// of a YCbCr picture is its Y and of a grey one its value; all others are reckoned
// from red, green and blue with the reference's formula. Transparency is dropped: a
// pixel has its stored straight colour, and a fully transparent pixel of a
// premultiplied picture is black. Components of 16 bits count with their high byte. A
// paletted picture, of 1 bit a pixel or of 8, has the colours of its palette, and a CMYK one
// those that package image/color converts it to.
// A hash.Reduced is hashed as the larger picture that it stands for, nearly.
//
// # Pictures without a hash
//
// A picture less than 5 pixels wide or high has none, nor has nil, one with a side of
// over 1,048,576 pixels or one of over 2^32: the result is the invalid zero
// hash.Value with quality 0. (The reference gives 256 zero bits, which would be
// within reach of real hashes.) A picture of one colour, as one that is fully
// transparent and premultiplied, has a hash, of quality 0.
package pdq
