package exchange_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/exchange"
)

// Each protocol of the table has a server here: one that has none is not tested, and fails.
func TestEveryProtocolHasAServer(t *testing.T) {
	names := []string{}
	for _, w := range wires {
		names = append(names, w.protocol)
	}
	for _, p := range exchange.Protocols() {
		assert.Contains(t, names, p.Name)
	}
	assert.Len(t, names, len(exchange.Protocols()))
	_, err := exchange.ParseProtocol("gopher")
	require.ErrorIs(t, err, exchange.ErrConfig)
}

// each runs a test for every protocol, with a server of n items.
func each(t *testing.T, n int, test func(*testing.T, *consortium)) {
	t.Helper()
	for _, w := range wires {
		t.Run(w.protocol, func(t *testing.T) { test(t, newConsortium(t, w, n)) })
	}
}

func TestContractReadsEverything(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		c.overTLS()
		var k kept
		source := c.open()
		for {
			p, err := source.Next(context.Background(), k.at)
			require.NoError(t, err)
			assert.Equal(t, k.pages == 0, p.Anew, "a reading from nothing says so on its first page alone")
			if k.take(t, p) {
				break
			}
		}
		assert.Equal(t, c.ids(), k.ids())
		assert.Empty(t, k.faults)
		for id, r := range k.records {
			require.Len(t, r.Signals, 1, id)
			assert.NotEmpty(t, r.Origin.Exchange)
		}
		if !c.wire.file {
			assert.Greater(t, k.pages, 2)
		}

		// Again, page by page in other processes, and once more where nothing has changed.
		var again kept
		require.NoError(t, c.pull(&again))
		assert.Equal(t, k.records, again.records)
		pages := again.pages
		require.NoError(t, c.pull(&again))
		assert.Equal(t, k.records, again.records)
		assert.Equal(t, pages+1, again.pages, "nothing new is one page")
	})
}

func TestContractWithdrawnIsGone(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		var k kept
		require.NoError(t, c.pull(&k))
		c.later(time.Minute)
		c.change(3, func(i *item) { i.gone = true })
		c.change(8, func(i *item) { i.gone = true })
		c.items = append(c.items, item{number: 20, hash: pdq(20), at: c.now.Unix() - 10})
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids())
		assert.NotContains(t, k.ids(), c.wire.id(item{number: 3, hash: pdq(3)}))
		c.later(time.Minute)
		c.change(3, func(i *item) { i.gone = false }) // and back
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids())
	})
}

func TestContractRetries(t *testing.T) {
	for name, fault := range map[string]func(w http.ResponseWriter) bool{
		"429": func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		},
		"500": func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return true },
		"cut": func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"data":[`))
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, 10, func(t *testing.T, c *consortium) {
				c.server.Config.ErrorLog = nil
				c.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool { return n%2 == 1 && fault(w) }
				var k kept
				require.NoError(t, c.pull(&k))
				assert.Equal(t, c.ids(), k.ids())
				require.NotEmpty(t, c.slept)
				if name == "429" {
					assert.Contains(t, c.slept, 7*time.Second, "it waits as long as it is told to")
				}
			})
		})
	}
}

func TestContractFailuresAreTyped(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(w http.ResponseWriter, r *http.Request)
		want  error
	}{
		"401":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, exchange.ErrCredentials},
		"403":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, exchange.ErrCredentials},
		"404":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, exchange.ErrRefused},
		"410":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, exchange.ErrStale},
		"503":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, exchange.ErrUnavailable},
		"empty": {func(http.ResponseWriter, *http.Request) {}, nil},
		"page":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html><p>Back soon</html>")) }, nil},
		"json":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"message":"back soon"}`)) }, nil},
		"429": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "90000")
			w.WriteHeader(429)
		}, exchange.ErrRate},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.example"+r.URL.Path+"?secret-token", http.StatusFound)
		}, exchange.ErrRedirect},
		"other protocol": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusFound)
		}, exchange.ErrRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, 10, func(t *testing.T, c *consortium) {
				var k kept
				require.NoError(t, c.pull(&k))
				before, asked := len(k.records), len(c.asked)
				c.later(time.Hour)
				c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool { test.fault(w, r); return true }
				err := c.pull(&k)
				require.Error(t, err)
				if test.want != nil {
					require.ErrorIs(t, err, test.want)
				} else if c.wire.protocol == "tat" {
					require.ErrorIs(t, err, exchange.ErrCredentials) // the login gave no token
				} else {
					require.ErrorIs(t, err, exchange.ErrPage)
				}
				assert.Len(t, k.records, before)
				assert.Less(t, len(c.asked)-asked, 12, "it gives up")
				hidden(t, c.wire, err.Error(), fmt.Sprintf("%+v", err))
				var failed *exchange.RequestError
				if name == "429" {
					require.ErrorAs(t, err, &failed)
					assert.Equal(t, 25*time.Hour, failed.Wait)
					assert.NotContains(t, c.slept, 25*time.Hour, "that long is for the caller to wait")
				}

				c.fault = nil // and it goes on from where it was
				c.change(2, func(i *item) { i.gone = true })
				c.later(time.Minute)
				require.NoError(t, c.pull(&k))
				assert.Equal(t, c.ids(), k.ids())
			})
		})
	}
}

// hidden fails if any of the secrets can be seen.
func hidden(t *testing.T, w wire, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, secret := range w.secrets {
			assert.NotContains(t, text, secret)
		}
	}
}

func TestContractHidesCredentials(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		config := c.config()
		b, err := config.Credentials.MarshalText()
		require.NoError(t, err)
		hidden(t, c.wire, string(b), fmt.Sprintf("%v %+v %#v %s", config, config, config.Credentials, config.Credentials))
		source := c.open()
		var k kept
		for {
			p, err := source.Next(context.Background(), k.at)
			require.NoError(t, err)
			hidden(t, c.wire, string(p.After), fmt.Sprintf("%+v", p))
			if k.take(t, p) {
				break
			}
		}
		hidden(t, c.wire, fmt.Sprintf("%+v %#v", source, source))
		c.fault = func(int, http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
		c.later(time.Minute)
		_, err = source.Next(context.Background(), k.at)
		require.ErrorIs(t, err, exchange.ErrUnavailable)
		hidden(t, c.wire, err.Error())
	})
}

func TestContractMalformedRecordIsSetAside(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		if c.wire.malformed == "" {
			t.Skip("a bank file has a checksum: it is whole or nothing")
		}
		raw := c.wire.malformed
		if strings.Contains(raw, "%d") {
			raw = fmt.Sprintf(raw, start+5*60)
		}
		c.items[5].raw = raw
		var k kept
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids())
		require.Len(t, k.faults, 1)
		f := k.faults[0]
		assert.NotEmpty(t, f.Reason)
		assert.NotEmpty(t, f.Page)
		assert.Equal(t, c.wire.position, f.Position)
		hidden(t, c.wire, f.Error())
	})
}

func TestContractHashesInEitherCase(t *testing.T) {
	each(t, 6, func(t *testing.T, c *consortium) {
		if c.wire.protocol == "rematch" {
			t.Skip("a bank file has hashes, not their digits")
		}
		var lower, upper kept
		require.NoError(t, c.pull(&lower))
		for i := range c.items {
			c.items[i].hash = " " + strings.ToUpper(c.items[i].hash) + "  "
		}
		require.NoError(t, c.pull(&upper))
		assert.Empty(t, upper.faults)
		assert.Equal(t, lower.ids(), upper.ids())
		for id, r := range lower.records {
			assert.Equal(t, r.Signals, upper.records[id].Signals)
		}
	})
}

// A page that comes twice is asked for again; one that comes always is told of, and ends.
func TestContractRepeatedPages(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		if c.wire.file {
			t.Skip("a file has no pages")
		}
		var previous []byte
		n := 0
		c.wreck = func(body []byte) []byte {
			if strings.Contains(string(body), `"token":`) { // a login
				return body
			}
			if n++; n == 2 {
				return previous
			}
			previous = body
			return body
		}
		var k kept
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids())

		var first []byte
		c.wreck = func(body []byte) []byte {
			if strings.Contains(string(body), `"token":`) {
				return body
			}
			if first == nil {
				first = body
			}
			return first
		}
		asked := len(c.asked)
		err := c.pull(&kept{})
		require.ErrorIs(t, err, exchange.ErrStuck)
		assert.Less(t, len(c.asked)-asked, 30)
	})
}

func TestContractTooLarge(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		small := func(config *exchange.Config) { config.HTTP.MaxPage, config.HTTP.MaxList = 150, 150 }
		err := c.pull(&kept{}, small)
		require.ErrorIs(t, err, exchange.ErrTooLarge)
		assert.Less(t, len(c.asked), 120)
		if !c.wire.file { // pages of fewer records are small enough
			var k kept
			require.NoError(t, c.pull(&k, func(config *exchange.Config) { config.HTTP.MaxPage = 700 }))
			assert.Equal(t, c.ids(), k.ids())
		}
	})
}

func TestContractCancelled(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		ctx, cancel := context.WithCancel(context.Background())
		release := make(chan struct{})
		defer close(release)
		c.fault = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
			cancel()
			select {
			case <-r.Context().Done():
			case <-release:
			}
			return true
		}
		_, err := c.open().Next(ctx, nil)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// A page that trickles for ever is given up, at the latest after all attempts.
func TestContractEndlessPage(t *testing.T) {
	each(t, 10, func(t *testing.T, c *consortium) {
		release := make(chan struct{})
		defer close(release)
		c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-release:
			}
			return true
		}
		_, err := c.open(func(config *exchange.Config) {
			config.HTTP.Timeout, config.HTTP.Attempts = 30*time.Millisecond, 2
		}).Next(context.Background(), nil)
		require.ErrorIs(t, err, exchange.ErrUnavailable)
		c.mu.Lock() // one that was given up may only now be heard
		defer c.mu.Unlock()
		assert.LessOrEqual(t, len(c.asked), 4, "and once for less")
	})
}

func TestContractCheckpointsOfOthers(t *testing.T) {
	each(t, 6, func(t *testing.T, c *consortium) {
		for _, at := range []string{"", "{}", "null", "[]", "no", `{"protocol":"other","version":1}`, fmt.Sprintf(`{"protocol":%q,"version":2}`, c.wire.protocol), strings.Repeat("x", 70_000)} {
			_, err := c.open().Next(context.Background(), exchange.Checkpoint(at))
			require.ErrorIs(t, err, exchange.ErrStale, at)
		}
		assert.Empty(t, c.asked)
	})
}

func TestContractConfigurations(t *testing.T) {
	each(t, 1, func(t *testing.T, c *consortium) {
		p, err := exchange.ParseProtocol(strings.ToUpper(c.wire.protocol))
		require.NoError(t, err)
		open := func(change func(*exchange.Config)) error {
			config := c.config()
			change(&config)
			_, err := p.Open(config)
			if err != nil {
				hidden(t, c.wire, err.Error())
			}
			return err
		}
		c.overTLS()
		require.NoError(t, open(func(*exchange.Config) {}))
		require.ErrorIs(t, open(func(config *exchange.Config) { config.Settings["grooup"] = "1" }), exchange.ErrConfig)
		base := func(address string) func(*exchange.Config) {
			return func(config *exchange.Config) {
				if c.wire.path != "" {
					config.Settings["url"] = address
				} else {
					config.Base = address
				}
			}
		}
		for _, address := range []string{"http://203.0.113.5/x", "ftp://127.0.0.1/", "https://user:hunter2@127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1:9/", "%"} {
			require.ErrorIs(t, open(base(address)), exchange.ErrConfig, address)
		}
		require.NoError(t, open(func(config *exchange.Config) {
			base("http://127.0.0.1:9/x")(config)
			config.HTTP.Loopback = true
		}))
		require.ErrorIs(t, open(func(config *exchange.Config) {
			base("http://203.0.113.5/x")(config)
			config.HTTP.Loopback = true
		}), exchange.ErrConfig)
		if p.Needed {
			for _, text := range []string{"", "x", ":"} {
				require.ErrorIs(t, open(func(config *exchange.Config) { config.Credentials = exchange.NewCredentials(text) }), exchange.ErrCredentials, text)
			}
		}
		for _, s := range p.Settings {
			if s.Required {
				require.ErrorIs(t, open(func(config *exchange.Config) { delete(config.Settings, s.Name) }), exchange.ErrConfig)
				require.ErrorIs(t, open(func(config *exchange.Config) { config.Settings[s.Name] = "no such" }), exchange.ErrConfig)
			}
		}
		_, sink := c.open().(exchange.Sink)
		assert.Equal(t, p.Writes, sink)
	})
}
