package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// Options of Open. The zero value means the defaults.
type Options struct {
	// Busy is how long a change waits for those of others, and for a connection. 0: 10 s.
	Busy time.Duration
	// Poll is how often a Wait looks into a SQLite file: some 50 microseconds each. 0: 25 ms.
	Poll time.Duration
	// MaxRadius is that of the nodes that follow (match.Options): thresholds over it are refused
	// here, before a node could not follow. nil: match.DefaultMaxRadius.
	MaxRadius map[hash.Kind]int
	// KeepClean asks Keep for a document of each upload that nothing matched, too, not only for
	// their counts.
	KeepClean bool
	// Now is the clock of the audit, and of the retention. nil: time.Now.
	Now func() time.Time
}

// Store is a system of record. It is safe for concurrent use, also by many processes.
type Store struct {
	d           dialect
	write, read *sql.DB // each with connections of its own: who reads can write meanwhile
	o           Options
	id          [16]byte      // who it is
	slot        chan struct{} // of the one writer of this process: those who wait for the head's lock cost the server

	newWaiter func(ctx context.Context) (waiter, error)
	commit    func(tx *sql.Tx) error // tests let it fail
	most      int                    // bytes of a document: maxDocument, but in tests
	inPlace   func() error           // whether what was opened is still where it was; nil: nobody can take it away

	life context.Context // ends with Close
	end  context.CancelFunc

	mu   sync.Mutex
	idle []waiter
}

// waiter waits for an event after one, for about so long at most, and returns the newest, and a
// moment at which there was no newer one. It is not for concurrent use.
type waiter interface {
	wait(ctx context.Context, after int64, most time.Duration) (head Position, asked time.Time, err error)
	close()
}

var errInvalidURL = fmt.Errorf("%w: store: not a URL of a store", match.ErrInvalid)

// Open opens a store, and makes it where there is none: "postgres://..." is a database, its
// schema the first of the search path; "sqlite:" and a path, or any other text without "://", is
// a file of SQLite on a local disk, unless its log is there without it (ErrUnreachable). On Linux
// the first of those makes SQLite use locks of open file descriptions in the whole process. A
// schema of an older version is brought up to date, in one transaction. Errors are ErrNewerSchema
// (a *SchemaError), ErrNotStore, ErrUnreachable, ErrDamaged, and match.ErrInvalid for the URL. None
// of them quotes a password.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s, err := connect(url, o)
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// ready sees to it that the schema is the newest. Where it is, nobody is waited for.
func (s *Store) ready(ctx context.Context) (err error) {
	defer func() { err = ended(ctx, err) }()
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return classify(err)
	}
	version, err := s.version(ctx, tx)
	if err == nil && version == newest(s.d) {
		err = s.identify(ctx, tx)
	}
	end := tx.Rollback()
	if err != nil {
		return err
	}
	if version == newest(s.d) {
		return classify(end)
	}
	if err := s.migrate(ctx, newest(s.d)); err != nil {
		return err
	}
	_, err = readHead(ctx, s.read, "") // a connection that was there before the log sees that now
	return err
}

// begin begins a transaction that writes. Where writers do not queue, it tries until it has its
// turn: often, so that short pauses of others are enough.
func (s *Store) begin(ctx context.Context) (*sql.Tx, error) {
	if s.inPlace != nil {
		if err := s.inPlace(); err != nil {
			return nil, err
		}
	}
	until := time.Now().Add(s.o.Busy)
	for {
		tx, err := s.write.BeginTx(ctx, nil)
		if err = classify(err); !errors.Is(err, ErrBusy) || s.d.queued || !time.Now().Before(until) {
			return tx, err
		}
		if err := sleep(ctx, turn); err != nil {
			return nil, err
		}
	}
}

// turn is how often a writer tries to get its turn where there is no queue.
const turn = 2 * time.Millisecond

// giveWay lets those write who wait for their turn, where there is no queue.
func (s *Store) giveWay(ctx context.Context) error {
	if s.d.queued {
		return nil
	}
	return sleep(ctx, 4*turn)
}

// sleep waits for a while.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// connect is Open without a look at the schema.
func connect(url string, o Options) (s *Store, err error) {
	defer func() {
		if err == nil {
			s.slot, s.commit, s.most = make(chan struct{}, 1), (*sql.Tx).Commit, maxDocument
			s.life, s.end = context.WithCancel(context.Background())
		}
	}()
	o.Busy, o.Poll = cmp.Or(o.Busy, 10*time.Second), cmp.Or(o.Poll, 25*time.Millisecond)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Busy < time.Millisecond || o.Poll < time.Millisecond {
		return nil, fmt.Errorf("%w: Options.Busy is %v and Poll %v; want a millisecond at least", match.ErrInvalid, o.Busy, o.Poll)
	}
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return openPostgres(url, &o)
	}
	path, _ := strings.CutPrefix(url, "sqlite:")
	lower := strings.ToLower(path)
	if path == "" || path == ":memory:" || strings.Contains(path, "://") || strings.ContainsRune(path, 0) ||
		strings.HasPrefix(lower, "postgres:") || strings.HasPrefix(lower, "postgresql:") || strings.Contains(lower, "password=") {
		return nil, fmt.Errorf(`%w; want "postgres://...", "sqlite:" and a path, or a path`, errInvalidURL)
	}
	return openSQLite(path, &o)
}

// ID returns what tells the store from all others. A copy has the same.
func (s *Store) ID() [16]byte { return s.id }

// Close ends the use of the store. What goes on then gets an error; close Followers before.
func (s *Store) Close() error {
	s.mu.Lock()
	s.end()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, w := range idle {
		w.close()
	}
	return errors.Join(s.write.Close(), s.read.Close())
}

// Head returns the newest position of the store's history.
func (s *Store) Head(ctx context.Context) (Position, error) {
	p, err := readHead(ctx, s.read, "")
	return p, ended(ctx, err)
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func readHead(ctx context.Context, q querier, lock string) (p Position, err error) {
	var sum []byte
	if err := q.QueryRowContext(ctx, `SELECT seq, hash FROM rematch_head WHERE one = 1`+lock).Scan(&p.Seq, &sum); err != nil {
		return Position{}, classify(err)
	}
	if len(sum) != len(p.Hash) {
		return Position{}, &AuditError{Reason: fmt.Sprintf("the hash of the newest event has %d bytes", len(sum)), Err: ErrDamaged}
	}
	copy(p.Hash[:], sum)
	return p, nil
}

// lockHead is readHead of what writes: until the transaction ends nobody else does. What a newer
// program has made since Open is left alone, for it may need what this one does not keep up.
func (s *Store) lockHead(ctx context.Context, tx *sql.Tx) (p Position, err error) {
	if p, err = readHead(ctx, tx, s.d.lockHead); err != nil {
		return p, err
	}
	var have int
	if err := tx.QueryRowContext(ctx, `SELECT version FROM rematch_head WHERE one = 1`).Scan(&have); err != nil {
		return p, classify(err)
	}
	if known := newest(s.d); have > known {
		return p, &SchemaError{have, known}
	}
	return p, nil
}

// Wait returns when there is an event after one, with the number of the newest: at once if there
// is already, else on PostgreSQL when it is notified and on SQLite within Options.Poll. Errors
// are the context's, ErrUnreachable and ErrClosed.
func (s *Store) Wait(ctx context.Context, after int64) (head int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.life, func() { cancel(ErrClosed) })()
	w, err := s.takeWaiter(ctx)
	if err != nil {
		return 0, ended(ctx, err)
	}
	var p Position
	for p.Seq <= after && err == nil {
		p, _, err = w.wait(ctx, after, time.Second)
	}
	if err != nil {
		w.close()
		return 0, ended(ctx, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil || len(s.idle) >= 4 {
		w.close()
	} else {
		s.idle = append(s.idle, w)
	}
	return p.Seq, nil
}

// ended returns why a context has ended, where an error is only the consequence. That may be
// driver.ErrBadConn: pgx reports what it did not send, because the context had ended, as a bad
// connection.
func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || !isEnd(err) && !isClosed(err) {
		return err
	}
	why := context.Cause(ctx)
	switch {
	case !errors.Is(err, ErrUnsure) && !(errors.Is(err, ErrUnreachable) && isConnect(err)):
		return why
	case errors.Is(err, why):
		return err // it says more
	}
	return fmt.Errorf("%w: %w", why, err)
}

// takeWaiter returns an idle waiter, or a new one.
func (s *Store) takeWaiter(ctx context.Context) (waiter, error) {
	s.mu.Lock()
	closed, n := s.life.Err() != nil, len(s.idle)
	var w waiter
	if n > 0 {
		w, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	s.mu.Unlock()
	switch {
	case closed:
		return nil, ErrClosed
	case w != nil:
		return w, nil
	}
	return s.newWaiter(ctx)
}
