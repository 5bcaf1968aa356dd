package exchange

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// lawful holds what is true of every page, whatever it was made of.
func lawful(t *testing.T, p *Page, err error) {
	t.Helper()
	if err != nil {
		require.Nil(t, p)
		require.True(t, errors.Is(err, ErrPage), err)
		return
	}
	seen := map[string]bool{}
	for _, id := range p.Gone {
		require.NotEmpty(t, id)
		require.False(t, seen[id], "%q twice", id)
		seen[id] = true
	}
	for i := range p.Records {
		r := &p.Records[i]
		require.False(t, seen[r.ID], "%q twice", r.ID)
		seen[r.ID] = true
		require.NoError(t, checkRecord(r))
		for _, l := range [][]string{r.Labels, r.Origin.Tags} {
			require.True(t, slices.IsSorted(l))
		}
		by := map[string]bool{}
		for _, o := range r.Opinions {
			require.False(t, by[o.By], "%q has two opinions", o.By)
			by[o.By] = true
			require.False(t, o.Ours)
			require.NotEqual(t, match.NoOpinion, o.Says)
		}
	}
	for _, f := range p.Faults {
		require.NotEmpty(t, f.Reason)
		require.GreaterOrEqual(t, f.Position, 0)
	}
}

const fuzzPDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"

func FuzzThreatExchange(f *testing.F) {
	for _, seed := range []string{
		`{"data":[]}`,
		`{"data":[{"id":"1","indicator":"` + fuzzPDQ + `","type":"HASH_PDQ","last_updated":1759990000,"should_delete":false,"descriptors":{"data":[{"id":"2","owner":{"id":"3","name":"n"},"status":"MALICIOUS","severity":"SEVERE","confidence":75,"tags":{"data":[{"id":"5","text":"group:x"}]},"reactions":[{"key":"HELPFUL","value":"4,5"},{"key":"NON_MALICIOUS","value":"5"}],"expired_on":1790000000}]}}],"paging":{"next":"https://x/1?after=2"}}`,
		`{"data":[{"id":"1","should_delete":true},{"id":"1","indicator":"x","type":"URI","descriptors":{"data":[{"tags":["a"]}]}},{"id":"1","should_delete":1},{]`,
		`{"data":[{"id":"1"},null,5,"x",{"id":2,"type":"HASH_MD5","indicator":"0","descriptors":{"data":[{}]}}],"error":{"code":190}}`,
	} {
		f.Add([]byte(seed), "group:x")
	}
	f.Fuzz(func(t *testing.T, body []byte, tag string) {
		p, next, newest, err := parseThreatUpdates("page", body, words(tag))
		lawful(t, p, err)
		require.GreaterOrEqual(t, newest, int64(0))
		if err != nil {
			require.Zero(t, next)
		}
	})
}

func FuzzNCMEC(f *testing.F) {
	for _, seed := range []string{
		`<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><images count="0"/><videos/></queryResult>`,
		`<?xml version="1.0"?><queryResult><images maxTimestamp="2025-01-01T00:00:00Z"><image><member id="1">m</member><timestamp>2025-01-01T00:00:00Z</timestamp><id>a</id><classification>A1</classification><fingerprints><pdq>` + fuzzPDQ + `</pdq><md5>00</md5><tmk-pdqf href="/x"/></fingerprints><feedback><affirmativeFeedback type="Pdq"><members timestamp="2025-01-01T00:00:00Z"><member id="2"/></members></affirmativeFeedback><negativeFeedback type="Md5"><reasons><reason name="r"/><members><member id="2"/><member id="1"/></members></reasons></negativeFeedback></feedback></image><deletedImage><member id="1"/><id>b</id></deletedImage></images><paging><next>/v2/entries?start=1&amp;max=9</next></paging></queryResult>`,
		`<!DOCTYPE a [<!ENTITY b "c">]><queryResult>&b;</queryResult>`,
		`<availableFeedbackReasons><reason guid="g" name="n"/></availableFeedbackReasons>`,
	} {
		f.Add([]byte(seed), "1")
	}
	f.Fuzz(func(t *testing.T, body []byte, member string) {
		found, err := parseNCMEC("page", body, ncmecFilter{members: words(member)})
		if err != nil {
			lawful(t, nil, err)
		} else {
			lawful(t, found.page, nil)
			require.GreaterOrEqual(t, found.estimate, int64(0))
		}
		if _, err := parseReasons("page", body); err != nil {
			require.ErrorIs(t, err, ErrPage)
		}
	})
}

func FuzzStopNCII(f *testing.F) {
	for _, seed := range []string{
		`{"count":0,"nextSetTimestamp":10,"hasMoreRecords":false,"hashRecords":[]}`,
		`{"count":2,"nextPageToken":"t","nextSetTimestamp":1700000000,"hasMoreRecords":true,"hashRecords":[{"lastModtimestamp":1,"signalType":"ImagePDQ","hashValue":"` + fuzzPDQ + `","hashStatus":"Active","caseNumbers":{"a":"Active"},"hashRegions":["UK"],"CSPFeedbacks":[{"source":"s","feedbackValue":"Blocked","tags":["x"]},{"source":"s","feedbackValue":"Odd"}]},{"signalType":"VideoTMK","hashValue":"x","hashStatus":"Withdrawn"}]}`,
		`{"hashRecords":[{"hashValue":"x},{"hashValue":"y"}],"count":"0"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, head, err := parseStopNCII("page", body)
		lawful(t, p, err)
		require.GreaterOrEqual(t, head.next, int64(0))
		require.GreaterOrEqual(t, head.newest, int64(0))
	})
}

func FuzzTAT(f *testing.F) {
	for _, seed := range []string{
		`{"count":0,"next":null,"previous":null,"checkpoint":null,"results":[]}`,
		`{"count":9,"next":"https://x","checkpoint":"1700000000.5,7","results":[{"hash_digest":"` + fuzzPDQ + `","algorithm":"PDQ","ideology":"islamist","file_type":"mp4","deleted":false,"updated_on":1700000000.5,"id":7},{"id":7,"deleted":true},{"id":"x","algorithm":"SHA512","hash_digest":"a"}]}`,
		`{"results":[{"hash_digest":1,"id":{}}],"next":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, cursor, more, err := parseTAT("page", body)
		lawful(t, p, err)
		if err != nil {
			require.False(t, more && cursor != "" && p != nil)
		}
	})
}

// FuzzFiles reads lists, tables and bank files, in as many pages as it takes.
func FuzzFiles(f *testing.F) {
	var bank bytes.Buffer
	require.NoError(f, match.Write(&bank, match.Bank{Name: "b", Entries: []match.Entry{{ID: "x", Signals: []match.Signal{{Value: placeholder, Quality: hash.Unmeasured}}}}}))
	for kind, seeds := range [][]string{
		{fuzzPDQ + "\n# c\n\npdq:" + fuzzPDQ + "\r\nraw_text words\nmd5 1\n\xff", "#"},
		{"id,kind,hash,label\n1,pdq," + fuzzPDQ + ",\"a,b\"\n2,,x,\n\"3\n", "md5;pdq\n;" + fuzzPDQ + "\n"},
		{bank.String(), fuzzPDQ},
	} {
		for _, seed := range seeds {
			f.Add(uint8(kind), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		list := listFormat{protocol: "list"}
		format := []fileFormat{&list, &csvFormat{listFormat: list}, &bankFormat{limit: 1 << 20, list: list}}[kind%3]
		if format.check(body) != nil {
			return
		}
		position := 0
		for from, pages := int64(0), 0; from >= 0; pages++ {
			require.LessOrEqual(t, pages, len(body))
			b := newPage("list", "file")
			next, count, err := format.read(body, from, position, b)
			require.NoError(t, err)
			require.True(t, next < 0 || next > from)
			p, err := b.page()
			lawful(t, p, err)
			from, position = next, position+count
		}
	})
}
