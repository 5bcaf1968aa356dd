package exchange_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/exchange"
)

// allocated is how many bytes a function allocates, whether they are freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A page of a gigabyte, plain or packed into a megabyte, is left after the limit.
func TestGigabytePage(t *testing.T) {
	const limit = 1 << 17
	block := []byte(strings.Repeat("[", 1<<17))
	var member bytes.Buffer // of a gzip stream, which may have many
	z := gzip.NewWriter(&member)
	_, err := z.Write(block)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for _, packed := range []bool{false, true} {
		each(t, 3, func(t *testing.T, c *consortium) {
			c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/token-auth") {
					return false
				}
				part := block
				if packed {
					part = member.Bytes()
					w.Header().Set("Content-Encoding", "gzip")
				}
				for range 1 << 13 {
					if _, err := w.Write(part); err != nil {
						break
					}
				}
				return true
			}
			source := c.open(func(config *exchange.Config) {
				config.HTTP.MaxPage, config.HTTP.MaxList = limit, limit
				config.HTTP.Attempts = 1
			})
			var err error
			spent := allocated(func() { _, err = source.Next(context.Background(), nil) })
			require.ErrorIs(t, err, exchange.ErrTooLarge)
			assert.Less(t, spent/uint64(len(c.asked)), uint64(64*limit), "the pages are not held")
		})
	}
}

func TestHostilePages(t *testing.T) {
	laughs := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">`
	for i := 'b'; i < 'k'; i++ {
		laughs += `<!ENTITY ` + string(i) + ` "` + strings.Repeat("&"+string(i-1)+";", 10) + `">`
	}
	laughs += `]><queryResult><images><image><id>&j;</id></image></images></queryResult>`
	deep := strings.Repeat("[", 100_000)
	deepXML := "<queryResult><images><image>" + strings.Repeat("<x>", 5_000)
	for name, test := range map[string]struct{ protocol, page string }{
		"billion laughs":           {"ncmec", laughs},
		"entity without a type":    {"ncmec", `<queryResult><images><image><id>&j;</id></image></images></queryResult>`},
		"entity from a file":       {"ncmec", `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><queryResult><images><image><id>&f;</id></image></images></queryResult>`},
		"another encoding":         {"ncmec", `<?xml version="1.0" encoding="UTF-16"?><queryResult/>`},
		"deep XML":                 {"ncmec", deepXML},
		"XML without an end":       {"ncmec", `<queryResult><images>`},
		"another document":         {"ncmec", `<html><body/></html>`},
		"JSON for XML":             {"ncmec", `{"data":[]}`},
		"two documents":            {"ncmec", `<html/><queryResult/>`},
		"deep JSON":                {"threatexchange", `{"data":` + deep},
		"deep record":              {"threatexchange", `{"data":[{"id":` + deep + `}]}`},
		"deep objects":             {"stopncii", `{"hashRecords":[` + strings.Repeat(`{"a":`, 20_000)},
		"no list":                  {"threatexchange", `{}`},
		"no list, with count":      {"stopncii", `{"count":1,"nextSetTimestamp":1,"hasMoreRecords":false}`},
		"null list":                {"tat", `{"count":0,"next":null,"checkpoint":null,"results":null}`},
		"more behind the end":      {"tat", `{"results":[],"next":null,"checkpoint":null} {}`},
		"a list":                   {"tat", `[]`},
		"nothing":                  {"threatexchange", ``},
		"very many records":        {"threatexchange", `{"data":[` + strings.Repeat("{},", 20_000) + `{}]}`},
		"paging of another kind":   {"threatexchange", `{"data":[],"paging":7}`},
		"a date of another kind":   {"stopncii", `{"count":1,"nextSetTimestamp":{},"hasMoreRecords":false,"hashRecords":[]}`},
		"a date far from now":      {"stopncii", `{"count":1,"nextSetTimestamp":1e300,"hasMoreRecords":false,"hashRecords":[{}]}`},
		"a page of zeros":          {"list", strings.Repeat("\x00", 1<<20)},
		"an empty file":            {"list", "\n\n"},
		"a web page":               {"list", "<html>\n<body>\nsorry\n</body>"},
		"prose":                    {"list", "please come back\nlater this\nday\n"},
		"no column of hashes":      {"csv", "a,b\n1,2\n"},
		"quotes that do not pair":  {"csv", "\"hash\n1"},
		"half of a bank":           {"rematch", "rmbank\r\n\x03\x00"},
		"a bank file's name alone": {"rematch", "rmbank\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := fixed(t, test.protocol, test.page)
			if test.protocol == "list" || test.protocol == "csv" || test.protocol == "rematch" {
				serve := c.wire.serve
				c.wire.serve = func(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
					return c.serveFile(w, r, r.Header.Get("Authorization"), serve(c, w, r))
				}
			}
			var p *exchange.Page
			var err error
			spent := allocated(func() { p, err = c.open().Next(context.Background(), nil) })
			require.ErrorIs(t, err, exchange.ErrPage, "%+v", p)
			var where *exchange.PageError
			require.ErrorAs(t, err, &where)
			assert.NotEmpty(t, where.Reason)
			assert.LessOrEqual(t, where.Offset, int64(len(test.page)))
			assert.Less(t, spent, uint64(256<<20))
		})
	}
}

// What one record has by the ten thousand costs its time once, and not for each.
func TestManyVoices(t *testing.T) {
	const n = 10_000
	part := func(text string) string { return strings.TrimSuffix(strings.Repeat(text, n), ",") }
	for protocol, page := range map[string]string{
		"threatexchange": `{"data":[{"id":"1","indicator":"` + pdq(1) + `","type":"HASH_PDQ","descriptors":{"data":[` + part(`{"owner":{"id":"7"},"status":"MALICIOUS","tags":["x"]},`) + `]}}]}`,
		"stopncii":       `{"nextSetTimestamp":5,"hasMoreRecords":false,"hashRecords":[{"signalType":"ImagePDQ","hashValue":"` + pdq(1) + `","hashRegions":[` + part(`"UK",`) + `],"CSPFeedbacks":[` + part(`{"source":"a","feedbackValue":"Blocked","tags":["x"]},`) + `]}]}`,
		"ncmec":          `<queryResult><images><image><member id="1"/><id>a</id><fingerprints><pdq>` + pdq(1) + `</pdq></fingerprints><feedback><affirmativeFeedback type="Pdq"><members>` + strings.Repeat(`<member id="2"/>`, 10_000) + `</members></affirmativeFeedback></feedback></image></images></queryResult>`,
	} {
		p := fixed(t, protocol, page).one()
		require.Len(t, p.Records, 1, protocol)
		assert.LessOrEqual(t, len(p.Records[0].Opinions), 2, protocol)
	}
}

// A format that has changed is no reason to forget what is known: that none of many records can be read is told of the
// page, not of each.
func TestAllRecordsAreWrong(t *testing.T) {
	record := `{"id":"1","indicator":{"new":"shape"},"type":"HASH_PDQ"},`
	_, err := fixed(t, "threatexchange", `{"data":[`+strings.TrimSuffix(strings.Repeat(record, 30), ",")+`]}`).open().Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrPage)
	assert.Contains(t, err.Error(), "none of 30 records")
}

// Who can't prove to be the exchange is told nothing.
func TestUnknownCertificates(t *testing.T) {
	c := newConsortium(t, wireOf(t, "ncmec"), 3)
	c.overTLS()
	c.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	_, err := c.open(func(config *exchange.Config) { config.HTTP.Transport = nil }).Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrRefused)
	assert.Empty(t, c.asked)
}

// Waiting is over with the context, and what the exchange asks for beyond bounds is left to the caller.
func TestWaits(t *testing.T) {
	c := newConsortium(t, wireOf(t, "stopncii"), 3)
	c.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 1 {
			w.Header().Set("Retry-After", c.now.Add(90*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n == 1
	}
	require.Len(t, c.one().Records, 3)
	require.NotEmpty(t, c.slept)
	assert.Equal(t, 90*time.Second, c.slept[0], "a date is as good as seconds")
	c.asked, c.slept = nil, nil
	_, err := c.open(func(config *exchange.Config) {
		now := config.Now
		config.Now = func() time.Time { return now().Add(-time.Hour) }
	}).Next(context.Background(), nil)
	require.NoError(t, err)
	assert.Equal(t, 90*time.Second, c.slept[0], "by the exchange's clock")

	c = newConsortium(t, wireOf(t, "list"), 3)
	c.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	_, err = c.open(func(config *exchange.Config) { config.HTTP.Rate = 1000 }).Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrUnavailable)
	require.Len(t, c.asked, 5)
	var waits []time.Duration
	for _, d := range c.slept {
		if d > 10*time.Millisecond {
			waits = append(waits, d)
		}
	}
	require.Len(t, waits, 4)
	for i, d := range waits {
		mean := 500 * time.Millisecond << i
		assert.GreaterOrEqual(t, d, mean/2)
		assert.LessOrEqual(t, d, mean*3/2)
	}

	// Without faults the rate alone makes it wait.
	c = newConsortium(t, wireOf(t, "stopncii"), 12)
	source := c.open()
	var k kept
	for {
		p, err := source.Next(context.Background(), k.at)
		require.NoError(t, err)
		if k.take(t, p) {
			break
		}
	}
	assert.Equal(t, []time.Duration{100 * time.Millisecond, 100 * time.Millisecond}, c.slept)

	// What it asks for between pages is told.
	c.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "600")
		return false
	}
	p, err := source.Next(context.Background(), k.at)
	require.NoError(t, err)
	assert.Equal(t, 10*time.Minute, p.Wait)

	// The machine's own clock and waiting, where nobody gives others.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	c.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	_, err = c.open(func(config *exchange.Config) { config.Now, config.Sleep = nil, nil }).Next(ctx, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
