package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// Exchange is an exchange that a store takes part in: what is needed to open it, but for
// credentials, and the bank that it feeds. No other exchange feeds that bank; entries of our own
// may stand beside those that came.
type Exchange struct {
	Name     string            // up to 255 bytes; it is the Origin.Exchange of what comes
	Protocol string            // what its Source is made by
	Base     string            // the URL or path of it; empty: the protocol's own
	Settings map[string]string // of the protocol. Never credentials: what is called like one is refused
	Bank     string            // empty: the Name
	// Feedback queues what curators decide of the bank's entries, to be told to the exchange:
	// confirmed is exchange.Helpful, deconfirmed Disagree, and taken back Retract.
	Feedback bool
}

// ExchangeStatus is how an exchange stands.
type ExchangeStatus struct {
	Exchange
	Checkpoint exchange.Checkpoint // nil: the next pull begins from nothing
	Entries    int                 // in its bank
	Records    int                 // of the exchange that are kept
	Waiting    int                 // of them those that nothing can be compared of, and are no entries
	Aside      int                 // what could not be taken over and is listed; see SetAside
	Outgoing   int                 // what waits to be told to the exchange

	Anew    bool      // it is being read from nothing, and what does not come again will be gone
	Begun   time.Time // when the last pull began; zero: never
	Pulled  time.Time // when a pull last came to the end; zero: never
	Next    time.Time // until when the exchange asked to be left alone
	Failed  time.Time // when a pull last failed, if none came to the end since
	Err     string    // why
	Holder  string    // who is pulling, by the lease
	Until   time.Time // when that ends, unless it is renewed
	Leaving bool      // DropExchange was begun and has not ended
}

// maxAside is what a person can look at; more is only counted in a pull's Summary.
const maxAside = 1000

// configDoc is an Exchange in its table.
type configDoc struct {
	Protocol string            `json:"protocol"`
	Base     string            `json:"base,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	Bank     string            `json:"bank"`
	Feedback bool              `json:"feedback,omitempty"`
}

// stateDoc is what changes of an exchange with its pulls.
type stateDoc struct {
	Reading  int64 `json:"reading"`            // readings from nothing that were begun: rows of older ones did not come again
	Anew     bool  `json:"anew,omitempty"`     // one goes on
	Brought  int64 `json:"brought,omitempty"`  // what it has brought: records, whole or not, and withdrawals
	Sweeping bool  `json:"sweeping,omitempty"` // one has come to its end, and what did not come again is being dropped
	Leaving  bool  `json:"leaving,omitempty"`
	Records  int64 `json:"records,omitempty"`
	Waiting  int64 `json:"waiting,omitempty"`
	Aside    int64 `json:"aside,omitempty"`
	Queued   int64 `json:"queued,omitempty"` // what was ever put into the outbox

	Begun  time.Time `json:"begun,omitzero"`
	Pulled time.Time `json:"pulled,omitzero"`
	Next   time.Time `json:"next,omitzero"`
	Failed time.Time `json:"failed,omitzero"`
	Error  string    `json:"error,omitempty"`
	Holder string    `json:"holder,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// exchangeRow is an exchange in its table.
type exchangeRow struct {
	Exchange
	bank       int64
	state      stateDoc
	checkpoint []byte
}

const exchangeColumns = `SELECT bank, name, config, state, checkpoint FROM rematch_exchanges`

func (x *exchangeRow) scan(rows interface{ Scan(...any) error }) error {
	var config, state string
	if err := rows.Scan(&x.bank, &x.Name, &config, &state, &x.checkpoint); err != nil {
		return err
	}
	var d configDoc
	if err := errors.Join(json.Unmarshal([]byte(config), &d), json.Unmarshal([]byte(state), &x.state)); err != nil {
		return &AuditError{Reason: fmt.Sprintf("the documents of the exchange %q can't be read: %v", x.Name, err), Err: ErrDamaged}
	}
	x.Protocol, x.Base, x.Settings, x.Bank, x.Feedback = d.Protocol, d.Base, d.Settings, d.Bank, d.Feedback
	return nil
}

func (x *exchangeRow) config() (string, error) {
	return encode(configDoc{x.Protocol, x.Base, x.Settings, x.Bank, x.Feedback})
}

// findExchange returns an exchange, or nil.
func findExchange(ctx context.Context, q querier, where string, arg any) (*exchangeRow, error) {
	var x exchangeRow
	err := x.scan(q.QueryRowContext(ctx, exchangeColumns+` WHERE `+where+` = $1`, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, classify(err)
	}
	return &x, nil
}

func unknownExchange(name string) error {
	return fmt.Errorf("%w: store: there is no exchange %q; Exchanges lists them", match.ErrUnknown, name)
}

// exchangeNamed returns the exchange of a name. The error is match.ErrUnknown.
func exchangeNamed(ctx context.Context, q querier, name string) (*exchangeRow, error) {
	if !goodName(name) {
		return nil, unknownExchange(name)
	}
	x, err := findExchange(ctx, q, "name", name)
	if err == nil && x == nil {
		err = unknownExchange(name)
	}
	return x, err
}

func (w *writer) exchange(name string) (*exchangeRow, error) {
	return exchangeNamed(w.ctx, w.tx, name)
}

// fedBy returns the exchange that feeds a bank, or nil.
func (w *writer) fedBy(bank int64) (*exchangeRow, error) {
	return findExchange(w.ctx, w.tx, "bank", bank)
}

// reads reports whether another is read in the same way.
func (x *Exchange) reads(y *Exchange) bool {
	return x.Protocol == y.Protocol && x.Base == y.Base && maps.Equal(x.Settings, y.Settings)
}

// keepState writes down how an exchange stands.
func (w *writer) keepState(x *exchangeRow) error {
	state, err := encode(x.state)
	if err != nil {
		return err
	}
	w.beside = true
	return w.exec(`UPDATE rematch_exchanges SET state = $1, checkpoint = $2 WHERE bank = $3`, state, x.checkpoint, x.bank)
}

// check refuses what makes no sense, or should not be kept.
func (x *Exchange) check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: store: exchange %q: %s", match.ErrInvalid, x.Name, fmt.Sprintf(format, args...))
	}
	texts := []string{x.Name, x.Protocol, x.Base, x.Bank}
	for _, k := range slices.Sorted(maps.Keys(x.Settings)) {
		texts = append(texts, k, x.Settings[k])
		if likeCredential(k) {
			return fail("the setting %q is called like a credential; those are not kept in the store", k)
		}
	}
	size := 0
	for _, s := range texts {
		if size += len(s); !goodName(s) {
			return fail("a text that is not UTF-8, or has a zero byte")
		}
	}
	switch {
	case x.Name == "" || len(x.Name) > 255:
		return fail("the name has %d bytes; want 1 to 255", len(x.Name))
	case x.Protocol == "":
		return fail("it has no protocol")
	case size > 1<<16:
		return fail("its settings are longer than 65536 bytes")
	}
	for _, text := range texts { // also settings may be URLs
		u, err := url.Parse(text)
		if err != nil || u.Scheme == "" {
			continue
		}
		if u.User != nil {
			return fail("its URL has a user or password; those are not kept in the store")
		}
		for _, k := range slices.Sorted(maps.Keys(u.Query())) {
			if likeCredential(k) {
				return fail("the parameter %q of its URL is called like a credential; those are not kept in the store", k)
			}
		}
	}
	return nil
}

// likeCredential reports whether what is called so may well be one.
func likeCredential(name string) bool {
	name = strings.ToLower(name)
	return name == "key" || name == "sig" || slices.ContainsFunc([]string{"token", "password", "passwd", "secret", "credential", "authorization", "signature", "api_key", "apikey", "api-key"},
		func(word string) bool { return strings.Contains(name, word) })
}

// PutExchange adds an exchange, with its bank if that is not there, or sets what there is of one.
// With another protocol, URL or settings it is read from nothing next time; what does not come
// again then is gone. Errors are match.ErrInvalid, also for another bank, ErrDuplicate for a bank that
// another exchange feeds, and those of Apply.
func (s *Store) PutExchange(ctx context.Context, by Actor, x Exchange) error {
	x.Bank = cmp.Or(x.Bank, x.Name)
	if err := x.check(); err != nil {
		return err
	}
	_, err := s.transact(ctx, by, BankChange, func(w *writer) error {
		there, err := findExchange(w.ctx, w.tx, "name", x.Name)
		if err != nil {
			return err
		}
		if there == nil {
			return w.addExchange(x)
		}
		if there.Bank != x.Bank {
			return fmt.Errorf("%w: store: the exchange %q feeds the bank %q; DropExchange first", match.ErrInvalid, x.Name, there.Bank)
		}
		if !there.reads(&x) {
			there.checkpoint, there.state.Next = nil, time.Time{}
		}
		there.Exchange = x
		config, err := there.config()
		if err != nil {
			return err
		}
		return errors.Join(w.exec(`UPDATE rematch_exchanges SET config = $1 WHERE bank = $2`, config, there.bank), w.keepState(there))
	})
	return err
}

// notAllow refuses an allow-list for what an exchange shares: whoever shares there could suppress
// the matches of all banks.
func notAllow(b *bankRow, name string) error {
	if set, err := decodeBank(b.name, b.doc); err != nil || !set.Allow {
		return err
	}
	return refuse(b.name, "", match.ErrInvalid, "it is an allow-list, and what the exchange %q shares could suppress matches; let it feed another bank, and put what you have looked at into this one", name)
}

func (w *writer) addExchange(x Exchange) error {
	b, err := w.bank(x.Bank)
	if err == nil && b == nil {
		w.reason = fmt.Sprintf("for what comes from the exchange %s", x.Name)
		if err = w.make(&Change{Change: match.Change{Op: match.PutBank, Bank: match.Bank{Name: x.Bank}}}); err == nil {
			b, err = w.bank(x.Bank)
		}
	}
	if err != nil {
		return err
	}
	if err := notAllow(b, x.Name); err != nil {
		return err
	}
	if other, err := w.fedBy(b.number); err != nil {
		return err
	} else if other != nil {
		return fmt.Errorf("%w: store: the bank %q is fed by the exchange %q already; each has its own", match.ErrDuplicate, x.Bank, other.Name)
	}
	row := exchangeRow{Exchange: x, bank: b.number}
	config, err := row.config()
	if err != nil {
		return err
	}
	state, err := encode(row.state)
	if err != nil {
		return err
	}
	w.beside = true
	return w.exec(`INSERT INTO rematch_exchanges (bank, name, config, state) VALUES ($1, $2, $3, $4)`, b.number, x.Name, config, state)
}

// DropExchange leaves an exchange: all that came from it is taken out of its bank, some thousand
// entries in a transaction, and then what the store knows of it, with what was not yet told. The
// bank stays, with the entries of our own. After an error it can be called again. Errors are
// match.ErrUnknown, ErrBusy (a *HeldError) while it is being pulled, and those of Apply.
func (s *Store) DropExchange(ctx context.Context, by Actor, name string) error {
	p := &puller{s: s, name: name, by: by, holder: newHolder(), lease: defaultLease}
	if err := p.take(ctx, true); err != nil {
		return err
	}
	if err := p.sweep(ctx, fmt.Sprintf("the exchange %s was left", name)); err != nil {
		return errors.Join(err, p.release(ctx, nil))
	}
	_, err := s.transact(ctx, by, BankChange, func(w *writer) error {
		x, err := p.held(w)
		if err != nil {
			return err
		}
		w.beside = true
		for _, table := range []string{sharedTable, asideTable, "rematch_outbox", "rematch_exchanges"} {
			if err := w.exec(`DELETE FROM `+table+` WHERE bank = $1`, x.bank); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, p.release(ctx, nil))
	}
	return nil
}

// Exchanges returns how the exchanges stand, sorted by name.
func (s *Store) Exchanges(ctx context.Context) (list []ExchangeStatus, err error) {
	defer func() { err = ended(ctx, err) }()
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{Isolation: s.d.isolation, ReadOnly: true})
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	rows, err := tx.QueryContext(ctx, exchangeColumns+` ORDER BY name`)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	var all []exchangeRow
	for rows.Next() {
		var x exchangeRow
		if err := x.scan(rows); err != nil {
			return nil, classify(err)
		}
		all = append(all, x)
	}
	if err := rows.Err(); err != nil {
		return nil, classify(err)
	}
	list = make([]ExchangeStatus, len(all))
	for i := range all {
		x := &all[i]
		d := &x.state
		list[i] = ExchangeStatus{Exchange: x.Exchange, Checkpoint: x.checkpoint, Records: int(d.Records), Waiting: int(d.Waiting), Aside: int(d.Aside),
			Anew: d.Anew || d.Sweeping, Begun: d.Begun, Pulled: d.Pulled, Next: d.Next, Failed: d.Failed, Err: d.Error, Holder: d.Holder, Until: d.Until, Leaving: d.Leaving}
		err := tx.QueryRowContext(ctx, `SELECT (SELECT entries FROM rematch_banks WHERE number = $1), (SELECT count(*) FROM rematch_outbox WHERE bank = $1 AND due < $2)`, x.bank, never).
			Scan(&list[i].Entries, &list[i].Outgoing)
		if err != nil {
			return nil, classify(err)
		}
	}
	return list, nil
}

// Exchange returns how one stands. The error is match.ErrUnknown.
func (s *Store) Exchange(ctx context.Context, name string) (ExchangeStatus, error) {
	all, err := s.Exchanges(ctx)
	if err != nil {
		return ExchangeStatus{}, err
	}
	if i := slices.IndexFunc(all, func(x ExchangeStatus) bool { return x.Name == name }); i >= 0 {
		return all[i], nil
	}
	return ExchangeStatus{}, unknownExchange(name)
}

// fit cuts a text that came from elsewhere to what may be kept of it.
func fit(s string, most int) string {
	if s = strings.ToValidUTF8(s, "\uFFFD"); len(s) <= most {
		return s
	}
	for s = s[:most]; ; s = s[:len(s)-1] {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n != 1 {
			return s
		}
	}
}
