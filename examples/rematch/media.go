package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video"
)

// mediaFlags say how strangers' media is opened; hash, bank build and scan have
// them.
type mediaFlags struct {
	backend      string
	storedPixels bool
	maxBytes     int64
	timeout      time.Duration
}

func (f *mediaFlags) add(c *cobra.Command) {
	d := video.Limits{}.Defaults()
	c.Flags().StringVar(&f.backend, "backend", "auto", "what decodes videos: ffmpeg (the program), wasm (built in), or auto: ffmpeg if it is on PATH")
	c.Flags().BoolVar(&f.storedPixels, "stored-pixels", false, "ignore EXIF orientation and rotation metadata")
	c.Flags().Int64Var(&f.maxBytes, "max-bytes", d.Bytes, "do not judge files larger than this")
	c.Flags().DurationVar(&f.timeout, "timeout", d.Work, "how long one file may take")
}

// options checks the flags and makes the options of package video from them. The
// decoder is to be closed after the last use.
func (f *mediaFlags) options(note func(string)) (video.Options, *decoder, error) {
	if f.maxBytes <= 0 {
		return video.Options{}, nil, usagef("--max-bytes %d: want a positive number", f.maxBytes)
	}
	if f.timeout <= 0 {
		return video.Options{}, nil, usagef("--timeout %s: want a positive time such as 30s", f.timeout)
	}
	d, err := newDecoder(f.backend, note)
	if err != nil {
		return video.Options{}, nil, err
	}
	return video.Options{
		Limits:       video.Limits{Bytes: f.maxBytes, Work: f.timeout},
		Backend:      d,
		StoredPixels: f.storedPixels,
	}, d, nil
}

// parseKinds reads the values of --kind, each of which may be a list with commas.
func parseKinds(names []string) ([]hash.Kind, error) {
	var kinds []hash.Kind
	seen := make(map[hash.Kind]bool)
	for _, name := range names {
		k, err := hash.ParseKind(strings.TrimSpace(name))
		if err != nil {
			return nil, usagef("--kind: %w", err)
		}
		if !seen[k] {
			seen[k] = true
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		return nil, usagef("--kind: no kind given")
	}
	return kinds, nil
}

// parseSampling reads --sample.
func parseSampling(s string) (video.Sampling, error) {
	switch {
	case s == "key":
		return video.Sampling{Keys: true}, nil
	case s == "all":
		return video.Sampling{}, nil
	case strings.HasPrefix(s, "every="):
		d, err := time.ParseDuration(strings.TrimPrefix(s, "every="))
		if err == nil && d >= time.Millisecond {
			return video.Sampling{Every: d}, nil
		}
	}
	return video.Sampling{}, usagef("--sample %q: want key, all, or every=TIME with a time from 1ms on, such as every=1s", s)
}
