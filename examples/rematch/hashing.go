package main

import (
	"context"
	"image"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
	"github.com/rematch-go/rematch/hash/imagehash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// hashing says what "rematch hash" does with each file.
type hashing struct {
	kinds        []hash.Kind
	orientations bool
	sampling     video.Sampling
	media        video.Options
}

// hashed is one result of a file: a line, or the error that ended the file.
type hashed struct {
	line hashLine
	err  error
}

// file hashes one file and gives its lines in the order of the kinds; the kinds
// that look at pictures repeat for every frame of a video.
func (h *hashing) file(ctx context.Context, path string, give func(hashed) bool) {
	stored, err := video.Store(ctx, video.File(path), h.media.Limits)
	if err != nil {
		refuse(path, h.kinds, nil, err, give)
		return
	}
	defer stored.Close()

	digests, pictures := splitKinds(h.kinds)
	values := make(map[hash.Kind]hash.Value, len(digests))
	if len(digests) > 0 {
		sums, _, err := digest.Sum(contextReader{ctx, stored.Reader()}, digests...)
		if err != nil {
			give(hashed{err: err})
			return
		}
		for _, v := range sums {
			values[v.Kind()] = v
		}
	}
	if len(pictures) == 0 {
		h.digests(path, values, give)
		return
	}
	h.frames(ctx, path, stored, values, pictures, give)
}

// digests gives the lines of a file of which only the bytes are hashed.
func (h *hashing) digests(path string, values map[hash.Kind]hash.Value, give func(hashed) bool) {
	for _, k := range h.kinds {
		if !give(hashed{line: digestLine(path, values[k])}) {
			return
		}
	}
}

func digestLine(path string, v hash.Value) hashLine {
	return hashLine{File: path, Kind: v.Kind().String(), Hash: v.Hex()}
}

// frames gives the lines of every frame. Those of the digests, whose values are
// known by now, are among the first frame's.
func (h *hashing) frames(ctx context.Context, path string, stored *video.Stored, digests map[hash.Kind]hash.Value, pictures []hash.Kind, give func(hashed) bool) {
	media, err := video.Open(ctx, stored.Input(), h.media)
	if err != nil {
		refuse(path, h.kinds, digests, err, give)
		return
	}
	defer media.Close()
	timed := media.Info().Class != video.Still
	var sum summer
	due := h.kinds // of the next frame
	for f, err := range media.Frames(ctx, video.Request{Sampling: h.sampling}) {
		if err != nil {
			refuse(path, due, digests, err, give)
			return
		}
		judged := false
		for _, k := range due {
			if k.IsDigest() {
				if !give(hashed{line: digestLine(path, digests[k])}) {
					return
				}
				continue
			}
			lines, ok := h.lines(&sum, k, f.Image)
			judged = judged || ok
			for _, l := range lines {
				l.File = path
				if timed && ok {
					l.Frame, l.TimeMS = new(f.Number), new(milliseconds(f.Time))
				}
				if !give(hashed{line: l}) {
					return
				}
			}
		}
		if !judged {
			return // too small, and so are all other frames of this file
		}
		due = pictures
	}
}

// lines hashes one picture. ok is false when it has no hash of the kind; the only
// line says so.
func (h *hashing) lines(sum *summer, k hash.Kind, m image.Image) (lines []hashLine, ok bool) {
	values, quality, err := sum.orientations(k, m, h.orientations)
	if err != nil || !values[0].IsValid() {
		return []hashLine{{Kind: k.String(), NotJudged: screen.ReasonTooSmall}}, false
	}
	for o, v := range values {
		l := hashLine{Kind: k.String(), Hash: v.Hex(), Quality: &quality}
		if h.orientations {
			l.Orientation = hash.Orientation(o).String()
		}
		lines = append(lines, l)
	}
	return lines, true
}

// refuse gives what is to be said of a file, or the rest of it, that could not be
// decoded: not judged in each of the kinds that are due, or an error. The digests
// that are known are hashes all the same.
func refuse(path string, due []hash.Kind, digests map[hash.Kind]hash.Value, err error, give func(hashed) bool) {
	token, decided := video.Reason(err)
	for _, k := range due {
		line := hashLine{File: path, Kind: k.String(), NotJudged: token}
		if v, ok := digests[k]; ok {
			line = digestLine(path, v)
		} else if !decided {
			continue
		}
		if !give(hashed{line: line}) {
			return
		}
	}
	if !decided {
		give(hashed{err: err})
	}
}

// splitKinds parts the kinds of bytes from the kinds of pictures.
func splitKinds(kinds []hash.Kind) (digests, pictures []hash.Kind) {
	for _, k := range kinds {
		if k.IsDigest() {
			digests = append(digests, k)
		} else {
			pictures = append(pictures, k)
		}
	}
	return digests, pictures
}

// summer hashes pictures of any kind; it reuses the buffers of PDQ.
type summer struct{ pdq pdq.Hasher }

// orientations returns the hash of the picture as it is, and with all of them the
// other seven too, indexed by hash.Orientation.
func (s *summer) orientations(k hash.Kind, m image.Image, all bool) ([]hash.Value, hash.Quality, error) {
	switch {
	case k == hash.PDQ && all:
		values, quality := s.pdq.Orientations(m)
		return values[:], quality, nil
	case k == hash.PDQ:
		value, quality := s.pdq.Sum(m)
		return []hash.Value{value}, quality, nil
	case all:
		values, quality, err := imagehash.Orientations(k, m)
		return values[:], quality, err
	}
	value, quality, err := imagehash.Sum(k, m)
	return []hash.Value{value}, quality, err
}
