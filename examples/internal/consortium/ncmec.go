package consortium

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// NCMEC hash sharing v2, after report.cybertip.org/ws-hashsharing/v2/documentation and its
// copies at hashsharing.ncmec.org and exttest.cybertip.org: overview, usage
// recommendations, large fingerprints (the sample of a queryResult), categorization. How
// entries are submitted and retracted is not in the copies that could be read, so that this
// server takes feedback only.

const (
	ncNamespace = "https://hashsharing.ncmec.org/hashsharing/v2"
	ncPage      = 1000           // entries a page
	ncURLLife   = 12 * time.Hour // of a paging URL
	ncTime      = "2006-01-02T15:04:05Z"
	industry    = "industry"
)

// Environments are NCMEC's databases, each with its own data and one of them for each
// kind of member; "test-" stands before the name of its twin for tests. All but "industry"
// and its twin have a tenth of the records.
var Environments = []string{industry, "industry-exploitative", "law-enforcement", "ngo", "ngo-exploitative",
	"test-industry", "test-industry-exploitative", "test-law-enforcement", "test-ngo", "test-ngo-exploitative"}

// ncItem is an entry: a picture or a video of one member.
type ncItem struct {
	member  int
	id      string
	video   bool
	deleted bool
	class   string
	prints  []print
	votes   []vote // by fingerprint and member
}

// A print is a fingerprint of the type that names its element. One whose value is large
// has none here: it is fetched from its own address.
type print struct{ typ, value string }

type vote struct {
	typ     string
	member  int
	reasons []string // names of reasons; none: affirmative
	at      int64    // seconds
}

// ncTypes are the fingerprints' keys, as in paths, and their elements. Reading: only
// pdna, videntifier and their keys are shown; the elements of the others follow the same
// spelling. The documentation gives SSVH+SaferHash the key TMK_SAFER_HASH.
var ncTypes = []struct {
	key, element string
	kind         kind
	large        bool
}{
	{"MD5", "md5", kindMD5, false}, {"SHA1", "sha1", kindSHA1, false}, {"PDNA", "pdna", kindPhotoDNA, false}, {"PDQ", "pdq", kindPDQ, false},
	{"NETCLEAN", "netclean", kindCount, false}, {"VIDENTIFIER", "videntifier", kindTMK, true}, {"TMK_PDQF", "tmkPdqf", kindTMK, true},
	{"SSVH_PDNA", "ssvhPdna", kindTMK, true}, {"TMK_SAFER_HASH", "ssvhSaferHash", kindTMK, true},
}

// ncReasons are the reasons for a negative vote. Reading: their names are made up.
var ncReasons = []string{"Does not meet the definition", "Wrong fingerprint", "Not a person"}

var ncClasses = []string{"A1", "A2", "B1", "B2"}

// keys are its place in paths, and the values of its fingerprints.
func (t ncItem) keys() []string {
	list := []string{strconv.Itoa(t.member) + "/" + t.id}
	for _, p := range t.prints {
		if p.value != "" {
			list = append(list, p.value)
		}
	}
	return list
}

func ncDerive(d data, end time.Time, i uint32) ncItem {
	t := ncItem{member: 2 + d.pick(i, "nc.member", len(memberNames)-1), video: d.pick(i, "nc.video", 100) < 30,
		deleted: d.pick(i, "nc.deleted", 100) < 6, class: ncClasses[d.pick(i, "nc.class", len(ncClasses))]}
	kinds := weighted(d.pick(i, "nc.prints", 100), []choice[[]kind]{{60, []kind{kindMD5, kindPDQ}}, {15, []kind{kindMD5, kindSHA1, kindPhotoDNA, kindPDQ}},
		{10, []kind{kindPDQ}}, {10, []kind{kindMD5}}, {5, []kind{kindPhotoDNA}}})
	if t.id = "image" + strconv.Itoa(int(i)); t.video {
		t.id = "video" + strconv.Itoa(int(i))
		kinds = weighted(d.pick(i, "nc.prints", 100), []choice[[]kind]{{60, []kind{kindMD5}}, {25, []kind{kindMD5, kindSHA1, kindTMK}}, {15, []kind{kindMD5, kindTMK}}})
	}
	for _, k := range kinds {
		for _, p := range ncTypes {
			if p.kind == k && (!p.large || p.key == "TMK_PDQF") {
				p := print{p.element, d.value(i, k)}
				if k == kindTMK {
					p.value = ""
				}
				t.prints = append(t.prints, p)
			}
		}
	}
	typ, at := t.prints[0].typ, end.Unix()-int64(d.pick(i, "nc.voted", 100*86400))
	up, down := t.member%(len(memberNames)-1)+2, (t.member+1)%(len(memberNames)-1)+2
	switch x := d.pick(i, "nc.vote", 100); {
	case x < 15:
		t.votes = []vote{{typ, up, nil, at}}
	case x < 22:
		t.votes = []vote{{typ, down, []string{ncReasons[d.pick(i, "nc.reason", len(ncReasons))]}, at}}
	case x < 27: // disputed
		t.votes = []vote{{typ, up, nil, at}, {typ, down, ncReasons[:2], at}}
	}
	return t
}

// environment gives the data of one, made when first asked for. It wants the lock.
func (s *Server) environment(name string) *board[ncItem] {
	if b := s.ncmec[name]; b != nil {
		return b
	}
	n := uint32(s.o.Records)
	if !strings.HasSuffix(name, industry) {
		n = max(1, n/10)
	}
	d, end := data{s.o.Seed, n}, s.started.Add(-10*time.Minute)
	d.seed = fold(d.seed, strings.TrimPrefix(name, industry))
	s.ncmec[name] = newBoard(d, end, s.o.Span, func(i uint32) ncItem { return ncDerive(d, end, i) }, ncItem.keys)
	return s.ncmec[name]
}

func ncFail(status int, message string) reply {
	r := ncReply(status, "error", len(message), func(out *bytes.Buffer) {
		out.WriteString("<message>")
		_ = xml.EscapeText(out, []byte(message))
		out.WriteString("</message>")
	})
	if status == http.StatusUnauthorized {
		r.header = map[string]string{"WWW-Authenticate": `Basic realm="hashsharing"`}
	}
	return r
}

var ncProtocol = protocol{
	name:    "ncmec",
	fail:    ncFail,
	expired: func() reply { return ncFail(http.StatusUnauthorized, "the password has expired") },
	bomb: func() []byte {
		var b strings.Builder
		b.WriteString(`<?xml version="1.0"?><!DOCTYPE queryResult [<!ENTITY a0 "ha">`)
		for i := range 12 { // ten of the one before: 2 TB at the end
			b.WriteString("<!ENTITY a" + strconv.Itoa(i+1) + ` "` + strings.Repeat("&a"+strconv.Itoa(i)+";", 10) + `">`)
		}
		b.WriteString(`]><queryResult xmlns="` + ncNamespace + `"><images count="1"><image><member id="2">&a12;</member><id>&a12;</id></image></images></queryResult>`)
		return []byte(b.String())
	},
	endless: endless{"application/xml", xml.Header + `<queryResult xmlns="` + ncNamespace + `"><images>`,
		`<image><member id="2">M</member><timestamp>2020-01-01T00:00:00Z</timestamp><id>again</id><fingerprints><md5>00000000000000000000000000000000</md5></fingerprints></image>`,
		`<image><member id="2">M</member><id>`, `</id></image></images></queryResult>`},
}

func (s *Server) routeNCMEC() {
	base := "/ncmec/{environment}/v2/"
	s.handle("GET "+base+"entries", ncProtocol, true, as(s.ncAuth, s.ncEntries))
	s.handle("GET "+base+"status", ncProtocol, false, as(s.ncAuth, s.ncStatus))
	s.handle("GET "+base+"members", ncProtocol, false, as(s.ncAuth, s.ncMembers))
	s.handle("GET "+base+"categorizations", ncProtocol, false, as(s.ncAuth, s.ncCategorizations))
	s.handle("GET "+base+"feedback/{type}/reasons", ncProtocol, false, as(s.ncAuth, s.ncReasonList))
	s.handle("PUT "+base+"entries/{member}/{id}/{type}/feedback", ncProtocol, false, as(s.ncAuth, s.ncVote))
	s.handle("GET "+base+"entries/{member}/{id}/{type}", ncProtocol, false, as(s.ncAuth, s.ncLarge))
}

// ncAuth finds who asks, of an environment that there is.
//
// Reading: members' credentials are good for every environment here; in truth each belongs
// to one.
func (s *Server) ncAuth(q request) (int, reply) {
	user, password, _ := q.BasicAuth()
	for _, m := range s.Members() {
		if user != m.Username || password != m.Password {
			continue
		}
		if !slices.Contains(Environments, q.PathValue("environment")) {
			return 0, ncFail(http.StatusNotFound, "no such environment")
		}
		return m.Number, reply{}
	}
	return 0, ncFail(http.StatusUnauthorized, "wrong username or password")
}

// ncReply is a document of the namespace, whose content write writes; size is a guess at it.
func ncReply(status int, root string, size int, write func(*bytes.Buffer)) reply {
	var b bytes.Buffer
	b.Grow(size + 256)
	b.WriteString(xml.Header + "<" + root + ` xmlns="` + ncNamespace + `">`)
	write(&b)
	b.WriteString("</" + root + ">\n")
	return reply{status: status, kind: "application/xml", body: b.Bytes()}
}

// ncEntries is GET /v2/entries?from=&to=: entries whose latest change lies in a range,
// in an order that has nothing to do with time.
//
// Reading: from is exclusive and to inclusive, both to the second, as timestamps are
// shown; each can be absent. size is at most 1000. start counts places in the server's own
// order, so that a change during the paging neither shifts nor repeats what follows; what
// was changed meanwhile is out of the range, and in the next one. A paging URL that is
// older than 12 hours gets 400. maxTimestamp is that of the entries of the page.
func (s *Server) ncEntries(q request) reply {
	query := q.URL.Query()
	from, ok1 := ncTimeOf(query.Get("from"), -1<<40)
	to, ok2 := ncTimeOf(query.Get("to"), 1<<40)
	start, ok3 := number(query, "start", 1, 1, 1<<32)
	size, ok4 := number(query, "size", ncPage, 1, ncPage)
	most, ok5 := number(query, "max", 1<<32, 1, 1<<32)
	issued, ok6 := number(query, "issued", q.now.Unix(), 0, 1<<40)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 {
		return ncFail(http.StatusBadRequest, "from and to must be times of ISO 8601 in UTC, start, size and max whole numbers, size at most 1000")
	}
	if from > to {
		return ncFail(http.StatusBadRequest, "from lies after to")
	}
	if q.now.Unix()-issued > int64(ncURLLife/time.Second) {
		return ncFail(http.StatusBadRequest, "this paging address has expired: begin the range again")
	}
	var rows []row[ncItem]
	s.mu.Lock() // the environment may have to be made
	b := s.environment(q.PathValue("environment"))
	s.mu.Unlock()
	s.mu.RLock()
	end := uint32(min(most, int64(b.len())))
	o, more := uint32(min(start-1, int64(end))), false
	first := o
	for ; o < end; o++ {
		item := b.ordinal(o)
		at := b.updated(item)
		if at/1e6 <= from || at/1e6 > to {
			continue
		}
		if len(rows) == int(size) {
			more = true
			break
		}
		rows = append(rows, row[ncItem]{item, at, b.record(item)})
	}
	s.mu.RUnlock()
	if q.fault == "repeat-page" {
		o, more = first, true
	}

	out := ncReply(http.StatusOK, "queryResult", 700*len(rows), func(out *bytes.Buffer) {
		if more { // relative to the application's root, as other addresses are said to be
			next := "/v2/entries?" + url.Values{"from": query["from"], "to": query["to"], "start": {strconv.Itoa(int(o) + 1)},
				"size": {strconv.Itoa(int(size))}, "max": {strconv.Itoa(int(end))}, "issued": {strconv.FormatInt(issued, 10)}}.Encode()
			out.WriteString("<paging><next>")
			_ = xml.EscapeText(out, []byte(next))
			out.WriteString("</next></paging>")
		}
		for _, kind := range []string{"image", "video"} {
			ncEntrySet(out, kind, slices.DeleteFunc(slices.Clone(rows), func(r row[ncItem]) bool { return r.record.video != (kind == "video") }), q.fault == "bad-record")
		}
	})
	out.records = len(rows)
	return out
}

// ncEntrySet writes the entries of a kind, if there are any; bad: beside one that nobody can read.
func ncEntrySet(out *bytes.Buffer, kind string, rows []row[ncItem], bad bool) {
	if len(rows) == 0 {
		return
	}
	latest := int64(0)
	for _, r := range rows {
		latest = max(latest, r.at)
	}
	out.WriteString("<" + kind + `s count="` + strconv.Itoa(len(rows)) + `" maxTimestamp="` + time.UnixMicro(latest).UTC().Format(ncTime) + `">`)
	if bad {
		out.WriteString("<" + kind + `><member id="nobody"/><timestamp>yesterday</timestamp><fingerprints><md5>zz</md5><pdq/></fingerprints></` + kind + ">")
	}
	for _, r := range rows {
		ncEntry(out, kind, r.record, r.at)
	}
	out.WriteString("</" + kind + "s>")
}

// ncTimeOf reads a bound of a range, in seconds since 1970.
func ncTimeOf(text string, otherwise int64) (int64, bool) {
	if text == "" {
		return otherwise, true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.Unix(), err == nil
}

// ncEntry writes an entry; one that was retracted shows who it was of, and nothing more.
func ncEntry(out *bytes.Buffer, kind string, t ncItem, at int64) {
	if t.deleted {
		kind = "deleted" + strings.ToUpper(kind[:1]) + kind[1:]
	}
	out.WriteString("<" + kind + ">")
	ncMember(out, t.member)
	out.WriteString("<timestamp>" + time.UnixMicro(at).UTC().Format(ncTime) + "</timestamp><id>")
	_ = xml.EscapeText(out, []byte(t.id))
	out.WriteString("</id>")
	if !t.deleted {
		out.WriteString("<classification>" + t.class + "</classification><fingerprints>")
		for _, p := range t.prints {
			if p.value == "" {
				out.WriteString("<" + p.typ + ` rel="self" href="/v2/entries/` + strconv.Itoa(t.member) + "/" + url.PathEscape(t.id) + "/" + ncKey(p.typ) + `"/>`)
				continue
			}
			out.WriteString("<" + p.typ + ">" + p.value + "</" + p.typ + ">")
		}
		out.WriteString("</fingerprints>")
		ncFeedback(out, t.votes)
	}
	out.WriteString("</" + kind + ">")
}

func ncMember(out *bytes.Buffer, number int) {
	out.WriteString(`<member id="` + strconv.Itoa(number) + `">` + memberNames[number-1] + "</member>")
}

func ncKey(element string) string {
	for _, t := range ncTypes {
		if t.element == element {
			return t.key
		}
	}
	return ""
}

func ncElement(key string) string {
	for _, t := range ncTypes {
		if t.key == key {
			return t.element
		}
	}
	return ""
}

// ncStatus: Reading: "verify that the client can connect and authenticate"; what it says is not
// shown.
func (s *Server) ncStatus(q request) reply {
	return ncReply(http.StatusOK, "status", 0, func(out *bytes.Buffer) {
		out.WriteString("<username>" + memberOf(q.me).Username + "</username>")
		ncMember(out, q.me)
	})
}

func (s *Server) ncMembers(request) reply {
	return ncReply(http.StatusOK, "members", 0, func(out *bytes.Buffer) {
		for i := range memberNames {
			ncMember(out, i+1)
		}
	})
}

// ncCategorizations is the documented sample with identifiers of the environment's own.
func (s *Server) ncCategorizations(q request) reply {
	return ncReply(http.StatusOK, "availableCategorizations", 0, func(out *bytes.Buffer) {
		for _, g := range []struct {
			name, multiple string
			list           []string
		}{{"Content", "false", []string{"Clothed Child", "Unclothed Child"}}, {"Context", "true", []string{"Known Minor", "Potential Meme", "Viral"}}} {
			out.WriteString(`<group name="` + g.name + `" allowMultiple="` + g.multiple + `">`)
			for _, name := range g.list {
				out.WriteString(`<categorization guid="` + guid(q.PathValue("environment")+name) + `" name="` + name + `"/>`)
			}
			out.WriteString("</group>")
		}
	})
}

// ncLarge is a fingerprint that is too large for a page, as raw bytes.
func (s *Server) ncLarge(q request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.environment(q.PathValue("environment"))
	item, ok := ncFind(b, q.PathValue("member"), q.PathValue("id"))
	if !ok || b.record(item).deleted || item >= b.n ||
		!slices.Contains(b.record(item).prints, print{ncElement(q.PathValue("type")), ""}) {
		return ncFail(http.StatusNotFound, "no such fingerprint")
	}
	raw, _ := base64.StdEncoding.DecodeString(b.value(item, kindTMK))
	return reply{status: http.StatusOK, kind: "application/octet-stream", body: raw}
}
