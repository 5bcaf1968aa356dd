// Package blob gives the decoder's program as it is packed, without unpacking it in
// every program that links it.
//
// go-ffmpreg unpacks its 32 MB in an init function: half a second of processor time and
// 70 MB of memory at each start, also where nothing is decoded. Packages are initialised
// in the order of their import paths, each as soon as all that it imports are. This one
// imports nothing, and that one waits for hash/crc32, whose name comes after this one's.
// So this one is first, and leaves an empty archive in the program's place. A test
// fails should that ever change.
//
// Whoever imports this package imports codeberg.org/gruf/go-ffmpreg/embed as well, and
// can't call its B any more.
package blob

import _ "unsafe" // for linkname

// packed is the variable that go-ffmpreg keeps its archive in.
//
//go:linkname packed codeberg.org/gruf/go-ffmpreg/embed.s
var packed string

var archive string

// nothing is a gzip archive of no bytes.
const nothing = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func init() { archive, packed = packed, nothing }

// Archive returns the program, compressed by gzip.
func Archive() string { return archive }
