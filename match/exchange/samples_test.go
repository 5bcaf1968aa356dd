package exchange_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// Payloads with the structure of those in the reference client's own tests, with texts and hashes of ours, and what comes of
// them here: the same entries, deletions and opinions, or what the comments say is better.

// paged makes a server of pages, each chosen by a parameter of its request.
func paged(t *testing.T, protocol, parameter string, pages map[string]string) *consortium {
	t.Helper()
	c := newConsortium(t, wireOf(t, protocol), 0)
	serve := c.wire.serve
	c.wire.serve = func(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
		page, ok := pages[r.URL.Query().Get(parameter)]
		if !ok {
			return serve(c, w, r)
		}
		return []byte(page)
	}
	return c
}

func values(r exchange.Record) (all []string) {
	for _, s := range r.Signals {
		all = append(all, s.Value.String())
	}
	return all
}

func TestSampleNCMEC(t *testing.T) {
	const root = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">`
	next := func(start string) string {
		return `<paging><next>/v2/entries?from=2019-01-01T00%3A00%3A00.000Z&amp;to=2019-02-01T00%3A00%3A00.000Z&amp;start=` + start + `&amp;size=1000&amp;max=5000</next></paging></queryResult>`
	}
	c := paged(t, "ncmec", "start", map[string]string{
		"": "\n" + root + `
    <images count="2" maxTimestamp="2019-01-20T08:30:00Z">
        <image>
            <member id="61">Harbour</member><timestamp>2019-01-20T08:00:00Z</timestamp><id>picture-1</id><classification>B1</classification>
            <fingerprints>
                <md5>0badc0de0badc0de0badc0de0badc0de</md5><sha1>0badc0de0badc0de0badc0de0badc0de0badc0de</sha1><pdna>QUJD...</pdna><netclean/>
            </fingerprints>
            <feedback lastUpdateTimestamp="2024-02-02T10:00:00Z">
                <affirmativeFeedback type="Md5" lastUpdateTimestamp="2024-02-02T10:00:00Z"><members timestamp="2024-02-02T10:00:00Z"><member id="61">Harbour</member></members></affirmativeFeedback>
                <negativeFeedback type="Sha1" lastUpdateTimestamp="2024-02-01T10:00:00Z">
                    <reasons><reason guid="99999999-aaaa-bbbb-cccc-000000000001" name="Other" type="Sha1"/><members timestamp="2024-02-01T10:00:00Z"><member id="61">Harbour</member></members></reasons>
                </negativeFeedback>
            </feedback>
        </image>
        <deletedImage><member id="62">Lagoon</member><id>picture-4</id><timestamp>2019-01-20T08:30:00Z</timestamp></deletedImage>
    </images>
    <videos count="2" maxTimestamp="2019-01-20T08:40:00Z">
        <video><member id="61">Harbour</member><timestamp>2019-01-20T08:00:00Z</timestamp><id>film-1</id><fingerprints><md5>1badc0de0badc0de0badc0de0badc0de</md5></fingerprints></video>
        <deletedVideo><member id="61">Harbour</member><id>film-4</id><timestamp>2019-01-20T08:40:00Z</timestamp></deletedVideo>
    </videos>` + next("2001"),
		"2001": root + `<images count="1" maxTimestamp="2019-01-25T08:30:00Z"><image><member id="61">Harbour</member><timestamp>2019-01-25T08:00:00Z</timestamp><id>picture-10</id>
            <fingerprints><md5>2badc0de0badc0de0badc0de0badc0de</md5></fingerprints><feedback /></image></images>` + next("3001"),
		"3001": root + `<videos count="2" maxTimestamp="2019-01-26T08:30:00Z">
            <video><member id="70">Pier</member><timestamp>2019-01-26T08:00:00Z</timestamp><id>changes</id><classification>A1</classification><fingerprints><md5>3badc0de0badc0de0badc0de0badc0de</md5></fingerprints></video>
            <video><member id="70">Pier</member><timestamp>2019-01-26T08:00:00Z</timestamp><id>goes</id><classification>A1</classification><fingerprints><md5>4badc0de0badc0de0badc0de0badc0de</md5></fingerprints></video>
            </videos>` + next("4001"),
		"4001": root + `<videos count="3" maxTimestamp="2019-01-27T08:30:00Z">
            <video><member id="70">Pier</member><timestamp>2019-01-27T08:00:00Z</timestamp><id>changes</id><classification>A2</classification><fingerprints><md5>3badc0de0badc0de0badc0de0badc0de</md5></fingerprints></video>
            <video><member id="70">Pier</member><timestamp>2019-01-27T08:00:00Z</timestamp><id>large</id><fingerprints><md5>5badc0de0badc0de0badc0de0badc0de</md5>
                <tmk-pdqf rel="self" href="/v2/entries/1/fingerprints/TMK_PDQF"/><videntifier rel="self" href="/v2/entries/1/fingerprints/VIDENTIFIER"/></fingerprints></video>
            <deletedVideo><member id="70">Pier</member><timestamp>2019-01-27T08:10:00Z</timestamp><id>goes</id></deletedVideo></videos></queryResult>`,
	})
	var k kept
	require.NoError(t, c.pull(&k))
	assert.Equal(t, 4, k.pages)
	assert.Empty(t, k.faults)
	assert.Equal(t, []string{"61-film-1", "61-picture-1", "61-picture-10", "70-changes", "70-large"}, k.ids())
	picture := k.records["61-picture-1"]
	// The reference keeps the PDQ of pictures and the MD5 of videos alone; all digests are of use here, and what is of none yet waits.
	assert.Equal(t, []string{"md5:0badc0de0badc0de0badc0de0badc0de", "sha1:0badc0de0badc0de0badc0de0badc0de0badc0de"}, values(picture))
	assert.Equal(t, []exchange.Foreign{{Type: "PDNA", Value: "QUJD..."}}, picture.Later)
	// It calls every entry positive; a member that is against one of its hashes is negative.
	assert.Equal(t, match.Negative, (&match.Curation{Opinions: picture.Opinions}).Stance())
	assert.Equal(t, []string{"A2"}, k.records["70-changes"].Labels)
	assert.Equal(t, "A2", k.records["70-changes"].Origin.Severity)
	assert.Equal(t, []exchange.Foreign{{Type: "TMK_PDQF"}, {Type: "VIDENTIFIER"}}, k.records["70-large"].Later, "it is there, and its address is not kept")
	assert.Equal(t, match.Positive, (&match.Curation{Opinions: k.records["70-large"].Opinions}).Stance())

	// Only some members' entries.
	c.config()
	var some kept
	require.NoError(t, c.pull(&some, func(config *exchange.Config) { config.Settings["members"] = "70" }))
	assert.Equal(t, []string{"70-changes", "70-large"}, some.ids())
	var class kept
	require.NoError(t, c.pull(&class, func(config *exchange.Config) { config.Settings["classifications"] = "b1, a2" }))
	assert.Equal(t, []string{"61-picture-1", "70-changes"}, class.ids())

	// Without any entry.
	c = fixed(t, "ncmec", root+`<images count="0"/><videos count="0"/></queryResult>`)
	p := c.one()
	assert.True(t, p.Last)
	assert.Empty(t, p.Records)
}

func TestSampleStopNCII(t *testing.T) {
	const token = "b3Vyczp0aGUtc2Vjb25kLXBhZ2U"
	c := paged(t, "stopncii", "nextPageToken", map[string]string{
		"": `{"count":2,"nextSetTimestamp":1700007271,"nextPageToken":"` + token + `","hasMoreRecords":true,"hashRecords":[
			{"lastModtimestamp":1700000004,"hashValue":"` + pdq(1) + `","hashStatus":"Received","caseNumbers":{"case-1":"Received","case-2":"Received"},"signalType":"ImagePDQ"},
			{"lastModtimestamp":1700000044,"hashValue":"` + pdq(2) + `","hashStatus":"Received","caseNumbers":{"case-1":"Received"},"signalType":"ImagePDQ"}]}`,
		token: `{"count":1,"nextSetTimestamp":1700000024,"nextPageToken":"` + token + `4","hasMoreRecords":false,"hashRecords":[
			{"lastModtimestamp":1700007271,"hashValue":"` + pdq(3) + `","hashStatus":"Active","caseNumbers":{"case-9":"Active"},"signalType":"ImagePDQ","hashRegions":["UK"],
			"CSPFeedbacks":[{"source":"Harbour","feedbackValue":"Blocked","tags":["Nude","Objectionable"]}]}]}`,
	})
	var k kept
	require.NoError(t, c.pull(&k))
	assert.Equal(t, 2, k.pages)
	require.Len(t, k.records, 3)
	assert.Equal(t, match.Seed, (&match.Curation{Opinions: k.records["ImagePDQ:"+pdq(1)].Opinions}).Stance())
	third := k.records["ImagePDQ:"+pdq(3)]
	assert.Equal(t, match.Positive, (&match.Curation{Opinions: third.Opinions}).Stance())
	require.Len(t, third.Opinions, 2)
	assert.Equal(t, match.Opinion{By: "Harbour", Says: match.Positive, At: time.Unix(1700007271, 0).UTC(), Tags: []string{"Nude", "Objectionable", "feedback:Blocked"}}, third.Opinions[1])
	assert.Equal(t, []string{"region:UK", "status:Active"}, third.Origin.Tags)
	// The last page's nextSetTimestamp is earlier than that of the first: reading goes on from the earlier.
	assert.Contains(t, string(k.at), `"since":1700000024`)

	// Words that the client does not know. The reference drops such records; a hash is no less known for them.
	p := fixed(t, "stopncii", `{"count":2,"nextSetTimestamp":1700000024,"nextPageToken":"x","hasMoreRecords":false,"hashRecords":[
		{"lastModtimestamp":1700007271,"hashValue":"`+pdq(3)+`","hashStatus":"Active","caseNumbers":{"c":"Active"},"signalType":"ImagePDQ","CSPFeedbacks":[{"source":"Harbour","feedbackValue":"SomethingElse","tags":["Nude"]}]},
		{"lastModtimestamp":1700007272,"hashValue":"`+pdq(4)+`","hashStatus":"NewStatus","caseNumbers":{"c":"Active"},"signalType":"ImagePDQ","hashRegions":["UK"],
		"CSPFeedbacks":[{"source":"Harbour","feedbackValue":"NotBlocked","tags":[]},{"source":"Pier","feedbackValue":"Undefined","tags":["Tag-One"]}]}]}`).one()
	require.Len(t, p.Records, 2)
	assert.Equal(t, match.Seed, (&match.Curation{Opinions: p.Records[0].Opinions}).Stance())
	assert.Equal(t, match.Negative, (&match.Curation{Opinions: p.Records[1].Opinions}).Stance())
}

func TestSampleTAT(t *testing.T) {
	p := fixed(t, "tat", `{"count":100,"next":"https://elsewhere.example","previous":null,"checkpoint":"1724000000.709035,5594","results":[
		{"hash_digest":"9dd4e461268c8034f5c8564e155c67a6","algorithm":"MD5","ideology":"islamist","file_type":"mp4","deleted":false,"updated_on":1704900000.5,"created_on":"2025-03-03T23:05:22.587Z","id":5001},
		{"hash_digest":"456def","algorithm":"MD5","ideology":"far-right","file_type":"mp4","deleted":false,"updated_on":1704900000.24492,"created_on":"2025-03-03T23:05:22.587Z","id":5002},
		{"hash_digest":"`+pdq(1)+`","algorithm":"PDQ","ideology":"islamist","file_type":"gif","deleted":false,"updated_on":1704900000.25555,"id":5003},
		{"hash_digest":"aa","algorithm":"SHA512","ideology":"far-right","file_type":"pdf","deleted":false,"updated_on":1704900001,"id":5004},
		{"hash_digest":"9dd4e461268c8034f5c8564e155c67a7","algorithm":"MD5","ideology":"far-right","file_type":"pdf","deleted":false,"updated_on":1704900001,"id":5005},
		{"hash_digest":null,"algorithm":"MD5","deleted":true,"updated_on":1704900001,"id":5006}]}`).one()
	// The reference takes digits of any number for a hash; here they are set aside. It leaves out what is no film, and what
	// it can't compare.
	require.Len(t, p.Records, 4)
	require.Len(t, p.Faults, 1)
	assert.Equal(t, 1, p.Faults[0].Position)
	assert.Equal(t, "5002", p.Faults[0].ID)
	assert.Equal(t, []string{"5006"}, p.Gone)
	first := p.Records[0]
	assert.Equal(t, []string{"md5:9dd4e461268c8034f5c8564e155c67a6"}, values(first))
	assert.Equal(t, []string{"islamist"}, first.Labels)
	assert.Equal(t, []string{"file_type:mp4", "ideology:islamist"}, first.Origin.Tags)
	assert.Equal(t, []match.Opinion{{By: "tech-against-terrorism", Says: match.Positive, At: time.Unix(1704900000, 500_000_000).UTC(), Tags: []string{"islamist"}}}, first.Opinions)
	assert.Equal(t, []exchange.Foreign{{Type: "SHA512", Value: "aa"}}, p.Records[2].Later)
	assert.Contains(t, string(p.After), "1724000000.709035,5594")
	assert.False(t, p.Last)
}

func TestSampleThreatExchange(t *testing.T) {
	p := fixed(t, "threatexchange", `{"data":[
	{"id":"11","indicator":"`+pdq(1)+`","type":"HASH_PDQ","last_updated":1759990000,"should_delete":false,"descriptors":{"data":[
		{"id":"101","owner":{"id":"1","name":"Harbour"},"status":"MALICIOUS","severity":"WARNING","confidence":75,"review_status":"REVIEWED_MANUALLY","share_level":"AMBER","added_on":"2025-10-01T10:00:00+0000","expired_on":1790000000,
		 "tags":{"data":[{"id":"5","text":"group:gifct"},{"id":"6","text":"source:harbour"},{"id":"7","text":"video"}]},
		 "reactions":[{"key":"HELPFUL","value":"2,3"},{"key":"DISAGREE_WITH_TAGS","value":"3,4"},{"key":"SAW_THIS_TOO","value":"5,6"},{"key":"NON_MALICIOUS","value":"6"}]},
		{"id":"102","owner":{"id":"7"},"status":"UNKNOWN","severity":"SEVERE","tags":[],"expired_on":"2026-01-02T03:04:05+0000"}]}},
	{"id":12,"indicator":"0badc0de0badc0de0badc0de0badc0de","type":"HASH_MD5","last_updated":"1759990001","descriptors":{"data":[{"id":"103","owner":{"id":"2"},"status":"NON_MALICIOUS"}]}},
	{"id":"13","indicator":"words","type":"TEXT_STRING","last_updated":1759990002,"descriptors":{"data":[{"id":"104","status":"MALICIOUS"}]}},
	{"id":"14","indicator":"x","type":"HASH_PDQ","last_updated":1759990003,"should_delete":true,"descriptors":{"data":[{"id":"105","owner":{"id":"2"},"status":"MALICIOUS"}]}},
	{"id":"15","indicator":"x","type":"HASH_PDQ","last_updated":1759990003,"should_delete":false},
	{"id":"16","indicator":"`+pdq(6)+`","type":"HASH_PDQ","last_updated":1759990003,"should_delete":false,"descriptors":{"data":[]}},
	{"id":"17","indicator":"`+pdq(7)+`","type":"HASH_PDQ","last_updated":99999999999999,"should_delete":false,"descriptors":{"data":[{"id":"106","owner":{"id":"2"},"status":"MALICIOUS"}]}}
	]}`).one()
	require.Empty(t, p.Faults)
	assert.Equal(t, []string{"14", "15", "16"}, p.Gone)
	require.Len(t, p.Records, 4)
	r := p.Records[0]
	v, err := hash.ParseHex(hash.PDQ, pdq(1))
	require.NoError(t, err)
	assert.Equal(t, []match.Signal{{Value: v, Quality: hash.Unmeasured}}, r.Signals)
	assert.Equal(t, []string{"group:gifct", "source:harbour", "video"}, r.Labels)
	assert.Equal(t, match.Origin{Exchange: "threatexchange", Member: "1", ID: "11", Severity: "SEVERE", Tags: []string{"confidence:75", "group:gifct", "member:Harbour", "source:harbour"}}, r.Origin)
	assert.Equal(t, time.Unix(1790000000, 0).UTC(), r.Expires, "the later of those who say so")
	assert.Equal(t, []match.Opinion{
		{By: "1", Says: match.Positive, At: time.Date(2025, 10, 1, 10, 0, 0, 0, time.UTC), Tags: []string{"confidence:75", "descriptor:101", "group:gifct", "review_status:REVIEWED_MANUALLY", "severity:WARNING", "share_level:AMBER", "source:harbour", "status:MALICIOUS", "video"}},
		{By: "7", Says: match.Seed, Tags: []string{"descriptor:102", "severity:SEVERE", "status:UNKNOWN"}},
		{By: "2", Says: match.Positive, Tags: []string{"reaction:HELPFUL"}},
		{By: "3", Says: match.Positive, Tags: []string{"reaction:HELPFUL"}}, // as the reference: helpful in spite of the tags
		{By: "4", Says: match.Negative, Tags: []string{"reaction:DISAGREE_WITH_TAGS"}},
		{By: "6", Says: match.Negative, Tags: []string{"reaction:NON_MALICIOUS"}}, // which it does not know of
	}, r.Opinions)
	assert.Equal(t, "12", p.Records[1].ID)
	assert.Equal(t, match.Negative, p.Records[1].Opinions[0].Says)
	assert.True(t, p.Records[1].Expires.IsZero())
	assert.Equal(t, []exchange.Foreign{{Type: "TEXT_STRING", Value: "words"}}, p.Records[2].Later)
	assert.Equal(t, "unknown", p.Records[2].Opinions[0].By, "one without an owner is no deletion")
	// A time far from now does not hide what comes until then.
	assert.Contains(t, string(p.After), `"since":1759990003`)
}
