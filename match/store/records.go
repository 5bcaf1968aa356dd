package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/record"
)

// recordTables is the step of the schema that brings records: their documents, with what they are
// searched by; what they matched, in hashes of the names, for those may be too long for an index;
// what was counted; and for how long things are kept. Times are nanoseconds since 1970, 0 none.
func recordTables(d dialect) []string {
	text, big := d.text, d.big
	return []string{
		`CREATE TABLE rematch_records (id ` + text + ` PRIMARY KEY, upload ` + text + ` NOT NULL, at ` + big + ` NOT NULL, class ` + text + ` NOT NULL, status ` + text + ` NOT NULL, decided ` + big + ` NOT NULL, preserve ` + big + ` NOT NULL, doc TEXT NOT NULL)`,
		`CREATE INDEX rematch_records_at ON rematch_records (at, id)`,
		`CREATE INDEX rematch_records_upload ON rematch_records (upload, at)`,
		`CREATE INDEX rematch_records_due ON rematch_records (class, decided, at)`,
		`CREATE TABLE rematch_record_matches (record ` + text + ` NOT NULL, entry ` + text + ` NOT NULL, how ` + text + ` NOT NULL, bank ` + text + ` NOT NULL, at ` + big + ` NOT NULL, PRIMARY KEY (record, entry, how))` + d.clustered,
		`CREATE INDEX rematch_record_matches_bank ON rematch_record_matches (bank, at, record)`,
		`CREATE INDEX rematch_record_matches_entry ON rematch_record_matches (entry, how, at)`,
		`CREATE TABLE rematch_record_counts (hour ` + big + ` NOT NULL, class ` + text + ` NOT NULL, reason ` + text + ` NOT NULL, n ` + big + ` NOT NULL, PRIMARY KEY (hour, class, reason))` + d.clustered,
		`CREATE TABLE rematch_retention (one INTEGER PRIMARY KEY CHECK (one = 1), doc TEXT NOT NULL)`,
	}
}

// Changes of records, as events have them.
const (
	keepRecords     = "keep_records"
	decideRecord    = "decide_record"
	preserveRecords = "preserve_records"
	purgeRecords    = "purge_records"
	setRetention    = "set_retention"
)

func isRecordChange(change string) bool {
	return slices.Contains([]string{keepRecords, decideRecord, preserveRecords, purgeRecords, setRetention}, change)
}

// recordsDoc is what an event says of records. Of a document it has the hash alone: a record can
// be removed, an event never.
type recordsDoc struct {
	Items        []recordDoc `json:"items,omitempty"`
	Counts       []countDoc  `json:"counts,omitempty"`
	CountsBefore time.Time   `json:"counts_before,omitzero"` // counts of the hours before it were removed
}

type recordDoc struct {
	ID     string `json:"record_id"`
	Before string `json:"before,omitempty"` // SHA-256 of the document, hex; empty: it was not there
	After  string `json:"after,omitempty"`
}

type countDoc struct {
	Hour   time.Time `json:"hour"`
	Class  string    `json:"class"`
	Reason string    `json:"reason,omitempty"`
	N      int64     `json:"n"`
}

// RecordChange is what an event did to records.
type RecordChange struct {
	Change        string         // keep_records, decide_record, preserve_records, purge_records or set_retention
	Items         []RecordItem   // whose documents it changed
	Counts        []record.Count // that it added
	CountsBefore  time.Time      // counts of the hours before it were removed; zero: none
	Status        string         // that was decided
	PreserveUntil time.Time
}

// RecordItem is a record whose document an event changed, as the SHA-256 of it before and after.
type RecordItem struct {
	ID            string
	Before, After string // hex; empty: it was not there
}

func (d *eventDoc) recordChange() *RecordChange {
	c := &RecordChange{Change: d.Change, PreserveUntil: d.Preserve}
	if d.Decision != nil {
		c.Status = d.Decision.Status
	}
	if r := d.Records; r != nil {
		for _, x := range r.Items {
			c.Items = append(c.Items, RecordItem(x))
		}
		for _, x := range r.Counts {
			c.Counts = append(c.Counts, record.Count{Hour: x.Hour, Class: record.Class(x.Class), Reason: x.Reason, N: x.N})
		}
		c.CountsBefore = r.CountsBefore
	}
	return c
}

func docSum(doc string) string {
	sum := sha256.Sum256([]byte(doc))
	return hex.EncodeToString(sum[:])
}

// nameSum stands for a bank, or an entry of one, in the tables.
func nameSum(bank string, entry ...string) string {
	h := sha256.New()
	for _, s := range append([]string{bank}, entry...) {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// recordRow is a record in its table.
type recordRow struct {
	id, upload, class, status string
	at, decided, preserve     int64
	doc                       string
}

const recordColumns = `SELECT id, upload, at, class, status, decided, preserve, doc FROM rematch_records`

func (r *recordRow) scan(rows interface{ Scan(...any) error }) error {
	return rows.Scan(&r.id, &r.upload, &r.at, &r.class, &r.status, &r.decided, &r.preserve, &r.doc)
}

// scanRecords reads rows of records and closes them.
func scanRecords(rows *sql.Rows, found func(r *recordRow)) error {
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var r recordRow
		if err := r.scan(rows); err != nil {
			return classify(err)
		}
		found(&r)
	}
	return classify(rows.Err())
}

func newRecordRow(r *record.Record) (*recordRow, error) {
	doc, err := r.Encode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", match.ErrInvalid, err)
	}
	return &recordRow{id: r.ID, upload: r.Upload.ID, class: string(r.Class()), status: r.Status(), at: nanos(r.ScreenedAt), decided: nanos(r.Decided()), preserve: nanos(r.PreserveUntil), doc: string(doc)}, nil
}

func (r *recordRow) open() (*record.Record, error) {
	x, err := record.Parse([]byte(r.doc))
	if errors.Is(err, record.ErrNewer) {
		return nil, fmt.Errorf("%w: record %q: %w", ErrNewerSchema, r.id, err)
	} else if err != nil {
		return nil, &AuditError{Reason: fmt.Sprintf("record %q can't be read: %v", r.id, err), Err: ErrDamaged}
	}
	return x, nil
}

// matchRow says that a record has matched an entry, and how that counts.
type matchRow struct{ record, entry, how, bank string }

// matchRows are those of a record, each once.
func matchRows(r *record.Record) []matchRow {
	var all []matchRow
	seen := make(map[matchRow]bool)
	add := func(m *record.Match, how record.Class) {
		row := matchRow{r.ID, nameSum(m.Bank, m.Entry), string(how), nameSum(m.Bank)}
		if !seen[row] {
			seen[row] = true
			all = append(all, row)
		}
	}
	for i := range r.Matches {
		how := record.Matched
		if r.Matches[i].SuppressedBy != "" {
			how = record.Suppressed
		}
		add(&r.Matches[i], how)
	}
	for i := range r.Shadow {
		add(&r.Shadow[i], record.Shadowed)
	}
	return all
}

type countKey struct {
	hour          int64
	class, reason string
}

// Keep keeps records of screenings, and counts all of them, by the hour, class and reason. Of those
// that nothing matched (record.Clean) only the counts are kept, unless Options.KeepClean is set. It
// is one transaction, and its event in the audit has the hashes of the documents.
//
// A record that is there already, by its ID, changes nothing and is not counted again; what has no
// document can't be told from another one, and is counted each time. Give it many at once: each
// call costs a synced commit. It returns how many documents were new. Errors are those of Apply;
// match.ErrInvalid for a record that does not hold together, has more than 64 MiB or comes with decisions, and
// match.ErrDuplicate for an ID that another screening has.
func (s *Store) Keep(ctx context.Context, by Actor, records ...*record.Record) (kept int, at Position, err error) {
	rows := make([]*recordRow, len(records))
	for i, r := range records {
		if r == nil {
			return 0, at, fmt.Errorf("%w: a record is nil", match.ErrInvalid)
		}
		if len(r.Decisions) > 0 {
			return 0, at, fmt.Errorf("%w: record %q comes with decisions; Decide makes them", match.ErrInvalid, r.ID)
		}
		if rows[i], err = newRecordRow(r); err != nil {
			return 0, at, err
		}
		if reason := s.tooLong(len(rows[i].doc)); reason != "" {
			return 0, at, fmt.Errorf("%w: record %q: %s", match.ErrInvalid, r.ID, reason)
		}
	}
	at, kept, err = s.events(ctx, by, Screened, func(w *writer) error {
		for from := 0; from < len(records); from += maxItems {
			to := min(from+maxItems, len(records))
			if err := w.keep(records[from:to], rows[from:to]); err != nil {
				return err
			}
		}
		return nil
	})
	return kept, at, err
}

// keep makes an event of records.
func (w *writer) keep(records []*record.Record, rows []*recordRow) error {
	counts := make(map[countKey]int64)
	d := &eventDoc{Change: keepRecords, Records: new(recordsDoc)}
	for i, r := range records {
		row := rows[i]
		if r.Class() != record.Clean || w.s.o.KeepClean {
			was, err := w.record(r.ID)
			if err != nil {
				return err
			}
			if was != nil {
				if was.upload != row.upload || was.at != row.at {
					return fmt.Errorf("%w: record %q is there, of another screening", match.ErrDuplicate, r.ID)
				}
				continue
			}
			if err := w.insert(row, matchRows(r)); err != nil {
				return err
			}
			d.Records.Items = append(d.Records.Items, recordDoc{ID: r.ID, After: docSum(row.doc)})
		}
		counts[countKey{r.ScreenedAt.Truncate(time.Hour).UnixNano(), row.class, r.Reason}]++
	}
	if len(counts) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b countKey) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.class, b.class), cmp.Compare(a.reason, b.reason))
	})
	for _, k := range keys {
		d.Records.Counts = append(d.Records.Counts, countDoc{time.Unix(0, k.hour).UTC(), k.class, k.reason, counts[k]})
		if err := w.exec(`INSERT INTO rematch_record_counts (hour, class, reason, n) VALUES ($1, $2, $3, $4)
			ON CONFLICT (hour, class, reason) DO UPDATE SET n = rematch_record_counts.n + excluded.n`, k.hour, k.class, k.reason, counts[k]); err != nil {
			return err
		}
	}
	w.changed += len(d.Records.Items)
	return w.event(d)
}

// record returns a record, or nil.
func (w *writer) record(id string) (*recordRow, error) {
	if !goodName(id) {
		return nil, nil // there is none such
	}
	var r recordRow
	err := r.scan(w.tx.QueryRowContext(w.ctx, recordColumns+` WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &r, classify(err)
}

func (w *writer) insert(r *recordRow, matches []matchRow) error {
	if err := w.exec(`INSERT INTO rematch_records (id, upload, at, class, status, decided, preserve, doc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		r.id, r.upload, r.at, r.class, r.status, r.decided, r.preserve, r.doc); err != nil {
		return err
	}
	for _, m := range matches {
		if err := w.exec(`INSERT INTO rematch_record_matches (record, entry, how, bank, at) VALUES ($1, $2, $3, $4, $5)`, m.record, m.entry, m.how, m.bank, r.at); err != nil {
			return err
		}
	}
	return nil
}
