package main

import (
	"fmt"
	"io"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
)

// verdictLine is a line of "rematch scan". Every field is always there.
type verdictLine struct {
	File    string      `json:"file"`
	Verdict string      `json:"verdict"` // match, no_match or not_judged
	Reason  string      `json:"reason"`  // why not judged, or why a match was cut short; else empty
	Matches []matchLine `json:"matches"`
	Total   int         `json:"matches_total"` // more than there are matches if only the nearest are listed
	Shadow  []matchLine `json:"shadow"`        // matches that are recorded and not reported
	Shadows int         `json:"shadow_total"`
	Plan    []passLine  `json:"plan"`  // how a video was looked at
	Flags   []string    `json:"flags"` // what is odd about the file: name_disagrees, type_disagrees, several_media, archive, trailing_bytes
	Media   []mediaLine `json:"media"` // what else the file holds; of what they match, matches has all
}

// mediaLine is a medium beside the first in a file.
type mediaLine struct {
	Format  string `json:"format"`
	Offset  int64  `json:"offset"` // in the file
	Size    int64  `json:"size"`
	Member  string `json:"member"` // its name in an archive; else empty
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	Matches int    `json:"matches"` // the last ones of the file's, in the order of the media
}

// passLine is one look at a stretch of a video.
type passLine struct {
	Kind   screen.PassKind `json:"kind"` // keys or every
	Why    string          `json:"why"`  // first, sparse, complete, gap, still, weak or edge
	FromMS int64           `json:"from_ms"`
	ToMS   int64           `json:"to_ms"`
	Frames int             `json:"frames"` // that were new
}

// matchLine is one match with its evidence. What a match does not have is null:
// the quality of a digest, the percentages of pictures.
type matchLine struct {
	Bank           string        `json:"bank"`
	Entry          string        `json:"entry"`
	Labels         []string      `json:"labels"`
	Kind           string        `json:"kind"`
	Distance       int           `json:"distance"`        // bits
	Threshold      int           `json:"threshold"`       // bits, inclusive
	Quality        *hash.Quality `json:"quality"`         // 0 to 100
	Transform      []string      `json:"transform"`       // of the upload's picture
	KnownTransform []string      `json:"known_transform"` // of the known picture
	QueryHash      string        `json:"query_hash"`
	KnownHash      string        `json:"known_hash"`
	SuppressedBy   string        `json:"suppressed_by"`
	Action         string        `json:"action"`      // of the bank
	ShadowedBy     string        `json:"shadowed_by"` // why it is not reported: rollout, quarantine, disputed, ...
	Opinion        match.Stance  `json:"opinion"`     // what is said of the entry: none, positive, seed, negative, disputed
	Severity       string        `json:"severity"`    // in the words of who shared it
	Segments       []segmentLine `json:"segments"`
	QueryPercent   *float64      `json:"query_percent"`
	KnownPercent   *float64      `json:"known_percent"`
}

// segmentLine is a stretch of an upload and where it lies in the known video.
type segmentLine struct {
	QueryFromMS  int64   `json:"query_from_ms"`
	QueryToMS    int64   `json:"query_to_ms"` // exclusive
	KnownFromMS  int64   `json:"known_from_ms"`
	KnownToMS    int64   `json:"known_to_ms"` // exclusive
	Frames       int     `json:"frames"`
	MeanDistance float64 `json:"mean_distance"`
	Speed        float64 `json:"speed"` // of the known video in the upload; 1.25 is a quarter faster
}

func newVerdictLine(file string, v screen.Verdict) verdictLine {
	l := verdictLine{File: file, Verdict: v.Outcome.String(), Reason: v.Reason, Matches: []matchLine{}, Total: v.Total, Shadow: []matchLine{}, Shadows: v.ShadowTotal, Plan: []passLine{}, Flags: append([]string{}, v.Flags...), Media: []mediaLine{}}
	for _, m := range v.Matches {
		l.Matches = append(l.Matches, newMatchLine(m))
	}
	for _, m := range v.Shadow {
		l.Shadow = append(l.Shadow, newMatchLine(m))
	}
	for _, p := range v.Plan {
		l.Plan = append(l.Plan, passLine{p.Kind, p.Why, milliseconds(p.From), milliseconds(p.To), p.Frames})
	}
	for _, m := range v.Media {
		l.Media = append(l.Media, mediaLine{m.Format, m.Offset, m.Size, m.Member, m.Outcome.String(), m.Reason, len(m.Matches)})
	}
	return l
}

func newMatchLine(m match.Match) matchLine {
	e := m.Evidence
	l := matchLine{
		Bank:           m.Entry.Bank,
		Entry:          m.Entry.ID,
		Labels:         append([]string{}, m.Entry.Labels...),
		Kind:           e.Kind.String(),
		Distance:       e.Distance,
		Threshold:      e.Threshold,
		Transform:      append([]string{}, e.Transform...),
		KnownTransform: append([]string{}, e.KnownTransform...),
		QueryHash:      e.Query.Hex(),
		KnownHash:      e.Known.Hex(),
		SuppressedBy:   m.SuppressedBy,
		Action:         m.Action,
		ShadowedBy:     m.ShadowedBy,
		Opinion:        m.Entry.Curation.Stance(),
		Segments:       []segmentLine{},
	}
	if m.Entry.Curation != nil {
		l.Severity = m.Entry.Curation.Origin.Severity
	}
	if !e.Kind.IsDigest() && e.Quality != hash.Unmeasured {
		l.Quality = &e.Quality
	}
	for _, s := range e.Segments {
		l.Segments = append(l.Segments, segmentLine{
			QueryFromMS: milliseconds(s.QueryFrom), QueryToMS: milliseconds(s.QueryTo),
			KnownFromMS: milliseconds(s.KnownFrom), KnownToMS: milliseconds(s.KnownTo),
			Frames: s.Frames, MeanDistance: hundredths(s.MeanDistance), Speed: hundredths(s.Speed),
		})
	}
	if len(e.Segments) > 0 {
		l.QueryPercent, l.KnownPercent = new(hundredths(e.QueryPercent)), new(hundredths(e.KnownPercent))
	}
	return l
}

// verdictWords are the words of the outcomes on a terminal, where they are the
// first column.
var verdictWords = map[screen.Outcome]string{
	screen.Match:     "MATCH",
	screen.NoMatch:   "no match",
	screen.NotJudged: "not judged",
}

// printVerdict writes one file's verdict: a line of JSON, or for people the
// verdict and, indented, the evidence in words.
func (a *app) printVerdict(w io.Writer, file string, v screen.Verdict) error {
	if a.json {
		return printJSON(w, newVerdictLine(file, v))
	}
	text := fmt.Sprintf("%-11s %s", verdictWords[v.Outcome], display(file))
	if v.Outcome == screen.NotJudged {
		text += ": " + reasonWords(v.Reason)
	}
	text += "\n"
	for _, m := range v.Matches {
		text += fmt.Sprintf("            %s\n", display(m.Entry.Bank+"/"+m.Entry.ID)+labelWords(m.Entry.Labels)+actionWords(m))
		for _, line := range evidenceWords(m) {
			text += "              " + terminal.OneLine(line) + "\n"
		}
	}
	if more := v.Total - len(v.Matches); more > 0 {
		text += fmt.Sprintf("            and %d more that are further away\n", more)
	}
	for _, m := range v.Shadow {
		text += fmt.Sprintf("            not reported (%s): %s\n", m.ShadowedBy, display(m.Entry.Bank+"/"+m.Entry.ID)+labelWords(m.Entry.Labels)+actionWords(m))
	}
	if more := v.ShadowTotal - len(v.Shadow); more > 0 {
		text += fmt.Sprintf("            not reported: %d more\n", more)
	}
	for _, m := range v.Media {
		text += "            " + mediumWords(m) + "\n"
	}
	for _, f := range v.Flags {
		if words := flagWords[f]; words != "" {
			text += "            " + words + "\n"
		}
	}
	if v.Outcome == screen.Match && v.Reason != "" {
		text += "            Beyond that it was not judged: " + reasonWords(v.Reason) + ".\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// actionWords is what is to be done about a match.
func actionWords(m match.Match) string {
	if m.Action == "" {
		return ""
	}
	return ": " + terminal.OneLine(m.Action)
}

func labelWords(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	return " (" + terminal.OneLine(joinAnd(labels)) + ")"
}
