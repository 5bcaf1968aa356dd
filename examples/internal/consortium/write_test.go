package consortium_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
)

// as is the same world through another member's eyes.
func (w *world) as(number int) *world {
	other := *w
	other.me, other.bearer = w.Members()[number-1], ""
	return &other
}

func upload(change ...string) url.Values {
	v := url.Values{"indicator": {aPDQ}, "type": {"HASH_PDQ"}, "status": {"MALICIOUS"}, "description": {"seen here"}, "privacy_type": {"HAS_PRIVACY_GROUP"},
		"privacy_members": {consortium.PrivacyGroup}, "share_level": {"AMBER"}, "tags": {"Violent_Extremism,group:alpha"}, "confidence": {"75"}, "severity": {"SEVERE"},
		"review_status": {"REVIEWED_MANUALLY"}, "expired_on": {"2027-01-01T00:00:00Z"}}
	for i := 0; i < len(change); i += 2 {
		if v.Set(change[i], change[i+1]); change[i+1] == "" {
			v.Del(change[i])
		}
	}
	return v
}

// TestThreatExchangeWrites: a descriptor is shared, seen by others, reacted to, changed and
// taken back, and saying the same again changes nothing.
func TestThreatExchangeWrites(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 20, Now: ticking(1e6)})
	other := w.as(2)
	seen := func() string {
		l := list{}
		other.readTE(l, 0, 100, nil)
		w.check("threatexchange", "", l)
		return l["HASH_PDQ "+aPDQ]
	}
	var made struct {
		ID      string
		Success bool
	}
	strict(t, w.te("POST", "threat_descriptors", upload()), &made)
	require.True(t, made.Success)
	require.Equal(t, "[1:MALICIOUS] [group:alpha violent_extremism]", seen())
	first := made.ID
	strict(t, w.te("POST", "threat_descriptors", upload()), &made)
	require.Equal(t, first, made.ID)
	strict(t, other.te("POST", "threat_descriptors", upload("status", "NON_MALICIOUS", "tags", "")), &made)
	require.NotEqual(t, first, made.ID)
	require.Equal(t, "[1:MALICIOUS 2:NON_MALICIOUS] [group:alpha violent_extremism]", seen())

	react := func(who *world, id string, v url.Values) int { return who.te("POST", id, v).status }
	require.Equal(t, 200, react(other, first, url.Values{"reactions": {"SAW_THIS_TOO,DISAGREE_WITH_TAGS"}}))
	require.Equal(t, 200, react(other, first, url.Values{"reactions": {"SAW_THIS_TOO"}}))
	require.Equal(t, "[1:MALICIOUS 2:DISAGREE_WITH_TAGS 2:NON_MALICIOUS 2:SAW_THIS_TOO] [group:alpha violent_extremism]", seen())
	var d struct {
		ID        string                        `json:"id"`
		Mine      []string                      `json:"my_reactions"`
		Reactions []struct{ Key, Value string } `json:"reactions"`
	}
	strict(t, other.te("GET", first, url.Values{"fields": {"id,my_reactions,reactions"}}), &d)
	require.Equal(t, []string{"DISAGREE_WITH_TAGS", "SAW_THIS_TOO"}, d.Mine)
	require.Equal(t, "10000002", d.Reactions[0].Value)
	require.Equal(t, 200, react(w, first, url.Values{"remove_tags": {"group:alpha"}}), "its owner edits it")
	require.Equal(t, "[1:MALICIOUS 2:NON_MALICIOUS 2:SAW_THIS_TOO] [violent_extremism]", seen(), "new tags take DISAGREE_WITH_TAGS away")
	require.Equal(t, 200, react(other, first, url.Values{"reactions_to_remove": {"SAW_THIS_TOO"}}))
	require.Equal(t, 400, react(w, first, url.Values{"reactions": {"HELPFUL"}}), "one's own")
	require.Equal(t, 403, react(other, first, url.Values{"status": {"UNKNOWN"}}), "another's")
	require.Equal(t, 400, react(other, first, url.Values{"reactions": {"LOVE"}}))
	require.Equal(t, 400, react(other, "1", url.Values{"reactions": {"HELPFUL"}}))

	require.Equal(t, 400, other.te("DELETE", first, nil).status)
	require.Equal(t, 200, other.te("DELETE", made.ID, nil).status)
	require.Equal(t, "[1:MALICIOUS] [violent_extremism]", seen())
	require.Equal(t, 200, w.te("DELETE", first, nil).status)
	require.Equal(t, "gone", seen())
	require.Equal(t, 400, w.te("GET", first, nil).status)
	strict(t, w.te("POST", "threat_descriptors", upload()), &made)
	require.Equal(t, "[1:MALICIOUS] [group:alpha violent_extremism]", seen(), "shared again")

	require.Equal(t, 200, react(w, made.ID, url.Values{"privacy_type": {"VISIBLE"}, "share_level": {"GREEN"}}))
	require.Equal(t, "gone", seen(), "it has left the group")
	require.Equal(t, 200, w.te("GET", made.ID, nil).status, "and is there for all")

	changed := ""
	for _, r := range w.Received() {
		require.NotContains(t, fmt.Sprint(r), "secret")
		changed += fmt.Sprintf("%s:%v ", r.Action, r.Changed)
	}
	require.Equal(t, "upload:true upload:false upload:true edit:true edit:false edit:true edit:true delete:true delete:true upload:true edit:true ", changed)

	// A generated indicator is found by its value, and gets an opinion more.
	records, err := w.Truth("threatexchange", "")
	require.NoError(t, err)
	for r := range records {
		if r.Held && r.Kind == "HASH_PDQ" {
			strict(t, w.te("POST", "threat_descriptors", upload("indicator", strings.ToUpper(r.Value), "status", "NON_MALICIOUS")), &made)
			after, _ := w.truth("threatexchange", "")
			require.Contains(t, after[r.Kind+" "+r.Value], "1:NON_MALICIOUS")
			require.Contains(t, after[r.Kind+" "+r.Value], r.Opinions[0])
			break
		}
	}
	strict(t, w.te("POST", "threat_descriptors", upload("indicator", strings.Repeat("0f", 32), "privacy_type", "VISIBLE", "share_level", "GREEN")), &made)
	_, ok := func() (string, bool) {
		l := list{}
		w.readTE(l, 0, 100, nil)
		s, ok := l["HASH_PDQ "+strings.Repeat("0f", 32)]
		return s, ok
	}()
	require.False(t, ok, "what all members see is not of the group")
}

func TestThreatExchangeRefuses(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 20})
	for _, change := range [][]string{{"indicator", ""}, {"type", ""}, {"status", ""}, {"description", ""}, {"privacy_type", ""}, {"indicator", "f8"}, {"indicator", aPDQ[:62] + "zz"},
		{"type", "HASH_NEW"}, {"status", "malicious"}, {"severity", "HIGH"}, {"share_level", "BLUE"}, {"share_level", "GREEN"}, {"privacy_type", "VISIBLE"}, {"privacy_type", "NOBODY"},
		{"privacy_members", ""}, {"confidence", "101"}, {"confidence", "much"}, {"expired_on", "soon"}, {"tags", "#spam"}, {"review_status", "YES"}} {
		a := w.te("POST", "threat_descriptors", upload(change...))
		require.Equal(t, 400, a.status, "%v", change)
		var e struct {
			Error struct {
				Message, Type string
				Code          int
				Trace         string `json:"fbtrace_id"`
			} `json:"error"`
		}
		require.NoError(t, json.Unmarshal(a.body, &e))
		require.Equal(t, 100, e.Error.Code)
		require.Equal(t, "OAuthException", e.Error.Type)
	}
	get := func(v ...string) answer {
		q := url.Values{}
		for i := 0; i < len(v); i += 2 {
			q.Set(v[i], v[i+1])
		}
		return w.te("GET", consortium.PrivacyGroup+"/threat_updates", q)
	}
	for _, v := range [][]string{{"limit", "0"}, {"limit", "x"}, {"start_time", "-1"}, {"stop_time", "20a"}, {"after", "***"}, {"after", "dGU6eA"}, {"fields", "id,secret"}, {"fields", "descriptors{owner{id}"},
		{"fields", "descriptors{owner{wealth}}"}, {"fields", strings.Repeat("a{", 500)}, {"fields", ","}} {
		require.Equal(t, 400, get(v...).status, "%v", v)
	}
	require.Equal(t, 500, w.te("GET", consortium.OtherGroup+"/threat_updates", nil).status, "not enabled")
	require.Equal(t, 400, w.te("GET", "123/threat_updates", nil).status)
	require.Equal(t, 400, w.do("GET", "/threatexchange/v21.0/"+consortium.PrivacyGroup+"/threat_updates?access_token=1|2", "").status)
	require.Equal(t, 400, w.do("POST", "/threatexchange/v21.0/threat_descriptors?access_token="+url.QueryEscape(w.me.AppToken), "{}", "Content-Type", "application/json").status)
	require.Empty(t, w.Received())

	var p tePage
	strict(t, get("types", "HASH_MD5,HASH_TMK", "limit", "5"), &p)
	require.NotEmpty(t, p.Paging.Next, "a page may be short and have a next link")
	for _, x := range p.Data {
		require.Contains(t, "HASH_MD5 HASH_TMK", x.Type)
	}
	require.Contains(t, string(w.te("GET", "10000001/threat_privacy_groups_member", nil).body), `"threat_updates_enabled":true`)
	require.Contains(t, string(w.te("GET", "threat_exchange_members", nil).body), `"Quarry Social"`)
	require.Contains(t, string(w.te("GET", "2000000000000000", nil).body), `"indicator":"`)
}

const (
	yes  = `<feedbackSubmission xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><affirmative/></feedbackSubmission>`
	noOf = `<feedbackSubmission xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><negative><reasonIds>%s</reasonIds></negative></feedbackSubmission>`
)

// TestNCMECVotes: a vote shows to others, takes the place of that before, and is refused
// when it is not of the schema.
func TestNCMECVotes(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 10, Known: []consortium.Known{{"pdq", aPDQ}, {"md5", aPDQ[:32]}}, Now: ticking(1e6)})
	a := w.nc("GET", "/industry/v2/feedback/PDQ/reasons", "")
	require.Equal(t, 200, a.status)
	guid := between(t, string(a.body), `guid="`, `"`)
	seen := func(key string) string {
		l := list{}
		w.as(3).readNC(l, "industry", noon.AddDate(-1, 0, 0), w.Now().AddDate(0, 0, 1), 100, nil)
		w.check("ncmec", "industry", l)
		return l[key]
	}
	path, key := "/industry/v2/entries/2/added10/PDQ/feedback", "2/added10 pdq "+aPDQ
	require.Equal(t, "[] [A1]", seen(key))
	require.Equal(t, 200, w.nc("PUT", path, yes).status)
	require.Equal(t, "[1:affirmative] [A1]", seen(key))
	no := fmt.Sprintf(noOf, "<guid>"+guid+"</guid>")
	require.Equal(t, 200, w.nc("PUT", path, no).status)
	require.Equal(t, 200, w.nc("PUT", path, no).status)
	require.Equal(t, "[1:negative] [A1]", seen(key))
	require.Equal(t, 200, w.as(4).nc("PUT", path, yes).status)
	require.Equal(t, "[1:negative 4:affirmative] [A1]", seen(key))
	require.Equal(t, 403, w.as(2).nc("PUT", path, yes).status, "one's own")
	changed := ""
	for _, r := range w.Received() {
		changed += fmt.Sprint(r.Member, r.Changed, " ")
	}
	require.Equal(t, "1 true 1 true 1 false 4 true ", changed)

	for _, body := range []string{"", "<", "<feedbackSubmission><affirmative/></feedbackSubmission>", strings.Replace(yes, "/v2", "/v1", 1), strings.Replace(yes, "<affirmative/>", "", 1),
		strings.Replace(yes, "<affirmative/>", "<affirmative/><negative/>", 1), strings.Replace(yes, "<affirmative/>", "<positive/>", 1), strings.Replace(yes, "<affirmative/>", "<affirmative>because</affirmative>", 1),
		strings.Replace(yes, "<affirmative/>", "<affirmative/><affirmative/>", 1), strings.Replace(yes, "<affirmative/>", "words", 1), strings.Replace(yes, "<affirmative/>", `<affirmative xmlns=""/>`, 1),
		yes + yes, fmt.Sprintf(noOf, ""), fmt.Sprintf(noOf, "<guid>17</guid>"), fmt.Sprintf(noOf, "<guid>"+guid+"</guid><other/>"), strings.ReplaceAll(no, "reasonIds", "reasons"),
		"<!DOCTYPE x [<!ENTITY a 'b'>]>" + strings.Replace(yes, "<affirmative/>", "&a;", 1), strings.Repeat("<a>", 10_000)} {
		require.Equal(t, 400, w.nc("PUT", path, body).status, "%.200s", body)
	}
	require.Equal(t, 400, w.nc("PUT", "/industry/v2/entries/2/added10/BLAKE3/feedback", yes).status)
	require.Equal(t, 404, w.nc("PUT", "/industry/v2/entries/2/added10/MD5/feedback", yes).status)
	require.Equal(t, 404, w.nc("PUT", "/industry/v2/entries/3/added10/PDQ/feedback", yes).status)
	require.Equal(t, 404, w.nc("PUT", "/ngo/v2/entries/2/added10/PDQ/feedback", yes).status, "of another environment")
	require.Equal(t, 404, w.nc("GET", "/narnia/v2/entries", "").status)
	require.Equal(t, 401, w.do("GET", "/ncmec/industry/v2/entries", "").status)
	for _, q := range []string{"from=yesterday", "to=1", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "size=1001", "size=0", "start=0", "max=-1"} {
		require.Equal(t, 400, w.nc("GET", "/industry/v2/entries?"+q, "").status, q)
	}
	a = w.nc("GET", "/industry/v2/categorizations", "")
	require.Regexp(t, `<availableCategorizations xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><group name="Content" allowMultiple="false"><categorization guid="[0-9a-f-]{36}" name="Clothed Child"/>`, string(a.body))
	require.NotEqual(t, string(a.body), string(w.nc("GET", "/ngo/v2/categorizations", "").body), "each environment has its own identifiers")
	require.Contains(t, string(w.nc("GET", "/industry/v2/members", "").body), `<member id="6">Quarry Social</member>`)
	require.Contains(t, string(w.nc("GET", "/industry/v2/status", "").body), `<member id="1">You</member>`)
	r := w.do("PUT", "/ncmec"+path, yes, "Authorization", "Basic ZXNwMTpmYWtlLXBhc3N3b3JkLTE=", "Content-Type", "application/json")
	require.Equal(t, 400, r.status, "wrong content type")
}

// TestLarge: a fingerprint that is too large for a page is at its address.
func TestLarge(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 200})
	body := string(w.nc("GET", "/industry/v2/entries", "").body)
	href := between(t, body, `<tmkPdqf rel="self" href="`, `"`)
	a := w.nc("GET", "/industry"+href, "")
	require.Equal(t, 200, a.status)
	require.NotEmpty(t, a.body)
	require.Equal(t, 404, w.nc("GET", "/industry"+strings.Replace(href, "TMK_PDQF", "VIDENTIFIER", 1), "").status)
}

// TestStopNCIIWrites: hashes and feedback are stored, shown and refused.
func TestStopNCIIWrites(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 20, Now: ticking(1e6)})
	seen := func(key string) string {
		l := list{}
		w.as(2).readSN(l, 10, 100, nil)
		w.check("stopncii", "", l)
		return l[key]
	}
	record := `{"lastModtimestamp":1767355200,"signalType":"ImagePDQ","hashValue":"` + aPDQ + `","CSPFeedbacks":[{"tags":["nudity"],"feedbackValue":"Blocked"}]}`
	send := `{"count":1,"hashRecords":[` + record + `]}`
	feedback := `{"count":1,"hashFeedbacks":[{"hashValue":"` + aPDQ + `","feedbackValue":"NotBlocked","tags":["meme"]}]}`
	require.Equal(t, 400, w.sn("POST", "SubmitFeedback", feedback).status, "nobody gave it")
	require.Equal(t, 200, w.sn("POST", "SubmitHashes", send).status)
	require.Equal(t, 200, w.sn("POST", "SubmitHashes", send).status)
	require.Equal(t, "[1:Blocked] [Active]", seen("ImagePDQ "+aPDQ))
	require.Equal(t, 200, w.as(3).sn("POST", "SubmitFeedback", feedback).status)
	require.Equal(t, 200, w.as(3).sn("POST", "SubmitFeedback", feedback).status)
	require.Equal(t, "[1:Blocked 3:NotBlocked] [Active]", seen("ImagePDQ "+aPDQ))
	w.Withdraw("stopncii", aPDQ)
	require.Equal(t, "gone", seen("ImagePDQ "+aPDQ))
	require.Equal(t, 200, w.sn("POST", "SubmitHashes", strings.Replace(send, "Blocked", "PendingReview", 1)).status)
	require.Equal(t, "gone", seen("ImagePDQ "+aPDQ), "a submission does not undo a withdrawal")
	changed := ""
	for _, r := range w.Received() {
		changed += fmt.Sprint(r.Action, r.Changed, " ")
	}
	require.Equal(t, "submittrue submitfalse feedbacktrue feedbackfalse submittrue ", changed)

	// What other lists have under the number of one of its records is no such record.
	records, err := w.Truth("threatexchange", "")
	require.NoError(t, err)
	fresh := 0
	for r := range records {
		if held, gone := w.truth("stopncii", ""); r.Kind == "HASH_PDQ" && held["ImagePDQ "+r.Value] == "" && !gone["ImagePDQ "+r.Value] {
			require.Equal(t, 200, w.sn("POST", "SubmitHashes", strings.Replace(send, aPDQ, r.Value, 1)).status)
			require.Equal(t, "[1:Blocked] [Active]", seen("ImagePDQ "+r.Value))
			fresh++
		}
	}
	require.Positive(t, fresh)

	for path, good := range map[string]string{"SubmitHashes": send, "SubmitFeedback": feedback} {
		for _, change := range [][2]string{{`"count":1`, `"count":2`}, {`"count":1,`, ``}, {`locked"`, `lockedd"`}, {aPDQ, "f8"}, {aPDQ, ""}, {`[{"`, `{"`}, {`"count"`, `"extra":1,"count"`}, {"}", ""}} {
			bad := strings.Replace(good, change[0], change[1], 1)
			require.NotEqual(t, good, bad)
			require.Equal(t, 400, w.sn("POST", path, bad).status, "%s", bad)
		}
		require.Equal(t, 400, w.sn("POST", path, good+good).status)
		require.Equal(t, 400, w.do("POST", "/stopncii/v1/"+path, good, "x-functions-key", w.me.FunctionKey, "Ocp-Apim-Subscription-Key", w.me.SubscriptionKey).status, "no content type")
		require.Equal(t, 401, w.do("POST", "/stopncii/v1/"+path, good, "Content-Type", "application/json", "x-functions-key", w.me.FunctionKey).status)
	}
	for _, q := range []string{"startTimestamp=x", "startTimestamp=-1", "pageSize=0", "nextPageToken=x", "nextPageToken=c246MTA6Mg==&startTimestamp=11"} {
		require.Equal(t, 400, w.sn("GET", "FetchHashes?"+q, "").status, q)
	}
	require.Equal(t, 400, w.sn("POST", "SubmitHashes", strings.Replace(send, "ImagePDQ", "ImageGIF", 1)).status)
	require.Equal(t, 400, w.sn("POST", "SubmitHashes", strings.Replace(send, `"lastModtimestamp":1767355200,`, "", 1)).status)
}

// TestTATWrites: the login, its life, the categories and feedback.
func TestTATWrites(t *testing.T) {
	w := newWorld(t, consortium.Options{Records: 20, Known: []consortium.Known{{"pdq", aPDQ}}})
	require.Equal(t, 200, w.tat("GET", "hash-list/v2/all?ideology=islamist", "").status)
	w.Advance(299 * 1e9)
	require.Equal(t, 200, w.tat("GET", "hash-list/v2/all", "").status)
	w.Advance(1e9)
	a := w.tat("GET", "hash-list/v2/all", "")
	require.Equal(t, 403, a.status)
	require.Equal(t, "Authentication error: Token has expired. Please refresh.", string(a.body))
	w.bearer = ""

	var p struct {
		Count          int
		Next, Previous *string
		Results        []struct {
			ID                int
			Name, Description string
		}
	}
	strict(t, w.tat("GET", "hash-list/v2/feedback/categories?limit=4", ""), &p)
	require.Equal(t, 6, p.Count)
	require.Equal(t, "FALSE_POSITIVE", p.Results[0].Name)
	next := *p.Next
	strict(t, w.tat("GET", next, ""), &p)
	require.Equal(t, 5, p.Results[0].ID)

	send := `{"hash_digest":"` + aPDQ + `","category":1,"comment":"a landscape"}`
	require.Equal(t, 201, w.tat("POST", "hash-list/v2/feedback", send).status)
	require.Equal(t, 201, w.tat("POST", "hash-list/v2/feedback", send).status)
	require.Equal(t, []bool{true, false}, []bool{w.Received()[0].Changed, w.Received()[1].Changed})
	for _, bad := range []string{"", "[]", strings.Replace(send, ":1", ":7", 1), strings.Replace(send, aPDQ, "f8", 1), strings.Replace(send, "comment", "note", 1)} {
		require.Equal(t, 400, w.tat("POST", "hash-list/v2/feedback", bad).status, bad)
	}
	for _, q := range []string{"ideology=none", "order=desc", "after=x", "after=1", "after=1,x", "limit=0", "after=-1,1", "after=NaN,1"} {
		require.Equal(t, 400, w.tat("GET", "hash-list/v2/all?"+q, "").status, q)
	}
	login := func(body string) int {
		return w.do("POST", "/tat/token-auth/tcap/", body, "Content-Type", "application/json").status
	}
	require.Equal(t, 400, login(`{"username":"x"}`))
	require.Equal(t, 401, login(`{"username":"x","password":"y"}`))
	good := w.bearer
	for _, bad := range []string{"x", good[:len(good)-2], "a.b.c", strings.ReplaceAll(good, ".", "")} {
		w.bearer = bad
		require.Equal(t, 401, w.tat("GET", "hash-list/v2/all", "").status, bad)
	}
	require.Equal(t, 401, w.do("GET", "/tat/hash-list/v2/all", "").status)
}
