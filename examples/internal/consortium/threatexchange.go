package consortium

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Meta ThreatExchange, after developers.facebook.com/docs/threat-exchange: the pages
// reference/apis/threat-updates, threat-descriptor, threat-indicator, threat-tags,
// severity-type, reaction-type, reference/submitting, reacting and best-practices, and
// graph-api/results for paging.

const (
	// PrivacyGroup is the group whose updates are served; OtherGroup has no
	// threat_updates and answers 500, as documented.
	PrivacyGroup = "303030303030303"
	OtherGroup   = "404040404040404"

	teDescriptorBase = 1_000_000_000_000_000 // + item*16 + member
	teIndicatorBase  = 2_000_000_000_000_000 // + item
	teTagBase        = 3_000_000_000_000_000 // + tag
	teTombstones     = 90 * 24 * time.Hour   // "deletion events are only stored for 90 days"

	// Reading: the Graph API documents limit=25 in its examples and an unnamed maximum.
	teDefaultLimit, teMaxLimit = 25, 1000
)

// teItem is an indicator with the opinions of it.
type teItem struct {
	typ, value  string
	listed      bool // it is or was in PrivacyGroup
	gone        bool
	descriptors []descriptor // by member, each has at most one
}

// A descriptor is one member's opinion. Zero numbers and empty strings are not given.
type descriptor struct {
	member                                           int
	group                                            bool // shared with PrivacyGroup
	status, severity, share, review, precision       string
	description                                      string
	tags                                             []string
	confidence                                       int // -1: not given
	added, updated, expired, firstActive, lastActive int64
	reactions                                        []reaction // by name and member
}

type reaction struct {
	name   string
	member int
}

var teTypes = []choice[kind]{{48, kindPDQ}, {12, kindMD5}, {12, kindVideoMD5}, {6, kindSHA1},
	{10, kindSHA256}, {4, kindPhotoDNA}, {4, kindTMK}, {2, kindText}, {2, kindURL}}

// teNames are IndicatorTypes. Reading: the documented list is longer than what its excerpts
// show; HASH_PHOTODNA stands for a type that a client does not know.
var teNames = map[kind]string{kindPDQ: "HASH_PDQ", kindMD5: "HASH_MD5", kindVideoMD5: "HASH_VIDEO_MD5", kindSHA1: "HASH_SHA1",
	kindSHA256: "HASH_SHA256", kindPhotoDNA: "HASH_PHOTODNA", kindTMK: "HASH_TMK", kindText: "TEXT_STRING", kindURL: "URI"}

var (
	teTags      = []string{"violent_extremism", "graphic_violence", "propaganda", "manifesto", "media_type_photo", "media_type_video", "group:alpha", "group:beta"}
	teStatuses  = []string{"MALICIOUS", "NON_MALICIOUS", "SUSPICIOUS", "UNKNOWN"}
	teSeverity  = []string{"UNKNOWN", "INFO", "WARNING", "SUSPICIOUS", "SEVERE", "APOCALYPSE"} // least to most severe
	teShare     = []string{"WHITE", "GREEN", "AMBER", "RED"}
	teReview    = []string{"UNKNOWN", "UNREVIEWED", "PENDING", "REVIEWED_MANUALLY", "REVIEWED_AUTOMATICALLY"}
	tePrecision = []string{"UNKNOWN", "LOW", "MEDIUM", "HIGH"}
	tePrivacy   = []string{"VISIBLE", "HAS_PRIVACY_GROUP", "HAS_WHITELIST", "HAS_PRIVACY_GROUP_AND_WHITELIST"}

	// Reading: the newest documentation has one more, for "removed or blocked", whose name
	// its stored copies lack.
	teReactions = []string{"ALREADY_KNOWN", "DISAGREE_WITH_TAGS", "HELPFUL", "INGESTED", "IN_REVIEW", "NON_MALICIOUS",
		"NOT_HELPFUL", "OUTDATED", "REVIEWED", "SAW_THIS_TOO", "WANT_MORE_INFO"}

	teOpinions = []choice[[]string]{{60, []string{"MALICIOUS"}}, {10, []string{"SUSPICIOUS"}}, {3, []string{"UNKNOWN"}},
		{12, []string{"MALICIOUS", "MALICIOUS"}}, {10, []string{"MALICIOUS", "NON_MALICIOUS"}}, {5, []string{"NON_MALICIOUS"}}}
	teReacted = []choice[string]{{12, "HELPFUL"}, {6, "DISAGREE_WITH_TAGS"}, {3, "NON_MALICIOUS"}, {9, "SAW_THIS_TOO"}, {70, ""}}
)

func (t teItem) keys() []string { return []string{t.typ + " " + t.value} }

// teDerive makes a generated indicator; end is when the generated ones end.
func teDerive(d data, end time.Time, i uint32) teItem {
	k := weighted(d.pick(i, "te.type", 100), teTypes)
	t := teItem{typ: teNames[k], value: d.value(i, k), listed: true, gone: d.pick(i, "te.gone", 100) < 5}
	first := 2 + d.pick(i, "te.owner", len(memberNames)-1)
	for n, status := range weighted(d.pick(i, "te.status", 100), teOpinions) {
		added := end.Unix() - int64(d.pick(i, "te.added", 300*86400)) - 86400*200
		o := descriptor{member: (first-2+n)%(len(memberNames)-1) + 2, group: true, status: status, share: "AMBER",
			severity: teSeverity[d.pick(i, "te.severity", len(teSeverity))], review: teReview[d.pick(i, "te.review", len(teReview))],
			precision: tePrecision[d.pick(i, "te.precision", len(tePrecision))], confidence: d.pick(i, "te.confidence", 101),
			description: "synthetic", tags: []string{teTags[d.pick(i, "te.tag", 4)]}, added: added, updated: added}
		if n > 0 {
			o.severity = ""
		}
		if x := d.pick(i, "te.expired", 100); n == 0 && x < 10 { // half of them in the past
			o.expired = end.Unix() + int64(x-5)*30*86400
		}
		if r := weighted(d.pick(i, "te.reaction", 100), teReacted); n == 0 && r != "" {
			o.reactions = []reaction{{r, (o.member-1)%(len(memberNames)-1) + 2}}
		}
		t.descriptors = append(t.descriptors, o)
	}
	return t
}

// shared are the descriptors the privacy group sees.
func (t teItem) shared() (list []descriptor) {
	for _, o := range t.descriptors {
		if o.group {
			list = append(list, o)
		}
	}
	return list
}

// teFail is an error of the Graph API, which answers 400 to much that others have a
// status for.
func teFail(status int, message string) reply {
	code, typ := 100, "OAuthException"
	switch status {
	case http.StatusTooManyRequests:
		code = 4
	case http.StatusUnauthorized:
		status, code = http.StatusBadRequest, 190 // the Graph API answers 400 to a bad token
	case http.StatusForbidden:
		code = 10
	case http.StatusNotFound:
		status, typ = http.StatusBadRequest, "GraphMethodException" // and to an unknown object
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		code = 2
	}
	return jsonReply(status, map[string]any{"error": map[string]any{"message": fmt.Sprintf("(#%d) %s", code, message), "type": typ, "code": code, "fbtrace_id": "synthetic"}})
}

// removed tells whether the group has it no more.
func (t teItem) removed() bool { return t.gone || len(t.shared()) == 0 }

var teProtocol = protocol{
	name: "threatexchange",
	fail: teFail,
	expired: func() reply {
		return teFail(http.StatusUnauthorized, "Error validating access token: the session has expired")
	},
	bomb: func() []byte { return deepJSON("data") },
	endless: endless{"application/json", `{"data":[{"id":"1","should_delete":true}`, `,{"id":"1","indicator":"00","type":"HASH_MD5","last_updated":1,"should_delete":false}`,
		`,{"id":"2","type":"TEXT_STRING","last_updated":1,"should_delete":false,"indicator":"`, `"}]}`},
}

func (s *Server) routeThreatExchange() {
	for method, h := range map[string]func(request) reply{
		"GET {group}/threat_updates":             as(s.teAuth, s.teUpdates),
		"GET {app}/threat_privacy_groups_member": as(s.teAuth, s.teGroups),
		"GET threat_exchange_members":            as(s.teAuth, s.teMembers),
		"GET {id}":                               as(s.teAuth, s.teGet),
		"GET {id}/descriptors":                   as(s.teAuth, s.teEdge),
		"POST threat_descriptors":                s.teForm(s.teUpload),
		"POST {id}":                              s.teForm(s.teEdit),
		"DELETE {id}":                            as(s.teAuth, s.teDelete),
	} {
		verb, path, _ := strings.Cut(method, " ")
		s.handle(verb+" /threatexchange/{version}/"+path, teProtocol, strings.HasSuffix(path, "threat_updates"), h)
		s.handle(verb+" /threatexchange/{version}/"+path+"/{$}", teProtocol, strings.HasSuffix(path, "threat_updates"), h)
	}
}

// teAuth finds who asks by the query; a form can have the token as well.
func (s *Server) teAuth(q request) (int, reply) { return s.teMember(q.URL.Query()) }

func (s *Server) teMember(params url.Values) (int, reply) {
	for _, m := range s.Members() {
		if params.Get("access_token") == m.AppToken {
			return m.Number, reply{}
		}
	}
	return 0, teFail(http.StatusUnauthorized, "Invalid OAuth access token")
}

var teKnownFields = func() map[string]map[string]bool {
	set := func(names string) map[string]bool {
		m := map[string]bool{}
		for n := range strings.FieldsSeq(names) {
			m[n] = true
		}
		return m
	}
	d := "id indicator raw_indicator type owner status severity share_level review_status precision confidence description tags added_on last_updated expired_on first_active last_active reactions my_reactions privacy_type"
	return map[string]map[string]bool{
		"":            set("id indicator type last_updated should_delete descriptors"),
		"descriptor":  set(d), // of a single descriptor
		"descriptors": set(d), "indicator": set("id indicator type"), "owner": set("id name"), "tags": set("id text"),
	}
}()

// teWant reads which fields of a level are wanted, if none are said those otherwise; or says what is
// wrong with them.
func teWant(query url.Values, level, otherwise string) (fields, string) {
	want, ok := parseFields(cmp.Or(query.Get("fields"), otherwise))
	if !ok {
		return nil, "Syntax error in fields"
	}
	if bad := want.unknown(teKnownFields, level); bad != "" {
		return nil, "Tried accessing nonexisting field (" + bad + ")"
	}
	want["id"] = nil // the Graph API always has it
	return want, ""
}

// teUpdates is /<group>/threat_updates: indicators in the order of their last change.
//
// Reading: start_time and stop_time are inclusive, as tagged_since and tagged_until are
// said to be; otherwise "save this time to resume" would lose what else that second saw.
// Reading: types, like privacy, filters after a page was cut: "a page may be empty but
// contain a next link". A token for "next" holds a place in the order and ends never.
func (s *Server) teUpdates(q request) reply {
	query := q.URL.Query()
	switch q.PathValue("group") {
	case PrivacyGroup:
	case OtherGroup:
		return teFail(http.StatusInternalServerError, "threat_updates is not enabled for this privacy group")
	default:
		return teFail(http.StatusNotFound, "no such object")
	}
	// Reading: no descriptors unless asked for.
	want, message := teWant(query, "", "id,indicator,type,last_updated,should_delete")
	if message != "" {
		return teFail(http.StatusBadRequest, message)
	}
	limit, ok1 := number(query, "limit", teDefaultLimit, 1, 1<<31)
	start, ok2 := number(query, "start_time", 0, 0, 1<<40)
	stop, ok3 := number(query, "stop_time", 1<<40, 0, 1<<40)
	if !ok1 || !ok2 || !ok3 {
		return teFail(http.StatusBadRequest, "limit, start_time and stop_time must be whole numbers")
	}
	limit = min(limit, teMaxLimit)
	var types []string
	if text := strings.Trim(query.Get("types"), "[]"); text != "" {
		for t := range strings.SplitSeq(text, ",") {
			types = append(types, strings.Trim(strings.TrimSpace(t), `"'`))
		}
	}
	from := uint32(0)
	if after := query.Get("after"); after != "" {
		n, ok := teCursor(after)
		if !ok {
			return teFail(http.StatusBadRequest, "Invalid cursor")
		}
		from = n
	}
	s.mu.RLock()
	from = max(from, s.te.since(start*1e6))
	lapsed := q.now.Add(-teTombstones).UnixMicro()
	rows, next, more := s.te.page(from, s.te.since((stop+1)*1e6), limit, func(r row[teItem]) bool {
		return r.record.listed && (!r.record.removed() || r.at >= lapsed)
	})
	s.mu.RUnlock()
	rows = slices.DeleteFunc(rows, func(r row[teItem]) bool { return len(types) > 0 && !slices.Contains(types, r.record.typ) })
	if q.fault == "repeat-page" {
		next, more = from, true
	}

	out := make(page, 0, 600*len(rows)+512)
	out.open('{')
	out.key("data")
	out.open('[')
	for i, r := range rows {
		if q.fault == "bad-record" && i == len(rows)/2 {
			out.raw(`{"id":"17","indicator":{"not":"a string"},"type":"HASH_PDQ","last_updated":"yesterday","should_delete":"perhaps"}`)
		}
		teIndicator(&out, want, r.item, r.at, r.record, q.me)
	}
	out.close(']')
	if len(rows) > 0 || more {
		out.key("paging")
		out.open('{')
		out.key("cursors")
		out.raw(`{"before":"` + teToken(from) + `","after":"` + teToken(next) + `"}`)
		if more {
			query.Set("after", teToken(next))
			out.key("next")
			out.str(origin(q.Request) + q.URL.Path + "?" + query.Encode())
		}
		out.close('}')
	}
	out.close('}')
	return reply{status: http.StatusOK, kind: "application/json", body: out, records: len(rows)}
}

func teToken(seq uint32) string {
	return base64.RawURLEncoding.EncodeToString([]byte("te:" + strconv.FormatUint(uint64(seq), 10)))
}

func teCursor(token string) (uint32, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	text, ok := strings.CutPrefix(string(raw), "te:")
	n, err2 := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && err2 == nil && ok
}

// origin is where this server is, as the client named it.
func origin(r *http.Request) string {
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u.String()
}

// teIndicator writes an indicator with its event. One that was removed shows nothing of
// what was thought of it.
func teIndicator(out *page, want fields, item uint32, at int64, t teItem, me int) {
	out.open('{')
	teHead(out, want, item, t)
	if want.has("last_updated") {
		out.key("last_updated")
		out.num(at / 1e6)
	}
	if want.has("should_delete") {
		out.key("should_delete")
		out.bool(t.removed())
	}
	if want.has("descriptors") && !t.removed() {
		out.key("descriptors")
		teDescriptors(out, want["descriptors"], item, t, me)
	}
	out.close('}')
}

// teDescriptors writes the connection to what the group's members think of an indicator.
func teDescriptors(out *page, want fields, item uint32, t teItem, me int) {
	out.open('{')
	out.key("data")
	out.open('[')
	for _, o := range t.shared() {
		teDescriptor(out, want, item, t, o, me)
	}
	out.close(']')
	out.close('}')
}

func teHead(out *page, want fields, item uint32, t teItem) {
	out.key("id")
	out.str(strconv.FormatUint(teIndicatorBase+uint64(item), 10))
	if want.has("indicator") {
		out.key("indicator")
		out.str(t.value)
	}
	if want.has("type") {
		out.key("type")
		out.str(t.typ)
	}
}
