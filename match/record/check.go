package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrInvalid is the error of what is no record; see Error.
var ErrInvalid = errors.New("record: not a valid record")

// ErrNewer is the error of a document of a version that this program does not know.
var ErrNewer = errors.New("record: made by a newer version; update this program")

// Error says what is wrong with a record.
type Error struct{ Field, Reason string }

func (e *Error) Error() string { return fmt.Sprintf("%v: %s: %s", ErrInvalid, e.Field, e.Reason) }

// Is makes errors.Is(err, ErrInvalid) true.
func (e *Error) Is(target error) bool { return target == ErrInvalid }

// Bounds on the texts of a record.
const (
	MaxID   = 1024  // bytes of the upload's ID, the record's, and an actor's
	MaxNote = 65535 // bytes of a decision's note
)

// lastTime is that of package match: nanoseconds since 1970 fit into 63 bits.
var lastTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

func fitsTime(t time.Time) bool { return t.Unix() > 0 && t.Before(lastTime) }

// Check refuses a record that makes no sense. The error is an *Error.
func (r *Record) Check() error {
	fail := func(field, format string, args ...any) error {
		return &Error{field, fmt.Sprintf(format, args...)}
	}
	switch {
	case r.Schema != SchemaID || r.Version != Version:
		return fail("version", "%d of %q; want %d of %q", r.Version, r.Schema, Version, SchemaID)
	case !goodID(r.ID):
		return fail("record_id", "want 1 to %d bytes of UTF-8 without a zero byte", MaxID)
	case !goodID(r.Upload.ID):
		return fail("upload.id", "want 1 to %d bytes of UTF-8 without a zero byte", MaxID)
	case !fitsTime(r.ScreenedAt):
		return fail("screened_at", "the time %v; want 1970 to 2261", r.ScreenedAt)
	case r.Frames < 0:
		return fail("frames", "%d is below 0", r.Frames)
	case r.MatchesTotal < len(r.Matches):
		return fail("matches_total", "%d, and there are %d", r.MatchesTotal, len(r.Matches))
	case r.ShadowTotal < len(r.Shadow):
		return fail("shadow_total", "%d, and there are %d", r.ShadowTotal, len(r.Shadow))
	case !r.PreserveUntil.IsZero() && !fitsTime(r.PreserveUntil):
		return fail("preserve_until", "the time %v; want 1970 to 2261", r.PreserveUntil)
	}
	stands := slices.ContainsFunc(r.Matches, func(m Match) bool { return m.SuppressedBy == "" })
	switch r.Outcome {
	case OutcomeMatch, OutcomeNoMatch, OutcomeNotJudged:
	default:
		return fail("outcome", "there is none %q", r.Outcome)
	}
	switch {
	case stands != (r.Outcome == OutcomeMatch):
		return fail("outcome", "it is %s, and matches that stand: %v", r.Outcome, stands)
	case r.Outcome == OutcomeNotJudged && r.Reason == "", r.Outcome == OutcomeNoMatch && r.Reason != "":
		return fail("reason", "%q of %s", r.Reason, r.Outcome)
	case r.Reason != "" && !isToken(r.Reason):
		return fail("reason", "%q; want up to 64 of a-z, 0-9 and _", r.Reason)
	}
	for i, m := range slices.Concat(r.Matches, r.Shadow) {
		field := "matches"
		if i >= len(r.Matches) {
			field, i = "shadow", i-len(r.Matches)
		}
		switch {
		case m.Bank == "" || m.Entry == "" || !utf8.ValidString(m.Bank) || !utf8.ValidString(m.Entry):
			return fail(field, "match %d names no bank or no entry, or not in UTF-8", i)
		case (m.ShadowedBy != "") != (field == "shadow"):
			return fail(field, "match %d is shadowed by %q", i, m.ShadowedBy)
		case m.Origin != nil && !(fitsOr0(m.Origin.SharedAt) && fitsOr0(m.Origin.FetchedAt)):
			return fail(field, "match %d: the times of its origin; want 1970 to 2261", i)
		}
	}
	for i := range r.Decisions {
		if err := r.Decisions[i].Check(); err != nil {
			return err
		}
	}
	return nil
}

// isToken reports whether a text is a token as package screen has them.
func isToken(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func fitsOr0(t time.Time) bool { return t.IsZero() || fitsTime(t) }

// goodID reports whether an ID can be kept anywhere.
func goodID(s string) bool {
	return s != "" && len(s) <= MaxID && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// Check refuses a decision that makes no sense. The error is an *Error.
func (d *Decision) Check() error {
	switch {
	case d.Status != Confirmed && d.Status != Overturned:
		return &Error{"decisions.status", fmt.Sprintf("%q; want confirmed or overturned", d.Status)}
	case !slices.Contains([]string{"system", "reviewer", "authority", "api_key"}, d.Actor.Type) || !goodID(d.Actor.ID):
		return &Error{"decisions.actor", fmt.Sprintf("%q %q; want system, reviewer, authority or api_key, and who", d.Actor.Type, d.Actor.ID)}
	case !fitsTime(d.At):
		return &Error{"decisions.at", fmt.Sprintf("the time %v; want 1970 to 2261", d.At)}
	case len(d.Note) > MaxNote || !utf8.ValidString(d.Note):
		return &Error{"decisions.note", fmt.Sprintf("it is longer than %d bytes, or not UTF-8", MaxNote)}
	case d.Entry != "" && d.Bank == "":
		return &Error{"decisions.entry", "an entry without its bank"}
	}
	return nil
}

// Encode checks a record and returns its document: the members in the order of the type, without
// spaces, times in UTC. The same record always gives the same bytes.
func (r *Record) Encode() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // who shows it escapes it in its own way
	if err := e.Encode(r.normal()); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// normal returns the record with all times in UTC and no list that is nil.
func (r *Record) normal() *Record {
	n := *r
	utc := func(t time.Time) time.Time {
		if t.IsZero() {
			return time.Time{}
		}
		return t.UTC().Round(0)
	}
	n.ScreenedAt, n.PreserveUntil, n.Upload.ReceivedAt = utc(n.ScreenedAt), utc(n.PreserveUntil), utc(n.Upload.ReceivedAt)
	n.Thresholds, n.Passes, n.Media = list(n.Thresholds), list(n.Passes), list(n.Media)
	n.Upload.Flags, n.Tool.Modules, n.Tool.Kinds = list(n.Upload.Flags), list(n.Tool.Modules), list(n.Tool.Kinds)
	matches := func(from []Match) []Match {
		to := append([]Match{}, from...)
		for i := range to {
			m := &to[i]
			m.Labels, m.Evidence.Segments = list(m.Labels), list(m.Evidence.Segments)
			m.Evidence.Transform, m.Evidence.KnownTransform = list(m.Evidence.Transform), list(m.Evidence.KnownTransform)
			if m.Origin != nil {
				o := *m.Origin
				o.FetchedAt, o.SharedAt = utc(o.FetchedAt), utc(o.SharedAt)
				m.Origin = &o
			}
		}
		return to
	}
	n.Matches, n.Shadow = matches(n.Matches), matches(n.Shadow)
	n.Decisions = append([]Decision{}, n.Decisions...)
	for i := range n.Decisions {
		n.Decisions[i].At = utc(n.Decisions[i].At)
	}
	return &n
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Parse is the inverse of Encode; unknown members are refused. Errors are ErrInvalid (an *Error)
// and ErrNewer.
func Parse(doc []byte) (*Record, error) {
	r := new(Record)
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		var head struct {
			Version int `json:"version"`
		}
		if bad := json.Unmarshal(doc, &head); bad == nil && head.Version > Version {
			return nil, fmt.Errorf("%w: version %d", ErrNewer, head.Version)
		}
		return nil, &Error{"document", err.Error()}
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, &Error{"document", "something follows it"}
	}
	if r.Version > Version {
		return nil, fmt.Errorf("%w: version %d", ErrNewer, r.Version)
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	return r.normal(), nil
}
