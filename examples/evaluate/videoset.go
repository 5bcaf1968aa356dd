package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/examples/evaluate/internal/clips"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

// videos is one run of "evaluate videos".
type videos struct {
	folders, others []string
	work            string
	transforms      []clips.Transform
	hard            bool
	limit, cuts     int
	maxSide         int
	maxLength       time.Duration
	seed            uint64
	jobs            int
	noBaselines     bool
	stderr          io.Writer

	ffmpeg  string // its path
	backend *ffmpeg.Backend
	omitted omissions

	known   []knownVideo
	fillers []clips.Clip // unrelated videos in the bank
	hosts   []clips.Clip // unrelated videos that are posted, and that known ones are put into
	uploads []upload
}

// knownVideo is a video of the bank that is looked for.
type knownVideo struct {
	clips.Clip
	Name  string
	entry match.Entry
	plain plainVideo // for the baselines
}

// upload is a posted file.
type upload struct {
	job       clips.Job
	transform int    // among the transforms, or -1
	kind      string // of a hard negative
	banked    bool   // it is not posted but put into the bank of the hard negatives
	known     int    // which known video it was made from, or -1
	also      []int  // known videos that are in it as well
	source    string // the name of what it was made from
	path      string
	length    time.Duration
}

// hardBanked and hardPosted are how many videos of each kind of hard negatives are in
// the bank and posted: as many that what they share is known to be shared.
const hardBanked, hardPosted = 10, 5

// shortestKnown is the length that a known video must have.
const shortestKnown = 2 * time.Second

func (v *videos) screenOptions() screen.Options {
	return screen.Options{Video: video.Options{Backend: v.backend}}
}

// load finds the videos and shares them out.
func (v *videos) load(ctx context.Context) error {
	var files, others []source
	for _, set := range []struct {
		folders []string
		dst     *[]source
	}{{v.folders, &files}, {v.others, &others}} {
		for _, folder := range set.folders {
			found, err := list(ctx, folder)
			if err != nil {
				return err
			}
			*set.dst = append(*set.dst, found...)
		}
		slices.SortStableFunc(*set.dst, func(a, b source) int { return slices.Compare(a.sum[:], b.sum[:]) })
	}
	seen := make(map[[32]byte]bool)
	for _, s := range files {
		if len(v.known) == v.limit && v.limit > 0 {
			seen[s.sum] = true // it is no distractor
			continue
		}
		c, ok, err := v.clip(ctx, "known", s, seen)
		if err != nil {
			return err
		}
		if ok && c.Length < shortestKnown {
			v.omitted.note("known", s.Name, "shorter than 2 s")
		} else if ok {
			v.known = append(v.known, knownVideo{Clip: c, Name: s.Name})
		}
	}
	n := 0
	for _, s := range others {
		c, ok, err := v.clip(ctx, "distractor", s, seen)
		if err != nil {
			return err
		}
		switch {
		case !ok:
		case n%4 == 3:
			v.fillers = append(v.fillers, c)
			n++
		default:
			v.hosts = append(v.hosts, c)
			n++
		}
	}
	switch {
	case len(v.known) == 0:
		return fmt.Errorf("there is no video of 2 s or more in %s", strings.Join(v.folders, ", "))
	case len(v.hosts) == 0:
		return fmt.Errorf("there is no video in %s", strings.Join(v.others, ", "))
	}
	return nil
}

// clip looks at a file; false if it can't be used, which is noted.
func (v *videos) clip(ctx context.Context, role string, s source, seen map[[32]byte]bool) (clips.Clip, bool, error) {
	if seen[s.sum] {
		v.omitted.note(role, s.Name, "the same file as another")
		return clips.Clip{}, false, nil
	}
	seen[s.sum] = true
	path, err := filepath.Abs(s.path)
	if err != nil {
		return clips.Clip{}, false, err
	}
	media, err := video.Open(ctx, video.File(path), video.Options{Backend: v.backend})
	if err != nil {
		if _, refused := video.Reason(err); !refused || ctx.Err() != nil {
			return clips.Clip{}, false, fmt.Errorf("%s: %w", s.path, err)
		}
		v.omitted.note(role, s.Name, reason(err))
		return clips.Clip{}, false, nil
	}
	info := media.Info()
	if err := media.Close(); err != nil {
		return clips.Clip{}, false, err
	}
	if info.Class != video.Video || info.Duration <= 0 || info.Streams > 1 {
		v.omitted.note(role, s.Name, "not a video of a known length")
		return clips.Clip{}, false, nil
	}
	c := clips.Clip{Path: path, Sum: fmt.Sprintf("%x", s.sum), Width: info.Width, Height: info.Height, Length: info.Duration}
	if role == "known" {
		c.Length = min(c.Length, v.maxLength)
	}
	return c, true, nil
}

// plan decides on all files that are posted.
func (v *videos) plan() error {
	art, err := clips.Draw(v.work)
	if err != nil {
		return err
	}
	all := make([]clips.Clip, len(v.known))
	for i, k := range v.known {
		all[i] = k.Clip
	}
	for i, k := range v.known {
		for t, transform := range v.transforms {
			cast := clips.Cast{Clip: k.Clip, Others: slices.Delete(slices.Clone(all), i, i+1), Hosts: v.hosts, Art: art, MaxSide: v.maxSide, Rand: v.rand(transform.Name, k.Sum)}
			job, ok := transform.Plan(cast)
			if !ok {
				continue // the clip is too short: the table tells how many there are
			}
			u := upload{job: job, transform: t, known: i, source: k.Name}
			for _, other := range job.Also {
				if other >= i {
					other++
				}
				u.also = append(u.also, other)
			}
			v.uploads = append(v.uploads, u)
		}
	}
	v.planCuts()
	if v.hard {
		v.planHard(art)
	}
	return nil
}

// rand is a source of randomness for a purpose and a file.
func (v *videos) rand(purpose, sum string) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s", purpose, sum)
	return rand.New(rand.NewPCG(v.seed, h.Sum64()))
}

// planCuts spreads the cuts over the hosts in proportion to their length. Of a host that
// is shorter than a cut there is only one.
func (v *videos) planCuts() {
	var total time.Duration
	for _, h := range v.hosts {
		total += h.Length
	}
	r := v.rand("cuts", "")
	planned := make(map[string]bool)
	for i := range v.cuts {
		at := time.Duration((float64(i) + r.Float64()) / float64(v.cuts) * float64(total))
		for _, h := range v.hosts {
			if at >= h.Length {
				at -= h.Length
				continue
			}
			length := min(4+11*r.Float64(), h.Length.Seconds())
			from := min(at.Seconds(), h.Length.Seconds()-length)
			if job := clips.Cut(h, from, length, v.maxSide); !planned[job.Name] {
				planned[job.Name] = true
				v.uploads = append(v.uploads, upload{job: job, transform: -1, known: -1, source: filepath.Base(h.Path)})
			}
			break
		}
	}
}

// planHard makes videos that have something in common: some for a bank, and some to
// post, of other hosts.
func (v *videos) planHard(art clips.Art) {
	posted := min(hardPosted, len(v.hosts)/2)
	others := v.hosts[posted:]
	for _, kind := range clips.Hards() {
		plan := func(h clips.Clip) upload {
			job := kind.Plan(clips.Cast{Clip: h, Hosts: v.hosts, Art: art, MaxSide: v.maxSide, Rand: v.rand(kind.Name, h.Sum)})
			return upload{job: job, transform: -1, known: -1, kind: kind.Name, source: filepath.Base(h.Path)}
		}
		for _, h := range v.hosts[:posted] {
			v.uploads = append(v.uploads, plan(h))
		}
		for _, h := range others[:min(hardBanked, len(others))] {
			u := plan(h)
			u.banked = true
			v.uploads = append(v.uploads, u)
		}
	}
}

// make runs ffmpeg for all files that are not there yet. What it can't make is left out.
func (v *videos) make(ctx context.Context) error {
	bar := newProgress(v.stderr, "making", len(v.uploads))
	defer bar.close()
	failed := make([]bool, len(v.uploads))
	err := pool(ctx, v.jobs, len(v.uploads), func(ctx context.Context, _, i int) error {
		defer bar.step(1)
		u := &v.uploads[i]
		u.path = filepath.Join(v.work, "posted", u.job.Name)
		why, err := v.encode(ctx, u.job, u.path)
		if err == nil && why == "" {
			u.length, why, err = v.length(ctx, u.path)
		}
		if why != "" {
			v.omitted.note("posted", u.job.Name, why)
			failed[i] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	var kept []upload
	for i, u := range v.uploads {
		if !failed[i] {
			kept = append(kept, u)
		}
	}
	v.uploads = kept
	return nil
}

// encode runs one command, and returns why it failed if that is the media's fault.
func (v *videos) encode(ctx context.Context, job clips.Job, path string) (why string, err error) {
	if _, err := os.Stat(path); err == nil {
		return "", nil
	}
	temporary := filepath.Join(filepath.Dir(path), "."+job.Name)
	defer os.Remove(temporary)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, v.ffmpeg, job.Args(temporary)...)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if ctx.Err() != nil || !errors.As(err, &exit) {
			return "", errors.Join(ctx.Err(), err)
		}
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return "ffmpeg: " + line, nil
	}
	return "", os.Rename(temporary, path)
}

// length is that of a posted file.
func (v *videos) length(ctx context.Context, path string) (length time.Duration, why string, err error) {
	media, err := video.Open(ctx, video.File(path), video.Options{Backend: v.backend})
	if err != nil {
		if _, refused := video.Reason(err); !refused || ctx.Err() != nil {
			return 0, "", fmt.Errorf("%s: %w", path, err)
		}
		return 0, reason(err), nil
	}
	return media.Info().Duration, "", media.Close()
}

func (o *omissions) note(role, name, reason string) { o.add(role, source{Name: name}, reason) }
