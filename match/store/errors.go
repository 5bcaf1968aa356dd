package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// What a caller branches on, beside match.ErrUnknown, ErrInvalid and ErrDuplicate.
var (
	// ErrConflict is the error of a change whose Expect no longer holds: somebody else was
	// faster. See ConflictError.
	ErrConflict = errors.New("store: changed by somebody else meanwhile")
	// ErrNewerSchema is the error of a store that a newer program has changed.
	ErrNewerSchema = errors.New("store: made by a newer version; update this program")
	// ErrNotStore is the error of a file or database that is something else.
	ErrNotStore = errors.New("store: not a store of rematch")
	// ErrUnreachable is the error of a store that does not answer. Nothing was changed.
	ErrUnreachable = errors.New("store: can't be reached")
	// ErrUnsure is the error of changes whose end was not heard of: the connection was lost
	// while they were committed, and could not be had again, or the context ended then and
	// they leave nothing to tell by. Either all or none were made; making them again does no harm.
	ErrUnsure = errors.New("store: it is not known whether the change was made")
	// ErrBusy is the error of a change that waited for others' for longer than Options.Busy.
	// Nothing was changed.
	ErrBusy = errors.New("store: busy with changes of others")
	// ErrFull is the error of a disk without room. Nothing was changed.
	ErrFull = errors.New("store: the disk is full")
	// ErrDamaged is the error of a store whose tables or audit do not hold together. See
	// AuditError.
	ErrDamaged = errors.New("store: damaged")
	// ErrDiverged is the error of a position that is not in the store's history: another store
	// was put in its place, or an older state of it was restored.
	ErrDiverged = errors.New("store: its history is another one")
	// ErrBehind is the error of a Follower that can't say that it knows of all changes. See
	// BehindError.
	ErrBehind = errors.New("store: not caught up")
	// ErrClosed is the error of a store or follower after Close.
	ErrClosed = errors.New("store: closed")
)

// SchemaError tells the versions of ErrNewerSchema.
type SchemaError struct{ Have, Known int }

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%v: its schema is of version %d, and this program knows %d", ErrNewerSchema, e.Have, e.Known)
}

// Is makes errors.Is(err, ErrNewerSchema) true.
func (e *SchemaError) Is(target error) bool { return target == ErrNewerSchema }

// ConflictError tells what has changed since the caller looked.
type ConflictError struct {
	Bank, Entry string // Entry is empty when the bank itself is meant
	Record      string // of Decide; then Want and Have count its decisions
	Want, Have  int64  // versions; 0: not there
	By          Actor  // who made Have; empty where that is 0
}

func (e *ConflictError) Error() string {
	if e.Record != "" {
		return fmt.Sprintf("%v: record %q: %d decisions were seen, and by now there are %d, the last by %s; read them and decide again", ErrConflict, e.Record, e.Want, e.Have, e.By)
	}
	what := fmt.Sprintf("bank %q", e.Bank)
	if e.Entry != "" {
		what += fmt.Sprintf(", entry %q", e.Entry)
	}
	switch {
	case e.Have == 0:
		return fmt.Sprintf("%v: %s: it is gone, or never was there; read the store again", ErrConflict, what)
	case e.Want == 0:
		return fmt.Sprintf("%v: %s: it is there already, by %s; read it and decide again", ErrConflict, what, e.By)
	}
	return fmt.Sprintf("%v: %s: version %d was expected, and %s has made version %d; read it and decide again", ErrConflict, what, e.Want, e.By, e.Have)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// AuditError says what does not hold together: the first event, bank or entry that was found.
type AuditError struct {
	Event  int64 // 0: none is meant
	Bank   string
	Entry  string // empty: the bank, or the event
	Reason string
	Err    error // ErrDamaged or ErrDiverged
}

func (e *AuditError) Error() string {
	s := e.Err.Error()
	if e.Event != 0 {
		s += fmt.Sprintf(": event %d", e.Event)
	}
	if e.Bank != "" {
		s += fmt.Sprintf(": bank %q", e.Bank)
	}
	if e.Entry != "" {
		s += fmt.Sprintf(", entry %q", e.Entry)
	}
	return s + ": " + e.Reason
}

func (e *AuditError) Unwrap() error { return e.Err }

// BehindError carries the Status of ErrBehind.
type BehindError struct{ Status Status }

func (e *BehindError) Error() string {
	s := &e.Status
	text := fmt.Sprintf("%v: at event %d", ErrBehind, s.Position.Seq)
	if s.Head > s.Position.Seq {
		text += fmt.Sprintf(" of %d", s.Head)
	}
	if !s.Checked.IsZero() {
		text += fmt.Sprintf(", and it was the newest at %s", s.Checked.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if s.Err != nil {
		text += ": " + s.Err.Error()
	}
	return text
}

// Unwrap makes errors.Is true for ErrBehind and for what keeps the follower back.
func (e *BehindError) Unwrap() []error {
	if e.Status.Err == nil {
		return []error{ErrBehind}
	}
	return []error{ErrBehind, e.Status.Err}
}

// Result codes of SQLite, of which the upper bits tell more.
const (
	sqliteBusy, sqliteLocked, sqliteReadOnly = 5, 6, 8
	sqliteIO, sqliteCorrupt, sqliteFull      = 10, 11, 13
	sqliteCantOpen, sqliteNotADB             = 14, 26
)

// classify puts one of the sentinels before an error of a database.
func classify(err error) error {
	// The time to connect may be ours: one that does not answer is not the caller's deadline alone.
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !isConnect(err) {
		return err
	}
	if errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed" {
		return ErrClosed
	}
	if err.Error() == "sql: statement is closed" { // with its transaction
		return fmt.Errorf("%w: %w", sql.ErrTxDone, err)
	}
	is := func(sentinel error) error { return fmt.Errorf("%w: %w", sentinel, err) }
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() & 0xff {
		case sqliteBusy, sqliteLocked:
			return is(ErrBusy)
		case sqliteFull:
			return is(ErrFull)
		case sqliteCorrupt:
			return is(ErrDamaged)
		case sqliteNotADB:
			return is(ErrNotStore)
		case sqliteIO, sqliteCantOpen, sqliteReadOnly:
			return is(ErrUnreachable)
		}
		return fmt.Errorf("store: %w", err)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case pg.Code == "53100":
			return is(ErrFull)
		case pg.Code == "55P03" || pg.Code == "57014" || pg.Code == "40P01": // of lock_timeout, of what an administrator ends, a deadlock with his hands
			return is(ErrBusy)
		case strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "57P") || pg.Code == "53300" ||
			strings.HasPrefix(pg.Code, "28") || pg.Code == "3D000": // shut down, too many, not let in, no such database
			return is(ErrUnreachable)
		}
		return fmt.Errorf("store: %w", err)
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err) || isConnect(err) || isClosed(err) {
		return is(ErrUnreachable)
	}
	return fmt.Errorf("store: %w", err)
}

func isConnect(err error) bool {
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

// isClosed reports whether an error is that of a connection that was closed before, or taken for so.
func isClosed(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed)
}

// isEnd reports whether an error is that of a context, or of a transaction that ended with it.
func isEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone)
}

// patient is a context for a change, which says itself that it waited too long for others.
func (s *Store) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	most := 2 * s.o.Busy
	return context.WithTimeoutCause(ctx, most, noAnswer(most))
}

// noAnswer is why something is not waited for any longer.
func noAnswer(waited time.Duration) error {
	return fmt.Errorf("%w: no answer in %v", ErrUnreachable, waited)
}
