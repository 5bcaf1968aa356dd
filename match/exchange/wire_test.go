package exchange_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// The servers here are small and speak one format each, written from field notes and the exchanges' own pages. They are
// there to be broken.

// start is when the tests' clock begins.
const start = 1_760_000_000

// item is what an exchange has.
type item struct {
	number int
	hash   string // of PDQ
	at     int64
	gone   bool
	raw    string // in place of the record, in the exchange's format
}

// pdq is a hash that is different for each number, and no test pattern.
func pdq(n int) string {
	return fmt.Sprintf("%08x", 0x9e3779b1*uint32(n+1)) + "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c"
}

// consortium is a server with items, a clock, and faults on demand.
type consortium struct {
	t      *testing.T
	wire   wire
	server *httptest.Server

	mu     sync.Mutex
	items  []item
	now    time.Time
	slept  []time.Duration
	asked  []string
	fault  func(n int, w http.ResponseWriter, r *http.Request) bool // reports whether it has answered the nth request, from 1
	wreck  func(body []byte) []byte                                 // makes a page something else
	tokens int                                                      // logins
	forms  string                                                   // the only media type of a login; empty: any
	sent   []string                                                 // what was written to it
}

// wire is a protocol as its server speaks it.
type wire struct {
	protocol    string
	settings    map[string]string
	credentials string
	secrets     []string // what must be seen nowhere
	path        string   // of the list, in the setting url; empty: the base address is used
	page        int      // records a page, at most
	file        bool     // all of it is one file
	id          func(item) string
	serve       func(*consortium, http.ResponseWriter, *http.Request) []byte // nil: it has answered
	malformed   string                                                       // a record that is none
	position    int                                                          // of it in its page, as the sixth item
}

var wires = []wire{
	{protocol: "threatexchange", settings: map[string]string{"group": "700123"}, credentials: "1234567890|abcdefghijklmnopqrstuvwxyz",
		secrets: []string{"abcdefghijklmnopqrstuvwxyz", "1234567890%7C"}, page: 4, serve: serveThreats,
		id: func(i item) string { return strconv.Itoa(5000 + i.number) }, malformed: `{"id":"77","indicator":"ab","type":"HASH_PDQ","last_updated":%d,"descriptors":{"data":[{"id":"1","owner":{"id":"2"},"status":"MALICIOUS"}]}}`, position: 1},
	{protocol: "ncmec", settings: map[string]string{"environment": "test_Industry"}, credentials: "someone:hunter2hunter2", secrets: []string{"hunter2hunter2", "c29tZW9uZTpo"},
		page: 4, serve: serveNCMEC, id: func(i item) string { return fmt.Sprintf("42-e%d", i.number) }, malformed: `<image><member id="42">M</member><timestamp>2025-10-09T00:00:00Z</timestamp></image>`},
	{protocol: "stopncii", credentials: "functionkey0001,subscriptionkey0002", secrets: []string{"functionkey0001", "subscriptionkey0002"},
		page: 4, serve: serveStop, id: func(i item) string { return "ImagePDQ:" + i.hash }, malformed: `{"lastModtimestamp":%d,"signalType":"ImagePDQ","hashValue":"zz","hashStatus":"Active","caseNumbers":{}}`, position: 1},
	{protocol: "tat", credentials: "analyst:correcthorsebattery", secrets: []string{"correcthorsebattery", "secret-token"},
		page: 4, serve: serveTAT, id: func(i item) string { return strconv.Itoa(9000 + i.number) }, malformed: `{"id":1,"hash_digest":"123abc","algorithm":"MD5","deleted":false}`, position: 1},
	{protocol: "list", path: "/list.txt", credentials: "tokentokentoken", secrets: []string{"tokentokentoken"}, file: true, page: 1000, serve: serveList,
		id: func(i item) string { return "pdq:" + i.hash }, malformed: "what is this", position: 5},
	{protocol: "csv", path: "/list.csv", credentials: "reader:passwordpassword", secrets: []string{"passwordpassword"}, file: true, page: 1000, serve: serveCSV,
		id: func(i item) string { return "pdq:" + i.hash }, malformed: `pdq,12,"a, b"`, position: 5},
	{protocol: "rematch", path: "/known.bank", settings: map[string]string{"bank": "known"}, file: true, page: 1000, serve: serveBank,
		id: func(i item) string { return fmt.Sprintf("entry-%d", i.number) }},
}

func newConsortium(t *testing.T, w wire, n int) *consortium {
	c := &consortium{t: t, wire: w, now: time.Unix(start+10_000, 0)}
	for i := range n {
		c.items = append(c.items, item{number: i, hash: pdq(i), at: start + int64(i)*60})
	}
	c.server = httptest.NewServer(http.HandlerFunc(c.handle))
	t.Cleanup(c.server.Close)
	return c
}

// overTLS makes the server one with TLS, which takes its time.
func (c *consortium) overTLS() {
	c.server.Close()
	c.server = httptest.NewTLSServer(http.HandlerFunc(c.handle))
	c.t.Cleanup(c.server.Close)
}

func (c *consortium) handle(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r.Method+" "+r.URL.RequestURI())
	w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	if c.fault != nil && c.fault(len(c.asked), w, r) {
		return
	}
	body := c.wire.serve(c, w, r)
	if body == nil {
		return
	}
	if c.wreck != nil {
		body = c.wreck(body)
	}
	_, _ = w.Write(body) // a client that leaves is tested too
}

func (c *consortium) config() exchange.Config {
	settings := map[string]string{}
	for k, v := range c.wire.settings {
		settings[k] = v
	}
	config := exchange.Config{Base: c.server.URL, Settings: settings, Credentials: exchange.NewCredentials(c.wire.credentials),
		HTTP: exchange.HTTPOptions{Transport: c.server.Client().Transport, Timeout: 20 * time.Second, Loopback: c.server.TLS == nil},
		Now: func() time.Time {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.now
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.now = c.now.Add(d)
			c.slept = append(c.slept, d)
			return ctx.Err()
		}}
	if c.wire.path != "" {
		config.Base, settings["url"] = "", c.server.URL+c.wire.path
	}
	return config
}

func (c *consortium) open(change ...func(*exchange.Config)) exchange.Source {
	c.t.Helper()
	config := c.config()
	for _, f := range change {
		f(&config)
	}
	p, err := exchange.ParseProtocol(c.wire.protocol)
	require.NoError(c.t, err)
	s, err := p.Open(config)
	require.NoError(c.t, err)
	return s
}

// kept is what somebody keeps who reads pages as they are meant to be read.
type kept struct {
	records map[string]exchange.Record
	came    map[string]bool // in the running reading from nothing
	faults  []*exchange.RecordError
	pages   int
	at      exchange.Checkpoint
}

// take applies a page. It reports whether the reading is at its end.
func (k *kept) take(t *testing.T, p *exchange.Page) bool {
	t.Helper()
	if k.records == nil {
		k.records = map[string]exchange.Record{}
	}
	if p.Anew {
		k.came = map[string]bool{}
	}
	for _, id := range p.Gone {
		delete(k.records, id)
	}
	for _, r := range p.Records {
		require.False(t, slices.Contains(p.Gone, r.ID), "a record that came is not gone")
		k.records[r.ID] = r
		if k.came != nil {
			k.came[r.ID] = true
		}
	}
	if p.Last && k.came != nil {
		for id := range k.records {
			if !k.came[id] {
				delete(k.records, id)
			}
		}
		k.came = nil
	}
	require.LessOrEqual(t, len(p.After), 64<<10)
	k.faults = append(k.faults, p.Faults...)
	k.at = p.After
	k.pages++
	return p.Last
}

// pull reads up to the end, with a new source for each page: as if the machine went down after every one.
func (c *consortium) pull(k *kept, change ...func(*exchange.Config)) error {
	c.t.Helper()
	for range 500 {
		p, err := c.open(change...).Next(context.Background(), k.at)
		if err != nil {
			return err
		}
		if k.take(c.t, p) {
			return nil
		}
	}
	c.t.Fatal("a reading without an end")
	return nil
}

// ids are those that are to be kept, and those that are.
func (c *consortium) ids() []string {
	all := []string{}
	for _, i := range c.items {
		if !i.gone && i.raw == "" {
			all = append(all, c.wire.id(i))
		}
	}
	sort.Strings(all)
	return all
}

func (k *kept) ids() []string {
	all := []string{}
	for id := range k.records {
		all = append(all, id)
	}
	sort.Strings(all)
	return all
}

func (c *consortium) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// change makes an item different, as of now.
func (c *consortium) change(number int, f func(*item)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.items, func(i item) bool { return i.number == number })
	one := c.items[i]
	f(&one)
	one.at = c.now.Unix() - 20
	c.items = append(slices.Delete(c.items, i, i+1), one)
}

// window is the page of some items that a query asks for.
func (c *consortium) window(items []item, from, limit int) (page []item, more bool) {
	if limit <= 0 || limit > c.wire.page {
		limit = c.wire.page
	}
	from = min(from, len(items))
	to := min(from+limit, len(items))
	return items[from:to], to < len(items)
}

func (c *consortium) since(at int64) []item {
	var some []item
	for _, i := range c.items {
		if i.at >= at {
			some = append(some, i)
		}
	}
	return some
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // absent is 0
	return n
}

func raws(items []item, record func(item) string) string {
	var all []string
	for _, i := range items {
		if i.raw != "" {
			all = append(all, i.raw)
		} else {
			all = append(all, record(i))
		}
	}
	return "[" + strings.Join(all, ",") + "]"
}

func serveThreats(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	q := r.URL.Query()
	if q.Get("access_token") != c.wire.credentials {
		http.Error(w, `{"error":{"code":190,"message":"bad token"}}`, http.StatusBadRequest)
		return nil
	}
	if r.URL.Path != "/700123/threat_updates" {
		return serveDescriptors(c, w, r)
	}
	items := c.since(int64(number(q.Get("start_time"))))
	page, more := c.window(items, number(q.Get("after")), number(q.Get("limit")))
	body := `{"data":` + raws(page, func(i item) string {
		if i.gone {
			return fmt.Sprintf(`{"id":"%d","indicator":%q,"type":"HASH_PDQ","last_updated":%d,"should_delete":true}`, 5000+i.number, i.hash, i.at)
		}
		return fmt.Sprintf(`{"id":"%d","indicator":%q,"type":"HASH_PDQ","last_updated":%d,"should_delete":false,"descriptors":{"data":[{"id":"%d","owner":{"id":"31337"},"status":"MALICIOUS"}]}}`, 5000+i.number, i.hash, i.at, 800+i.number)
	})
	if more {
		q.Set("after", strconv.Itoa(number(q.Get("after"))+len(page)))
		next, _ := json.Marshal(c.server.URL + r.URL.Path + "?" + q.Encode())
		body += `,"paging":{"next":` + string(next) + `}`
	}
	return []byte(body + "}")
}

func serveNCMEC(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	if user, password, _ := r.BasicAuth(); user+":"+password != c.wire.credentials {
		http.Error(w, "no", http.StatusUnauthorized)
		return nil
	}
	if r.URL.Path != "/v2/entries" {
		return serveVotes(c, w, r)
	}
	q := r.URL.Query()
	from, err := time.Parse(time.RFC3339, q.Get("from"))
	require.NoError(c.t, err)
	to, err := time.Parse(time.RFC3339, q.Get("to"))
	require.NoError(c.t, err)
	var items []item
	for _, i := range c.items {
		if i.at > from.Unix() && i.at <= to.Unix() {
			items = append(items, i)
		}
	}
	slices.Reverse(items) // in no order that is of use
	page, more := c.window(items, number(q.Get("start")), 0)
	body := `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><images count="` + strconv.Itoa(len(page)) + `">`
	for _, i := range page {
		stamp := time.Unix(i.at, 0).UTC().Format(time.RFC3339)
		switch {
		case i.raw != "":
			body += i.raw
		case i.gone:
			body += fmt.Sprintf(`<deletedImage><member id="42">Member</member><id>e%d</id><timestamp>%s</timestamp></deletedImage>`, i.number, stamp)
		default:
			body += fmt.Sprintf(`<image><member id="42">Member</member><timestamp>%s</timestamp><id>e%d</id><classification>A1</classification><fingerprints><pdq>%s</pdq><pdna>AAEC</pdna></fingerprints></image>`, stamp, i.number, i.hash)
		}
	}
	body += "</images>"
	if more {
		q.Set("start", strconv.Itoa(number(q.Get("start"))+len(page)))
		q.Set("size", "4")
		q.Set("max", strconv.Itoa(len(items)))
		var b bytes.Buffer
		require.NoError(c.t, xml.EscapeText(&b, []byte("/v2/entries?"+q.Encode())))
		body += "<paging><next>" + b.String() + "</next></paging>"
	}
	return []byte(body + "</queryResult>")
}

func serveStop(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	if r.Header.Get("x-functions-key")+","+r.Header.Get("Ocp-Apim-Subscription-Key") != c.wire.credentials {
		http.Error(w, "no", http.StatusUnauthorized)
		return nil
	}
	if r.Method == http.MethodPost {
		var b bytes.Buffer
		_, err := b.ReadFrom(r.Body)
		require.NoError(c.t, err)
		c.sent = append(c.sent, r.URL.Path+" "+b.String())
		return []byte("{}")
	}
	q := r.URL.Query()
	items := c.since(int64(number(q.Get("startTimestamp"))))
	first := number(strings.TrimPrefix(q.Get("nextPageToken"), "token"))
	page, more := c.window(items, first, number(q.Get("pageSize")))
	next := int64(number(q.Get("startTimestamp")))
	for _, i := range items {
		next = max(next, i.at)
	}
	return fmt.Appendf(nil, `{"count":%d,"nextPageToken":"token%d","nextSetTimestamp":%d,"hasMoreRecords":%t,"hashRecords":%s}`, len(page), first+len(page), next, more,
		raws(page, func(i item) string {
			status := "Active"
			if i.gone {
				status = "Withdrawn"
			}
			return fmt.Sprintf(`{"lastModtimestamp":%d,"signalType":"ImagePDQ","hashValue":%q,"hashStatus":%q,"caseNumbers":{"case-%d":%q}}`, i.at, i.hash, status, i.number, status)
		}))
}

func serveTAT(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	if r.URL.Path == "/token-auth/tcap/" {
		login := struct{ Username, Password string }{r.PostFormValue("username"), r.PostFormValue("password")}
		if c.forms != "" && !strings.HasPrefix(r.Header.Get("Content-Type"), c.forms) {
			http.Error(w, "no such form", http.StatusUnsupportedMediaType)
			return nil
		}
		if login.Username == "" {
			_ = json.NewDecoder(r.Body).Decode(&login) // what is none has no user
		}
		if login.Username+":"+login.Password != c.wire.credentials {
			http.Error(w, "no", http.StatusBadRequest)
			return nil
		}
		c.tokens++
		return fmt.Appendf(nil, `{"token":"secret-token-%d","user":{"name":"a"}}`, c.tokens)
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer secret-token-%d", c.tokens) {
		http.Error(w, "Authentication error: Token has expired. Please refresh.", http.StatusForbidden)
		return nil
	}
	q := r.URL.Query()
	seconds, id, _ := strings.Cut(q.Get("after"), ",")
	var items []item
	for _, i := range c.items {
		if i.at > int64(number(seconds)) || i.at == int64(number(seconds)) && 9000+i.number > number(id) {
			items = append(items, i)
		}
	}
	page, more := c.window(items, 0, number(q.Get("limit")))
	next, checkpoint := "null", "null"
	if more {
		next = `"https://elsewhere.example/api"`
	}
	if n := len(page); n > 0 {
		checkpoint = fmt.Sprintf(`"%d,%d"`, page[n-1].at, 9000+page[n-1].number)
	}
	return fmt.Appendf(nil, `{"count":%d,"next":%s,"previous":null,"checkpoint":%s,"results":%s}`, len(items), next, checkpoint, raws(page, func(i item) string {
		return fmt.Sprintf(`{"hash_digest":%q,"algorithm":"PDQ","ideology":"far-right","file_type":"mp4","deleted":%t,"updated_on":%d.25,"created_on":"2025-03-03T23:05:22Z","id":%d}`, i.hash, i.gone, i.at, 9000+i.number)
	}))
}

// serveFile answers with a version of a file, or that it is the one that is known.
func (c *consortium) serveFile(w http.ResponseWriter, r *http.Request, auth string, body []byte) []byte {
	if r.Header.Get("Authorization") != auth {
		http.Error(w, "no", http.StatusUnauthorized)
		return nil
	}
	tag := fmt.Sprintf(`"%x"`, crc32.ChecksumIEEE(body))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return body
}

func serveList(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	text := "# known\r\n"
	for _, i := range c.items {
		if i.raw != "" {
			text += i.raw + "\n"
		} else if !i.gone {
			text += i.hash + "\n"
		}
	}
	return c.serveFile(w, r, "Bearer "+c.wire.credentials, []byte(text))
}

func serveCSV(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	text := "kind,hash,label\n"
	for _, i := range c.items {
		if i.raw != "" {
			text += i.raw + "\n"
		} else if !i.gone {
			text += "pdq," + i.hash + ",\"one,two\"\n"
		}
	}
	return c.serveFile(w, r, "Basic cmVhZGVyOnBhc3N3b3JkcGFzc3dvcmQ=", []byte(text))
}

func serveBank(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	bank := match.Bank{Name: "known"}
	for _, i := range c.items {
		v, err := hash.ParseHex(hash.PDQ, i.hash)
		require.NoError(c.t, err)
		bank.Entries = append(bank.Entries, match.Entry{ID: fmt.Sprintf("entry-%d", i.number), Disabled: i.gone, Labels: []string{"l"},
			Signals: []match.Signal{{Value: v, Quality: hash.Unmeasured}}})
	}
	var b bytes.Buffer
	require.NoError(c.t, match.Write(&b, bank, match.Bank{Name: "other"}))
	return c.serveFile(w, r, "", b.Bytes())
}
