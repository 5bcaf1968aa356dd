package main

import (
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// found is one file of a walk, or a place that could not be walked.
type found struct {
	path string // the root as it was given, and below it the names with the system's separators
	root string // as given
	rel  string // slash-separated path below the root; for a root that is a file, its base name
	err  error  // path can't be looked into; nothing else is known of it
}

// walk yields the regular files of the given paths: roots in the order given,
// folders in the byte order of their names, everything below a folder at its
// place. A root may be a symbolic link; links inside a folder are not followed,
// and they, pipes, sockets and devices are not listed. A root that is none of file
// and folder, and folders that can't be read, are yielded with an error, and the
// walk goes on. A file reached by two of the roots is yielded once.
func walk(roots []string) iter.Seq[found] {
	return func(yield func(found) bool) {
		w := walker{yield: yield}
		if len(roots) > 1 {
			w.seen = make(map[string]bool)
		}
		for _, root := range roots {
			w.root = root
			if !w.start() {
				return
			}
		}
	}
}

type walker struct {
	yield func(found) bool
	root  string
	seen  map[string]bool // absolute paths; nil when there is one root, which can't meet itself
}

// start walks one root. It returns false when the consumer has had enough.
func (w *walker) start() bool {
	info, err := os.Stat(w.root) // Stat, not Lstat: what is named is meant
	switch {
	case err != nil:
		return w.yield(found{path: w.root, root: w.root, err: err})
	case info.IsDir():
		return w.folder(w.root, "")
	case info.Mode().IsRegular():
		return w.file(w.root, filepath.Base(w.root))
	}
	return w.yield(found{path: w.root, root: w.root,
		err: fmt.Errorf("%s is neither a file nor a folder but %s", w.root, modeName(info.Mode()))})
}

func (w *walker) folder(path, rel string) bool {
	entries, err := os.ReadDir(path) // sorted; what was read before an error is given too
	for _, e := range entries {
		below, belowRel := join(path, e.Name()), e.Name()
		if rel != "" {
			belowRel = rel + "/" + e.Name()
		}
		switch {
		case e.IsDir():
			if !w.folder(below, belowRel) {
				return false
			}
		case e.Type().IsRegular():
			if !w.file(below, belowRel) {
				return false
			}
		}
	}
	return err == nil || w.yield(found{path: path, root: w.root, err: err})
}

func (w *walker) file(path, rel string) bool {
	if w.seen != nil {
		abs, err := filepath.Abs(path)
		if err != nil {
			return w.yield(found{path: path, root: w.root, err: err})
		}
		if w.seen[abs] {
			return true
		}
		w.seen[abs] = true
	}
	return w.yield(found{path: path, root: w.root, rel: rel})
}

// join is filepath.Join without the cleaning: users find their own spelling of
// the folder in the output.
func join(folder, name string) string {
	if folder != "" && os.IsPathSeparator(folder[len(folder)-1]) {
		return folder + name
	}
	return strings.Join([]string{folder, name}, string(filepath.Separator))
}

func modeName(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else (" + m.Type().String() + ")"
}
