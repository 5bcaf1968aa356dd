package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/internal/jsonschema"
	"github.com/rematch-go/rematch/match/record"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func openAtNoon(t testing.TB, url string, o Options) (*Store, *clock) {
	c := &clock{at: noon}
	return openWith(t, url, c, o), c
}

func hit(bank, entry string) record.Match {
	return record.Match{Bank: bank, Entry: entry, Opinion: "none", Evidence: record.Evidence{Kind: "pdq", QueryHash: "ab", KnownHash: "ab"}}
}

// verdict makes a record of a class.
func verdict(upload string, at time.Time, class record.Class, matches ...record.Match) *record.Record {
	r := &record.Record{Schema: record.SchemaID, Version: record.Version, ID: record.ID(upload, at), Upload: record.Upload{ID: upload}, ScreenedAt: at,
		Tool: record.Tool{Name: "rematch", Version: "v1", Go: "go1", Decoder: "go"}, Outcome: record.OutcomeNoMatch}
	switch class {
	case record.Matched:
		r.Outcome, r.Matches = record.OutcomeMatch, matches
	case record.NotJudged:
		r.Outcome, r.Reason = record.OutcomeNotJudged, "corrupt"
	case record.Suppressed:
		for _, m := range matches {
			m.SuppressedBy = "news/clip"
			r.Matches = append(r.Matches, m)
		}
	case record.Shadowed:
		for _, m := range matches {
			m.ShadowedBy = "rollout"
			r.Shadow = append(r.Shadow, m)
		}
	}
	r.MatchesTotal, r.ShadowTotal = len(r.Matches), len(r.Shadow)
	return r
}

var robot = Actor{System, "screening"}

func keep(t testing.TB, s *Store, records ...*record.Record) Position {
	t.Helper()
	_, at, err := s.Keep(t.Context(), robot, records...)
	require.NoError(t, err)
	return at
}

func ids(t testing.TB, s *Store, q RecordQuery) []string {
	t.Helper()
	all := []string{}
	read(t, s, func(v *View) {
		for r, err := range v.Records(q) {
			require.NoError(t, err)
			all = append(all, r.Upload.ID)
		}
	})
	return all
}

// What was kept comes back, is counted once, and is found by what it is.
func TestKeep(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, _ := openAtNoon(t, url, Options{})
		odd := "b'\"\u2028<" + strings.Repeat("long", 2000)
		records := []*record.Record{
			verdict("m1", noon, record.Matched, hit("a", "1"), hit("b", "2"), hit("a", "1")),
			verdict("m2", noon.Add(time.Hour), record.Matched, hit(odd, "\x001")),
			verdict("s1", noon.Add(2*time.Minute), record.Suppressed, hit("a", "1")),
			verdict("h1", noon.Add(3*time.Minute), record.Shadowed, hit("b", "2")),
			verdict("n1", noon.Add(4*time.Minute), record.NotJudged),
			verdict("c1", noon.Add(5*time.Minute), record.Clean),
			verdict("c2", noon.Add(6*time.Minute), record.Clean),
		}
		kept, at, err := s.Keep(t.Context(), robot, records...)
		require.NoError(t, err)
		assert.Equal(t, 5, kept, "of clean uploads there are counts alone")
		assert.Equal(t, int64(1), at.Seq)
		kept, again, err := s.Keep(t.Context(), robot, records[:5]...)
		require.NoError(t, err)
		assert.Zero(t, kept)
		assert.Equal(t, at, again, "a second time changes nothing")

		read(t, s, func(v *View) {
			r, ok, err := v.Record(records[0].ID)
			require.NoError(t, err)
			require.True(t, ok)
			want, err := records[0].Encode()
			require.NoError(t, err)
			got, err := r.Encode()
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
			_, ok, err = v.Record("no")
			require.NoError(t, err)
			assert.False(t, ok)
			_, ok, err = v.Record("\x00")
			require.NoError(t, err)
			assert.False(t, ok)

			counts, err := v.RecordCounts(time.Time{}, time.Time{})
			require.NoError(t, err)
			assert.Equal(t, []record.Count{{Hour: noon, Class: record.Matched, N: 1}, {Hour: noon, Class: record.Clean, N: 2}, {Hour: noon, Class: record.NotJudged, Reason: "corrupt", N: 1},
				{Hour: noon, Class: record.Shadowed, N: 1}, {Hour: noon, Class: record.Suppressed, N: 1}, {Hour: noon.Add(time.Hour), Class: record.Matched, N: 1}}, counts)
			counts, err = v.RecordCounts(noon.Add(1), noon.Add(time.Hour))
			require.NoError(t, err)
			assert.Empty(t, counts)

			for _, c := range []struct {
				bank, entry string
				at          time.Time
			}{{"a", "1", noon}, {odd, "\x001", noon.Add(time.Hour)}, {"b", "2", noon}, {"b", "1", time.Time{}}, {"a", "", time.Time{}}} {
				first, err := v.FirstMatch(c.bank, c.entry)
				require.NoError(t, err)
				assert.Equal(t, c.at, first)
			}
		})
		for _, c := range []struct {
			q    RecordQuery
			want []string
		}{
			{RecordQuery{}, []string{"m1", "s1", "h1", "n1", "m2"}},
			{RecordQuery{Newest: true}, []string{"m2", "n1", "h1", "s1", "m1"}},
			{RecordQuery{Bank: "a"}, []string{"m1", "s1"}},
			{RecordQuery{Bank: odd}, []string{"m2"}},
			{RecordQuery{Bank: "A"}, []string{}},
			{RecordQuery{From: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Class: record.Shadowed}, []string{"h1"}},
			{RecordQuery{From: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{}},
			{RecordQuery{To: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)}, []string{}},
			{RecordQuery{Bank: "a", Newest: true}, []string{"s1", "m1"}},
			{RecordQuery{Bank: "a", Class: record.Suppressed, From: noon, To: noon.Add(time.Hour), Status: Undecided, Upload: "s1"}, []string{"s1"}},
			{RecordQuery{Bank: "b", After: Cursor{noon, record.ID("m1", noon)}}, []string{"h1"}},
			{RecordQuery{Bank: "b", To: noon.Add(3 * time.Minute)}, []string{"m1"}},
			{RecordQuery{Class: record.NotJudged}, []string{"n1"}},
			{RecordQuery{Upload: "h1"}, []string{"h1"}},
			{RecordQuery{Upload: "\x00"}, []string{}},
			{RecordQuery{Class: "\x00"}, []string{}},
			{RecordQuery{Status: "\x00"}, []string{}},
			{RecordQuery{From: noon.Add(2 * time.Minute), To: noon.Add(4 * time.Minute)}, []string{"s1", "h1"}},
			{RecordQuery{From: noon.Add(time.Hour), To: noon}, []string{}},
			{RecordQuery{Status: Undecided, Bank: "b"}, []string{"m1", "h1"}},
			{RecordQuery{Status: record.Confirmed}, []string{}},
			{RecordQuery{After: Cursor{noon.Add(2 * time.Minute), record.ID("s1", noon.Add(2*time.Minute))}}, []string{"h1", "n1", "m2"}},
			{RecordQuery{After: Cursor{noon.Add(3 * time.Minute), ""}, Newest: true, To: noon.Add(time.Hour)}, []string{"s1", "m1"}},
		} {
			assert.Equal(t, c.want, ids(t, s, c.q), "%+v", c.q)
		}
		verify(t, s, at)

		// What is refused is not there, and what another screening has stays.
		other := verdict("x", noon, record.Matched, hit("a", "1"))
		other.ID = records[0].ID
		_, _, err = s.Keep(t.Context(), robot, verdict("y", noon, record.NotJudged), other)
		assert.ErrorIs(t, err, match.ErrDuplicate)
		other = verdict("m1", noon.Add(1), record.Matched, hit("a", "1"))
		other.ID = records[0].ID
		_, _, err = s.Keep(t.Context(), robot, other)
		assert.ErrorIs(t, err, match.ErrDuplicate)
		bad := verdict("z", noon, record.NotJudged)
		bad.Reason = ""
		_, _, err = s.Keep(t.Context(), robot, bad)
		assert.ErrorIs(t, err, match.ErrInvalid)
		bad = verdict("z", noon, record.NotJudged)
		bad.Decisions = []record.Decision{{Actor: record.Actor(ann), At: noon, Status: record.Confirmed}}
		_, _, err = s.Keep(t.Context(), robot, bad)
		assert.ErrorIs(t, err, match.ErrInvalid)
		_, _, err = s.Keep(t.Context(), Actor{}, verdict("z", noon, record.NotJudged))
		assert.ErrorIs(t, err, match.ErrInvalid)
		_, _, err = s.Keep(t.Context(), robot, nil, verdict("z", noon, record.NotJudged))
		assert.ErrorIs(t, err, match.ErrInvalid)
		bad = verdict("z", noon, record.Matched, hit("a", "1"))
		bad.Matches[0].Labels = []string{"\xff"}
		_, _, err = s.Keep(t.Context(), robot, bad)
		assert.ErrorIs(t, err, match.ErrInvalid, "what is read back would be another document, and look damaged")
		assert.Len(t, ids(t, s, RecordQuery{}), 5)
		verify(t, s, at)
	})
}

// More than a page of them, of the same moment: each comes once, also those of clean uploads where
// they are asked for. Nodes pass over all of it.
func TestKeepMany(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, _ := openAtNoon(t, url, Options{KeepClean: true})
		f := follow(t, s, FollowOptions{})
		var records []*record.Record
		for i := range 2*recordPage + 50 {
			if i < recordPage+50 {
				records = append(records, verdict(fmt.Sprint(i), noon, record.Matched, hit("b", "1"), hit("b", "2")))
			} else {
				records = append(records, verdict(fmt.Sprint(i), noon, record.Clean))
			}
		}
		keep(t, s, records...)
		for _, newest := range []bool{false, true} { // of a bank likewise, also where there is nothing on its first page
			of := ids(t, s, RecordQuery{Bank: "b", Newest: newest})
			assert.Len(t, of, recordPage+50)
			last := slices.IndexFunc(records, func(r *record.Record) bool { return r.Upload.ID == of[len(of)-1] })
			_, err := s.Decide(t.Context(), ann, records[last].ID, record.Decision{Status: record.Confirmed}, 0)
			require.NoError(t, err)
			assert.Contains(t, ids(t, s, RecordQuery{Bank: "b", Newest: newest, Status: record.Confirmed}), records[last].Upload.ID)
			assert.Len(t, ids(t, s, RecordQuery{Bank: "b", Newest: newest, Status: Undecided}), len(of)-len(ids(t, s, RecordQuery{Status: record.Confirmed})))
		}
		at := apply(t, s, putBank(match.Bank{Name: "a"}))
		all := ids(t, s, RecordQuery{})
		assert.Len(t, all, len(records))
		seen := make(map[string]bool)
		for _, id := range all {
			seen[id] = true
		}
		assert.Len(t, seen, len(records))
		assert.Len(t, ids(t, s, RecordQuery{Newest: true}), len(records))
		reach(t, f, at)
		sound(t, f)
		verify(t, s, at)
	})
}

// Decisions are kept in their order, with who and when; two reviewers at once get a conflict; and
// the audit has each one, without the note.
func TestDecide(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, c := openAtNoon(t, url, Options{})
		r := verdict("u", noon, record.Matched, hit("a", "1"), hit("b", "2"))
		keep(t, s, r)
		decide := func(by Actor, status, bank, entry string, seen int) error {
			c.at = c.at.Add(time.Hour)
			_, err := s.Decide(t.Context(), by, r.ID, record.Decision{Status: status, Bank: bank, Entry: entry, Note: "secret <note>"}, seen)
			return err
		}
		require.NoError(t, decide(ann, record.Confirmed, "", "", 0))
		assert.Equal(t, []string{"u"}, ids(t, s, RecordQuery{Status: record.Confirmed}))
		var conflict *ConflictError
		require.ErrorAs(t, decide(bob, record.Overturned, "", "", 0), &conflict)
		assert.Equal(t, ConflictError{Record: r.ID, Want: 0, Have: 1, By: ann}, *conflict)
		assert.ErrorContains(t, conflict, "reviewer ann")
		require.NoError(t, decide(bob, record.Overturned, "b", "2", 1))
		assert.Equal(t, []string{"u"}, ids(t, s, RecordQuery{Status: record.Confirmed}), "the other match stands")
		require.NoError(t, decide(bob, record.Overturned, "", "", -1))
		assert.Equal(t, []string{"u"}, ids(t, s, RecordQuery{Status: record.Overturned}))

		for _, bad := range []struct {
			err error
			do  error
		}{
			{match.ErrInvalid, decide(ann, "maybe", "", "", -1)},
			{match.ErrInvalid, decide(Actor{"robot", "x"}, record.Confirmed, "", "", -1)},
			{match.ErrInvalid, decide(ann, record.Confirmed, "", "2", -1)},
			{match.ErrUnknown, decide(ann, record.Confirmed, "c", "", -1)},
			{match.ErrUnknown, decide(ann, record.Confirmed, "a", "2", -1)},
		} {
			assert.ErrorIs(t, bad.do, bad.err)
		}
		for _, id := range []string{"no", "\x00"} {
			_, err := s.Decide(t.Context(), ann, id, record.Decision{Status: record.Confirmed}, -1)
			assert.ErrorIs(t, err, match.ErrUnknown)
		}

		read(t, s, func(v *View) {
			got, _, err := v.Record(r.ID)
			require.NoError(t, err)
			require.Len(t, got.Decisions, 3)
			assert.Equal(t, record.Decision{Actor: record.Actor(bob), At: noon.Add(3 * time.Hour), Status: record.Overturned, Bank: "b", Entry: "2", Note: "secret <note>"}, got.Decisions[1])
			doc, err := got.Encode()
			require.NoError(t, err)
			require.NoError(t, jsonschema.Check(record.Schema(), doc))
		})
		var actions []string
		last := ""
		for e, err := range s.Changes(t.Context(), Position{}) {
			require.NoError(t, err)
			require.NotNil(t, e.Records)
			require.Len(t, e.Records.Items, 1)
			assert.Equal(t, r.ID, e.Records.Items[0].ID)
			assert.Equal(t, last, e.Records.Items[0].Before, "each event goes on from the one before")
			last = e.Records.Items[0].After
			actions = append(actions, fmt.Sprintf("%s %s %s %s", e.Actor, e.Action, e.Records.Change, e.Records.Status))
			assert.Empty(t, e.Op)
			for _, private := range []string{"secret", `"u"`} {
				assert.NotContains(t, string(e.JSON), private, "an event is never removed")
			}
		}
		assert.Equal(t, []string{"system screening match keep_records ", "reviewer ann decision decide_record confirmed", "reviewer bob decision decide_record overturned",
			"reviewer bob reversal decide_record overturned"}, actions)
		verify(t, s)
	})
}

// A record has room for so many words, for it is written anew with each decision.
func TestDecideBounds(t *testing.T) {
	s, _ := openAtNoon(t, filepath.Join(t.TempDir(), "s.db"), Options{})
	r := verdict("u", noon, record.Matched, hit("a", "1"))
	keep(t, s, r)
	note := record.Decision{Status: record.Confirmed, Note: strings.Repeat("x", record.MaxNote)}
	for range maxNotes / record.MaxNote {
		_, err := s.Decide(t.Context(), ann, r.ID, note, -1)
		require.NoError(t, err)
	}
	_, err := s.Decide(t.Context(), ann, r.ID, note, -1)
	assert.ErrorIs(t, err, match.ErrInvalid)
	_, err = s.Decide(t.Context(), ann, r.ID, record.Decision{Status: record.Overturned}, -1)
	assert.NoError(t, err)

	r = verdict("v", noon, record.Matched, hit("a", "1"))
	keep(t, s, r)
	_, _, err = s.events(t.Context(), ann, Decided, func(w *writer) error { // all at once
		item, err := w.update(r.ID, func(r *record.Record) error {
			r.Decisions = slices.Repeat([]record.Decision{{Actor: record.Actor(ann), At: noon, Status: record.Confirmed}}, maxDecisions-1)
			return nil
		})
		w.status = record.Confirmed
		return errors.Join(err, w.event(&eventDoc{Change: decideRecord, Records: &recordsDoc{Items: []recordDoc{item}}}))
	})
	require.NoError(t, err)
	_, err = s.Decide(t.Context(), ann, r.ID, record.Decision{Status: record.Overturned}, maxDecisions-1)
	assert.NoError(t, err)
	_, err = s.Decide(t.Context(), ann, r.ID, record.Decision{Status: record.Overturned}, maxDecisions)
	assert.ErrorIs(t, err, match.ErrInvalid)
	verify(t, s)
}

// Two reviewers at once, who have both seen the same: one is told.
func TestDecideRace(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		r := verdict("u", noon, record.Matched, hit("a", "1"))
		keep(t, s, r)
		errs := make(chan error, 2)
		for by, s := range map[Actor]*Store{ann: s, bob: other} {
			go func() {
				_, err := s.Decide(t.Context(), by, r.ID, record.Decision{Status: record.Confirmed}, 0)
				errs <- err
			}()
		}
		a, b := <-errs, <-errs
		if a == nil {
			a, b = b, a
		}
		assert.NoError(t, b)
		assert.ErrorIs(t, a, ErrConflict)
		verify(t, s)
	})
}

// What goes past the audit is found, whatever it is.
func TestRecordsAudited(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, _ := openAtNoon(t, url, Options{})
		r := verdict("u", noon, record.Matched, hit("a", "1"))
		keep(t, s, r, verdict("v", noon, record.NotJudged), verdict("w", noon, record.Clean))
		_, err := s.Decide(t.Context(), ann, r.ID, record.Decision{Status: record.Overturned}, 0)
		require.NoError(t, err)
		_, err = s.SetRetention(t.Context(), ann, Retention{Matched: time.Hour}, nil, "")
		require.NoError(t, err)
		verify(t, s)
		if s.d.notify == "" { // has types only by the way
			for _, c := range []string{"rematch_records id", "rematch_records upload", "rematch_records class", "rematch_records status", "rematch_records at", "rematch_records decided", "rematch_records preserve",
				"rematch_record_matches record", "rematch_record_matches entry", "rematch_record_matches how", "rematch_record_matches bank", "rematch_record_matches at",
				"rematch_record_counts hour", "rematch_record_counts class", "rematch_record_counts reason", "rematch_record_counts n"} {
				table, column, _ := strings.Cut(c, " ")
				for _, as := range []string{"BLOB", "TEXT"} { // a number becomes one again
					_, err := s.write.Exec(fmt.Sprintf(`UPDATE %s SET %s = CAST(%[2]s AS %s)`, table, column, as))
					require.NoError(t, err)
					if _, err = s.VerifyAudit(t.Context()); as == "BLOB" {
						assert.ErrorIs(t, err, ErrDamaged, c)
					} else {
						require.NoError(t, err, c)
					}
				}
			}
		}
		for _, c := range []struct{ change, undo, want string }{
			{`UPDATE rematch_records SET doc = replace(doc, 'overturned', 'confirmed'), status = 'confirmed' WHERE upload = 'u'`, `UPDATE rematch_records SET doc = replace(doc, 'confirmed', 'overturned'), status = 'overturned' WHERE upload = 'u'`, "is not as the audit says"},
			{`UPDATE rematch_records SET status = '' WHERE upload = 'u'`, `UPDATE rematch_records SET status = 'overturned' WHERE upload = 'u'`, "what it is found by"},
			{`UPDATE rematch_records SET doc = replace(doc, '"version":1', '"version":2') WHERE upload = 'v'`, `UPDATE rematch_records SET doc = replace(doc, '"version":2', '"version":1') WHERE upload = 'v'`, "made by a newer version"},
			{`UPDATE rematch_records SET preserve = 7 WHERE upload = 'v'`, `UPDATE rematch_records SET preserve = 0 WHERE upload = 'v'`, "what it is found by"},
			{`UPDATE rematch_record_matches SET at = at + 1`, `UPDATE rematch_record_matches SET at = at - 1`, "what records matched"},
			{`UPDATE rematch_record_counts SET n = n + 1 WHERE class = 'no_match'`, `UPDATE rematch_record_counts SET n = n - 1 WHERE class = 'no_match'`, "are counted"},
			{`UPDATE rematch_record_counts SET reason = 'other' WHERE class = 'not_judged'`, `UPDATE rematch_record_counts SET reason = 'corrupt' WHERE class = 'not_judged'`, "are counted"},
			{`UPDATE rematch_retention SET doc = '{}'`, `UPDATE rematch_retention SET doc = '{"match":3600}'`, "the retention"},
			{`DELETE FROM rematch_record_counts WHERE class = 'no_match'`, `INSERT INTO rematch_record_counts SELECT hour, 'no_match', '', 1 FROM rematch_record_counts WHERE class = 'match'`, "3 counts of uploads are in the audit, and 2"},
			{`DELETE FROM rematch_records WHERE upload = 'v'`, ``, "is in the audit, and not in its table"},
		} {
			_, err := s.write.Exec(c.change)
			require.NoError(t, err)
			_, err = s.VerifyAudit(t.Context())
			if !errors.Is(err, ErrNewerSchema) { // what a newer program wrote is not damaged
				assert.ErrorIs(t, err, ErrDamaged)
			}
			assert.ErrorContains(t, err, c.want)
			if c.undo != "" {
				_, err = s.write.Exec(c.undo)
				require.NoError(t, err)
				verify(t, s)
			}
		}
	})
}

// An event says what its change does, and nothing else.
func TestRecordEvents(t *testing.T) {
	made, gone := recordDoc{ID: "r", After: "aa"}, recordDoc{ID: "r", Before: "aa"}
	counts := []countDoc{{noon, "match", "", 1}}
	for what, c := range map[string]struct {
		good bool
		d    eventDoc
	}{
		"kept":              {true, eventDoc{Change: keepRecords, Action: Screened, Records: &recordsDoc{Items: []recordDoc{made}, Counts: counts}}},
		"kept again":        {false, eventDoc{Change: keepRecords, Action: Screened, Records: &recordsDoc{Items: []recordDoc{{"r", "aa", "bb"}}}}},
		"kept and gone":     {false, eventDoc{Change: keepRecords, Action: Screened, Records: &recordsDoc{Items: []recordDoc{gone}}}},
		"purged and made":   {false, eventDoc{Change: purgeRecords, Action: Retained, Records: &recordsDoc{Items: []recordDoc{made}}}},
		"purged, and there": {false, eventDoc{Change: purgeRecords, Action: Retained, Records: &recordsDoc{Items: []recordDoc{{"r", "aa", "bb"}}}}},
		"held, and gone":    {false, eventDoc{Change: preserveRecords, Action: Retained, Records: &recordsDoc{Items: []recordDoc{gone}}}},
		"counts from below": {false, eventDoc{Change: keepRecords, Records: &recordsDoc{Counts: []countDoc{{noon, "match", "", -1}}}}},
		"kept and purged":   {false, eventDoc{Change: keepRecords, Records: &recordsDoc{Items: []recordDoc{made}, CountsBefore: noon}}},
		"kept and decided":  {false, eventDoc{Change: keepRecords, Decision: &reasonDoc{Status: record.Confirmed}, Records: &recordsDoc{Items: []recordDoc{made}}}},
		"purged":            {true, eventDoc{Change: purgeRecords, Action: Retained, Decision: &reasonDoc{Reason: "x"}, Records: &recordsDoc{Items: []recordDoc{gone}, CountsBefore: noon}}},
		"purged, counted":   {false, eventDoc{Change: purgeRecords, Records: &recordsDoc{Counts: counts}}},
		"decided":           {true, eventDoc{Change: decideRecord, Action: Reversed, Decision: &reasonDoc{Status: record.Confirmed}, Records: &recordsDoc{Items: []recordDoc{{"r", "aa", "bb"}}}}},
		"decided nothing":   {false, eventDoc{Change: decideRecord, Action: Decided, Records: &recordsDoc{Items: []recordDoc{{"r", "aa", "bb"}}}}},
		"retention":         {true, eventDoc{Change: setRetention, Action: Retained, Before: []byte(bareDoc), After: []byte(`{"match":60}`)}},
		"other retention":   {false, eventDoc{Change: setRetention, Action: Retained, Before: []byte(`{"match":30}`), After: []byte(`{"match":60}`)}},
		"held, reversed":    {false, eventDoc{Change: preserveRecords, Action: Reversed, Records: &recordsDoc{Items: []recordDoc{{"r", "aa", "bb"}}}}},
	} {
		if err := newAudit().takeRecords(&c.d); c.good {
			assert.NoError(t, err, what)
		} else {
			assert.ErrorIs(t, err, ErrDamaged, what)
		}
	}
}
