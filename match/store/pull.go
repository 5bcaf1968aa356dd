package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// PullOptions of Pull. The zero value means the defaults.
type PullOptions struct {
	// Actor is who makes the changes, for the audit. The zero value: System "exchange NAME".
	Actor Actor
	// Lease is for how long an exchange stays taken when who pulls it has died; it is renewed
	// meanwhile. 0: 15 s; at least 100 ms.
	Lease time.Duration
	// Pages bounds a pull: an exchange that never comes to an end is left where it is then. 0:
	// 1,000,000.
	Pages int
	// Match are the options of the nodes that follow: what they set aside, Summary tells. Of them
	// Gate, Clean, CleanPercent and Release count.
	Match match.Options
	// Progress is told after each page what came up to it.
	Progress func(Summary)
}

const (
	defaultLease  = 15 * time.Second
	maxCheckpoint = 64 << 10
	maxListed     = 100 // of each list in a Summary
	// maxWait is for how long an exchange can keep us away: a day without it is a day without its
	// withdrawals.
	maxWait = 24 * time.Hour
	// maxPause is for how long a pull waits between two pages before it leaves the rest to the next.
	maxPause = time.Minute
)

// Summary is what a pull came to: all numbers are of records. Its requests are told by the Source.
type Summary struct {
	Exchange string
	Pages    int
	Anew     bool // it was read from nothing
	Complete bool // it came to the end; else more is left to the next pull, as PullOptions.Pages or the exchange want it

	Came      int // entries that are new
	Changed   int // entries that are other than before
	Unchanged int
	Went      int // withdrawn, or not there any more when it was read from nothing
	Waiting   int // came, and have nothing that can be compared: kept, and no entries

	// SetAside could not be taken over: malformed, or refused by the bank. What was kept of such
	// a record before stays. They are listed until they come again whole; see SetAside.
	SetAside int
	Faults   []exchange.RecordError // the first 100
	// Refused are hashes that came and match nothing, as match.Quarantined has them: what would match
	// what nobody meant, by cause.
	Refused     map[match.Cause]int
	RefusedList []match.Quarantined // the first 100

	Position Position // after the pull
}

func (s *Summary) clone() Summary {
	c := *s
	c.Refused = maps.Clone(s.Refused)
	c.Faults, c.RefusedList = slices.Clip(s.Faults), slices.Clip(s.RefusedList)
	return c
}

// HeldError is the error of an exchange that somebody else is pulling. It is ErrBusy.
type HeldError struct {
	Exchange, By string
	Until        time.Time // when the lease ends, unless it is renewed
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("store: the exchange %q is being pulled by %s, at least until %s", e.Exchange, e.By, e.Until.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrBusy) true.
func (e *HeldError) Is(target error) bool { return target == ErrBusy }

// PullError says at which page a pull has ended. All pages before it are kept.
type PullError struct {
	Exchange string
	Page     int // from 1, in this pull
	Err      error
}

func (e *PullError) Error() string {
	return fmt.Sprintf("store: pulling the exchange %q, page %d: %v", e.Exchange, e.Page, e.Err)
}

func (e *PullError) Unwrap() error { return e.Err }

// Pull reads an exchange from its checkpoint to the end. Each page is one transaction, with its
// checkpoint, what is gone before what came: whatever ends a pull, the next one goes on exactly after
// the last page that is in the store. Of an exchange that is read from nothing, what did not come
// again is dropped after the last page, some thousand records in a transaction; a pull that finds
// that unfinished finishes it first.
//
// Entries carry their Origin, Fetched when they came as they are, and the opinions of members. What is ours of an entry stays, whatever
// comes: decision, switch, note, own opinions, labels and dates that were set here. An entry that
// is withdrawn is dropped all the same. A record whose entry stays as it was is no event.
//
// Only one pulls an exchange at a time: a *HeldError (which is ErrBusy) is for all others. Other
// errors are *PullError around what the Source said, exchange.ErrPage or ErrStuck for a page after which
// nobody could go on, ErrEmpty, or the store's errors, and match.ErrUnknown for the exchange. ExchangeStatus.Err keeps them.
// A checkpoint that is exchange.ErrStale is forgotten: the exchange is read from nothing, once in a pull.
func (s *Store) Pull(ctx context.Context, name string, from exchange.Source, o PullOptions) (Summary, error) {
	sum := Summary{Exchange: name}
	sieve, err := o.resolve(name)
	if err != nil {
		return sum, err
	}
	p := &puller{s: s, name: name, by: o.Actor, holder: newHolder(), lease: o.Lease, sieve: sieve, sum: sum}
	if err := p.take(ctx, false); err != nil {
		return sum, err
	}
	run, cancel := context.WithCancelCause(ctx)
	beat := p.beat(run, cancel)
	err = p.run(run, from, o)
	if err != nil && run.Err() != nil && !errors.Is(err, ErrUnsure) {
		err = context.Cause(run) // why it was ended says more than that it was
	}
	cancel(nil)
	<-beat
	if err != nil {
		err = &PullError{name, p.sum.Pages + 1, err}
	}
	return p.sum, errors.Join(err, p.release(ctx, err))
}

// resolve fills in the defaults and returns the sieve of the nodes.
func (o *PullOptions) resolve(name string) (*match.Sieve, error) {
	o.Lease, o.Pages, o.Actor = cmp.Or(o.Lease, defaultLease), cmp.Or(o.Pages, 1_000_000), cmp.Or(o.Actor, Actor{System, fit("exchange "+name, 1024)})
	if o.Lease < 100*time.Millisecond || o.Pages < 0 {
		return nil, fmt.Errorf("%w: store: the options of a pull are a lease of %v and %d pages; want 100 ms at least, and pages", match.ErrInvalid, o.Lease, o.Pages)
	}
	if err := o.Actor.check(); err != nil {
		return nil, err
	}
	return match.NewSieve(o.Match)
}

// puller pulls an exchange, and holds its lease.
type puller struct {
	s      *Store
	name   string
	by     Actor
	holder string
	lease  time.Duration
	sieve  *match.Sieve
	sum    Summary

	x *exchangeRow // as it was written last
}

// newHolder names a puller so that a person can find it, and no other is called so.
func newHolder() string {
	host, _ := os.Hostname()
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // it never fails
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), hex.EncodeToString(raw[:]))
}

// take takes the lease, to pull or to leave the exchange.
func (p *puller) take(ctx context.Context, leave bool) error {
	_, err := p.s.transact(ctx, p.by, ListSync, func(w *writer) error {
		x, err := w.exchange(p.name)
		if err != nil {
			return err
		}
		d := &x.state
		switch {
		case d.Holder != "" && w.now.Before(d.Until):
			return &HeldError{p.name, d.Holder, d.Until}
		case leave: // everything is of an older reading
			d.Leaving, d.Sweeping, d.Anew = true, true, false
			d.Reading++
		case d.Leaving:
			return fmt.Errorf("%w: store: the exchange %q is being left; DropExchange ends it", match.ErrInvalid, p.name)
		}
		d.Holder, d.Until, d.Begun = p.holder, w.now.Add(p.lease), w.now
		p.x = x
		return w.keepState(x)
	})
	if errors.Is(err, ErrUnsure) {
		return errors.Join(err, p.release(ctx, nil)) // nobody waits for a holder who may not know that he is one
	}
	return err
}

// held returns the exchange, if the lease is still ours, and renews that.
func (p *puller) held(w *writer) (*exchangeRow, error) {
	x, err := w.exchange(p.name)
	if err != nil {
		return nil, err
	}
	if x.state.Holder != p.holder {
		return nil, &HeldError{p.name, cmp.Or(x.state.Holder, "nobody any more"), x.state.Until}
	}
	x.state.Until = w.now.Add(p.lease)
	return x, nil
}

// beat renews the lease until the context ends, and cancels the pull when it is lost. What can't
// be written is left to the next time: no page is kept without the lease.
func (p *puller) beat(ctx context.Context, lost context.CancelCauseFunc) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(p.lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			_, err := p.s.transact(ctx, p.by, ListSync, func(w *writer) error {
				x, err := p.held(w)
				if err != nil {
					return err
				}
				return w.keepState(x)
			})
			if _, is := errors.AsType[*HeldError](err); is || errors.Is(err, match.ErrUnknown) {
				lost(err)
				return
			}
		}
	}()
	return done
}

// release gives the lease back and notes how the pull ended.
func (p *puller) release(ctx context.Context, failed error) error {
	here := errors.Is(ctx.Err(), context.Canceled)
	ctx, cancel := p.s.patient(context.WithoutCancel(ctx))
	defer cancel()
	_, err := p.s.transact(ctx, p.by, ListSync, func(w *writer) error {
		x, err := p.held(w)
		if _, lost := errors.AsType[*HeldError](err); lost || errors.Is(err, match.ErrUnknown) {
			return nil // it is somebody else's now
		}
		if err != nil {
			return err
		}
		x.state.Holder, x.state.Until = "", time.Time{}
		switch {
		case failed != nil && here: // and no fault of the exchange
		case failed != nil:
			x.state.Failed, x.state.Error = w.now, fit(failed.Error(), 2048)
			if r, ok := errors.AsType[*exchange.RequestError](failed); ok && r.Wait > 0 {
				x.state.Next = w.now.Add(min(r.Wait, maxWait))
			}
		case p.sum.Complete:
			x.state.Failed, x.state.Error = time.Time{}, ""
		}
		return w.keepState(x)
	})
	return err
}

func (p *puller) run(ctx context.Context, from exchange.Source, o PullOptions) error {
	if p.x.state.Sweeping {
		if err := p.sweep(ctx, p.sweepReason()); err != nil {
			return err
		}
	}
	for stale := false; p.sum.Pages < o.Pages; {
		at := exchange.Checkpoint(slices.Clone(p.x.checkpoint))
		page, err := from.Next(ctx, at)
		if errors.Is(err, exchange.ErrStale) && len(at) > 0 && !stale {
			stale = true
			if page, err = from.Next(ctx, nil); page != nil {
				page.Anew = true
			}
		}
		if err != nil {
			return err
		}
		if err := checkPage(page, at); err != nil {
			return err
		}
		if err := p.page(ctx, at, page); err != nil {
			return err
		}
		if p.x.state.Sweeping {
			if err := p.sweep(ctx, p.sweepReason()); err != nil {
				return err
			}
		}
		p.sum.Complete = page.Last
		if o.Progress != nil {
			o.Progress(p.sum.clone())
		}
		if page.Last {
			return nil
		}
		if page.Wait > maxPause {
			return nil
		}
		if err := cmp.Or(sleep(ctx, page.Wait), p.s.giveWay(ctx)); err != nil {
			return err
		}
	}
	return nil
}

func (p *puller) sweepReason() string {
	return fmt.Sprintf("not at the exchange %s any more", p.name)
}

// checkPage refuses a page after which nobody could go on.
func checkPage(page *exchange.Page, at exchange.Checkpoint) error {
	switch {
	case page == nil:
		return fmt.Errorf("there is no page: %w", exchange.ErrPage)
	case len(page.After) > maxCheckpoint:
		return fmt.Errorf("its checkpoint has %d bytes; want %d at most: %w", len(page.After), maxCheckpoint, exchange.ErrPage)
	case len(page.After) > 0 && !json.Valid(page.After):
		return fmt.Errorf("its checkpoint is not JSON: %w", exchange.ErrPage)
	case !page.Last && len(page.After) == 0:
		return fmt.Errorf("it is not the last, and has no checkpoint: %w", exchange.ErrPage)
	case !page.Last && bytes.Equal(page.After, at):
		return fmt.Errorf("the checkpoint is the one before: %w", exchange.ErrStuck)
	}
	return nil
}

// write takes something over in one transaction, if the lease is still ours.
func (p *puller) write(ctx context.Context, take func(in *intake) error) error {
	var sum Summary
	var x *exchangeRow
	w, err := p.s.transact(ctx, p.by, ListSync, func(w *writer) (err error) {
		if x, err = p.held(w); err != nil {
			return err
		}
		sum = p.sum.clone()
		if err := take(&intake{w: w, x: x, sieve: p.sieve, sum: &sum}); err != nil {
			return err
		}
		return w.keepState(x)
	})
	if err != nil {
		return err
	}
	sum.Position = w.at
	p.sum, p.x = sum, x
	return nil
}

// page takes a page over, with its checkpoint.
func (p *puller) page(ctx context.Context, at exchange.Checkpoint, page *exchange.Page) error {
	return p.write(ctx, func(in *intake) error {
		x, d, now := in.x, &in.x.state, in.w.now
		if !bytes.Equal(x.checkpoint, at) || !x.reads(&p.x.Exchange) {
			return fmt.Errorf("%w: the exchange's settings were changed meanwhile; pull again", ErrConflict)
		}
		in.sum.Pages++
		if page.Anew || len(at) == 0 {
			d.Anew, in.sum.Anew = true, true
			d.Reading++
			d.Brought = 0
		}
		d.Brought += int64(len(page.Gone) + len(page.Records) + len(page.Faults))
		if page.Last && d.Anew && d.Brought == 0 && d.Records > 0 && !page.Sure {
			return fmt.Errorf("%d records are kept: %w", d.Records, exchange.ErrEmpty)
		}
		if err := in.take(page); err != nil {
			return err
		}
		x.checkpoint = page.After
		if page.Wait > 0 {
			d.Next = now.Add(min(page.Wait, maxWait))
		}
		if page.Last && d.Anew {
			d.Anew, d.Sweeping = false, true
		} else if page.Last {
			d.Pulled = now
		}
		return nil
	})
}

// sweep drops what did not come again, a part in a transaction.
func (p *puller) sweep(ctx context.Context, reason string) error {
	after, done := "", false
	for {
		err := p.write(ctx, func(in *intake) (err error) {
			done, after, err = in.sweep(after, reason)
			if d := &in.x.state; done && !d.Leaving {
				d.Sweeping, d.Pulled = false, in.w.now
			}
			return err
		})
		if err != nil || done {
			return err
		}
		if err := p.s.giveWay(ctx); err != nil {
			return err
		}
	}
}
