package store

import (
	"context"
	"database/sql"
)

// dialect is what SQLite and PostgreSQL do not say alike.
type dialect struct {
	blob, text, big string // types; texts are compared byte by byte
	clustered       string // what ends a table that is its own index
	appendOnly      []string
	lockSchema      string             // held to the end of the transaction; empty: that holds a lock already
	tables          string             // asks whether the head is there, and how many tables are not ours
	queued          bool               // writers get their turns in the order they came
	lockHead        string             // what a reading of the head ends with that locks it
	isolation       sql.IsolationLevel // of what reads more than once
	notify          string             // of a new event; empty: others look for it
	strays          string             // asks for a row that is found by no bank, or not by its ID

	lookup func(ctx context.Context, tx *sql.Tx, bank int64, ids []string, found func(id string, r row)) error
	put    func(ctx context.Context, tx *sql.Tx, bank, version int64, ids, docs []string) error
	drop   func(ctx context.Context, tx *sql.Tx, bank int64, ids []string) error
}

// row is an entry in its table.
type row struct {
	version int64
	doc     string
}

// scanRows reads rows of id, version and doc.
func scanRows(rows *sql.Rows, err error, found func(id string, r row)) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var id string
		var r row
		if err := rows.Scan(&id, &r.version, &r.doc); err != nil {
			return err
		}
		found(id, r)
	}
	return rows.Err()
}
