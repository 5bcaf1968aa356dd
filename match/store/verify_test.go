package store

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
)

// unguard has the audit changed by whoever wants to.
func unguard(t testing.TB, s *Store) {
	guards := []string{`DROP TRIGGER rematch_no_update`, `DROP TRIGGER rematch_no_delete`}
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
	})
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
