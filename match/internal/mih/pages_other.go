//go:build !linux

package mih

// advise asks for large pages where that is known to help.
func advise[T any](s []T) []T { return s }
