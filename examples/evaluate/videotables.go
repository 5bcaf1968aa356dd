package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/examples/evaluate/internal/clips"
	"github.com/rematch-go/rematch/examples/internal/pair"
	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
)

// bankSize writes a bank file and returns its size.
func bankSize(path string, b match.Bank) (int64, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	if err := match.WriteFile(path, b); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// videoLine is a row of the tables.
type videoLine struct {
	Name    string
	Found   share
	Methods [videoMethods]share
	Posted  int
	Wrong   int               // pairs that the library matched wrongly
	Falsely [videoMethods]int // and the baselines
	Refused int               // not judged
	errors  []time.Duration   // of the ends of segments
	cpu     time.Duration     // of screening
	length  time.Duration     // of what was posted
}

func (l *videoLine) add(j *judged) {
	l.Posted++
	if j.known >= 0 {
		l.Found.Of++
		if j.found != nil {
			l.Found.Hits++
		}
		for m, found := range j.methods {
			l.Methods[m].Of++
			if found {
				l.Methods[m].Hits++
			}
		}
	}
	if j.outcome == screen.NotJudged {
		l.Refused++
	}
	l.Wrong += len(j.wrong)
	for m, n := range j.falsely {
		l.Falsely[m] += n
	}
	l.errors = append(l.errors, j.errors...)
	l.cpu += j.cpu
	l.length += j.length
}

// quantile of the ends' errors, in seconds; false if there are none.
func (l *videoLine) quantile(q float64) (float64, bool) {
	if len(l.errors) == 0 {
		return 0, false
	}
	slices.Sort(l.errors)
	return l.errors[min(int(q*float64(len(l.errors))), len(l.errors)-1)].Seconds(), true
}

func (l *videoLine) cost() float64 {
	if l.length == 0 {
		return 0
	}
	return l.cpu.Seconds() / l.length.Seconds()
}

// lines adds up what was posted by a key; files whose key is empty are left out.
func (r *videoResult) lines(key func(*judged) string) []videoLine {
	var all []videoLine
	for i := range r.Judged {
		j := &r.Judged[i]
		name := key(j)
		if name == "" {
			continue
		}
		at := slices.IndexFunc(all, func(l videoLine) bool { return l.Name == name })
		if at < 0 {
			at = len(all)
			all = append(all, videoLine{Name: name})
		}
		all[at].add(j)
	}
	return all
}

func (r *videoResult) byTransform() []videoLine {
	lines := r.lines(func(j *judged) string {
		if j.transform < 0 {
			return ""
		}
		return r.transforms[j.transform].Name
	})
	order := func(l videoLine) int {
		for i, t := range r.transforms {
			if t.Name == l.Name {
				return i
			}
		}
		return len(r.transforms)
	}
	slices.SortStableFunc(lines, func(a, b videoLine) int { return order(a) - order(b) })
	return append(lines, r.lines(func(j *judged) string {
		if j.transform < 0 {
			return ""
		}
		return "all"
	})...)
}

func (r *videoResult) byClip() []videoLine {
	return r.lines(func(j *judged) string {
		if j.known < 0 {
			return ""
		}
		return r.known[j.known].Name
	})
}

func (r *videoResult) unrelated() []videoLine {
	lines := r.lines(func(j *judged) string {
		switch {
		case j.known >= 0:
			return ""
		case j.kind != "":
			return j.kind
		}
		return "distractors"
	})
	return lines
}

func (r *videoResult) text(out io.Writer) error {
	w := &errWriter{w: out}
	w.printf("%d known videos, %d unrelated ones in the bank, %d others, %d transforms, seed %d\n", len(r.known), len(r.fillers), len(r.hosts), len(r.transforms), r.seed)
	w.printf("recall in percent, with the 95%% interval; ends: how far the segments' are off, in seconds\n\n")
	w.printf("%-26s %6s  %-20s", "", "copies", "rematch")
	if !r.noBaselines {
		for _, name := range videoMethodNames {
			w.printf("  %-20s", name)
		}
	}
	w.printf("  %6s  %6s  %5s  %7s  %7s\n", "median", "95 %", "false", "refused", "CPU s/s")
	for _, lines := range [][]videoLine{r.byTransform(), r.byClip()} {
		for i := range lines {
			r.textLine(w, &lines[i])
		}
		w.printf("\n")
	}
	w.printf("%-26s %6s  %7s  %6s", "unrelated videos", "posted", "refused", "false")
	if !r.noBaselines {
		for _, name := range videoMethodNames {
			w.printf("  %-20s", name)
		}
	}
	w.printf("  %7s\n", "CPU s/s")
	for _, l := range r.unrelated() {
		w.printf("%-26s %6d  %7d  %6d", terminal.OneLine(l.Name), l.Posted, l.Refused, l.Wrong)
		if !r.noBaselines {
			for _, n := range l.Falsely {
				w.printf("  %-20d", n)
			}
		}
		w.printf("  %7.3f\n", l.cost())
	}
	minutes := r.knownLength().Minutes()
	w.printf("\nthe known videos have %.0f hashes a minute, in a bank file with its indices %.0f KiB; enrolling took %.3f CPU-seconds a second\n",
		float64(r.hashes())/minutes, float64(r.bankBytes)/1024/minutes, r.enrolCPU.Seconds()/r.knownLength().Seconds())
	for _, part := range []struct {
		title string
		of    func(*judged) []string
	}{{"missed", r.missWords}, {"false matches", r.wrongWords}} {
		first := true
		for i := range r.Judged {
			for _, line := range part.of(&r.Judged[i]) {
				if first {
					w.printf("\n%s\n", part.title)
					first = false
				}
				w.printf("  %s\n", terminal.OneLine(line))
			}
		}
	}
	if len(r.Omitted) > 0 {
		w.printf("\nleft out\n")
	}
	for _, o := range r.Omitted {
		w.printf("  %s %s: %s\n", o.Role, terminal.OneLine(o.File), o.Reason)
	}
	return w.err
}

func (r *videoResult) knownLength() (sum time.Duration) {
	for _, k := range r.known {
		if len(k.entry.Signals) > 0 {
			sum += k.Length
		}
	}
	return sum
}

// hashes counts those of the known videos.
func (r *videoResult) hashes() int {
	n := 0
	for _, k := range r.known {
		n += len(k.entry.Signals)
	}
	return n
}

func (r *videoResult) textLine(w *errWriter, l *videoLine) {
	w.printf("%-26.26s %6d", terminal.OneLine(l.Name), l.Found.Of)
	methods := l.Methods[:]
	if r.noBaselines {
		methods = nil
	}
	for _, s := range append([]share{l.Found}, methods...) {
		low, high := s.wilson()
		w.printf("  %5.1f %-14s", s.percent(), fmt.Sprintf("(%.1f-%.1f)", low, high))
	}
	for _, q := range []float64{0.5, 0.95} {
		if v, ok := l.quantile(q); ok {
			w.printf("  %6.2f", v)
		} else {
			w.printf("  %6s", "-")
		}
	}
	w.printf("  %5d  %7d  %7.3f\n", l.Wrong, l.Refused, l.cost())
}

// label says what a posted file is.
func (r *videoResult) label(j *judged) string {
	switch {
	case j.transform >= 0:
		return r.transforms[j.transform].Name
	case j.kind != "":
		return j.kind
	}
	return "distractor"
}

// missWords says why a known video was missed; nothing if it was not.
func (r *videoResult) missWords(j *judged) []string {
	if j.known < 0 || j.found != nil {
		return nil
	}
	return []string{fmt.Sprintf("%s, %s: %s", r.label(j), j.source, r.why(j))}
}

func (r *videoResult) why(j *judged) string {
	var words []string
	if j.outcome == screen.NotJudged {
		words = append(words, "not judged: "+j.reason)
	}
	if j.weak != nil {
		words = append(words, "weak, for want of "+strings.Join(j.weak.Missing, ", "))
	}
	b := behindOf(j.behind)
	words = append(words, fmt.Sprintf("looked at %d frames; every half second, of %d frames within the stretches %d have enough quality, %d are within %d bits of the frame they are made from, %d within 48, %d within 64; median %d",
		j.frames, b.expected, b.judged, b.within[0], hash.PDQ.Threshold(), b.within[1], b.within[2], b.median))
	return strings.Join(words, "; ")
}

// behind sums up the frames of a miss that lie in the expected stretches.
type behind struct {
	expected, judged int
	within           [3]int // 31, 48, 64 bits
	median           int    // bits; -1: none
}

func behindOf(points []pair.Point) behind {
	b := behind{median: -1}
	var all []int
	for _, p := range points {
		if !p.Expected {
			continue
		}
		b.expected++
		if p.Aligned < 0 {
			continue
		}
		b.judged++
		all = append(all, p.Aligned)
		for i, bits := range []int{hash.PDQ.Threshold(), 48, 64} {
			if p.Aligned <= bits {
				b.within[i]++
			}
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		b.median = all[len(all)/2]
	}
	return b
}

func (r *videoResult) wrongWords(j *judged) []string {
	var all []string
	for _, m := range j.wrong {
		e := m.Evidence
		text := fmt.Sprintf("%s, %s (%s), matches %s at %d bits", r.label(j), j.source, j.job.Name, r.entryName(m), e.Distance)
		for _, s := range e.Segments {
			text += fmt.Sprintf("; %.1f-%.1f s = %.1f-%.1f s, %d frames", s.QueryFrom.Seconds(), s.QueryTo.Seconds(), s.KnownFrom.Seconds(), s.KnownTo.Seconds(), s.Frames)
		}
		all = append(all, text)
	}
	return all
}

// entryName is the file that a bank's entry was made from.
func (r *videoResult) entryName(m match.Match) string {
	for _, k := range r.known {
		if m.Entry.Bank == knownBank && k.Sum == m.Entry.ID {
			return k.Name
		}
	}
	for _, f := range r.fillers {
		if m.Entry.Bank == fillerBank && f.Sum == m.Entry.ID {
			return f.Path
		}
	}
	return m.Entry.ID
}

// csv writes a line for each posted file.
func (r *videoResult) csv(f *os.File) error {
	w := csv.NewWriter(f)
	head := []string{"family", "transform", "source", "file", "seconds", "expected", "outcome", "found", "false_matches", "weak_missing", "frames_looked_at", "segments", "end_error_max", "cpu_seconds"}
	head = append(head, videoMethodNames[:]...)
	head = append(head, "frames_expected", "frames_judged", "frames_within_31", "frames_within_48", "frames_within_64", "aligned_median")
	if err := w.Write(head); err != nil {
		return err
	}
	for i := range r.Judged {
		j := &r.Judged[i]
		family := "unrelated"
		if j.transform >= 0 {
			family = r.transforms[j.transform].Family
		}
		record := []string{family, r.label(j), j.source, j.job.Name, trimmed(j.length.Seconds(), 3), "", j.outcome.String(), strconv.FormatBool(j.found != nil), strconv.Itoa(len(j.wrong)), "", strconv.Itoa(j.frames), "", "", trimmed(j.cpu.Seconds(), 3)}
		for _, e := range j.job.Expect {
			record[5] = strings.TrimSpace(record[5] + stretchText(e))
		}
		if j.weak != nil {
			record[9] = strings.Join(j.weak.Missing, " ")
		}
		if j.found != nil {
			for _, s := range j.found.Evidence.Segments {
				record[11] = strings.TrimSpace(record[11] + stretchText(clips.Stretch{QueryFrom: s.QueryFrom, QueryTo: s.QueryTo, KnownFrom: s.KnownFrom, KnownTo: s.KnownTo}))
			}
			if len(j.errors) > 0 {
				record[12] = trimmed(slices.Max(j.errors).Seconds(), 3)
			}
		}
		for m := range j.methods {
			record = append(record, strconv.FormatBool(j.methods[m] || j.falsely[m] > 0))
		}
		b := behindOf(j.behind)
		if len(j.behind) == 0 {
			record = append(record, "", "", "", "", "", "")
		} else {
			record = append(record, strconv.Itoa(b.expected), strconv.Itoa(b.judged), strconv.Itoa(b.within[0]), strconv.Itoa(b.within[1]), strconv.Itoa(b.within[2]), strconv.Itoa(b.median))
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// stretchText is a stretch in seconds: upload=known.
func stretchText(s clips.Stretch) string {
	return fmt.Sprintf(" %.2f-%.2f=%.2f-%.2f", s.QueryFrom.Seconds(), s.QueryTo.Seconds(), s.KnownFrom.Seconds(), s.KnownTo.Seconds())
}
