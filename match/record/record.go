package record

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"slices"
	"time"
)

// Version is that of the schema. A document that needs other members than this one has gets
// another number and another SchemaID; what was written stays as it was.
const Version = 1

// SchemaID is the $id of the schema.
const SchemaID = "https://github.com/rematch-go/rematch/match/record/record-1.schema.json"

//go:embed record-1.schema.json
var schema string

// Schema returns the JSON Schema (draft 2020-12) of the documents that Encode writes.
func Schema() []byte { return []byte(schema) }

// Record is one screening. Times are written in UTC, RFC 3339; lists are never null.
type Record struct {
	Schema  string `json:"schema"`    // SchemaID
	Version int    `json:"version"`   // Version
	ID      string `json:"record_id"` // of New: by the upload's ID and ScreenedAt, so that the same screening is one record

	Upload     Upload      `json:"upload"`
	ScreenedAt time.Time   `json:"screened_at"`
	Tool       Tool        `json:"tool"`
	Thresholds []Threshold `json:"thresholds"` // that were in force when the record was made, by bank and kind
	// ListVersion is what the caller calls the state of its banks, such as a position of match/store.
	ListVersion string `json:"list_version,omitempty"`

	Outcome      string   `json:"outcome"`          // match, no_match or not_judged
	Reason       string   `json:"reason,omitempty"` // why not judged, or why not all of it: stable tokens
	Frames       int      `json:"frames"`           // pictures that were looked at
	Passes       []Pass   `json:"passes"`           // how a video was looked at
	Matches      []Match  `json:"matches"`          // suppressed ones too
	MatchesTotal int      `json:"matches_total"`    // more than there are in Matches where only the nearest are listed
	Shadow       []Match  `json:"shadow"`           // recorded and not reported
	ShadowTotal  int      `json:"shadow_total"`
	Media        []Medium `json:"media"` // what else the file holds

	Decisions     []Decision `json:"decisions"`               // in the order they were made
	PreserveUntil time.Time  `json:"preserve_until,omitzero"` // before this time the record is not removed
}

// Upload is what was screened.
type Upload struct {
	ID         string            `json:"id"`                   // the caller's own
	ReceivedAt time.Time         `json:"received_at,omitzero"` // when the caller got it
	Class      string            `json:"class"`                // still, animation, video; empty: not recognised
	Format     string            `json:"format,omitempty"`
	Width      int               `json:"width,omitempty"`
	Height     int               `json:"height,omitempty"`
	DurationMS int64             `json:"duration_ms,omitempty"`
	Bytes      int64             `json:"bytes,omitempty"`
	Flags      []string          `json:"flags"`             // what is odd about the file
	Digests    map[string]string `json:"digests,omitempty"` // hex by kind: md5, sha1, sha256
	Hashes     []Hash            `json:"hashes,omitempty"`  // of its pictures, where that was asked for
}

// Hash is that of a picture of the upload.
type Hash struct {
	Kind    string `json:"kind"`
	Hash    string `json:"hash"` // hex
	Quality *int   `json:"quality,omitempty"`
	TimeMS  int64  `json:"time_ms"`
}

// Tool is what screened.
type Tool struct {
	Name    string   `json:"name"`    // rematch
	Version string   `json:"version"` // of the library's module; devel: it was built from a checkout
	Go      string   `json:"go"`
	Modules []Module `json:"modules"` // what else decides what is seen and matched
	Decoder string   `json:"decoder"` // of the upload: go, or the name of the video backend
	// Kinds are the kinds of hash that were compared. A kind is a recipe: its hash of the same
	// pixels never changes from one version to another.
	Kinds []string `json:"kinds"`
}

// Module is a module of the program, as the Go tool recorded it.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// Threshold is up to how many bits a bank's hashes of a kind may differ, inclusive.
type Threshold struct {
	Bank string `json:"bank"`
	Kind string `json:"kind"`
	Bits int    `json:"bits"`
}

// Pass is one look at a stretch of a video.
type Pass struct {
	Kind   string `json:"kind"`
	Why    string `json:"why"`
	FromMS int64  `json:"from_ms"`
	ToMS   int64  `json:"to_ms"`
	Frames int    `json:"frames"`
}

// Medium is a medium beside the first in a file.
type Medium struct {
	Format  string `json:"format"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
}

// Match is an entry that the upload matched.
type Match struct {
	Bank         string   `json:"bank"`
	Entry        string   `json:"entry"`
	Labels       []string `json:"labels"`
	Action       string   `json:"action,omitempty"`
	Opinion      string   `json:"opinion"`          // none, positive, seed, negative or disputed, all in all
	Origin       *Origin  `json:"origin,omitempty"` // nil: nothing is known of it
	Evidence     Evidence `json:"evidence"`
	SuppressedBy string   `json:"suppressed_by,omitempty"` // bank/entry of an allow-list
	ShadowedBy   string   `json:"shadowed_by,omitempty"`   // rollout, quarantine, or an opinion
}

// Origin is where an entry came from.
type Origin struct {
	Exchange  string    `json:"exchange,omitempty"`
	Member    string    `json:"member,omitempty"`
	ID        string    `json:"id,omitempty"`
	Severity  string    `json:"severity,omitempty"`
	Tags      []string  `json:"tags,omitempty"`
	FetchedAt time.Time `json:"fetched_at,omitzero"`
	// SharedAt is the earliest time that is known at which somebody else said something of the
	// entry, or it was fetched.
	SharedAt time.Time `json:"shared_at,omitzero"`
}

// Evidence is why it matched.
type Evidence struct {
	Kind           string    `json:"kind"`
	Distance       int       `json:"distance"`          // bits
	Threshold      int       `json:"threshold"`         // bits, inclusive
	Quality        *int      `json:"quality,omitempty"` // 0 to 100; nil: it has none
	Transform      []string  `json:"transform"`         // of the upload's picture, before it was compared
	KnownTransform []string  `json:"known_transform"`
	QueryHash      string    `json:"query_hash"` // hex
	KnownHash      string    `json:"known_hash"` // hex
	QueryTimeMS    int64     `json:"query_time_ms"`
	KnownTimeMS    int64     `json:"known_time_ms"`
	Segments       []Segment `json:"segments"`                // of videos
	QueryPercent   *float64  `json:"query_percent,omitempty"` // of the upload's judged frames that match
	KnownPercent   *float64  `json:"known_percent,omitempty"` // of the known item's time that is covered
}

// Segment is a stretch of the upload and where it lies in the known video; To is exclusive.
type Segment struct {
	QueryFromMS  int64   `json:"query_from_ms"`
	QueryToMS    int64   `json:"query_to_ms"`
	KnownFromMS  int64   `json:"known_from_ms"`
	KnownToMS    int64   `json:"known_to_ms"`
	Frames       int     `json:"frames"`
	MeanDistance float64 `json:"mean_distance"`
	Speed        float64 `json:"speed"`
}

// Decision is what somebody decided of a record.
type Decision struct {
	Actor  Actor     `json:"actor"`
	At     time.Time `json:"at"`
	Status string    `json:"status"` // Confirmed or Overturned
	// Bank and Entry say of which matches it is; empty: of all.
	Bank  string `json:"bank,omitempty"`
	Entry string `json:"entry,omitempty"`
	Note  string `json:"note,omitempty"`
}

// Of reports whether a decision is of a match.
func (d *Decision) Of(m *Match) bool {
	return (d.Bank == "" || d.Bank == m.Bank) && (d.Entry == "" || d.Entry == m.Entry)
}

// Actor is who decided.
type Actor struct {
	Type string `json:"type"` // system, reviewer, authority or api_key
	ID   string `json:"id"`
}

// What is decided.
const (
	Confirmed  = "confirmed"  // it is the known content
	Overturned = "overturned" // it is not: the match was false, or the entry is wrong
)

// Outcomes, as those of package screen.
const (
	OutcomeMatch     = "match"
	OutcomeNoMatch   = "no_match"
	OutcomeNotJudged = "not_judged"
)

// Class is what a record is counted as: the first of these that it is.
type Class string

// The classes.
const (
	Matched    Class = "match"      // at least one match stands
	NotJudged  Class = "not_judged" // nothing stands, and it was not all looked at
	Suppressed Class = "suppressed" // an allow-list suppresses all that matched
	Shadowed   Class = "shadow"     // only matches that are not reported
	Clean      Class = "no_match"   // nothing matched
)

// Classes returns all of them, in that order.
func Classes() []Class { return []Class{Matched, NotJudged, Suppressed, Shadowed, Clean} }

// Class returns what the record is counted as.
func (r *Record) Class() Class {
	switch {
	case r.Outcome == OutcomeMatch:
		return Matched
	case r.Outcome == OutcomeNotJudged:
		return NotJudged
	case len(r.Matches) > 0:
		return Suppressed
	case len(r.Shadow) > 0:
		return Shadowed
	}
	return Clean
}

// ID returns the record's ID of an upload's own one and when it was screened: 32 hex digits.
func ID(upload string, screened time.Time) string {
	sum := sha256.Sum256([]byte(upload + "\x00" + screened.UTC().Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:16])
}

// StatusOf returns what was decided of a match: the last decision that is of it; empty: none.
func (r *Record) StatusOf(m *Match) string {
	for i := len(r.Decisions) - 1; i >= 0; i-- {
		if r.Decisions[i].Of(m) {
			return r.Decisions[i].Status
		}
	}
	return ""
}

// Status returns what was decided of the upload: Confirmed if one of its matches is,
// Overturned if all are, else empty. Of the matches that stand, or where there are none of all
// that are listed; where nothing matched it is the last decision.
func (r *Record) Status() string {
	of := slices.DeleteFunc(slices.Clone(r.Matches), func(m Match) bool { return m.SuppressedBy != "" })
	if len(of) == 0 {
		of = slices.Concat(r.Matches, r.Shadow)
	}
	if len(of) == 0 {
		if n := len(r.Decisions); n > 0 {
			return r.Decisions[n-1].Status
		}
		return ""
	}
	overturned := 0
	for i := range of {
		switch r.StatusOf(&of[i]) {
		case Confirmed:
			return Confirmed
		case Overturned:
			overturned++
		}
	}
	if overturned == len(of) {
		return Overturned
	}
	return ""
}

// Decided returns when the last decision was made; zero: none was.
func (r *Record) Decided() (at time.Time) {
	for i := range r.Decisions {
		if r.Decisions[i].At.After(at) {
			at = r.Decisions[i].At
		}
	}
	return at
}

// Count is how many uploads of a class, with a reason or none, were screened in an hour.
type Count struct {
	Hour   time.Time // its beginning, in UTC
	Class  Class
	Reason string
	N      int64
}
