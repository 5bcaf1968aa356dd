package consortium

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tech Against Terrorism's TCAP, after docs.terrorismanalytics.org and
// terrorismanalytics.org/docs: authentication, content hash list (v2), hash feedback.

const tatDefaultLimit, tatMaxLimit = 100, 1000 // Reading: 1000 is the maximum of its other lists

// tatItem is a hash of the archive.
type tatItem struct {
	digest, algorithm, ideology, fileType string
	deleted                               bool
	created                               int64 // seconds
	feedback                              []tatFeedback
}

type tatFeedback struct {
	Category int    `json:"category"`
	Comment  string `json:"comment,omitempty"`
	member   int
}

var (
	tatAlgorithms = []string{"PDQ", "MD5", "SHA256", "SHA512"}
	tatKinds      = map[string]kind{"PDQ": kindPDQ, "MD5": kindMD5, "SHA256": kindSHA256, "SHA512": kindSHA512}
	tatIdeologies = []string{"islamist", "far-right"}

	// Reading: the names of the first two are shown; the others are made up from "false
	// positives, classification errors, duplicates, matches and other general feedback".
	tatCategories = []map[string]any{
		{"id": 1, "name": "FALSE_POSITIVE", "description": "The hash is bad or its content is none"},
		{"id": 2, "name": "INCLUSION", "description": "A question about why it is in the list"},
		{"id": 3, "name": "CLASSIFICATION", "description": "The classification is wrong"},
		{"id": 4, "name": "DUPLICATE", "description": "It is there twice"},
		{"id": 5, "name": "MATCH", "description": "It matched"},
		{"id": 6, "name": "GENERAL", "description": "Anything else"},
	}
)

func (t tatItem) keys() []string { return []string{t.algorithm + " " + t.digest} }

func tatDerive(d data, i uint32) tatItem {
	t := tatItem{algorithm: weighted(d.pick(i, "tat.algorithm", 100), []choice[string]{{50, "PDQ"}, {20, "MD5"}, {20, "SHA256"}, {10, "SHA512"}}),
		ideology: tatIdeologies[d.pick(i, "tat.ideology", 2)], deleted: d.pick(i, "tat.deleted", 100) < 4,
		fileType: []string{"mp4", "mov", "webm", "jpg", "png", "pdf"}[d.pick(i, "tat.file", 6)],
		created:  1_500_000_000 + int64(d.pick(i, "tat.created", 200_000_000))}
	t.digest = d.value(i, tatKinds[t.algorithm])
	return t
}

func tatFail(status int, message string) reply {
	return jsonReply(status, map[string]string{"detail": message})
}

// tatExpired is the documented answer to a token that has run out.
func tatExpired() reply {
	return reply{status: http.StatusForbidden, kind: "text/plain; charset=utf-8", body: []byte("Authentication error: Token has expired. Please refresh.")}
}

var tatProtocol = protocol{
	name: "tat", fail: tatFail, expired: tatExpired, bomb: func() []byte { return deepJSON("results") },
	endless: endless{"application/json", `{"count":1,"next":null,"previous":null,"results":[{"id":1}`,
		`,{"id":1,"hash_digest":"00","algorithm":"MD5","ideology":"islamist","file_type":"mp4","deleted":false,"updated_on":1.0,"created_on":1.0}`,
		`,{"id":1,"hash_digest":"`, `"}]}`},
}

// The documentation has the list at /hash-list/v2 of app.terrorismanalytics.org; members
// are known to use /api/hash-list/v2. Reading: both are there.
func (s *Server) routeTAT() {
	login := tatProtocol
	login.expired = nil
	s.handle("POST /tat/token-auth/tcap/", login, false, s.tatLogin)
	for _, base := range []string{"/tat/hash-list/v2/", "/tat/api/hash-list/v2/"} {
		s.handle("GET "+base+"all", tatProtocol, true, as(s.tatAuth, s.tatList))
		s.handle("GET "+base+"feedback/categories", tatProtocol, false, as(s.tatAuth, s.tatCategoryList))
		s.handle("POST "+base+"feedback", tatProtocol, false, as(s.tatAuth, s.tatSendFeedback))
	}
}

// token makes a bearer token in the shape of a JWT.
func (s *Server) token(member int, expires time.Time) string {
	b64 := base64.RawURLEncoding.EncodeToString
	claims, _ := json.Marshal(map[string]any{"sub": strconv.Itoa(member), "exp": expires.Unix()})
	signed := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64(claims)
	return signed + "." + b64(s.sign(signed))
}

func (s *Server) sign(text string) []byte {
	h := hmac.New(sha256.New, binary.BigEndian.AppendUint64([]byte("fake consortium"), s.o.Seed))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// tatAuth finds who asks by the bearer token.
func (s *Server) tatAuth(q request) (int, reply) {
	token, ok := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer ")
	at := strings.LastIndexByte(token, '.')
	if !ok || at < 0 {
		return 0, tatFail(http.StatusUnauthorized, "Authentication credentials were not provided.")
	}
	var claims struct {
		Sub string `json:"sub"`
		Exp int64  `json:"exp"`
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	_, middle, _ := strings.Cut(token[:at], ".")
	payload, err2 := base64.RawURLEncoding.DecodeString(middle)
	if err != nil || err2 != nil || !hmac.Equal(signature, s.sign(token[:at])) || json.Unmarshal(payload, &claims) != nil {
		return 0, tatFail(http.StatusUnauthorized, "Error decoding signature.")
	}
	if q.now.Unix() >= claims.Exp {
		return 0, tatExpired()
	}
	member, err := strconv.Atoi(claims.Sub)
	if err != nil {
		return 0, tatFail(http.StatusUnauthorized, "Invalid signature.")
	}
	return member, reply{}
}

// tatLogin is POST token-auth/tcap/. Reading: "resend" may be there, and nothing else;
// wrong credentials get 401.
func (s *Server) tatLogin(q request) reply {
	body, status, message := q.read("application/json")
	if message != "" {
		return tatFail(status, message)
	}
	var login struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Resend   bool   `json:"resend"`
	}
	if err := decode(body, &login); err != nil || login.Username == "" || login.Password == "" {
		return tatFail(http.StatusBadRequest, "username and password are required")
	}
	for _, m := range s.Members() {
		if login.Username == m.Login && login.Password == m.Password {
			r := jsonReply(http.StatusOK, map[string]any{"token": s.token(m.Number, q.now.Add(s.o.TokenLife)),
				"user": map[string]any{"id": m.Number, "username": m.Login, "first_name": "", "last_name": "", "email": m.Login, "organisation": m.Name,
					"permissions": []string{}, "job_title": "", "terms": "", "terms_archive": "", "email_verified": true}})
			r.member = m.Number
			return r
		}
	}
	return tatFail(http.StatusUnauthorized, "Unable to log in with provided credentials.")
}

// tatList is GET /hash-list/v2/all.
//
// Reading: order=asc, by updated_on and id, is the only order; after is a checkpoint
// "updated_on,id" of an earlier page and what follows it comes; checkpoint is that of the
// page's last result, or after again when there is none; count is "the total number of
// available results", of all pages and whatever the ideology; next is the address of the next page, null on the last; times are
// seconds since 1970 with a fraction; ideology can be left out or "all". Those that an
// ideology leaves out count as passed.
func (s *Server) tatList(q request) reply {
	query := q.URL.Query()
	limit, ok := number(query, "limit", tatDefaultLimit, 1, 1<<31)
	ideology := query.Get("ideology")
	if ideology == "all" {
		ideology = ""
	}
	switch {
	case !ok:
		return tatFail(http.StatusBadRequest, "limit must be a whole number")
	case ideology != "" && !slices.Contains(tatIdeologies, ideology):
		return tatFail(http.StatusBadRequest, "ideology must be one of "+strings.Join(tatIdeologies, ", "))
	case query.Get("order") != "" && query.Get("order") != "asc":
		return tatFail(http.StatusBadRequest, "order must be asc")
	}
	limit = min(limit, tatMaxLimit)
	after := query.Get("after")
	at, id, ok := tatCheckpoint(after)
	if !ok {
		return tatFail(http.StatusBadRequest, "after must be a checkpoint")
	}
	s.mu.RLock()
	b := s.tat
	from := b.since(at)
	for n := b.changed(); from < n && b.at(from) == at; from++ { // within one moment ids rise
		if item := b.itemOf(from); int64(item)+1 > id {
			break
		}
	}
	rows, next, more := b.page(from, b.changed(), limit, func(r row[tatItem]) bool { return ideology == "" || r.record.ideology == ideology })
	checkpoint := after
	if next > from && q.fault != "repeat-page" {
		checkpoint = tatTime(b.at(next-1)) + "," + strconv.Itoa(int(b.itemOf(next-1))+1)
	}
	count := b.len()
	s.mu.RUnlock()
	more = more || q.fault == "repeat-page"

	out := make(page, 0, 300*len(rows)+256)
	out.open('{')
	out.key("count")
	out.num(int64(count))
	out.key("next")
	if more {
		query.Set("after", checkpoint)
		if checkpoint == "" {
			query.Del("after")
		}
		out.str(origin(q.Request) + q.URL.Path + "?" + query.Encode())
	} else {
		out.raw("null")
	}
	out.key("previous")
	out.raw("null")
	out.key("checkpoint")
	out.str(checkpoint)
	out.key("results")
	out.open('[')
	for i, r := range rows {
		if q.fault == "bad-record" && i == len(rows)/2 {
			out.raw(`{"id":"none","hash_digest":null,"algorithm":"PDQ","ideology":7,"file_type":"jpg","deleted":"no","updated_on":"yesterday"}`)
		}
		out.open('{')
		out.key("id")
		out.num(int64(r.item) + 1)
		for _, f := range [][2]string{{"hash_digest", r.record.digest}, {"algorithm", r.record.algorithm}, {"ideology", r.record.ideology}, {"file_type", r.record.fileType}} {
			out.key(f[0])
			out.str(f[1])
		}
		out.key("deleted")
		out.bool(r.record.deleted)
		out.key("updated_on")
		out.raw(tatTime(r.at))
		out.key("created_on")
		out.raw(tatTime(r.record.created * 1e6))
		out.close('}')
	}
	out.close(']')
	out.close('}')
	return reply{status: http.StatusOK, kind: "application/json", body: out, records: len(rows)}
}

func tatTime(micro int64) string { return fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6) }

// tatCheckpoint reads "updated_on,id"; the empty one is before everything.
func tatCheckpoint(text string) (micro, id int64, ok bool) {
	if text == "" {
		return 0, 0, true
	}
	first, second, _ := strings.Cut(text, ",")
	seconds, err := strconv.ParseFloat(first, 64)
	id, err2 := strconv.ParseInt(second, 10, 64)
	if err != nil || err2 != nil || !(seconds >= 0 && seconds < 1e12) || id < 0 {
		return 0, 0, false
	}
	return int64(seconds*1e6 + 0.5), id, true
}

// tatCategoryList is GET feedback/categories, paged by limit and offset.
func (s *Server) tatCategoryList(q request) reply {
	query := q.URL.Query()
	limit, ok1 := number(query, "limit", 20, 1, 100)
	offset, ok2 := number(query, "offset", 0, 0, 1<<31)
	id, ok3 := number(query, "id", 0, 1, 1<<31)
	if !ok1 || !ok2 || !ok3 {
		return tatFail(http.StatusBadRequest, "limit must be 1 to 100, offset and id whole numbers")
	}
	list := []map[string]any{}
	for _, c := range tatCategories {
		if (id == 0 || c["id"] == int(id)) && (query.Get("name") == "" || c["name"] == query.Get("name")) {
			list = append(list, c)
		}
	}
	count := len(list)
	list = list[min(int(offset), count):]
	var next, previous any
	link := func(offset int64) string {
		to := url.Values{"limit": {strconv.FormatInt(limit, 10)}, "offset": {strconv.FormatInt(max(offset, 0), 10)}}
		return origin(q.Request) + q.URL.Path + "?" + to.Encode()
	}
	if len(list) > int(limit) {
		list, next = list[:limit], link(offset+limit)
	}
	if offset > 0 {
		previous = link(offset - limit)
	}
	return jsonReply(http.StatusOK, map[string]any{"count": count, "next": next, "previous": previous, "results": list})
}

// tatSendFeedback is POST feedback: on one hash, in a category.
//
// Reading: that there is such an endpoint is documented ("on an individual hash basis",
// with "the relevant feedback category ID"); the names of its fields are not in the stored
// copies and are made up: hash_digest, category, comment.
func (s *Server) tatSendFeedback(q request) reply {
	body, status, message := q.read("application/json")
	if message != "" {
		return tatFail(status, message)
	}
	var sent struct {
		Digest   string `json:"hash_digest"`
		Category int    `json:"category"`
		Comment  string `json:"comment"`
	}
	if err := decode(body, &sent); err != nil {
		return tatFail(http.StatusBadRequest, "not the JSON of this endpoint: "+err.Error())
	}
	if sent.Category < 1 || sent.Category > len(tatCategories) {
		return tatFail(http.StatusBadRequest, "category must be the id of one of the categories")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	item, ok := s.tat.named(sent.Digest, tatAlgorithms, tatKinds)
	if !ok {
		return tatFail(http.StatusBadRequest, "hash_digest must be one of the list")
	}
	t := s.tat.record(item)
	f := tatFeedback{sent.Category, sent.Comment, q.me}
	changed := !slices.Contains(t.feedback, f)
	if changed { // members don't see each other's feedback here: the record itself stays as it is
		t.feedback = append(slices.Clone(t.feedback), f)
		s.tat.touched[item] = t
	}
	s.receive(q, "tat", "feedback", t.algorithm+" "+t.digest, f, changed)
	return jsonReply(http.StatusCreated, map[string]any{"hash_digest": sent.Digest, "category": sent.Category, "comment": sent.Comment})
}
