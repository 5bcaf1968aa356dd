package store

import (
	"context"
	"database/sql"
	"iter"
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
	strayRecords    string             // asks for the ID of a record that is not found by what its row says; empty: there can be none

	// Of a table whose columns are bank, id, version and doc, the first two its key.
	lookup func(ctx context.Context, tx *sql.Tx, table string, bank int64, ids []string, found func(id string, r row)) error
	put    func(ctx context.Context, tx *sql.Tx, table string, bank, version int64, ids, docs []string) error
	drop   func(ctx context.Context, tx *sql.Tx, table string, bank int64, ids []string) error
}

// The tables of that form.
const (
	entryTable  = "rematch_entries"
	sharedTable = "rematch_shared" // records of exchanges; the version is the reading in which a record came last
	asideTable  = "rematch_aside"  // what of exchanges could not be taken over; the version likewise
)

// row is an entry in its table.
type row struct {
	version int64
	doc     string
}

type idRow struct {
	id string
	row
}

const pageSize = 1000 // rows that are read at once

// rowsAfter returns the rows of a bank after an ID, in order, read by pages so that other queries
// can be made between.
func rowsAfter(ctx context.Context, q querier, table string, bank int64, after string) iter.Seq2[idRow, error] {
	return func(yield func(idRow, error) bool) {
		page := make([]idRow, 0, pageSize)
		for {
			page = page[:0]
			rows, err := q.QueryContext(ctx, `SELECT id, version, doc FROM `+table+` WHERE bank = $1 AND id > $2 ORDER BY id LIMIT $3`, bank, after, pageSize)
			if err := scanRows(rows, err, func(id string, r row) { page = append(page, idRow{id, r}) }); err != nil {
				yield(idRow{}, classify(err))
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			after = page[len(page)-1].id
		}
	}
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
