package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/examples/internal/timeline"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

//go:embed page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is the HTML file for moderators. It collects while the scan runs, and
// opens the matched files a second time for their pictures when it is written. It
// holds nothing but matches, refusals and errors in memory, and the pictures of a
// few files at a time.
type page struct {
	path    string
	matched []reported
	refused []refusal
	failed  []refusal
}

// reported is an upload with matches.
type reported struct {
	file    string
	verdict screen.Verdict
}

// refusal is a file without a verdict, and why.
type refusal struct{ File, Reason, Detail string }

// newPage checks that a page can be written to path.
func newPage(path string) (*page, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, usagef("--page %s: it is there already and not a file", display(path))
	}
	probe, err := createBeside(path)
	if err != nil {
		return nil, fmt.Errorf("the page can't be written: %w", err)
	}
	return &page{path: path}, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// add notes what became of a file.
func (p *page) add(file string, v screen.Verdict, err error) {
	switch {
	case err != nil:
		p.failed = append(p.failed, refusal{File: display(file), Reason: message(err)})
	case v.Outcome == screen.NotJudged:
		f := refusal{File: display(file), Reason: reasonWords(v.Reason)}
		if v.Err != nil {
			f.Detail = terminal.OneLine(v.Err.Error())
		}
		p.refused = append(p.refused, f)
	}
	if len(v.Matches) > 0 {
		p.matched = append(p.matched, reported{file, v})
	}
}

// write makes the file, in one step: whoever opens it sees all of it or what was
// there before.
func (p *page) write(ctx context.Context, bar *progress, workers int, t *tally, known map[knownKey]string, o video.Options) error {
	err := replaceFile(p.path, func(w io.Writer) error { return p.render(ctx, w, bar, workers, t, known, o) })
	if err != nil {
		return fmt.Errorf("the page was not written: %w", err)
	}
	return nil
}

// render writes the page.
func (p *page) render(ctx context.Context, w io.Writer, bar *progress, workers int, t *tally, known map[knownKey]string, o video.Options) error {
	err := pageTemplate.ExecuteTemplate(w, "head", map[string]any{
		"Files": t.found, "Matched": t.matched, "NoMatch": t.noMatch, "NotJudged": t.notJudged, "Failed": t.failed,
		"Pictures": len(p.matched) > 0, "TimelineCSS": timeline.CSS,
	})
	if err != nil {
		return err
	}
	uploads := func(yield func(reported) bool) {
		for _, u := range p.matched {
			bar.found()
			if !yield(u) {
				return
			}
		}
	}
	work := func(ctx context.Context, u reported, give func(uploadView) bool) {
		give(newUploadView(ctx, u, known, o))
		bar.done()
	}
	err = ordered(ctx, workers, iter.Seq[reported](uploads), work, func(_ reported, v uploadView) error {
		return pageTemplate.ExecuteTemplate(w, "upload", v)
	})
	if err != nil {
		return err
	}
	return pageTemplate.ExecuteTemplate(w, "tail", map[string]any{"Refused": p.refused, "FailedFiles": p.failed})
}

// uploadView is an upload as the template sees it.
type uploadView struct {
	File, About string
	Stands      bool // at least one match that no allow-list suppresses
	Note        string
	Matches     []matchView
}

// matchView is a match as the template sees it.
type matchView struct {
	Bank, Entry string
	Labels      []string
	Suppressed  string
	Sentences   []string
	Timeline    template.HTML // of a video; empty for anything else
	Pairs       []pairView
	Kind        string
	Query       string // hex
	Known       string
}

// newUploadView makes the thumbnails of an upload and of what it matched. A
// picture that can't be shown any more is left out; the evidence stands without.
func newUploadView(ctx context.Context, u reported, known map[knownKey]string, o video.Options) uploadView {
	v := uploadView{File: display(u.file), About: about(u.verdict.Info), Stands: u.verdict.Outcome == screen.Match}
	if v.Stands && u.verdict.Reason != "" {
		v.Note = "The rest was not judged: " + reasonWords(u.verdict.Reason) + "."
	}
	for _, m := range u.verdict.Matches {
		knownFile := known[knownKey{m.Entry.Bank, m.Entry.ID}]
		v.Matches = append(v.Matches, matchView{
			Bank: display(m.Entry.Bank), Entry: display(m.Entry.ID),
			Labels:     slices.Clone(m.Entry.Labels),
			Suppressed: m.SuppressedBy,
			Sentences:  evidenceWords(m),
			Timeline:   drawTimeline(m, u.verdict.Info.Duration),
			Pairs:      pairs(ctx, u.file, knownFile, m, o),
			Kind:       m.Evidence.Kind.String(),
			Query:      m.Evidence.Query.Hex(),
			Known:      m.Evidence.Known.Hex(),
		})
	}
	return v
}

// about describes a media file in a few words: "mp4 video, 640 x 360, 0:12.0".
func about(i video.Info) string {
	if i.Format == "" {
		return ""
	}
	class := i.Class.String()
	if i.Class == video.Still {
		class = "picture"
	}
	s := fmt.Sprintf("%s %s, %d \u00d7 %d", i.Format, class, i.Width, i.Height)
	if i.Duration > 0 {
		s += ", " + clock(i.Duration)
	}
	return s
}

// isTimed reports whether a match has times worth showing on the upload's side.
func isTimed(m match.Match) bool { return len(m.Evidence.Segments) > 0 || m.Evidence.QueryTime > 0 }

// stretches are a match's segments as they are drawn.
func stretches(segments []match.Segment) []timeline.Stretch {
	all := make([]timeline.Stretch, len(segments))
	for i, s := range segments {
		all[i] = timeline.Stretch{QueryFrom: s.QueryFrom, QueryTo: s.QueryTo, KnownFrom: s.KnownFrom, KnownTo: s.KnownTo}
	}
	return all
}

// drawTimeline draws which part of the upload is which part of a known video; nothing
// where there are no segments.
func drawTimeline(m match.Match, length time.Duration) template.HTML {
	if len(m.Evidence.Segments) == 0 {
		return ""
	}
	return timeline.Line{Query: length, Known: m.Entry.Duration, Found: stretches(m.Evidence.Segments)}.SVG()
}
