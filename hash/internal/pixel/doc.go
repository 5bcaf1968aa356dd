// Package pixel turns pictures of any type into what the hashes are made of:
// rows of luma, or one plain RGB picture.
//
// # What a pixel's colour is
//
// Transparency is dropped, as the reference's decoders drop it: a pixel has its
// stored straight colour, whatever shines through it. Premultiplied colours are
// divided by their alpha first; a fully transparent premultiplied pixel has lost its
// colour and is black. Components of 16 bits count with their high byte. A picture has
// the same colours by its fast path and by its At method.
package pixel
