package record

import (
	"errors"
	"fmt"
	"math"
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

func fitsOr0(t time.Time) bool { return t.IsZero() || fitsTime(t) }

// Check refuses a record that makes no sense, or that the schema would not allow. The error is an
// *Error.
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
	case !utf8.ValidString(r.ListVersion):
		return fail("list_version", "it is not UTF-8")
	case r.Frames < 0:
		return fail("frames", "%d is below 0", r.Frames)
	case r.MatchesTotal < len(r.Matches):
		return fail("matches_total", "%d, and there are %d", r.MatchesTotal, len(r.Matches))
	case r.ShadowTotal < len(r.Shadow):
		return fail("shadow_total", "%d, and there are %d", r.ShadowTotal, len(r.Shadow))
	case !fitsOr0(r.PreserveUntil):
		return fail("preserve_until", "the time %v; want 1970 to 2261", r.PreserveUntil)
	}
	if wrong := r.Upload.wrong(); wrong != "" {
		return fail("upload", "%s", wrong)
	}
	if wrong := r.Tool.wrong(); wrong != "" {
		return fail("tool", "%s", wrong)
	}
	stands := slices.ContainsFunc(r.Matches, func(m Match) bool { return m.SuppressedBy == "" })
	switch {
	case !isOutcome(r.Outcome):
		return fail("outcome", "there is none %q", r.Outcome)
	case stands != (r.Outcome == OutcomeMatch):
		return fail("outcome", "it is %s, and matches that stand: %v", r.Outcome, stands)
	case r.Outcome == OutcomeNotJudged && r.Reason == "", r.Outcome == OutcomeNoMatch && r.Reason != "":
		return fail("reason", "%q of %s", r.Reason, r.Outcome)
	case !isToken(r.Reason) && r.Reason != "":
		return fail("reason", "%q; want up to 64 of a-z, 0-9 and _", r.Reason)
	}
	for i, t := range r.Thresholds {
		if t.Bank == "" || !utf8.ValidString(t.Bank) || !isToken(t.Kind) || t.Bits < 0 {
			return fail("thresholds", "number %d is not of a bank in UTF-8, a kind, and bits", i)
		}
	}
	for i, p := range r.Passes {
		if !isToken(p.Kind) || !isToken(p.Why) || p.FromMS < 0 || p.ToMS < 0 || p.Frames < 0 {
			return fail("passes", "number %d is not of a kind, why, times and frames", i)
		}
	}
	for i, m := range r.Media {
		if !utf8.ValidString(m.Format) || m.Offset < 0 || m.Bytes < 0 || !isOutcome(m.Outcome) || m.Reason != "" && !isToken(m.Reason) {
			return fail("media", "number %d has a format, place, outcome or reason that makes no sense", i)
		}
	}
	for i := range r.Matches {
		if wrong := r.Matches[i].wrong(false); wrong != "" {
			return fail("matches", "match %d: %s", i, wrong)
		}
	}
	for i := range r.Shadow {
		if wrong := r.Shadow[i].wrong(true); wrong != "" {
			return fail("shadow", "match %d: %s", i, wrong)
		}
	}
	for i := range r.Decisions {
		if err := r.Decisions[i].Check(); err != nil {
			return err
		}
	}
	return nil
}

// wrong says what is wrong with an upload but for its ID; empty: nothing.
func (u *Upload) wrong() string {
	switch {
	case !slices.Contains([]string{"", "still", "animation", "video"}, u.Class):
		return fmt.Sprintf("there is no class %q", u.Class)
	case !utf8.ValidString(u.Format):
		return "its format is not UTF-8"
	case u.Width < 0 || u.Height < 0 || u.DurationMS < 0 || u.Bytes < 0:
		return "a size of it is below 0"
	case !fitsOr0(u.ReceivedAt):
		return "the time when it was received; want 1970 to 2261"
	case !tokens(u.Flags):
		return "a flag of it; want up to 64 of a-z, 0-9 and _"
	}
	known := 0
	for kind, bytes := range map[string]int{"md5": 16, "sha1": 20, "sha256": 32} {
		if d, there := u.Digests[kind]; there {
			if known++; !isHex(d) || len(d) != 2*bytes {
				return "a digest of it is not in hex, or of another length"
			}
		}
	}
	if known != len(u.Digests) {
		return "a digest of it is neither md5, sha1 nor sha256"
	}
	for i := range u.Hashes {
		if h := &u.Hashes[i]; !isToken(h.Kind) || !isHex(h.Hash) || !isQuality(h.Quality) || h.TimeMS < 0 {
			return fmt.Sprintf("hash %d of it is not of a kind, hex, a quality and a time", i)
		}
	}
	return ""
}

func (t *Tool) wrong() string {
	switch {
	case t.Name != "rematch":
		return fmt.Sprintf("its name is %q", t.Name)
	case t.Version == "" || t.Go == "" || t.Decoder == "" || !texts([]string{t.Version, t.Go, t.Decoder}):
		return "its version, that of Go or the decoder is not told, or not in UTF-8"
	case !tokens(t.Kinds):
		return "a kind; want up to 64 of a-z, 0-9 and _"
	}
	for _, m := range t.Modules {
		if m.Path == "" || !texts([]string{m.Path, m.Version}) {
			return "a module without a path, or not in UTF-8"
		}
	}
	return ""
}

func (m *Match) wrong(shadow bool) string {
	e := &m.Evidence
	switch {
	case m.Bank == "" || m.Entry == "":
		return "it names no bank or no entry"
	case !texts([]string{m.Bank, m.Entry, m.Action, m.SuppressedBy}) || !texts(m.Labels) || !texts(e.Transform) || !texts(e.KnownTransform):
		return "a text of it is not UTF-8"
	case (m.ShadowedBy != "") != shadow, shadow && !isToken(m.ShadowedBy):
		return fmt.Sprintf("it is shadowed by %q", m.ShadowedBy)
	case !slices.Contains([]string{"none", "positive", "seed", "negative", "disputed"}, m.Opinion):
		return fmt.Sprintf("there is no opinion %q", m.Opinion)
	case !isToken(e.Kind) || !isHex(e.QueryHash) || !isHex(e.KnownHash):
		return "the kind or a hash of its evidence"
	case e.Distance < 0 || e.Threshold < 0 || e.QueryTimeMS < 0 || e.KnownTimeMS < 0:
		return "a number of its evidence is below 0"
	case !isQuality(e.Quality) || !isPercent(e.QueryPercent) || !isPercent(e.KnownPercent):
		return "a quality or percentage of its evidence; want 0 to 100"
	}
	if o := m.Origin; o != nil {
		switch {
		case !fitsOr0(o.SharedAt) || !fitsOr0(o.FetchedAt):
			return "the times of its origin; want 1970 to 2261"
		case !texts([]string{o.Exchange, o.Member, o.ID, o.Severity}) || !texts(o.Tags):
			return "a text of its origin is not UTF-8"
		}
	}
	for _, s := range e.Segments {
		if min(s.QueryFromMS, s.QueryToMS, s.KnownFromMS, s.KnownToMS, int64(s.Frames)) < 0 || !isNumber(s.MeanDistance) || !isNumber(s.Speed) {
			return "a number of a segment is below 0, or none"
		}
	}
	return ""
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
	case !texts([]string{d.Bank, d.Entry}):
		return &Error{"decisions.bank", "the bank or the entry is not in UTF-8"}
	case d.Entry != "" && d.Bank == "":
		return &Error{"decisions.entry", "an entry without its bank"}
	}
	return nil
}

// goodID reports whether an ID can be kept anywhere.
func goodID(s string) bool {
	return s != "" && len(s) <= MaxID && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// isToken reports whether a text is a token as package screen has them.
func isToken(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func tokens(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !isToken(s) })
}

// texts reports whether all are UTF-8: JSON has nothing else, and what was read back would be
// another document.
func texts(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !utf8.ValidString(s) })
}

func isHex(s string) bool {
	return s != "" && len(s)%2 == 0 && strings.Trim(s, "0123456789abcdef") == ""
}

func isOutcome(s string) bool {
	return s == OutcomeMatch || s == OutcomeNoMatch || s == OutcomeNotJudged
}

func isQuality(q *int) bool { return q == nil || 0 <= *q && *q <= 100 }

func isPercent(p *float64) bool { return p == nil || 0 <= *p && *p <= 100 } // neither is NaN

func isNumber(x float64) bool { return 0 <= x && x <= math.MaxFloat64 }
