package match

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// BankStats counts the entries of a bank at a time. Each is in one of Disabled, Expired and the
// three after them.
type BankStats struct {
	Entries, Videos int
	Disabled        int // by their own switch, or until a date
	Expired         int
	// What becomes of the matches of the others by the bank's Policy, were the bank enabled and
	// rolled out to the upload.
	Reported, Shadowed, Ignored int
	SetAside                    int // in quarantine and not confirmed, whatever else they are
	Stances                     map[Stance]int
	Exchanges                   map[string]int // by Origin.Exchange; empty: ours
	Signals                     map[hash.Kind]int
}

// Statistics counts what is in a bank of a set. It reads every entry. Errors
// are those of Set.Entries.
func Statistics(s Set, bank string, at time.Time) (BankStats, error) {
	stats := BankStats{Stances: make(map[Stance]int), Exchanges: make(map[string]int), Signals: make(map[hash.Kind]int)}
	var policy Policy
	for _, b := range s.Banks() {
		if b.Name == bank {
			policy = b.Policy
		}
	}
	for e, err := range s.Entries(bank) {
		if err != nil {
			return BankStats{}, err
		}
		stats.Entries++
		if e.IsVideo() {
			stats.Videos++
		}
		switch state := e.State(policy, at); state {
		case StateDisabled:
			stats.Disabled++
		case StateExpired:
			stats.Expired++
		case Shadow.String():
			stats.Shadowed++
		case Ignore.String():
			stats.Ignored++
		default:
			stats.Reported++
		}
		stats.Stances[e.Curation.Stance()]++
		exchange := ""
		if c := e.Curation; c != nil {
			exchange = c.Origin.Exchange
			if c.Held() {
				stats.SetAside++
			}
		}
		stats.Exchanges[exchange]++
		for i := range e.Signals {
			stats.Signals[e.Signals[i].Value.Kind()]++
		}
	}
	return stats, nil
}

// State returns what an entry of a bank with a policy is at a time: disabled, expired, or what
// becomes of its matches where the bank is enabled and rolled out: report, shadow or ignore.
func (e Entry) State(p Policy, at time.Time) string {
	if e.Disabled {
		return StateDisabled
	}
	if off := e.Curation.off(at); off != "" {
		return off
	}
	return p.Of(e.Curation).String()
}

// Find returns the entries of a bank of a set that have a text, in any case of letters, in
// their ID, labels, note, tags, origin, or the names in their opinions and decision. It reads
// every entry. Errors are those of Set.Entries.
func Find(s Set, bank, text string) iter.Seq2[Entry, error] {
	text = strings.ToLower(text)
	has := func(list ...string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
	}
	return func(yield func(Entry, error) bool) {
		for e, err := range s.Entries(bank) {
			if err == nil && !has(e.ID) && !has(e.Labels...) && !e.Curation.has(has) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (c *Curation) has(has func(...string) bool) bool {
	if c == nil {
		return false
	}
	o := &c.Origin
	return has(c.Note, c.Decision.By, c.Decision.Note, o.Exchange, o.Member, o.ID, o.Severity) || has(o.Tags...) ||
		slices.ContainsFunc(c.Opinions, func(p Opinion) bool { return has(p.By) || has(p.Tags...) })
}
