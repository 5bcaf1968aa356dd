package record_test

import (
	"bytes"
	"encoding/json"
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

// What makes no sense is refused, and what the check lets pass the schema does too.
func TestCheck(t *testing.T) {
	shadow := known("b", "e", "")
	shadow.ShadowedBy = "rollout"
	for name, change := range map[string]func(r *record.Record){
		"version":         func(r *record.Record) { r.Version = 0 },
		"record_id":       func(r *record.Record) { r.ID = "" },
		"upload.id":       func(r *record.Record) { r.Upload.ID = strings.Repeat("x", record.MaxID+1) },
		"upload.id ":      func(r *record.Record) { r.Upload.ID = "\x00" },
		"screened_at":     func(r *record.Record) { r.ScreenedAt = time.Time{} },
		"screened_at ":    func(r *record.Record) { r.ScreenedAt = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) },
		"preserve_until":  func(r *record.Record) { r.PreserveUntil = time.Unix(-1, 0) },
		"outcome":         func(r *record.Record) { r.Outcome = "maybe" },
		"outcome ":        func(r *record.Record) { r.Outcome = "no_match" },
		"reason":          func(r *record.Record) { r.Reason = "not a token" },
		"reason ":         func(r *record.Record) { r.Outcome, r.Matches = "not_judged", nil },
		"reason  ":        func(r *record.Record) { r.Outcome, r.Matches, r.Reason = "no_match", nil, "x" },
		"matches":         func(r *record.Record) { r.Matches[0].Entry = "" },
		"matches ":        func(r *record.Record) { r.Matches[0].ShadowedBy = "rollout" },
		"matches  ":       func(r *record.Record) { r.Matches[0].Bank = "\xff" },
		"matches_total":   func(r *record.Record) { r.MatchesTotal = 0 },
		"shadow":          func(r *record.Record) { r.Shadow, r.ShadowTotal = []record.Match{known("b", "e", "")}, 1 },
		"shadow_total":    func(r *record.Record) { r.Shadow = []record.Match{shadow} },
		"frames":          func(r *record.Record) { r.Frames = -1 },
		"decisions.at":    func(r *record.Record) { r.Decisions[0].At = time.Time{} },
		"decisions.actor": func(r *record.Record) { r.Decisions[0].Actor.Type = "robot" },
		"decisions.entry": func(r *record.Record) { r.Decisions[0].Entry = "e" },
		"decisions.note":  func(r *record.Record) { r.Decisions[0].Note = "\xff" },
	} {
		r := minimal("match", known("b", "e", ""))
		r.Decisions = []record.Decision{decision(record.Confirmed, "", "")}
		doc, err := r.Encode()
		require.NoError(t, err)
		require.NoError(t, jsonschema.Check(record.Schema(), doc))
		change(r)
		_, err = r.Encode()
		var bad *record.Error
		require.ErrorAs(t, err, &bad, name)
		assert.ErrorIs(t, err, record.ErrInvalid)
		assert.Equal(t, strings.TrimSpace(name), bad.Field)
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
		back, err := record.Parse(once)
		require.NoError(t, err)
		twice, err := back.Encode()
		require.NoError(t, err)
		assert.Equal(t, string(once), string(twice))
	})
}
