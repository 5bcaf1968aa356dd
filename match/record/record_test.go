package record_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/internal/jsonschema"
	"github.com/rematch-go/rematch/match/record"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

func known(bank, entry, suppressed string) record.Match {
	return record.Match{Bank: bank, Entry: entry, Opinion: "none", SuppressedBy: suppressed, Evidence: record.Evidence{Kind: "pdq", QueryHash: "ab", KnownHash: "ab"}}
}

func minimal(outcome string, matches ...record.Match) *record.Record {
	return &record.Record{Schema: record.SchemaID, Version: record.Version, ID: "r", Upload: record.Upload{ID: "u"}, ScreenedAt: at,
		Tool: record.Tool{Name: "rematch", Version: "v1", Go: "go1", Decoder: "go"}, Outcome: outcome, Matches: matches, MatchesTotal: len(matches)}
}

func decision(status, bank, entry string) record.Decision {
	return record.Decision{Actor: record.Actor{Type: "reviewer", ID: "ann"}, At: at, Status: status, Bank: bank, Entry: entry}
}

// Times are written in UTC whatever their zone, and lists are never null.
func TestEncode(t *testing.T) {
	r := minimal("no_match")
	r.ScreenedAt = at.In(time.FixedZone("", -7200))
	doc, err := r.Encode()
	require.NoError(t, err)
	require.NoError(t, jsonschema.Check(record.Schema(), doc))
	assert.NotContains(t, string(doc), "null")
	assert.Contains(t, string(doc), `"screened_at":"2026-01-02T03:04:05.000000006Z"`)
	back, err := record.Parse(doc)
	require.NoError(t, err)
	assert.True(t, back.ScreenedAt.Equal(at))
	assert.Equal(t, record.ID("u", at), record.ID("u", r.ScreenedAt))
	assert.NotEqual(t, record.ID("u", at), record.ID("u", at.Add(1)))
	var s struct {
		Draft string `json:"$schema"`
		ID    string `json:"$id"`
	}
	require.NoError(t, json.Unmarshal(record.Schema(), &s))
	assert.Equal(t, record.SchemaID, s.ID)
	assert.True(t, strings.HasSuffix(s.Draft, "2020-12/schema"))
}

// What makes no sense is refused, by the program and, as far as a schema can say it, by the schema;
// what the check lets pass the schema does too.
func TestCheck(t *testing.T) {
	shadow := known("b", "e", "")
	shadow.ShadowedBy = "rollout"
	early, late := time.Unix(-1, 0), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		field  string
		change func(r *record.Record)
		schema bool // it refuses that too
	}{
		{"version", func(r *record.Record) { r.Version = 0 }, true},
		{"record_id", func(r *record.Record) { r.ID = "" }, true},
		{"upload.id", func(r *record.Record) { r.Upload.ID = strings.Repeat("x", record.MaxID+1) }, true},
		{"upload.id", func(r *record.Record) { r.Upload.ID = "\x00" }, false},
		{"upload", func(r *record.Record) { r.Upload.Class = "film" }, true},
		{"upload", func(r *record.Record) { r.Upload.Format = "\xff" }, false},
		{"upload", func(r *record.Record) { r.Upload.Bytes = -1 }, true},
		{"upload", func(r *record.Record) { r.Upload.ReceivedAt = late }, false},
		{"upload", func(r *record.Record) { r.Upload.Flags = []string{"\x1b[31m"} }, true},
		{"upload", func(r *record.Record) { r.Upload.Digests = map[string]string{"md5": "ab"} }, true},
		{"upload", func(r *record.Record) { r.Upload.Digests = map[string]string{"md4": strings.Repeat("ab", 16)} }, true},
		{"upload", func(r *record.Record) { r.Upload.Hashes = []record.Hash{{Kind: "pdq", Hash: "AB"}} }, true},
		{"tool", func(r *record.Record) { r.Tool.Name = "other" }, true},
		{"tool", func(r *record.Record) { r.Tool.Version = "" }, true},
		{"tool", func(r *record.Record) { r.Tool.Kinds = []string{""} }, true},
		{"tool", func(r *record.Record) { r.Tool.Modules = []record.Module{{}} }, true},
		{"screened_at", func(r *record.Record) { r.ScreenedAt = time.Time{} }, false},
		{"screened_at", func(r *record.Record) { r.ScreenedAt = late }, false},
		{"preserve_until", func(r *record.Record) { r.PreserveUntil = early }, false},
		{"list_version", func(r *record.Record) { r.ListVersion = "\xff" }, false},
		{"thresholds", func(r *record.Record) { r.Thresholds = []record.Threshold{{Bank: "b", Kind: "pdq", Bits: -1}} }, true},
		{"passes", func(r *record.Record) { r.Passes = []record.Pass{{Kind: "keys"}} }, true},
		{"media", func(r *record.Record) { r.Media = []record.Medium{{Outcome: "maybe"}} }, true},
		{"outcome", func(r *record.Record) { r.Outcome = "maybe" }, true},
		{"outcome", func(r *record.Record) { r.Outcome = "no_match" }, true},
		{"outcome", func(r *record.Record) { r.Matches[0].SuppressedBy = "news/x" }, true},
		{"reason", func(r *record.Record) { r.Reason = "not a token" }, true},
		{"reason", func(r *record.Record) { r.Reason = strings.Repeat("x", 65) }, true},
		{"reason", func(r *record.Record) { r.Outcome, r.Matches = "not_judged", nil }, true},
		{"reason", func(r *record.Record) { r.Outcome, r.Matches, r.Reason = "no_match", nil, "x" }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Entry = "" }, true},
		{"matches", func(r *record.Record) { r.Matches[0].ShadowedBy = "rollout" }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Bank = "\xff" }, false},
		{"matches", func(r *record.Record) { r.Matches[0].Labels = []string{"\xff"} }, false},
		{"matches", func(r *record.Record) { r.Matches[0].Opinion = "" }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.Kind = "<b>" }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.QueryHash = "a" }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.Distance = -1 }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.Quality = new(101) }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.QueryPercent = new(100.5) }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.KnownPercent = new(math.NaN()) }, false},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.Segments = []record.Segment{{Speed: -1}} }, true},
		{"matches", func(r *record.Record) { r.Matches[0].Evidence.Segments = []record.Segment{{Speed: math.Inf(1)}} }, false},
		{"matches", func(r *record.Record) { r.Matches[0].Origin = &record.Origin{FetchedAt: late} }, false},
		{"matches", func(r *record.Record) { r.Matches[0].Origin = &record.Origin{Member: "\xff"} }, false},
		{"matches_total", func(r *record.Record) { r.MatchesTotal = 0 }, false},
		{"shadow", func(r *record.Record) { r.Shadow, r.ShadowTotal = []record.Match{known("b", "e", "")}, 1 }, true},
		{"shadow_total", func(r *record.Record) { r.Shadow = []record.Match{shadow} }, false},
		{"frames", func(r *record.Record) { r.Frames = -1 }, true},
		{"decisions.at", func(r *record.Record) { r.Decisions[0].At = time.Time{} }, false},
		{"decisions.actor", func(r *record.Record) { r.Decisions[0].Actor.Type = "robot" }, true},
		{"decisions.status", func(r *record.Record) { r.Decisions[0].Status = "maybe" }, true},
		{"decisions.entry", func(r *record.Record) { r.Decisions[0].Entry = "e" }, true},
		{"decisions.bank", func(r *record.Record) { r.Decisions[0].Bank = "\xff" }, false},
		{"decisions.note", func(r *record.Record) { r.Decisions[0].Note = strings.Repeat("x", record.MaxNote+1) }, true},
	} {
		r := minimal("match", known("b", "e", ""))
		r.Decisions = []record.Decision{decision(record.Confirmed, "", "")}
		doc, err := r.Encode()
		require.NoError(t, err)
		require.NoError(t, jsonschema.Check(record.Schema(), doc))
		r, err = record.Parse(doc) // so that no list is nil
		require.NoError(t, err)
		c.change(r)
		_, err = r.Encode()
		var bad *record.Error
		require.ErrorAs(t, err, &bad, c.field)
		assert.ErrorIs(t, err, record.ErrInvalid)
		assert.Equal(t, c.field, bad.Field)
		if doc, err := json.Marshal(r); c.schema && assert.NoError(t, err) {
			doc = bytes.ReplaceAll(doc, []byte("null"), []byte("[]"))
			assert.Error(t, jsonschema.Check(record.Schema(), doc), "%s: %s", c.field, doc)
		}
	}
}

func TestParse(t *testing.T) {
	doc, err := minimal("no_match").Encode()
	require.NoError(t, err)
	for _, bad := range []string{"", "{}", "[]", string(doc) + "{}", strings.Replace(string(doc), `"frames"`, `"more":1,"frames"`, 1)} {
		_, err := record.Parse([]byte(bad))
		assert.ErrorIs(t, err, record.ErrInvalid, bad)
	}
	_, err = record.Parse(bytes.Replace(doc, []byte(`"version":1`), []byte(`"version":2`), 1))
	assert.ErrorIs(t, err, record.ErrNewer)
	_, err = record.Parse(bytes.Replace(doc, []byte(`"version":1`), []byte(`"version":2,"more":[]`), 1))
	assert.ErrorIs(t, err, record.ErrNewer)
}

// What was decided of an upload, from what was decided of its matches: the last word counts.
func TestStatus(t *testing.T) {
	yes, no := record.Confirmed, record.Overturned
	a, b, gone := known("a", "1", ""), known("b", "2", ""), known("c", "3", "news/x")
	for _, c := range []struct {
		matches   []record.Match
		decisions []record.Decision
		want      string
	}{
		{[]record.Match{a}, nil, ""},
		{[]record.Match{a}, []record.Decision{decision(yes, "", "")}, yes},
		{[]record.Match{a}, []record.Decision{decision(yes, "", ""), decision(no, "", "")}, no},
		{[]record.Match{a}, []record.Decision{decision(yes, "other", "")}, ""},
		{[]record.Match{a, b}, []record.Decision{decision(no, "a", "")}, ""},
		{[]record.Match{a, b}, []record.Decision{decision(no, "a", ""), decision(no, "b", "2")}, no},
		{[]record.Match{a, b}, []record.Decision{decision(no, "", ""), decision(yes, "b", "2")}, yes},
		{[]record.Match{a, b}, []record.Decision{decision(yes, "b", "2"), decision(no, "", "")}, no},
		{[]record.Match{a, gone}, []record.Decision{decision(no, "a", "1")}, no},
		{[]record.Match{gone}, []record.Decision{decision(yes, "c", "")}, yes},
		{nil, []record.Decision{decision(no, "", ""), decision(yes, "", "")}, yes},
		{nil, nil, ""},
	} {
		r := record.Record{Matches: c.matches, Decisions: c.decisions}
		assert.Equal(t, c.want, r.Status(), "%+v", c)
	}
}

func FuzzParse(f *testing.F) {
	doc, err := minimal("match", known("b", "e", "")).Encode()
	require.NoError(f, err)
	f.Add(doc)
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := record.Parse(doc)
		if err != nil {
			return
		}
		once, err := r.Encode()
		require.NoError(t, err)
		require.NoError(t, jsonschema.Check(record.Schema(), once))
		back, err := record.Parse(once)
		require.NoError(t, err)
		twice, err := back.Encode()
		require.NoError(t, err)
		assert.Equal(t, string(once), string(twice))
	})
}
