package consortium_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
)

var aPDQ = strings.Repeat("f8", 32)

// TestGolden holds one added record in each protocol, letter by letter, against what the
// documentation shows.
func TestGolden(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 1, Known: []consortium.Known{{"pdq", aPDQ}}})
	a := w.te("GET", consortium.PrivacyGroup+"/threat_updates", map[string][]string{"start_time": {"1767355200"},
		"fields": {"id,indicator,type,last_updated,should_delete,descriptors{id,owner{id,name},status,severity,share_level,privacy_type,confidence,tags{text},reactions,my_reactions,added_on,description,raw_indicator}"}})
	require.JSONEq(t, `{"data":[{"id":"2000000000000001","indicator":"`+aPDQ+`","type":"HASH_PDQ","last_updated":1767355200,"should_delete":false,
		"descriptors":{"data":[{"id":"1000000000000018","owner":{"id":"10000002","name":"Harbour Video"},"status":"MALICIOUS","severity":"SEVERE","share_level":"AMBER",
		"privacy_type":"HAS_PRIVACY_GROUP","confidence":90,"description":"added","raw_indicator":"`+aPDQ+`",
		"tags":{"data":[{"id":"3000496135501369","text":"violent_extremism"}]},"reactions":[],"my_reactions":[],"added_on":"2026-01-02T12:00:00+0000"}]}}],
		"paging":{"cursors":{"before":"dGU6MQ","after":"dGU6Mg"}}}`, string(a.body))

	a = w.nc("GET", "/industry/v2/entries?from=2026-01-02T11:59:59Z&to=2026-01-02T12:00:00Z", "")
	require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>
<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><images count="1" maxTimestamp="2026-01-02T12:00:00Z"><image>`+
		`<member id="2">Harbour Video</member><timestamp>2026-01-02T12:00:00Z</timestamp><id>added1</id><classification>A1</classification>`+
		`<fingerprints><pdq>`+aPDQ+`</pdq></fingerprints></image></images></queryResult>
`, string(a.body))

	a = w.sn("GET", "FetchHashes?startTimestamp=1767355200&pageSize=800", "")
	require.JSONEq(t, `{"count":1,"nextPageToken":null,"nextSetTimestamp":1767355200,"hasMoreRecords":false,"hashRecords":[{"lastModtimestamp":1767355200,
		"signalType":"ImagePDQ","hashValue":"`+aPDQ+`","hashStatus":"Active","caseNumbers":{"900000001":"Active"},"CSPFeedbacks":[]}]}`, string(a.body))

	a = w.tat("GET", "api/hash-list/v2/all?order=asc&after=1767355199,0", "")
	require.JSONEq(t, `{"count":2,"next":null,"previous":null,"checkpoint":"1767355200.000000,2","results":[{"id":2,"hash_digest":"`+aPDQ+`","algorithm":"PDQ",
		"ideology":"islamist","file_type":"jpg","deleted":false,"updated_on":1767355200.000000,"created_on":1767355200.000000}]}`, string(a.body))

	require.Equal(t, 4, w.Withdraw("", aPDQ))
	require.Zero(t, w.Withdraw("", aPDQ), "it has gone")
	a = w.te("GET", consortium.PrivacyGroup+"/threat_updates", map[string][]string{"start_time": {"1767355200"}})
	require.Contains(t, string(a.body), `{"data":[{"id":"2000000000000001","indicator":"`+aPDQ+`","type":"HASH_PDQ","last_updated":1767355200,"should_delete":true}]`)
	a = w.nc("GET", "/industry/v2/entries?from=2026-01-02T11:59:59Z&to=2026-01-02T12:00:00Z", "")
	require.Contains(t, string(a.body), `<deletedImage><member id="2">Harbour Video</member><timestamp>2026-01-02T12:00:00Z</timestamp><id>added1</id></deletedImage>`)
	a = w.sn("GET", "FetchHashes?startTimestamp=1767355200", "")
	require.Contains(t, string(a.body), `"hashStatus":"Withdrawn","caseNumbers":{"900000001":"Withdrawn"}`)
	a = w.tat("GET", "hash-list/v2/all?after=1767355199,0", "")
	require.Contains(t, string(a.body), `"deleted":true`)

	n, err := w.Add("", consortium.Known{Kind: "pdq", Value: aPDQ})
	require.NoError(t, err)
	require.Equal(t, 4, n)
	for _, p := range consortium.Protocols {
		held, _ := w.truth(p, "")
		found := 0
		for key := range held {
			if strings.HasSuffix(key, aPDQ) {
				found++
			}
		}
		require.Equal(t, 1, found, p)
	}
}

// TestWhole reads every list whole, with pages of several sizes, and then what has changed
// since, and finds the truth each time.
func TestWhole(t *testing.T) {
	const records = 500
	w := newWorld(t, consortium.Options{Records: records, Seed: 7})
	for _, size := range []int{1000, 61} {
		te, sn, tat, nc := list{}, list{}, list{}, list{}
		since, pages := w.readTE(te, 0, size, nil)
		require.GreaterOrEqual(t, pages, 450/size)
		w.check("threatexchange", "", te)
		next, _ := w.readSN(sn, 10, size, nil)
		w.check("stopncii", "", sn)
		checkpoint, pages := w.readTAT(tat, "", size, size == 61, nil)
		require.GreaterOrEqual(t, pages, records/size)
		w.check("tat", "", tat)
		from := time.Unix(0, 0)
		w.readNC(nc, "industry", from, w.Now(), size, nil)
		w.check("ncmec", "industry", nc)
		from = w.Now()

		w.Advance(time.Minute)
		w.Churn(200)
		w.Advance(time.Minute)
		w.readTE(te, since, size, nil)
		w.check("threatexchange", "", te)
		w.readSN(sn, next, size, nil)
		w.check("stopncii", "", sn)
		w.readTAT(tat, checkpoint, size, false, nil)
		w.check("tat", "", tat)
		w.readNC(nc, "industry", from, w.Now(), size, nil)
		w.check("ncmec", "industry", nc)
	}
}

// TestMoving reads lists that change under the reader: the ordered ones end with the
// truth, the unordered one after the range that follows.
func TestMoving(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 600, Seed: 3, Now: ticking(time.Millisecond)})
	left := 60
	live := func() {
		if left--; left > 0 {
			w.Churn(8)
		}
	}
	got := list{}
	w.readTE(got, 0, 50, live)
	w.check("threatexchange", "", got)
	left, got = 60, list{}
	w.readSN(got, 10, 50, live)
	w.check("stopncii", "", got)
	left, got = 60, list{}
	w.readTAT(got, "", 50, true, live)
	w.check("tat", "", got)

	left, got = 60, list{}
	to := w.Now().Add(-2 * time.Second)
	w.Advance(time.Minute)
	w.readNC(got, "industry", time.Unix(0, 0), to, 50, live)
	w.Advance(time.Minute)
	w.readNC(got, "industry", to, w.Now(), 50, nil)
	w.check("ncmec", "industry", got)
}

// TestUnordered: NCMEC's entries don't come by time, and a tenth of all share a second,
// which no range can cut.
func TestUnordered(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 1000})
	records, err := w.Truth("ncmec", "")
	require.NoError(t, err)
	count, bulk := map[time.Time]int{}, noon
	for r := range records {
		at := r.Updated.Truncate(time.Second)
		if count[at]++; count[at] > count[bulk] {
			bulk = at
		}
	}
	got := list{}
	w.readNC(got, "industry", bulk.Add(-time.Second), bulk, 1000, nil)
	ids := map[string]bool{}
	for key := range got {
		id, _, _ := strings.Cut(key, " ")
		ids[id] = true
	}
	require.GreaterOrEqual(t, len(ids), 100)

	a := w.nc("GET", "/industry/v2/entries?size=200", "")
	var times []string
	for part := range strings.SplitSeq(string(a.body), "<image>") {
		if _, rest, ok := strings.Cut(part, "<timestamp>"); ok {
			times = append(times, rest[:20])
		}
	}
	falls := 0
	for i := 1; i < len(times); i++ {
		if times[i] < times[i-1] {
			falls++
		}
	}
	require.Greater(t, falls, len(times)/4)

	for i, a := range consortium.Environments { // each has its own data, and one in ten in the smaller
		held, gone := w.truth("ncmec", a)
		require.GreaterOrEqual(t, len(held)+len(gone), 95)
		for _, b := range consortium.Environments[:i] {
			other, _ := w.truth("ncmec", b)
			for key := range held {
				if _, same := other[key]; same && !strings.HasSuffix(key, " ") {
					t.Fatalf("%s is in %s and %s", key, a, b)
				}
			}
		}
	}
}

// TestTombstones: what was removed is told for 90 and 30 days, and paging URLs work for 12
// hours.
func TestTombstones(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 10, Known: []consortium.Known{{"pdq", aPDQ}}})
	w.Withdraw("", aPDQ)
	a := w.nc("GET", "/industry/v2/entries?size=2", "")
	next := between(t, string(a.body), "<next>", "</next>")
	next = strings.ReplaceAll(next, "&amp;", "&")
	te := func() bool { l := list{}; w.readTE(l, noon.Unix(), 10, nil); return l["HASH_PDQ "+aPDQ] == "gone" }
	sn := func() bool { l := list{}; w.readSN(l, noon.Unix(), 10, nil); return l["ImagePDQ "+aPDQ] == "gone" }
	require.True(t, te() && sn())
	w.Advance(11 * time.Hour)
	require.Equal(t, 200, w.nc("GET", "/industry"+next, "").status)
	w.Advance(2 * time.Hour)
	require.Equal(t, 400, w.nc("GET", "/industry"+next, "").status)
	w.Advance(30 * 24 * time.Hour)
	require.True(t, te() && !sn())
	w.Advance(60 * 24 * time.Hour)
	require.False(t, te() || sn())
}

func between(t testing.TB, s, open, shut string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, open)
	require.True(t, ok, open)
	s, _, ok = strings.Cut(s, shut)
	require.True(t, ok, shut)
	return s
}

// TestKinds: the set has what a client may not know, conflicts, and what has run out.
func TestKinds(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 2000})
	for protocol, kinds := range map[string]string{
		"threatexchange": "HASH_PDQ HASH_MD5 HASH_VIDEO_MD5 HASH_SHA1 HASH_SHA256 HASH_PHOTODNA HASH_TMK TEXT_STRING URI",
		"ncmec":          "md5 sha1 pdna pdq tmkPdqf", "stopncii": "ImagePDQ VideoMD5 VideoTMK Text URL Unknown", "tat": "PDQ MD5 SHA256 SHA512",
	} {
		found, conflicts, expired, gone := map[string]int{}, 0, 0, 0
		records, err := w.Truth(protocol, "")
		require.NoError(t, err)
		for r := range records {
			found[r.Kind]++
			text := strings.Join(r.Opinions, " ")
			for _, pair := range [][2]string{{":MALICIOUS", ":NON_MALICIOUS"}, {":affirmative", ":negative"}, {":Blocked", ":NotBlocked"}} {
				if strings.Contains(text, pair[0]) && strings.Contains(text, pair[1]) {
					conflicts++
				}
			}
			if r.Expires > 0 && r.Expires < noon.Unix() {
				expired++
			}
			if !r.Held {
				gone++
			}
		}
		for kind := range strings.FieldsSeq(kinds) {
			require.Positive(t, found[kind], "%s %s", protocol, kind)
		}
		require.Positive(t, gone, protocol)
		require.Equal(t, protocol != "tat", conflicts > 0, protocol)
		require.Equal(t, protocol == "threatexchange", expired > 0, protocol)
	}
}

// TestSeed: a set is a function of its seed.
func TestSeed(t *testing.T) {
	page := func(seed uint64) string {
		w := newWorld(t, consortium.Options{Records: 200, Seed: seed})
		w.Churn(50)
		return string(w.sn("GET", "FetchHashes?pageSize=1000", "").body)
	}
	require.Equal(t, page(5), page(5))
	require.NotEqual(t, page(5), page(6))
}
