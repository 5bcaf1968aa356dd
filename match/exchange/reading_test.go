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

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// Checkpoints that are too old to be told of all withdrawals since are begun anew.
func TestStaleCheckpoints(t *testing.T) {
	for protocol, days := range map[string]int{"threatexchange": 85, "stopncii": 30} {
		c := newConsortium(t, wireOf(t, protocol), 10)
		var k kept
		require.NoError(t, c.pull(&k))
		c.later(time.Duration(days)*24*time.Hour - time.Hour)
		p, err := c.open().Next(context.Background(), k.at)
		require.NoError(t, err)
		assert.False(t, p.Anew, protocol)
		c.later(2 * time.Hour)
		c.items = c.items[1:] // its tombstone is gone by now
		p, err = c.open().Next(context.Background(), k.at)
		require.NoError(t, err)
		assert.True(t, p.Anew, protocol)
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids(), protocol)
	}
}

// What comes within the second that was read last is not lost.
func TestTheSameSecond(t *testing.T) {
	for _, protocol := range []string{"threatexchange", "stopncii", "tat"} {
		c := newConsortium(t, wireOf(t, protocol), 6)
		var k kept
		require.NoError(t, c.pull(&k))
		c.items = append(c.items, item{number: 6, hash: pdq(6), at: c.items[5].at})
		require.NoError(t, c.pull(&k))
		assert.Equal(t, c.ids(), k.ids(), protocol)
	}
}

// cutOff is a transport whose answers end when the client has waited for long enough, as if they were whole.
type cutOff struct{}

func (cutOff) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: &cutBody{r.Context(), strings.NewReader(pdq(1) + "\n")}, Header: http.Header{}, ContentLength: -1, Request: r}, nil
}

type cutBody struct {
	ctx  context.Context
	text *strings.Reader
}

func (b *cutBody) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	if err != nil {
		<-b.ctx.Done()
	}
	return n, err
}

func (b *cutBody) Close() error { return nil }

// Half of a list that looks whole would make the other half gone.
func TestAnswersThatEndWithOurPatience(t *testing.T) {
	c := newConsortium(t, wireOf(t, "list"), 3)
	_, err := c.open(func(config *exchange.Config) {
		config.HTTP.Transport, config.HTTP.Timeout, config.HTTP.Attempts = cutOff{}, 10*time.Millisecond, 2
	}).Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrUnavailable)
}

// The middle of a reading outlives its cursor.
func TestOldCursors(t *testing.T) {
	for protocol, hours := range map[string]int{"threatexchange": 13, "ncmec": 13, "stopncii": 2} {
		for _, refused := range []bool{false, true} {
			c := newConsortium(t, wireOf(t, protocol), 10)
			c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				q := r.URL.Query()
				if refused && (q.Get("after") == "4" || q.Get("start") == "4" || q.Get("nextPageToken") == "token4") {
					w.WriteHeader(http.StatusBadRequest)
					return true
				}
				return false
			}
			p, err := c.open().Next(context.Background(), nil)
			require.NoError(t, err)
			var k kept
			k.take(t, p)
			if refused {
				p, err = c.open().Next(context.Background(), k.at)
				require.NoError(t, err)
				assert.False(t, p.Last)
				k.take(t, p)
				c.fault = nil
			} else {
				c.later(time.Duration(hours) * time.Hour)
				c.change(1, func(i *item) { i.gone = true }) // which moves all that the cursor counts
			}
			require.NoError(t, c.pull(&k))
			assert.Equal(t, c.ids(), k.ids(), protocol)
		}
	}
}

// A cursor that comes again is a round, however long.
func TestRoundsOfCursors(t *testing.T) {
	c := newConsortium(t, wireOf(t, "stopncii"), 0)
	c.wire.serve = func(_ *consortium, _ http.ResponseWriter, r *http.Request) []byte {
		n := number(strings.TrimPrefix(r.URL.Query().Get("nextPageToken"), "t"))
		return fmt.Appendf(nil, `{"count":0,"nextPageToken":"t%d","nextSetTimestamp":5,"hasMoreRecords":true,"hashRecords":[]}`, n%17+1)
	}
	require.ErrorIs(t, c.pull(&kept{}), exchange.ErrStuck)
	assert.Less(t, len(c.asked), 80)
}

// NCMEC's ranges: only what is exhausted moves the checkpoint, long ones are cut, short ones grow.
func TestNCMECRanges(t *testing.T) {
	w := wireOf(t, "ncmec")
	w.page = 1000
	c := newConsortium(t, w, 0)
	var ranges [][2]time.Time
	c.wire.serve = func(c *consortium, _ http.ResponseWriter, r *http.Request) []byte {
		from, err := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
		require.NoError(t, err)
		to, err := time.Parse(time.RFC3339, r.URL.Query().Get("to"))
		require.NoError(t, err)
		ranges = append(ranges, [2]time.Time{from, to})
		if to.Sub(from) > 100*24*time.Hour { // an entry every eight seconds
			return fmt.Appendf(nil, `<queryResult><images/><paging><next>/v2/entries?from=%s&amp;to=%s&amp;start=1001&amp;size=1000&amp;max=%d</next></paging></queryResult>`,
				from.Format(time.RFC3339), to.Format(time.RFC3339), 1001+int64(to.Sub(from)/time.Second/8))
		}
		return []byte(`<queryResult><images/></queryResult>`)
	}
	var k kept
	for range 40 {
		p, err := c.open().Next(context.Background(), k.at)
		require.NoError(t, err)
		k.take(t, p)
	}
	first := len(ranges)
	assert.Less(t, first, 100)
	var at time.Time
	for _, r := range ranges {
		assert.False(t, r[0].Before(at), "none begins before one that is exhausted ends")
		if r[1].Sub(r[0]) <= 100*24*time.Hour {
			at = r[1]
		}
	}
	assert.Greater(t, at.Unix(), int64(100_000_000), "and it gets on")

	// How long the ranges are where there is nothing, a few entries, or a second with very many.
	lengths := func(entries int, estimate int64) (all []int64) {
		c := newConsortium(t, w, 0)
		c.wire.serve = func(_ *consortium, _ http.ResponseWriter, r *http.Request) []byte {
			from, err := time.Parse(time.RFC3339, r.URL.Query().Get("from"))
			require.NoError(t, err)
			to, err := time.Parse(time.RFC3339, r.URL.Query().Get("to"))
			require.NoError(t, err)
			all = append(all, int64(to.Sub(from)/time.Second))
			page := "<queryResult><images>" + strings.Repeat("<deletedImage><member id='1'/><id>x</id></deletedImage>", entries) + "</images>"
			if estimate > 0 && r.URL.Query().Get("start") == "" {
				page += fmt.Sprintf("<paging><next>/v2/entries?%s&amp;start=1&amp;max=%d</next></paging>", strings.ReplaceAll(r.URL.RawQuery, "&", "&amp;"), estimate)
			}
			return []byte(page + "</queryResult>")
		}
		k := kept{at: exchange.Checkpoint(fmt.Sprintf(`{"protocol":"ncmec","version":1,"scope":"test_Industry","from":%d,"end":%d,"span":8}`, start, start+5000))}
		for range 6 {
			p, err := c.open().Next(context.Background(), k.at)
			require.NoError(t, err)
			k.take(t, p)
		}
		return all
	}
	assert.Equal(t, []int64{8, 32, 128, 512, 2048, 2272}, lengths(0, 0))
	assert.Equal(t, []int64{8, 8, 8, 8, 16, 16}, lengths(1, 0))
	assert.Equal(t, []int64{8, 2, 1, 1, 1, 1, 1}, lengths(1, 1_000_000)[:7], "no shorter than a second, which has all its pages")

	// One that takes the exchange longer than we wait is asked for in a shorter one.
	c = newConsortium(t, wireOf(t, "ncmec"), 3)
	c.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n <= 5 {
			w.WriteHeader(http.StatusGatewayTimeout)
		}
		return n <= 5
	}
	k = kept{}
	require.NoError(t, c.pull(&k))
	assert.Equal(t, c.ids(), k.ids())

	// Where the exchange's clock is behind ours, what it has not seen yet may still come.
	c = newConsortium(t, wireOf(t, "ncmec"), 3)
	server := time.Unix(start+150, 0)
	c.fault = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Date", server.UTC().Format(http.TimeFormat))
		return false
	}
	c.items[2].at = start + 9999 // later than our range ends, by our clock
	k = kept{}
	require.NoError(t, c.pull(&k))
	require.Len(t, k.records, 2)
	c.items = append(c.items, item{number: 9, hash: pdq(9), at: start + 160}) // after the server's now, before ours
	server = server.Add(24 * time.Hour)
	c.later(24 * time.Hour)
	require.NoError(t, c.pull(&k))
	assert.Equal(t, c.ids(), k.ids())
}

// Tech Against Terrorism's tokens: one login is for many pages, and one that has run out is made again, once.
func TestTATTokens(t *testing.T) {
	c := newConsortium(t, wireOf(t, "tat"), 10)
	source := c.open()
	var k kept
	for n := 0; ; n++ {
		p, err := source.Next(context.Background(), k.at)
		require.NoError(t, err)
		if k.take(t, p) {
			break
		}
		if n == 0 {
			assert.Equal(t, 1, c.tokens)
			c.tokens = 7 // the one that was given is no more
		}
	}
	assert.Equal(t, 8, c.tokens)
	assert.Equal(t, c.ids(), k.ids())
	for _, asked := range c.asked {
		assert.NotContains(t, asked, "elsewhere.example")
	}
	_, err := c.open(func(config *exchange.Config) { config.Credentials = exchange.NewCredentials("analyst:wrong") }).Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrCredentials)
	for _, c.forms = range []string{"application/json", "application/x-www-form-urlencoded"} {
		require.NotEmpty(t, c.one().Records, c.forms)
	}
}

func openPath(t *testing.T, protocol, path string, settings map[string]string) exchange.Source {
	t.Helper()
	p, err := exchange.ParseProtocol(protocol)
	require.NoError(t, err)
	all := map[string]string{"path": path}
	for k, v := range settings {
		all[k] = v
	}
	s, err := p.Open(exchange.Config{Settings: all})
	require.NoError(t, err)
	return s
}

func TestListsOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	write := func(text string, age time.Duration) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		at := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	write("\xef\xbb\xbf# ours\r\n"+pdq(1)+"\r\nvideo_md5 9DD4E461268C8034F5C8564E155C67A6\n\npdq:"+pdq(2)+"\nraw_text some words\n"+pdq(1)+"\n  dhash 0011223344556677 \nMD5 12\n", time.Hour)
	s := openPath(t, "list", path, map[string]string{"label": "b, a"})
	var k kept
	p, err := s.Next(context.Background(), nil)
	require.NoError(t, err)
	require.True(t, k.take(t, p))
	assert.Equal(t, []string{"dhash:0011223344556677", "md5:9dd4e461268c8034f5c8564e155c67a6", "pdq:" + pdq(1), "pdq:" + pdq(2), "raw_text:some words"}, k.ids())
	assert.Equal(t, []string{"a", "b"}, k.records["pdq:"+pdq(1)].Labels)
	require.Len(t, k.faults, 1)
	assert.Equal(t, 6, k.faults[0].Position)
	assert.Contains(t, k.faults[0].Reason, "2 hex digits")

	// Unchanged it is not read.
	require.NoError(t, os.Chmod(path, 0))
	p, err = s.Next(context.Background(), k.at)
	require.NoError(t, err)
	assert.True(t, p.Last && !p.Anew)
	assert.Equal(t, k.at, p.After)
	require.NoError(t, os.Chmod(path, 0o600))

	// A line less is a removal.
	write(pdq(2)+"\n", time.Minute)
	p, err = s.Next(context.Background(), k.at)
	require.NoError(t, err)
	require.True(t, k.take(t, p))
	assert.Equal(t, []string{"pdq:" + pdq(2)}, k.ids())
	// A young file may change within its date; it is compared, and found to be the same.
	write(pdq(2)+"\n", 0)
	p, err = s.Next(context.Background(), k.at)
	require.NoError(t, err)
	assert.True(t, p.Last && !p.Anew)
	write(pdq(3)+"\n", 0)
	p, err = s.Next(context.Background(), p.After)
	require.NoError(t, err)
	assert.True(t, p.Anew)

	// Cut to nothing, or gone, it removes nothing; nothing but a comment does.
	write("", time.Minute)
	_, err = s.Next(context.Background(), k.at)
	require.ErrorIs(t, err, exchange.ErrPage)
	write("# none\n", time.Minute)
	p, err = s.Next(context.Background(), k.at)
	require.NoError(t, err)
	assert.True(t, p.Sure)
	require.True(t, k.take(t, p))
	assert.Empty(t, k.records)
	require.NoError(t, os.Remove(path))
	_, err = s.Next(context.Background(), k.at)
	require.ErrorIs(t, err, exchange.ErrUnavailable)
	_, err = openPath(t, "list", t.TempDir(), nil).Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrConfig)
}

// A long list comes in pages; one that changes between two of them is begun anew.
func TestLongLists(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	var b strings.Builder
	for i := range 10_500 {
		b.WriteString(pdq(i) + "\n")
	}
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	var anew []bool
	var k kept
	for {
		p, err := openPath(t, "list", path, nil).Next(context.Background(), k.at)
		require.NoError(t, err)
		anew = append(anew, p.Anew)
		if k.take(t, p) {
			break
		}
		if len(anew) == 1 {
			require.NoError(t, os.WriteFile(path, []byte(b.String()[65:]), 0o600))
		}
	}
	assert.Equal(t, []bool{true, true, false}, anew)
	assert.Len(t, k.records, 10_499)
	assert.NotContains(t, k.records, "pdq:"+pdq(0))
}

func TestTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.csv")
	read := func(text string, settings map[string]string) *exchange.Page {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		p, err := openPath(t, "csv", path, settings).Next(context.Background(), nil)
		require.NoError(t, err)
		return p
	}
	p := read("\xef\xbb\xbfID;Algorithm;Hash;Labels;note\r\n"+
		"7;PDQ;"+strings.ToUpper(pdq(1))+";\"one|two\";\"several\r\nlines; \"\"quoted\"\"\"\r\n"+
		"8;md5;9dd4e461268c8034f5c8564e155c67a6\r\n"+
		"9;PhotoDNA;AAEC;x\r\n"+
		"10;md5;zz;x\r\n"+
		"11;;"+pdq(2)+";\r\n\r\n"+
		"12;pdq;\"no end\r\n"+
		"13;pdq;"+pdq(3)+"\r\n", nil)
	require.True(t, p.Last)
	var ids []string
	for _, r := range p.Records {
		ids = append(ids, r.ID+" "+r.Origin.ID)
	}
	assert.Equal(t, []string{"pdq:" + pdq(1) + " 7", "md5:9dd4e461268c8034f5c8564e155c67a6 8", "photodna:AAEC 9", "pdq:" + pdq(2) + " 11", "pdq:" + pdq(3) + " 13"}, ids)
	assert.Equal(t, []string{"one", "two"}, p.Records[0].Labels)
	require.Len(t, p.Faults, 2)
	assert.Equal(t, 3, p.Faults[0].Position)
	assert.Equal(t, 5, p.Faults[1].Position)

	// A column for each kind: what stands in a row is one item.
	p = read("content_id,md5,sha1,pdq,label\na,9dd4e461268c8034f5c8564e155c67a6,,"+pdq(1)+",x\nb,,,"+pdq(2)+",\nc,,,,\nd,short,,"+pdq(3)+",\n", map[string]string{"label": "all"})
	require.Len(t, p.Records, 3)
	assert.Equal(t, "a", p.Records[0].Origin.ID)
	assert.Equal(t, []string{"md5:9dd4e461268c8034f5c8564e155c67a6", "pdq:" + pdq(1)}, values(p.Records[0]))
	assert.Equal(t, []string{"all", "x"}, p.Records[0].Labels)
	assert.Equal(t, []string{"pdq:" + pdq(3)}, values(p.Records[2]))
	assert.Len(t, p.Faults, 2)

	// Rows that are called the same, or that have a hash in common, are several all the same.
	p = read("content_id,pdq,md5\na,"+pdq(1)+",9dd4e461268c8034f5c8564e155c67a6\na,"+pdq(1)+",00d4e461268c8034f5c8564e155c67a6\na,"+pdq(2)+",\n", nil)
	require.Len(t, p.Records, 3)
	assert.Equal(t, []string{"md5:9dd4e461268c8034f5c8564e155c67a6", "md5:00d4e461268c8034f5c8564e155c67a6", "pdq:" + pdq(2)}, []string{p.Records[0].ID, p.Records[1].ID, p.Records[2].ID})

	p = read("a\tb\nd\t0011223344556677\n", map[string]string{"hash_column": "B", "kind": "dhash"})
	require.Len(t, p.Records, 1)
	assert.Equal(t, "dhash:0011223344556677", p.Records[0].ID)

	require.NoError(t, os.WriteFile(path, []byte("hash\n"+pdq(1)+"\n"), 0o600))
	_, err := openPath(t, "csv", path, map[string]string{"kind_column": "sort"}).Next(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrPage)
}

func TestBanksOfOthers(t *testing.T) {
	v, err := hash.ParseHex(hash.PDQ, pdq(1))
	require.NoError(t, err)
	at := time.Unix(start, 0).UTC()
	film := match.Entry{ID: "film", Duration: 2 * time.Second, Labels: []string{"y"}, Signals: []match.Signal{{Value: v, Quality: 90, To: time.Second}, {Value: v, Quality: 80, From: time.Second, To: 2 * time.Second, Transform: []string{"border"}}},
		Curation: &match.Curation{Expires: at.Add(1e9 * 3600), Note: "private", Opinions: []match.Opinion{{By: "ann", Ours: true, Says: match.Positive, At: at}, {By: "9", Says: match.Negative, At: at}},
			Decision: match.Decision{Stance: match.Positive, By: "bob", At: at}, Origin: match.Origin{Exchange: "ncmec", ID: "x", Severity: "A1"}}}
	path := filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, match.WriteFile(path, match.Bank{Name: "known", Labels: []string{"x"}, Entries: []match.Entry{film, {ID: "off", Disabled: true, Signals: []match.Signal{{Value: v}}}}},
		match.Bank{Name: "harmless", Allow: true, Entries: []match.Entry{{ID: "logo", Signals: []match.Signal{{Value: v}}}}}))
	p, err := openPath(t, "rematch", path, map[string]string{"bank": "known"}).Next(context.Background(), nil)
	require.NoError(t, err)
	assert.True(t, p.Last && p.Anew)
	require.Len(t, p.Records, 1, "what is disabled there is not taken")
	r := p.Records[0]
	assert.Equal(t, exchange.Record{ID: "film", Signals: film.Signals, Duration: film.Duration, Labels: []string{"x", "y"}, Expires: film.Curation.Expires, Origin: film.Curation.Origin,
		Opinions: []match.Opinion{{By: "ann", Says: match.Positive, At: at}, {By: "9", Says: match.Negative, At: at}, {By: "bob", Says: match.Positive, At: at, Tags: []string{"decision"}}}}, r)
	for _, bank := range []string{"", "harmless", "missing"} {
		_, err = openPath(t, "rematch", path, map[string]string{"bank": bank}).Next(context.Background(), nil)
		require.ErrorIs(t, err, exchange.ErrPage, bank)
	}
	require.NoError(t, os.WriteFile(path, []byte(pdq(5)+"\n"), 0o600)) // a list is as good
	p, err = openPath(t, "rematch", path, nil).Next(context.Background(), nil)
	require.NoError(t, err)
	require.Len(t, p.Records, 1)
	assert.Equal(t, "pdq:"+pdq(5), p.Records[0].ID)
}

// In the address of a list may be what only its friends know. It is not shown.
func TestListAddressesAreNotShown(t *testing.T) {
	c := newConsortium(t, wireOf(t, "list"), 3)
	c.fault = func(n int, w http.ResponseWriter, r *http.Request) bool {
		assert.Equal(t, "between-friends", r.URL.Query().Get("sig"))
		if n > 1 {
			w.WriteHeader(http.StatusNotFound)
		}
		return n > 1
	}
	withKey := func(config *exchange.Config) { config.Settings["url"] += "?sig=between-friends" }
	p, err := c.open(withKey).Next(context.Background(), nil)
	require.NoError(t, err)
	assert.NotContains(t, string(p.After), "between-friends")
	_, err = c.open(withKey).Next(context.Background(), p.After)
	require.ErrorIs(t, err, exchange.ErrRefused)
	assert.NotContains(t, err.Error(), "between-friends")
}
