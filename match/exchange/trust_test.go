package exchange_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/exchange"
)

// One record with a date in the future hides none of those that come later, also if the cursor is lost behind it.
func TestDatesFromTheFuture(t *testing.T) {
	for _, protocol := range []string{"threatexchange", "stopncii"} {
		c := newConsortium(t, wireOf(t, protocol), 10)
		c.items[1].at = start + 10*365*24*3600
		p, err := c.open().Next(context.Background(), nil)
		require.NoError(t, err)
		var k kept
		require.False(t, k.take(t, p))
		c.later(13 * time.Hour)
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids(), protocol)
		c.later(time.Hour)
		c.items = append(c.items, item{number: 20, hash: pdq(20), at: c.now.Unix() - 60})
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids(), protocol)
	}
}

// An exchange that refuses each cursor as soon as it has given it is not asked for ever.
func TestCursorsThatAreAlwaysRefused(t *testing.T) {
	for _, protocol := range []string{"threatexchange", "ncmec", "stopncii"} {
		c := newConsortium(t, wireOf(t, protocol), 10)
		for i := range c.items { // all at once, so that no other way leads on
			c.items[i].at = start
		}
		c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			q := r.URL.Query()
			if q.Has("after") || q.Has("start") || q.Has("nextPageToken") {
				w.WriteHeader(http.StatusBadRequest)
				return true
			}
			return false
		}
		require.ErrorIs(t, c.pull(&kept{}), exchange.ErrRefused, protocol)
		assert.Less(t, len(c.asked), 40, protocol)
	}
}

// A clock that is wrong is no reason to say that all was read.
func TestClocksThatAreWrong(t *testing.T) {
	c := newConsortium(t, wireOf(t, "ncmec"), 3)
	var k kept
	require.NoError(t, c.pull(&k))
	c.later(-time.Minute)
	require.NoError(t, c.pull(&k))
	c.later(-24 * time.Hour)
	require.ErrorIs(t, c.pull(&k), exchange.ErrConfig)

	for _, protocol := range []string{"threatexchange", "stopncii"} {
		c = newConsortium(t, wireOf(t, protocol), 3)
		c.later(3 * 365 * 24 * time.Hour)
		k = kept{}
		require.NoError(t, c.pull(&k))
		c.later(-2 * 365 * 24 * time.Hour)
		p, err := c.open().Next(context.Background(), k.at)
		require.NoError(t, err)
		assert.True(t, p.Anew, "%s: how old the checkpoint is can't be told", protocol)
	}
}

// An answer that is a part of one is none: half a list would look like one from which much was taken out.
func TestPartsOfAnswers(t *testing.T) {
	each(t, 3, func(t *testing.T, c *consortium) {
		for _, status := range []int{http.StatusPartialContent, http.StatusAccepted, http.StatusNoContent} {
			c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/token-auth") {
					w.WriteHeader(status)
				}
				return false
			}
			_, err := c.open().Next(context.Background(), nil)
			require.ErrorIs(t, err, exchange.ErrUnavailable)
		}
	})
}

// What an exchange calls something does not lead to anything else.
func TestNamesThatArePaths(t *testing.T) {
	c := newConsortium(t, wireOf(t, "threatexchange"), 0)
	c.wire.serve = func(_ *consortium, _ http.ResponseWriter, _ *http.Request) []byte {
		return []byte(`{"data":[{"id":"../me/feed","owner":{"id":"2"}}]}`)
	}
	err := c.open().(exchange.Sink).Send(context.Background(), exchange.Feedback{ID: "5000", Says: exchange.Seen})
	require.ErrorIs(t, err, exchange.ErrPage)
	assert.Len(t, c.asked, 1)
	c = newConsortium(t, wireOf(t, "ncmec"), 0)
	err = c.open().(exchange.Sink).Send(context.Background(), exchange.Feedback{ID: "42-..", Says: exchange.Helpful})
	require.ErrorIs(t, err, exchange.ErrNoSuchRecord)
	assert.Empty(t, c.asked)
}

// A cursor that Tech Against Terrorism knows no more is stale, and not the end of all reading.
func TestTATCursorsThatAreRefused(t *testing.T) {
	c := newConsortium(t, wireOf(t, "tat"), 3)
	at := c.one().After
	c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("after") {
			w.WriteHeader(http.StatusBadRequest)
		}
		return r.URL.Query().Has("after")
	}
	_, err := c.open().Next(context.Background(), at)
	require.ErrorIs(t, err, exchange.ErrStale)
	require.Len(t, c.one().Records, 3)
}
