package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// server is an exchange in memory: a log of what was put and withdrawn, that is read by pages from
// any place in it, or from nothing as it stands.
type server struct {
	records map[string]exchange.Record
	log     []string // IDs, in the order they changed
	page    int      // how many are given at once
	oldest  int      // what of the log is still there: a checkpoint before it is stale

	faults map[string]bool // records that are malformed
	fail   func(page int) error
	wait   time.Duration
	reads  int
	unsure bool // it does not tell whether it has nothing, or fails
}

func newServer(page int) *server {
	return &server{records: make(map[string]exchange.Record), page: page, faults: make(map[string]bool)}
}

func (v *server) put(r exchange.Record) {
	v.records[r.ID] = r
	v.log = append(v.log, r.ID)
}

func (v *server) withdraw(id string) {
	delete(v.records, id)
	v.log = append(v.log, id)
}

// place is the checkpoint: in the log, or in a reading from nothing at the moment Seq.
type place struct {
	Seq   int    `json:"seq"`
	After string `json:"after,omitempty"`
	Anew  bool   `json:"anew,omitempty"`
}

func (v *server) Next(ctx context.Context, at exchange.Checkpoint) (*exchange.Page, error) {
	v.reads++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if v.fail != nil {
		if err := v.fail(v.reads); err != nil {
			return nil, err
		}
	}
	p := &exchange.Page{Wait: v.wait, Sure: !v.unsure}
	var from place
	if at != nil {
		if err := json.Unmarshal(at, &from); err != nil {
			return nil, err
		}
	}
	if at == nil || from.Seq < v.oldest {
		p.Anew, from = true, place{Seq: len(v.log), Anew: true}
	}
	give := func(id string) {
		switch r, there := v.records[id]; {
		case !there:
			p.Gone = append(p.Gone, id)
		case v.faults[id]:
			p.Faults = append(p.Faults, &exchange.RecordError{Page: fmt.Sprint("page of ", id), ID: id, Reason: "malformed"})
		default:
			p.Records = append(p.Records, r)
		}
	}
	next := from
	if from.Anew {
		ids := make([]string, 0, len(v.records))
		for id := range v.records {
			if id > from.After {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		for _, id := range ids[:min(v.page, len(ids))] {
			give(id)
			next.After = id
		}
		if len(ids) <= v.page {
			next = place{Seq: from.Seq}
		}
	} else {
		part := v.log[from.Seq:min(from.Seq+v.page, len(v.log))]
		given := make(map[string]bool)
		for _, id := range part {
			if !given[id] {
				give(id)
			}
			given[id] = true
		}
		next.Seq += len(part)
	}
	p.Last = !next.Anew && next.Seq == len(v.log)
	var err error
	p.After, err = json.Marshal(next)
	return p, err
}

// shared is a record of an exchange with one hash.
func shared(id string, n uint64) exchange.Record {
	return exchange.Record{ID: id, Signals: []match.Signal{{Value: value(n), Quality: hash.Unmeasured}}, Origin: match.Origin{Member: "m", Severity: "A1"}}
}

func join(t testing.TB, s *Store, x Exchange) {
	x.Protocol = "memory"
	require.NoError(t, s.PutExchange(t.Context(), ann, x))
}

func pull(t testing.TB, s *Store, v exchange.Source) Summary {
	t.Helper()
	sum, err := s.Pull(t.Context(), "x", v, PullOptions{})
	require.NoError(t, err)
	require.True(t, sum.Complete)
	return sum
}

func status(t testing.TB, s *Store) ExchangeStatus {
	x, err := s.Exchange(t.Context(), "x")
	require.NoError(t, err)
	return x
}

func entryOf(t testing.TB, s *Store, id string) (e match.Entry, ok bool) {
	read(t, s, func(v *View) {
		var err error
		e, ok, err = v.Entry("b", id)
		require.NoError(t, err)
	})
	return e, ok
}

// same checks that the bank has what the server has, and nothing else.
func same(t testing.TB, s *Store, v *server) {
	t.Helper()
	want := make(map[string]hash.Value)
	waiting := 0
	for id, r := range v.records {
		if len(r.Signals) == 0 {
			waiting++
		} else {
			want[id] = r.Signals[0].Value
		}
	}
	got := make(map[string]hash.Value)
	read(t, s, func(v *View) {
		for e, err := range v.Entries("b") {
			require.NoError(t, err)
			got[e.ID] = e.Signals[0].Value
			require.Equal(t, "x", e.Curation.Origin.Exchange)
			require.Equal(t, e.ID, e.Curation.Origin.ID)
			require.False(t, e.Curation.Origin.Fetched.IsZero())
		}
	})
	require.Equal(t, want, got)
	x := status(t, s)
	require.Equal(t, len(want), x.Entries)
	require.Equal(t, len(v.records), x.Records)
	require.Equal(t, waiting, x.Waiting)
	require.False(t, x.Anew)
	verify(t, s)
}

// What an exchange shares, changes and withdraws is what the bank has after each pull, page by
// page; what did not change is no event.
func TestPull(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b", Settings: map[string]string{"group": "7"}})
		v := newServer(3)
		for i := range uint64(10) {
			v.put(shared(fmt.Sprint(i), i))
		}
		v.put(exchange.Record{ID: "later", Later: []exchange.Foreign{{Type: "hologram", Value: "00ff"}}})
		blank, err := hash.Parse("pdq:" + strings.Repeat("0", 64))
		require.NoError(t, err)
		v.put(exchange.Record{ID: "blank", Signals: []match.Signal{{Value: blank, Quality: hash.Unmeasured}}})
		sum := pull(t, s, v)
		assert.Equal(t, map[match.Cause]int{match.CauseBlank: 1}, sum.Refused)
		require.Len(t, sum.RefusedList, 1)
		assert.Equal(t, "blank", sum.RefusedList[0].Entry)
		sum.Refused, sum.RefusedList = nil, nil
		head, err := s.Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Summary{Exchange: "x", Pages: 4, Anew: true, Complete: true, Came: 11, Waiting: 1, Position: head}, sum)
		same(t, s, v)
		for l, err := range s.Later(t.Context(), "x") {
			require.NoError(t, err)
			assert.Equal(t, Later{"later", []exchange.Foreign{{Type: "hologram", Value: "00ff"}}, true}, l)
		}

		v.put(shared("1", 1))
		v.put(shared("2", 22))
		v.withdraw("3")
		v.withdraw("later")
		v.withdraw("never there")
		sum = pull(t, s, v)
		assert.False(t, sum.Anew)
		assert.Equal(t, []int{0, 1, 1, 2}, []int{sum.Came, sum.Changed, sum.Unchanged, sum.Went})
		same(t, s, v)
		read(t, s, func(v *View) { // from the feed: the entry is gone
			for e, err := range s.Changes(t.Context(), head) {
				require.NoError(t, err)
				if e.Op == match.DropEntries {
					assert.Equal(t, "3", e.Entries[0].ID)
					assert.Equal(t, "withdrawn at the exchange x", e.Reason)
					assert.Equal(t, ListSync, e.Action)
					assert.Equal(t, Actor{System, "exchange x"}, e.Actor)
				}
			}
		})
		head, err = s.Head(t.Context())
		require.NoError(t, err)
		sum = pull(t, s, v)
		assert.Equal(t, 1, sum.Pages)

		// The checkpoint is stale: all is read anew, and what did not come again is gone.
		delete(v.records, "4")
		v.put(exchange.Record{ID: "5"}) // nothing of it can be compared any more
		v.oldest = len(v.log)
		sum = pull(t, s, v)
		assert.True(t, sum.Anew)
		assert.Equal(t, []int{0, 0, 8, 1, 1}, []int{sum.Came, sum.Changed, sum.Unchanged, sum.Went, sum.Waiting})
		same(t, s, v)
		events := 0
		for e, err := range s.Changes(t.Context(), head) {
			require.NoError(t, err)
			assert.Equal(t, match.DropEntries, e.Op)
			assert.Len(t, e.Entries, 1)
			events++
		}
		assert.Equal(t, 2, events)
		v.put(shared("5", 55))
		pull(t, s, v)
		same(t, s, v)
		x := status(t, s)
		assert.Empty(t, x.Holder)
		assert.Empty(t, x.Err)
		assert.False(t, x.Pulled.IsZero())
		assert.Equal(t, map[string]string{"group": "7"}, x.Settings)

		// Other settings: from nothing.
		join(t, s, Exchange{Name: "x", Bank: "b", Settings: map[string]string{"group": "8"}})
		assert.Nil(t, status(t, s).Checkpoint)
		delete(v.records, "6")
		assert.Equal(t, 1, pull(t, s, v).Went)
		same(t, s, v)
	})
}

// What is ours of an entry stays whatever comes; a withdrawn entry goes all the same.
func TestPullKeepsWhatIsOurs(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		v := newServer(10)
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		theirs := shared("1", 1)
		theirs.Labels = []string{"video", "wrong"}
		theirs.Opinions = []match.Opinion{{By: "n", Says: match.Positive, At: at}}
		theirs.Expires = at.AddDate(10, 0, 0)
		v.put(theirs)
		pull(t, s, v)
		e, _ := entryOf(t, s, "1")
		fetched := e.Curation.Origin.Fetched
		c := e.Curation.Clone()
		c.Decision = match.Decision{Stance: match.Negative, By: "ann", At: at, Note: "a wedding"}
		c.Note = "seen twice"
		c.DisabledUntil = at
		c.Say(match.Opinion{By: "ann", Ours: true, Says: match.Negative, At: at})
		apply(t, s, change(match.SetEntry, "b", match.Entry{ID: "1", Disabled: true, Labels: []string{"video", "ours"}, Curation: c}))
		head, err := s.Head(t.Context())
		require.NoError(t, err)

		v.put(theirs)
		assert.Equal(t, 1, pull(t, s, v).Unchanged)
		again, err := s.Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, head, again)

		theirs.Signals = shared("1", 2).Signals
		theirs.Labels = []string{"video", "wrong", "more"}
		theirs.Opinions = []match.Opinion{{By: "o", Says: match.Positive, At: at}, {By: "n", Says: match.Seed, At: at}}
		theirs.Expires = at.AddDate(11, 0, 0)
		v.put(theirs)
		assert.Equal(t, 1, pull(t, s, v).Changed)
		e, _ = entryOf(t, s, "1")
		assert.Equal(t, value(2), e.Signals[0].Value)
		assert.True(t, e.Disabled)
		assert.Equal(t, []string{"video", "more", "ours"}, e.Labels)
		assert.Equal(t, c.Decision, e.Curation.Decision)
		assert.Equal(t, "seen twice", e.Curation.Note)
		assert.Equal(t, at, e.Curation.DisabledUntil)
		assert.Equal(t, theirs.Expires, e.Curation.Expires)
		assert.True(t, e.Curation.Origin.Fetched.After(fetched))
		assert.Equal(t, []match.Opinion{{By: "n", Says: match.Seed, At: at}, {By: "ann", Ours: true, Says: match.Negative, At: at}, {By: "o", Says: match.Positive, At: at}}, e.Curation.Opinions)

		e.Curation = e.Curation.Clone()
		e.Curation.Expires = at.AddDate(1, 0, 0) // a date of ours
		apply(t, s, change(match.SetEntry, "b", match.Entry{ID: "1", Labels: e.Labels, Curation: e.Curation}))
		theirs.Expires = at.AddDate(12, 0, 0)
		v.put(theirs)
		pull(t, s, v)
		e, _ = entryOf(t, s, "1")
		assert.Equal(t, at.AddDate(1, 0, 0), e.Curation.Expires)

		// Taken out here, it comes back as it is there.
		apply(t, s, drop("b", "1"))
		v.put(theirs)
		assert.Equal(t, 1, pull(t, s, v).Came)
		e, _ = entryOf(t, s, "1")
		assert.Equal(t, theirs.Labels, e.Labels)
		assert.Equal(t, theirs.Expires, e.Curation.Expires)

		v.withdraw("1")
		pull(t, s, v)
		_, there := entryOf(t, s, "1")
		assert.False(t, there)
		verify(t, s)
	})
}

// What is malformed is set aside, one by one, and listed until it comes whole.
func TestSetAside(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		apply(t, s, put("b", named("own", 1)))
		v := newServer(100)
		v.put(shared("1", 1))
		v.put(shared("2", 2))
		pull(t, s, v)
		v.put(shared("own", 7)) // there is one of ours
		bad := shared("times", 3)
		bad.Signals[0].From = 5
		v.put(bad)
		v.put(shared("not \xff text", 3))
		far := exchange.Record{ID: "zz far", Expires: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}
		v.put(far)
		v.put(shared(strings.Repeat("x", maxRecordID+1), 3))
		v.put(shared("1", 11))
		v.faults["1"] = true
		v.put(shared("good", 4))
		sum := pull(t, s, v)
		assert.Equal(t, 6, sum.SetAside)
		assert.Equal(t, 1, sum.Came)
		list := func() (ids []string) {
			for a, err := range s.SetAside(t.Context(), "x") {
				require.NoError(t, err)
				assert.NotEmpty(t, a.Reason)
				assert.NotEmpty(t, a.Page)
				assert.False(t, a.At.IsZero())
				ids = append(ids, a.ID[:min(5, len(a.ID))])
			}
			slices.Sort(ids)
			return ids
		}
		assert.Equal(t, []string{"1", "not \xef", "own", "times", "xxxxx", "zz fa"}, list())
		assert.Equal(t, 6, status(t, s).Aside)
		e, ok := entryOf(t, s, "1")
		require.True(t, ok)
		assert.Equal(t, value(1), e.Signals[0].Value, "what was there before stays")
		e, _ = entryOf(t, s, "own")
		assert.Nil(t, e.Curation)

		// Also when all is read anew.
		v.oldest = len(v.log) + 1
		v.log = append(v.log, "good", "good")
		pull(t, s, v)
		_, ok = entryOf(t, s, "1")
		assert.True(t, ok)
		assert.Equal(t, 6, status(t, s).Aside)

		delete(v.faults, "1")
		v.put(shared("1", 11))
		v.put(shared("times", 3))
		v.withdraw("own")
		v.withdraw("zz far")
		pull(t, s, v)
		assert.Equal(t, []string{"not \xef", "xxxxx"}, list())
		e, _ = entryOf(t, s, "1")
		assert.Equal(t, value(11), e.Signals[0].Value)
		_, ok = entryOf(t, s, "own")
		assert.True(t, ok, "ours is not the exchange's to withdraw")
		for id := range v.records {
			if !goodRecordID(id) {
				delete(v.records, id)
			}
		}
		v.oldest = len(v.log) + 1
		v.log = append(v.log, "good", "good")
		pull(t, s, v)
		assert.Empty(t, list())
		assert.Zero(t, status(t, s).Aside)
		verify(t, s)
	})
}

// More faults than anybody looks at are counted, and not all kept.
func TestManyAside(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	p := &exchange.Page{Last: true, After: exchange.Checkpoint(`{}`)}
	for i := range maxAside + 100 {
		p.Faults = append(p.Faults, &exchange.RecordError{Page: "p", Position: i, Reason: strings.Repeat("é", 1000)})
	}
	sum := pull(t, s, pages{p})
	assert.Equal(t, maxAside+100, sum.SetAside)
	assert.Len(t, sum.Faults, maxListed)
	assert.Equal(t, maxAside, status(t, s).Aside)
}

// pages gives the same page again and again.
type pages struct{ p *exchange.Page }

func (p pages) Next(context.Context, exchange.Checkpoint) (*exchange.Page, error) { return p.p, nil }

// An exchange that fails, or sends nonsense, ends the pull; what came before is kept, and the
// status says what was wrong until a pull comes to the end.
func TestPullFails(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		v := newServer(2)
		for i := range uint64(5) {
			v.put(shared(fmt.Sprint(i), i))
		}
		down := errors.New("down")
		v.fail = func(read int) error {
			if read == 2 {
				return down
			}
			return nil
		}
		sum, err := s.Pull(t.Context(), "x", v, PullOptions{})
		var at *PullError
		require.ErrorAs(t, err, &at)
		assert.ErrorIs(t, err, down)
		assert.Equal(t, 2, at.Page)
		assert.Equal(t, 1, sum.Pages)
		assert.Equal(t, 2, sum.Came)
		assert.False(t, sum.Complete)
		x := status(t, s)
		assert.Equal(t, err.Error(), x.Err)
		assert.False(t, x.Failed.IsZero())
		assert.JSONEq(t, `{"seq":5,"after":"1","anew":true}`, string(x.Checkpoint))
		assert.True(t, x.Anew)
		assert.Zero(t, x.Pulled)
		sum = pull(t, s, v)
		assert.Equal(t, 3, sum.Came)
		assert.Empty(t, status(t, s).Err)
		same(t, s, v)

		checkpoint := status(t, s).Checkpoint
		for name, p := range map[string]*exchange.Page{
			"none":          nil,
			"no checkpoint": {Records: []exchange.Record{shared("y", 1)}},
			"not JSON":      {Records: []exchange.Record{shared("y", 1)}, Last: true, After: exchange.Checkpoint("{")},
			"too long":      {Records: []exchange.Record{shared("y", 1)}, Last: true, After: exchange.Checkpoint(`"` + strings.Repeat("x", maxCheckpoint) + `"`)},
			"the same":      {Records: []exchange.Record{shared("y", 1)}, After: checkpoint},
		} {
			_, err := s.Pull(t.Context(), "x", pages{p}, PullOptions{})
			assert.ErrorIs(t, err, map[bool]error{true: exchange.ErrStuck, false: exchange.ErrPage}[name == "the same"], name)
			assert.Equal(t, checkpoint, status(t, s).Checkpoint, name)
		}
		same(t, s, v)

		// A checkpoint that the exchange does not know any more is forgotten, and nothing else.
		v.withdraw("1")
		sum = pull(t, s, sourceFunc(func(ctx context.Context, at exchange.Checkpoint) (*exchange.Page, error) {
			if at != nil && bytes.Equal(at, checkpoint) {
				return nil, fmt.Errorf("too old: %w", exchange.ErrStale)
			}
			return v.Next(ctx, at)
		}))
		assert.True(t, sum.Anew)
		same(t, s, v)
		v.fail = func(int) error { return &exchange.RequestError{Wait: time.Hour, Err: exchange.ErrRate} }
		_, err = s.Pull(t.Context(), "x", v, PullOptions{})
		assert.ErrorIs(t, err, exchange.ErrRate)
		assert.Equal(t, time.Hour, status(t, s).Next.Sub(status(t, s).Failed))
		v.fail = func(int) error { return &exchange.RequestError{Wait: 1000 * time.Hour, Err: exchange.ErrRate} }
		_, err = s.Pull(t.Context(), "x", v, PullOptions{})
		assert.ErrorIs(t, err, exchange.ErrRate)
		assert.Equal(t, maxWait, status(t, s).Next.Sub(status(t, s).Failed))
		v.fail = nil
		_, err = s.Pull(t.Context(), "none", v, PullOptions{})
		assert.ErrorIs(t, err, match.ErrUnknown)
		_, err = s.Pull(t.Context(), "x", v, PullOptions{Lease: 1})
		assert.ErrorIs(t, err, match.ErrInvalid)
		// Ended from outside it is no fault of the exchange, whatever the reason is.
		_, err = s.Pull(t.Context(), "x", v, PullOptions{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		v.fail = func(int) error { cancel(errEnd); return ctx.Err() }
		_, err = s.Pull(ctx, "x", v, PullOptions{})
		assert.ErrorIs(t, err, errEnd)
		assert.Zero(t, status(t, s).Failed)
		assert.Empty(t, status(t, s).Holder)
		_, err = s.Pull(ctx, "x", v, PullOptions{})
		assert.ErrorIs(t, err, errEnd)
	})
}

// An exchange that has no end is left where it is.
func TestPullWithoutEnd(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	n := 0
	sum, err := s.Pull(t.Context(), "x", sourceFunc(func(context.Context, exchange.Checkpoint) (*exchange.Page, error) {
		n++
		return &exchange.Page{After: exchange.Checkpoint(fmt.Sprint(n % 2))}, nil
	}), PullOptions{Pages: 10})
	require.NoError(t, err)
	assert.Equal(t, 10, sum.Pages)
	assert.False(t, sum.Complete)
}

// One that wants a long pause between pages, or for ever, gets one, and a day at most.
func TestPullPauses(t *testing.T) {
	c, s := joined(t, filepath.Join(t.TempDir(), "s.db"))
	v := newServer(1)
	v.put(shared("1", 1))
	v.put(shared("2", 2))
	v.wait = 1000 * time.Hour
	sum, err := s.Pull(t.Context(), "x", v, PullOptions{})
	require.NoError(t, err)
	assert.False(t, sum.Complete)
	assert.Equal(t, c.now().Add(maxWait), status(t, s).Next)
	join(t, s, Exchange{Name: "x", Bank: "b", Feedback: true})
	assert.NotZero(t, status(t, s).Next)
	assert.Equal(t, 1, pull(t, s, v).Came)
	same(t, s, v)
	join(t, s, Exchange{Name: "x", Bank: "b", Base: "elsewhere"})
	assert.Zero(t, status(t, s).Next)
}

// sourceFunc is an exchange that is a function.
type sourceFunc func(context.Context, exchange.Checkpoint) (*exchange.Page, error)

func (f sourceFunc) Next(ctx context.Context, at exchange.Checkpoint) (*exchange.Page, error) {
	return f(ctx, at)
}

// Exchanges are refused that could not work, or have what should not be kept; the bank of one is
// not another's, and not dropped under it.
func TestPutExchange(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		for _, bad := range []Exchange{
			{Protocol: "p"}, {Name: "x"}, {Name: "x\x00", Protocol: "p"}, {Name: strings.Repeat("x", 256), Protocol: "p"},
			{Name: "x", Protocol: "p", Base: "https://ann:pw@example.org"},
			{Name: "x", Protocol: "p", Base: "https://example.org/?X-Amz-Signature=1"},
			{Name: "x", Protocol: "p", Settings: map[string]string{"url": "https://ann:pw@example.org/list.txt"}},
			{Name: "x", Protocol: "p", Settings: map[string]string{"url": "https://example.org/list.txt?access_token=1"}},
			{Name: "x", Protocol: "p", Settings: map[string]string{"url": "https://example.org/list.txt?Key=1"}},
			{Name: "x", Protocol: "p", Settings: map[string]string{"Access_Token": "1"}},
			{Name: "x", Protocol: "p", Settings: map[string]string{"g": strings.Repeat("x", 1<<17)}},
		} {
			assert.ErrorIs(t, s.PutExchange(t.Context(), ann, bad), match.ErrInvalid, "%+v", bad)
		}
		join(t, s, Exchange{Name: "x", Bank: "b"})
		join(t, s, Exchange{Name: "z"})
		assert.ErrorIs(t, s.PutExchange(t.Context(), ann, Exchange{Name: "y", Protocol: "p", Bank: "b"}), match.ErrDuplicate)
		assert.ErrorIs(t, s.PutExchange(t.Context(), ann, Exchange{Name: "x", Protocol: "p", Bank: "c"}), match.ErrInvalid)
		_, err := s.Apply(t.Context(), ann, dropBank("b"))
		assert.ErrorIs(t, err, match.ErrInvalid)
		all, err := s.Exchanges(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)
		assert.Equal(t, Exchange{Name: "z", Protocol: "memory", Bank: "z"}, all[1].Exchange)
		for _, unknown := range []string{"b", "x\x00", "\xff"} {
			_, err = s.Exchange(t.Context(), unknown)
			errs := []error{err}
			for _, err := range s.SetAside(t.Context(), unknown) {
				errs = append(errs, err)
			}
			for _, err := range s.Later(t.Context(), unknown) {
				errs = append(errs, err)
			}
			for _, err := range s.Outgoing(t.Context(), unknown) {
				errs = append(errs, err)
			}
			require.Len(t, errs, 4, "%q", unknown)
			for _, err := range errs {
				assert.ErrorIs(t, err, match.ErrUnknown, "%q", unknown)
			}
		}

		v := newServer(2000)
		for i := range uint64(300) {
			v.put(shared(fmt.Sprint(i), i))
		}
		pull(t, s, v)
		apply(t, s, put("b", named("own", 1)))
		require.NoError(t, s.DropExchange(t.Context(), ann, "x"))
		assert.ErrorIs(t, s.DropExchange(t.Context(), ann, "x"), match.ErrUnknown)
		read(t, s, func(v *View) { assert.Equal(t, 1, v.Banks()[0].Entries) })
		apply(t, s, dropBank("b"))
		verify(t, s)
	})
}

// An exchange that gives nothing at all, read from nothing, is not taken for an empty one where something is kept of it.
func TestPullOfNothing(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		v := newServer(2)
		v.unsure = true
		pull(t, s, v) // nothing is kept yet
		for i := range uint64(3) {
			v.put(shared(fmt.Sprint(i), i))
		}
		pull(t, s, v)
		there := v.records
		v.records, v.oldest = nil, len(v.log)+1
		v.log = append(v.log, "0", "0")
		_, err := s.Pull(t.Context(), "x", v, PullOptions{})
		require.ErrorIs(t, err, exchange.ErrEmpty)
		x := status(t, s)
		assert.Equal(t, 3, x.Entries)
		assert.Contains(t, x.Err, "nothing any more")
		v.records = there
		delete(there, "1")
		assert.Equal(t, 1, pull(t, s, v).Went)
		same(t, s, v)

		v.records, v.unsure, v.oldest = nil, false, len(v.log)+1 // it is sure
		v.log = append(v.log, "0", "0")
		assert.Equal(t, 2, pull(t, s, v).Went)
	})
}

// A checkpoint that is stale as soon as it is given is not begun anew for ever.
func TestPullOfStaleCheckpoints(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	asked := 0
	_, err := s.Pull(t.Context(), "x", sourceFunc(func(_ context.Context, at exchange.Checkpoint) (*exchange.Page, error) {
		if asked++; at != nil {
			return nil, exchange.ErrStale
		}
		return &exchange.Page{Anew: true, Records: []exchange.Record{shared("1", 1)}, After: fmt.Appendf(nil, `{"n":%d}`, asked)}, nil
	}), PullOptions{Pages: 20})
	require.ErrorIs(t, err, exchange.ErrStale)
	assert.Equal(t, 4, asked)
}

// What was asked for with settings that are no more is not kept, also if nothing was read before.
func TestPullOfOtherSettings(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	_, err := s.Pull(t.Context(), "x", sourceFunc(func(context.Context, exchange.Checkpoint) (*exchange.Page, error) {
		join(t, s, Exchange{Name: "x", Bank: "b", Settings: map[string]string{"group": "2"}})
		return &exchange.Page{Last: true, Records: []exchange.Record{shared("1", 1)}, After: exchange.Checkpoint(`{}`)}, nil
	}), PullOptions{})
	require.ErrorIs(t, err, ErrConflict)
	assert.Nil(t, status(t, s).Checkpoint)
	assert.Zero(t, status(t, s).Entries)
}

// What others share suppresses no match: no exchange feeds an allow-list, and none that is fed
// becomes one.
func TestNoExchangeFeedsAnAllowList(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		apply(t, s, putBank(match.Bank{Name: "harmless", Allow: true}))
		err := s.PutExchange(t.Context(), ann, Exchange{Name: "x", Protocol: "memory", Bank: "harmless"})
		assert.ErrorIs(t, err, match.ErrInvalid)
		assert.ErrorContains(t, err, "feed another bank")
		all, err := s.Exchanges(t.Context())
		require.NoError(t, err)
		assert.Empty(t, all)

		join(t, s, Exchange{Name: "x", Bank: "b"})
		_, err = s.Apply(t.Context(), ann, putBank(match.Bank{Name: "b", Allow: true}))
		assert.ErrorIs(t, err, match.ErrInvalid)
		_, err = s.Apply(t.Context(), ann, dropBank("b"), putBank(match.Bank{Name: "b", Allow: true}))
		assert.ErrorIs(t, err, match.ErrInvalid)

		// A store in which that was done before.
		_, err = s.write.ExecContext(t.Context(), `UPDATE rematch_banks SET doc = '{"allow":true}' WHERE name = 'b'`)
		require.NoError(t, err)
		v := newServer(10)
		v.put(shared("1", 1))
		_, err = s.Pull(t.Context(), "x", v, PullOptions{})
		assert.ErrorIs(t, err, match.ErrInvalid)
		_, there := entryOf(t, s, "1")
		assert.False(t, there)
		require.NoError(t, s.DropExchange(t.Context(), ann, "x"))
	})
}
