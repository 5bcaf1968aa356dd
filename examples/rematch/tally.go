package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// tally counts what became of the files and turns it into an exit code.
type tally struct {
	found                               int
	matched, noMatch, notJudged, failed int
}

// files counts the files of a walk as they are found.
func (t *tally) files(bar *progress, files iter.Seq[found]) iter.Seq[found] {
	return func(yield func(found) bool) {
		for f := range files {
			t.found++
			bar.found()
			if !yield(f) {
				return
			}
		}
	}
}

// errNoFiles is what a walk that finds nothing ends with: to look at nothing and
// say that nothing matched would be a lie.
var errNoFiles = errors.New("no files found under the given paths")

// outcome is nil, errNoFiles, or the codeError for what was counted; see the
// package comment for the order.
func (t *tally) outcome() error {
	switch {
	case t.found == 0:
		return errNoFiles
	case t.matched > 0:
		return codeError(exitMatch)
	case t.failed > 0:
		return codeError(exitFailure)
	case t.notJudged > 0:
		return codeError(exitNotJudged)
	}
	return nil
}

// String is the last line of output for people.
func (t *tally) String() string {
	s := fmt.Sprintf("%s: %s, %s, %s", count(t.found, "file", "files"), count(t.matched, "matches", "match"),
		count(t.noMatch, "does not", "do not"), count(t.notJudged, "was not judged", "were not judged"))
	if t.failed > 0 {
		s += fmt.Sprintf(", and %d failed", t.failed)
	}
	return s
}

// contextReader ends reading when the context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// closing closes the decoder and joins what that says to the result of the work.
func closing(d *decoder, err error) error {
	if closeErr := d.close(); closeErr != nil {
		return errors.Join(err, closeErr)
	}
	return err
}
