package main

import (
	"bytes"
	"database/sql"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/store"
)

// keepSome fills a store with verdicts of 2020, and returns the ID of one.
func keepSome(t *testing.T, url string) string {
	verdict := func(upload string, day int, outcome, reason string, matches ...record.Match) *record.Record {
		at := time.Date(2020, 1, day, 12, 0, 0, 0, time.UTC)
		return &record.Record{Schema: record.SchemaID, Version: record.Version, ID: record.ID(upload, at), Upload: record.Upload{ID: upload, Class: "still", Format: "png"}, ScreenedAt: at,
			Tool: record.Tool{Name: "rematch", Version: "v1", Go: "go1", Decoder: "go"}, Outcome: outcome, Reason: reason, Matches: matches, MatchesTotal: len(matches)}
	}
	hit := func(bank string) record.Match {
		return record.Match{Bank: bank, Entry: "one", Opinion: "positive", Evidence: record.Evidence{Kind: "pdq", Distance: 4, Threshold: 31, QueryHash: "ab", KnownHash: "ab"},
			Origin: &record.Origin{Exchange: "gifct", Member: "m\x1b[31m", Severity: "A1", SharedAt: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}}
	}
	s, err := store.Open(t.Context(), url, store.Options{})
	require.NoError(t, err)
	one := verdict("one <b>\x1b[31m", 2, "match", "", hit("terror"), hit("=other"))
	_, _, err = s.Keep(t.Context(), store.Actor{Type: store.System, ID: "test"}, one, verdict("two", 3, "match", "truncated", hit("terror")), verdict("three", 4, "not_judged", "corrupt"), verdict("four", 5, "no_match", ""))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return one.ID
}

// What reviewers do with records, and what a period comes to.
func TestRecordCommands(t *testing.T) {
	c := curator{t, t.TempDir()}
	url := filepath.Join(c.dir, "r.db")
	id := keepSome(t, url)
	do := func(code int, line string, more ...string) string {
		t.Helper()
		return c.do(code, append(append(strings.Fields(line), "--store", url), more...)...)
	}
	assert.Equal(t, id+`  2020-01-02 12:00:00  match      "one <b>\x1b[31m" (not decided)`+"\nThere are more: --after "+id+"\n", do(0, "record list --limit 1"))
	assert.Equal(t, 1, strings.Count(do(0, "record list --limit 1 --json"), "\n"))
	assert.NotContains(t, do(0, "record list --limit 3"), "more")
	assert.Equal(t, 1, strings.Count(do(0, "record list --outcome not_judged"), "\n"))
	assert.Contains(t, do(0, "record list --newest --limit 1"), "three: damaged")
	assert.Contains(t, do(0, "record list --limit 1 --after "+id), "two")
	assert.Contains(t, do(0, "record list --json --from 2020-01-03 --to 2020-01-04"), `"upload":{"id":"two"`)
	assert.Empty(t, do(0, "record list --upload five"))
	shown := do(0, "record show", id)
	assert.Contains(t, shown, "terror/one: pdq, 4 of up to 31 bits differ, opinion positive\n")
	assert.Contains(t, shown, "severity A1")
	assert.NotContains(t, shown, "\x1b")
	assert.Contains(t, c.do(0, "record", "schema"), `"$id": "`+record.SchemaID+`"`)

	assert.Contains(t, do(0, "record decide --by ann --overturn --seen 0 --note n\x1bx", id), "(overturned)")
	assert.Contains(t, do(1, "record decide --by bob --confirm --seen 0", id), "0 decisions were seen, and by now there are 1, the last by reviewer ann")
	assert.Contains(t, do(0, "record decide --by bob --confirm --bank terror --entry one", id), "confirmed of terror/one, by reviewer bob\n")
	assert.Contains(t, do(1, "record decide --by bob --confirm --bank no", id), "did not match it")
	assert.Contains(t, do(1, "record decide --by bob --confirm 00"), "there is no record")
	assert.Contains(t, do(0, "record list --status confirmed --bank terror"), id)
	for _, wrong := range []string{"record decide --by bob", "record decide --by bob --confirm --overturn", "record decide --by bob --confirm --seen -2", "record preserve --by ann --for tco --lift", "record preserve --by ann --for ever",
		"record preserve --by ann --until soon", "record preserve --by ann"} {
		do(2, wrong, id)
	}
	for _, wrong := range []string{"record list --from 2020-02-01 --to 2020-01-01", "record list --outcome maybe", "record list --status maybe", "record list --limit 0", "record retention --match 1s", "record retention --by ann --match soon",
		"record retention --by ann --match -1h", "record retention --by ann --match 1.5d", "record purge"} {
		do(2, wrong)
	}
	events := do(0, "audit show")
	assert.Contains(t, events, `"action":"decision","change":"decide_record"`)
	assert.Contains(t, events, `"action":"reversal","change":"decide_record"`)
	assert.NotContains(t, events, "one <b>")

	// Reports: for people, for spreadsheets, and in the regulators' names.
	report := func(format string) string {
		t.Helper()
		return do(0, "report --from 2020-01-01 --to 2021-01-01 --format "+format)
	}
	assert.Contains(t, report("json"), `"screened":4,"matched":2,"suppressed":0,"shadowed":0,"not_judged":1,"clean":1,"partly_judged":1,`)
	assert.Contains(t, report("json"), `"shared_to_first_matched":{"n":2,"median_s":129600,"p95_s":129600}`)
	assert.Contains(t, report("csv"), "bank,'=other,,,2020-01-01T00:00:00Z,2021-01-01T00:00:00Z,,1,0,1,")
	assert.Contains(t, report("html"), "<b>4</b>uploads screened")
	assert.Regexp(t, `^{"puid":"`+id+`","content_type":\["CONTENT_TYPE_IMAGE"\],"decision_facts":".*","source_type":"SOURCE_VOLUNTARY","automated_detection":"Yes","automated_decision":"AUTOMATED_DECISION_PARTIALLY"}\n$`, report("dsa-statements"))
	assert.Contains(t, report("dsa-counts"), "1.6,15(1)(e),error rate of automated means,list:terror,,SOURCE_VOLUNTARY,")
	assert.Contains(t, report("tco-7-3"), "uploads compared,2020-01-01T00:00:00Z,2021-01-01T00:00:00Z,4,")
	assert.Contains(t, c.do(0, "report", "fields"), "application_date\n")
	assert.Contains(t, c.do(0, "report", "fields", "--json"), `{"fields":"application_date",`)
	assert.Contains(t, do(0, "report --from 2019-01-01 --to 2019-02-01"), `"screened":0,`)
	out := filepath.Join(c.dir, "report.html")
	assert.Empty(t, do(0, "report --from 2020-01-01 --to 2021-01-01 --format html -o "+out))
	info, err := os.Stat(out)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	for _, wrong := range []string{"report --from 2020-02-01 --to 2020-01-01", "report --from 2020-01-01 --to 2020-01-01", "report --from 2020-01-01T00:00:01Z --to 2020-02-01", "report --from yesterday --to 2020-01-01",
		"report --from 2020-01-01 --to 2020-02-01 --format pdf", "report"} {
		do(2, wrong)
	}
	c.do(2, "scan", "--bank", c.dir, "--records-clean", c.dir)
	c.do(1, "scan", "--bank", c.dir, "--records", filepath.Join(c.dir, "no", "such.db"), c.dir)
	c.do(1, "report", "--store", filepath.Join(c.dir, "none.db"), "--from", "2020-01-01", "--to", "2021-01-01")
	assert.NoFileExists(t, filepath.Join(c.dir, "none.db"))

	// What is over its retention is removed, but for what is to be preserved.
	assert.Regexp(t, regexp.MustCompile(`to be preserved until 20\d\d-`), do(0, "record preserve --by ann --for tco --reason order_17", id))
	assert.Equal(t, "0 records removed, 0 lines of counts; 0 others are to be preserved\n", do(0, "record purge --by ann"))
	set := do(0, "record retention --by ann --match 4320h --reviewed 1h --not-judged 36500d --reason policy")
	assert.Contains(t, set, "match       4320h0m0s\nnot-judged  876000h0m0s\n")
	assert.Contains(t, set, "counts      for good\n")
	assert.Contains(t, do(0, "record retention --json"), `{"match_hours":4320,"not_judged_hours":876000,`)
	assert.Contains(t, do(0, "record purge --by ann --json"), `{"removed":{"match":1},"removed_reviewed":0,"removed_counts":0,"preserved":0,`)
	assert.NotContains(t, do(0, "record preserve --by ann --lift", id), "preserved")
	assert.Contains(t, do(0, "record list"), id)
	assert.Contains(t, do(0, "record list"), "three")
	assert.Contains(t, report("json"), `"records":1,"records_missing":1,`)
	assert.Contains(t, do(0, "audit verify"), "nothing is wrong with them")
}

// A store that fails half-way ends the scan with an error that says so. What was judged was told,
// nothing of it is kept in part, and a scan of the store again keeps all.
func TestRecordsFail(t *testing.T) {
	c := curator{t, t.TempDir()}
	for i, name := range []string{"known/one.png", "uploads/a.png", "uploads/b.png"} {
		path := filepath.Join(c.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, scene(uint64(i/2), 256, 192)))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	}
	url := filepath.Join(c.dir, "r.db")
	s, err := store.Open(t.Context(), url, store.Options{})
	require.NoError(t, err)
	db, err := sql.Open("sqlite", url) // the driver is the store's
	require.NoError(t, err)
	_, err = db.Exec(`CREATE TRIGGER broken BEFORE INSERT ON rematch_record_matches BEGIN SELECT RAISE(ABORT, 'broken'); END`)
	require.NoError(t, err)
	scan := func(code int) string {
		return c.do(code, "scan", "--bank", filepath.Join(c.dir, "known"), "--records", url, "--records-clean", filepath.Join(c.dir, "uploads"))
	}
	said := scan(exitFailure)
	assert.Contains(t, said, "MATCH       uploads/a.png")
	assert.Contains(t, said, "no match    uploads/b.png")
	assert.Equal(t, 1, strings.Count(said, "the records of the last 2 files were not kept: "), said)
	assert.Empty(t, c.do(0, "record", "list", "--store", url))
	_, err = db.Exec(`DROP TRIGGER broken`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	scan(exitMatch)
	assert.Equal(t, 2, strings.Count(c.do(0, "record", "list", "--store", url), "\n"))
	_, err = s.VerifyAudit(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// An ID of a file is its path, unless that can't be one.
func TestUploadID(t *testing.T) {
	assert.Equal(t, "a/b.jpg", uploadID("a/b.jpg"))
	for _, path := range []string{"a\xff.jpg", strings.Repeat("x", 1025)} {
		assert.Regexp(t, `^path-sha256:[0-9a-f]{64}$`, uploadID(path))
	}
}
