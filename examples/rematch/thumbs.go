package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

const (
	thumbSide    = 320 // pixels of the longer side: enough to recognise, small enough to inline
	thumbQuality = 75  // of the JPEG, 1 to 100
	maxPairs     = 4   // pictures in a row
	nearPair     = 300 * time.Millisecond
)

// pairView is a picture of the upload beside the known one. A missing picture has
// an empty URL; the known one's place is then taken by the bits of both hashes.
type pairView struct {
	Query, Known         template.URL // data: URLs of JPEG
	QueryTime, KnownTime string       // m:ss.s; empty for stills
	QueryBits, KnownBits *bitsView    // nil where pictures speak, and for digests
}

// bitsView is a hash drawn as a square.
type bitsView struct {
	Side   int
	Set    string // path of the bits that are set and equal in both hashes
	Differ string // path of the set bits in which the hashes differ
}

// instant is a moment of the upload and the moment of the known item it equals.
type instant struct{ query, known time.Duration }

// instants chooses which frames are shown: the best pair, and others spread over
// the segments, in the order of the upload.
func instants(e match.Evidence) []instant {
	all := []instant{{e.QueryTime, e.KnownTime}}
	others := maxPairs - len(all)
	segments := e.Segments[:min(len(e.Segments), others)]
	if len(segments) == 0 {
		return all
	}
	each := (others + len(segments) - 1) / len(segments)
	for _, s := range segments {
		for i := range each {
			share := float64(2*i+1) / float64(2*each)
			t := instant{at(s.QueryFrom, s.QueryTo, share), at(s.KnownFrom, s.KnownTo, share)}
			near := slices.ContainsFunc(all, func(o instant) bool { return (o.query - t.query).Abs() < nearPair })
			if !near && len(all) < maxPairs {
				all = append(all, t)
			}
		}
	}
	slices.SortFunc(all, func(a, b instant) int { return cmp.Compare(a.query, b.query) })
	return all
}

func at(from, to time.Duration, share float64) time.Duration {
	return from + time.Duration(share*float64(to-from))
}

// pairs makes the row of pictures of a match. knownFile is empty when only the
// known item's hashes are at hand.
func pairs(ctx context.Context, queryFile, knownFile string, m match.Match, o video.Options) []pairView {
	e := m.Evidence
	chosen := instants(e)
	row := make([]pairView, len(chosen))
	var queryTimes, knownTimes []time.Duration
	for i, t := range chosen {
		queryTimes, knownTimes = append(queryTimes, t.query), append(knownTimes, t.known)
		if isTimed(m) {
			row[i].QueryTime = clock(t.query)
		}
		if m.Entry.IsVideo() && !e.Kind.IsDigest() {
			row[i].KnownTime = clock(t.known)
		}
	}
	queries := thumbnails(ctx, queryFile, queryTimes, o)
	knowns := make([]template.URL, len(chosen))
	if knownFile != "" {
		knowns = thumbnails(ctx, knownFile, knownTimes, o)
	}
	for i, t := range chosen {
		row[i].Query, row[i].Known = queries[i], knowns[i]
		if row[i].Known == "" && t == (instant{e.QueryTime, e.KnownTime}) {
			row[i].QueryBits, row[i].KnownBits = drawBits(e.Query, e.Known)
		}
	}
	return row
}

// thumbnails returns the pictures of a file at the given times, in their order;
// of a still its one picture for every time. What can't be had is empty.
func thumbnails(ctx context.Context, file string, times []time.Duration, o video.Options) []template.URL {
	found := make([]template.URL, len(times))
	media, err := video.Open(ctx, video.File(file), o)
	if err != nil {
		return found
	}
	defer media.Close()
	rising := slices.Clone(times)
	for i, t := range rising {
		rising[i] = max(0, t-time.Millisecond) // times in evidence may be rounded
	}
	slices.Sort(rising)
	request := video.Request{MaxSide: thumbSide, Sampling: video.Sampling{At: slices.Compact(rising)}}
	still := media.Info().Class == video.Still
	for f, err := range media.Frames(ctx, request) {
		if err != nil {
			break // what came before is good
		}
		var url template.URL
		for i, t := range times {
			if found[i] != "" || !still && f.Time < max(0, t-time.Millisecond) {
				continue
			}
			if url == "" {
				url = dataURL(f.Image)
			}
			found[i] = url
		}
	}
	return found
}

// dataURL encodes a picture into the page. The bytes are our own encoder's, never
// the upload's.
func dataURL(m image.Image) template.URL {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: thumbQuality}); err != nil {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
}

// drawBits draws two hashes of one kind as squares; both are nil for digests,
// whose bits look like nothing.
func drawBits(query, known hash.Value) (*bitsView, *bitsView) {
	k := query.Kind()
	if k != known.Kind() || !k.IsValid() || k.IsDigest() {
		return nil, nil
	}
	side := 8 // of 64 bits
	if k.Bits() == 256 {
		side = 16
	}
	q, o := query.Words(), known.Words()
	return bitPaths(side, q, o), bitPaths(side, o, q)
}

func bitPaths(side int, bits, other [4]uint64) *bitsView {
	var set, differ strings.Builder
	for i := range side * side {
		mask := uint64(1) << (63 - i%64)
		if bits[i/64]&mask == 0 {
			continue
		}
		path := &set
		if other[i/64]&mask == 0 {
			path = &differ
		}
		fmt.Fprintf(path, "M%d %dh1v1h-1z", i%side, i/side)
	}
	return &bitsView{Side: side, Set: set.String(), Differ: differ.String()}
}
