package store

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// auditedRecords are the records as the events say they are.
type auditedRecords struct {
	sum       sum // of IDs and hashes of documents
	n         int64
	counts    map[countKey]int64
	retention string
}

// takeRecords makes an event's change of records.
func (a *audit) takeRecords(d *eventDoc) error {
	fail := func(format string, args ...any) error {
		return &AuditError{Event: d.ID, Reason: fmt.Sprintf(format, args...), Err: ErrDamaged}
	}
	r := &a.records
	ofRetention := d.Change == setRetention
	if d.Match != (subjectDoc{}) || d.Version != 0 || d.Dropped != 0 || len(d.Entries) > 0 ||
		!ofRetention && (d.Before != nil || d.After != nil) || ofRetention && d.Records != nil || d.Change != preserveRecords && !d.Preserve.IsZero() {
		return fail("it has what a change %s has not", d.Change)
	}
	if ofRetention {
		if string(d.Before) != r.retention || d.After == nil {
			return fail("what it says was before is not what was")
		}
		r.retention = string(d.After)
		return nil
	}
	if d.Records == nil {
		return fail("it names no records")
	}
	if len(d.Records.Counts) > 0 && d.Change != keepRecords || !d.Records.CountsBefore.IsZero() && d.Change != purgeRecords {
		return fail("it counts what a change %s does not", d.Change)
	}
	if decides := d.Decision != nil && d.Decision.Status != ""; decides != (d.Change == decideRecord) || d.Action == Reversed && !decides {
		return fail("it decides what a change %s does not", d.Change)
	}
	for _, x := range d.Records.Items {
		if (x.Before == "") != (d.Change == keepRecords) || (x.After == "") != (d.Change == purgeRecords) {
			return fail("record %q has what it should not have", x.ID)
		}
		if x.Before != "" {
			one := a.of(x.ID, 0, []byte(x.Before))
			r.sum.sub(&one)
			r.n--
		}
		if x.After != "" {
			one := a.of(x.ID, 0, []byte(x.After))
			r.sum.add(&one)
			r.n++
		}
	}
	for _, c := range d.Records.Counts {
		if c.N <= 0 {
			return fail("it counts %d uploads", c.N)
		}
		r.counts[countKey{c.Hour.UnixNano(), c.Class, c.Reason}] += c.N
	}
	if before := d.Records.CountsBefore; !before.IsZero() {
		for k := range r.counts {
			if k.hour < before.UnixNano() {
				delete(r.counts, k)
			}
		}
	}
	return nil
}

// compareRecords compares the tables of records with what the audit says, and the columns that
// records are found by with their documents.
func (v *View) compareRecords(a *audit) error {
	fail := func(format string, args ...any) error {
		return &AuditError{Reason: fmt.Sprintf(format, args...), Err: ErrDamaged}
	}
	var have, matches, listed sum
	n, matched := int64(0), int64(0)
	for row, err := range v.recordRows(RecordQuery{}) {
		if err != nil {
			return err
		}
		one := a.of(row.id, 0, []byte(docSum(row.doc)))
		have.add(&one)
		n++
		r, err := row.open()
		if err != nil {
			return err
		}
		want, err := newRecordRow(r)
		if err != nil || *want != *row {
			return fail("record %q: what it is found by is not what its document says", row.id)
		}
		for _, m := range matchRows(r) {
			one := a.of(m.record, row.at, []byte(m.entry+m.bank+m.how))
			matches.add(&one)
			matched++
		}
	}
	if have != a.records.sum || n != a.records.n {
		return v.searchRecords(n, a.records.n)
	}
	rows, err := v.tx.QueryContext(v.ctx, `SELECT record, entry, how, bank, at FROM rematch_record_matches`)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		var m matchRow
		var at int64
		if err := rows.Scan(&m.record, &m.entry, &m.how, &m.bank, &at); err != nil {
			return classify(err)
		}
		one := a.of(m.record, at, []byte(m.entry+m.bank+m.how))
		listed.add(&one)
		matched--
	}
	if err := rows.Err(); err != nil {
		return classify(err)
	}
	if listed != matches || matched != 0 {
		return fail("what records matched is not what their documents say")
	}
	if v.d.strayRecords != "" {
		var id string
		switch err := v.tx.QueryRowContext(v.ctx, v.d.strayRecords).Scan(&id); {
		case err == nil:
			return fail("record %q: a row of it, or a count, is not found by what it says", id)
		case !errors.Is(err, sql.ErrNoRows):
			return classify(err)
		}
	}
	counts, err := v.RecordCounts(time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	for _, c := range counts {
		k := countKey{c.Hour.UnixNano(), string(c.Class), c.Reason}
		if want, there := a.records.counts[k]; !there || want != c.N {
			return fail("%s: %d uploads of %s %s are counted; the audit says %d", c.Hour.Format(time.RFC3339), c.N, c.Class, c.Reason, want)
		}
	}
	if len(counts) != len(a.records.counts) {
		return fail("%d counts of uploads are in the audit, and %d in their table", len(a.records.counts), len(counts))
	}
	doc, err := retentionOf(v.ctx, v.tx)
	if err == nil && doc != a.records.retention {
		return fail("the retention is not that of the audit")
	}
	return err
}

// searchRecords finds the first record, by its ID, that is not as the audit says.
func (v *View) searchRecords(have, audited int64) error {
	want := make(map[string]string)
	made := make(map[string]int64)
	for e, err := range v.events() {
		if err != nil {
			return err
		}
		if e.Records == nil {
			continue
		}
		for _, x := range e.Records.Items {
			if want[x.ID] != x.Before {
				return &AuditError{Event: e.ID, Reason: fmt.Sprintf("record %q: what the event says was before is not what was", x.ID), Err: ErrDamaged}
			}
			if want[x.ID], made[x.ID] = x.After, e.ID; x.After == "" {
				delete(want, x.ID)
			}
		}
	}
	for row, err := range v.recordRows(RecordQuery{}) {
		if err != nil {
			return err
		}
		switch sum, there := want[row.id]; {
		case !there:
			return &AuditError{Reason: fmt.Sprintf("record %q is in its table, and not in the audit", row.id), Err: ErrDamaged}
		case sum != docSum(row.doc):
			return &AuditError{Event: made[row.id], Reason: fmt.Sprintf("record %q is not as the audit says", row.id), Err: ErrDamaged}
		}
		delete(want, row.id)
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		return &AuditError{Event: made[id], Reason: fmt.Sprintf("record %q is in the audit, and not in its table", id), Err: ErrDamaged}
	}
	return &AuditError{Reason: fmt.Sprintf("there are %d records, and the audit says %d", have, audited), Err: ErrDamaged}
}
