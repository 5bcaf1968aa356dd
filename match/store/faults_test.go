package store

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
)

// Writers of many processes make one history: whoever follows it sees each event once, in the
// order of its number, also where an early one is committed late.
func TestFeedOrder(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}))
		const writers, each = 4, 15

		// One has taken its number, and takes its time.
		tx, err := s.write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		at, err := readHead(t.Context(), tx, s.d.lockHead)
		require.NoError(t, err)
		w := &writer{ctx: t.Context(), s: s, tx: tx, at: at, by: bob, action: BankChange}
		late := put("a", named("late", 1))
		require.NoError(t, w.make(&late))

		var wg sync.WaitGroup
		for n := range writers {
			o := open(t, url)
			wg.Go(func() {
				for i := range each {
					_, err := o.Apply(t.Context(), ann, put("a", named(fmt.Sprint(n, " ", i), uint64(100*n+i))))
					assert.NoError(t, err)
				}
			})
		}
		wg.Go(func() {
			time.Sleep(50 * time.Millisecond) // so that others wait
			assert.NoError(t, w.exec(`UPDATE rematch_head SET seq = $1, hash = $2 WHERE one = 1`, w.at.Seq, w.at.Hash[:]))
			assert.NoError(t, tx.Commit())
		})
		reader := open(t, url)
		seen := make(map[string]int)
		var last Position
		for last.Seq < 1+1+writers*each {
			_, err := reader.Wait(t.Context(), last.Seq)
			require.NoError(t, err)
			for e, err := range reader.Changes(t.Context(), last) {
				require.NoError(t, err)
				require.Equal(t, last.Seq+1, e.Seq)
				last = Position{e.Seq, e.Hash}
				for _, x := range e.Entries {
					seen[x.ID]++
				}
			}
		}
		wg.Wait()
		assert.Len(t, seen, 1+writers*each)
		assert.Equal(t, 1, seen["late"])
		verify(t, s, last)
	})
}

var imported = flag.Int("imported", 6_000, "entries of the import that a curator gets in between")

// A curator gets in between the parts of a long import, and nothing of either is lost.
func TestImportAndCurator(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
		n := *imported
		done := make(chan error)
		go func() {
			_, _, err := other.Import(t.Context(), Actor{System, "sync"}, "a", func(yield func(match.Entry, error) bool) {
				for i := range uint64(n) {
					if !yield(bare(i), nil) {
						return
					}
				}
			})
			done <- err
		}()
		_, err := s.Wait(t.Context(), 2)
		require.NoError(t, err)
		during := 0
		worst := time.Duration(0)
		for importing := true; importing; {
			began := time.Now()
			apply(t, s, change(match.SetEntry, "a", match.Entry{ID: "x", Disabled: during%2 == 0}))
			worst = max(worst, time.Since(began))
			during++
			select {
			case err := <-done:
				require.NoError(t, err)
				importing = false
			case <-time.After(5 * time.Millisecond):
			}
		}
		t.Logf("%d changes during the import, the slowest %v", during, worst)
		read(t, s, func(v *View) { assert.Equal(t, n+1, v.Banks()[0].Entries) })
		verify(t, s)
		again, _, err := s.Import(t.Context(), ann, "a", func(yield func(match.Entry, error) bool) {
			_ = yield(bare(5), nil) && yield(bare(uint64(n)), nil) && yield(match.Entry{}, errors.New("list ends"))
		})
		assert.EqualError(t, err, "list ends")
		assert.Zero(t, again)
	})
}

// Connections that the server ends: each change is made or not, as its caller is told, and
// nodes go on.
func TestLostConnections(t *testing.T) {
	name := fmt.Sprint("lost", rand.Uint32()) // others have this server too
	url := kinds[1].url(t) + "&application_name=" + name
	s, other := open(t, url), open(t, url)
	at := apply(t, s, putBank(match.Bank{Name: "a"}))
	f := follow(t, s, FollowOptions{})
	var wg sync.WaitGroup
	end := func() {
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		_, err := other.write.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = $1`, name)
		assert.NoError(t, err)
	}
	var acknowledged []Position
	refused := 0
	for i := range 40 {
		if i%4 == 0 {
			wg.Wait()
			wg.Go(end)
		}
		at, err := s.Apply(t.Context(), ann, put("a", named(fmt.Sprint(i), uint64(i))))
		if err != nil {
			require.ErrorIs(t, err, ErrUnreachable)
			refused++
			continue
		}
		acknowledged = append(acknowledged, at)
	}
	wg.Wait()
	t.Logf("%d made, %d refused", len(acknowledged), refused)
	assert.Positive(t, refused, "no connection was lost")
	if len(acknowledged) > 0 {
		at = acknowledged[len(acknowledged)-1]
	}
	head, err := s.Head(t.Context())
	if err != nil { // the last connection was ended when it was idle
		head, err = s.Head(t.Context())
	}
	require.NoError(t, err)
	assert.Equal(t, at, head, "what was refused is not there")
	read(t, s, func(v *View) { assert.Equal(t, len(acknowledged), v.Banks()[0].Entries) })
	verify(t, s, acknowledged...)
	reach(t, f, head)
	require.Eventually(t, func() bool { return f.Status().Current }, 20*time.Second, 10*time.Millisecond)
	sound(t, f)
}

// A node does not wait for a server that has gone without a word.
func TestFollowSilent(t *testing.T) {
	direct := kinds[1].url(t)
	s := open(t, direct)
	at := apply(t, s, putBank(match.Bank{Name: "a"}))
	u, err := url.Parse(direct)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	behind := u.Host
	var line sync.RWMutex // what passes holds it
	var wg sync.WaitGroup
	var conns []net.Conn
	relay := func(to, from net.Conn) {
		defer func() { _ = to.Close() }()
		for buf := make([]byte, 4096); ; {
			n, err := from.Read(buf)
			line.RLock()
			if n > 0 {
				_, _ = to.Write(buf[:n])
			}
			line.RUnlock()
			if err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", behind)
			if !assert.NoError(t, err) {
				return
			}
			conns = append(conns, c, server)
			wg.Go(func() { relay(server, c) })
			wg.Go(func() { relay(c, server) })
		}
	})
	u.Host = l.Addr().String()
	node, err := Open(t.Context(), u.String(), Options{})
	require.NoError(t, err)
	node.o.Busy = 200 * time.Millisecond // to connect may take longer
	f, err := Follow(t.Context(), node, FollowOptions{})
	require.NoError(t, err)
	line.Lock()
	done := make(chan error)
	go func() { done <- f.catchUp(t.Context()) }()
	select {
	case err := <-done:
		assert.ErrorIs(t, err, ErrUnreachable)
	case <-time.After(10 * time.Second):
		t.Error("it waits")
	}
	line.Unlock()
	at2 := apply(t, s, put("a", named("x", 1)))
	assert.Greater(t, at2.Seq, at.Seq)
	reach(t, f, at2)
	require.NoError(t, f.Close())
	require.NoError(t, node.Close())
	require.NoError(t, l.Close())
	wg.Wait()
	for _, c := range conns {
		_ = c.Close()
	}
}

// Entries of many hashes are fewer in a part: a transaction is not longer for them.
func TestImportOfMany(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}))
	commits := 0
	s.commit = func(tx *sql.Tx) error {
		commits++
		return tx.Commit()
	}
	changed, _, err := s.Import(t.Context(), ann, "a", func(yield func(match.Entry, error) bool) {
		for i := range 5 {
			e := named(fmt.Sprint(i), 1)
			e.Signals = slices.Repeat(e.Signals, maxItems/2)
			if !yield(e, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	assert.Equal(t, 5, changed)
	assert.Equal(t, 2, commits)
}

// unsent is an error of pgx of what it did not send.
type unsent struct{}

func (unsent) Error() string     { return "unsent" }
func (unsent) SafeToRetry() bool { return true }

// A commit whose answer is lost is looked for.
func TestSettle(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		at := apply(t, s, putBank(match.Bank{Name: "a"}))
		assert.NoError(t, s.settle(t.Context(), Position{}, at, ErrUnreachable))
		assert.Equal(t, ErrUnreachable, s.settle(t.Context(), at, Position{at.Seq + 1, at.Hash}, ErrUnreachable))
		assert.Equal(t, ErrUnreachable, s.settle(t.Context(), Position{}, Position{at.Seq, Digest{1}}, ErrUnreachable))
		assert.Equal(t, ErrFull, s.settle(t.Context(), Position{}, at, ErrFull))
		assert.Equal(t, sql.ErrTxDone, s.settle(t.Context(), at, at, sql.ErrTxDone), "it was not sent")
		assert.Equal(t, unsent{}, s.settle(t.Context(), at, at, unsent{}))
		assert.ErrorIs(t, s.settle(t.Context(), at, at, ErrUnreachable), ErrUnsure, "there is nothing to tell by")
	})
	gone, err := connect("postgres://x@127.0.0.1:1/x?sslmode=disable", Options{Busy: 100 * time.Millisecond})
	require.NoError(t, err)
	assert.ErrorIs(t, gone.settle(t.Context(), Position{}, Position{Seq: 1}, ErrUnreachable), ErrUnsure)
	assert.NoError(t, gone.Close())
}

// A full disk refuses changes whole, and loses nothing.
func TestFull(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}))
	var pages int
	require.NoError(t, s.write.QueryRow(`PRAGMA page_count`).Scan(&pages))
	_, err := s.write.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+20))
	require.NoError(t, err)
	f := follow(t, s, FollowOptions{})
	var at Position
	n := 0
	for ; err == nil; n++ {
		var now Position
		if now, err = s.Apply(t.Context(), ann, put("a", named(fmt.Sprint(n), uint64(n)), named(fmt.Sprint("x", n), uint64(n)))); err == nil {
			at = now
		}
	}
	require.ErrorIs(t, err, ErrFull)
	assert.Greater(t, n, 10)
	head, err := s.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, at, head)
	verify(t, s)
	reach(t, f, at)
	sound(t, f)
	_, err = s.write.Exec(`PRAGMA max_page_count = 1000000`)
	require.NoError(t, err)
	at = apply(t, s, put("a", named("more", 1)))
	reach(t, f, at)
	verify(t, s)
}

// A change that others hold up for too long says so, and that it was not made.
func TestBusy(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		tx, err := s.write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = readHead(t.Context(), tx, s.d.lockHead)
		require.NoError(t, err)
		other, err := Open(t.Context(), url, Options{Busy: 700 * time.Millisecond}) // to connect may take a while
		require.NoError(t, err)
		_, err = other.Apply(context.Background(), ann, putBank(match.Bank{Name: "a"}))
		assert.ErrorIs(t, err, ErrBusy)
		require.NoError(t, tx.Rollback())
		apply(t, other, putBank(match.Bank{Name: "a"}))
		require.NoError(t, other.Close())
		verify(t, s)
	})
}
