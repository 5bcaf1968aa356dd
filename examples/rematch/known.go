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

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/vpdq"
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

// enrolling is what makes entries for a command with the flag --kind.
func (a *app) enrolling(c *cobra.Command, kinds []hash.Kind, o video.Options) *enrolment {
	e := &enrolment{kinds: kinds, workers: a.workers, screen: screen.Options{Video: o}}
	if c.Flags().Changed("kind") && len(kinds) == 1 {
		e.listKind = kinds[0]
	}
	return e
}

// knownBank is known content, and where its media lies if it was made from media.
type knownBank struct {
	snapshot *match.Snapshot
	files    map[knownKey]string // path; nil for bank files, and without what has no pictures
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

// load opens what --bank names: a bank file, a store, or a folder, list or media file of
// which a bank is made.
func (e *enrolment) load(ctx context.Context, bar *progress, path string) (knownBank, error) {
	if strings.Contains(path, "://") {
		s, err := storeSnapshot(ctx, path)
		return knownBank{snapshot: s}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return knownBank{}, err
	}
	if !info.IsDir() {
		header, err := readHeader(path)
		if err != nil {
			return knownBank{}, err
		}
		if isBankFile(header) {
			s, err := match.OpenSnapshot(path)
			return knownBank{snapshot: s}, err
		}
		if bytes.HasPrefix(header, []byte("SQLite format 3\x00")) {
			s, err := storeSnapshot(ctx, path)
			return knownBank{snapshot: s}, err
		}
	}
	b, files, err := e.build(ctx, bar, match.Bank{Name: bankName(path)}, []string{path})
	if err != nil {
		return knownBank{}, err
	}
	s, err := b.Snapshot()
	return knownBank{s, files}, err
}

// build makes one bank of everything under the paths. Known content that can't be
// hashed is never left out in silence: the error is then of type badFiles.
func (e *enrolment) build(ctx context.Context, bar *progress, bank match.Bank, paths []string) (*match.Builder, map[knownKey]string, error) {
	var b match.Builder
	if err := b.Bank(bank); err != nil {
		return nil, nil, err
	}
	files := make(map[knownKey]string)
	var unseen []knownKey
	entries := 0
	var bad badFiles
	var t tally

	work := func(ctx context.Context, f found, give func(enrolled) bool) {
		r := enrolled{err: f.err}
		if r.err == nil {
			r = e.file(ctx, f)
		}
		give(r)
		bar.done()
	}
	err := ordered(ctx, e.workers, t.files(bar, walk(paths)), work, func(f found, r enrolled) error {
		if r.err != nil {
			bad = append(bad, fileFailure{f.path, r.err})
			return nil
		}
		for _, v := range r.values {
			if err := b.Hash(v); err != nil {
				return err
			}
		}
		entries += len(r.values)
		if r.entry == nil {
			return nil
		}
		name := knownKey{bank.Name, r.entry.ID}
		if first, twice := files[name]; twice {
			bad = append(bad, fileFailure{f.path, fmt.Errorf("its name in the bank, %q, is also that of %s: give the folder above both", r.entry.ID, display(first))})
			return nil
		}
		files[name] = f.path
		if r.hashes {
			unseen = append(unseen, name)
		}
		entries++
		return b.Entry(*r.entry)
	})
	switch {
	case err != nil:
		return nil, nil, err
	case len(bad) > 0:
		return nil, nil, bad
	case t.found == 0:
		return nil, nil, errNoFiles
	case entries == 0:
		return nil, nil, errors.New("the given lists hold no hashes")
	}
	for _, name := range unseen {
		delete(files, name)
	}
	return &b, files, nil
}

// enrolled is what a file gives: the hashes of a list, or the entry of a media file
// or of the vPDQ of one.
type enrolled struct {
	values []hash.Value
	entry  *match.Entry
	hashes bool // the entry is of a file that has hashes and no pictures
	err    error
}

// file reads one file.
func (e *enrolment) file(ctx context.Context, f found) enrolled {
	header, err := readHeader(f.path)
	if err != nil {
		return enrolled{err: err}
	}
	if isBankFile(header) {
		return enrolled{err: errors.New("this is a bank file, not known media; name it with --bank of \"rematch scan\", or put bank files together with \"rematch bank merge\"")}
	}
	name := strings.ToValidUTF8(f.rel, "\uFFFD")
	if format, _, _ := video.Sniff(header); format == "" {
		switch {
		case exchange.LooksLikeList(header):
			values, err := e.list(ctx, f.path)
			return enrolled{values: values, err: err}
		case vpdq.Sniff(header):
			entry, err := vpdqEntry(ctx, f.path, name)
			return enrolled{entry: &entry, hashes: true, err: err}
		}
	}
	entry, err := screen.Enroll(ctx, video.File(f.path), e.kinds, e.screen)
	if err != nil {
		return enrolled{err: err}
	}
	entry.ID = name
	return enrolled{entry: &entry}
}

// vpdqEntry reads what somebody else has hashed of a video.
func vpdqEntry(ctx context.Context, path, name string) (match.Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return match.Entry{}, err
	}
	defer file.Close()
	features, err := vpdq.Read(contextReader{ctx, file}, vpdq.Options{})
	if err != nil {
		return match.Entry{}, err
	}
	return exchange.VPDQEntry(name, features)
}

// list reads a whole hash list; one bad line spoils it, so that no known item is
// left out unnoticed.
func (e *enrolment) list(ctx context.Context, path string) ([]hash.Value, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var values []hash.Value
	for v, err := range exchange.ReadValues(contextReader{ctx, file}, exchange.ListOptions{Kind: e.listKind}) {
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// clean reads the list of --clean, if one is given.
func (e *enrolment) clean(ctx context.Context, path string) ([]hash.Value, error) {
	if path == "" {
		return nil, nil
	}
	values, err := e.list(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("--clean: %s: %w", display(path), err)
	}
	return values, nil
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
