package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/examples/internal/terminal"
)

// tables prints a result. Without cpu it is the same for the same pictures and seed.
type tables struct {
	*result
	evaluation *evaluation
	cpu        bool
}

// maxListed is how many false matches the text lists; JSON has all.
const maxListed = 30

// errWriter keeps the first error of many writes.
type errWriter struct {
	w   io.Writer
	err error
}

func (w *errWriter) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.w, format, args...)
	}
}

// text prints the table for people.
func (t tables) text(out io.Writer) error {
	w := &errWriter{w: out}
	w.printf("%d known pictures, %d distractors, %d transforms, seed %d\n", t.Known, t.Others, len(t.Rows), t.evaluation.seed)
	w.printf("recall in percent, with the 95%% interval\n\n")
	w.printf("%-26s", "")
	for _, m := range t.Methods {
		w.printf("  %-18s", m.title())
	}
	w.printf("  %6s  %7s", "false", "refused")
	if t.cpu {
		w.printf("  %7s", "CPU ms")
	}
	w.printf("\n")
	for _, l := range t.Rows {
		t.textLine(w, l.Edit.String(), l)
	}
	w.printf("\n")
	for _, l := range t.Families {
		t.textLine(w, l.Edit.Family, l)
	}
	w.printf("\nfalse matches, of %d pairs of unrelated pictures\n", t.Pairs)
	for _, m := range t.Methods {
		w.printf("  %-18s %6d   %s per million\n", m.title(), m.Wrong, trimmed(m.PerMillion, 3))
	}
	for i, f := range t.Wrong {
		if i == maxListed {
			w.printf("  ... and %d more; --json lists all\n", len(t.Wrong)-i)
			break
		}
		w.printf("  %s, %s, matches %s at %d bits%s\n", terminal.OneLine(t.evaluation.queryName(f.query)), t.Rows[f.row].Edit, terminal.OneLine(t.evaluation.known[f.entry].Name), f.distance, lookWords(f.look))
	}
	if len(t.Omitted) > 0 {
		w.printf("\nleft out\n")
	}
	for _, o := range t.Omitted {
		w.printf("  %s %s: %s\n", o.Role, terminal.OneLine(o.File), o.Reason)
	}
	return w.err
}

func (t tables) textLine(w *errWriter, name string, l line) {
	w.printf("%-26s", name)
	for _, s := range l.Recall {
		low, high := s.wilson()
		w.printf("  %5.1f %-12s", s.percent(), fmt.Sprintf("(%.1f-%.1f)", low, high))
	}
	w.printf("  %6d  %7d", l.Wrong, l.Refused)
	if t.cpu {
		w.printf("  %7.2f", milliseconds(l.CPU))
	}
	w.printf("\n")
}

// title is the method with its threshold.
func (m method) title() string {
	switch {
	case m.Name == "rematch":
		return m.Name
	case m.Threshold < 0:
		return m.Name + " (none)"
	}
	return fmt.Sprintf("%s at %d", m.Name, m.Threshold)
}

func lookWords(look string) string {
	if look == "" {
		return ""
	}
	return ", looked at as " + look
}

// queryName is the file that a posted picture was made from.
func (e *evaluation) queryName(q query) string {
	if q.known >= 0 {
		return e.known[q.known].Name
	}
	return e.distractors[q.distractor].Name
}

// csv writes a line for each transform.
func (t tables) csv(f *os.File) error {
	w := csv.NewWriter(f)
	head := []string{"family", "transform", "strength", "copies"}
	for _, m := range t.Methods {
		head = append(head, m.Name+"_threshold", m.Name+"_found", m.Name+"_recall", m.Name+"_low", m.Name+"_high")
	}
	head = append(head, "posted", "refused", "false_matches")
	if t.cpu {
		head = append(head, "cpu_ms", "plain_pdq_cpu_ms")
	}
	if err := w.Write(head); err != nil {
		return err
	}
	for _, l := range t.Rows {
		record := []string{l.Edit.Family, l.Edit.Name, l.Edit.Strength, strconv.Itoa(l.Recall[0].Of)}
		for i, s := range l.Recall {
			low, high := s.wilson()
			record = append(record, strconv.Itoa(t.Methods[i].Threshold), strconv.Itoa(s.Hits), trimmed(s.percent(), 2), trimmed(low, 2), trimmed(high, 2))
		}
		record = append(record, strconv.Itoa(l.Queries), strconv.Itoa(l.Refused), strconv.Itoa(l.Wrong))
		if t.cpu {
			record = append(record, trimmed(milliseconds(l.CPU), 3), trimmed(milliseconds(l.Plain), 3))
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// recallLine is a method's recall of one transform.
type recallLine struct {
	Found  int     `json:"found"`
	Recall float64 `json:"recall"` // percent, as are the bounds of the interval
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// json prints an object for each transform ("transform"), false match ("false_match")
// and picture left out ("left_out"), and one for the whole ("summary").
func (t tables) json(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	for _, l := range t.Rows {
		recalls := make(map[string]recallLine)
		for i, s := range l.Recall {
			low, high := s.wilson()
			recalls[t.Methods[i].Name] = recallLine{s.Hits, hundredths(s.percent()), hundredths(low), hundredths(high)}
		}
		v := map[string]any{"type": "transform", "family": l.Edit.Family, "transform": l.Edit.Name, "strength": l.Edit.Strength,
			"copies": l.Recall[0].Of, "posted": l.Queries, "refused": l.Refused, "false_matches": l.Wrong, "methods": recalls}
		if t.cpu {
			v["cpu_ms"], v["plain_pdq_cpu_ms"] = hundredths(milliseconds(l.CPU)), hundredths(milliseconds(l.Plain))
		}
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	for _, f := range t.Wrong {
		role := "distractor"
		if f.query.known >= 0 {
			role = "known"
		}
		if err := e.Encode(map[string]any{"type": "false_match", "role": role, "file": t.evaluation.queryName(f.query), "transform": t.Rows[f.row].Edit.String(),
			"known": t.evaluation.known[f.entry].Name, "distance": f.distance, "look": f.look}); err != nil {
			return err
		}
	}
	for _, o := range t.Omitted {
		if err := e.Encode(struct {
			Type string `json:"type"`
			leftOut
		}{"left_out", o}); err != nil {
			return err
		}
	}
	return e.Encode(map[string]any{"type": "summary", "known": t.Known, "distractors": t.Others, "transforms": len(t.Rows),
		"pairs": t.Pairs, "seed": t.evaluation.seed, "methods": t.Methods})
}

// timing says what one picture costs.
func (t tables) timing(w io.Writer) {
	what := "from pixels"
	if t.evaluation.files {
		what = "decoding included"
	}
	ratio := ""
	if t.hashing > 0 {
		ratio = fmt.Sprintf(" (%.1f times)", float64(t.screening)/float64(t.hashing))
	}
	fmt.Fprintf(w, "processor time per picture: screening %.2f ms %s%s; one plain PDQ hash %.2f ms\n",
		milliseconds(t.screening), what, ratio, milliseconds(t.hashing))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func hundredths(v float64) float64 { return math.Round(v*100) / 100 }

// trimmed prints a number with at most so many decimals.
func trimmed(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
