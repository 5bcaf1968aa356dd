package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// The schema, step by step: step n makes version n+1 of version n, in one transaction. What was
// ever released is never changed; a new version is a new step.
//
// rematch_head has one row: the version, who the store is, and the newest event. It is what
// writers lock, so that events are numbered in the order of commits.
// The number of a bank is that of the event that has made it: it is never given again.
// A version of a bank or an entry is the number of the event that has set it.
func migrations(d dialect) [][]string {
	blob, text, big := d.blob, d.text, d.big
	return [][]string{
		{
			`CREATE TABLE rematch_head (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, store ` + blob + ` NOT NULL, seq ` + big + ` NOT NULL, hash ` + blob + ` NOT NULL)`,
			`CREATE TABLE rematch_banks (number ` + big + ` PRIMARY KEY, name ` + text + ` NOT NULL UNIQUE, version ` + big + ` NOT NULL, doc TEXT NOT NULL, entries ` + big + ` NOT NULL, videos ` + big + ` NOT NULL)`,
			`CREATE TABLE rematch_entries (bank ` + big + ` NOT NULL, id ` + text + ` NOT NULL, version ` + big + ` NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (bank, id))` + d.clustered,
			`CREATE TABLE rematch_changes (seq ` + big + ` PRIMARY KEY, event TEXT NOT NULL, hash ` + blob + ` NOT NULL)`,
		},
		d.appendOnly, // a mistake, or a hand on the table, is refused before it has to be found
		exchangeTables(d),
		recordTables(d),
	}
}

// exchangeTables are what the store knows of exchanges beside the entries that came of them. What
// of them is in a bank is in the audit; this is not. In the outbox the version is the place in the
// queue, and due is in milliseconds since 1970.
func exchangeTables(d dialect) []string {
	blob, text, big := d.blob, d.text, d.big
	rows := func(table string) string {
		return `CREATE TABLE ` + table + ` (bank ` + big + ` NOT NULL, id ` + text + ` NOT NULL, version ` + big + ` NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (bank, id))` + d.clustered
	}
	return []string{
		`CREATE TABLE rematch_exchanges (bank ` + big + ` PRIMARY KEY, name ` + text + ` NOT NULL UNIQUE, config TEXT NOT NULL, state TEXT NOT NULL, checkpoint ` + blob + `)`,
		rows(sharedTable),
		rows(asideTable),
		`CREATE TABLE rematch_outbox (bank ` + big + ` NOT NULL, id ` + text + ` NOT NULL, version ` + big + ` NOT NULL, due ` + big + ` NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (bank, id))` + d.clustered,
		`CREATE INDEX rematch_outbox_due ON rematch_outbox (bank, due)`, // what was told is kept, and not looked through each time
	}
}

// newest is the version of the schema that this program makes.
func newest(d dialect) int { return len(migrations(d)) }

// migrate brings the schema up to a version.
func (s *Store) migrate(ctx context.Context, to int) (err error) {
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	if s.d.lockSchema != "" {
		if _, err := tx.ExecContext(ctx, s.d.lockSchema); err != nil {
			return classify(err)
		}
	}
	have, err := s.version(ctx, tx)
	if err != nil {
		return err
	}
	if most := newest(s.d); have > most {
		return &SchemaError{Have: have, Known: most}
	}
	if have >= to {
		return s.identify(ctx, tx)
	}
	if have > 0 { // first what writers lock first
		if _, err := readHead(ctx, tx, s.d.lockHead); err != nil {
			return err
		}
	}
	for n := have; n < to; n++ {
		for _, statement := range migrations(s.d)[n] {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("store: bringing the schema to version %d: %w", n+1, classify(err))
			}
		}
	}
	if have == 0 {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // it never fails
		_, err = tx.ExecContext(ctx, `INSERT INTO rematch_head (one, version, store, seq, hash) VALUES (1, $1, $2, 0, $3)`, to, id, make([]byte, len(Digest{})))
	} else {
		_, err = tx.ExecContext(ctx, `UPDATE rematch_head SET version = $1`, to)
	}
	if err != nil {
		return classify(err)
	}
	if err := s.identify(ctx, tx); err != nil {
		return err
	}
	return classify(tx.Commit())
}

// version returns that of the schema, or 0 where there is none.
func (s *Store) version(ctx context.Context, tx *sql.Tx) (version int, err error) {
	var there, others int
	if err := tx.QueryRowContext(ctx, s.d.tables).Scan(&there, &others); err != nil {
		return 0, classify(err)
	}
	if there == 0 {
		if others > 0 {
			return 0, fmt.Errorf("%w: it has %d tables of something else", ErrNotStore, others)
		}
		return 0, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT version FROM rematch_head WHERE one = 1`).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, &AuditError{Reason: "its head is missing", Err: ErrDamaged}
	}
	return version, classify(err)
}

// identify reads who the store is.
func (s *Store) identify(ctx context.Context, tx *sql.Tx) error {
	var id []byte
	if err := tx.QueryRowContext(ctx, `SELECT store FROM rematch_head WHERE one = 1`).Scan(&id); err != nil {
		return classify(err)
	}
	if len(id) != len(s.id) {
		return &AuditError{Reason: fmt.Sprintf("its identity has %d bytes", len(id)), Err: ErrDamaged}
	}
	copy(s.id[:], id)
	return nil
}
