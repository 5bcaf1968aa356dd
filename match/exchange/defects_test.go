package exchange_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // a zone far away, wherever the tests run

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// What the reference client gets wrong, by its number in the notes on peers' defects. Each test fails on the behaviour that its
// comment describes.

func wireOf(t *testing.T, protocol string) wire {
	t.Helper()
	for _, w := range wires {
		if w.protocol == protocol {
			return w
		}
	}
	t.Fatalf("no server for %s", protocol)
	return wire{}
}

// fixed makes a server that has one page.
func fixed(t *testing.T, protocol, page string) *consortium {
	t.Helper()
	w := wireOf(t, protocol)
	c := newConsortium(t, w, 0)
	serve := w.serve
	c.wire.serve = func(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
		if strings.HasPrefix(r.URL.Path, "/token-auth") {
			return serve(c, w, r)
		}
		return []byte(page)
	}
	return c
}

// one reads a single page.
func (c *consortium) one() *exchange.Page {
	c.t.Helper()
	p, err := c.open().Next(context.Background(), nil)
	require.NoError(c.t, err)
	return p
}

// It looks for the status in the hash, so that nothing is ever withdrawn.
func TestDefect01StopNCIIWithdrawn(t *testing.T) {
	record := func(hash, status, cases string) string {
		return fmt.Sprintf(`{"lastModtimestamp":1,"signalType":"ImagePDQ","hashValue":%q,"hashStatus":%q,"caseNumbers":{%s}}`, hash, status, cases)
	}
	c := fixed(t, "stopncii", `{"count":5,"nextPageToken":null,"nextSetTimestamp":99,"hasMoreRecords":false,"hashRecords":[`+strings.Join([]string{
		record(pdq(1), "Withdrawn", `"a":"Withdrawn"`), record(strings.ToUpper(pdq(2)), "Deleted", `"a":"Active"`), record(pdq(3), "Active", `"a":"Withdrawn","b":"Active"`),
		record(pdq(4), "Active", `"a":"Withdrawn","b":"Deleted"`), record(pdq(5), "Received", ``)}, ",")+`]}`)
	p := c.one()
	assert.Equal(t, []string{"ImagePDQ:" + pdq(1), "ImagePDQ:" + pdq(2), "ImagePDQ:" + pdq(4)}, p.Gone, "also what every case of has gone")
	require.Len(t, p.Records, 2)
	assert.Equal(t, "ImagePDQ:"+pdq(3), p.Records[0].ID)
	assert.Equal(t, "ImagePDQ:"+pdq(5), p.Records[1].ID)
}

// It sends the name of its own enumeration as the type, and drops VideoTMK.
func TestDefect02StopNCIITypes(t *testing.T) {
	c := newConsortium(t, wireOf(t, "stopncii"), 0)
	sink := c.open().(exchange.Sink)
	v, err := hash.ParseHex(hash.PDQ, pdq(1))
	require.NoError(t, err)
	ids, err := sink.Submit(context.Background(), []exchange.Record{{ID: "ours", Labels: []string{"Nude"}, Signals: []match.Signal{{Value: v}}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"ImagePDQ:" + pdq(1)}, ids)
	require.Len(t, c.sent, 1)
	path, body, _ := strings.Cut(c.sent[0], " ")
	assert.Equal(t, "/SubmitHashes", path)
	assert.JSONEq(t, fmt.Sprintf(`{"count":1,"hashRecords":[{"lastModtimestamp":%d,"signalType":"ImagePDQ","hashValue":%q,"CSPFeedbacks":[{"tags":["Nude"],"feedbackValue":"Blocked"}]}]}`, c.now.Unix(), pdq(1)), body)

	c = fixed(t, "stopncii", `{"count":2,"nextSetTimestamp":99,"hasMoreRecords":false,"hashRecords":[
		{"lastModtimestamp":1,"signalType":"VideoTMK","hashValue":"VE1L","hashStatus":"Active","caseNumbers":{"a":"Active"}},
		{"lastModtimestamp":1,"signalType":"SomethingNew","hashValue":"x","hashStatus":"Active","caseNumbers":{"a":"Active"}}]}`)
	p := c.one()
	require.Len(t, p.Records, 2)
	assert.Equal(t, []exchange.Foreign{{Type: "VideoTMK", Value: "VE1L"}}, p.Records[0].Later)
	assert.Equal(t, []exchange.Foreign{{Type: "SomethingNew", Value: "x"}}, p.Records[1].Later)
}

// unreadable are records that take others with them.
var unreadable = map[string]string{"threatexchange": `{"indicator":"x}`, "stopncii": `{"hashValue":"x}`, "tat": `{"hash_digest":"x}`, "ncmec": `<image><id>x</ide>`}

// A page that is no JSON is asked for for ever, and nothing behind it ever comes.
func TestDefect03MalformedPages(t *testing.T) {
	// One bad comma: the record is set aside, and the page holds.
	t.Run("a record in it", func(t *testing.T) {
		for _, protocol := range []string{"threatexchange", "stopncii", "tat"} {
			c := newConsortium(t, wireOf(t, protocol), 10)
			c.items[5].raw = `{"indicator" "x"; "hashValue":, "hash_digest"}`
			var k kept
			require.NoError(t, c.pull(&k), protocol)
			assert.Equal(t, c.ids(), k.ids(), protocol)
			require.Len(t, k.faults, 1, protocol)
			assert.Equal(t, 1, k.faults[0].Position)
		}
	})
	// A string without an end: no record behind it can be found in that page. It is read in smaller ones, and what can't
	// be read at all is left out by its time, told of, and asked for again when a day has gone.
	t.Run("all of it", func(t *testing.T) {
		for _, protocol := range []string{"threatexchange", "stopncii", "tat", "ncmec"} {
			c := newConsortium(t, wireOf(t, protocol), 10)
			good := c.items[5]
			c.items[5].raw = unreadable[protocol]
			var k kept
			require.NoError(t, c.pull(&k), protocol)
			assert.Equal(t, c.ids(), k.ids(), protocol)
			require.Len(t, k.faults, 1, protocol)
			assert.Contains(t, k.faults[0].Reason, "asked for again in a day", protocol)
			assert.Less(t, len(c.asked), 250, protocol)

			c.items[5] = good // they have mended it, in its place
			c.later(time.Hour)
			require.NoError(t, c.pull(&k), protocol)
			assert.Len(t, k.records, 9, protocol)
			c.later(25 * time.Hour)
			require.NoError(t, c.pull(&k), protocol)
			assert.Equal(t, c.ids(), k.ids(), protocol)
			assert.Len(t, k.records, 10, protocol)
		}
	})
	// Where everything is unreadable it is not the record, and nothing is taken for gone.
	t.Run("all of them", func(t *testing.T) {
		for _, protocol := range []string{"threatexchange", "stopncii", "tat", "ncmec"} {
			c := newConsortium(t, wireOf(t, protocol), 10)
			var k kept
			require.NoError(t, c.pull(&k), protocol)
			for i := range c.items {
				c.items[i].raw = unreadable[protocol]
			}
			c.later(100 * 24 * time.Hour)
			k.at = nil // it is read anew
			require.ErrorIs(t, c.pull(&k), exchange.ErrPage, protocol)
			assert.Len(t, k.records, 10, protocol)
		}
	})
}

// It writes local times as if they were UTC, so that ranges are shifted by the zone.
func TestDefect04NCMECTimesAreUTC(t *testing.T) {
	if os.Getenv("REMATCH_TEST_FAR") == "" { // in a program whose zone is far from UTC
		far := exec.Command(os.Args[0], "-test.run=^TestDefect04NCMECTimesAreUTC$")
		far.Env = append(os.Environ(), "TZ=Asia/Tokyo", "REMATCH_TEST_FAR=1")
		out, err := far.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	_, offset := time.Unix(start, 0).Zone()
	require.Equal(t, 9*3600, offset)
	c := newConsortium(t, wireOf(t, "ncmec"), 3)
	var k kept
	require.NoError(t, c.pull(&k))
	require.NotEmpty(t, c.asked)
	assert.Contains(t, c.asked[0], "from=1970-01-01T00%3A00%3A00Z")
	assert.Contains(t, c.asked[0], "to="+strings.ReplaceAll(time.Unix(start+10_000-5, 0).UTC().Format("2006-01-02T15:04:05Z"), ":", "%3A"))
	assert.Equal(t, c.ids(), k.ids())
}

// Every entry is positive, whatever members say of it.
func TestDefect05NCMECVotes(t *testing.T) {
	p := fixed(t, "ncmec", `<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><images count="1" maxTimestamp="2025-10-09T10:00:00Z">
	<image><member id="7">Uploader</member><timestamp>2025-10-09T10:00:00Z</timestamp><id>one</id><classification>A2</classification>
	<fingerprints><md5>9DD4E461268C8034F5C8564E155C67A6</md5><pdna>AAEC</pdna></fingerprints>
	<feedback lastUpdateTimestamp="2025-10-10T00:00:00Z">
	<affirmativeFeedback type="Md5" lastUpdateTimestamp="2025-10-10T00:00:00Z"><members timestamp="2025-10-09T12:00:00Z"><member id="8">Eight</member></members></affirmativeFeedback>
	<negativeFeedback type="Md5" lastUpdateTimestamp="2025-10-10T00:00:00Z"><reasons>
		<reason guid="11111111-2222-3333-4444-555555555555" name="Not what it says" type="Md5"/><members timestamp="2025-10-09T13:00:00Z"><member id="9">Nine</member></members>
		<reason guid="11111111-2222-3333-4444-666666666666" name="Bad hash" type="Md5"><members timestamp="2025-10-09T14:00:00Z"><member id="10">Ten</member></members></reason>
	</reasons></negativeFeedback>
	<negativeFeedback type="Pdna" lastUpdateTimestamp="2025-10-10T00:00:00Z"><reasons><reason guid="1" name="Bad hash" type="Pdna"/><members timestamp="2025-10-09T15:00:00Z"><member id="8">Eight</member><member id="11">Eleven</member></members></reasons></negativeFeedback>
	</feedback></image></images></queryResult>`).one()
	require.Empty(t, p.Faults)
	require.Len(t, p.Records, 1)
	r := p.Records[0]
	assert.Equal(t, "7-one", r.ID)
	at := func(hour int) time.Time { return time.Date(2025, 10, 9, hour, 0, 0, 0, time.UTC) }
	assert.Equal(t, []match.Opinion{
		{By: "7", Says: match.Positive, At: at(10), Tags: []string{"A2"}},
		{By: "8", Says: match.Positive, At: at(15), Tags: []string{"member:Eight", "negative:PDNA", "positive:MD5", "reason:Bad hash"}},
		{By: "9", Says: match.Negative, At: at(13), Tags: []string{"member:Nine", "negative:MD5", "reason:Not what it says"}},
		{By: "10", Says: match.Negative, At: at(14), Tags: []string{"member:Ten", "negative:MD5", "reason:Bad hash"}},
		{By: "11", Says: match.Seed, At: at(15), Tags: []string{"member:Eleven", "negative:PDNA", "reason:Bad hash"}},
	}, r.Opinions, "a vote on a hash that is not compared stands beside, and disputes nothing")
	assert.Equal(t, match.Disputed, (&match.Curation{Opinions: r.Opinions}).Stance())
	assert.Equal(t, "A2", r.Origin.Severity)
	assert.Equal(t, []exchange.Foreign{{Type: "PDNA", Value: "AAEC"}}, r.Later)
}

// Its reading requests pass by the client that tries again and gives up in time, and its filter of tags takes parts of words.
func TestDefect06ThreatExchangeReadsAreTriedAgainAndTagsAreWhole(t *testing.T) {
	c := newConsortium(t, wireOf(t, "threatexchange"), 3)
	c.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n <= 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
		return n <= 3
	}
	var k kept
	require.NoError(t, c.pull(&k))
	assert.Len(t, k.records, 3)

	update := func(id int, tags string) string {
		return fmt.Sprintf(`{"id":"%d","indicator":%q,"type":"HASH_PDQ","last_updated":%d,"should_delete":false,"descriptors":{"data":[{"id":"1","owner":{"id":"2"},"status":"MALICIOUS","tags":%s}]}}`, id, pdq(id), start, tags)
	}
	c = fixed(t, "threatexchange", `{"data":[`+update(1, `["media_type_video_long"]`)+","+update(2, `{"data":[{"id":"5","text":"Media_Type_Video"}]}`)+","+update(3, `["video"]`)+`]}`)
	p, err := c.open(func(config *exchange.Config) { config.Settings["tags"] = "media_type_video, other" }).Next(context.Background(), nil)
	require.NoError(t, err)
	require.Len(t, p.Records, 1)
	assert.Equal(t, "2", p.Records[0].ID)
	assert.Equal(t, []string{"1", "3"}, p.Gone, "what had the tag before has it no more")
}

// It refuses hashes in capitals, which other members send.
func TestDefect11CapitalDigits(t *testing.T) {
	p := fixed(t, "threatexchange", fmt.Sprintf(`{"data":[{"id":"1","indicator":" %s ","type":"HASH_PDQ","last_updated":%d,"descriptors":{"data":[{"id":"1","owner":{"id":"2"},"status":"MALICIOUS"}]}}]}`, strings.ToUpper(pdq(1)), start)).one()
	require.Len(t, p.Records, 1)
	assert.Equal(t, pdq(1), p.Records[0].Signals[0].Value.Hex())
}

// It follows redirects wherever they lead, with the credentials.
func TestDefect12Redirects(t *testing.T) {
	var reached []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached = append(reached, r.URL.String()) }))
	defer other.Close()
	each(t, 3, func(t *testing.T, c *consortium) {
		c.overTLS()
		c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return true
		}
		_, err := c.open().Next(context.Background(), nil)
		require.ErrorIs(t, err, exchange.ErrRedirect)
	})
	// Nor are the addresses of next pages taken as they come.
	for _, next := range []string{other.URL + "/700123/threat_updates/?after=1", "//elsewhere.example/700123/threat_updates/?after=1", "/700124/threat_updates/?after=1", "/?after=1", "http:", "?"} {
		quoted, err := json.Marshal(next)
		require.NoError(t, err)
		_, err = fixed(t, "threatexchange", `{"data":[],"paging":{"next":`+string(quoted)+`}}`).open().Next(context.Background(), nil)
		require.ErrorIs(t, err, exchange.ErrRedirect, next)
	}
	for _, next := range []string{other.URL + "/v2/entries?start=1", "/v2/status?start=1", "/v2/entries/../../x?start=1"} {
		_, err := fixed(t, "ncmec", `<queryResult><images/><paging><next>`+next+`</next></paging></queryResult>`).open().Next(context.Background(), nil)
		require.ErrorIs(t, err, exchange.ErrRedirect, next)
	}
	assert.Empty(t, reached)
	// Within a host, and for GETs, one is followed.
	c := newConsortium(t, wireOf(t, "list"), 3)
	c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/list.txt" {
			http.Redirect(w, r, "/moved.txt", http.StatusFound)
			return true
		}
		return false
	}
	require.Len(t, c.one().Records, 3)
}
