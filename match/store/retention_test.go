package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/record"
)

// Every class at the boundaries of its retention and of its preservation: a nanosecond before, at
// and after them. What is under a hold is never removed.
func TestPurgeBoundaries(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, c := openAtNoon(t, url, Options{KeepClean: true})
		retention := Retention{Matched: 1 * time.Hour, NotJudged: 2 * time.Hour, Suppressed: 3 * time.Hour, Shadowed: 4 * time.Hour, Clean: 5 * time.Hour, Reviewed: 6 * time.Hour}
		_, err := s.SetRetention(t.Context(), ann, retention, nil, "policy 7")
		require.NoError(t, err)
		now := noon.AddDate(0, 1, 0)
		want := make(map[string]bool) // whether it stays
		var records []*record.Record
		reviewed := make(map[string]time.Time)
		held := 0
		n := 0
		for class, keep := range map[record.Class]time.Duration{record.Matched: retention.Matched, record.NotJudged: retention.NotJudged, record.Suppressed: retention.Suppressed,
			record.Shadowed: retention.Shadowed, record.Clean: retention.Clean, "reviewed": retention.Reviewed} {
			for _, age := range []time.Duration{-1, 0, 1} { // to the retention
				for _, hold := range []time.Duration{-time.Hour, -1, 0, 1, time.Hour} { // of its end to now; -1h: none
					id := fmt.Sprintf("%s %d %d", class, age, hold)
					at := now.Add(-keep - age)
					of := class
					if class == "reviewed" { // screened long ago: the decision counts
						of, reviewed[id] = record.Matched, at
						at = noon.Add(time.Duration(n))
						n++
					}
					r := verdict(id, at, of, hit("a", "1"))
					if hold != -time.Hour {
						r.PreserveUntil = now.Add(hold)
					}
					stays := age < 0 || hold > 0
					if age >= 0 && hold > 0 {
						held++
					}
					want[id] = stays
					records = append(records, r)
				}
			}
		}
		keep(t, s, records...)
		for _, r := range records {
			if at, is := reviewed[r.Upload.ID]; is {
				c.at = at
				_, err := s.Decide(t.Context(), ann, r.ID, record.Decision{Status: record.Confirmed}, 0)
				require.NoError(t, err)
			}
		}
		verify(t, s)
		c.at = now
		p, err := s.Purge(t.Context(), bob, "monthly")
		require.NoError(t, err)
		stay := make(map[string]bool)
		for _, id := range ids(t, s, RecordQuery{}) {
			stay[id] = true
		}
		for id, stays := range want {
			assert.Equal(t, stays, stay[id], id)
		}
		assert.Equal(t, len(records)-len(stay), p.Total())
		assert.Equal(t, held, p.Preserved)
		assert.Equal(t, 2*3, p.Reviewed)
		for _, class := range record.Classes() {
			assert.Equal(t, 2*3, p.Records[class], class)
		}
		at := verify(t, s)
		assert.Equal(t, at, p.At)
		again, err := s.Purge(t.Context(), bob, "monthly")
		require.NoError(t, err)
		assert.Zero(t, again.Total())
		assert.Equal(t, held, again.Preserved)
		assert.Equal(t, at, again.At, "what removes nothing is no event")

		// All holds that are lifted or over, and all that was too young, is gone in the end.
		c.at = now.Add(time.Hour)
		_, err = s.Purge(t.Context(), bob, "")
		require.NoError(t, err)
		assert.Empty(t, ids(t, s, RecordQuery{}))
		verify(t, s)

		purged := 0
		for e, err := range s.Changes(t.Context(), Position{}) {
			require.NoError(t, err)
			if e.Records != nil && e.Records.Change == purgeRecords {
				purged += len(e.Records.Items)
				assert.Equal(t, bob, e.Actor)
				assert.Equal(t, Retained, e.Action)
			}
		}
		assert.Equal(t, len(records), purged, "the audit names each that was removed")
	})
}

// Without a retention nothing is ever removed; a hold is set, made longer, and lifted; and each is
// in the audit with what was there before.
func TestPreserve(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, c := openAtNoon(t, url, Options{})
		a, b := verdict("a", noon, record.Matched, hit("x", "1")), verdict("b", noon, record.NotJudged)
		keep(t, s, a, b)
		c.at = noon.AddDate(100, 0, 0)
		p, err := s.Purge(t.Context(), ann, "")
		require.NoError(t, err)
		assert.Zero(t, p.Total())
		assert.Zero(t, p.Preserved)

		_, err = s.SetRetention(t.Context(), ann, Retention{Matched: time.Hour, NotJudged: time.Hour, Counts: time.Hour}, nil, "")
		require.NoError(t, err)
		read(t, s, func(v *View) {
			r, err := v.Retention()
			require.NoError(t, err)
			assert.Equal(t, Retention{Matched: time.Hour, NotJudged: time.Hour, Counts: time.Hour}, r)
		})
		until := c.at.Add(time.Hour)
		changed, at, err := s.Preserve(t.Context(), ann, until.In(time.FixedZone("", 3600)), "order 17", a.ID, b.ID)
		require.NoError(t, err)
		assert.Equal(t, 2, changed)
		changed, again, err := s.Preserve(t.Context(), ann, until, "order 17", a.ID, b.ID)
		require.NoError(t, err)
		assert.Zero(t, changed)
		assert.Equal(t, at, again)
		for _, shorter := range []time.Time{until.Add(-1), noon} { // of another law: the longer one stays
			changed, again, err = s.Preserve(t.Context(), ann, shorter, "order 18", a.ID, b.ID)
			require.NoError(t, err)
			assert.Zero(t, changed)
			assert.Equal(t, at, again)
		}
		for _, id := range []string{"no", "\x00"} {
			_, _, err = s.Preserve(t.Context(), ann, until, "", id)
			assert.ErrorIs(t, err, match.ErrUnknown)
		}
		_, _, err = s.Preserve(t.Context(), ann, time.Time{}, "", b.ID, "no")
		assert.ErrorIs(t, err, match.ErrUnknown)
		_, _, err = s.Preserve(t.Context(), ann, time.Unix(-1, 0), "", b.ID)
		assert.ErrorIs(t, err, match.ErrInvalid)

		p, err = s.Purge(t.Context(), ann, "")
		require.NoError(t, err)
		assert.Zero(t, p.Total())
		assert.Equal(t, 2, p.Preserved)
		assert.Equal(t, 2, p.Counts, "counts are of nobody")

		_, _, err = s.Preserve(t.Context(), bob, time.Time{}, "lifted", b.ID)
		require.NoError(t, err)
		c.at = until.Add(-1)
		p, err = s.Purge(t.Context(), ann, "")
		require.NoError(t, err)
		assert.Equal(t, map[record.Class]int{record.NotJudged: 1}, p.Records)
		assert.Equal(t, []string{"a"}, ids(t, s, RecordQuery{}))
		_, _, err = s.Preserve(t.Context(), bob, until.Add(time.Hour), "longer", a.ID)
		require.NoError(t, err)
		c.at = until
		p, err = s.Purge(t.Context(), ann, "")
		require.NoError(t, err)
		assert.Zero(t, p.Total())
		c.at = until.Add(time.Hour)
		p, err = s.Purge(t.Context(), ann, "")
		require.NoError(t, err)
		assert.Equal(t, 1, p.Total())

		var holds []string
		for e, err := range s.Changes(t.Context(), Position{}) {
			require.NoError(t, err)
			if r := e.Records; r.Change == preserveRecords {
				holds = append(holds, fmt.Sprintf("%s %s %d %s", e.Actor.ID, e.Reason, len(r.Items), r.PreserveUntil.Format(time.DateTime)))
			}
		}
		assert.Equal(t, []string{"ann order 17 2 2126-03-01 13:00:00", "bob lifted 1 0001-01-01 00:00:00", "bob longer 1 2126-03-01 14:00:00"}, holds)
		verify(t, s)
	})
}

// Counts go by whole hours: an hour is removed once its end is as old as they are kept.
func TestPurgeCounts(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, c := openAtNoon(t, url, Options{})
		keep(t, s, verdict("a", noon.Add(59*time.Minute), record.Clean), verdict("b", noon.Add(time.Hour), record.Clean))
		_, err := s.SetRetention(t.Context(), ann, Retention{Counts: 24 * time.Hour}, nil, "")
		require.NoError(t, err)
		for _, x := range []struct {
			at   time.Duration
			left int
		}{{25*time.Hour - 1, 2}, {25 * time.Hour, 1}, {26*time.Hour - 1, 1}, {26 * time.Hour, 0}} {
			c.at = noon.Add(x.at)
			_, err := s.Purge(t.Context(), ann, "")
			require.NoError(t, err)
			read(t, s, func(v *View) {
				counts, err := v.RecordCounts(time.Time{}, time.Time{})
				require.NoError(t, err)
				assert.Len(t, counts, x.left, x.at)
			})
			verify(t, s)
		}
		_, err = s.SetRetention(t.Context(), ann, Retention{Matched: -1}, nil, "")
		assert.ErrorIs(t, err, match.ErrInvalid)
		_, err = s.SetRetention(t.Context(), ann, Retention{Matched: time.Millisecond}, nil, "")
		assert.ErrorIs(t, err, match.ErrInvalid)
	})
}

// More than one transaction removes.
func TestPurgeMany(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, c := openAtNoon(t, url, Options{})
		var records []*record.Record
		for i := range purgeItems + 1 {
			records = append(records, verdict(fmt.Sprint(i), noon.Add(time.Duration(i)), record.NotJudged))
		}
		keep(t, s, records...)
		_, err := s.SetRetention(t.Context(), ann, Retention{NotJudged: time.Hour}, nil, "")
		require.NoError(t, err)
		c.at = noon.AddDate(1, 0, 0)
		p, err := s.Purge(t.Context(), ann, "")
		require.NoError(t, err)
		assert.Equal(t, len(records), p.Total())
		assert.Empty(t, ids(t, s, RecordQuery{}))
		verify(t, s)
	})
}

// Of two who set it at once, none loses what he did not see.
func TestRetentionConflict(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		set := func(by Actor, r, seen Retention) error {
			_, err := s.SetRetention(t.Context(), by, r, &seen, "")
			return err
		}
		seen := Retention{} // by both
		require.NoError(t, set(ann, Retention{Matched: time.Hour}, seen))
		err := set(bob, Retention{Counts: time.Hour}, seen)
		assert.ErrorIs(t, err, ErrConflict)
		assert.ErrorContains(t, err, "the retention: it is another than was seen; read it and set it again")
		read(t, s, func(v *View) { seen, err = v.Retention() })
		require.NoError(t, err)
		assert.Equal(t, Retention{Matched: time.Hour}, seen)
		require.NoError(t, set(bob, Retention{Matched: time.Hour, Counts: time.Hour}, seen))
		assert.ErrorIs(t, set(bob, Retention{}, Retention{Counts: -1}), match.ErrInvalid)
		verify(t, s)
	})
}

// What is due is found by its index, and a batch of it costs no more than itself: no sorting but of
// what is of the same time.
func TestPurgePlan(t *testing.T) {
	s, _ := openAtNoon(t, filepath.Join(t.TempDir(), "s.db"), Options{})
	for _, reviewed := range []bool{false, true} {
		where, args := (&due{class: record.Matched, reviewed: reviewed, keep: time.Hour}).where(`<=`, noon)
		rows, err := s.read.Query(`EXPLAIN QUERY PLAN `+purgeQuery(where), args...)
		require.NoError(t, err)
		plan := ""
		for rows.Next() {
			var a, b, c int
			var step string
			require.NoError(t, rows.Scan(&a, &b, &c, &step))
			plan += step + "\n"
		}
		require.NoError(t, rows.Close())
		assert.Contains(t, plan, "SEARCH rematch_records USING INDEX rematch_records_due (class=? AND decided")
		assert.NotContains(t, plan, "B-TREE FOR ORDER BY", plan)
	}
}
