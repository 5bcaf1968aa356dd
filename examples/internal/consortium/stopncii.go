package consortium

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
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
	s.handle("GET /stopncii/v1/FetchHashes", snProtocol, true, s.snFetch)
	s.handle("POST /stopncii/v1/SubmitHashes", snProtocol, false, s.snSubmit)
	s.handle("POST /stopncii/v1/SubmitFeedback", snProtocol, false, s.snSubmitFeedback)
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
// on within the set that was asked for, with the same startTimestamp; nextSetTimestamp is
// where the next set starts: the newest change so far, which comes again, as others may
// share its second. It is 0 until the last page has come, and startTimestamp if there is
// nothing.
func (s *Server) snFetch(q request) reply {
	me, bad := s.snAuth(q)
	if me == 0 {
		return bad
	}
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
	type row struct {
		snItem
		at int64
	}
	var rows []row
	next, more, newest := from, false, start
	s.mu.RLock()
	b := s.ncii
	from = max(from, b.since(start*1e6))
	lapsed := q.now.Add(-snTombstones).UnixMicro()
	if n := b.n + uint32(len(b.events)); n > 0 {
		newest = max(start, b.at(n-1)/1e6)
	}
	for seq, item := range b.changes(from) {
		at, t := b.at(seq), b.record(item)
		if len(rows) == int(size) {
			more = true
			break
		}
		next = seq + 1
		if t.held() || at >= lapsed {
			rows = append(rows, row{t, at})
		}
	}
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
		newest = 0
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
		snRecord(&out, r.snItem, r.at)
	}
	out.close(']')
	out.close('}')
	return reply{status: http.StatusOK, kind: "application/json", body: out, records: len(rows), member: me}
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

// snBody is what members send: hashes with their feedback, or feedback alone.
type snBody struct {
	Count       *int `json:"count"`
	HashRecords []struct {
		LastMod   *int64   `json:"lastModtimestamp"`
		Signal    string   `json:"signalType"`
		Hash      string   `json:"hashValue"`
		Feedbacks []snSent `json:"CSPFeedbacks"`
	} `json:"hashRecords"`
	HashFeedbacks []snSent `json:"hashFeedbacks"`
}

type snSent struct {
	Hash  string   `json:"hashValue"`
	Value string   `json:"feedbackValue"`
	Tags  []string `json:"tags"`
}

// snBody reads a body; n is how many it must say it has.
func (q request) snBody(n func(snBody) int) (b snBody, status int, message string) {
	body, status, message := q.read("application/json")
	if message != "" {
		return b, status, message
	}
	if err := decode(body, &b); err != nil {
		return b, http.StatusBadRequest, "not the JSON of this endpoint: " + err.Error()
	}
	if b.Count == nil || *b.Count != n(b) || n(b) == 0 {
		return b, http.StatusBadRequest, "count must be the number of records, at least one"
	}
	return b, 0, ""
}

// snSubmit is POST SubmitHashes. Reading: all or nothing; a hash that is known gets the
// feedback; one that was withdrawn stays withdrawn; new ones have no case, so that their
// status is Active until the members who gave them say otherwise.
func (s *Server) snSubmit(q request) reply {
	me, bad := s.snAuth(q)
	if me == 0 {
		return bad
	}
	b, status, message := q.snBody(func(b snBody) int { return len(b.HashRecords) })
	if message != "" {
		return snFail(status, message)
	}
	for i, r := range b.HashRecords {
		if wrong := snCheck(r.Signal, r.Hash); wrong != "" {
			return snFail(http.StatusBadRequest, fmt.Sprintf("record %d: %s", i, wrong))
		}
		if r.LastMod == nil || *r.LastMod < 0 {
			return snFail(http.StatusBadRequest, fmt.Sprintf("record %d: lastModtimestamp is missing", i))
		}
		for _, f := range r.Feedbacks {
			if !slices.Contains(snValues, f.Value) {
				return snFail(http.StatusBadRequest, fmt.Sprintf("record %d: feedbackValue must be one of %s", i, strings.Join(snValues, ", ")))
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range b.HashRecords {
		item, exists := s.ncii.lookup(r.Signal+" "+r.Hash, r.Hash, snKinds[r.Signal])
		t := snItem{signal: r.Signal, hash: r.Hash, cases: []snCase{{"member-" + strconv.Itoa(me), "Active"}}}
		if exists {
			t = s.ncii.record(item)
		}
		changed := !exists
		for _, f := range r.Feedbacks {
			var more bool
			t, more = t.with(snFeedback{me, f.Value, f.Tags})
			changed = changed || more
		}
		switch {
		case !exists:
			s.ncii.add(q.now, t, r.Signal+" "+r.Hash)
		case changed:
			s.ncii.change(item, q.now, t)
		}
		s.receive(q, "stopncii", me, "submit", r.Signal+" "+r.Hash, r.Feedbacks, changed)
	}
	out := jsonReply(http.StatusOK, map[string]int{"count": len(b.HashRecords)})
	out.member = me
	return out
}

// snCheck says what is wrong with a hash of a signal type.
func snCheck(signal, value string) string {
	if !slices.Contains(snSignals, signal) {
		return "signalType must be one of " + strings.Join(snSignals, ", ")
	}
	digits := map[string]int{"ImagePDQ": 64, "VideoMD5": 32}[signal]
	if _, err := hex.DecodeString(value); digits > 0 && (err != nil || len(value) != digits) {
		return fmt.Sprintf("a hashValue of %s has %d hexadecimal digits", signal, digits)
	}
	if value == "" {
		return "hashValue is missing"
	}
	return ""
}

// with is the record with a member's feedback in the place of that before; false if it
// says the same.
func (t snItem) with(f snFeedback) (snItem, bool) {
	if len(f.tags) == 0 {
		f.tags = nil
	}
	at, had := slices.BinarySearchFunc(t.feedback, f.member, func(x snFeedback, m int) int { return cmp.Compare(x.member, m) })
	if had && reflect.DeepEqual(t.feedback[at], f) {
		return t, false
	}
	t.feedback = slices.Clone(t.feedback)
	if had {
		t.feedback[at] = f
	} else {
		t.feedback = slices.Insert(t.feedback, at, f)
	}
	return t, true
}

// snSubmitFeedback is POST SubmitFeedback. Reading: it names no signal type, so that the first
// record of the hash, in the order of snSignals, gets it; all or nothing; an unknown one is 400.
func (s *Server) snSubmitFeedback(q request) reply {
	me, bad := s.snAuth(q)
	if me == 0 {
		return bad
	}
	b, status, message := q.snBody(func(b snBody) int { return len(b.HashFeedbacks) })
	if message != "" {
		return snFail(status, message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []uint32
	for i, f := range b.HashFeedbacks {
		if !slices.Contains(snValues, f.Value) {
			return snFail(http.StatusBadRequest, fmt.Sprintf("feedback %d: feedbackValue must be one of %s", i, strings.Join(snValues, ", ")))
		}
		item, ok := s.snFind(f.Hash)
		if !ok {
			return snFail(http.StatusBadRequest, fmt.Sprintf("feedback %d: no such hashValue", i))
		}
		items = append(items, item)
	}
	for i, f := range b.HashFeedbacks {
		t, changed := s.ncii.record(items[i]).with(snFeedback{me, f.Value, f.Tags})
		if changed {
			s.ncii.change(items[i], q.now, t)
		}
		s.receive(q, "stopncii", me, "feedback", t.signal+" "+f.Hash, f, changed)
	}
	out := jsonReply(http.StatusOK, map[string]int{"count": len(items)})
	out.member = me
	return out
}

// snFind finds a record by its hash. It wants the lock.
func (s *Server) snFind(value string) (uint32, bool) {
	for _, signal := range snSignals {
		if item, ok := s.ncii.lookup(signal+" "+value, value, snKinds[signal]); ok && s.ncii.record(item).hash == value {
			return item, true
		}
	}
	return 0, false
}
