package main

import (
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sumsName lists every made file with its SHA-256, in the form of sha256sum.
const sumsName = "SHA256SUMS"

// held are the folders and files below testdata whose bytes are held. The rest of
// testdata is written by hand.
var held = []string{"known", "uploads", "pixels", "logo.png", "expected.csv", "commands.csv", "pdq.csv"}

// digests returns the SHA-256 of every held file below dir; the keys use slashes.
func digests(dir string) (names []string, sums map[string]string, err error) {
	sums = map[string]string{}
	for _, top := range held {
		err := filepath.WalkDir(filepath.Join(dir, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			rel = filepath.ToSlash(rel)
			names = append(names, rel)
			sums[rel] = fmt.Sprintf("%x", sha256.Sum256(data))
			return nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("generate: %w", err)
		}
	}
	return names, sums, nil
}

// writeSums writes SHA256SUMS for what is below dir.
func writeSums(dir string) error {
	names, sums, err := digests(dir)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, n := range names {
		fmt.Fprintf(&out, "%s  %s\n", sums[n], n)
	}
	return os.WriteFile(filepath.Join(dir, sumsName), []byte(out.String()), 0o644)
}

// check compares the files below dir with SHA256SUMS, and the uploads with
// expected.csv. It writes each difference to out and fails if there is one.
func check(dir string, out io.Writer) error {
	text, err := os.ReadFile(filepath.Join(dir, sumsName))
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	names, sums, err := digests(dir)
	if err != nil {
		return err
	}
	wrong := 0
	differ := func(format string, args ...any) {
		wrong++
		fmt.Fprintf(out, format+"\n", args...)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "  ")
		switch {
		case !ok:
			differ("%s: not a line of a sum and a name: %q", sumsName, line)
		case listed[name]:
			differ("%s: listed twice", name)
		case sums[name] == "":
			differ("%s: missing", name)
		case sums[name] != sum:
			differ("%s: other bytes than listed", name)
		}
		listed[name] = true
	}
	judged, err := uploadsIn(filepath.Join(dir, "expected.csv"))
	if err != nil {
		return err
	}
	uploads := 0
	for _, n := range names {
		if !listed[n] {
			differ("%s: not listed in %s", n, sumsName)
		}
		if file, ok := strings.CutPrefix(n, "uploads/"); ok {
			uploads++
			if judged[file] != 1 {
				differ("%s: %d rows in expected.csv, want 1", n, judged[file])
			}
		}
	}
	if len(judged) != uploads {
		differ("expected.csv: %d files, but there are %d uploads", len(judged), uploads)
	}
	if wrong > 0 {
		return fmt.Errorf("generate: %d differences; restore the committed files, or accept new ones with -o testdata", wrong)
	}
	fmt.Fprintf(out, "%d files are as listed\n", len(names))
	return nil
}

// uploadsIn counts the rows of expected.csv by file.
func uploadsIn(name string) (map[string]int, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("generate: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("generate: %s: %w", name, err)
	}
	if len(rows) < 2 {
		return nil, errors.New("generate: expected.csv has no rows")
	}
	count := map[string]int{}
	for _, r := range rows[1:] {
		count[r[0]]++
	}
	return count, nil
}
