package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rematch-go/rematch/match"
)

// FollowOptions of Follow. The zero value means the defaults.
type FollowOptions struct {
	// Match is for the Matcher. What its Surge sets aside is set aside in the store, and so on every
	// node; the query that has found it waits for that, twice Options.Busy at most. Surge.SetAside is ours.
	Match match.Options
	// Snapshot is the path of a bank file that is kept beside, so that the next start has to read
	// changes only; no other follower's. Empty: there is none, and each start reads the whole store.
	Snapshot string
	// Every is how often the file is written anew, if there was a change; Changes after how
	// many events at the latest. 0: 10 minutes and 100,000.
	Every   time.Duration
	Changes int
	// MaxLag is for how long a node that hears nothing of the store is taken for current.
	// 0: 5 s; at least a second.
	MaxLag time.Duration
	// Actor is who sets entries aside. The zero value: System "surge".
	Actor Actor
}

// Follower keeps a Matcher as the store is: it takes each change over, and rebuilds nothing for
// one. It is safe for concurrent use.
type Follower struct {
	s      *Store
	o      FollowOptions
	cancel context.CancelFunc
	done   sync.WaitGroup

	m atomic.Pointer[match.Matcher]

	// applying is held while the matcher and the position are made to agree.
	applying sync.Mutex
	at       Position
	pending  *match.Lineage // of a snapshot that is in use and was not yet found in the store's history

	saving   sync.Mutex // held while the file is written; applying is taken within it
	saveNext time.Time

	mu     sync.Mutex
	status Status
}

// Status says how far a Follower is.
type Status struct {
	Position Position
	Head     int64         // the newest event that was heard of
	Checked  time.Time     // when the store was asked last, of the times at which it had nothing newer; zero: it never was
	Lag      time.Duration // since Checked
	// Current: all changes that were committed up to Checked are in the Matcher, Lag is not over
	// FollowOptions.MaxLag, and nothing but that the store does not answer keeps it back.
	Current bool
	Err     error // what keeps it back

	Saved    Position // of the file
	SavedErr error    // why it could not be written the last time
	Builds   int      // how often the whole store was read
}

// Follow returns a Matcher that follows a store until Close. It starts from the file of
// FollowOptions.Snapshot, where that is one of this store's history, else from all that is in
// the store, and returns when it has caught up. Where the store can't be reached it starts from
// the file alone, and is not current; where there is none that is the error.
func Follow(ctx context.Context, s *Store, o FollowOptions) (*Follower, error) {
	o.Every, o.Changes, o.MaxLag = cmp.Or(o.Every, 10*time.Minute), cmp.Or(o.Changes, 100_000), cmp.Or(o.MaxLag, 5*time.Second)
	o.Actor = cmp.Or(o.Actor, Actor{System, "surge"})
	if o.Every < 0 || o.Changes < 0 || o.MaxLag < time.Second {
		return nil, fmt.Errorf("%w: the options are every %v, %d changes and a lag of %v; want a second at least", match.ErrInvalid, o.Every, o.Changes, o.MaxLag)
	}
	if err := o.Actor.check(); err != nil {
		return nil, err
	}
	f := &Follower{s: s, o: o, saveNext: time.Now().Add(o.Every)}
	f.o.Match.Surge.SetAside = f.setAside
	m, err := match.New(f.o.Match)
	if err != nil {
		return nil, err
	}
	if o.Snapshot != "" {
		snap, err := match.OpenSnapshot(o.Snapshot)
		if err == nil {
			err = m.Load(snap)
		}
		switch {
		case err == nil:
			l := snap.Lineage()
			f.pending = &l
			f.m.Store(m)
		case !errors.Is(err, fs.ErrNotExist):
			f.status.SavedErr = err // it will be written anew
		}
	}
	asked, err := f.upToDate(ctx)
	if err != nil {
		if f.m.Load() == nil || !errors.Is(err, ErrUnreachable) {
			return nil, err
		}
		f.failed(err)
	} else {
		f.heard(f.position().Seq, asked)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel = cancel
	f.done.Go(func() { f.run(run) })
	return f, nil
}

// Close ends the following. The Matcher stays as it is.
func (f *Follower) Close() error {
	f.cancel()
	f.done.Wait()
	f.failed(ErrClosed)
	return nil
}

// Matcher returns the Matcher. Unless it is current the error is ErrBehind (a *BehindError), and
// that something does not match then says nothing: the answer is "not judged". What does match
// was known content at the Status' Position. The Matcher must not be changed, and not be
// kept: after a loss of the store's history there is another one.
func (f *Follower) Matcher() (*match.Matcher, error) {
	if s := f.Status(); !s.Current {
		return f.m.Load(), &BehindError{s}
	}
	return f.m.Load(), nil
}

// Status says how far the follower is.
func (f *Follower) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	if !s.Checked.IsZero() {
		s.Lag = time.Since(s.Checked)
	}
	s.Current = !s.Checked.IsZero() && s.Lag <= f.o.MaxLag && (s.Err == nil || errors.Is(s.Err, ErrUnreachable) || errors.Is(s.Err, ErrBusy))
	return s
}

func (f *Follower) position() Position {
	f.applying.Lock()
	defer f.applying.Unlock()
	return f.at
}

// heard notes the newest event of a moment.
func (f *Follower) heard(head int64, asked time.Time) {
	at := f.position()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Position, f.status.Head = at, max(f.status.Head, head)
	if head <= at.Seq {
		f.status.Checked, f.status.Err = asked, nil
	}
}

func (f *Follower) failed(err error) {
	at := f.position()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Position, f.status.Err = at, err
}

// run follows until the context ends.
func (f *Follower) run(ctx context.Context) {
	var w waiter
	const patience, most = 50 * time.Millisecond, 2 * time.Second
	wait := patience
	for ctx.Err() == nil {
		err := f.turn(ctx, &w)
		if err == nil {
			wait = patience
			continue
		}
		if w != nil {
			w.close()
			w = nil
		}
		if ctx.Err() != nil {
			break
		}
		f.failed(err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, most)
	}
	if w != nil {
		w.close()
	}
}

// turn waits for an event, or a while, and takes over what came.
func (f *Follower) turn(ctx context.Context, w *waiter) (err error) {
	if *w == nil {
		if *w, err = f.s.takeWaiter(ctx); err != nil {
			return err
		}
	}
	// Not longer than half of what may pass without a word.
	at := f.position() // Verify and setAside may move it meanwhile
	head, asked, err := (*w).wait(ctx, at.Seq, min(f.o.MaxLag/2, time.Second))
	if err != nil {
		return err
	}
	if f.position().Seq < head.Seq || f.unsure() {
		f.heard(head.Seq, asked)
		if asked, err = f.upToDate(ctx); err != nil {
			return err
		}
		head = f.position()
	} else if head.Seq < at.Seq || head.Seq == at.Seq && head != at {
		return f.restart(ctx, &AuditError{Event: at.Seq, Reason: fmt.Sprintf("the store's newest is %s, and %s was followed", head, at), Err: ErrDiverged})
	}
	f.heard(head.Seq, asked)
	f.keep()
	return nil
}

func (f *Follower) unsure() bool {
	f.applying.Lock()
	defer f.applying.Unlock()
	return f.pending != nil
}

// upToDate is catchUp, and once more where that took so long that it says little of what there is
// now, as where the whole store was read. It returns when it was asked.
func (f *Follower) upToDate(ctx context.Context) (asked time.Time, err error) {
	for i := 0; i < 3 && (i == 0 || time.Since(asked) > f.o.MaxLag/2); i++ {
		now := time.Now()
		if err := f.catchUp(ctx); err != nil && i == 0 {
			return now, err
		} else if err != nil {
			break // the next turn tells
		}
		asked = now
	}
	return asked, nil
}

// catchUp takes over all events that there are.
func (f *Follower) catchUp(ctx context.Context) error {
	if err := f.settleSnapshot(ctx); err != nil {
		return err
	}
	// A connection that is dead without a word is not waited for as long as the system would.
	asking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := f.s.o.Busy
	silent := time.AfterFunc(patience, func() { cancel(noAnswer(patience)) })
	defer silent.Stop()
	for e, err := range f.s.Changes(asking, f.position()) {
		silent.Stop()
		if errors.Is(err, ErrDiverged) {
			return f.restart(ctx, err)
		}
		if err == nil {
			err = f.apply(&e)
		}
		if err != nil {
			return ended(asking, err)
		}
		silent.Reset(patience)
	}
	return nil
}

func (f *Follower) apply(e *Event) error {
	f.applying.Lock()
	defer f.applying.Unlock()
	return f.take(e)
}

// take is apply for who holds applying.
func (f *Follower) take(e *Event) error {
	if f.pending != nil || e.Seq != f.at.Seq+1 || e.PrevHash != f.at.Hash {
		return nil // somebody else was faster
	}
	if e.Op != "" { // else it is of records
		if err := f.m.Load().Apply(e.Change()); err != nil {
			return fmt.Errorf("store: event %d can't be made here: %w", e.Seq, err)
		}
	}
	f.at = Position{e.Seq, e.Hash}
	return nil
}

// settleSnapshot finds the place in the store's history of a snapshot that is in use, and else
// reads the store.
func (f *Follower) settleSnapshot(ctx context.Context) error {
	f.applying.Lock()
	defer f.applying.Unlock()
	if f.pending == nil && f.m.Load() != nil {
		return nil
	}
	if l := f.pending; l != nil {
		at, err := f.s.positionOf(ctx, *l)
		if err == nil {
			f.at, f.pending = at, nil
			f.mu.Lock()
			f.status.Saved = at
			f.mu.Unlock()
			return nil
		}
		if !errors.Is(err, ErrDiverged) {
			return err
		}
	}
	return f.build(ctx)
}

// restart reads the whole store again, for the one that was followed is not there any more.
func (f *Follower) restart(ctx context.Context, why error) error {
	f.failed(why)
	f.saving.Lock() // else what is being written of the old one would come in the place of the new file
	defer f.saving.Unlock()
	f.applying.Lock()
	defer f.applying.Unlock()
	return f.build(ctx)
}

// build makes a Matcher of all that is in the store. The caller holds applying, and saving unless
// nothing was ever saved.
func (f *Follower) build(ctx context.Context) error {
	var b match.Builder
	var at Position
	err := f.s.Read(ctx, func(v *View) error {
		at = v.at
		return v.Build(&b)
	})
	if err != nil {
		return err
	}
	var snap *match.Snapshot
	if f.o.Snapshot == "" {
		snap, err = b.Snapshot()
	} else if err = b.WriteFileAs(f.o.Snapshot, f.s.lineage(at)); err == nil {
		snap, err = f.written(at)
	}
	if err != nil {
		return err
	}
	m, err := match.New(f.o.Match)
	if err != nil {
		return err
	}
	if err := m.Load(snap); err != nil {
		return err
	}
	f.m.Store(m)
	f.at, f.pending = at, nil
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Builds++
	if f.o.Snapshot != "" {
		f.status.Saved, f.status.SavedErr = at, nil
	}
	return nil
}

// written opens the file that was written of a position.
func (f *Follower) written(at Position) (*match.Snapshot, error) {
	snap, err := match.OpenSnapshot(f.o.Snapshot)
	if err == nil && snap.Lineage() != f.s.lineage(at) {
		err = fmt.Errorf("%w: somebody else has written %s meanwhile; give each follower a file of its own", match.ErrInvalid, f.o.Snapshot)
	}
	return snap, err
}

// lineage is what a bank file of the store at a position has as its own. Sequence and ID depend
// on each other: a file that somebody has changed with match.Open is not taken for one of ours,
// nor is that of a store whose history was another one.
func (s *Store) lineage(at Position) match.Lineage {
	h := sha256.New()
	h.Write([]byte("rematch store follower\x00"))
	h.Write(s.id[:])
	_ = binary.Write(h, binary.BigEndian, at.Seq)
	h.Write(at.Hash[:])
	l := match.Lineage{Sequence: uint64(at.Seq)}
	copy(l.ID[:], h.Sum(nil))
	return l
}

// positionOf returns the position of a bank file of the store. The error of one that is not of its
// history is ErrDiverged.
func (s *Store) positionOf(ctx context.Context, l match.Lineage) (Position, error) {
	at := Position{Seq: int64(l.Sequence)}
	for r, err := range eventRows(ctx, s.read, at.Seq-1, 1) {
		if err != nil {
			return at, ended(ctx, err)
		}
		if r.seq == at.Seq {
			copy(at.Hash[:], r.hash)
		}
	}
	if s.lineage(at) != l {
		return at, &AuditError{Event: at.Seq, Reason: "the file is not a snapshot of this store's history", Err: ErrDiverged}
	}
	return at, nil
}

// keep writes the file when it is time to, beside the following.
func (f *Follower) keep() {
	if f.o.Snapshot == "" {
		return
	}
	at := f.position().Seq
	f.mu.Lock()
	since := at - f.status.Saved.Seq
	many := since >= int64(f.o.Changes) && f.status.SavedErr == nil // what can't be written is not tried with each event
	f.mu.Unlock()
	if since <= 0 || !many && time.Now().Before(f.saveNext) || !f.saving.TryLock() {
		return
	}
	f.saveNext = time.Now().Add(f.o.Every)
	f.done.Go(func() {
		defer f.saving.Unlock()
		_ = f.save() // Status tells
	})
}

// Save writes the file of FollowOptions.Snapshot as the Matcher is now; following goes on
// meanwhile. Whatever ends it, the old file or the new one is there.
func (f *Follower) Save() error {
	if f.o.Snapshot == "" {
		return fmt.Errorf("%w: FollowOptions.Snapshot is empty", match.ErrInvalid)
	}
	f.saving.Lock()
	defer f.saving.Unlock()
	return f.save()
}

func (f *Follower) save() error {
	f.applying.Lock()
	at, unsure := f.at, f.pending != nil
	frozen := f.m.Load().Freeze()
	f.applying.Unlock()
	if unsure {
		return fmt.Errorf("%w: the file was not yet found in the store's history", ErrBehind)
	}
	err := frozen.WriteFile(f.o.Snapshot, f.s.lineage(at))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status.SavedErr = err; err == nil {
		f.status.Saved = at
	}
	return err
}

// setAside writes into the store that an entry is set aside. The Matcher learns it from the feed, as
// on every node: it never has what the store has not, and no file that is written meanwhile has.
func (f *Follower) setAside(x match.Surge) error {
	ctx, cancel := f.s.patient(context.Background())
	defer cancel()
	for try := 0; ; try++ {
		var c Change
		there := false
		err := f.s.Read(ctx, func(v *View) error {
			e, ok, err := v.Entry(x.Bank, x.Entry)
			if err != nil || !ok {
				return cmp.Or(err, refuse(x.Bank, x.Entry, match.ErrUnknown, "there is no such entry in the bank"))
			}
			e.Curation = e.Curation.Clone()
			if e.Curation.Decision.Stance == match.Positive {
				return refuse(x.Bank, x.Entry, ErrConflict, "it was confirmed meanwhile, and goes on matching")
			}
			version, err := v.Version(x.Bank, x.Entry)
			there = e.Curation.Quarantine != match.Quarantine{} // another node was faster
			e.Curation.Quarantine = x.Quarantine
			c = Change{Change: match.Change{Op: match.SetEntry, Bank: match.Bank{Name: x.Bank}, Entries: []match.Entry{e}}, Expect: []int64{version}, Reason: "it suddenly matches far more uploads than it used to"}
			return err
		})
		if err != nil {
			return err
		}
		if !there {
			if _, err = f.s.Apply(ctx, f.o.Actor, c); errors.Is(err, ErrConflict) && try < 5 {
				continue // somebody has changed the entry
			} else if err != nil {
				return err
			}
		}
		f.hurry(ctx)
		return nil
	}
}

// hurry takes over what is new, so that it holds from the next upload on, unless that takes longer
// than the context lasts: the store may be being read anew. run does it in any case.
func (f *Follower) hurry(ctx context.Context) {
	if !f.hold(ctx) {
		return
	}
	at, unsure := f.at, f.pending != nil
	f.applying.Unlock()
	if unsure {
		return // where it is will be known when the store's history is
	}
	for e, err := range f.s.Changes(ctx, at) {
		if err != nil || !f.hold(ctx) {
			return
		}
		err = f.take(&e)
		f.applying.Unlock()
		if err != nil {
			return
		}
	}
}

// hold locks applying and reports whether it could before the context ended.
func (f *Follower) hold(ctx context.Context) bool {
	for !f.applying.TryLock() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return true
}
