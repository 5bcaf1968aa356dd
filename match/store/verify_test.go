package store

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
)

// unguard has the audit changed by whoever wants to.
func unguard(t testing.TB, s *Store) {
	guards := []string{`DROP TRIGGER rematch_no_update`, `DROP TRIGGER rematch_no_delete`, `DROP TRIGGER rematch_no_replace`}
	if s.d.notify != "" {
		guards = []string{`DROP TRIGGER rematch_no_change ON rematch_changes`, `DROP TRIGGER rematch_no_truncate ON rematch_changes`}
	}
	for _, g := range guards {
		_, err := s.write.Exec(g)
		require.NoError(t, err)
	}
}

// Whatever somebody does to the tables behind the store's back is found, and where.
func TestDamage(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("w", 1), named("x", 1), named("y", 2)), putBank(match.Bank{Name: "b"}),
			change(match.SetEntry, "a", match.Entry{ID: "x", Disabled: true}), drop("a", "w"))
		verify(t, s)
		unguard(t, s)
		keep := func() (undo func()) {
			tables := []string{"rematch_head", "rematch_banks", "rematch_entries", "rematch_changes"}
			for _, table := range tables {
				_, err := s.write.Exec(`CREATE TABLE keep_` + table + ` AS SELECT * FROM ` + table)
				require.NoError(t, err)
			}
			return func() {
				for _, table := range tables {
					for _, q := range []string{`DELETE FROM ` + table, `INSERT INTO ` + table + ` SELECT * FROM keep_` + table, `DROP TABLE keep_` + table} {
						_, err := s.write.Exec(q)
						require.NoError(t, err)
					}
				}
				verify(t, s)
			}
		}
		for _, c := range []struct {
			damage string
			want   AuditError // without the reason
		}{
			{`UPDATE rematch_changes SET event = replace(event, 'ann', 'eve') WHERE seq = 2`, AuditError{Event: 2, Err: ErrDamaged}},
			{`UPDATE rematch_changes SET hash = (SELECT hash FROM rematch_changes WHERE seq = 1) WHERE seq = 3`, AuditError{Event: 3, Err: ErrDamaged}},
			{`DELETE FROM rematch_changes WHERE seq = 3`, AuditError{Event: 4, Err: ErrDamaged}},
			{`DELETE FROM rematch_changes WHERE seq = 5`, AuditError{Event: 5, Err: ErrDamaged}},
			{`DELETE FROM rematch_changes WHERE seq = 1`, AuditError{Event: 2, Err: ErrDamaged}},
			{`UPDATE rematch_head SET seq = 4, hash = (SELECT hash FROM rematch_changes WHERE seq = 4)`, AuditError{Event: 5, Err: ErrDamaged}},
			{`UPDATE rematch_entries SET doc = (SELECT doc FROM rematch_entries WHERE id = 'y') WHERE id = 'x'`, AuditError{Event: 4, Bank: "a", Entry: "x", Err: ErrDamaged}},
			{`UPDATE rematch_entries SET version = 4 WHERE id = 'y'`, AuditError{Event: 2, Bank: "a", Entry: "y", Err: ErrDamaged}},
			{`DELETE FROM rematch_entries WHERE id = 'y'`, AuditError{Event: 2, Bank: "a", Entry: "y", Err: ErrDamaged}},
			{`INSERT INTO rematch_entries SELECT bank, 'z', version, doc FROM rematch_entries WHERE id = 'y'`, AuditError{Event: 2, Bank: "a", Entry: "z", Err: ErrDamaged}},
			{`UPDATE rematch_banks SET doc = '{"disabled":true}' WHERE name = 'a'`, AuditError{Event: 1, Bank: "a", Err: ErrDamaged}},
			{`INSERT INTO rematch_entries SELECT 7, id, version, doc FROM rematch_entries WHERE id = 'y'`, AuditError{Bank: "number 7", Entry: "y", Err: ErrDamaged}},
			{`INSERT INTO rematch_changes SELECT 0, event, hash FROM rematch_changes WHERE seq = 1`, AuditError{Err: ErrDamaged}},
			{`UPDATE rematch_banks SET entries = 9 WHERE name = 'a'`, AuditError{Event: 1, Bank: "a", Err: ErrDamaged}},
			{`DELETE FROM rematch_banks WHERE name = 'b'`, AuditError{Event: 3, Bank: "b", Err: ErrDamaged}},
			{`INSERT INTO rematch_banks SELECT 99, 'c', version, doc, 0, 0 FROM rematch_banks WHERE name = 'b'`, AuditError{Event: 3, Bank: "c", Err: ErrDamaged}},
		} {
			undo := keep()
			_, err := s.write.Exec(c.damage)
			require.NoError(t, err)
			_, err = s.VerifyAudit(t.Context())
			var got *AuditError
			if assert.ErrorAs(t, err, &got, c.damage) {
				c.want.Reason = got.Reason
				assert.Equal(t, c.want, *got, c.damage)
				assert.NotEmpty(t, got.Reason)
			}
			undo()
		}
		if s.d.notify == "" { // has types only by the way
			for _, c := range []struct{ table, column, id string }{{"rematch_entries", "id", "y"}, {"rematch_banks", "name", "a"}} {
				undo := keep()
				_, err := s.write.Exec(fmt.Sprintf(`UPDATE %s SET %s = CAST(%[2]s AS BLOB) WHERE %[2]s = ?1`, c.table, c.column), c.id)
				require.NoError(t, err)
				_, err = s.VerifyAudit(t.Context())
				assert.ErrorIs(t, err, ErrDamaged, c.table)
				undo()
			}
		}
	})
}

// Events of more than one page are all gone through, also in search of what does not fit.
func TestLongAudit(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		var changes []Change
		for i := range 1030 {
			changes = append(changes, putBank(match.Bank{Name: "a", Action: fmt.Sprint(i)}))
		}
		at := apply(t, s, append(changes, put("a", named("x", 1)))...)
		assert.Equal(t, int64(1031), at.Seq)
		assert.Equal(t, at, verify(t, s, at))
		_, err := s.write.Exec(`UPDATE rematch_entries SET doc = replace(doc, '90', '91')`)
		require.NoError(t, err)
		_, err = s.VerifyAudit(t.Context())
		var bad *AuditError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, []any{at.Seq, "x"}, []any{bad.Event, bad.Entry})
	})
}

// An event that somebody has written whose hashes are right, and that other readers of JSON could
// take for another one, is no event.
func TestForged(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		at := apply(t, s, putBank(match.Bank{Name: "a"}))
		forge := func(event string) error {
			p := Position{at.Seq + 1, sha256.Sum256([]byte(event))}
			tx, err := s.begin(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback()) }()
			for _, q := range []struct {
				query string
				args  []any
			}{
				{`INSERT INTO rematch_changes (seq, event, hash) VALUES ($1, $2, $3)`, []any{p.Seq, event, p.Hash[:]}},
				{`INSERT INTO rematch_entries (bank, id, version, doc) VALUES (1, 'x', 2, $1)`, []any{between(event, `"after":`, `}],`)}},
				{`UPDATE rematch_banks SET entries = 1`, nil},
				{`UPDATE rematch_head SET seq = $1, hash = $2`, []any{p.Seq, p.Hash[:]}},
			} {
				_, err := tx.Exec(q.query, q.args...)
				require.NoError(t, err)
			}
			v := &View{ctx: t.Context(), tx: tx, at: p, d: &s.d}
			require.NoError(t, v.readBanks())
			a := newAudit()
			if err := v.replay(a, nil); err != nil {
				return err
			}
			return v.compare(a)
		}
		const actor = `"actor":{"type":"reviewer","id":"eve"}`
		good := `{"event_id":2,"ts":"2026-11-05T10:30:00Z",` + actor + `,"action":"bank_change","change":"put_entries","match":{"bank":"a","bank_number":1},` +
			`"entries":[{"bank_content_id":"x","after":{"signals":[{"hash":"` + value(1).String() + `","quality":90}]}}],"prev_hash":"` + at.Hash.String() + `"}`
		require.NoError(t, forge(good))
		for what, event := range map[string]string{
			"twice":         strings.Replace(good, actor, actor+`,"actor":{"type":"reviewer","id":"ann"}`, 1),
			"other case":    strings.Replace(good, actor, `"ACTOR":{"type":"reviewer","id":"eve"}`, 1),
			"unknown":       strings.Replace(good, actor, actor+`,"note":"x"`, 1),
			"space":         strings.Replace(good, actor, actor+" ", 1),
			"escape":        strings.Replace(good, `"eve"`, `"\u0065ve"`, 1),
			"not UTF-8":     strings.Replace(good, "eve", "e\ufffd", 1) + " ",
			"nobody":        strings.Replace(good, `"id":"eve"`, `"id":""`, 1),
			"dropped":       strings.Replace(good, `"entries"`, `"dropped":1,"entries"`, 1),
			"twice inside":  strings.Replace(good, `"quality":90`, `"quality":10,"quality":90`, 1),
			"unknown there": strings.Replace(good, `"quality":90`, `"quality":90,"note":1`, 1),
		} {
			assert.ErrorIs(t, forge(event), ErrDamaged, what)
		}
	})
}

// between returns what is in a text between two others.
func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// An index that is not what the store has is found, and where.
func TestVerifyIndex(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1), bare(2)), putBank(match.Bank{Name: "b", Action: "block"}))
	f := follow(t, s, FollowOptions{})
	m := f.m.Load()
	for _, c := range []struct {
		spoil, mend match.Change
		want        AuditError
	}{
		{change(match.SetEntry, "a", match.Entry{ID: "x", Disabled: true}).Change, change(match.SetEntry, "a", match.Entry{ID: "x"}).Change, AuditError{Bank: "a", Entry: "x"}},
		{put("a", named("x", 3)).Change, put("a", named("x", 1)).Change, AuditError{Bank: "a", Entry: "x"}},
		{put("a", named("z", 3)).Change, drop("a", "z").Change, AuditError{Bank: "a", Entry: "z"}},
		{drop("a", "x").Change, put("a", named("x", 1)).Change, AuditError{Bank: "a", Entry: "x"}},
		{drop("a", bare(2).ID).Change, put("a", bare(2)).Change, AuditError{Bank: "a", Entry: bare(2).ID}},
		{putBank(match.Bank{Name: "b"}).Change, putBank(match.Bank{Name: "b", Action: "block"}).Change, AuditError{Bank: "b"}},
		{dropBank("b").Change, putBank(match.Bank{Name: "b", Action: "block"}).Change, AuditError{Bank: "b"}},
		{putBank(match.Bank{Name: "c"}).Change, dropBank("c").Change, AuditError{Bank: "c"}},
	} {
		require.NoError(t, m.Apply(c.spoil))
		_, err := f.Verify(t.Context())
		var got *AuditError
		if assert.ErrorAs(t, err, &got) {
			assert.Equal(t, c.want, AuditError{Bank: got.Bank, Entry: got.Entry})
			assert.ErrorIs(t, err, ErrDiverged)
		}
		require.NoError(t, m.Apply(c.mend))
		sound(t, f)
	}
}
