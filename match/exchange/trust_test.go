package exchange_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
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

// A redirect to another host is not followed, also if it speaks the same protocol.
func TestRedirectsToAnotherHost(t *testing.T) {
	reached := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer other.Close()
	each(t, 3, func(t *testing.T, c *consortium) {
		c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusFound)
			return true
		}
		_, err := c.open().Next(context.Background(), nil)
		require.ErrorIs(t, err, exchange.ErrRedirect)
	})
	assert.Zero(t, reached)
}

// What counts of several things that one member says, and of several members' dates.
func TestWhatCounts(t *testing.T) {
	p := fixed(t, "threatexchange", `{"data":[{"id":"1","indicator":"`+pdq(1)+`","type":"HASH_PDQ","descriptors":{"data":[
		{"id":"2","owner":{"id":"7"},"status":"MALICIOUS","expired_on":1790000000,"reactions":[{"key":"NON_MALICIOUS","value":"7,8"}]},
		{"id":"3","owner":{"id":"9"},"status":"NON_MALICIOUS","reactions":[{"key":"HELPFUL","value":"9"}]}]}}]}`).one()
	require.Len(t, p.Records, 1)
	r := p.Records[0]
	assert.True(t, r.Expires.IsZero(), "one of them shares it for ever")
	says := map[string]match.Stance{}
	for _, o := range r.Opinions {
		says[o.By] = o.Says
	}
	assert.Equal(t, map[string]match.Stance{"7": match.Positive, "8": match.Negative, "9": match.Negative}, says, "a descriptor of one's own counts before a reaction")

	up, down := `<affirmativeFeedback type="Md5"><members><member id="8"/></members></affirmativeFeedback>`, `<negativeFeedback type="Pdq"><reasons><reason guid="1" name="n"/><members><member id="8"/></members></reasons></negativeFeedback>`
	for _, votes := range []string{up + down, down + up} {
		p := fixed(t, "ncmec", `<queryResult><images><image><member id="7"/><id>a</id><fingerprints><md5>9dd4e461268c8034f5c8564e155c67a6</md5><pdq>`+pdq(1)+`</pdq></fingerprints><feedback>`+votes+`</feedback></image></images></queryResult>`).one()
		require.Len(t, p.Records, 1)
		assert.Equal(t, match.Negative, p.Records[0].Opinions[1].Says, "that one of its hashes is bad, in either order")
	}
}
