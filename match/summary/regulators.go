package summary

import (
	"encoding/csv"
	"fmt"
	"io"
)

// WriteDSA writes what a summary can say in a transparency report under Article 15 of Regulation
// (EU) 2022/2065, a line for each figure: by the sections of the templates of Implementing Regulation (EU)
// 2024/2835, for items of all types together and each. The official sheets ask for more, by
// category and restriction, which only the platform knows; a figure without a number is not known.
//
//	section     1.4 own-initiative content moderation, or 1.6 automated means and indicators of accuracy
//	article     of the Regulation
//	indicator   what is counted
//	scope       all, or list: or signal_type: and its name
//	content_type, source_type  in the words of the transparency database
//	value, low, high  the interval of 95 %
//	note        how it was measured
func (s *Summary) WriteDSA(w io.Writer) error {
	t := &table{csv.NewWriter(w)}
	if err := t.row("section", "article", "indicator", "scope", "content_type", "source_type", "from", "to", "value", "low", "high", "note"); err != nil {
		return err
	}
	figure := func(section, article, indicator, scope, content string, value, low, high any, note string) error {
		return t.row(section, article, indicator, scope, content, SourceVoluntary, s.From, s.To, value, low, high, note)
	}
	type scoped struct {
		scope, content string
		row            Row
	}
	rows := []scoped{{"all", "", s.All}}
	for _, r := range s.Content {
		rows = append(rows, scoped{"all", r.Name, r})
	}
	for _, r := range s.Banks {
		rows = append(rows, scoped{"list:" + r.Name, "", r})
	}
	for _, r := range s.Kinds {
		rows = append(rows, scoped{"signal_type:" + r.Name, "", r})
	}
	for _, x := range rows {
		r := &x.row
		found, about := r.Matched, "uploads that matched hashes of known content"
		if x.scope == "all" && x.content == "" && s.Missing > 0 {
			found, about = s.Matched, fmt.Sprintf("%s; of %d there are no records any more, and none of the other figures has them", about, s.Missing)
		}
		var action any = ""
		if r.Decision != nil {
			action = r.Decision.Median
		}
		for _, f := range []struct {
			section, article, indicator string
			value                       any
			note                        string
		}{
			{"1.4", "15(1)(c)", "items detected solely by automated means", found, about},
			{"1.4", "15(1)(c)", "items confirmed", r.Confirmed, "of those, decided to be the known content; what was restricted is for the platform to add"},
			{"1.6", "15(1)(e)", "items decided solely by automated means", r.Automated, "confirmed, and no person decided"},
			{"1.6", "15(1)(e)", "median seconds from detection to decision", action, "to the first decision"},
			{"1.6", "15(1)(e)", "decisions", r.Confirmed + r.Overturned, "confirmed or overturned by now, by people or automatically"},
			{"1.6", "15(1)(e)", "decisions reversed", r.Overturned, "the match was false, or the entry wrong"},
		} {
			if err := figure(f.section, f.article, f.indicator, x.scope, x.content, f.value, "", "", f.note); err != nil {
				return err
			}
		}
		var rate any = ""
		note := "nothing was decided"
		if all := r.Confirmed + r.Overturned; all > 0 {
			rate, note = share(r.Overturned, all), fmt.Sprintf("decisions reversed by decisions; no person made %d of them", r.Automated)
		}
		if err := figure("1.6", "15(1)(e)", "error rate of automated means", x.scope, x.content, rate, "", "", note); err != nil {
			return err
		}
		var low, high any = "", ""
		rate, note = "", "nothing was reviewed"
		if f := r.FalseMatches; f != nil {
			rate, low, high = f.Rate, f.Low, f.High
			note = fmt.Sprintf("people reviewed %d of %d matched uploads: %s; Wilson's interval of 95 %%", f.Reviewed, f.Of, s.Sample)
		}
		if err := figure("1.6", "15(1)(e)", "error rate of automated means among reviewed items", x.scope, x.content, rate, low, high, note); err != nil {
			return err
		}
	}
	t.w.Flush()
	return t.w.Error()
}

// WriteTCO writes what a summary can say in a report under Article 7(3) of Regulation (EU)
// 2021/784, a line for each figure; a line without one is for the platform to fill in.
func (s *Summary) WriteTCO(w io.Writer) error {
	t := &table{csv.NewWriter(w)}
	for _, row := range [][]any{
		{"article", "figure", "from", "to", "value", "note"},
		{"7(3)(a)", "measures to identify and remove", s.From, s.To, "", "uploads are compared with hashes of known content before or when they are published"},
		{"7(3)(b)", "measures to prevent re-appearance: uploads compared", s.From, s.To, s.Screened, "with hashes of content that was removed before, or that others shared"},
		{"7(3)(b)", "measures to prevent re-appearance: uploads that matched", s.From, s.To, s.Matched, ""},
		{"7(3)(b)", "measures to prevent re-appearance: uploads that could not be judged", s.From, s.To, s.NotJudged, ""},
		{"7(3)(b)", "measures to prevent re-appearance: matches overturned by review", s.From, s.To, s.All.Overturned, ""},
		{"7(3)(c)", "items removed following removal orders", s.From, s.To, "", "for the platform"},
		{"7(3)(c)", "items removed following specific measures", s.From, s.To, "", "for the platform; uploads that matched and were confirmed are in the next line"},
		{"7(3)(c)", "items found by specific measures and confirmed", s.From, s.To, s.All.Confirmed, ""},
		{"7(3)(c)", "removal orders not actioned", s.From, s.To, "", "for the platform"},
		{"7(3)(d)", "complaints and their outcome", s.From, s.To, "", "for the platform"},
		{"7(3)(e)", "administrative or judicial review proceedings and their outcome", s.From, s.To, "", "for the platform"},
		{"7(3)(f)", "items reinstated as a result of proceedings", s.From, s.To, "", "for the platform"},
		{"7(3)(g)", "items reinstated following a complaint", s.From, s.To, "", "for the platform"},
	} {
		if err := t.row(row...); err != nil {
			return err
		}
	}
	t.w.Flush()
	return t.w.Error()
}
