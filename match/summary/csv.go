package summary

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// table writes CSV (RFC 4180) for spreadsheets.
type table struct{ w *csv.Writer }

// row writes a row of texts and numbers.
func (t *table) row(cells ...any) error {
	row := make([]string, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case string:
			row[i] = cell(c)
		case int:
			row[i] = strconv.Itoa(c)
		case int64:
			row[i] = strconv.FormatInt(c, 10)
		case float64:
			row[i] = strconv.FormatFloat(c, 'f', -1, 64)
		case time.Time:
			row[i] = c.Format(time.RFC3339)
		}
	}
	return t.w.Write(row)
}

// cell keeps a spreadsheet from taking a text for a formula, as it would one that begins with one
// of these characters, or has one behind what it passes over. In places where numbers have a decimal
// comma, a semicolon or a tab ends a cell, whatever quotes are around it.
func cell(s string) string {
	safe, rest := "", s
	for rest != "" {
		part := rest
		if i := strings.IndexAny(rest, ";\t\r\n"); i >= 0 {
			part = rest[:i+1]
		}
		rest = rest[len(part):]
		passed := func(r rune) bool {
			return strings.ContainsRune(" \"'", r) || !unicode.IsPrint(r) && !strings.ContainsRune("\t\r\n", r)
		}
		if t := strings.TrimLeftFunc(part, passed); t != "" && strings.ContainsRune("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20", []rune(t)[0]) {
			part = "'" + part
		}
		safe += part
	}
	return safe
}

// WriteCSV writes the summary as one table, a line for the whole, for each reason and for each bank,
// source, kind and type of content; what a line does not have is empty. Texts that a spreadsheet
// would take for formulas begin with an apostrophe.
func (s *Summary) WriteCSV(w io.Writer) error {
	t := &table{csv.NewWriter(w)}
	err := t.row("of", "name", "exchange", "member", "from", "to", "screened", "matched", "confirmed", "overturned", "confirmed_automatically", "suppressed", "shadowed", "not_judged", "partly_judged",
		"first_matched_entries", "shared_to_first_matched_median_s", "shared_to_first_matched_p95_s", "decided", "screened_to_decided_median_s", "screened_to_decided_p95_s",
		"reviewed", "false_match_rate", "false_match_rate_low", "false_match_rate_high", "records_missing", "records_uncounted")
	line := func(of string, r *Row, screened, notJudged, partly, missing, uncounted any) {
		cells := []any{of, r.Name, r.Exchange, r.Member, s.From, s.To, screened, r.Matched, r.Confirmed, r.Overturned, r.Automated, r.Suppressed, r.Shadowed, notJudged, partly}
		for _, d := range []*Delay{r.FirstMatched, r.Decision} {
			if d == nil {
				cells = append(cells, 0, "", "")
			} else {
				cells = append(cells, d.N, d.Median, d.P95)
			}
		}
		if f := r.FalseMatches; f == nil {
			cells = append(cells, 0, "", "", "")
		} else {
			cells = append(cells, f.Reviewed, f.Rate, f.Low, f.High)
		}
		if err == nil {
			err = t.row(append(cells, missing, uncounted)...)
		}
	}
	all := s.All
	all.Matched, all.Suppressed, all.Shadowed = s.Matched, s.Suppressed, s.Shadowed
	line("all", &all, s.Screened, s.NotJudged, s.Partly, s.Missing, s.Uncounted)
	for _, r := range s.Reasons {
		if err == nil {
			err = t.row("not_judged_reason", r.Reason, "", "", s.From, s.To, "", "", "", "", "", "", "", r.N, "", "", "", "", "", "", "", "", "", "", "", "", "")
		}
	}
	for _, of := range []struct {
		name string
		rows []Row
	}{{"bank", s.Banks}, {"source", s.Sources}, {"kind", s.Kinds}, {"content", s.Content}} {
		for i := range of.rows {
			line(of.name, &of.rows[i], "", "", "", "", "")
		}
	}
	t.w.Flush()
	if err == nil {
		err = t.w.Error()
	}
	return err
}
