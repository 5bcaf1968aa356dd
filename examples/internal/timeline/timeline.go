// Package timeline draws which part of an upload is which part of a known video: a bar
// for either, one above the other at one scale, and between them what agrees.
package timeline

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"
)

// CSS is the style of the drawings; the page sets --ink, --soft, --line and --accent.
const CSS template.CSS = `svg.timeline { display:block; width:100%; max-width:720px; height:auto; margin:4px 0 10px }
svg.timeline text { font:12px system-ui, sans-serif; fill:var(--soft) }
svg.timeline .bar { fill:var(--line) } svg.timeline .seg { fill:var(--accent) } svg.timeline .band { fill:var(--accent); opacity:.22 }
svg.timeline .want { fill:none; stroke:var(--ink); stroke-width:1.2; stroke-dasharray:4 3 } svg.timeline .weak { opacity:.45 }`

// Stretch is a part of the upload and the part of the known video that it is.
type Stretch struct{ QueryFrom, QueryTo, KnownFrom, KnownTo time.Duration }

// Line is what is drawn.
type Line struct {
	Query, Known time.Duration // their lengths; 0: unknown, as long as what is drawn
	Found        []Stretch
	Weak         bool      // what was found was too little to be a match
	Expected     []Stretch // drawn as outlines
}

// The drawing's measures, in its own units.
const (
	left, right   = 62, 702
	width, height = 720, 96
	queryY        = 20
	knownY        = 62
	thick         = 14
)

// SVG draws the line.
func (l Line) SVG() template.HTML {
	query, known := l.Query, l.Known
	for _, list := range [][]Stretch{l.Found, l.Expected} {
		for _, s := range list {
			query, known = max(query, s.QueryTo), max(known, s.KnownTo)
		}
	}
	scale := max(query, known, time.Millisecond)
	x := func(t time.Duration) float64 { return left + (right-left)*float64(t)/float64(scale) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="timeline" role="img" viewBox="0 0 %d %d" aria-label="%s">`, width, height, html.EscapeString(l.words()))
	for _, bar := range []struct {
		name   string
		y, end int
		length time.Duration
	}{{"Upload", queryY, queryY - 6, query}, {"Known", knownY, knownY + thick + 14, known}} {
		fmt.Fprintf(&b, `<text x="0" y="%d">%s</text><rect class="bar" x="%d" y="%d" width="%.1f" height="%d" rx="2"/><text x="%d" y="%d">0:00</text><text x="%.1f" y="%d" text-anchor="end">%s</text>`,
			bar.y+11, bar.name, left, bar.y, x(bar.length)-left, thick, left, bar.end, max(x(bar.length), left+70), bar.end, clock(bar.length))
	}
	class := ""
	if l.Weak {
		class = " weak"
	}
	for _, s := range l.Found {
		fmt.Fprintf(&b, `<g class="found%s"><title>%s</title>`, class, s.words())
		for _, part := range []struct {
			from, to time.Duration
			y        int
		}{{s.QueryFrom, s.QueryTo, queryY}, {s.KnownFrom, s.KnownTo, knownY}} {
			fmt.Fprintf(&b, `<rect class="seg" x="%.1f" y="%d" width="%.1f" height="%d"/>`, x(part.from), part.y, max(1, x(part.to)-x(part.from)), thick)
		}
		fmt.Fprintf(&b, `<path class="band" d="M%.1f %dL%.1f %dL%.1f %dL%.1f %dz"/></g>`,
			x(s.QueryFrom), queryY+thick, x(s.QueryTo), queryY+thick, x(s.KnownTo), knownY, x(s.KnownFrom), knownY)
	}
	for _, s := range l.Expected {
		fmt.Fprintf(&b, `<path class="want" d="M%.1f %dH%.1fV%dL%.1f %dV%dH%.1fV%dL%.1f %dz"/>`,
			x(s.QueryFrom), queryY-2, x(s.QueryTo), queryY+thick, x(s.KnownTo), knownY, knownY+thick+2, x(s.KnownFrom), knownY, x(s.QueryFrom), queryY+thick)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func (l Line) words() string {
	if len(l.Found) == 0 {
		return "Time line: nothing of the upload agrees with the known video"
	}
	words := make([]string, len(l.Found))
	for i, s := range l.Found {
		words[i] = s.words()
	}
	return "Time line: " + strings.Join(words, "; ")
}

// words is plain text without anything that markup would need escaped.
func (s Stretch) words() string {
	text := fmt.Sprintf("%s to %s of the upload is %s to %s of the known video", clock(s.QueryFrom), clock(s.QueryTo), clock(s.KnownFrom), clock(s.KnownTo))
	if speed, ok := s.Speed(); ok && (speed < 0.98 || speed > 1.02) {
		text += fmt.Sprintf(", %.2f times as fast", speed)
	}
	return text
}

// Speed is how fast the upload plays the known video; false for stretches that are too
// short to tell: times of sampled frames are off by parts of a second.
func (s Stretch) Speed() (float64, bool) {
	if s.QueryTo-s.QueryFrom < 2*time.Second {
		return 1, false
	}
	return float64(s.KnownTo-s.KnownFrom) / float64(s.QueryTo-s.QueryFrom), true
}

func clock(d time.Duration) string {
	tenths := max(0, d.Round(100*time.Millisecond)) / (100 * time.Millisecond)
	return fmt.Sprintf("%d:%02d.%d", tenths/600, tenths/10%60, tenths%10)
}
