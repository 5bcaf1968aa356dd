package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// both is an exchange that is read and told.
type both struct {
	*server
	*sink
}

// An exchange is pulled and told again and again, whatever one time went wrong, until it is left.
func TestWatch(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	require.NoError(t, s.Queue(t.Context(), ann, "x", vote("1", exchange.Seen)))
	v, k := newServer(10), &sink{}
	v.put(shared("1", 1))
	down := errors.New("down")
	turns, told := 0, 0
	err := s.Watch(t.Context(), "x", WatchOptions{
		Every: 5 * time.Millisecond,
		Push:  true,
		Open: func(_ context.Context, x Exchange) (exchange.Source, error) {
			assert.Equal(t, "b", x.Bank)
			if turns == 2 {
				return nil, down
			}
			return both{v, k}, nil
		},
		Pulled: func(sum Summary, err error) {
			turns++
			switch turns {
			case 1:
				assert.NoError(t, err)
				assert.Equal(t, 1, sum.Came)
				v.put(shared("2", 2))
			case 2:
				assert.Equal(t, 1, sum.Came)
			case 3:
				assert.ErrorIs(t, err, down)
				v.fail = func(int) error { return down }
			case 4:
				assert.ErrorIs(t, err, down)
				v.fail = nil
				v.withdraw("1")
			case 5:
				assert.Equal(t, 1, sum.Went)
				same(t, s, v)
				assert.NoError(t, s.DropExchange(t.Context(), ann, "x"))
			}
		},
		Pushed: func(sum PushSummary, err error) {
			told += sum.Sent
		},
	})
	assert.ErrorIs(t, err, match.ErrUnknown)
	assert.Equal(t, 5, turns)
	assert.Equal(t, 1, told)
	for _, bad := range []WatchOptions{{}, {Every: -1, Open: func(context.Context, Exchange) (exchange.Source, error) { return v, nil }}} {
		assert.ErrorIs(t, s.Watch(t.Context(), "x", bad), match.ErrInvalid)
	}
}

// A pull that came to its end is told, also where the watch ends in that moment.
func TestWatchEnds(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	v := newServer(10)
	v.put(shared("1", 1))
	ctx, cancel := context.WithCancel(t.Context())
	s.commit = func(tx *sql.Tx) error {
		err := tx.Commit()
		if now := status(t, s); now.Entries == 1 && now.Holder == "" {
			cancel()
		}
		return err
	}
	came := 0
	err := s.Watch(ctx, "x", WatchOptions{
		Open:   func(context.Context, Exchange) (exchange.Source, error) { return v, nil },
		Pulled: func(sum Summary, err error) { assert.NoError(t, err); came += sum.Came },
	})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, came)
}

// An exchange that asks to be left alone is, also by the next process.
func TestWatchWaits(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	v := newServer(10)
	v.wait = time.Hour
	v.put(shared("1", 1))
	pull(t, s, v)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.Watch(ctx, "x", WatchOptions{Every: time.Millisecond, Open: func(context.Context, Exchange) (exchange.Source, error) { return v, nil }})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, 1, v.reads)
}

// Wrong credentials are not tried again and again within seconds: an exchange may lock who does.
func TestWatchWithWrongCredentials(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	join(t, s, Exchange{Name: "x", Bank: "b"})
	for err, again := range map[error]bool{exchange.ErrCredentials: false, exchange.ErrConfig: false, exchange.ErrRefused: false, exchange.ErrRedirect: false,
		exchange.ErrUnavailable: true, exchange.ErrRate: true, exchange.ErrPage: true} {
		assert.Equal(t, again, !isFinal(&PullError{"x", 1, err}))
	}
	// One that asked to be left alone may have other settings before that time has come.
	v := newServer(10)
	v.wait = time.Hour
	pull(t, s, v)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	watched := make(chan error)
	go func() {
		watched <- s.Watch(ctx, "x", WatchOptions{Every: time.Millisecond, Open: func(_ context.Context, x Exchange) (exchange.Source, error) {
			cancel()
			return nil, exchange.ErrConfig
		}})
	}()
	join(t, s, Exchange{Name: "x", Bank: "b", Settings: map[string]string{"group": "2"}})
	assert.ErrorIs(t, <-watched, context.Canceled)
}
