package consortium

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// graphTime is how the Graph API writes times.
const graphTime = "2006-01-02T15:04:05-0700"

// teDescriptor writes a descriptor as me sees it.
//
// Reading: tags are a connection and so {"data":[{id,text}]}; reactions are "a map from
// the possible ReactionType to the apps", which the Graph API writes as a list of
// {"key","value"} with the apps joined by commas; my_reactions is a list of names; times
// are strings but for expired_on, whose type is given as number.
func teDescriptor(out *page, want fields, item uint32, t teItem, o descriptor, me int) {
	out.open('{')
	out.key("id")
	out.str(teDescriptorID(item, o.member))
	text := func(name, value string) {
		if value != "" && want.has(name) {
			out.key(name)
			out.str(value)
		}
	}
	when := func(name string, at int64) {
		if at != 0 {
			text(name, time.Unix(at, 0).UTC().Format(graphTime))
		}
	}
	if want.has("indicator") {
		out.key("indicator")
		out.open('{')
		teHead(out, want["indicator"], item, t)
		out.close('}')
	}
	text("raw_indicator", t.value)
	text("type", t.typ)
	if want.has("owner") {
		out.key("owner")
		out.open('{')
		text := fields(want["owner"])
		out.key("id")
		out.str(appID(o.member))
		if text.has("name") {
			out.key("name")
			out.str(memberNames[o.member-1])
		}
		out.close('}')
	}
	text("status", o.status)
	text("severity", o.severity)
	text("share_level", o.share)
	text("review_status", o.review)
	text("precision", o.precision)
	text("description", o.description)
	privacy := "VISIBLE"
	if o.group {
		privacy = "HAS_PRIVACY_GROUP"
	}
	text("privacy_type", privacy)
	if o.confidence >= 0 && want.has("confidence") {
		out.key("confidence")
		out.num(int64(o.confidence))
	}
	if o.expired != 0 && want.has("expired_on") {
		out.key("expired_on")
		out.num(o.expired)
	}
	when("added_on", o.added)
	when("last_updated", o.updated)
	when("first_active", o.firstActive)
	when("last_active", o.lastActive)
	if want.has("tags") && len(o.tags) > 0 {
		out.key("tags")
		out.open('{')
		out.key("data")
		out.open('[')
		for _, tag := range o.tags {
			out.open('{')
			out.key("id")
			out.str(teTagID(tag))
			if want["tags"].has("text") {
				out.key("text")
				out.str(tag)
			}
			out.close('}')
		}
		out.close(']')
		out.close('}')
	}
	if want.has("reactions") {
		out.key("reactions")
		out.open('[')
		for i := 0; i < len(o.reactions); {
			name, apps := o.reactions[i].name, []string(nil)
			for ; i < len(o.reactions) && o.reactions[i].name == name; i++ {
				apps = append(apps, appID(o.reactions[i].member))
			}
			out.open('{')
			out.key("key")
			out.str(name)
			out.key("value")
			out.str(strings.Join(apps, ","))
			out.close('}')
		}
		out.close(']')
	}
	if want.has("my_reactions") {
		var mine []string
		for _, r := range o.reactions {
			if r.member == me {
				mine = append(mine, r.name)
			}
		}
		out.key("my_reactions")
		out.strs(mine)
	}
	out.close('}')
}

// teTagID is the same for a text wherever it stands.
func teTagID(text string) string {
	h := uint64(golden)
	for _, c := range []byte(text) {
		h = mix(h ^ uint64(c))
	}
	return strconv.FormatUint(teTagBase+h%1_000_000_000_000, 10)
}

func teDescriptorID(item uint32, member int) string {
	return strconv.FormatUint(teDescriptorBase+uint64(item)*16+uint64(member), 10)
}

// teFind finds the indicator of a descriptor's or an indicator's id; member is 0 for an
// indicator's. It wants the lock.
func (s *Server) teFind(id string) (item uint32, member int, ok bool) {
	n, err := strconv.ParseUint(id, 10, 64)
	switch {
	case err != nil:
		return 0, 0, false
	case n >= teIndicatorBase && n-teIndicatorBase < uint64(s.te.len()):
		return uint32(n - teIndicatorBase), 0, true
	case n >= teDescriptorBase && (n-teDescriptorBase)/16 < uint64(s.te.len()):
		item, member = uint32((n-teDescriptorBase)/16), int(n-teDescriptorBase)%16
		t := s.te.record(item)
		_, ok = t.of(member)
		return item, member, ok && !t.gone
	}
	return 0, 0, false
}

// of finds a member's descriptor.
func (t teItem) of(member int) (int, bool) {
	return slices.BinarySearchFunc(t.sorted(), member, func(o descriptor, m int) int { return cmp.Compare(o.member, m) })
}

// sorted are the descriptors by member, copied.
func (t teItem) sorted() []descriptor {
	list := slices.Clone(t.descriptors)
	slices.SortStableFunc(list, func(a, b descriptor) int { return cmp.Compare(a.member, b.member) })
	return list
}

// teGet is a descriptor or an indicator by its id.
func (s *Server) teGet(q request) reply {
	query := q.URL.Query()
	me := s.teAuth(query.Get("access_token"))
	if me == 0 {
		return teFail(http.StatusUnauthorized, "Invalid OAuth access token")
	}
	s.mu.RLock()
	item, member, ok := s.teFind(q.PathValue("id"))
	var t teItem
	if ok {
		t = s.te.record(item)
	}
	s.mu.RUnlock()
	if !ok || t.gone {
		return teFail(http.StatusNotFound, "no such object, or not visible to this app")
	}
	level, want := "descriptor", fields{"id": nil, "indicator": nil, "type": nil}
	if member == 0 {
		level = ""
	}
	if text := query.Get("fields"); text != "" {
		if want, ok = parseFields(text); !ok {
			return teFail(http.StatusBadRequest, "Syntax error in fields")
		}
		if bad := want.unknown(teKnownFields, level); bad != "" {
			return teFail(http.StatusBadRequest, "Tried accessing nonexisting field ("+bad+")")
		}
		want["id"] = nil
	}
	out := page{}
	if member == 0 {
		delete(want, "should_delete")
		teIndicator(&out, want, item, 0, t, me)
	} else {
		at, _ := t.of(member)
		teDescriptor(&out, want, item, t, t.sorted()[at], me)
	}
	return reply{status: http.StatusOK, kind: "application/json", body: out, member: me}
}

func (s *Server) teMembers(q request) reply {
	me := s.teAuth(q.URL.Query().Get("access_token"))
	if me == 0 {
		return teFail(http.StatusUnauthorized, "Invalid OAuth access token")
	}
	var list []map[string]string
	for _, m := range s.Members() {
		list = append(list, map[string]string{"id": appID(m.Number), "name": m.Name})
	}
	r := jsonReply(http.StatusOK, map[string]any{"data": list})
	r.member = me
	return r
}

func (s *Server) teGroups(q request) reply {
	me := s.teAuth(q.URL.Query().Get("access_token"))
	if me == 0 {
		return teFail(http.StatusUnauthorized, "Invalid OAuth access token")
	}
	if q.PathValue("app") != appID(me) {
		return teFail(http.StatusForbidden, "this app's groups only")
	}
	group := func(id, name string, updates bool) map[string]any {
		return map[string]any{"id": id, "name": name, "description": "synthetic", "members_can_see": true, "members_can_use": true,
			"added_on": s.started.UTC().Format(graphTime), "last_updated": s.started.UTC().Format(graphTime), "threat_updates_enabled": updates}
	}
	r := jsonReply(http.StatusOK, map[string]any{"data": []any{group(PrivacyGroup, "Fake consortium", true), group(OtherGroup, "Without updates", false)}})
	r.member = me
	return r
}

// form reads the parameters of a POST from its query and its body, which win.
//
// Reading: the documentation posts forms only, so that nothing else is taken.
func (s *Server) form(q request) (values url.Values, me int, bad reply) {
	values = q.URL.Query()
	if q.ContentLength != 0 {
		body, status, message := q.read("application/x-www-form-urlencoded")
		if message != "" {
			return nil, 0, teFail(status, message)
		}
		posted, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, 0, teFail(http.StatusBadRequest, "the form can't be read")
		}
		for k, v := range posted {
			values[k] = v
		}
	}
	if me = s.teAuth(values.Get("access_token")); me == 0 {
		return nil, 0, teFail(http.StatusUnauthorized, "Invalid OAuth access token")
	}
	return values, me, reply{}
}

// teUpload is POST /threat_descriptors: a member's opinion of an indicator, made or, when
// there is one, changed.
//
// Reading: the required parameters are set in bold type, which the stored copies lack.
// Those of the example submission are required here: indicator, type, status, description,
// privacy_type.
func (s *Server) teUpload(q request) reply {
	form, me, bad := s.form(q)
	if me == 0 {
		return bad
	}
	for _, name := range []string{"indicator", "type", "status", "description", "privacy_type"} {
		if form.Get(name) == "" {
			return teFail(http.StatusBadRequest, "The parameter "+name+" is required")
		}
	}
	typ, value := form.Get("type"), form.Get("indicator")
	if strings.HasPrefix(typ, "HASH_") && typ != "HASH_PHOTODNA" && typ != "HASH_TMK" { // hexadecimal
		value = strings.ToLower(value)
	}
	if message := teCheck(typ, value); message != "" {
		return teFail(http.StatusBadRequest, message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	item, exists := s.teLookup(typ, value)
	t := teItem{typ: typ, value: value}
	if exists {
		t = s.te.record(item)
	}
	if t.gone { // what was removed and is shared again starts anew
		t.gone, t.descriptors = false, nil
	}
	o := descriptor{member: me, confidence: -1}
	if at, ok := t.of(me); ok {
		o = t.sorted()[at]
	}
	next, message := o.with(form)
	if message != "" {
		return teFail(http.StatusBadRequest, message)
	}
	item, changed := s.tePut(item, exists, t, next, q.now)
	id := teDescriptorID(item, me)
	s.receive(q, "threatexchange", me, "upload", typ+" "+value, form, changed)
	return reply{status: http.StatusOK, kind: "application/json", body: []byte(`{"success":true,"id":"` + id + `"}`), member: me}
}

// tePut puts a descriptor among those of an indicator, unless it says what is there.
func (s *Server) tePut(item uint32, exists bool, t teItem, o descriptor, now time.Time) (uint32, bool) {
	list := t.sorted()
	at, had := t.of(o.member)
	if had {
		if reflect.DeepEqual(list[at], o) {
			return item, false
		}
		o.updated = now.Unix()
		list[at] = o
	} else {
		o.added, o.updated = now.Unix(), now.Unix()
		list = slices.Insert(list, at, o)
	}
	t.descriptors = list
	if !exists {
		return s.te.add(now, t, t.typ+" "+t.value), true
	}
	s.te.change(item, now, t)
	return item, true
}

// teCheck says what is wrong with an indicator of a type.
func teCheck(typ, value string) string {
	digits := map[string]int{"HASH_PDQ": 64, "HASH_MD5": 32, "HASH_VIDEO_MD5": 32, "HASH_SHA1": 40, "HASH_SHA256": 64, "HASH_VIDEO_SHA256": 64, "HASH_URL_MD5": 32}
	if n := digits[typ]; n > 0 {
		if _, err := hex.DecodeString(value); err != nil || len(value) != n {
			return fmt.Sprintf("an indicator of type %s has %d hexadecimal digits", typ, n)
		}
		return ""
	}
	if !slices.Contains([]string{"HASH_PHOTODNA", "HASH_TMK", "HASH_TEXT_TLSH", "TEXT_STRING", "TREND_QUERY", "URI", "RAW_URI", "DOMAIN"}, typ) {
		return "type is none of the IndicatorTypes"
	}
	return ""
}

// teLookup finds the indicator of a type and a value. It wants the lock.
func (s *Server) teLookup(typ, value string) (uint32, bool) {
	for k := range kindCount {
		if teNames[k] == typ {
			item, ok := s.te.lookup(typ+" "+value, value, k)
			return item, ok && s.te.record(item).typ == typ
		}
	}
	return s.te.lookup(typ+" "+value, "")
}

// with is the descriptor as a form changes it, or what is wrong with the form.
func (o descriptor) with(form url.Values) (descriptor, string) {
	o.tags = slices.Clone(o.tags) // pages may hold what it was
	was := slices.Clone(o.tags)
	for _, e := range []struct {
		name   string
		to     *string
		values []string
	}{{"status", &o.status, teStatuses}, {"severity", &o.severity, teSeverity}, {"share_level", &o.share, teShare},
		{"review_status", &o.review, teReview}, {"precision", &o.precision, tePrecision}} {
		if v := form.Get(e.name); v != "" {
			if !slices.Contains(e.values, v) {
				return o, e.name + " must be one of " + strings.Join(e.values, ", ")
			}
			*e.to = v
		}
	}
	if v := form.Get("description"); v != "" {
		o.description = v
	}
	if v := form.Get("privacy_type"); v != "" {
		if !slices.Contains(tePrivacy, v) {
			return o, "privacy_type must be one of " + strings.Join(tePrivacy, ", ")
		}
		o.group = strings.HasPrefix(v, "HAS_PRIVACY_GROUP") && slices.Contains(strings.Split(form.Get("privacy_members"), ","), PrivacyGroup)
		if v != "VISIBLE" && form.Get("privacy_members") == "" {
			return o, "privacy_type " + v + " needs privacy_members"
		}
		// "GREEN/WHITE requires VISIBLE, and AMBER/RED requires HAS_WHITELIST or HAS_PRIVACY_GROUP"
		if open := o.share == "GREEN" || o.share == "WHITE"; o.share != "" && open != (v == "VISIBLE") {
			return o, "share_level " + o.share + " does not go with privacy_type " + v
		}
	}
	if v := form.Get("confidence"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 100 {
			return o, "confidence must be 0 to 100"
		}
		o.confidence = n
	}
	for name, to := range map[string]*int64{"expired_on": &o.expired, "first_active": &o.firstActive, "last_active": &o.lastActive} {
		if v := form.Get(name); v != "" {
			at, ok := graphTimeOf(v)
			if !ok {
				return o, name + " must be a time of ISO 8601 or in seconds since 1970"
			}
			*to = at
		}
	}
	for _, p := range []struct {
		name string
		do   func(tag string)
	}{{"tags", nil}, {"add_tags", func(t string) { o.tags = append(o.tags, t) }},
		{"remove_tags", func(t string) { o.tags = slices.DeleteFunc(o.tags, func(x string) bool { return x == t }) }}} {
		if !form.Has(p.name) {
			continue
		}
		if p.do == nil {
			o.tags, p.do = nil, func(t string) { o.tags = append(o.tags, t) }
		}
		for tag := range strings.SplitSeq(form.Get(p.name), ",") {
			if tag = strings.ToLower(strings.TrimSpace(tag)); tag == "" { // "case insensitive"
				continue
			}
			if strings.ContainsFunc(tag, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_' && r != ':' }) {
				return o, "a tag has letters, numbers, underscores and colons"
			}
			p.do(tag)
		}
	}
	slices.Sort(o.tags)
	o.tags = slices.Compact(o.tags)
	if slices.Sort(was); !slices.Equal(was, o.tags) { // "if the owner changes the tags, this reaction will automatically be removed"
		o.reactions = slices.DeleteFunc(slices.Clone(o.reactions), func(r reaction) bool { return r.name == "DISAGREE_WITH_TAGS" })
	}
	if len(o.reactions) == 0 {
		o.reactions = nil
	}
	return o, ""
}

// graphTimeOf reads a time that a member gave, in seconds since 1970.
func graphTimeOf(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n < 1<<40 {
		return n, true
	}
	for _, layout := range []string{time.RFC3339, graphTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}

// teEdit is POST /<descriptor>: its owner changes it, the others react to it.
func (s *Server) teEdit(q request) reply {
	form, me, bad := s.form(q)
	if me == 0 {
		return bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	item, owner, ok := s.teFind(q.PathValue("id"))
	if !ok || owner == 0 {
		return teFail(http.StatusNotFound, "no such descriptor, or not visible to this app")
	}
	t := s.te.record(item)
	at, _ := t.of(owner)
	o := t.sorted()[at]
	var changed bool
	if form.Has("reactions") || form.Has("reactions_to_remove") {
		if me == owner { // "react to threat descriptors owned by other apps"
			return teFail(http.StatusBadRequest, "reactions are for the descriptors of others")
		}
		next, message := o.react(me, form)
		if message != "" {
			return teFail(http.StatusBadRequest, message)
		}
		_, changed = s.tePut(item, true, t, next, q.now)
	} else {
		if me != owner {
			return teFail(http.StatusForbidden, "only its owner changes a descriptor")
		}
		next, message := o.with(form)
		if message != "" {
			return teFail(http.StatusBadRequest, message)
		}
		_, changed = s.tePut(item, true, t, next, q.now)
	}
	s.receive(q, "threatexchange", me, "edit", q.PathValue("id"), form, changed)
	return reply{status: http.StatusOK, kind: "application/json", body: []byte(`{"success":true}`), member: me}
}

// react adds and removes a member's reactions.
func (o descriptor) react(me int, form url.Values) (descriptor, string) {
	list := slices.Clone(o.reactions)
	for _, param := range []string{"reactions_to_remove", "reactions"} {
		for name := range strings.SplitSeq(form.Get(param), ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if !slices.Contains(teReactions, name) {
				return o, param + " must be of " + strings.Join(teReactions, ", ")
			}
			r := reaction{name, me}
			list = slices.DeleteFunc(list, func(x reaction) bool { return x == r })
			if param == "reactions" {
				list = append(list, r)
			}
		}
	}
	slices.SortFunc(list, func(a, b reaction) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.member, b.member))
	})
	if o.reactions = list; len(list) == 0 {
		o.reactions = nil
	}
	return o, ""
}

// teDelete is DELETE /<descriptor>. With the last opinion goes the indicator.
func (s *Server) teDelete(q request) reply {
	me := s.teAuth(q.URL.Query().Get("access_token"))
	if me == 0 {
		return teFail(http.StatusUnauthorized, "Invalid OAuth access token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	item, owner, ok := s.teFind(q.PathValue("id"))
	if !ok || owner != me {
		return teFail(http.StatusNotFound, "no such descriptor, or not of this app")
	}
	t := s.te.record(item)
	at, _ := t.of(me)
	t.descriptors = slices.Delete(t.sorted(), at, at+1)
	t.gone = len(t.shared()) == 0
	s.te.change(item, q.now, t)
	s.receive(q, "threatexchange", me, "delete", q.PathValue("id"), nil, true)
	return reply{status: http.StatusOK, kind: "application/json", body: []byte(`{"success":true}`), member: me}
}
