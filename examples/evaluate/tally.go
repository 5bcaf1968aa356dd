package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/rematch-go/rematch/examples/evaluate/internal/edits"
	"github.com/rematch-go/rematch/hash"
)

// row counts what became of one edit's posted pictures.
type row struct {
	queries, copies int // all, and those made from known pictures
	refused         int // of all, by the library
	found           int // copies, by the library
	wrong           int // pairs, by the library
	own, unrelated  [baselines]distances
	cpu, plainCPU   time.Duration // of screening and of one plain PDQ hash
}

// tally is what one worker counted. All of it adds up to the same whatever the
// order.
type tally struct {
	rows  []row
	found []query // by the library
	plain []query // by plain PDQ
	wrong []wrong
}

// wrong is a false match of the library.
type wrong struct {
	query
	entry    int // among the known
	distance int
	look     string
}

// result is a finished evaluation.
type result struct {
	Rows               []line
	Families           []line // means over the rows of a family
	Known              int
	Others             int
	Pairs              int
	Methods            [1 + baselines]method // the library first
	Wrong              []wrong
	Omitted            []leftOut
	found              map[query]bool
	plain              map[query]bool
	screening, hashing time.Duration // processor time per picture: by the library, and of one plain PDQ hash
}

// method is one of those compared.
type method struct {
	Name      string `json:"method"`
	Threshold int    `json:"threshold"` // bits, inclusive; -1: none is strict enough
	Wrong     int    `json:"false_matches"`
	// PerMillion is the false matches per million pairs.
	PerMillion float64 `json:"false_matches_per_million"`
}

// line is one row of the tables.
type line struct {
	Edit    edits.Edit
	Queries int
	Refused int
	Wrong   int
	Recall  [1 + baselines]share
	CPU     time.Duration // of screening one picture
	Plain   time.Duration // of one plain PDQ hash
}

// sum adds up the workers' counts and chooses the thresholds.
func (e *evaluation) sum(parts []tally) *result {
	r := &result{Known: len(e.known), Others: len(e.distractors), Omitted: e.omitted.sorted(),
		found: make(map[query]bool), plain: make(map[query]bool)}
	rows := make([]row, len(e.edits))
	var unrelated [baselines]distances
	libraryWrong := 0
	for _, p := range parts {
		for i := range p.rows {
			rows[i].add(&p.rows[i])
			for b := range unrelated {
				unrelated[b].add(&p.rows[i].unrelated[b])
			}
		}
		for _, q := range p.found {
			r.found[q] = true
		}
		for _, q := range p.plain {
			r.plain[q] = true
		}
		r.Wrong = append(r.Wrong, p.wrong...)
		libraryWrong += len(p.wrong)
	}
	slices.SortFunc(r.Wrong, wrong.compare)
	for _, row := range rows {
		r.Pairs += row.queries*r.Known - row.copies
	}

	r.Methods[0] = method{Name: "rematch", Threshold: hash.PDQ.Threshold(), Wrong: libraryWrong}
	allowed := min(libraryWrong, r.Pairs/1e6)
	for b, k := range baselineKinds {
		t := hash.PDQ.Threshold()
		if b != plainPDQ {
			t = unrelated[b].largest(k.Bits(), allowed)
		}
		r.Methods[1+b] = method{Name: k.String(), Threshold: t, Wrong: unrelated[b].within(t)}
	}
	for i := range r.Methods {
		r.Methods[i].PerMillion = float64(r.Methods[i].Wrong) / float64(max(r.Pairs, 1)) * 1e6
	}
	for i, row := range rows {
		l := line{Edit: e.edits[i], Queries: row.queries, Refused: row.refused, Wrong: row.wrong,
			CPU: row.cpu / time.Duration(max(row.queries, 1)), Plain: row.plainCPU / time.Duration(max(row.queries, 1))}
		l.Recall[0] = share{row.found, row.copies}
		for b := range baselines {
			l.Recall[1+b] = share{row.own[b].within(r.Methods[1+b].Threshold), row.copies}
		}
		r.Rows = append(r.Rows, l)
	}
	r.Families = families(r.Rows)
	all := r.Families[len(r.Families)-1]
	r.screening, r.hashing = all.CPU, all.Plain
	return r
}

func (w *row) add(o *row) {
	w.queries, w.copies, w.refused = w.queries+o.queries, w.copies+o.copies, w.refused+o.refused
	w.found, w.wrong = w.found+o.found, w.wrong+o.wrong
	w.cpu, w.plainCPU = w.cpu+o.cpu, w.plainCPU+o.plainCPU
	for b := range baselines {
		w.own[b].add(&o.own[b])
		w.unrelated[b].add(&o.unrelated[b])
	}
}

func (w wrong) compare(o wrong) int {
	return cmp.Or(cmp.Compare(w.row, o.row), cmp.Compare(w.distractor, o.distractor), cmp.Compare(w.known, o.known), cmp.Compare(w.entry, o.entry))
}

// families adds up the rows of each family, in the order of the rows, and all of
// them at the end.
func families(rows []line) []line {
	var all []line
	total := line{Edit: edits.Edit{Family: "all"}}
	for _, l := range rows {
		if n := len(all); n == 0 || all[n-1].Edit.Family != l.Edit.Family {
			all = append(all, line{Edit: edits.Edit{Family: l.Edit.Family}})
		}
		all[len(all)-1].add(l)
		total.add(l)
	}
	return append(all, total)
}

func (l *line) add(o line) {
	if posted := time.Duration(l.Queries + o.Queries); posted > 0 {
		l.CPU = (l.CPU*time.Duration(l.Queries) + o.CPU*time.Duration(o.Queries)) / posted
		l.Plain = (l.Plain*time.Duration(l.Queries) + o.Plain*time.Duration(o.Queries)) / posted
	}
	l.Queries, l.Refused, l.Wrong = l.Queries+o.Queries, l.Refused+o.Refused, l.Wrong+o.Wrong
	for i := range l.Recall {
		l.Recall[i].Hits += o.Recall[i].Hits
		l.Recall[i].Of += o.Recall[i].Of
	}
}
