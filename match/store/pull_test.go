package store

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func openAt(t testing.TB, url string, c *clock) *Store { return openWith(t, url, c, Options{}) }

func openWith(t testing.TB, url string, c *clock, o Options) *Store {
	o.Now = c.now
	s, err := Open(t.Context(), url, o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)} }

// joined opens a store with an exchange x that feeds a bank b, by a clock of its own.
func joined(t *testing.T, url string) (*clock, *Store) {
	t.Helper()
	c := newClock()
	s := openAt(t, url, c)
	join(t, s, Exchange{Name: "x", Bank: "b"})
	return c, s
}

// fewChecks has fewer checks made than rapid does, unless somebody asked for a number: each has many commits.
func fewChecks(t *testing.T, n string) {
	checks := flag.Lookup("rapid.checks")
	if was := checks.Value.String(); was == checks.DefValue {
		require.NoError(t, checks.Value.Set(n))
		t.Cleanup(func() { assert.NoError(t, checks.Value.Set(was)) })
	}
}

// dies ends a transaction as the end of its process does.
func dies(tx *sql.Tx) error { return errors.Join(errors.New("died"), tx.Rollback()) }

// Whatever an exchange does between pulls and while they go on, and wherever they die: the bank
// ends up with what the exchange has. Every commit is a place to die at, before it and after it.
func TestPullsThatDie(t *testing.T) {
	fewChecks(t, "12")
	each(t, func(t *testing.T, url string) {
		c := newClock()
		s := openAt(t, url, c)
		died := 0
		rapid.Check(t, func(r *rapid.T) {
			join(t, s, Exchange{Name: "x", Bank: "b"})
			v := newServer(rapid.IntRange(1, 5).Draw(r, "page"))
			decided := make(map[string]bool)
			change := func() {
				for range rapid.IntRange(0, 6).Draw(r, "changes") {
					id := fmt.Sprint(rapid.IntRange(0, 12).Draw(r, "id"))
					switch rapid.IntRange(0, 5).Draw(r, "what") {
					case 0, 1:
						v.withdraw(id)
						delete(decided, id)
					case 2:
						v.put(exchange.Record{ID: id, Later: []exchange.Foreign{{Type: "t", Value: "v"}}})
						delete(decided, id)
					default:
						v.put(shared(id, rapid.Uint64Range(0, 50).Draw(r, "hash")))
					}
				}
				if rapid.IntRange(0, 4).Draw(r, "stale") == 0 {
					v.oldest = len(v.log)
				}
			}
			for range rapid.IntRange(1, 3).Draw(r, "pulls") {
				change()
				v.fail = func(int) error {
					if rapid.IntRange(0, 3).Draw(r, "meanwhile") == 0 {
						change()
					}
					return nil
				}
				left := rapid.IntRange(0, 12).Draw(r, "commits")
				after := rapid.Bool().Draw(r, "after")
				s.commit = func(tx *sql.Tx) error {
					if left--; left > 0 {
						return tx.Commit()
					} else if left == 0 && after {
						return errors.Join(tx.Commit(), errors.New("died"))
					}
					return dies(tx)
				}
				if _, err := s.Pull(t.Context(), "x", v, PullOptions{}); err != nil {
					died++
				}
				s.commit = (*sql.Tx).Commit
				c.pass(defaultLease)
			}
			v.fail = nil
			pull(t, s, v)
			same(t, s, v)

			// And once more with a decision of ours on what is there.
			for id, x := range v.records {
				if len(x.Signals) > 0 {
					e, _ := entryOf(t, s, id)
					e.Curation = e.Curation.Clone()
					e.Curation.Decision.Stance = match.Negative
					apply(t, s, Change{Change: match.Change{Op: match.SetEntry, Bank: match.Bank{Name: "b"}, Entries: []match.Entry{e}}})
					decided[id] = true
				}
			}
			change()
			pull(t, s, v)
			same(t, s, v)
			for id := range decided {
				if e, ok := entryOf(t, s, id); ok {
					assert.Equal(t, match.Negative, e.Curation.Decision.Stance)
				}
			}
			require.NoError(t, s.DropExchange(t.Context(), ann, "x"))
			apply(t, s, dropBank("b"))
		})
		assert.Positive(t, died)
	})
}

// Whatever a record has in it, the page comes in: what makes no sense is set aside.
func TestOddRecords(t *testing.T) {
	fewChecks(t, "25")
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		aside := 0
		rapid.Check(t, func(r *rapid.T) {
			text := rapid.OneOf(rapid.StringN(0, 20, -1), rapid.SampledFrom([]string{"", "\x00", "a\xff", "\u2028", "'; --", strings.Repeat("long", 20_000)}))
			at := rapid.Custom(func(r *rapid.T) time.Time {
				return rapid.SampledFrom([]time.Time{{}, time.Unix(0, 0), time.Unix(1<<33, 5), time.Unix(1<<40, 0), time.Unix(-1<<40, 0)}).Draw(r, "at")
			})
			draw := func(name string) string { return text.Draw(r, name) }
			p := &exchange.Page{Last: true, After: exchange.Checkpoint("1")}
			for range rapid.IntRange(1, 5).Draw(r, "records") {
				one := exchange.Record{ID: draw("id"), Labels: []string{draw("label")}, Expires: at.Draw(r, "expires"), Duration: time.Duration(rapid.Int64Range(-1, 9).Draw(r, "duration")),
					Later:    []exchange.Foreign{{Type: draw("type"), Value: draw("value")}},
					Origin:   match.Origin{Member: draw("member"), ID: draw("theirs"), Severity: draw("severity"), Tags: []string{draw("tag")}},
					Opinions: []match.Opinion{{By: draw("by"), Says: match.Stance(rapid.IntRange(0, 6).Draw(r, "says")), At: at.Draw(r, "said"), Tags: []string{draw("why")}}}}
				for range rapid.IntRange(0, 2).Draw(r, "signals") {
					one.Signals = append(one.Signals, match.Signal{Value: value(uint64(rapid.IntRange(0, 9).Draw(r, "value"))), Quality: hash.Quality(rapid.IntRange(98, 102).Draw(r, "quality")),
						From: time.Duration(rapid.Int64Range(-1, 9).Draw(r, "from")), To: time.Duration(rapid.Int64Range(0, 9).Draw(r, "to")), Transform: []string{draw("transform")}})
				}
				p.Records = append(p.Records, one)
				p.Gone = append(p.Gone, draw("gone"))
				p.Faults = append(p.Faults, &exchange.RecordError{Page: draw("page"), ID: draw("fault"), Reason: draw("reason")})
			}
			sum, err := s.Pull(t.Context(), "x", pages{p}, PullOptions{})
			if err != nil {
				r.Fatal(err)
			}
			aside += sum.SetAside - len(p.Faults)
		})
		assert.Positive(t, aside)
		for _, err := range s.SetAside(t.Context(), "x") {
			require.NoError(t, err)
		}
		for _, err := range s.Later(t.Context(), "x") {
			require.NoError(t, err)
		}
		x := status(t, s)
		assert.Equal(t, x.Records, x.Entries+x.Waiting)
		verify(t, s)
		sound(t, follow(t, s, FollowOptions{}))
	})
}

// The end of a reading from nothing is not lost between the last page and the dropping of what
// did not come again.
func TestSweepThatDies(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c, s := joined(t, url)
		v := newServer(5000)
		for i := range uint64(maxItems + 100) {
			v.put(shared(fmt.Sprint(i), i))
		}
		pull(t, s, v)
		keep := v.records["7"]
		v.records = map[string]exchange.Record{"7": keep}
		v.oldest = len(v.log) + 1
		v.log = append(v.log, "7", "7")
		commits := 0
		s.commit = func(tx *sql.Tx) error {
			if commits++; commits > 3 { // the lease, the page, the first part
				return dies(tx)
			}
			return tx.Commit()
		}
		_, err := s.Pull(t.Context(), "x", v, PullOptions{})
		require.ErrorContains(t, err, "died")
		s.commit = (*sql.Tx).Commit
		x := status(t, s)
		assert.True(t, x.Anew)
		assert.Equal(t, 100, x.Entries)
		c.pass(defaultLease)

		// It is ended before the exchange is asked for anything.
		_, err = s.Pull(t.Context(), "x", sourceFunc(func(context.Context, exchange.Checkpoint) (*exchange.Page, error) {
			assert.Equal(t, 1, status(t, s).Entries)
			return nil, errors.New("down")
		}), PullOptions{})
		require.ErrorContains(t, err, "down")
		pull(t, s, v)
		same(t, s, v)
	})
}

// One that is being left is not pulled, whatever ended the leaving: that goes on.
func TestDropThatDies(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c, s := joined(t, url)
		v := newServer(10)
		v.put(shared("1", 1))
		pull(t, s, v)
		for died := range 3 { // before the lease, the dropping of what came, and the end
			commits := 0
			s.commit = func(tx *sql.Tx) error {
				if commits++; commits > died {
					return dies(tx)
				}
				return tx.Commit()
			}
			require.ErrorContains(t, s.DropExchange(t.Context(), ann, "x"), "died")
			s.commit = (*sql.Tx).Commit
			c.pass(defaultLease)
			x := status(t, s)
			assert.Equal(t, died > 0, x.Leaving)
			assert.Equal(t, map[bool]int{false: 1, true: 0}[died == 2], x.Entries)
			if died > 0 {
				_, err := s.Pull(t.Context(), "x", v, PullOptions{})
				assert.ErrorIs(t, err, match.ErrInvalid)
			}
		}
		require.NoError(t, s.DropExchange(t.Context(), ann, "x"))
		_, err := s.Exchange(t.Context(), "x")
		assert.ErrorIs(t, err, match.ErrUnknown)
		verify(t, s)
	})
}

// Of two who pull an exchange one does, and the other hears who; of one who has died the lease
// ends. One who was taken for dead keeps nothing.
func TestLease(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c := newClock()
		s, other := openAt(t, url, c), openAt(t, url, c)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		v := newServer(1)
		for i := range uint64(3) {
			v.put(shared(fmt.Sprint(i), i))
		}
		v.fail = func(read int) error {
			if read != 2 {
				return nil
			}
			_, err := other.Pull(t.Context(), "x", v, PullOptions{})
			var held *HeldError
			if assert.ErrorAs(t, err, &held) {
				assert.ErrorIs(t, err, ErrBusy)
				assert.Equal(t, "x", held.Exchange)
				assert.Contains(t, held.By, "/")
				assert.Equal(t, c.now().Add(defaultLease), held.Until)
			}
			assert.ErrorIs(t, other.DropExchange(t.Context(), ann, "x"), ErrBusy)
			c.pass(defaultLease)
			return nil
		}
		pull(t, s, v) // nobody else wanted it
		same(t, s, v)

		v.put(shared("3", 3))
		v.put(shared("4", 4))
		v.reads = 0
		v.fail = func(read int) error {
			if read == 2 {
				c.pass(defaultLease)
				v.fail = nil
				pull(t, other, v)
			}
			return nil
		}
		before := v.reads
		_, err := s.Pull(t.Context(), "x", v, PullOptions{})
		var held *HeldError
		assert.ErrorAs(t, err, &held)
		assert.Less(t, v.reads-before, 8)
		assert.Empty(t, status(t, s).Err, "the status is of the one who holds it")
		same(t, s, v)
	})
}

// While an exchange is slow to answer, its lease is renewed.
func TestLeaseIsRenewed(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	_, err := s.Pull(t.Context(), "x", sourceFunc(func(ctx context.Context, _ exchange.Checkpoint) (*exchange.Page, error) {
		first := status(t, s).Until
		require.Eventually(t, func() bool { return status(t, s).Until.After(first) }, 10*time.Second, 5*time.Millisecond)
		_, err := s.transact(ctx, ann, ListSync, func(w *writer) error {
			x, err := w.exchange("x")
			require.NoError(t, err)
			x.state.Holder = "somebody"
			return w.keepState(x)
		})
		require.NoError(t, err)
		<-ctx.Done() // and so this one is told to stop
		return nil, ctx.Err()
	}), PullOptions{Lease: 150 * time.Millisecond})
	var held *HeldError
	require.ErrorAs(t, err, &held)
	assert.Equal(t, "somebody", held.By)
}
