package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/examples/internal/pair"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// comparisonLine is what "rematch compare --json" prints.
type comparisonLine struct {
	Upload  string      `json:"upload"`
	Known   string      `json:"known"`
	Verdict string      `json:"verdict"` // match, no_match or not_judged
	Reason  string      `json:"reason"`
	Matches []matchLine `json:"matches"`
	Weak    []weakLine  `json:"weak"`
	Frames  []pointLine `json:"frames"`
}

// weakLine is what agreed but was too little to be a match.
type weakLine struct {
	matchLine
	Missing []string `json:"missing"`
}

// pointLine is a frame of the upload against the known item. What there is not is null.
type pointLine struct {
	TimeMS        int64        `json:"time_ms"`
	Quality       hash.Quality `json:"quality"`
	Distance      *int         `json:"distance"` // bits, to the known frame that is nearest
	KnownTimeMS   *int64       `json:"known_time_ms"`
	Transform     []string     `json:"transform"`
	AlignedTimeMS *int64       `json:"aligned_time_ms"`  // the known time where the segments put the frame
	Aligned       *int         `json:"aligned_distance"` // bits, to the known frames about that time
}

func (a *app) compareCommand() *cobra.Command {
	var (
		every time.Duration
		media mediaFlags
	)
	c := &cobra.Command{
		Use:   "compare [flags] UPLOAD KNOWN",
		Short: "Show how two files agree, and why they would or would not match",
		Long: `Screen one picture or video as an upload against another one as the only known
item, with the rules that "scan" has by default, and show what is behind the verdict:
the stretches that agree, what was missing if that is too little, and frame by frame
how near the upload comes to the known video.

Exit codes: 0 they do not match, 3 they match, 4 the upload was not judged,
1 failure, 2 wrong usage.`,
		Example: `  rematch compare upload.mp4 known.mp4
  rematch compare --json upload.mp4 known.mp4`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if every < 0 || every > 0 && every < 10*time.Millisecond {
				return usagef("--every %s: want 10ms or more", every)
			}
			bar := a.newProgress("comparing")
			defer bar.close()
			options, decoder, err := media.options(bar.note)
			if err != nil {
				return err
			}
			x := comparison{app: a, upload: args[0], known: args[1], every: every, options: screen.Options{Video: options}}
			return closing(decoder, x.run(c.Context(), bar))
		},
	}
	c.Flags().DurationVar(&every, "every", 0, "how far apart the frames are that are listed; 0: half a second, or as far as makes a hundred of them")
	media.add(c)
	return c
}

// comparison is one run of the command.
type comparison struct {
	app           *app
	upload, known string
	every         time.Duration
	options       screen.Options
}

func (x *comparison) run(ctx context.Context, bar *progress) error {
	entry, err := screen.Enroll(ctx, video.File(x.known), nil, x.options)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		// In words of this program: the error's own are cut down to what is wrong with a file.
		return fmt.Errorf("%s can't be a known item: %s", display(x.known), message(err))
	}
	entry.ID = filepath.Base(x.known)
	matcher, err := match.New(match.Options{}, match.Bank{Name: "known", Entries: []match.Entry{entry}})
	if err != nil {
		return err
	}
	verdict, err := screen.New(matcher, x.options).Screen(ctx, video.File(x.upload))
	if err != nil {
		return err
	}
	points, err := x.points(ctx, entry, verdict)
	if err != nil {
		return err
	}
	bar.close()
	if x.app.json {
		err = printJSON(x.app.stdout, newComparisonLine(x, verdict, points))
	} else {
		err = x.print(x.app.stdout, entry, verdict, points)
	}
	switch {
	case err != nil:
		return err
	case verdict.Outcome == screen.Match:
		return codeError(exitMatch)
	case verdict.Outcome == screen.NotJudged:
		return codeError(exitNotJudged)
	}
	return nil
}

// maxPoints is how many frames are listed without --every: as many as can be read.
const maxPoints = 100

// points holds the upload's frames against the known item. Frames that can't be decoded
// are left out: the verdict says what is wrong with the upload.
func (x *comparison) points(ctx context.Context, entry match.Entry, v screen.Verdict) ([]pair.Point, error) {
	every := x.every
	if every == 0 {
		every = max(500*time.Millisecond, (v.Info.Duration / maxPoints).Round(100*time.Millisecond))
	}
	frames, _, err := pair.Hash(ctx, video.File(x.upload), every, x.options.Video)
	if _, refused := video.Reason(err); err != nil && !refused {
		return nil, err
	}
	var segments []match.Segment
	if len(v.Matches) > 0 {
		segments = v.Matches[0].Evidence.Segments
	} else if len(v.Weak) > 0 {
		segments = v.Weak[0].Evidence.Segments
	}
	return pair.Compare(frames, entry, func(at time.Duration) (time.Duration, bool) {
		for _, s := range segments {
			if s.QueryFrom <= at && at < s.QueryTo {
				return s.KnownFrom + time.Duration(float64(at-s.QueryFrom)*float64(s.KnownTo-s.KnownFrom)/float64(s.QueryTo-s.QueryFrom)), true
			}
		}
		return 0, false
	}), ctx.Err()
}

func newComparisonLine(x *comparison, v screen.Verdict, points []pair.Point) comparisonLine {
	l := comparisonLine{Upload: x.upload, Known: x.known, Verdict: v.Outcome.String(), Reason: v.Reason, Matches: []matchLine{}, Weak: []weakLine{}, Frames: []pointLine{}}
	for _, m := range v.Matches {
		l.Matches = append(l.Matches, newMatchLine(m))
	}
	for _, w := range v.Weak {
		l.Weak = append(l.Weak, weakLine{newMatchLine(w.Match), w.Missing})
	}
	for _, p := range points {
		f := pointLine{TimeMS: milliseconds(p.Time), Quality: p.Quality, Transform: append([]string{}, p.Transform...)}
		if p.Best >= 0 {
			f.Distance, f.KnownTimeMS = new(p.Best), new(milliseconds(p.BestAt))
		}
		if p.Expected {
			f.AlignedTimeMS = new(milliseconds(p.AlignedAt))
		}
		if p.Aligned >= 0 {
			f.Aligned = new(p.Aligned)
		}
		l.Frames = append(l.Frames, f)
	}
	return l
}

// print writes the comparison for people.
func (x *comparison) print(w io.Writer, entry match.Entry, v screen.Verdict, points []pair.Point) error {
	if err := x.app.printVerdict(w, x.upload, v); err != nil {
		return err
	}
	var b strings.Builder
	for _, weak := range v.Weak {
		fmt.Fprintf(&b, "            %s agrees, but that is too little to be a match: %s\n", display(entry.ID), joinAnd(missingWords(weak.Missing)))
		for _, line := range evidenceWords(weak.Match) {
			fmt.Fprintf(&b, "              %s\n", line)
		}
	}
	if v.Outcome == screen.NoMatch && len(v.Weak) == 0 {
		fmt.Fprintf(&b, "            %s\n", nearestWords(points))
	}
	if len(points) > 1 {
		fmt.Fprintf(&b, "\n  %9s  %7s  %7s  %9s  %s\n", "upload", "quality", "nearest", "known", "bits to the known video where it is aligned; else to the nearest frame")
		for _, p := range points {
			b.WriteString(pointWords(p, entry.IsVideo()))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// missingWords explains the tokens of match.WeakMatch.Missing.
func missingWords(tokens []string) []string {
	known := map[string]string{
		"frames": "too few different frames", "duration": "too short a time", "common": "the frames are in many known videos",
		"refuted": "the frames beside them do not agree", "scene": "it may be the same scene and not the same footage",
		"query_percent": "too small a share of the upload", "known_percent": "too small a share of the known video",
	}
	words := make([]string, len(tokens))
	for i, t := range tokens {
		words[i] = t
		if w, ok := known[t]; ok {
			words[i] = w
		}
	}
	return words
}

// nearestWords says how near two files come that have nothing in common.
func nearestWords(points []pair.Point) string {
	nearest := pair.Point{Best: -1}
	for _, p := range points {
		if p.Best >= 0 && (nearest.Best < 0 || p.Best < nearest.Best) {
			nearest = p
		}
	}
	if nearest.Best < 0 {
		return "No frame shows enough to compare."
	}
	limit := hash.PDQ.Threshold()
	if nearest.Best <= limit {
		return fmt.Sprintf("A frame comes within %d bits, but not one of those that were looked at.", nearest.Best)
	}
	text := fmt.Sprintf("The nearest frames, %s of the upload and %s of the known item, are %d bits apart; up to %d match.", clock(nearest.Time), clock(nearest.BestAt), nearest.Best, limit)
	if t := transformWords(nearest.Transform); t != "" {
		text = strings.TrimSuffix(text, ".") + fmt.Sprintf(" (the upload's %s).", t)
	}
	return text
}

// barBits is how many bits a character of the drawn distance is.
const barBits = 4

// pointWords is a line of the list of frames: the distance is drawn as a bar, to which
// there is a mark at the threshold.
func pointWords(p pair.Point, timed bool) string {
	d, known := p.Best, "-"
	if timed && p.Best >= 0 {
		known = clock(p.BestAt)
	}
	if p.Aligned >= 0 {
		d, known = p.Aligned, clock(p.AlignedAt)
	}
	if d < 0 {
		return fmt.Sprintf("  %9s  %7s  %7s  %9s  shows too little\n", clock(p.Time), p.Quality, "-", "-")
	}
	bar := []byte(strings.Repeat("#", (d+barBits-1)/barBits))
	for len(bar) < hash.PDQ.Threshold()/barBits {
		bar = append(bar, ' ')
	}
	limit := hash.PDQ.Threshold() / barBits
	mark := string(bar[:limit]) + "|" + string(bar[limit:])
	text := fmt.Sprintf("  %9s  %7s  %7d  %9s  %3d %s", clock(p.Time), p.Quality, p.Best, known, d, mark)
	if p.Expected {
		text += " aligned"
	}
	return strings.TrimRight(text, " ") + "\n"
}
