package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
)

var sqliteDialect = dialect{
	blob: "BLOB", text: "TEXT", big: "INTEGER", clustered: " WITHOUT ROWID",
	appendOnly: []string{
		`CREATE TRIGGER rematch_no_update BEFORE UPDATE ON rematch_changes BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END`,
		// REPLACE deletes without asking the other trigger.
		`CREATE TRIGGER rematch_no_replace BEFORE INSERT ON rematch_changes WHEN EXISTS (SELECT 1 FROM rematch_changes WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END`,
		`CREATE TRIGGER rematch_no_delete BEFORE DELETE ON rematch_changes BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END`,
	},
	tables: `SELECT coalesce(sum(name = 'rematch_head'), 0), coalesce(sum(name NOT LIKE 'rematch\_%' ESCAPE '\'), 0) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`,
	// A text that is kept as a blob is read like one, and not found by one.
	strays: `SELECT bank, id FROM rematch_entries WHERE typeof(id) <> 'text' OR bank NOT IN (SELECT number FROM rematch_banks)
		UNION ALL SELECT number, name FROM rematch_banks WHERE typeof(name) <> 'text' LIMIT 1`,
	// Likewise a number.
	strayRecords: `SELECT id FROM rematch_records WHERE typeof(id) || typeof(upload) || typeof(class) || typeof(status) || typeof(at) || typeof(decided) || typeof(preserve) <> 'texttexttexttextintegerintegerinteger'
		UNION ALL SELECT record FROM rematch_record_matches WHERE typeof(record) || typeof(entry) || typeof(how) || typeof(bank) || typeof(at) <> 'texttexttexttextinteger'
		UNION ALL SELECT 'of ' || class FROM rematch_record_counts WHERE typeof(class) || typeof(reason) || typeof(hour) || typeof(n) <> 'texttextintegerinteger' LIMIT 1`,
	lookup: func(ctx context.Context, tx *sql.Tx, table string, bank int64, ids []string, found func(string, row)) error {
		if len(ids) == 1 {
			rows, err := tx.QueryContext(ctx, `SELECT id, version, doc FROM `+table+` WHERE bank = $1 AND id = $2`, bank, ids[0])
			return scanRows(rows, err, found)
		}
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT e.id, e.version, e.doc FROM json_each($2) AS j CROSS JOIN `+table+` AS e ON e.bank = $1 AND e.id = j.value`, bank, string(list))
		return scanRows(rows, err, found)
	},
	put: func(ctx context.Context, tx *sql.Tx, table string, bank, version int64, ids, docs []string) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO `+table+` (bank, id, version, doc) VALUES ($1, $2, $3, $4)
			ON CONFLICT (bank, id) DO UPDATE SET version = excluded.version, doc = excluded.doc`)
		if err != nil {
			return err
		}
		defer func() { _ = insert.Close() }()
		for i := range ids {
			if _, err := insert.ExecContext(ctx, bank, ids[i], version, docs[i]); err != nil {
				return err
			}
		}
		return nil
	},
	drop: func(ctx context.Context, tx *sql.Tx, table string, bank int64, ids []string) error {
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE bank = $1 AND id IN (SELECT value FROM json_each($2))`, bank, string(list))
		return err
	},
}

// makeFile makes a file where there is none: made by SQLite it would be anybody's to read; what that
// makes beside it has the same mode. One that is there is not opened, for closing it would take
// the locks with it that this process may have. A log without its file is left alone: beside an empty
// file SQLite removes it.
func makeFile(path string) (fs.FileInfo, error) {
	name := path
	if to, err := filepath.EvalSymlinks(path); err == nil {
		name = to // where SQLite has the log
	}
	look := func() (fs.FileInfo, error) {
		file, err := os.Stat(path)
		if err == nil && file.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		if log, err := os.Stat(name + "-wal"); err == nil && log.Size() > 0 {
			return nil, fmt.Errorf("%s is not there, or is empty, but its log %[1]s-wal is there, with what was acknowledged last; put the file back, or move the log away", name)
		}
		return file, err
	}
	if file, err := look(); !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return look() // it may have been moved away in between; or the path is that of a link to nothing
}

// openSQLite opens a file, and makes it where there is none.
func openSQLite(path string, o *Options) (*Store, error) {
	path, err := filepath.Abs(path) // it must stay the same when the process goes elsewhere
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	file, err := makeFile(path)
	if bad, ok := errors.AsType[*fs.PathError](err); ok && strings.Contains(path, "@") {
		err = bad.Err // "user:secret@host/name" is no path that was meant
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	// Else whoever in this process opens the file and closes it again, as to see what it is, takes
	// SQLite's locks away, and the next process that closes the store removes the log of this one.
	// Only Linux has them, and only where SQLite was not used before.
	_, _ = sqlite.OFDLocking(true)
	dsn := func(immediate bool, pragmas ...string) string {
		// Never made here: beside an empty file in the place of one that was moved away SQLite removes
		// the log, and with it what was acknowledged, before the file comes back.
		q := url.Values{"_pragma": pragmas, "mode": {"rw"}}
		if immediate {
			q.Set("_txlock", "immediate")
		}
		return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), OmitHost: true, RawQuery: q.Encode()}).String()
	}
	// A writer that waits does not sleep as long as SQLite would; see begin.
	// FULL syncs the log at each commit, and fullfsync means it also on macOS: what was
	// acknowledged outlasts a power cut.
	write, err := sql.Open("sqlite", dsn(true, "busy_timeout(1)", "journal_mode(WAL)", "synchronous(FULL)", "fullfsync(1)", "checkpoint_fullfsync(1)",
		// 64 MB of pages, in memory and in the log: hashes come in no order, and an import of them
		// touches pages all over the table again and again.
		"cache_size(-65536)", "wal_autocheckpoint(16384)"))
	if err != nil {
		return nil, classify(err)
	}
	write.SetMaxOpenConns(1) // there is one writer at a time anyway
	readDSN := dsn(false, "busy_timeout("+strconv.FormatInt(o.Busy.Milliseconds(), 10)+")", "query_only(1)")
	read, err := sql.Open("sqlite", readDSN)
	if err != nil {
		return nil, errors.Join(classify(err), write.Close())
	}
	read.SetMaxOpenConns(8)
	s := &Store{d: sqliteDialect, write: write, read: read, o: *o}
	// A file that was moved away, or has another in its place, would take changes that nobody
	// else ever sees.
	s.inPlace = func() error {
		now, err := os.Stat(path)
		if err != nil || !os.SameFile(now, file) {
			return fmt.Errorf("%w: another file was put in the place of %s, or none: %v", ErrUnreachable, path, err)
		}
		return nil
	}
	s.newWaiter = func(ctx context.Context) (waiter, error) {
		// Not of those that read: who waits would keep theirs from them.
		db, err := sql.Open("sqlite", readDSN)
		if err != nil {
			return nil, classify(err)
		}
		c, err := db.Conn(ctx)
		if err != nil {
			return nil, errors.Join(classify(err), db.Close())
		}
		return &poller{db: db, conn: c, every: o.Poll, inPlace: s.inPlace}, nil
	}
	return s, nil
}

// poller waits for changes of a file. SQLite counts, for each connection, what others commit.
type poller struct {
	db      *sql.DB // of the one connection
	conn    *sql.Conn
	every   time.Duration
	inPlace func() error
	last    int64    // what was counted
	head    Position // the newest event then
}

func (p *poller) wait(ctx context.Context, after int64, most time.Duration) (head Position, asked time.Time, err error) {
	until := time.Now().Add(most)
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		asked = time.Now()
		if err := p.inPlace(); err != nil {
			return Position{}, asked, err
		}
		var version int64
		if err := p.conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil {
			return Position{}, asked, classify(err)
		}
		if version != p.last {
			if p.head, err = readHead(ctx, p.conn, ""); err != nil {
				return Position{}, asked, err
			}
			p.last = version
		}
		if p.head.Seq > after || !time.Now().Before(until) {
			return p.head, asked, nil
		}
		select {
		case <-ctx.Done():
			return Position{}, asked, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (p *poller) close() { _, _ = p.conn.Close(), p.db.Close() }
