package exchange_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/exchange"
)

func TestSettings(t *testing.T) {
	open := func(protocol string, change func(*exchange.Config)) error {
		c := newConsortium(t, wireOf(t, protocol), 0)
		config := c.config()
		change(&config)
		p, err := exchange.ParseProtocol(protocol)
		require.NoError(t, err)
		_, err = p.Open(config)
		return err
	}
	set := func(name, value string) func(*exchange.Config) {
		return func(config *exchange.Config) { config.Settings[name] = value }
	}
	for _, wrong := range []struct{ protocol, name, value string }{
		{"threatexchange", "page", "0"}, {"threatexchange", "page", "x"}, {"threatexchange", "page", "5000"}, {"threatexchange", "share_level", "BLUE"}, {"threatexchange", "group", "1/../2"},
		{"ncmec", "members", "42,x"}, {"ncmec", "environment", "industries"}, {"stopncii", "page", "-1"}, {"tat", "ideology", "other"}, {"list", "kind", "sha3"}, {"list", "path", "both"}, {"csv", "url", ""},
	} {
		require.ErrorIs(t, open(wrong.protocol, set(wrong.name, wrong.value)), exchange.ErrConfig, wrong)
	}
	for _, right := range []struct{ protocol, name, value string }{
		{"threatexchange", "page", "500"}, {"threatexchange", "share_level", "green"}, {"threatexchange", "types", "HASH_PDQ"}, {"ncmec", "environment", "TEST_industry"}, {"tat", "ideology", "far-right"}, {"csv", "kind", "PHASH"},
	} {
		require.NoError(t, open(right.protocol, set(right.name, right.value)), right)
	}
	require.ErrorIs(t, open("list", func(config *exchange.Config) { config.Settings = map[string]string{"path": "x"} }), exchange.ErrConfig, "a file on disk takes no credentials")
	for _, text := range []string{"a", "a,b,c", "a,b,Other=c"} {
		require.ErrorIs(t, open("stopncii", func(config *exchange.Config) { config.Credentials = exchange.NewCredentials(text) }), exchange.ErrCredentials, text)
	}
	_, err := exchange.Protocol{Name: "mine"}.Open(exchange.Config{})
	require.ErrorIs(t, err, exchange.ErrConfig)

	// The reference client's credentials for StopNCII may name the address.
	c := newConsortium(t, wireOf(t, "stopncii"), 3)
	p, err := c.open(func(config *exchange.Config) {
		config.Base = ""
		config.Credentials = exchange.NewCredentials(c.wire.credentials + "," + c.server.URL)
	}).Next(context.Background(), nil)
	require.NoError(t, err)
	assert.Len(t, p.Records, 3)

	// Settings reach the exchange.
	c = newConsortium(t, wireOf(t, "threatexchange"), 3)
	_, err = c.open(set("types", "HASH_PDQ, HASH_MD5"), set("page", "7")).Next(context.Background(), nil)
	require.NoError(t, err)
	assert.Contains(t, c.asked[0], "types=HASH_PDQ%2CHASH_MD5")
	assert.Contains(t, c.asked[0], "limit=7")
	c = newConsortium(t, wireOf(t, "tat"), 3)
	_, err = c.open(set("ideology", "far-right")).Next(context.Background(), nil)
	require.NoError(t, err)
	assert.Contains(t, c.asked[1], "/api/hash-list/v2/far-right?")
}

// A checkpoint is of the list that it was made for.
func TestCheckpointsOfOtherSettings(t *testing.T) {
	c := newConsortium(t, wireOf(t, "threatexchange"), 3)
	at := c.one().After
	_, err := c.open(func(config *exchange.Config) { config.Settings["group"] = "700124" }).Next(context.Background(), at)
	require.ErrorIs(t, err, exchange.ErrStale)
	c = newConsortium(t, wireOf(t, "ncmec"), 3)
	at = c.one().After
	_, err = c.open(func(config *exchange.Config) { config.Settings["environment"] = "test_NGO" }).Next(context.Background(), at)
	require.ErrorIs(t, err, exchange.ErrStale)
	_, err = newConsortium(t, wireOf(t, "tat"), 3).open().Next(context.Background(), at)
	require.ErrorIs(t, err, exchange.ErrStale)

	// What was left out before would never come.
	for _, test := range [][3]string{{"threatexchange", "tags", "a"}, {"threatexchange", "types", "HASH_MD5"}, {"ncmec", "members", "1"}, {"ncmec", "classifications", "A1"},
		{"list", "label", "a"}, {"csv", "kind", "phash"}} {
		c := newConsortium(t, wireOf(t, test[0]), 3)
		at := c.one().After
		_, err := c.open(func(config *exchange.Config) { config.Settings[test[1]] = test[2] }).Next(context.Background(), at)
		require.ErrorIs(t, err, exchange.ErrStale, test)
	}
	c = newConsortium(t, wireOf(t, "stopncii"), 3)
	at = c.one().After
	_, err = c.open(func(config *exchange.Config) {
		config.Credentials = exchange.NewCredentials("functionkey0001,subscriptionkey0002,https://test.example/v1")
	}).Next(context.Background(), at)
	require.ErrorIs(t, err, exchange.ErrStale)
}

// Lists without an ETag are told by their date, or by what is in them.
func TestListsWithoutETags(t *testing.T) {
	c := newConsortium(t, wireOf(t, "list"), 0)
	body, dated := pdq(1)+"\n", ""
	c.wire.serve = func(_ *consortium, w http.ResponseWriter, r *http.Request) []byte {
		if dated != "" {
			w.Header().Set("Last-Modified", dated)
			w.Header().Set("ETag", `"`+strings.Repeat("x", 5000)+`"`)
			if r.Header.Get("If-Modified-Since") == dated {
				w.WriteHeader(http.StatusNotModified)
				return nil
			}
		}
		return []byte(body)
	}
	p := c.one()
	assert.True(t, p.Anew && p.Last)
	again, err := c.open().Next(context.Background(), p.After)
	require.NoError(t, err)
	assert.True(t, again.Last && !again.Anew, "the same bytes")
	dated = time.Unix(start, 0).UTC().Format(http.TimeFormat)
	again, err = c.open().Next(context.Background(), again.After)
	require.NoError(t, err)
	assert.False(t, again.Anew)
	last, err := c.open().Next(context.Background(), again.After)
	require.NoError(t, err)
	assert.Equal(t, again.After, last.After, "not modified")
	body, dated = pdq(2)+"\n", ""
	again, err = c.open().Next(context.Background(), last.After)
	require.NoError(t, err)
	assert.True(t, again.Anew)
}

func TestLargeFilesOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat(pdq(1)+"\n", 100)), 0o600))
	p, err := exchange.ParseProtocol("list")
	require.NoError(t, err)
	s, err := p.Open(exchange.Config{Settings: map[string]string{"path": path}, HTTP: exchange.HTTPOptions{MaxList: 6499}})
	require.NoError(t, err)
	_, err = s.Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrTooLarge)
	_, err = s.Next(context.Background(), exchange.Checkpoint(fmt.Sprintf(`{"protocol":"list","version":1,"scope":%q,"from":-1}`, filepath.ToSlash(path))))
	require.ErrorIs(t, err, exchange.ErrStale)
}

// Where many seconds can't be read it is not a record that is wrong, and reading stops.
func TestTooMuchLeftOut(t *testing.T) {
	for _, protocol := range []string{"threatexchange", "stopncii", "tat", "ncmec"} {
		c := newConsortium(t, wireOf(t, protocol), 44)
		for i := range c.items {
			if i%2 == 1 {
				c.items[i].raw = unreadable[protocol]
			}
		}
		var k kept
		require.ErrorIs(t, c.pull(&k), exchange.ErrPage, protocol)
		assert.Less(t, len(k.faults), 20, protocol)
		assert.NotEmpty(t, k.records, protocol)
	}
}
