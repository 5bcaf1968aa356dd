package store

import (
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/rematch-go/rematch/match/record"
)

// RecordQuery says which records are wanted; the zero value: all.
type RecordQuery struct {
	From, To time.Time    // when they were screened: From inclusive, To exclusive; zero: from the beginning, to the end
	Bank     string       // that they matched, also in shadow or suppressed; empty: any, or none
	Class    record.Class // empty: any
	Status   string       // record.Confirmed or Overturned; Undecided: neither; empty: any
	Upload   string       // the upload's ID; empty: any
	// After are ScreenedAt and ID of a record, after which the next page begins; whether it is
	// still there does not matter.
	After Cursor
	// Newest first, instead of last.
	Newest bool
}

// Undecided is the Status of records that are not decided of, in a RecordQuery.
const Undecided = "undecided"

// Cursor is a place among records.
type Cursor struct {
	At time.Time
	ID string
}

const recordPage = 100 // records that are read at once

// Record returns a record; ok is false if there is none of that ID. Errors are ErrDamaged,
// ErrNewerSchema for a document of a newer version, and ErrUnreachable.
func (v *View) Record(id string) (r *record.Record, ok bool, err error) {
	if !goodName(id) {
		return nil, false, nil
	}
	var row recordRow
	err = row.scan(v.tx.QueryRowContext(v.ctx, recordColumns+` WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, classify(err)
	}
	r, err = row.open()
	return r, err == nil, err
}

// Records returns records by when they were screened, and of the same time by their IDs. Errors,
// which end it, are those of Record.
func (v *View) Records(q RecordQuery) iter.Seq2[*record.Record, error] {
	return func(yield func(*record.Record, error) bool) {
		for row, err := range v.recordRows(q) {
			var r *record.Record
			if err == nil {
				r, err = row.open()
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// recordRows reads rows by pages, so that other queries can be made between.
func (v *View) recordRows(q RecordQuery) iter.Seq2[*recordRow, error] {
	return func(yield func(*recordRow, error) bool) {
		if !goodName(q.Upload) || !goodName(q.After.ID) || !goodName(string(q.Class)) || !goodName(q.Status) {
			return // there is none such
		}
		for {
			var page []*recordRow
			query, args := q.sql()
			rows, err := v.tx.QueryContext(v.ctx, query, args...)
			if err == nil {
				err = scanRecords(rows, func(r *recordRow) { page = append(page, r) })
			}
			if err != nil {
				yield(nil, classify(err))
				return
			}
			for _, r := range page {
				if r.doc != "" && !yield(r, nil) { // else it is a bank's, and not wanted
					return
				}
			}
			if len(page) < recordPage {
				return
			}
			last := page[len(page)-1]
			q.After = Cursor{time.Unix(0, last.at), last.id}
		}
	}
}

// sql returns the query of the next page. By a bank it goes through what that matched, by time, a
// page of it at once; a record can have matched several of its entries. What of these is not wanted
// comes without its document.
func (q *RecordQuery) sql() (string, []any) {
	var args []any
	var times, where []string
	and := func(to *[]string, condition string, arg ...any) {
		for _, a := range arg {
			args = append(args, a)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		*to = append(*to, condition)
	}
	order, beyond := ``, `>`
	if q.Newest {
		order, beyond = ` DESC`, `<`
	}
	id := `id`
	if q.Bank != "" {
		id = `record`
		and(&times, `bank = ?`, nameSum(q.Bank))
	}
	if !q.From.IsZero() {
		and(&times, `at >= ?`, bound(q.From))
	}
	if !q.To.IsZero() {
		and(&times, `at < ?`, bound(q.To))
	}
	if q.After != (Cursor{}) {
		and(&times, `(at, `+id+`) `+beyond+` (?, ?)`, bound(q.After.At), q.After.ID)
	}
	if q.Class != "" {
		and(&where, `class = ?`, string(q.Class))
	}
	switch q.Status {
	case "":
	case Undecided:
		and(&where, `status = ''`)
	default:
		and(&where, `status = ?`, q.Status)
	}
	if q.Upload != "" {
		and(&where, `upload = ?`, q.Upload)
	}
	if q.Bank != "" {
		doc := `doc`
		if len(where) > 0 {
			doc = `CASE WHEN ` + strings.Join(where, ` AND `) + ` THEN doc ELSE '' END`
		}
		return fmt.Sprintf(`SELECT id, upload, at, class, status, decided, preserve, %s FROM rematch_records JOIN (
			SELECT DISTINCT at AS matched, record FROM rematch_record_matches WHERE %s ORDER BY at%s, record%s LIMIT %d) AS m ON id = record
			ORDER BY matched%s, record%s`, doc, strings.Join(times, ` AND `), order, order, recordPage, order, order), args
	}
	query := recordColumns
	if where = append(times, where...); len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	return fmt.Sprintf(`%s ORDER BY at%s, id%s LIMIT %d`, query, order, order, recordPage), args
}

// bound is a time in nanoseconds since 1970, or the nearest that there is.
func bound(t time.Time) int64 {
	switch {
	case t.Unix() < 0:
		return 0
	case t.Unix() > math.MaxInt64/int64(time.Second)-1:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// RecordCounts returns what Keep counted in the hours that begin in a period, From inclusive and
// To exclusive; zero: from the beginning, to the end. By hour, class and reason.
func (v *View) RecordCounts(from, to time.Time) ([]record.Count, error) {
	last := int64(math.MaxInt64)
	if !to.IsZero() {
		last = bound(to)
	}
	rows, err := v.tx.QueryContext(v.ctx, `SELECT hour, class, reason, n FROM rematch_record_counts WHERE hour >= $1 AND hour < $2 ORDER BY hour, class, reason`, bound(from), last)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	var all []record.Count
	for rows.Next() {
		var c record.Count
		var hour int64
		if err := rows.Scan(&hour, &c.Class, &c.Reason, &c.N); err != nil {
			return nil, classify(err)
		}
		c.Hour = time.Unix(0, hour).UTC()
		all = append(all, c)
	}
	return all, classify(rows.Err())
}

// FirstMatch returns when the first upload was screened, of those that there are records of, for
// which a match of the entry stood; zero: there is none. Once that record is removed it is the
// next one.
func (v *View) FirstMatch(bank, entry string) (time.Time, error) {
	var at sql.NullInt64
	err := v.tx.QueryRowContext(v.ctx, `SELECT min(at) FROM rematch_record_matches WHERE entry = $1 AND how = $2`, nameSum(bank, entry), string(record.Matched)).Scan(&at)
	if err != nil || !at.Valid {
		return time.Time{}, classify(err)
	}
	return time.Unix(0, at.Int64).UTC(), nil
}
