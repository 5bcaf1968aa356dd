package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/rematch-go/rematch/examples/evaluate/internal/edits"
	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/imagehash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// source is a picture file. Its pixels are read when they are needed.
type source struct {
	Name string // slash-separated path below its folder
	path string
	sum  [sha256.Size]byte
}

// leftOut is a picture that took no part, and why.
type leftOut struct {
	Role   string `json:"role"` // known or distractor
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// omissions collects what is left out, from many goroutines.
type omissions struct {
	mu  sync.Mutex
	all []leftOut
}

func (o *omissions) add(role string, s source, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, leftOut{role, s.Name, terminal.OneLine(reason)})
}

func (o *omissions) sorted() []leftOut {
	slices.SortFunc(o.all, func(a, b leftOut) int { return strings.Compare(a.Role+"/"+a.File, b.Role+"/"+b.File) })
	return slices.Compact(o.all)
}

// list returns the files below a folder, in the order of their content's hash.
func list(ctx context.Context, folder string) ([]source, error) {
	var all []source
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		s := source{Name: filepath.ToSlash(rel), path: path}
		if s.sum, err = sumFile(path); err != nil {
			return err
		}
		all = append(all, s)
		return ctx.Err()
	})
	slices.SortFunc(all, func(a, b source) int {
		if c := slices.Compare(a.sum[:], b.sum[:]); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, err
}

func sumFile(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// seed makes a source of randomness out of the run's seed and the picture's content.
func (s source) seed(seed uint64) uint64 { return seed ^ binary.BigEndian.Uint64(s.sum[:8]) }

// errNoStill is the error of animations and videos.
var errNoStill = errors.New("not a still picture")

// decode reads the picture at its full size, upright.
func (s source) decode(ctx context.Context) (image.Image, error) {
	media, err := video.Open(ctx, video.File(s.path), video.Options{})
	if err != nil {
		return nil, err
	}
	defer media.Close()
	if media.Info().Class != video.Still {
		return nil, errNoStill
	}
	for f, err := range media.Frames(ctx, video.Request{}) {
		return f.Image, err // a still's only frame, and its own memory
	}
	return nil, errNoStill
}

// shrunk reads the picture as it is edited.
func (s source) shrunk(ctx context.Context, maxSide int) (*image.RGBA, error) {
	m, err := s.decode(ctx)
	if err != nil {
		return nil, err
	}
	return edits.Fit(edits.Packed(m), maxSide), nil
}

// known is a picture of the bank.
type known struct {
	source
	entry  match.Entry           // by the library's own enrolment
	hashes [baselines]hash.Value // the file's plain hashes
}

// enrol makes the bank's entry of a picture and its plain hashes.
func enrol(ctx context.Context, s source, hasher *pdq.Hasher) (known, error) {
	k := known{source: s}
	m, err := s.decode(ctx)
	if err != nil {
		return k, err
	}
	if k.entry, err = screen.Enroll(ctx, video.File(s.path), nil, screen.Options{}); err != nil {
		return k, err
	}
	k.entry.ID = s.Name
	k.hashes, _, err = plainHashes(hasher, m)
	return k, err
}

// The methods that the library is compared with.
const (
	plainPDQ = iota
	plainPHash
	plainDHash
	baselines
)

var baselineKinds = [baselines]hash.Kind{hash.PDQ, hash.PHash, hash.DHash}

// plainHashes hashes a picture once by each baseline.
func plainHashes(hasher *pdq.Hasher, m image.Image) (all [baselines]hash.Value, q hash.Quality, err error) {
	all[plainPDQ], q = hasher.Sum(m)
	m = edits.Packed(m) // what goimagehash sees; here once for both
	for i := plainPHash; i < baselines; i++ {
		if all[i], _, err = imagehash.Sum(baselineKinds[i], m); err != nil {
			return all, 0, err
		}
	}
	return all, q, nil
}

// reason is why a picture is left out, in words for people.
func reason(err error) string {
	var media *video.Error
	var quality *match.LowQualityError
	switch {
	case errors.As(err, &quality):
		return fmt.Sprintf("refused by the library: too little in it to hash (quality %s, at least %s is needed)", quality.Quality, quality.Gate)
	case errors.As(err, &media) && media.Detail != "":
		return fmt.Sprintf("%v (%s)", media.Err, media.Detail)
	case errors.As(err, &media):
		return media.Err.Error()
	}
	return err.Error()
}
