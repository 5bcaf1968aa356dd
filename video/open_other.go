//go:build !unix

package video

// openFlags is nothing here: the kind of a file is checked before and after it is
// opened.
const openFlags = 0
