package consortium

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StopNCII. No documentation of its API is public; what is known of the wire is in the
// project's notes of what its members do: the three endpoints, their two keys, names and
// values of all fields.

const (
	snDefaultSize = 800
	snMaxSize     = 1000                // Reading: a larger pageSize gets this much
	snTombstones  = 30 * 24 * time.Hour // after which a cursor is stale, and what was withdrawn is gone
)

// snItem is a hash that people gave who are in the picture, each in a case of theirs.
type snItem struct {
	signal, hash string
	cases        []snCase
	feedback     []snFeedback // by member
}

type snCase struct{ number, status string }

type snFeedback struct {
	member int
	value  string
	tags   []string
}

var (
	snSignals  = []string{"ImagePDQ", "VideoMD5", "VideoTMK", "Text", "URL", "Unknown"}
	snValues   = []string{"None", "QualityUnknown", "PendingReview", "Blocked", "NotBlocked", "Withdrawn", "Deleted", "Unknown"}
	snStatuses = []string{"Active", "Received", "Unknown", "Withdrawn", "Deleted"}
	snKinds    = map[string]kind{"ImagePDQ": kindPDQ, "VideoMD5": kindMD5, "VideoTMK": kindTMK, "Text": kindText, "URL": kindURL, "Unknown": kindPhotoDNA}
)

func (t snItem) keys() []string { return []string{t.signal + " " + t.hash} }

func snDerive(d data, i uint32) snItem {
	t := snItem{signal: weighted(d.pick(i, "sn.signal", 100), []choice[string]{{70, "ImagePDQ"}, {15, "VideoMD5"}, {5, "VideoTMK"}, {4, "Text"}, {4, "URL"}, {2, "Unknown"}})}
	t.hash = d.value(i, snKinds[t.signal])
	for c := range 1 + d.pick(i, "sn.cases", 100)/90 { // one in ten has two
		status := weighted(d.pick(i, "sn.status"+strconv.Itoa(c), 100), []choice[string]{{85, "Active"}, {3, "Received"}, {1, "Unknown"}, {8, "Withdrawn"}, {3, "Deleted"}})
		t.cases = append(t.cases, snCase{strconv.Itoa(100_000_000 + int(i)*2 + c), status})
	}
	member := 2 + d.pick(i, "sn.member", len(memberNames)-1)
	switch x := d.pick(i, "sn.feedback", 100); {
	case x < 12:
		t.feedback = []snFeedback{{member, "Blocked", []string{"nudity"}}}
	case x < 18:
		t.feedback = []snFeedback{{member, "NotBlocked", []string{"meme"}}}
	case x < 22: // the members disagree
		t.feedback = []snFeedback{{member, "Blocked", nil}, {member%(len(memberNames)-1) + 2, "NotBlocked", nil}}
	case x < 26:
		t.feedback = []snFeedback{{member, "PendingReview", nil}}
	}
	slices.SortFunc(t.feedback, func(a, b snFeedback) int { return cmp.Compare(a.member, b.member) })
	return t
}

// status is that of the hash: of its cases the one that asks most, in the order of
// snStatuses. Reading: a hash is withdrawn when every case of it is.
func (t snItem) status() string {
	for _, status := range snStatuses {
		if slices.ContainsFunc(t.cases, func(c snCase) bool { return c.status == status }) {
			return status
		}
	}
	return "Unknown" // a member gave it, without a case
}

func (t snItem) held() bool { return t.status() != "Withdrawn" && t.status() != "Deleted" }

func snFail(status int, message string) reply {
	return jsonReply(status, map[string]any{"statusCode": status, "message": message})
}

var snProtocol = protocol{
	name: "stopncii",
	fail: snFail,
	expired: func() reply {
		return snFail(http.StatusUnauthorized, "Access denied due to an expired subscription key.")
	},
	bomb: func() []byte { return deepJSON("hashRecords") },
	endless: endless{"application/json", `{"count":1,"hasMoreRecords":false,"hashRecords":[{"lastModtimestamp":1,"signalType":"Unknown","hashValue":"","hashStatus":"Unknown","caseNumbers":{},"CSPFeedbacks":[]}`,
		`,{"lastModtimestamp":1,"signalType":"VideoMD5","hashValue":"00000000000000000000000000000000","hashStatus":"Active","caseNumbers":{},"CSPFeedbacks":[]}`,
		`,{"lastModtimestamp":1,"signalType":"Text","hashStatus":"Active","hashValue":"`, `"}]}`},
}

func (s *Server) routeStopNCII() {
	s.handle("GET /stopncii/v1/FetchHashes", snProtocol, true, as(s.snAuth, s.snFetch))
	s.handle("POST /stopncii/v1/SubmitHashes", snProtocol, false, as(s.snAuth, s.snSubmit))
	s.handle("POST /stopncii/v1/SubmitFeedback", snProtocol, false, as(s.snAuth, s.snSubmitFeedback))
}

// snAuth finds who asks; both keys are needed. Reading: 401, as the gateway whose header
// is Ocp-Apim-Subscription-Key answers.
func (s *Server) snAuth(q request) (int, reply) {
	for _, m := range s.Members() {
		if q.Header.Get("x-functions-key") == m.FunctionKey && q.Header.Get("Ocp-Apim-Subscription-Key") == m.SubscriptionKey {
			return m.Number, reply{}
		}
	}
	return 0, snFail(http.StatusUnauthorized, "Access denied due to missing or invalid subscription key.")
}

// snFetch is GET FetchHashes: whole records in the order of their latest change.
//
// Reading: times are seconds since 1970; startTimestamp is inclusive; nextPageToken goes
// on within the set that was asked for, with the same startTimestamp; nextSetTimestamp, on
// every page, is where the set after this one starts: the newest change so far, which comes
// again, as others may share its second. Who starts there before hasMoreRecords is false
// loses the rest. It is startTimestamp if there is nothing newer.
func (s *Server) snFetch(q request) reply {
	query := q.URL.Query()
	start, ok1 := number(query, "startTimestamp", 10, 0, 1<<40)
	size, ok2 := number(query, "pageSize", snDefaultSize, 1, 1<<31)
	from, ok3 := uint32(0), true
	if token := query.Get("nextPageToken"); token != "" {
		from, ok3 = snCursor(token, start)
	}
	if !ok1 || !ok2 || !ok3 {
		return snFail(http.StatusBadRequest, "startTimestamp and pageSize must be whole numbers, and nextPageToken one given for this startTimestamp")
	}
	size = min(size, snMaxSize)
	s.mu.RLock()
	b, newest := s.ncii, start
	from = max(from, b.since(start*1e6))
	lapsed := q.now.Add(-snTombstones).UnixMicro()
	if n := b.changed(); n > 0 {
		newest = max(start, b.at(n-1)/1e6)
	}
	rows, next, more := b.page(from, b.changed(), size, func(r row[snItem]) bool { return r.record.held() || r.at >= lapsed })
	s.mu.RUnlock()
	if q.fault == "repeat-page" {
		next, more = from, true
	}

	out := make(page, 0, 400*len(rows)+256)
	out.open('{')
	out.key("count")
	out.num(int64(len(rows)))
	out.key("nextPageToken")
	if more {
		out.str(snToken(next, start))
	} else {
		out.raw("null")
	}
	out.key("nextSetTimestamp")
	out.num(newest)
	out.key("hasMoreRecords")
	out.bool(more)
	out.key("hashRecords")
	out.open('[')
	for i, r := range rows {
		if q.fault == "bad-record" && i == len(rows)/2 {
			out.raw(`{"lastModtimestamp":"yesterday","signalType":"ImagePDQ","hashValue":17,"hashStatus":["Active"],"caseNumbers":[],"CSPFeedbacks":{}}`)
		}
		snRecord(&out, r.record, r.at)
	}
	out.close(']')
	out.close('}')
	return reply{status: http.StatusOK, kind: "application/json", body: out, records: len(rows)}
}

func snToken(seq uint32, start int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "sn:%d:%d", start, seq))
}

func snCursor(token string, start int64) (seq uint32, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(token)
	text, found := strings.CutPrefix(string(raw), fmt.Sprintf("sn:%d:", start))
	n, err2 := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && err2 == nil && found
}

func snRecord(out *page, t snItem, at int64) {
	out.open('{')
	out.key("lastModtimestamp")
	out.num(at / 1e6)
	out.key("signalType")
	out.str(t.signal)
	out.key("hashValue")
	out.str(t.hash)
	out.key("hashStatus")
	out.str(t.status())
	out.key("caseNumbers")
	out.open('{')
	for _, c := range t.cases {
		out.key(c.number)
		out.str(c.status)
	}
	out.close('}')
	out.key("CSPFeedbacks")
	out.open('[')
	for _, f := range t.feedback {
		out.open('{')
		out.key("source")
		out.str(memberNames[f.member-1])
		out.key("feedbackValue")
		out.str(f.value)
		out.key("tags")
		out.strs(f.tags)
		out.close('}')
	}
	out.close(']')
	out.close('}')
}
