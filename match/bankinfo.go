package match

import (
	"maps"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/hash"
)

// BankInfo describes a bank of a Matcher.
type BankInfo struct {
	Name            string
	Labels          []string
	Disabled, Allow bool
	Suppresses      []string // of an allow-list; empty: of all banks
	Action          string
	Policy          Policy
	RollOut         RollOut
	Thresholds      map[hash.Kind]int // bits, inclusive, of the kinds in Signals
	Given           map[hash.Kind]int // those that were set, also of kinds that are not in Signals; others are their kinds' own
	Entries, Videos int               // Videos are among Entries
	Signals         map[hash.Kind]int // how many can match, by kind
	Quarantined     int               // how many are kept but match nothing
}

// newBankInfo describes a bank but for its signals.
func newBankInfo(b *Bank, entries, videos int) BankInfo {
	info := BankInfo{
		Name: b.Name, Labels: slices.Clone(b.Labels), Disabled: b.Disabled, Allow: b.Allow, Suppresses: slices.Clone(b.Suppresses),
		Action: b.Action, Policy: b.Policy, RollOut: b.RollOut, Entries: entries, Videos: videos,
		Thresholds: make(map[hash.Kind]int), Given: make(map[hash.Kind]int), Signals: make(map[hash.Kind]int),
	}
	maps.Copy(info.Given, b.Thresholds)
	return info
}

// Settings returns the bank that is described, without its entries.
func (b *BankInfo) Settings() Bank {
	return Bank{Name: b.Name, Labels: b.Labels, Thresholds: b.Given, Disabled: b.Disabled, Allow: b.Allow,
		Suppresses: b.Suppresses, Action: b.Action, Policy: b.Policy, RollOut: b.RollOut}
}

// Banks describes the banks, sorted by name.
func (m *Matcher) Banks() []BankInfo {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.infos()
}

// infos is Banks for a caller that holds mu.
func (m *Matcher) infos() []BankInfo {
	infos := make([]BankInfo, 0, len(m.banks))
	for _, b := range m.banks {
		state, settings := b.state.Load(), b.settings()
		info := newBankInfo(&settings, b.entries, b.videos)
		info.Quarantined = b.aside + len(b.quarantined)
		for _, k := range hash.Kinds() {
			if n := b.indexed[k]; n > 0 {
				info.Signals[k], info.Thresholds[k] = n, state.thresholds[k]
			}
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b BankInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos
}
