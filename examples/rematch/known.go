package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// enrolment makes banks from media, folders and hash lists.
type enrolment struct {
	kinds    []hash.Kind // of media
	listKind hash.Kind   // of bare hashes in lists; 0: told by their length
	workers  int
	screen   screen.Options
}

// knownBank is a bank, and where its media lies if it was made from media.
type knownBank struct {
	match.Bank
	files map[string]string // path by entry ID; nil for bank files
}

// badFiles are the known files that could not be made into entries.
type badFiles []fileFailure

type fileFailure struct {
	path string
	err  error
}

// Error gives every file a line of its own.
func (b badFiles) Error() string {
	var s strings.Builder
	s.WriteString(count(len(b), "known file", "known files"))
	s.WriteString(" can't be hashed; remove or replace what is listed:")
	for _, f := range b {
		fmt.Fprintf(&s, "\n  %s: %s", display(f.path), message(f.err))
	}
	return s.String()
}

// load reads what --bank names: a bank file, or a folder, list or media file of
// which a bank is made.
func (e *enrolment) load(ctx context.Context, bar *progress, path string) ([]knownBank, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		header, err := readHeader(path)
		if err != nil {
			return nil, err
		}
		if isBankFile(header) {
			banks, err := match.ReadFile(path)
			if err != nil {
				return nil, err
			}
			all := make([]knownBank, len(banks))
			for i, b := range banks {
				all[i].Bank = b
			}
			return all, nil
		}
	}
	b, err := e.build(ctx, bar, bankName(path), []string{path})
	if err != nil {
		return nil, err
	}
	return []knownBank{b}, nil
}

// build makes one bank of everything under the paths. Known content that can't be
// hashed is never left out in silence: the error is then of type badFiles.
func (e *enrolment) build(ctx context.Context, bar *progress, name string, paths []string) (knownBank, error) {
	bank := knownBank{Bank: match.Bank{Name: name}, files: make(map[string]string)}
	origin := make(map[string]string) // path of list or media by entry ID
	var bad badFiles
	var t tally

	type enrolled struct {
		entries []match.Entry
		media   bool
		err     error
	}
	work := func(ctx context.Context, f found, give func(enrolled) bool) {
		var r enrolled
		if r.err = f.err; r.err == nil {
			r.entries, r.media, r.err = e.file(ctx, f)
		}
		give(r)
		bar.done()
	}
	err := ordered(ctx, e.workers, t.files(bar, walk(paths)), work, func(f found, r enrolled) error {
		if r.err != nil {
			bad = append(bad, fileFailure{f.path, r.err})
			return nil
		}
		for _, entry := range r.entries {
			first, twice := origin[entry.ID]
			switch {
			case !twice:
				origin[entry.ID] = f.path
				bank.Entries = append(bank.Entries, entry)
				if r.media {
					bank.files[entry.ID] = f.path
				}
			case r.media:
				bad = append(bad, fileFailure{f.path, fmt.Errorf("its name in the bank, %q, is also that of %s: give the folder above both", entry.ID, display(first))})
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return knownBank{}, err
	case len(bad) > 0:
		return knownBank{}, bad
	case t.found == 0:
		return knownBank{}, errNoFiles
	case len(bank.Entries) == 0:
		return knownBank{}, errors.New("the given lists hold no hashes")
	}
	return bank, nil
}

// file makes the entries of one file: a list's, or one of media.
func (e *enrolment) file(ctx context.Context, f found) (entries []match.Entry, media bool, err error) {
	header, err := readHeader(f.path)
	if err != nil {
		return nil, false, err
	}
	if isBankFile(header) {
		return nil, false, errors.New("this is a bank file, not known media; name it with --bank of \"rematch scan\"")
	}
	if format, _, _ := video.Sniff(header); format == "" && exchange.LooksLikeList(header) {
		entries, err = e.list(ctx, f.path)
		return entries, false, err
	}
	entry, err := screen.Enroll(ctx, video.File(f.path), e.kinds, e.screen)
	if err != nil {
		return nil, true, err
	}
	entry.ID = strings.ToValidUTF8(f.rel, "\uFFFD")
	return []match.Entry{entry}, true, nil
}

// list reads a whole hash list; one bad line spoils it, so that no known item is
// left out unnoticed.
func (e *enrolment) list(ctx context.Context, path string) ([]match.Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var entries []match.Entry
	for entry, err := range exchange.ReadList(contextReader{ctx, file}, exchange.ListOptions{Kind: e.listKind}) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// readHeader returns what is needed to tell what a file is.
func readHeader(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, io.LimitReader(file, 4096))
	return b.Bytes(), err
}

// bankName is the name of a bank made from a path: its last element, for a file
// without the extension.
func bankName(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	name := filepath.Base(abs)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		if short := strings.TrimSuffix(name, filepath.Ext(name)); short != "" {
			name = short
		}
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// isBankFile tells a bank file, also a damaged or newer one, by its first bytes.
func isBankFile(header []byte) bool {
	_, err := match.Read(bytes.NewReader(header), int64(len(header)))
	return len(header) > 0 && !errors.Is(err, match.ErrNotBankFile)
}
