// Command generate renders the project's own media: pictures and videos of
// invented places, the uploads made from them, and the tables that say what they
// are. Run it from the repository's root:
//
//	go run ./testdata/generate -check              # are the committed files as listed?
//	go run ./testdata/generate [-o DIR] [-hasher PATH]
//
// Encoders differ by version, so a new run gives the same pictures but not the
// same bytes: the committed files are held by SHA-256 and not made again in tests.
// Rendering needs the ffmpeg program with libx264, libvpx and libwebp.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	verify := flag.Bool("check", false, "compare the committed files with SHA256SUMS and make nothing")
	dir := flag.String("o", "", "write to this folder (default: a new temporary one)")
	hasher := flag.String("hasher", "", "the reference implementation's pdq-photo-hasher; also writes pdq.csv and SHA256SUMS")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "generate: takes no arguments, only flags")
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*verify, *dir, *hasher, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(verify bool, dir, hasher string, out io.Writer) error {
	if verify {
		if dir == "" {
			dir = "testdata"
		}
		return check(dir, out)
	}
	if dir == "" {
		made, err := os.MkdirTemp("", "rematch-testdata-")
		if err != nil {
			return fmt.Errorf("generate: %w", err)
		}
		dir = made
	}
	s := &studio{dir: dir, log: out}
	for _, make := range []func(*studio) error{stills, lookAlikes, films, reuploads, unjudged, pixels} {
		if err := make(s); err != nil {
			return err
		}
	}
	if err := s.tables(); err != nil {
		return err
	}
	fmt.Fprintln(out, "written to", dir)
	if hasher == "" {
		return nil
	}
	if err := goldens(s, hasher); err != nil {
		return err
	}
	return writeSums(dir)
}
