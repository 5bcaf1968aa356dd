package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// sink is an exchange that is told of things.
type sink struct {
	votes   []exchange.Feedback
	records [][]exchange.Record
	fail    func() error
	meet    func() // called while something is sent
}

func (k *sink) told(ctx context.Context) error {
	if until, bounded := ctx.Deadline(); !bounded || time.Until(until) >= claimed {
		return errors.New("it is sent for longer than it is left to who sends it")
	}
	if k.meet != nil {
		k.meet()
	}
	if k.fail != nil {
		return k.fail()
	}
	return nil
}

func (k *sink) Send(ctx context.Context, f exchange.Feedback) error {
	k.votes = append(k.votes, f)
	return k.told(ctx)
}

func (k *sink) Submit(ctx context.Context, records []exchange.Record) (ids []string, err error) {
	k.records = append(k.records, records)
	for _, r := range records {
		ids = append(ids, "theirs "+r.ID)
	}
	return ids, k.told(ctx)
}

func queued(t testing.TB, s *Store) map[string]Outgoing {
	all := make(map[string]Outgoing)
	for o, err := range s.Outgoing(t.Context(), "x") {
		require.NoError(t, err)
		all[o.Key] = o
	}
	return all
}

func push(t testing.TB, s *Store, k *sink) PushSummary {
	t.Helper()
	sum, err := s.Push(t.Context(), "x", k)
	require.NoError(t, err)
	return sum
}

func vote(id string, says exchange.Vote) Outgoing {
	return Outgoing{Feedback: &exchange.Feedback{ID: id, Says: says}}
}

// What is queued is told once in the order it came, whole, and not again when it is queued again.
func TestQueue(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c, s := joined(t, url)
		q := func(what ...Outgoing) { require.NoError(t, s.Queue(t.Context(), ann, "x", what...)) }
		signal := match.Signal{Value: value(1), Quality: 70}
		whole := Outgoing{Feedback: &exchange.Feedback{ID: "9", Says: exchange.Disagree, Reason: "r", Tags: []string{"t"}, Signal: &signal}}
		_, entry := full()
		ours := exchange.Record{ID: "ours", Signals: entry.Signals, Labels: []string{"l"}, Later: []exchange.Foreign{{Type: "t", Value: "v"}},
			Opinions: entry.Curation.Opinions, Origin: entry.Curation.Origin, Expires: entry.Curation.Expires, Duration: entry.Duration}
		plain := shared("plain", 2)
		q(vote("1", exchange.Seen), vote("1", exchange.Helpful), whole, Outgoing{Record: &ours}, Outgoing{Record: &plain})
		q(vote("1", exchange.Seen), whole)
		assert.Equal(t, 5, status(t, s).Outgoing)
		q(vote("1", exchange.Disagree)) // takes the place of helpful, which was not told
		k := &sink{}
		assert.Equal(t, PushSummary{Exchange: "x", Sent: 5}, push(t, s, k))
		assert.Equal(t, []exchange.Feedback{*vote("1", exchange.Seen).Feedback, *whole.Feedback, *vote("1", exchange.Disagree).Feedback}, k.votes)
		assert.Equal(t, [][]exchange.Record{{ours, plain}}, k.records)
		all := queued(t, s)
		assert.Equal(t, Told, all["submit:ours"].State)
		assert.Equal(t, "theirs ours", all["submit:ours"].Answer)
		assert.Equal(t, c.now(), all["submit:ours"].Sent)
		assert.Zero(t, all["submit:ours"].Next)

		q(vote("1", exchange.Seen), vote("1", exchange.Disagree), whole, Outgoing{Record: &ours})
		assert.Equal(t, PushSummary{Exchange: "x"}, push(t, s, k))
		q(vote("1", exchange.Retract), Outgoing{Key: "mine", Feedback: vote("1", exchange.Seen).Feedback})
		assert.Equal(t, 2, push(t, s, k).Sent)

		for _, bad := range []Outgoing{{}, vote("", exchange.Seen), vote("1", "shrug"), vote("\xff", exchange.Seen), {Record: &exchange.Record{ID: "1"}},
			{Key: "\x00", Feedback: whole.Feedback}, {Feedback: whole.Feedback, Record: &plain}, {Feedback: &exchange.Feedback{ID: "1", Says: exchange.Seen, Signal: &match.Signal{}}}} {
			assert.ErrorIs(t, s.Queue(t.Context(), ann, "x", vote("new", exchange.Seen), bad), match.ErrInvalid)
		}
		assert.ErrorIs(t, s.Queue(t.Context(), ann, "y", whole), match.ErrUnknown)
		assert.Zero(t, status(t, s).Outgoing)
		verify(t, s)
	})
}

// What fails is told again, later and later, until a person gives it up; an exchange that is down
// is not asked for all of it.
func TestPushFails(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c, s := joined(t, url)
		for i := range 8 {
			require.NoError(t, s.Queue(t.Context(), ann, "x", vote(fmt.Sprint(i), exchange.Seen)))
		}
		down := errors.New("down")
		k := &sink{fail: func() error { return down }}
		sum, err := s.Push(t.Context(), "x", k)
		assert.ErrorIs(t, err, down)
		assert.Equal(t, PushSummary{Exchange: "x", Failed: 5, Waiting: 8}, sum)
		o := queued(t, s)["seen:0"]
		assert.Equal(t, []any{Waiting, 1, "down", c.now().Add(time.Minute)}, []any{o.State, o.Attempts, o.Err, o.Next})
		k.fail = nil
		assert.Equal(t, 3, push(t, s, k).Sent)
		assert.Equal(t, 0, push(t, s, k).Sent)
		k.fail = func() error { return down }
		for range 12 {
			c.pass(lastRetry)
			_, _ = s.Push(t.Context(), "x", k)
		}
		o = queued(t, s)["seen:0"]
		assert.Equal(t, 13, o.Attempts)
		assert.LessOrEqual(t, o.Next.Sub(c.now()), lastRetry)
		require.NoError(t, s.GiveUp(t.Context(), ann, "x", "seen:0"))
		assert.ErrorIs(t, s.GiveUp(t.Context(), ann, "x", "seen:0"), match.ErrUnknown)
		assert.ErrorIs(t, s.GiveUp(t.Context(), ann, "x", "\x00"), match.ErrUnknown)
		assert.Equal(t, GivenUp, queued(t, s)["seen:0"].State)
		k.fail = nil
		c.pass(lastRetry)
		assert.Equal(t, PushSummary{Exchange: "x", Sent: 4}, push(t, s, k))

		// What the exchange has no word for does not stop the rest.
		for i := range 2 * maxFailures {
			require.NoError(t, s.Queue(t.Context(), ann, "x", vote(fmt.Sprint("v", i), exchange.Helpful)))
		}
		k.fail = func() error { return exchange.ErrNoSuchVote }
		assert.Equal(t, 2*maxFailures, push(t, s, k).Failed)
		k.fail = nil
		c.pass(time.Minute)
		assert.Equal(t, 2*maxFailures, push(t, s, k).Sent)

		for err, own := range map[error]bool{exchange.ErrNoSuchVote: true, exchange.ErrReason: true, exchange.ErrNoSuchRecord: true, exchange.ErrNoSuchKind: true, exchange.ErrRefused: true,
			exchange.ErrCredentials: false, exchange.ErrUnavailable: false, exchange.ErrRate: false, down: false} {
			assert.Equal(t, own, isOwnFault(fmt.Errorf("x: %w", err)), err)
		}

		// One bad record does not stop the others of its batch.
		for i := range uint64(3) {
			r := shared(fmt.Sprint("r", i), i)
			require.NoError(t, s.Queue(t.Context(), ann, "x", Outgoing{Record: &r}))
		}
		k.fail = func() error {
			for _, r := range k.records[len(k.records)-1] {
				if r.ID == "r1" {
					return down
				}
			}
			return nil
		}
		assert.Equal(t, PushSummary{Exchange: "x", Failed: 3, Waiting: 3}, push(t, s, k))
		c.pass(time.Minute)
		assert.Equal(t, PushSummary{Exchange: "x", Sent: 2, Failed: 1, Waiting: 1}, push(t, s, k))
		require.NoError(t, s.Queue(t.Context(), ann, "x", vote("0", exchange.Seen)), "what was given up may be told after all")
		assert.Equal(t, 1, push(t, s, &sink{}).Sent)
	})
}

// Whoever dies between telling and writing down that it was told, has it told again; what is being
// sent is not sent by another; and a vote that changes meanwhile is told as well.
func TestToldAtLeastOnce(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c := newClock()
		s, other := openAt(t, url, c), openAt(t, url, c)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		require.NoError(t, s.Queue(t.Context(), ann, "x", vote("1", exchange.Helpful)))
		k := &sink{meet: func() {
			assert.Equal(t, 0, push(t, other, &sink{}).Sent)
			s.commit = dies
		}}
		_, err := s.Push(t.Context(), "x", k)
		assert.Error(t, err)
		s.commit = (*sql.Tx).Commit
		k.meet = nil
		assert.Equal(t, 0, push(t, s, k).Sent, "it may still be on its way")
		c.pass(claimed)
		k.meet = func() {
			k.meet = nil
			require.NoError(t, other.Queue(t.Context(), bob, "x", vote("1", exchange.Disagree)))
			assert.Equal(t, 0, push(t, other, &sink{}).Sent, "it could arrive before the one that it takes back")
		}
		assert.Equal(t, 1, push(t, s, k).Sent)
		assert.Equal(t, []exchange.Vote{exchange.Helpful, exchange.Helpful, exchange.Disagree}, []exchange.Vote{k.votes[0].Says, k.votes[1].Says, k.votes[2].Says})

		// Also where who sends dies meanwhile.
		require.NoError(t, s.Queue(t.Context(), ann, "x", vote("1", exchange.Helpful)))
		k.meet = func() {
			k.meet = nil
			require.NoError(t, other.Queue(t.Context(), bob, "x", vote("1", exchange.Disagree)))
			s.commit = dies
		}
		_, err = s.Push(t.Context(), "x", k)
		assert.Error(t, err)
		s.commit = (*sql.Tx).Commit
		assert.Equal(t, 0, push(t, other, k).Sent)
		c.pass(claimed)
		assert.Equal(t, 1, push(t, other, k).Sent)
		assert.Equal(t, exchange.Disagree, k.votes[len(k.votes)-1].Says)

		// Ended from outside it is not a failure, and is due at once.
		require.NoError(t, s.Queue(t.Context(), ann, "x", vote("2", exchange.Seen)))
		ctx, cancel := context.WithCancelCause(t.Context())
		k.fail = func() error { cancel(errEnd); return ctx.Err() }
		_, err = s.Push(ctx, "x", k)
		assert.ErrorIs(t, err, errEnd)
		o := queued(t, s)["seen:2"]
		assert.Equal(t, []any{Waiting, 0, c.now()}, []any{o.State, o.Attempts, o.Next})
		k.fail = nil
		assert.Equal(t, 1, push(t, s, k).Sent)
	})
}

// What a curator decides of what an exchange shared is told there, if that was asked for.
func TestDecisionsAreTold(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		v := newServer(10)
		v.put(shared("1", 1))
		pull(t, s, v)
		apply(t, s, put("b", named("own", 2)))
		decide := func(id string, stance match.Stance) {
			e, _ := entryOf(t, s, id)
			e.Curation = e.Curation.Clone()
			e.Curation.Decision.Stance = stance
			apply(t, s, change(match.SetEntry, "b", e))
		}
		decide("1", match.Positive)
		assert.Empty(t, queued(t, s))
		join(t, s, Exchange{Name: "x", Bank: "b", Feedback: true})
		assert.NotNil(t, status(t, s).Checkpoint)
		k := &sink{}
		for _, d := range []struct {
			stance match.Stance
			want   exchange.Vote
		}{{match.Negative, exchange.Disagree}, {match.Positive, exchange.Helpful}, {match.NoOpinion, exchange.Retract}} {
			decide("1", d.stance)
			decide("1", d.stance)
			decide("own", d.stance)
			e, _ := entryOf(t, s, "1")
			e.Disabled = !e.Disabled
			apply(t, s, change(match.SetEntry, "b", e))
			v.put(shared("1", uint64(10+d.stance)))
			assert.Equal(t, 1, pull(t, s, v).Changed)
			assert.Equal(t, 1, push(t, s, k).Sent)
			assert.Equal(t, exchange.Feedback{ID: "1", Says: d.want}, k.votes[len(k.votes)-1])
		}
		assert.Len(t, queued(t, s), 1)
		verify(t, s)
	})
}

// What is in quarantine here, or set aside by its hashes, and confirmed by nobody, is not shared; nor
// what is no more what it was when it was queued. It is told of, and does not stop the rest.
func TestKeptBack(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c, s := joined(t, url)
		set := func(id string, say func(e *match.Entry)) {
			t.Helper()
			var e match.Entry
			read(t, s, func(v *View) {
				var err error
				e, _, err = v.Entry("ours", id)
				require.NoError(t, err)
			})
			e.Curation = e.Curation.Clone()
			say(&e)
			apply(t, s, change(match.SetEntry, "ours", e))
		}
		blank, err := hash.Parse("md5:00000000000000000000000000000000")
		require.NoError(t, err)
		apply(t, s, putBank(match.Bank{Name: "ours"}))
		ids := []string{"surged", "blank", "negative", "disabled", "late", "dropped", "good", "free"}
		for i, id := range ids {
			e := named(id, uint64(i))
			if id == "blank" {
				e.Signals = append(e.Signals, match.Signal{Value: blank, Quality: hash.Unmeasured})
			}
			apply(t, s, put("ours", e))
			require.NoError(t, s.Queue(t.Context(), ann, "x", Outgoing{Bank: "ours", Record: &exchange.Record{ID: id, Signals: e.Signals}}))
		}
		anywhere := exchange.Record{ID: "anywhere", Signals: []match.Signal{{Value: blank, Quality: hash.Unmeasured}}} // no entry here
		require.NoError(t, s.Queue(t.Context(), ann, "x", Outgoing{Record: &anywhere}, vote("1", exchange.Seen)))
		set("surged", func(e *match.Entry) {
			e.Curation.Quarantine = match.Quarantine{Since: c.now(), Count: 90, Uploads: 100}
		})
		set("negative", func(e *match.Entry) { e.Curation.Decision.Stance = match.Negative })
		set("disabled", func(e *match.Entry) { e.Disabled = true })
		set("late", func(e *match.Entry) { e.Curation.Expires = c.now() })
		apply(t, s, change(match.DropEntries, "ours", named("dropped", 1)))

		k := &sink{}
		want := map[string]int{"quarantine": 1, "blank": 2, "negative": 1, "disabled": 1, "expired": 1, "gone": 1}
		for range 2 { // it is told of each time
			sum := push(t, s, k)
			assert.Equal(t, want, sum.Kept)
			assert.Equal(t, []int{0, 7}, []int{sum.Failed, sum.Waiting})
		}
		require.Len(t, k.records, 1)
		assert.Equal(t, []string{"good", "free"}, []string{k.records[0][0].ID, k.records[0][1].ID})
		assert.Len(t, k.votes, 1)
		all := queued(t, s)
		assert.Equal(t, Waiting, all["submit:surged"].State)
		assert.Equal(t, "ours", all["submit:surged"].Bank)
		assert.Contains(t, all["submit:surged"].Err, "kept back: it is in quarantine since 20")
		assert.Contains(t, all["submit:surged"].Err, "90 of 100 uploads")
		assert.Contains(t, all["submit:blank"].Err, "all its bits are the same")
		assert.Contains(t, all["submit:dropped"].Err, `not in the bank "ours" any more`)
		assert.Empty(t, all["submit:good"].Err)

		// Somebody has looked at them, or gives them up.
		for _, id := range []string{"surged", "blank"} {
			set(id, func(e *match.Entry) { e.Curation.Decision = match.Decision{Stance: match.Positive, By: "ann"} })
		}
		set("disabled", func(e *match.Entry) { e.Disabled = false })
		for _, id := range []string{"negative", "late", "dropped", "anywhere"} {
			require.NoError(t, s.GiveUp(t.Context(), ann, "x", "submit:"+id))
		}
		assert.Equal(t, PushSummary{Exchange: "x", Sent: 3}, push(t, s, k))
		assert.Empty(t, queued(t, s)["submit:surged"].Err)
		assert.ErrorIs(t, s.Queue(t.Context(), ann, "x", Outgoing{Bank: "\xff", Record: &anywhere}), match.ErrInvalid)
		verify(t, s)
	})
}

// Nothing of an allow-list or of a bank that is disabled is shared, and no confirmation is of hashes
// that the entry had when it was queued and has no more.
func TestKeptBackOfBanks(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		apply(t, s, putBank(match.Bank{Name: "harmless", Allow: true}), putBank(match.Bank{Name: "off", Disabled: true}), putBank(match.Bank{Name: "ours"}))
		blank, err := hash.Parse("md5:00000000000000000000000000000000")
		require.NoError(t, err)
		for i, bank := range []string{"harmless", "off", "ours"} {
			e := named(bank, uint64(i))
			e.Curation = &match.Curation{Decision: match.Decision{Stance: match.Positive, By: "ann"}}
			apply(t, s, put(bank, e))
			r := exchange.Record{ID: bank, Signals: append(slices.Clone(e.Signals), match.Signal{Value: blank, Quality: hash.Unmeasured})}
			require.NoError(t, s.Queue(t.Context(), ann, "x", Outgoing{Bank: bank, Record: &r}))
		}
		k := &sink{}
		assert.Equal(t, map[string]int{"allow_list": 1, "disabled": 1, "blank": 1}, push(t, s, k).Kept)
		assert.Empty(t, k.records)

		apply(t, s, putBank(match.Bank{Name: "off"}))
		e := named("ours", 2)
		require.NoError(t, s.Queue(t.Context(), ann, "x", Outgoing{Bank: "ours", Record: &exchange.Record{ID: "ours", Signals: e.Signals}}))
		sum := push(t, s, k)
		assert.Equal(t, []int{1, 1}, []int{sum.Sent, sum.Kept["blank"]}, "of off the hash still is not confirmed")
		verify(t, s)
	})
}

// More is kept back than is looked at at once, and what is behind it is told.
func TestManyKeptBack(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	var what []Outgoing
	for i := range 2*manyAtOnce + 1 {
		r := shared(fmt.Sprint(i), uint64(i))
		what = append(what, Outgoing{Bank: "none", Record: &r})
	}
	last := shared("last", 1)
	require.NoError(t, s.Queue(t.Context(), ann, "x", append(what, Outgoing{Record: &last})...))
	k := &sink{}
	s.commit = dies
	_, err := s.Push(t.Context(), "x", k)
	assert.Error(t, err)
	commits := 0
	s.commit = func(tx *sql.Tx) error { commits++; return tx.Commit() }
	assert.Equal(t, PushSummary{Exchange: "x", Sent: 1, Kept: map[string]int{"gone": len(what)}, Waiting: len(what)}, push(t, s, k))
	assert.Equal(t, 4, commits, "so that other writers need not wait for all of it: three looks, and what became of the last")
}
