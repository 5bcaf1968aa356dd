package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	neturl "net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

var postgresDialect = dialect{
	blob: "BYTEA", text: `TEXT COLLATE "C"`, big: "BIGINT",
	appendOnly: []string{
		`CREATE FUNCTION rematch_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit is only ever added to'; END $$`,
		`CREATE TRIGGER rematch_no_change BEFORE UPDATE OR DELETE ON rematch_changes FOR EACH ROW EXECUTE FUNCTION rematch_append_only()`,
		`CREATE TRIGGER rematch_no_truncate BEFORE TRUNCATE ON rematch_changes FOR EACH STATEMENT EXECUTE FUNCTION rematch_append_only()`,
		`REVOKE UPDATE, DELETE, TRUNCATE ON rematch_changes FROM PUBLIC`,
	},
	lockSchema: `SELECT pg_advisory_xact_lock(7382519046)`, // any number that nobody else takes
	tables:     `SELECT count(*) FILTER (WHERE c.relname = 'rematch_head'), 0 FROM pg_class c WHERE c.relname = 'rematch_head' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())`,
	queued:     true,
	lockHead:   ` FOR UPDATE`,
	isolation:  sql.LevelRepeatableRead,
	notify:     `SELECT pg_notify('rematch', $1)`,
	strays:     `SELECT bank, id FROM rematch_entries WHERE bank NOT IN (SELECT number FROM rematch_banks) LIMIT 1`,
	lookup: func(ctx context.Context, tx *sql.Tx, table string, bank int64, ids []string, found func(string, row)) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, version, doc FROM `+table+` WHERE bank = $1 AND id = ANY($2)`, bank, ids)
		return scanRows(rows, err, found)
	},
	put: func(ctx context.Context, tx *sql.Tx, table string, bank, version int64, ids, docs []string) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO `+table+` (bank, id, version, doc) SELECT $1, u.id, $2, u.doc FROM unnest($3::text[], $4::text[]) AS u (id, doc)
			ON CONFLICT (bank, id) DO UPDATE SET version = excluded.version, doc = excluded.doc`, bank, version, ids, docs)
		return err
	},
	drop: func(ctx context.Context, tx *sql.Tx, table string, bank int64, ids []string) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE bank = $1 AND id = ANY($2)`, bank, ids)
		return err
	},
}

// parsePostgres reads a URL. Its errors quote nothing that may be of a password: an unescaped "@" or
// "/" in one makes a host, a port or a database of a part of it, which errors of connections name as
// well. So each "@" but that behind the user and password has to be escaped.
func parsePostgres(url string) (*pgx.ConnConfig, error) {
	_, rest, _ := strings.Cut(url, "://")
	before, after, with := strings.Cut(rest, "@")
	if !with {
		before, after = "", rest
	}
	hosts := after
	if end := strings.IndexAny(after, "/?"); end >= 0 {
		hosts = after[:end]
	}
	if strings.ContainsAny(before, "/?") || strings.Contains(after, "@") || !goodPorts(hosts) {
		return nil, fmt.Errorf("%w: what of it is the password can't be told, and so nothing is quoted; percent-encode what is no letter or digit in it and in the user (an at-sign is %%40, a slash %%2F, a question mark %%3F), and write ports in digits", errInvalidURL)
	}
	c, err := pgx.ParseConfig(url)
	if err == nil {
		return c, nil
	}
	// What is wrong beside user and password can be told without them.
	_, query, _ := strings.Cut(after, "?")
	secret := false
	for param := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(param, "=")
		name, bad := neturl.QueryUnescape(name)
		secret = secret || bad != nil || likeCredential(name)
	}
	if _, err := pgx.ParseConfig("postgres://" + after); err != nil && !secret {
		return nil, fmt.Errorf("%w: %w", errInvalidURL, err)
	}
	return nil, fmt.Errorf("%w: something of it is not percent-encoded as it should be, or no setting; what it is may be of the password and is not quoted", errInvalidURL)
}

// goodPorts reports whether all that stands for ports of hosts is digits.
func goodPorts(hosts string) bool {
	for host := range strings.SplitSeq(hosts, ",") {
		host = host[strings.LastIndexByte(host, ']')+1:] // of an address in brackets the rest
		if _, port, given := strings.Cut(host, ":"); given && strings.Trim(port, "0123456789") != "" {
			return false
		}
	}
	return true
}

// openPostgres opens a database.
func openPostgres(url string, o *Options) (*Store, error) {
	c, err := parsePostgres(url)
	if err != nil {
		return nil, err
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = o.Busy
	}
	if _, given := c.RuntimeParams["application_name"]; !given {
		c.RuntimeParams["application_name"] = "rematch"
	}
	c.RuntimeParams["lock_timeout"] = fmt.Sprint(o.Busy.Milliseconds())
	// Writers read what was committed while they waited for the head.
	c.RuntimeParams["default_transaction_isolation"] = "read committed"
	// An acknowledged change must outlast the server, whatever its default.
	c.RuntimeParams["synchronous_commit"] = "on"
	s := &Store{d: postgresDialect, write: stdlib.OpenDB(*c), read: stdlib.OpenDB(*c), o: *o}
	s.write.SetMaxOpenConns(2) // one writes, or finds out what became of the last commit
	s.read.SetMaxOpenConns(8)
	s.newWaiter = func(ctx context.Context) (waiter, error) {
		conn, err := pgx.ConnectConfig(ctx, c)
		if err != nil {
			return nil, classify(err)
		}
		if _, err := conn.Exec(ctx, `LISTEN rematch`); err != nil {
			return nil, errors.Join(classify(err), conn.Close(ctx))
		}
		return &listener{conn: conn, answer: o.Busy}, nil
	}
	return s, nil
}

// listener waits for notifications. Where they get lost, as behind some poolers, each wait
// still ends with a look.
type listener struct {
	conn   *pgx.Conn
	answer time.Duration // the longest that the server may take
}

func (l *listener) wait(ctx context.Context, after int64, most time.Duration) (head Position, asked time.Time, err error) {
	until := time.Now().Add(most)
	for {
		asked = time.Now()
		ask, cancel := context.WithTimeoutCause(ctx, l.answer, noAnswer(l.answer))
		var sum []byte
		err := l.conn.QueryRow(ask, `SELECT seq, hash FROM rematch_head WHERE one = 1`).Scan(&head.Seq, &sum)
		copy(head.Hash[:], sum)
		if err != nil && ctx.Err() == nil && ask.Err() != nil {
			err = context.Cause(ask)
		}
		cancel()
		if err != nil || head.Seq > after || !time.Now().Before(until) {
			return head, asked, classify(err)
		}
		sleep, cancel := context.WithDeadline(ctx, until)
		_, err = l.conn.WaitForNotification(sleep)
		cancel()
		switch {
		case ctx.Err() != nil:
			return head, asked, context.Cause(ctx)
		case err != nil && sleep.Err() == nil:
			return head, asked, classify(err)
		}
	}
}

func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx)
}
