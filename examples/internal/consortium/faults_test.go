package consortium_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
)

// firstPage asks each protocol for its first page.
func (w *world) firstPage(protocol string) answer {
	w.t.Helper()
	switch protocol {
	case "threatexchange":
		return w.te("GET", consortium.PrivacyGroup+"/threat_updates", url.Values{"limit": {"10"}})
	case "ncmec":
		return w.nc("GET", "/industry/v2/entries?size=10", "")
	case "stopncii":
		return w.sn("GET", "FetchHashes?pageSize=10", "")
	}
	return w.tat("GET", "hash-list/v2/all?limit=10", "")
}

// TestFaults: each fault does what it says, in each protocol, as often as it was asked to,
// and is counted; afterwards all is as before.
func TestFaults(t *testing.T) {
	for _, p := range consortium.Protocols {
		w := newWorld(t, consortium.Options{Records: 100, SlowFor: 50 * time.Millisecond, RetryAfter: 3 * time.Second, HugeBytes: 1 << 20})
		good := w.firstPage(p)
		require.Equal(t, 200, good.status)
		strike := func(fault string) answer {
			require.NoError(t, w.Fault(fault+"*1@"+p))
			a := w.firstPage(p)
			after := w.firstPage(p)
			require.Equal(t, good.body, after.body, "after %s", fault)
			return a
		}
		a := strike("429")
		require.Equal(t, 429, a.status)
		require.Equal(t, "3", a.header.Get("Retry-After"))
		at, err := http.ParseTime(strike("429-date").header.Get("Retry-After"))
		require.NoError(t, err)
		require.Equal(t, noon.Add(3*time.Second), at)
		require.Equal(t, 500, strike("500").status)
		a = strike("503")
		require.Equal(t, 503, a.status)
		require.Equal(t, "3", a.header.Get("Retry-After"))

		a = strike("cut")
		require.ErrorIs(t, a.err, io.ErrUnexpectedEOF)
		require.True(t, len(a.body) > 0 && bytes.HasPrefix(good.body, a.body))
		require.Equal(t, good.body, strike("slow").body)
		at, err = http.ParseTime(strike("skew").header.Get("Date"))
		require.NoError(t, err)
		require.Equal(t, noon.Add(2*time.Hour), at)
		a = strike("expired")
		require.Equal(t, map[string]int{"threatexchange": 400, "ncmec": 401, "stopncii": 401, "tat": 403}[p], a.status)

		parse := func(b []byte) error {
			if p == "ncmec" {
				return xml.Unmarshal(b, new(ncResult))
			}
			return json.Unmarshal(b, new(any))
		}
		a = strike("bad-page")
		require.NoError(t, a.err)
		require.Equal(t, 200, a.status)
		require.Error(t, parse(a.body))
		a = strike("bad-record")
		require.NoError(t, parse(a.body), "the page is well-formed")
		require.Contains(t, string(a.body), "yesterday")
		require.Greater(t, len(a.body), len(good.body))
		a = strike("bomb")
		require.Less(t, len(a.body), 300<<10)
		require.Error(t, parse(a.body))
		a = strike("huge")
		require.NoError(t, parse(a.body))
		require.Greater(t, len(a.body), 1<<20)

		set, struck := w.Faults()
		for _, name := range consortium.FaultNames {
			if name != "endless" && name != "repeat-page" {
				require.Equal(t, 1, struck[name], name)
			}
		}
		require.Empty(t, set)
	}
}

// TestEndless: a body without an end lasts as long as the reader.
func TestEndless(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 10, Faults: "endless=1"})
	for _, path := range []string{"/stopncii/v1/FetchHashes", "/ncmec/industry/v2/entries"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
		require.NoError(t, err)
		response, err := w.client.Do(r)
		require.NoError(t, err)
		n, err := io.CopyN(io.Discard, response.Body, 8<<20)
		require.NoError(t, err)
		require.EqualValues(t, 8<<20, n)
		require.NoError(t, response.Body.Close())
	}
}

// TestRepeat: a page that comes again, once, and forever.
func TestRepeat(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 300})
	read := func(pages int) {
		te, nc, sn, tat := list{}, list{}, list{}, list{}
		_, n := w.readTE(te, 0, 100, nil)
		w.check("threatexchange", "", te)
		require.Equal(t, pages, n)
		require.Equal(t, pages, w.readNC(nc, "industry", time.Unix(0, 0), noon, 100, nil))
		w.check("ncmec", "industry", nc)
		_, n = w.readSN(sn, 10, 100, nil)
		w.check("stopncii", "", sn)
		require.Equal(t, pages, n)
		_, n = w.readTAT(tat, "", 100, false, nil)
		w.check("tat", "", tat)
		require.Equal(t, pages, n)
	}
	read(3)
	for _, p := range consortium.Protocols {
		require.NoError(t, w.Fault("repeat-page*1@"+p))
	}
	read(4)
	require.NoError(t, w.Fault("repeat-page=1"))
	for _, p := range consortium.Protocols {
		a, b := w.firstPage(p), w.firstPage(p)
		require.Equal(t, a.body, b.body)
	}
	var p snPage
	strict(t, w.sn("GET", "FetchHashes?pageSize=1000", ""), &p)
	require.True(t, p.More, "also the last page leads on")
}

// TestFaultyWrites: a write whose answer is cut has been done; one that got a 500 has not.
func TestFaultyWrites(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 10, Known: []consortium.Known{{"pdq", strings.Repeat("0f", 32)}}})
	send := `{"count":1,"hashRecords":[{"lastModtimestamp":1,"signalType":"ImagePDQ","hashValue":"` + aPDQ + `"}]}`
	require.NoError(t, w.Fault("500*1,cut*1"))
	require.Equal(t, 500, w.sn("POST", "SubmitHashes", send).status)
	require.Empty(t, w.Received())
	require.Error(t, w.sn("POST", "SubmitHashes", send).err)
	require.Len(t, w.Received(), 1)
	require.Equal(t, 200, w.sn("POST", "SubmitHashes", send).status)
	require.False(t, w.Received()[1].Changed)
	require.NoError(t, w.Fault("cut*1"))
	require.Error(t, w.nc("PUT", "/industry/v2/entries/2/added10/PDQ/feedback", yes).err, "an answer without a body is cut before it starts")
	require.Equal(t, "vote", w.Received()[2].Action)
	require.NoError(t, w.Fault("expired=1"))
	w.bearer = ""
	require.Equal(t, 403, w.tat("GET", "hash-list/v2/all", "").status, "the login asks for no token that could have expired")
	w.ClearFaults()
	require.NoError(t, w.Fault("bomb=1"))
	require.Equal(t, 200, w.sn("POST", "SubmitHashes", send).status, "page faults leave writes alone")
}

// TestProbability: faults that are drawn are drawn from the seed.
func TestProbability(t *testing.T) {
	run := func(seed uint64) string {
		w := newWorld(t, consortium.Options{Records: 10, Seed: seed, Faults: "500=0.2,429=0.3"})
		var b strings.Builder
		for range 100 {
			b.WriteString(strconv.Itoa(w.sn("GET", "FetchHashes", "").status) + " ")
		}
		_, struck := w.Faults()
		require.Equal(t, struck["500"], strings.Count(b.String(), "500"))
		require.InDelta(t, 20, struck["500"], 15)
		w.ClearFaults()
		require.Equal(t, 200, w.sn("GET", "FetchHashes", "").status)
		return b.String()
	}
	require.Equal(t, run(1), run(1))
	require.NotEqual(t, run(1), run(2))
}

// TestHostile: what is no request of any client gets a clean answer, in bounded memory.
func TestHostile(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 10})
	require.Equal(t, 200, w.tat("GET", "hash-list/v2/all", "").status) // logs in
	big := strings.Repeat("x", 2<<20)
	deep := strings.Repeat(`[`, 100_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		status int
		a      answer
	}{
		{413, w.te("POST", "threat_descriptors", url.Values{"description": {big}})},
		{413, w.nc("PUT", "/industry/v2/entries/2/image1/MD5/feedback", big)},
		{413, w.sn("POST", "SubmitHashes", big)},
		{413, w.tat("POST", "hash-list/v2/feedback", big)},
		{400, w.sn("POST", "SubmitHashes", deep)},
		{400, w.sn("POST", "SubmitFeedback", `{"count":1,"hashFeedbacks":`+deep)},
		{400, w.tat("POST", "hash-list/v2/feedback", deep)},
		{400, w.tat("POST", "token-auth/tcap/", deep)},
		{400, w.nc("PUT", "/industry/v2/entries/2/image1/MD5/feedback", strings.Repeat("<a>", 50_000))},
		{405, w.sn("DELETE", "FetchHashes", "")},
		{405, w.sn("GET", "SubmitHashes", "")},
		{405, w.nc("POST", "/industry/v2/entries", "")},
		{405, w.tat("GET", "token-auth/tcap/", "")},
		{405, w.te("PUT", "1", nil)},
		{404, w.do("GET", "/", "")},
		{404, w.do("GET", "/stopncii/v2/FetchHashes", "")},
		{400, w.sn("GET", "FetchHashes?startTimestamp=99999999999999999999", "")},
		{400, w.do("POST", "/admin/churn?n=1000001", "")},
		{400, w.do("POST", "/admin/churn", "")},
		{400, w.do("POST", "/admin/clock?advance=soon", "")},
		{400, w.do("POST", "/admin/add?hash=f8", "")},
		{400, w.do("POST", "/admin/faults?set=418", "")},
		{400, w.do("GET", "/admin/truth?protocol=iwf", "")},
		{413, w.do("POST", "/admin/withdraw", "hash="+big, "Content-Type", "application/x-www-form-urlencoded")},
	} {
		if c.a.err == nil || c.status != 413 { // the server hangs up on what is too large; the client may see only that
			require.NoError(t, c.a.err)
			require.Equal(t, c.status, c.a.status, "%.200s", c.a.body)
		}
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.HeapInuse, before.HeapInuse+64<<20)
	require.Empty(t, w.Received())
}

// TestAdmin: what tests and those who try use, by HTTP.
func TestAdmin(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 10, AdminToken: "t0ken"})
	ask := func(method, path string) string {
		a := w.do(method, "/admin/"+path, "", "Authorization", "Bearer t0ken")
		require.Equal(t, 200, a.status, "%s", a.body)
		return strings.TrimSpace(string(a.body))
	}
	require.Equal(t, 401, w.do("GET", "/admin/members", "").status)
	require.Contains(t, ask("GET", "members"), w.me.AppToken)
	require.Equal(t, `{"lists":4}`, ask("POST", "add?hash="+aPDQ))
	require.Contains(t, ask("GET", "truth?protocol=stopncii&format=plain"), "ImagePDQ "+aPDQ)
	require.Equal(t, `{"withdrawn":1}`, ask("POST", "withdraw?protocol=stopncii&hash="+aPDQ))
	require.NotContains(t, ask("GET", "truth?protocol=stopncii&format=plain"), aPDQ)
	require.Contains(t, ask("GET", "truth?protocol=stopncii"), `"value":"`+aPDQ+`","held":false`)
	require.Equal(t, `{"changed":4}`, ask("POST", "churn?n=4"))
	require.Equal(t, `{"now":"2026-01-02T14:00:00Z"}`, ask("POST", "clock?advance=2h"))
	require.Contains(t, ask("POST", "faults?set=500*2&clear=1"), `"set":[{"name":"500","next":2}]`)
	require.Contains(t, ask("GET", "faults"), `"struck":{}`)
	require.Equal(t, "[]", ask("GET", "received?protocol=tat"))
}

// TestAtOnce: readers, writers, changes and faults at the same time; at the end the lists
// are whole.
func TestAtOnce(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 300, Now: ticking(time.Microsecond)})
	w.tat("GET", "hash-list/v2/all", "")
	var descriptors, entries []string
	records, err := w.Truth("threatexchange", "")
	require.NoError(t, err)
	for r := range records {
		if r.Held {
			indicator, err := strconv.ParseInt(r.ID, 10, 64)
			require.NoError(t, err)
			member, _, _ := strings.Cut(r.Opinions[0], ":")
			number, err := strconv.ParseInt(member, 10, 64)
			require.NoError(t, err)
			descriptors = append(descriptors, strconv.FormatInt(1_000_000_000_000_000+16*(indicator-2_000_000_000_000_000)+number, 10))
		}
	}
	records, err = w.Truth("ncmec", "")
	require.NoError(t, err)
	for r := range records {
		if r.Held && r.Kind == "md5" {
			entries = append(entries, r.ID)
		}
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 15 {
				w.firstPage(consortium.Protocols[(i+n)%4])
				switch i % 4 {
				case 0:
					w.Churn(5)
				case 1:
					w.te("POST", "threat_descriptors", upload("indicator", strings.Repeat(strconv.Itoa(10+n), 32)))
					w.te("POST", descriptors[n], url.Values{"reactions": {"HELPFUL"}})
				case 2:
					w.nc("PUT", "/industry/v2/entries/"+entries[n]+"/MD5/feedback", yes)
					_ = w.Fault("500*1")
				default:
					w.Withdraw("", aPDQ)
					_, _ = w.Add("", consortium.Known{Kind: "pdq", Value: aPDQ})
				}
			}
		})
	}
	wait.Wait()
	received := map[string]int{}
	for _, r := range w.Received() {
		received[r.Action]++
	}
	for _, action := range []string{"upload", "edit", "vote"} {
		require.Greater(t, received[action], 5, action)
	}
	w.ClearFaults()
	w.Advance(time.Minute)
	te, nc, sn, tat := list{}, list{}, list{}, list{}
	w.readTE(te, 0, 100, nil)
	w.check("threatexchange", "", te)
	w.readNC(nc, "industry", time.Unix(0, 0), w.Now(), 100, nil)
	w.check("ncmec", "industry", nc)
	w.readSN(sn, 10, 100, nil)
	w.check("stopncii", "", sn)
	w.readTAT(tat, "", 100, true, nil)
	w.check("tat", "", tat)
}
