package summary

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match/record"
)

// row is a Row that is being counted.
type row struct {
	Row
	delays    []time.Duration
	decisions []time.Duration
	// Those of Confirmed and Overturned that people have decided of.
	right, wrong int64
}

// rows are those of one kind, by what they are of.
type rows map[Row]*row

// row returns the one of a name, a new one if need be.
func (r *rows) row(of Row) *row {
	if *r == nil {
		*r = make(rows)
	}
	if (*r)[of] == nil {
		(*r)[of] = &row{Row: of}
	}
	return (*r)[of]
}

// done returns them with the most matches first.
func (r rows) done() []Row {
	all := make([]Row, 0, len(r))
	for _, x := range r {
		all = append(all, x.done())
	}
	slices.SortFunc(all, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Matched, a.Matched), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Exchange, b.Exchange), cmp.Compare(a.Member, b.Member))
	})
	return all
}

// tally is what an upload has in a row.
type tally struct {
	stands, confirmed, overturned int // matches
	suppressed                    bool
	right, wrong                  bool // a person has confirmed one of them, or overturned one
	decided                       time.Time
}

// stand adds a match that stands.
func (t *tally) stand(of *record.Record, m *record.Match) {
	t.stands++
	first, last := decisions(of, m)
	if last == nil {
		return
	}
	if t.decided.IsZero() || first.Before(t.decided) {
		t.decided = first
	}
	if last.Status == record.Confirmed {
		t.confirmed++
		t.right = t.right || byPerson(last)
	} else {
		t.overturned++
		t.wrong = t.wrong || byPerson(last)
	}
}

// decisions returns when something was first decided of a match, and the decision that counts: the
// last one, or where that says what a person has said before, that person's; nil: there is none.
func decisions(of *record.Record, m *record.Match) (first time.Time, counts *record.Decision) {
	status := of.StatusOf(m)
	for i := range of.Decisions {
		d := &of.Decisions[i]
		if !d.Of(m) {
			continue
		}
		if first.IsZero() || d.At.Before(first) {
			first = d.At
		}
		if d.Status == status && (counts == nil || byPerson(d) || !byPerson(counts)) {
			counts = d
		}
	}
	return first, counts
}

// byPerson reports whether a person decided: what a system or an API key decides is automated, as
// far as anybody knows.
func byPerson(d *record.Decision) bool {
	return d.Actor.Type == "reviewer" || d.Actor.Type == "authority"
}

func (r *row) add(of *record.Record, t *tally) {
	switch {
	case t.stands > 0:
		r.Matched++
	case t.suppressed:
		r.Suppressed++
		return
	default:
		r.Shadowed++
		return
	}
	switch {
	case t.confirmed > 0:
		r.Confirmed++
		if t.right {
			r.right++
		} else {
			r.Automated++
		}
	case t.overturned == t.stands:
		r.Overturned++
		if t.wrong {
			r.wrong++
		}
	default:
		return
	}
	r.decisions = append(r.decisions, max(0, t.decided.Sub(of.ScreenedAt)))
}

func (r *row) done() Row {
	r.FirstMatched, r.Decision = delay(r.delays), delay(r.decisions)
	if reviewed := r.right + r.wrong; reviewed > 0 {
		low, high := wilson(r.wrong, reviewed)
		r.FalseMatches = &Rate{Reviewed: reviewed, Of: r.Matched, Overturned: r.wrong, Rate: share(r.wrong, reviewed), Low: millionths(low), High: millionths(high)}
	}
	return r.Row
}

func share(k, n int64) float64 { return millionths(float64(k) / float64(n)) }

// millionths rounds to six decimals: processors differ in the last ones.
func millionths(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// delay describes times; nil: there are none.
func delay(all []time.Duration) *Delay {
	n := len(all)
	if n == 0 {
		return nil
	}
	all = slices.Sorted(slices.Values(all))
	median := all[n/2].Seconds()
	if n%2 == 0 {
		median = (all[n/2-1].Seconds() + median) / 2
	}
	return &Delay{N: n, Median: median, P95: all[(95*n+99)/100-1].Seconds()}
}

// normal95 is how many standard deviations around the mean of a normal distribution hold 95 % of it.
const normal95 = 1.959963984540054

// wilson returns the interval of 95 % of a share k of n, n > 0 (E. B. Wilson, Probable inference,
// the law of succession, and statistical inference, J. Am. Stat. Assoc. 22, 1927).
func wilson(k, n int64) (low, high float64) {
	const z2 = normal95 * normal95
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z2/(2*m)) / (1 + z2/m)
	half := normal95 / (1 + z2/m) * math.Sqrt(p*(1-p)/m+z2/(4*m*m))
	low, high = max(0, middle-half), min(1, middle+half)
	if k == 0 { // what rounding leaves
		low = 0
	}
	if k == n {
		high = 1
	}
	return low, high
}
