package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rematch-go/rematch/examples/internal/pair"
	"github.com/rematch-go/rematch/hash/tmk"
	"github.com/rematch-go/rematch/hash/vpdq"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// The methods that videos are compared with: vPDQ at a frame a second on both sides, and
// TMK+PDQF.
const (
	// vpdqKnown: at least 80 % of the known video's frames match, as in vPDQ's README,
	// whatever the share of the upload's.
	vpdqKnown = iota
	// vpdqUpload is python-threatexchange's default: 80 % of the upload's frames.
	vpdqUpload
	tmkBoth // level 1 and level 2 of at least 0.7 each
	videoMethods
)

var videoMethodNames = [videoMethods]string{"vPDQ 80 % of known", "vPDQ 80 % of upload", "TMK 0.7/0.7"}

// vpdqEvery is vPDQ's usual sampling, and tmkScore TMK's usual threshold of both levels.
const (
	vpdqEvery = time.Second
	tmkScore  = 0.7
)

// plainVideo is a video as the baselines see it.
type plainVideo struct {
	frames []vpdq.Feature
	vector *tmk.Vector // nil where there is none
}

// plain hashes a file for the baselines. What can't be decoded has nothing. The hashes
// are kept in the work folder under the name, as the methods' own files: those of a
// second run are read.
func (v *videos) plain(ctx context.Context, path, name string) (plainVideo, error) {
	var p plainVideo
	kept := filepath.Join(v.work, "baselines", name)
	if done, err := p.read(kept); done || err != nil {
		return p, err
	}
	o := v.screenOptions()
	frames, _, err := pair.Hash(ctx, video.File(path), vpdqEvery, o.Video)
	if err == nil {
		p.vector, err = screen.TMK(ctx, video.File(path), o)
	}
	if _, refused := video.Reason(err); err != nil && (!refused || ctx.Err() != nil) {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	for i := range frames {
		if value, q := frames[i].Plain(); value.IsValid() {
			p.frames = append(p.frames, vpdq.Feature{Frame: i, Quality: q, Value: value, Time: frames[i].Time})
		}
	}
	return p, p.write(kept)
}

// read takes what write has kept. The list of frames is written last, and is there,
// empty, also where there are none.
func (p *plainVideo) read(kept string) (done bool, err error) {
	list, err := os.ReadFile(kept + ".txt")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if len(list) > 0 {
		if p.frames, err = vpdq.Read(bytes.NewReader(list), vpdq.Options{}); err != nil {
			return false, fmt.Errorf("%s.txt: %w; delete it to have it made again", kept, err)
		}
	}
	f, err := os.Open(kept + ".tmk")
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if p.vector, err = tmk.Read(f); err != nil {
		return false, fmt.Errorf("%s.tmk: %w; delete it to have it made again", kept, err)
	}
	return true, nil
}

func (p *plainVideo) write(kept string) error {
	if p.vector != nil {
		err := writeFile(kept+".tmk", func(w *os.File) error { _, err := p.vector.WriteTo(w); return err })
		if err != nil {
			return err
		}
	}
	temporary := kept + ".part"
	err := writeFile(temporary, func(w *os.File) error {
		if len(p.frames) == 0 {
			return nil
		}
		return vpdq.WriteText(w, p.frames)
	})
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, kept+".txt")
}

// judgeBaselines holds every posted file against every known video by the other methods.
func (v *videos) judgeBaselines(ctx context.Context, r *videoResult) error {
	if err := os.MkdirAll(filepath.Join(v.work, "baselines"), 0o755); err != nil {
		return err
	}
	bar := newProgress(v.stderr, "comparing with other methods", len(v.known)+len(r.Judged))
	defer bar.close()
	err := pool(ctx, v.jobs, len(v.known), func(ctx context.Context, _, i int) error {
		defer bar.step(1)
		k := &v.known[i]
		if len(k.entry.Signals) == 0 {
			return nil
		}
		path, _, err := v.shortened(ctx, k.Path, k.Sum, k.Length)
		if err == nil {
			k.plain, err = v.plain(ctx, path, k.Sum)
		}
		return err
	})
	if err != nil {
		return err
	}
	return pool(ctx, v.jobs, len(r.Judged), func(ctx context.Context, _, i int) error {
		defer bar.step(1)
		j := &r.Judged[i]
		p, err := v.plain(ctx, j.path, filepath.Base(j.path))
		if err != nil {
			return err
		}
		for k := range v.known {
			for m, matches := range p.against(&v.known[k].plain) {
				switch {
				case !matches:
				case k == j.known:
					j.methods[m] = true
				case !slices.Contains(j.also, k):
					j.falsely[m]++
				}
			}
		}
		return nil
	})
}

// against judges an upload by each method.
func (p *plainVideo) against(known *plainVideo) (matches [videoMethods]bool) {
	ofUpload, ofKnown := vpdq.Compare(p.frames, known.frames, vpdq.DefaultDistance, vpdq.DefaultQuality)
	matches[vpdqKnown] = ofKnown >= vpdq.DefaultPercent
	matches[vpdqUpload] = ofUpload >= vpdq.DefaultPercent
	if p.vector != nil && known.vector != nil {
		matches[tmkBoth] = tmk.Level1(p.vector, known.vector) >= tmkScore && tmk.Level2(p.vector, known.vector) >= tmkScore
	}
	return matches
}
