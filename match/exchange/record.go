package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// maxIDValue is the longest hash that stands in an ID as it is, in bytes; a digest stands for
// longer ones, such as texts.
const maxIDValue = 128

const (
	// manyFaults is how many records have to be wrong before the page is.
	manyFaults = 20
	// maxPageRecords is how many records a page may have: the exchanges give up to a thousand.
	maxPageRecords = 20_000
	// maxPageOpinions is how many opinions those may have together: five hundred each where there are a thousand.
	maxPageOpinions = 500_000
)

// pageBuilder collects what a page has. What comes twice under an ID holds as it came last.
type pageBuilder struct {
	exchange string
	name     string
	records  []Record
	gone     []string
	places   map[string]int // of an ID in records, or in gone as -1 for the first, -2 for the second...
	faults   []*RecordError
	opinions int
}

func newPage(exchange, name string) *pageBuilder {
	return &pageBuilder{exchange: exchange, name: name, places: make(map[string]int)}
}

// aside notes a record that can't be read, or a part of one.
func (b *pageBuilder) aside(position int, id, format string, args ...any) {
	b.faults = append(b.faults, &RecordError{Page: b.name, Position: position, ID: clip(id), Reason: fmt.Sprintf(format, args...)})
}

// put adds a record, if it is one that a bank takes.
func (b *pageBuilder) put(position int, r Record) {
	if err := checkRecord(&r); err != nil {
		b.aside(position, r.ID, "%s", err)
		return
	}
	if b.opinions += len(r.Opinions); b.opinions > maxPageOpinions {
		return // page refuses them all
	}
	b.drop(r.ID)
	b.places[r.ID] = len(b.records)
	b.records = append(b.records, r)
}

// remove notes that a record is gone.
func (b *pageBuilder) remove(position int, id string) {
	if id == "" || len(id) > 1<<16-1 || !utf8.ValidString(id) {
		b.aside(position, id, "a withdrawal without an ID that can be one")
		return
	}
	if at, known := b.places[id]; known && at < 0 {
		return
	}
	b.drop(id)
	b.gone = append(b.gone, id)
	b.places[id] = -len(b.gone)
}

// drop blanks what came before under an ID; page takes the blanks out, all at once.
func (b *pageBuilder) drop(id string) {
	switch at, known := b.places[id]; {
	case !known:
	case at < 0:
		b.gone[-at-1] = ""
	default:
		b.records[at].ID = ""
	}
}

// page returns what came together. If there are too many opinions the error is ErrPage. If none of many records can be read it is not the records that are wrong: then
// the error is ErrPage, and nothing is taken for read.
func (b *pageBuilder) page() (*Page, error) {
	p := &Page{
		Gone:    slices.DeleteFunc(b.gone, func(id string) bool { return id == "" }),
		Records: slices.DeleteFunc(b.records, func(r Record) bool { return r.ID == "" }),
		Faults:  b.faults,
	}
	if b.opinions > maxPageOpinions {
		return nil, &PageError{Exchange: b.exchange, Page: b.name, Reason: fmt.Sprintf("more than %d opinions", maxPageOpinions), Err: ErrPage}
	}
	if len(p.Faults) >= manyFaults && len(p.Gone)+len(p.Records) == 0 {
		return nil, &otherPageError{&PageError{Exchange: b.exchange, Page: b.name, Err: ErrPage,
			Reason: fmt.Sprintf("none of %d records can be read, the first one: %s", len(p.Faults), p.Faults[0].Reason)}}
	}
	return p, nil
}

// otherPageError is a page that is something else altogether, such as a web page that asks for patience:
// smaller pages or shorter ranges would be no better.
type otherPageError struct{ *PageError }

func (e *otherPageError) Unwrap() error { return e.PageError }

// checkRecord refuses what no bank takes.
func checkRecord(r *Record) error {
	if r.ID == "" || len(r.ID) > 1<<16-1 || !utf8.ValidString(r.ID) {
		return errors.New("no ID that can be one")
	}
	if len(r.Signals) == 0 && len(r.Later) == 0 {
		return errors.New("no hash")
	}
	e := match.Entry{ID: r.ID, Labels: r.Labels, Signals: r.Signals, Duration: r.Duration,
		Curation: &match.Curation{Expires: r.Expires, Opinions: r.Opinions, Origin: r.Origin}}
	if len(e.Signals) == 0 { // it waits; what is said of it is looked at all the same
		e.Signals = []match.Signal{{Value: placeholder, Quality: hash.Unmeasured}}
		e.Duration = 0
	}
	var wrong *match.EntryError
	if err := e.Check(""); errors.As(err, &wrong) {
		return errors.New(wrong.Reason)
	} else if err != nil {
		return err
	}
	return nil
}

// placeholder is any hash: a record that waits has none, which no bank would take.
var placeholder, _ = hash.FromBytes(hash.MD5, make([]byte, 16))

// signal reads a hash as exchanges write it, in either case and with blanks around it.
func signal(kind hash.Kind, digits string) (match.Signal, error) {
	v, err := hash.ParseHex(kind, strings.TrimSpace(digits))
	if err != nil {
		return match.Signal{}, errors.New(strings.TrimPrefix(err.Error(), "hash: "))
	}
	return match.Signal{Value: v, Quality: hash.Unmeasured}, nil
}

// valueID makes an ID of an exchange's type and the hash itself, for exchanges that have no other. The
// same hash has the same one in either case.
func valueID(kind, value string, hexadecimal bool) string {
	value = strings.TrimSpace(value)
	if hexadecimal {
		value = strings.ToLower(value)
	}
	if len(value) > maxIDValue {
		sum := sha256.Sum256([]byte(value))
		value = "sha256-" + hex.EncodeToString(sum[:])
	}
	return kind + ":" + value
}

// voices collects what members say of a record, one opinion for each.
type voices struct {
	all    []match.Opinion
	places map[string]int // of a member in all, once there are many
}

// fewVoices is up to how many members are looked for one by one.
const fewVoices = 8

// of returns a member's opinion; nil: there is none.
func (v *voices) of(by string) *match.Opinion {
	if v.places != nil {
		if i, ok := v.places[by]; ok {
			return &v.all[i]
		}
		return nil
	}
	for i := range v.all {
		if v.all[i].By == by {
			return &v.all[i]
		}
	}
	return nil
}

// say adds an opinion. The same member's later one stands in the place of its earlier one, and tags come together.
func (v *voices) say(o match.Opinion) {
	if before := v.of(o.By); before != nil {
		o.Tags = append(before.Tags, o.Tags...)
		if before.At.After(o.At) {
			o.At = before.At
		}
		*before = o
		return
	}
	v.all = append(v.all, o)
	switch {
	case v.places != nil:
		v.places[o.By] = len(v.all) - 1
	case len(v.all) > fewVoices:
		v.places = make(map[string]int)
		for i := range v.all {
			v.places[v.all[i].By] = i
		}
	}
}

// opinions returns them, in the order in which the members came.
func (v *voices) opinions() []match.Opinion {
	for i := range v.all {
		v.all[i].Tags = tags(v.all[i].Tags...)
	}
	return v.all
}

// tags sorts what is not empty and drops what is repeated; nil if that leaves nothing.
func tags(all ...string) []string {
	var some []string
	for _, t := range all {
		if t = strings.TrimSpace(t); t != "" && utf8.ValidString(t) {
			some = append(some, t)
		}
	}
	slices.Sort(some)
	return slices.Compact(some)
}

// tag is "name:value", and nothing without a value.
func tag(name, value string) string {
	if value == "" {
		return ""
	}
	return name + ":" + value
}

// clip makes a stranger's text short enough for an error.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}

// maxCheckpoint is as Checkpoint says.
const maxCheckpoint = 64 << 10

// readCheckpoint reads a checkpoint that writeCheckpoint has made into one that is new, of the same protocol and the same
// scope, such as a privacy group; nil leaves that as it is. The error is ErrStale.
func readCheckpoint(at Checkpoint, want checkpointHead, into any) error {
	if at == nil {
		return nil
	}
	var head checkpointHead
	var err error
	if len(at) > maxCheckpoint {
		err = errors.New("too long")
	} else if err = json.Unmarshal(at, &head); err == nil {
		err = json.Unmarshal(at, into)
	}
	switch {
	case err != nil:
		return fmt.Errorf("exchange: %s: a checkpoint that is none of ours: %w", want.Protocol, ErrStale)
	case head != want:
		return fmt.Errorf("exchange: %s: a checkpoint of %.40q, version %d, of other settings: %w", want.Protocol, head.Protocol, head.Version, ErrStale)
	}
	return nil
}

// scope names what is read for a checkpoint: the list, and the settings that say what is taken of it.
func scope(list string, c *Config, settings ...string) string {
	for _, name := range settings {
		if value := c.Settings[name]; value != "" {
			list += " " + name + "=" + value
		}
	}
	return list
}

// checkpointHead begins every checkpoint.
type checkpointHead struct {
	Protocol string `json:"protocol"`
	Version  int    `json:"version"`
	Scope    string `json:"scope,omitempty"` // what is read there
}

// until returns a page that was read up to a checkpoint.
func (p *Page) until(cp any) (_ *Page, err error) {
	if p.After, err = writeCheckpoint(cp); err != nil {
		return nil, err
	}
	return p, nil
}

func writeCheckpoint(c any) (Checkpoint, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("exchange: checkpoint: %w", err)
	}
	if len(b) > maxCheckpoint {
		return nil, fmt.Errorf("exchange: the exchange's cursor is of %d bytes: %w", len(b), ErrPage)
	}
	return b, nil
}

// rounds finds out that cursors come again, whatever the length of their round, in constant room (Brent's
// algorithm).
type rounds struct {
	Mark  uint64 `json:"mark,omitempty"`
	Count int    `json:"count,omitempty"`
	Power int    `json:"power,omitempty"`
}

// again takes the next cursor and reports whether it was there before.
func (r *rounds) again(cursor string) bool {
	h := fnv.New64a()
	h.Write([]byte(cursor))
	sum := h.Sum64()
	if r.Power > 0 && sum == r.Mark {
		return true
	}
	if r.Count++; r.Count >= r.Power {
		r.Mark, r.Power, r.Count = sum, max(1, 2*r.Power), 0
	}
	return false
}

// unix is a date as seconds; 0 for none.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
