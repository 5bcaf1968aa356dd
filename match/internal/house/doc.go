// Package house holds the rules of the tree in tests: which way imports go, what a
// light program may link, and the exported API in a golden file, so that a change
// of it is seen.
package house

//go:generate go test -run TestExportedAPI -update
