package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// DefaultEvery is how often Watch pulls: an exchange's hash must match within minutes of being shared.
const DefaultEvery = 5 * time.Minute

// firstAgain is how long Watch waits after a pull that failed, the first time.
const firstAgain = 5 * time.Second

// WatchOptions of Watch. The zero value means the defaults, but for Open.
type WatchOptions struct {
	PullOptions
	// Every is how often it pulls, unless the exchange asks to be left alone for longer; up to a
	// tenth is added by chance, so that many do not ask at once. 0: DefaultEvery.
	Every time.Duration
	// Open opens the exchange for one pull, with its settings as they are then.
	Open func(ctx context.Context, x Exchange) (exchange.Source, error)
	// Push also tells what is queued and due, after each pull, if what Open returns is a
	// exchange.Sink.
	Push bool
	// Pulled is told of each pull and how it ended; also of those that could not begin, and not of one
	// that ended with the context.
	Pulled func(Summary, error)
	// Pushed is told of each push in which something was due, also if all of it was kept back.
	Pushed func(PushSummary, error)
}

// Watch pulls an exchange again and again until the context ends, which is its error then. A pull
// that fails is tried again after 5 s, 10 s and so on up to Every; after Every where coming again sooner can't help, such
// as with wrong credentials, which might be locked for it. Other errors are match.ErrUnknown
// when the exchange is not there, or not any more, and ErrInvalid for options.
func (s *Store) Watch(ctx context.Context, name string, o WatchOptions) error {
	o.Every = cmp.Or(o.Every, DefaultEvery)
	if o.Every < 0 || o.Open == nil {
		return fmt.Errorf("%w: store: a watch every %v; want a time above 0, and Open", match.ErrInvalid, o.Every)
	}
	if _, err := o.PullOptions.resolve(name); err != nil {
		return err
	}
	for failures := 0; ; {
		x, err := s.Exchange(ctx, name)
		if errors.Is(err, match.ErrUnknown) {
			return err
		}
		if err == nil {
			if left := x.Next.Sub(s.o.Now()); left > 0 {
				if err := sleep(ctx, min(left, o.Every)); err != nil {
					return err
				}
				continue // it may have other settings by now, or be gone
			}
			err = s.turn(ctx, x.Exchange, &o)
		} else if o.Pulled != nil && ctx.Err() == nil {
			o.Pulled(Summary{Exchange: name}, err)
		}
		wait := o.Every + time.Duration(rand.Int64N(int64(o.Every)/10+1))
		switch {
		case err == nil:
			failures = 0
		case isFinal(err):
		default:
			wait = min(wait, firstAgain<<min(failures, 20))
			failures++
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// turn is one pull of a watch, and one push.
func (s *Store) turn(ctx context.Context, x Exchange, o *WatchOptions) error {
	sum := Summary{Exchange: x.Name}
	from, err := o.Open(ctx, x)
	if err == nil {
		sum, err = s.Pull(ctx, x.Name, from, o.PullOptions)
	}
	if o.Pulled != nil && (err == nil || ctx.Err() == nil) { // what came to its end is told in any case
		o.Pulled(sum, err)
	}
	to, can := from.(exchange.Sink)
	if !o.Push || !can || ctx.Err() != nil {
		return err
	}
	pushed, failed := s.Push(ctx, x.Name, to)
	if o.Pushed != nil && (failed != nil && ctx.Err() == nil || pushed.Sent+pushed.Failed+len(pushed.Kept) > 0) {
		o.Pushed(pushed, failed)
	}
	return err
}

// isFinal reports whether only a person can mend it.
func isFinal(err error) bool {
	for _, final := range []error{exchange.ErrCredentials, exchange.ErrConfig, exchange.ErrRefused, exchange.ErrRedirect} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}
