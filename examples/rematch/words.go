package main

import (
	"fmt"
	"strings"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/region"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
)

// The sentences in this file are read by moderators, on the terminal and in the
// page: they say what was compared with what, and how near it was.

// reasons are the tokens of video.Reason and of package screen in words.
var reasons = map[string]string{
	"empty":                 "the file is empty",
	"unsupported":           "not a supported picture or video",
	"corrupt":               "damaged: no picture in it could be decoded",
	"truncated":             "damaged: it breaks off before its end",
	"encrypted":             "encrypted: without the key nobody can look at it",
	"no_picture":            "it has no picture track",
	"decoder_missing":       "a video, and there is no decoder: put ffmpeg and ffprobe on PATH",
	"timed_out":             "it took too long",
	"over_budget_bytes":     "the file is larger than allowed",
	"over_budget_pixels":    "its pictures are larger than allowed",
	"over_budget_frames":    "it has more frames than allowed",
	"over_budget_duration":  "it is longer than allowed",
	"over_budget_memory":    "decoding it takes more memory than allowed",
	"over_budget_parts":     "it holds more pictures or videos than one file has",
	screen.ReasonLowQuality: "it shows too little to compare (flat, blurred or nearly empty)",
	screen.ReasonTooSmall:   "the picture is too small to hash",
	screen.ReasonNoBank:     "there is nothing to compare with: the banks are empty or disabled",
	screen.ReasonLimited:    "its frames occur in more known videos than one look follows; have a person look",
}

// reasonWords explains a reason's token; a token without words is shown itself.
func reasonWords(token string) string {
	if words, ok := reasons[token]; ok {
		return words
	}
	return token
}

// flagWords are the tokens of Verdict.Flags in words, but for those that the media say.
var flagWords = map[string]string{
	screen.FlagName:     "Its name promises another format than it has.",
	screen.FlagType:     "It was declared as another format than it has.",
	screen.FlagTrailing: "Something that is no picture or video stands behind its end.",
}

// mediumWords explains a medium beside the first in a file.
func mediumWords(m screen.Medium) string {
	where := fmt.Sprintf("at byte %d", m.Offset)
	if m.Member != "" {
		where = "in the archive at its end, " + display(m.Member)
	}
	words := fmt.Sprintf("It is a %s as well, %s: ", m.Format, where)
	if m.Format == "" {
		words = "It holds something else, " + where + ": "
	}
	switch m.Outcome {
	case screen.Match:
		return words + fmt.Sprintf("%s.", count(len(m.Matches), "match", "matches"))
	case screen.NoMatch:
		return words + "no match."
	}
	return words + "not judged, " + reasonWords(m.Reason) + "."
}

// transforms are the stable tokens of Evidence.Transform in words that fit after
// "The upload,".
var transforms = map[string]string{
	region.Part{Kind: region.Border}.String(): "with its border removed",
	region.Part{Kind: region.Inner}.String():  "cut out of what surrounds it",
	hash.Top.String():                         "its upper half alone",
	hash.Bottom.String():                      "its lower half alone",
	hash.Left.String():                        "its left half alone",
	hash.Right.String():                       "its right half alone",
	hash.Rot90.String():                       "turned a quarter counter-clockwise",
	hash.Rot180.String():                      "turned upside down",
	hash.Rot270.String():                      "turned a quarter clockwise",
	hash.FlipX.String():                       "mirrored top to bottom",
	hash.FlipY.String():                       "mirrored left to right",
	hash.FlipPlus1.String():                   "mirrored along its diagonal",
	hash.FlipMinus1.String():                  "mirrored along its other diagonal",
}

// partWords explains the token of a panel, as panel:2/4.
func partWords(token string) (words string, ok bool) {
	number, ok := strings.CutPrefix(token, "panel:")
	if !ok {
		return "", false
	}
	number, of, ok := strings.Cut(number, "/")
	return fmt.Sprintf("only panel %s of the %s found side by side in it", number, of), ok
}

// transformWords names what was done to a picture before it was compared, in the
// order in which it was done; empty for the picture as it is.
func transformWords(tokens []string) string {
	words := make([]string, len(tokens))
	for i, token := range tokens {
		words[i] = token
		if w, ok := transforms[token]; ok {
			words[i] = w
		} else if w, ok := partWords(token); ok {
			words[i] = w
		} else if w, ok := cropWords(token); ok {
			words[i] = w
		}
	}
	return joinAnd(words)
}

// cropWords puts the token of a crop into words: "crop:5,0,90,100" is the part of
// the picture that begins 5 % from its left edge and at its top, and is 90 % as wide
// and as high as the whole.
func cropWords(token string) (string, bool) {
	part, ok := screen.ParseCrop(token)
	if !ok {
		return "", false
	}
	var cut []string
	for _, side := range []struct {
		percent int
		name    string
	}{{part.Min.X, "left"}, {part.Min.Y, "top"}, {100 - part.Max.X, "right"}, {100 - part.Max.Y, "bottom"}} {
		if side.percent > 0 {
			cut = append(cut, fmt.Sprintf("%d %% at the %s", side.percent, side.name))
		}
	}
	return "without " + joinAnd(cut), true
}

// joinAnd lists words: "a", "a and b", "a, b and c".
func joinAnd(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// evidenceWords explains a match, a sentence each.
func evidenceWords(m match.Match) []string {
	e := m.Evidence
	subject := "The upload"
	if len(e.Segments) > 0 {
		subject = "The upload's picture at " + clock(e.QueryTime)
	}
	if t := transformWords(e.Transform); t != "" {
		subject += ", " + t + ","
	}
	known := m.Entry.ID
	if m.Entry.IsVideo() {
		known += " at " + clock(e.KnownTime)
	}
	if t := transformWords(e.KnownTransform); t != "" {
		known += ", " + t + ","
	}
	var lines []string
	switch {
	case e.Kind.IsDigest():
		lines = append(lines, fmt.Sprintf("The upload is the same file, byte for byte (%s).", e.Kind))
	case e.Distance == 0:
		lines = append(lines, fmt.Sprintf("%s has the same %s hash as %s.", subject, e.Kind, strings.TrimSuffix(known, ",")))
	case e.Distance > e.Threshold:
		lines = append(lines, fmt.Sprintf("%s differs from %s in %d of %d bits (%s): more than the %d that match alone, but others bear it out.",
			subject, known, e.Distance, e.Kind.Bits(), e.Kind, e.Threshold))
	default:
		lines = append(lines, fmt.Sprintf("%s differs from %s in %d of %d bits (%s); up to %d match.",
			subject, known, e.Distance, e.Kind.Bits(), e.Kind, e.Threshold))
	}
	for _, s := range e.Segments {
		lines = append(lines, segmentWords(s))
	}
	if len(e.Segments) > 0 {
		lines = append(lines, fmt.Sprintf("%.0f %% of the upload's pictures match, and they cover %.0f %% of the known video.", e.QueryPercent, e.KnownPercent))
	}
	if m.SuppressedBy != "" {
		lines = append(lines, "It does not count: "+m.SuppressedBy+" on an allow-list matches too.")
	}
	return lines
}

func segmentWords(s match.Segment) string {
	fast := ""
	if s.Speed < 0.98 || s.Speed > 1.02 {
		fast = fmt.Sprintf("%.2f times as fast, ", s.Speed)
	}
	return fmt.Sprintf("Its %s to %s is %s to %s of the known video (%s%s, %.1f bits apart on average).",
		clock(s.QueryFrom), clock(s.QueryTo), clock(s.KnownFrom), clock(s.KnownTo),
		fast, count(s.Frames, "distinct picture", "distinct pictures"), s.MeanDistance)
}
