package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
	"github.com/rematch-go/rematch/match/record"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv+"_NODE") != "" {
		if err := nodeChild(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	goleak.VerifyTestMain(m)
}

// kinds are the stores that there are: all tests of the contract are run with each.
var kinds = []struct {
	name string
	url  func(t testing.TB) string // of an empty one
}{
	{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "a b?#%.db") }},
	{"postgres", func(t testing.TB) string { return schemaURL(t, fmt.Sprintf("t%d_%d", os.Getpid(), rand.Uint32())) }},
}

// schemaURL makes a schema of PostgreSQL for a test.
func schemaURL(t testing.TB, name string) string {
	base := os.Getenv("REMATCH_POSTGRES")
	if base == "" {
		t.Skip("REMATCH_POSTGRES is not set to the URL of a PostgreSQL: its tests are skipped")
	}
	db, err := sql.Open("pgx", base)
	require.NoError(t, err)
	name = pgx.Identifier{name}.Sanitize()
	_, err = db.Exec("CREATE SCHEMA " + name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("DROP SCHEMA " + name + " CASCADE")
		assert.NoError(t, err)
		assert.NoError(t, db.Close())
	})
	u, err := url.Parse(base)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return u.String()
}

// each runs a test of the contract with an empty store of each kind.
func each(t *testing.T, test func(t *testing.T, url string)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { test(t, k.url(t)) })
	}
}

func open(t testing.TB, url string) *Store {
	s, err := Open(t.Context(), url, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

var ann, bob = Actor{Reviewer, "ann"}, Actor{Reviewer, "bob"}

func value(n uint64) hash.Value {
	raw := make([]byte, 32)
	r := rand.New(rand.NewPCG(n, 7))
	for i := 0; i < 32; i += 8 {
		binary.BigEndian.PutUint64(raw[i:], r.Uint64())
	}
	v, err := hash.FromBytes(hash.PDQ, raw)
	if err != nil {
		panic(err)
	}
	return v
}

func bare(n uint64) match.Entry {
	return match.Entry{ID: value(n).String(), Signals: []match.Signal{{Value: value(n), Quality: hash.Unmeasured}}}
}

func named(id string, n uint64) match.Entry {
	return match.Entry{ID: id, Signals: []match.Signal{{Value: value(n), Quality: 90}}}
}

func putBank(b match.Bank) Change { return Change{Change: match.Change{Op: match.PutBank, Bank: b}} }
func dropBank(name string) Change {
	return Change{Change: match.Change{Op: match.DropBank, Bank: match.Bank{Name: name}}}
}
func change(op match.Op, bank string, entries ...match.Entry) Change {
	return Change{Change: match.Change{Op: op, Bank: match.Bank{Name: bank}, Entries: entries}}
}
func put(bank string, entries ...match.Entry) Change {
	return change(match.PutEntries, bank, entries...)
}
func drop(bank string, ids ...string) Change {
	c := change(match.DropEntries, bank)
	for _, id := range ids {
		c.Entries = append(c.Entries, match.Entry{ID: id})
	}
	return c
}

func apply(t testing.TB, s *Store, changes ...Change) Position {
	at, err := s.Apply(t.Context(), ann, changes...)
	require.NoError(t, err)
	return at
}

func read(t testing.TB, s *Store, f func(v *View)) {
	require.NoError(t, s.Read(t.Context(), func(v *View) error { f(v); return nil }))
}

func verify(t testing.TB, s *Store, known ...Position) Position {
	t.Helper()
	at, err := s.VerifyAudit(t.Context(), known...)
	require.NoError(t, err)
	return at
}

// full has something in every field.
func full() (match.Bank, match.Entry) {
	at := time.Date(2026, 11, 5, 10, 30, 0, 123456789, time.UTC)
	bank := match.Bank{Name: "bänk \"<1>\"", Labels: []string{"a", "ü\x00"}, Thresholds: map[hash.Kind]int{hash.PDQ: 20, hash.PHash: 5}, Disabled: true,
		Allow: true, Suppresses: []string{"x"}, Action: "block", Policy: match.Policy{None: match.Shadow, Positive: match.Report, Seed: match.Ignore, Negative: match.Report, Disputed: match.Ignore, Quarantined: match.Ignore},
		RollOut: match.RollOut{Shadow: true, Percent: 12.3456789, Key: "secret"}}
	entry := match.Entry{ID: "id \"'%_\\\u2028", Labels: []string{"l"}, Duration: 1234567891, Disabled: true,
		Signals: []match.Signal{{Value: value(1), Quality: 0, Transform: []string{"border", "flipx"}, From: 1, To: 1234567890}, {Value: value(2), Quality: hash.Unmeasured}},
		Curation: &match.Curation{DisabledUntil: at, Expires: at.Add(1), Note: "\"n\"", Decision: match.Decision{Stance: match.Positive, By: "ann", At: at, Note: "x"},
			Opinions:   []match.Opinion{{By: "m", Says: match.Seed, At: at, Tags: []string{"t", "u"}}, {By: "o", Ours: true, Says: match.Negative, At: at}},
			Quarantine: match.Quarantine{Since: at, Count: 5, Usual: 0.1, Uploads: 7},
			Origin:     match.Origin{Exchange: "gifct", Member: "m", ID: "9", Fetched: at, Severity: "A1", Tags: []string{"z"}}}}
	return bank, entry
}

// A document that is too long is refused, wherever it comes from, and what has just room is not.
func TestHugeDocuments(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		assert.Equal(t, 64<<20, s.most)
		s.most = 2000
		apply(t, s, putBank(match.Bank{Name: "b"}))
		join(t, s, Exchange{Name: "x", Bank: "b"})
		refused := func(err error) {
			t.Helper()
			assert.ErrorIs(t, err, match.ErrInvalid)
			assert.ErrorContains(t, err, "bytes; want 2000 at most")
		}
		long := []string{strings.Repeat("\x01", 334)} // six bytes each, in a document
		before, err := s.Head(t.Context())
		require.NoError(t, err)

		huge := named("huge", 1)
		huge.Labels = long
		_, err = s.Apply(t.Context(), ann, put("b", named("small", 2), huge))
		refused(err)
		located, ok := errors.AsType[*match.EntryError](err)
		require.True(t, ok)
		assert.Equal(t, "huge", located.Entry)
		_, err = s.Apply(t.Context(), ann, putBank(match.Bank{Name: "c", Labels: long}))
		refused(err)
		_, _, err = s.Import(t.Context(), ann, "b", func(yield func(match.Entry, error) bool) { yield(huge, nil) })
		refused(err)
		refused(s.Queue(t.Context(), ann, "x", Outgoing{Feedback: &exchange.Feedback{ID: "1", Says: exchange.Seen, Tags: long}}))
		refused(s.Queue(t.Context(), ann, "x", Outgoing{Record: &exchange.Record{ID: "1", Signals: huge.Signals, Labels: long}}))
		r := verdict("u", noon, record.NotJudged)
		r.ListVersion = strings.Repeat("x", s.most)
		_, _, err = s.Keep(t.Context(), ann, r)
		refused(err)
		v := newServer(10)
		v.put(exchange.Record{ID: "1", Signals: huge.Signals, Labels: long})
		v.put(exchange.Record{ID: "2", Later: []exchange.Foreign{{Type: "t", Value: r.ListVersion}}})
		sum := pull(t, s, v)
		assert.Equal(t, []int{0, 0, 2}, []int{sum.Came, sum.Waiting, sum.SetAside})
		assert.Contains(t, sum.Faults[0].Reason, "want 2000 at most")
		at, err := s.Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, before, at)

		// Up to it all is well, and what has become too long can still be taken out.
		_, entry := full()
		doc, err := encodeEntry("b", &entry)
		require.NoError(t, err)
		s.most = len(doc)
		apply(t, s, put("b", entry))
		s.most -= 100
		entry.Disabled = false
		_, err = s.Apply(t.Context(), ann, change(match.SetEntry, "b", entry))
		assert.ErrorIs(t, err, match.ErrInvalid)
		apply(t, s, change(match.DropEntries, "b", entry))
		verify(t, s)
	})
}

// What goes in comes out, every field of it, from tables and from the feed.
func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		bank, entry := full()
		apply(t, s, putBank(bank), put(bank.Name, entry, bare(3)), putBank(match.Bank{Name: "plain"}))
		read(t, s, func(v *View) {
			infos := v.Banks()
			require.Len(t, infos, 2)
			assert.Equal(t, bank, infos[0].Settings())
			assert.Equal(t, 2, infos[0].Entries)
			assert.Equal(t, 1, infos[0].Videos)
			got, ok, err := v.Entry(bank.Name, entry.ID)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, entry, got)
			got, _, err = v.Entry(bank.Name, bare(3).ID)
			require.NoError(t, err)
			assert.Equal(t, bare(3), got)
			_, ok, err = v.Entry(bank.Name, "no")
			assert.NoError(t, err)
			assert.False(t, ok)
			_, _, err = v.Entry("no", "no")
			assert.ErrorIs(t, err, match.ErrUnknown)
			var found []string
			for e, err := range match.Find(v, bank.Name, "GIFCT") {
				require.NoError(t, err)
				found = append(found, e.ID)
			}
			assert.Equal(t, []string{entry.ID}, found)
		})
		var ops []match.Op
		for e, err := range s.Changes(t.Context(), Position{}) {
			require.NoError(t, err)
			ops = append(ops, e.Op)
			assert.Equal(t, ann, e.Actor)
			c := e.Change()
			switch len(ops) {
			case 1:
				assert.Equal(t, bank, c.Bank)
			case 2:
				assert.Equal(t, []match.Entry{entry, bare(3)}, c.Entries)
			}
		}
		assert.Equal(t, []match.Op{match.PutBank, match.PutEntries, match.PutBank}, ops)
		verify(t, s)
	})
}

// Changes mean what they mean to a Matcher, and are made together or not at all.
func TestApply(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		at := apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1), named("y", 2)))
		assert.Equal(t, int64(2), at.Seq)
		assert.Equal(t, at, apply(t, s, put("a", named("x", 1)), drop("a", "gone"), dropBank("gone"), putBank(match.Bank{Name: "a"})), "what changes nothing is no event")

		for _, bad := range []struct {
			err     error
			changes []Change
		}{
			{match.ErrUnknown, []Change{put("a", named("z", 3)), put("no", named("z", 3))}},
			{match.ErrUnknown, []Change{change(match.SetEntry, "a", match.Entry{ID: "no"})}},
			{match.ErrInvalid, []Change{change(match.SetEntry, "a")}},
			{match.ErrInvalid, []Change{drop("a", "x"), putBank(match.Bank{Name: "a", Allow: true})}},
			{match.ErrInvalid, []Change{put("a", match.Entry{ID: "z"})}},
			{match.ErrInvalid, []Change{put("a", named("\xff", 3))}},
			{match.ErrInvalid, []Change{put("a", named("a\x00", 3))}},
			{match.ErrInvalid, []Change{put("a", named(strings.Repeat("é", maxName/2)+"x", 3))}},
			{match.ErrInvalid, []Change{putBank(match.Bank{Name: strings.Repeat("b", maxName+1)})}},
			{match.ErrInvalid, []Change{putBank(match.Bank{Name: "b", Labels: []string{"\xff"}})}},
			{match.ErrInvalid, []Change{putBank(match.Bank{})}},
			{match.ErrInvalid, []Change{{Change: match.Change{Op: "no such"}}}},
			{match.ErrInvalid, []Change{{Change: put("a", named("x", 1)).Change, Expect: []int64{1, 2}}}},
			{match.ErrDuplicate, []Change{put("a", named("z", 3), named("z", 3))}},
		} {
			_, err := s.Apply(t.Context(), ann, bad.changes...)
			assert.ErrorIs(t, err, bad.err)
		}
		var radius *match.RadiusError
		_, err := s.Apply(t.Context(), ann, putBank(match.Bank{Name: "a", Thresholds: map[hash.Kind]int{hash.PDQ: 200}}))
		assert.ErrorAs(t, err, &radius)
		_, err = s.Apply(t.Context(), Actor{"robot", "x"}, dropBank("a"))
		assert.ErrorIs(t, err, match.ErrInvalid)
		head, err := s.Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, at, head, "nothing of what was refused is there")

		c := change(match.SetEntry, "a", match.Entry{ID: "x", Disabled: true, Labels: []string{"l"}})
		c.Reason = "wrong"
		at = apply(t, s, c)
		apply(t, s, drop("a", "y", "y", "no"), put("a", named("x", 5)))
		read(t, s, func(v *View) {
			assert.Equal(t, 1, v.Banks()[0].Entries)
			var ops []string
			for e, err := range v.History("a", "x") {
				require.NoError(t, err)
				ops = append(ops, fmt.Sprint(e.Seq, e.Reason, e.Entries[0].Before != nil))
			}
			assert.Equal(t, []string{"5true", "3wrongtrue", "2false"}, ops)
		})
		apply(t, s, dropBank("a"))
		apply(t, s, putBank(match.Bank{Name: "a", Allow: true}))
		read(t, s, func(v *View) { assert.Equal(t, 0, v.Banks()[0].Entries) })
		verify(t, s, at)
		_, err = s.VerifyAudit(t.Context(), Position{at.Seq, Digest{1}})
		assert.ErrorIs(t, err, ErrDiverged)
		_, err = s.VerifyAudit(t.Context(), Position{99, Digest{1}})
		assert.ErrorIs(t, err, ErrDiverged)
	})
}

// The longest names are stored wherever that is, and hard to press.
func TestLongNames(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		name := make([]byte, maxName)
		for i := range name {
			name[i] = byte('!' + rand.IntN(90))
		}
		apply(t, s, putBank(match.Bank{Name: string(name)}), put(string(name), named(string(name), 1), named("x", 2)))
		verify(t, s)
	})
}

// What nodes whose index answers less could not take over is refused.
func TestMaxRadius(t *testing.T) {
	low := map[hash.Kind]int{hash.PDQ: 20}
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), Options{MaxRadius: low})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	apply(t, s, putBank(match.Bank{Name: "a"}), putBank(match.Bank{Name: "b", Thresholds: low}), put("b", named("x", 1)))
	for _, c := range []Change{put("a", named("x", 1)), putBank(match.Bank{Name: "b"}), putBank(match.Bank{Name: "c", Thresholds: map[hash.Kind]int{hash.PDQ: 21}})} {
		var radius *match.RadiusError
		_, err := s.Apply(t.Context(), ann, c)
		if assert.ErrorAs(t, err, &radius) {
			assert.Equal(t, hash.PDQ, radius.Kind)
		}
	}
	sound(t, follow(t, s, FollowOptions{Match: match.Options{MaxRadius: low}}))
	for _, k := range hash.Kinds() {
		assert.LessOrEqual(t, k.Threshold(), match.DefaultMaxRadius(k), k)
	}
}

// Who looked before somebody else changed it, hears of that and of whom.
func TestConflicts(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
		var bank, entry int64
		read(t, s, func(v *View) {
			var err error
			bank, err = v.Version("a", "")
			require.NoError(t, err)
			entry, err = v.Version("a", "x")
			require.NoError(t, err)
		})
		off := change(match.SetEntry, "a", match.Entry{ID: "x", Disabled: true})
		off.Expect = []int64{entry}
		_, err := other.Apply(t.Context(), bob, off)
		require.NoError(t, err)
		labels := change(match.SetEntry, "a", match.Entry{ID: "x", Labels: []string{"l"}})
		labels.Expect = []int64{entry}
		_, err = s.Apply(t.Context(), ann, labels)
		var conflict *ConflictError
		require.ErrorAs(t, err, &conflict)
		assert.ErrorIs(t, err, ErrConflict)
		assert.Equal(t, ConflictError{Bank: "a", Entry: "x", Want: entry, Have: entry + 1, By: bob}, *conflict)
		for _, c := range []Change{
			{Change: putBank(match.Bank{Name: "a", Action: "block"}).Change, Expect: []int64{bank + 7}},
			{Change: putBank(match.Bank{Name: "a"}).Change, Expect: []int64{0}},
			{Change: putBank(match.Bank{Name: "b"}).Change, Expect: []int64{1}},
			{Change: dropBank("b").Change, Expect: []int64{1}},
			{Change: put("a", named("x", 1)).Change, Expect: []int64{0}},
			{Change: put("a", named("y", 1)).Change, Expect: []int64{5}},
			{Change: drop("a", "y").Change, Expect: []int64{5}},
		} {
			_, err := s.Apply(t.Context(), ann, put("a", named("z", 9)), c)
			assert.ErrorIs(t, err, ErrConflict, "%+v", c)
		}
		fresh := put("a", named("y", 1))
		fresh.Expect = []int64{0}
		apply(t, s, fresh)
		read(t, s, func(v *View) {
			e, _, err := v.Entry("a", "x")
			require.NoError(t, err)
			assert.True(t, e.Disabled)
			assert.Empty(t, e.Labels)
			assert.Equal(t, 2, v.Banks()[0].Entries)
		})
		verify(t, s)
	})
}

// Pages come in the order of IDs, and each entry once; a view does not move.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}))
		var want []string
		changed, at, err := s.Import(t.Context(), ann, "a", func(yield func(match.Entry, error) bool) {
			for i := range 5_000 {
				e := named(fmt.Sprintf("%05d", i), uint64(i))
				want = append(want, e.ID)
				if !yield(e, nil) {
					return
				}
			}
		})
		require.NoError(t, err)
		assert.Equal(t, 5_000, changed)
		assert.Equal(t, int64(1+3), at.Seq)
		read(t, s, func(v *View) {
			apply(t, s, put("a", named("0", 1), named("~", 1)))
			var got []string
			for last := ""; ; {
				n := 0
				for e, err := range v.EntriesAfter("a", last) {
					require.NoError(t, err)
					got, last, n = append(got, e.ID), e.ID, n+1
					if n == 1500 {
						break
					}
				}
				if n == 0 {
					break
				}
			}
			assert.Equal(t, want, got)
			assert.Equal(t, 5_000, v.Banks()[0].Entries)
		})
		verify(t, s)
	})
}

func TestOpenErrors(t *testing.T) {
	for _, url := range []string{"", "sqlite:", ":memory:", "mysql://x", "postgres://%zz"} {
		_, err := Open(t.Context(), url, Options{})
		assert.ErrorIs(t, err, match.ErrInvalid, url)
	}
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "no", "x.db"), Options{})
	assert.ErrorIs(t, err, ErrUnreachable)
	_, err = Open(t.Context(), "postgres://x@127.0.0.1:1/x?sslmode=disable", Options{Busy: 500 * time.Millisecond})
	assert.ErrorIs(t, err, ErrUnreachable)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and says nothing
	require.NoError(t, err)
	_, err = Open(t.Context(), fmt.Sprintf("postgres://x@%s/x?sslmode=disable", silent.Addr()), Options{Busy: 100 * time.Millisecond})
	assert.ErrorIs(t, err, ErrUnreachable)
	require.NoError(t, silent.Close())
	path := filepath.Join(t.TempDir(), "x.db")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600))
	_, err = Open(t.Context(), path, Options{})
	assert.ErrorIs(t, err, ErrNotStore)
	path = filepath.Join(t.TempDir(), "y.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE other (x)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	_, err = Open(t.Context(), path, Options{})
	assert.ErrorIs(t, err, ErrNotStore)
}

// No error of opening a store quotes a part of a password, however the URL is mistaken.
func TestOpenQuotesNoPassword(t *testing.T) {
	t.Chdir(t.TempDir())
	const pass, word = "s3cr", "t0ps" // parts of the password
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, url := range []string{
		"postgres://u:s3cr@t0ps@127.0.0.1:1/db", "postgres://u:s3cr/t0ps@127.0.0.1:1/db", "postgres://u:s3cr?t0ps@127.0.0.1:1/db",
		"postgres://u:s3cr%zzt0ps@127.0.0.1:1/db", "postgres://u:12345/t0ps@127.0.0.1:1/db", "postgres://u:s3crt0ps", "postgres://u:s3crt0ps/db", "postgres://u:s3crt0ps@127.0.0.1:x/db",
		"postgres://u@x:s3crt0ps@127.0.0.1/db", "postgres://u:s3cr t0ps@127.0.0.1:1/db?sslmode=no", "postgresql://u:s3crt0ps@[::1/db", "postgres://127.0.0.1:1/db?password=s3cr&t0ps",
		"postgres://127.0.0.1:1/db?password=s3cr=t0ps", "postgres://127.0.0.1:1?password=s3cr@t0ps", "postgres://127.0.0.1:1/db?pass%77ord=s3cr%zzt0ps", "postgres://127.0.0.1:1/db?p%zz=s3cr",
		"postgres://u:s3crt0ps@127.0.0.1:99999/db", "postgres://u:s3cr\x00t0ps@127.0.0.1/db", "postgres://u:s3crt0ps@127.0.0.1:1/db?connect_timeout=soon",
		"postgres:/u:s3crt0ps@127.0.0.1/db", "postgres:u:s3crt0ps@127.0.0.1/db", "Postgres://u:s3crt0ps@127.0.0.1/db", "sqlite:postgres:u:s3crt0ps@h/db", "postgers://u:s3crt0ps@127.0.0.1/db",
		"u:s3crt0ps@127.0.0.1/db", "host=127.0.0.1 user=u password=s3crt0ps dbname=db", "PASSWORD=s3crt0ps",
	} {
		_, err := Open(ctx, url, Options{Busy: 100 * time.Millisecond})
		require.Error(t, err, url)
		assert.NotContains(t, err.Error(), pass, url)
		assert.NotContains(t, err.Error(), word, url)
		assert.NotErrorIs(t, err, context.Canceled, "%s was taken for a URL", url)
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, entries, "a URL with a mistake became a file")

	for url, want := range map[string]string{ // and what is not of the password is told
		"postgres://u:s3cr@127.0.0.1:1/db?sslmode=no":           "sslmode is invalid",
		"postgres://127.0.0.1:1/db?sslmode=no":                  "sslmode is invalid",
		"postgres://u:s3cr@127.0.0.1:99999/db":                  "port",
		"postgres://u:s3cr@127.0.0.1/db?sslrootcert=/no/ca.pem": "/no/ca.pem",
		"postgres://u:s3cr@t0ps@127.0.0.1/db":                   "an at-sign is %40, a slash %2F",
	} {
		_, err := Open(ctx, url, Options{})
		assert.ErrorIs(t, err, match.ErrInvalid, url)
		assert.ErrorContains(t, err, want, url)
	}
	for _, url := range []string{"postgres://u:p%40%2f%3f%25@h1:1,[::1]:2,h3/db?sslmode=disable", "postgres:///db?host=/run/pg", "postgres://u:a#b@h/db", "postgres://u@/db", "postgresql://"} {
		_, err := parsePostgres(url)
		assert.NoError(t, err, url)
	}
}

// Two stores in one PostgreSQL, in schemas whatever their names, have nothing to do with each other.
func TestSchemas(t *testing.T) {
	n := rand.Uint32()
	urls := []string{schemaURL(t, fmt.Sprintf("t%d", n)), schemaURL(t, fmt.Sprintf(`T%d "Q"`, n))}
	for i, u := range urls {
		apply(t, open(t, u), putBank(match.Bank{Name: fmt.Sprint(i)}))
	}
	for i, u := range urls {
		s := open(t, u)
		read(t, s, func(v *View) {
			require.Len(t, v.Banks(), 1)
			assert.Equal(t, fmt.Sprint(i), v.Banks()[0].Name)
		})
		verify(t, s)
	}
}

// Only the owner may read the file, and what lies beside it.
func TestFileMode(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "x.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 3)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
	}
}

// A store of an older version is brought up to date with all that is in it; one of a newer
// version is refused, and untouched.
func TestMigration(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		old, err := connect(url, Options{})
		require.NoError(t, err)
		require.NoError(t, old.migrate(t.Context(), 1))
		apply(t, old, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
		head, err := old.Head(t.Context())
		require.NoError(t, err)
		_, err = old.write.Exec(`UPDATE rematch_changes SET seq = seq`)
		require.NoError(t, err, "version 1 did not refuse it")
		require.NoError(t, old.Close())

		s := open(t, url)
		assert.Equal(t, old.ID(), s.ID())
		verify(t, s, head)
		for _, statement := range []string{`UPDATE rematch_changes SET seq = seq`, `DELETE FROM rematch_changes WHERE seq = 1`} {
			_, err = s.write.Exec(statement)
			assert.ErrorContains(t, err, "the audit is only ever added to")
		}
		if s.d.notify == "" {
			_, err = s.write.Exec(`REPLACE INTO rematch_changes SELECT 1, event, hash FROM rematch_changes WHERE seq = 2`)
			assert.ErrorContains(t, err, "the audit is only ever added to")
		}
		apply(t, s, put("a", named("y", 1)))
		verify(t, s)
		_, err = s.write.Exec(`UPDATE rematch_head SET version = 99`)
		require.NoError(t, err)
		_, err = Open(t.Context(), url, Options{})
		var schema *SchemaError
		require.ErrorAs(t, err, &schema)
		assert.ErrorIs(t, err, ErrNewerSchema)
		assert.Equal(t, SchemaError{99, newest(s.d)}, *schema)
		_, err = s.Apply(t.Context(), ann, put("a", named("z", 1)))
		assert.ErrorIs(t, err, ErrNewerSchema, "it was opened before")
	})
}

// A change that began before a migration ends before it.
func TestMigrationWaits(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		old, err := connect(url, Options{})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, old.Close()) })
		require.NoError(t, old.migrate(t.Context(), 1))
		tx, err := old.begin(t.Context())
		require.NoError(t, err)
		at, err := old.lockHead(t.Context(), tx)
		require.NoError(t, err)
		opened := make(chan error)
		go func() {
			s, err := Open(t.Context(), url, Options{})
			if err == nil {
				err = s.Close()
			}
			opened <- err
		}()
		for waiting := old.d.notify == ""; !waiting; { // until it waits for us
			require.NoError(t, tx.QueryRow(`SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`).Scan(&waiting))
			time.Sleep(time.Millisecond)
		}
		w := &writer{ctx: t.Context(), s: old, tx: tx, at: at, by: bob, action: BankChange}
		c := putBank(match.Bank{Name: "a"})
		assert.NoError(t, w.make(&c))
		assert.NoError(t, w.exec(`UPDATE rematch_head SET seq = $1, hash = $2 WHERE one = 1`, w.at.Seq, w.at.Hash[:]))
		assert.NoError(t, tx.Commit())
		assert.NoError(t, <-opened)
		verify(t, old, w.at)
	})
}

// Close ends what waits, and those who wait keep no connection from those who read, nor these
// theirs from who writes.
func TestConnections(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, err := Open(t.Context(), url, Options{})
		require.NoError(t, err)
		apply(t, s, putBank(match.Bank{Name: "a"}))
		const many = 8 // that read at once
		waited := make(chan error, many)
		for range many {
			go func() {
				_, err := s.Wait(t.Context(), 1000)
				waited <- err
			}()
		}
		var all sync.WaitGroup
		all.Add(many)
		var wg sync.WaitGroup
		for i := range many {
			wg.Go(func() {
				in := sync.OnceFunc(all.Done)
				defer in() // or the others wait for it
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				assert.NoError(t, s.Read(ctx, func(*View) error {
					in()
					all.Wait()
					_, err := s.Apply(ctx, ann, put("a", named(fmt.Sprint(i), 1)))
					return err
				}))
			})
		}
		wg.Wait()
		require.NoError(t, s.Close())
		for range many {
			assert.ErrorIs(t, <-waited, ErrClosed)
		}
		_, err = s.Apply(t.Context(), ann, dropBank("a"))
		assert.ErrorIs(t, err, ErrClosed)
	})
}

// Whenever the context ends, the change was made and said to be, or was not; and it is the
// context's error.
func TestCancelled(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}))
		made := 0
		for i := range 60 {
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(time.Duration(rand.IntN(4000))*time.Microsecond, cancel)
			_, err := s.Apply(ctx, ann, put("a", named(fmt.Sprint(i), uint64(i))))
			if timer.Stop(); err == nil {
				made++
			} else {
				assert.ErrorIs(t, err, context.Canceled)
			}
			cancel()
		}
		read(t, s, func(v *View) { assert.Equal(t, made, v.Banks()[0].Entries) })
		verify(t, s)
	})
}

// The end of a context is that also where the driver calls it a bad connection. What nobody knows
// stays said, and what is no consequence.
func TestEnded(t *testing.T) {
	why := errors.New("why")
	for _, lost := range []error{driver.ErrBadConn, net.ErrClosed, pgconn.ErrConnClosed, sql.ErrTxDone, errors.New("sql: statement is closed"), context.Canceled, context.DeadlineExceeded} {
		ctx, cancel := context.WithCancelCause(t.Context())
		err := classify(lost)
		assert.Equal(t, err, ended(ctx, err), "the context goes on")
		cancel(why)
		assert.Equal(t, why, ended(ctx, err))
		unsure := ended(ctx, fmt.Errorf("%w: %w", ErrUnsure, err))
		assert.ErrorIs(t, unsure, why)
		assert.ErrorIs(t, unsure, ErrUnsure)
		assert.Equal(t, unsure, ended(ctx, unsure))
		for _, other := range []error{nil, &ConflictError{Bank: "conn closed"}, classify(io.EOF)} {
			assert.Equal(t, other, ended(ctx, other))
		}
	}
	// Of who does not even answer is told beside the deadline that passes meanwhile.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := connect("postgres://x@"+silent.Addr().String()+"/x?sslmode=disable", Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, why)
	defer cancel()
	_, err = s.Head(ctx)
	assert.ErrorIs(t, err, why)
	assert.ErrorIs(t, err, ErrUnreachable)
	assert.NoError(t, errors.Join(s.Close(), silent.Close()))
}

// steps is a context that ends when it is looked at for the k-th time.
type steps struct {
	context.Context
	end  context.CancelCauseFunc
	left atomic.Int64
}

var errEnd = errors.New("the end")

func endsAt(ctx context.Context, k int) *steps {
	ctx, end := context.WithCancelCause(ctx)
	s := &steps{Context: ctx, end: end}
	s.left.Store(int64(k))
	return s
}

func (s *steps) Done() <-chan struct{} {
	if s.left.Add(-1) == 0 {
		s.end(errEnd)
	}
	return s.Context.Done()
}

// Wherever it ends, what is called says so, and nothing else.
func TestEndsAnywhere(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		at := apply(t, s, putBank(match.Bank{Name: "a"}))
		apply(t, s, put("a", named("x", 1)))
		require.NoError(t, s.PutExchange(t.Context(), ann, Exchange{Name: "e", Bank: "a", Protocol: "fbte"}))
		snapshot := filepath.Join(t.TempDir(), "node.bank")
		require.NoError(t, follow(t, s, FollowOptions{Snapshot: snapshot}).Save())
		all := func(seq iter.Seq2[Event, error]) (err error) {
			for _, err = range seq {
			}
			return err
		}
		for name, call := range map[string]func(ctx context.Context) error{
			"Open": func(ctx context.Context) error {
				other, err := Open(ctx, url, Options{})
				if err == nil {
					err = other.Close()
				}
				return err
			},
			"Head":      func(ctx context.Context) error { _, err := s.Head(ctx); return err },
			"Changes":   func(ctx context.Context) error { return all(s.Changes(ctx, at)) },
			"Exchanges": func(ctx context.Context) error { _, err := s.Exchanges(ctx); return err },
			"Read": func(ctx context.Context) error {
				return s.Read(ctx, func(v *View) error { _, _, err := v.Entry("a", "x"); return err })
			},
			"Outgoing": func(ctx context.Context) (err error) {
				for _, err = range s.Outgoing(ctx, "e") {
				}
				return err
			},
			"VerifyIndex": func(ctx context.Context) error { _, err := s.VerifyIndex(ctx, snapshot); return err },
			"Purge":       func(ctx context.Context) error { _, err := s.Purge(ctx, ann, "why"); return err },
		} {
			ends := 0
			for k := 1; ; k++ {
				ctx := endsAt(t.Context(), k)
				err := call(ctx)
				over := ctx.Err() == nil
				ctx.end(nil)
				if over {
					assert.NoError(t, err, name)
					break
				}
				if err != nil { // it may end when all was done
					require.ErrorIs(t, err, errEnd, "%s at %d", name, k)
					require.NotErrorIs(t, err, ErrUnreachable, "%s at %d", name, k)
					ends++
				}
			}
			assert.Greater(t, ends, 1, name)
		}
	})
}

// A change that was sent, and whose answer nobody waited for, is looked for by its event. What
// has none is not known, and who holds an exchange without knowing it lets it go.
func TestUnsure(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}))
		x := Exchange{Name: "x", Bank: "a", Protocol: "fbte"}
		// lost makes a change whose commit is answered by nobody.
		lost := func(made bool, change func(ctx context.Context) error) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.commit = func(tx *sql.Tx) error {
				s.commit = (*sql.Tx).Commit
				if made {
					require.NoError(t, tx.Commit())
				}
				cancel()
				return driver.ErrBadConn
			}
			return change(ctx)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.transact(ctx, ann, BankChange, func(w *writer) error {
			w.beside = true
			cancel()
			return nil
		})
		assert.Equal(t, context.Canceled, err, "nothing was sent")
		for _, made := range []bool{false, true} {
			err := lost(made, func(ctx context.Context) error { return s.PutExchange(ctx, ann, x) })
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorIs(t, err, ErrUnsure)
			_, err = s.Exchange(t.Context(), "x")
			assert.Equal(t, made, err == nil, "%v", err)

			err = lost(made, func(ctx context.Context) error {
				_, err := s.Apply(ctx, ann, putBank(match.Bank{Name: "b"}))
				return err
			})
			if made {
				assert.NoError(t, err)
			} else {
				assert.Equal(t, context.Canceled, err)
			}
			read(t, s, func(v *View) { assert.Equal(t, made, len(v.Banks()) == 2) })
		}
		err = lost(true, func(ctx context.Context) error {
			_, err := s.Pull(ctx, "x", nil, PullOptions{})
			return err
		})
		assert.ErrorIs(t, err, ErrUnsure)
		is, err := s.Exchange(t.Context(), "x")
		require.NoError(t, err)
		assert.Empty(t, is.Holder)
		assert.NotZero(t, is.Begun, "it was taken")
	})
}

func TestPosition(t *testing.T) {
	p := Position{7, Digest{1, 2, 3}}
	got, err := ParsePosition(p.String())
	require.NoError(t, err)
	assert.Equal(t, p, got)
	for _, bad := range []string{"", "7", "x:00", "7:00", "-1:" + p.Hash.String(), p.String() + "0"} {
		_, err := ParsePosition(bad)
		assert.ErrorIs(t, err, match.ErrInvalid, bad)
	}
}

// An end of the context ends what waits.
func TestContext(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Wait(ctx, 0)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = s.Apply(ctx, ann, putBank(match.Bank{Name: "a"}))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		head, err := s.Head(t.Context())
		require.NoError(t, err)
		assert.Zero(t, head.Seq)
	})
}
