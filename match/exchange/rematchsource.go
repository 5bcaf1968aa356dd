package exchange

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/match"
)

// otherRematch is a bank that another platform makes with this library and gives to its friends, as a bank
// file or as a list.
var otherRematch = Protocol{
	Name:  "rematch",
	About: "a bank file, or a list, of another rematch, on disk or by https",
	Settings: append(fileSettings[:len(fileSettings):len(fileSettings)],
		Setting{"bank", false, "which one, of a file with several"}),
	Form: fileForm,
	open: func(c *Config) (Source, error) {
		return openFile(c, "rematch", &bankFormat{bank: c.Settings["bank"], limit: c.HTTP.filled().MaxList, list: listFormat{protocol: "rematch"}})
	},
}

// bankFormat reads a bank of a bank file. Entries that are disabled there are not taken.
type bankFormat struct {
	bank    string
	limit   int64
	list    listFormat
	isList  bool          // the version that was checked last
	entries []match.Entry // of it
	from    *byte         // its first byte, to know it again
	label   []string
}

func (f *bankFormat) check(body []byte) error {
	f.entries, f.from = nil, nil
	banks, err := match.Read(bytes.NewReader(body), f.limit)
	if f.isList = errors.Is(err, match.ErrNotBankFile); f.isList {
		if err := f.list.check(body); err != nil {
			return err
		}
		f.from = &body[0]
		return nil
	}
	if err != nil {
		return fmt.Errorf("no bank file that can be read: %s", strings.TrimPrefix(err.Error(), "match: "))
	}
	var found *match.Bank
	var names []string
	for i := range banks {
		names = append(names, banks[i].Name)
		if banks[i].Name == f.bank || f.bank == "" && len(banks) == 1 {
			found = &banks[i]
		}
	}
	switch {
	case found == nil:
		return fmt.Errorf("no bank %q; the file has %q: name one in the setting bank", f.bank, names)
	case found.Allow:
		return fmt.Errorf("the bank %q is an allow-list: its entries are known to be harmless", found.Name)
	}
	f.entries, f.from, f.label = found.Entries, &body[0], found.Labels
	return nil
}

func (f *bankFormat) read(body []byte, from int64, position int, b *pageBuilder) (next int64, count int, err error) {
	if len(body) == 0 || f.from != &body[0] {
		if err := f.check(body); err != nil {
			return 0, 0, err
		}
	}
	if f.isList {
		return f.list.read(body, from, position, b)
	}
	entries := f.entries
	if from > int64(len(entries)) {
		return 0, 0, errors.New("fewer entries than it had")
	}
	for next = from; next < int64(len(entries)) && count < filePage; next++ {
		e := &entries[next]
		if !e.Disabled {
			b.put(position+count, f.record(e))
		}
		count++
	}
	if next == int64(len(entries)) {
		next, f.entries, f.from = -1, nil, nil
	}
	return next, count, nil
}

// record is an entry with what is said of it there. Its curators are members to us.
func (f *bankFormat) record(e *match.Entry) Record {
	r := Record{ID: e.ID, Signals: e.Signals, Duration: e.Duration, Labels: tags(append(append([]string{}, e.Labels...), f.label...)...)}
	if c := e.Curation; c != nil {
		r.Expires, r.Origin = c.Expires, c.Origin
		var all voices
		for _, o := range c.Opinions {
			o.By, o.Ours, o.Tags = cmp.Or(o.By, "unknown"), false, slices.Clone(o.Tags)
			all.say(o)
		}
		if c.Decision.Stance != match.NoOpinion {
			all.say(match.Opinion{By: cmp.Or(c.Decision.By, "rematch"), Says: c.Decision.Stance, At: c.Decision.At, Tags: []string{"decision"}})
		}
		r.Opinions = all.opinions()
	}
	r.Origin.Exchange = cmp.Or(r.Origin.Exchange, "rematch")
	return r
}
