package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// How banks and entries are written in the tables and in events: JSON with the members in the
// order below, those left out that say nothing, without spaces. The same bank or entry always
// gives the same bytes. Names and IDs stand beside the documents.
//
// An entry that is nothing but a hash of unmeasured quality with the hash's text as its ID is {}:
// signals are left out where they are just that.

type bankDoc struct {
	Labels     []string       `json:"labels,omitempty"`
	Thresholds map[string]int `json:"thresholds,omitempty"` // bits, inclusive, by kind; in the order of the names
	Disabled   bool           `json:"disabled,omitempty"`
	Allow      bool           `json:"allow,omitempty"`
	Suppresses []string       `json:"suppresses,omitempty"`
	Action     string         `json:"action,omitempty"`
	Policy     *policyDoc     `json:"policy,omitempty"`
	RollOut    *rollOutDoc    `json:"roll_out,omitempty"`
}

type policyDoc struct { // treatments; empty: the default
	None        string `json:"none,omitempty"`
	Positive    string `json:"positive,omitempty"`
	Seed        string `json:"seed,omitempty"`
	Negative    string `json:"negative,omitempty"`
	Disputed    string `json:"disputed,omitempty"`
	Quarantined string `json:"quarantined,omitempty"`
}

type rollOutDoc struct {
	Shadow  bool    `json:"shadow,omitempty"`
	Percent float64 `json:"percent,omitempty"`
	Key     string  `json:"key,omitempty"`
}

type entryDoc struct {
	Labels   []string     `json:"labels,omitempty"`
	Signals  []signalDoc  `json:"signals,omitempty"`
	Duration int64        `json:"duration_ns,omitempty"`
	Disabled bool         `json:"disabled,omitempty"`
	Curation *curationDoc `json:"curation,omitempty"`
}

type signalDoc struct {
	Hash      string   `json:"hash"`              // "pdq:f8f8..."
	Quality   *int     `json:"quality,omitempty"` // 0 to 100; left out: unmeasured
	Transform []string `json:"transform,omitempty"`
	From      int64    `json:"from_ns,omitempty"`
	To        int64    `json:"to_ns,omitempty"`
}

type curationDoc struct { // times are RFC 3339 in UTC
	DisabledUntil time.Time      `json:"disabled_until,omitzero"`
	Expires       time.Time      `json:"expires,omitzero"`
	Note          string         `json:"note,omitempty"`
	Decision      *decisionDoc   `json:"decision,omitempty"`
	Opinions      []opinionDoc   `json:"opinions,omitempty"`
	Quarantine    *quarantineDoc `json:"quarantine,omitempty"`
	Origin        *originDoc     `json:"origin,omitempty"`
}

type decisionDoc struct {
	Stance string    `json:"stance,omitempty"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Note   string    `json:"note,omitempty"`
}

type opinionDoc struct {
	By   string    `json:"by,omitempty"`
	Ours bool      `json:"ours,omitempty"`
	Says string    `json:"says"`
	At   time.Time `json:"at,omitzero"`
	Tags []string  `json:"tags,omitempty"`
}

type quarantineDoc struct {
	Since   time.Time `json:"since,omitzero"`
	Count   int       `json:"count,omitempty"`
	Usual   float64   `json:"usual,omitempty"`
	Uploads int       `json:"uploads,omitempty"`
}

type originDoc struct {
	Exchange string    `json:"exchange,omitempty"`
	Member   string    `json:"member,omitempty"`
	ID       string    `json:"id,omitempty"`
	Fetched  time.Time `json:"fetched,omitzero"`
	Severity string    `json:"severity,omitempty"`
	Tags     []string  `json:"tags,omitempty"`
}

const bareDoc = "{}"

// refuse is the error of a change that makes no sense.
func refuse(bank, entry string, err error, format string, args ...any) error {
	return &match.EntryError{Bank: bank, Entry: entry, Signal: -1, Reason: fmt.Sprintf(format, args...), Err: err}
}

// maxDocument bounds a document, as a bank file bounds an entry: an event has two of them, and no
// database has room for much more in one place.
const maxDocument = 64 << 20

// goodText reports whether all texts are UTF-8: others would come back as something else.
func goodText(lists ...[]string) bool {
	return !slices.ContainsFunc(lists, func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return !utf8.ValidString(s) })
	})
}

// maxName bounds what stands in a column of its own: PostgreSQL's indices take up to 2,704 bytes.
const maxName = 2048

// goodName is goodText for that.
func goodName(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, 0) && len(s) <= maxName
}

// encodeBank checks a bank and returns its document.
func encodeBank(b *match.Bank) (string, error) {
	settings := *b
	settings.Entries = nil
	if err := settings.Check(); err != nil {
		return "", err
	}
	if !goodName(b.Name) || !goodText(b.Labels, b.Suppresses, []string{b.Action, b.RollOut.Key}) {
		return "", refuse(b.Name, "", match.ErrInvalid, "a name or text that is not UTF-8, or a name with a zero byte or of over %d bytes", maxName)
	}
	return bankDocument(b)
}

func bankDocument(b *match.Bank) (string, error) {
	d := bankDoc{Labels: b.Labels, Disabled: b.Disabled, Allow: b.Allow, Suppresses: b.Suppresses, Action: b.Action}
	for k, bits := range b.Thresholds { // sorted when it is written
		if d.Thresholds == nil {
			d.Thresholds = make(map[string]int)
		}
		d.Thresholds[k.String()] = bits
	}
	if p := b.Policy; p != (match.Policy{}) {
		name := func(t match.Treatment) string {
			if t == match.ByDefault {
				return ""
			}
			return t.String()
		}
		d.Policy = &policyDoc{name(p.None), name(p.Positive), name(p.Seed), name(p.Negative), name(p.Disputed), name(p.Quarantined)}
	}
	if r := b.RollOut; r != (match.RollOut{}) {
		d.RollOut = &rollOutDoc{r.Shadow, r.Percent, r.Key}
	}
	return encode(d)
}

func encode(d any) (string, error) {
	raw, err := json.Marshal(d)
	return string(raw), err
}

func decodeBank(name, doc string) (b match.Bank, err error) {
	defer func() {
		if err != nil {
			err = &AuditError{Bank: name, Reason: "its document can't be read: " + err.Error(), Err: ErrDamaged}
		}
	}()
	var d bankDoc
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		return b, err
	}
	b = match.Bank{Name: name, Labels: d.Labels, Disabled: d.Disabled, Allow: d.Allow, Suppresses: d.Suppresses, Action: d.Action}
	for kind, bits := range d.Thresholds {
		k, err := hash.ParseKind(kind)
		if err != nil {
			return b, err
		}
		if b.Thresholds == nil {
			b.Thresholds = make(map[hash.Kind]int)
		}
		b.Thresholds[k] = bits
	}
	if p := d.Policy; p != nil {
		for _, t := range []struct {
			to   *match.Treatment
			name string
		}{{&b.Policy.None, p.None}, {&b.Policy.Positive, p.Positive}, {&b.Policy.Seed, p.Seed},
			{&b.Policy.Negative, p.Negative}, {&b.Policy.Disputed, p.Disputed}, {&b.Policy.Quarantined, p.Quarantined}} {
			if t.name == "" {
				continue
			}
			if *t.to, err = match.ParseTreatment(t.name); err != nil {
				return b, err
			}
		}
	}
	if r := d.RollOut; r != nil {
		b.RollOut = match.RollOut{Shadow: r.Shadow, Percent: r.Percent, Key: r.Key}
	}
	return b, nil
}

// isBare reports whether an entry's document says nothing.
func isBare(e *match.Entry) bool {
	return len(e.Labels) == 0 && e.Duration == 0 && !e.Disabled && e.Curation.Equal(nil) && isBareSignal(e.ID, e.Signals)
}

// isBareSignal reports whether signals are just the hash that the ID is the text of.
func isBareSignal(id string, signals []match.Signal) bool {
	if len(signals) != 1 {
		return false
	}
	s := &signals[0]
	return s.Quality == hash.Unmeasured && len(s.Transform) == 0 && s.From == 0 && s.To == 0 && s.Value.IsValid() && s.Value.String() == id
}

// encodeEntry checks an entry and returns its document.
func encodeEntry(bank string, e *match.Entry) (string, error) {
	if isBare(e) {
		return bareDoc, nil
	}
	if err := e.Check(bank); err != nil {
		return "", err
	}
	if !goodName(e.ID) || !goodText(e.Labels) || !goodCuration(e.Curation) {
		return "", refuse(bank, e.ID, match.ErrInvalid, "an ID or text that is not UTF-8, or an ID with a zero byte or of over %d bytes", maxName)
	}
	for i := range e.Signals {
		if !goodText(e.Signals[i].Transform) {
			return "", refuse(bank, e.ID, match.ErrInvalid, "a transform that is not UTF-8")
		}
	}
	return entryDocument(e)
}

func entryDocument(e *match.Entry) (string, error) {
	if isBare(e) {
		return bareDoc, nil
	}
	d := entryDoc{Labels: e.Labels, Duration: int64(e.Duration), Disabled: e.Disabled}
	if !isBareSignal(e.ID, e.Signals) {
		d.Signals = make([]signalDoc, len(e.Signals))
		for i := range e.Signals {
			s := &e.Signals[i]
			d.Signals[i] = signalDoc{Hash: s.Value.String(), Transform: s.Transform, From: int64(s.From), To: int64(s.To)}
			if s.Quality != hash.Unmeasured {
				q := int(s.Quality)
				d.Signals[i].Quality = &q
			}
		}
	}
	if c := e.Curation; !c.Equal(nil) {
		d.Curation = curationOf(c)
	}
	return encode(d)
}

func goodCuration(c *match.Curation) bool {
	if c == nil {
		return true
	}
	o := &c.Origin
	return goodText([]string{c.Note, c.Decision.By, c.Decision.Note, o.Exchange, o.Member, o.ID, o.Severity}, o.Tags) &&
		!slices.ContainsFunc(c.Opinions, func(o match.Opinion) bool { return !goodText([]string{o.By}, o.Tags) })
}

// moment is a time as documents have it.
func moment(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

func curationOf(c *match.Curation) *curationDoc {
	d := &curationDoc{DisabledUntil: moment(c.DisabledUntil), Expires: moment(c.Expires), Note: c.Note}
	stance := func(s match.Stance) string {
		if s == match.NoOpinion {
			return ""
		}
		return s.String()
	}
	if x := c.Decision; x != (match.Decision{}) {
		d.Decision = &decisionDoc{stance(x.Stance), x.By, moment(x.At), x.Note}
	}
	for i := range c.Opinions {
		o := &c.Opinions[i]
		d.Opinions = append(d.Opinions, opinionDoc{o.By, o.Ours, o.Says.String(), moment(o.At), o.Tags})
	}
	if q := c.Quarantine; q != (match.Quarantine{}) {
		d.Quarantine = &quarantineDoc{moment(q.Since), q.Count, q.Usual, q.Uploads}
	}
	if o := &c.Origin; o.Exchange != "" || o.Member != "" || o.ID != "" || o.Severity != "" || !o.Fetched.IsZero() || len(o.Tags) > 0 {
		d.Origin = &originDoc{o.Exchange, o.Member, o.ID, moment(o.Fetched), o.Severity, o.Tags}
	}
	return d
}

func decodeEntry(bank, id, doc string) (e match.Entry, err error) {
	defer func() {
		if err != nil {
			err = &AuditError{Bank: bank, Entry: id, Reason: "its document can't be read: " + err.Error(), Err: ErrDamaged}
		}
	}()
	var d entryDoc
	if doc != bareDoc {
		if err := json.Unmarshal([]byte(doc), &d); err != nil {
			return e, err
		}
	}
	e = match.Entry{ID: id, Labels: d.Labels, Duration: time.Duration(d.Duration), Disabled: d.Disabled}
	if len(d.Signals) == 0 {
		v, err := hash.Parse(id)
		if err != nil {
			return e, err
		}
		e.Signals = []match.Signal{{Value: v, Quality: hash.Unmeasured}}
	} else {
		e.Signals = make([]match.Signal, len(d.Signals))
	}
	for i := range d.Signals {
		s := &d.Signals[i]
		v, err := hash.Parse(s.Hash)
		if err != nil {
			return e, err
		}
		e.Signals[i] = match.Signal{Value: v, Quality: hash.Unmeasured, Transform: s.Transform, From: time.Duration(s.From), To: time.Duration(s.To)}
		if s.Quality != nil {
			if *s.Quality < 0 || *s.Quality > 100 {
				return e, fmt.Errorf("signal %d has the quality %d", i, *s.Quality)
			}
			e.Signals[i].Quality = hash.Quality(*s.Quality)
		}
	}
	if d.Curation != nil {
		e.Curation, err = d.Curation.curation()
	}
	return e, err
}

func (d *curationDoc) curation() (c *match.Curation, err error) {
	stance := func(token string) (s match.Stance) {
		if token != "" && err == nil {
			s, err = match.ParseStance(token)
		}
		return s
	}
	c = &match.Curation{DisabledUntil: d.DisabledUntil, Expires: d.Expires, Note: d.Note}
	if x := d.Decision; x != nil {
		c.Decision = match.Decision{Stance: stance(x.Stance), By: x.By, At: x.At, Note: x.Note}
	}
	for i := range d.Opinions {
		o := &d.Opinions[i]
		c.Opinions = append(c.Opinions, match.Opinion{By: o.By, Ours: o.Ours, Says: stance(o.Says), At: o.At, Tags: o.Tags})
	}
	if q := d.Quarantine; q != nil {
		c.Quarantine = match.Quarantine{Since: q.Since, Count: q.Count, Usual: q.Usual, Uploads: q.Uploads}
	}
	if o := d.Origin; o != nil {
		c.Origin = match.Origin{Exchange: o.Exchange, Member: o.Member, ID: o.ID, Fetched: o.Fetched, Severity: o.Severity, Tags: o.Tags}
	}
	return c, err
}

// isVideoDoc reports whether a document is a video's. Within a text the quotes would be escaped.
func isVideoDoc(doc string) bool { return strings.Contains(doc, `"duration_ns":`) }
