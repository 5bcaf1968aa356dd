package vpdq

import (
	"bytes"
	"regexp"
)

// Sniff tells vPDQ from other files by a file's first bytes, a few hundred of them: whether
// it begins with a frame in one of the forms that Read reads. It says nothing of the rest.
func Sniff(header []byte) bool {
	header = bytes.TrimLeft(bytes.TrimPrefix(header, mark), " \t\r\n")
	if len(header) > 0 && (header[0] == '[' || header[0] == '{') {
		return compactForm.Match(header) || keyedForm.Match(header)
	}
	line, _, _ := bytes.Cut(header, []byte("\n"))
	_, reason, _ := parseLine(string(bytes.Trim(line, " \t\r")))
	return reason == ""
}

var (
	compactForm = regexp.MustCompile(`^\[\s*"[0-9a-fA-F]{64},[0-9]+,`)
	keyedForm   = regexp.MustCompile(`^\{\s*"[0-9]+"\s*:\s*\{\s*"(?:quality|hash|timestamp)"\s*:`)
)
