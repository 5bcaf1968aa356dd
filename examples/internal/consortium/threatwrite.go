package consortium

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// teForm gives a handler the parameters of a POST, from its query and its body, which wins.
//
// Reading: the documentation posts forms only, so that nothing else is taken.
func (s *Server) teForm(h func(request, url.Values) reply) func(request) reply {
	return func(q request) reply {
		form := q.URL.Query()
		if q.ContentLength != 0 {
			body, status, message := q.read("application/x-www-form-urlencoded")
			if message != "" {
				return teFail(status, message)
			}
			posted, err := url.ParseQuery(string(body))
			if err != nil {
				return teFail(http.StatusBadRequest, "the form can't be read")
			}
			maps.Copy(form, posted)
		}
		return as(func(request) (int, reply) { return s.teMember(form) }, func(q request) reply { return h(q, form) })(q)
	}
}

// teUpload is POST /threat_descriptors: a member's opinion of an indicator, made or, when
// there is one, changed.
//
// Reading: the required parameters are set in bold type, which the stored copies lack.
// Those of the example submission are required here: indicator, type, status, description,
// privacy_type.
func (s *Server) teUpload(q request, form url.Values) reply {
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
	o := descriptor{member: q.me, confidence: -1}
	if at, ok := t.of(q.me); ok {
		o = t.sorted()[at]
	}
	next, message := o.with(form)
	if message != "" {
		return teFail(http.StatusBadRequest, message)
	}
	item, changed := s.tePut(item, exists, t, next, q.now)
	id := teDescriptorID(item, q.me)
	s.receive(q, "threatexchange", "upload", typ+" "+value, form, changed)
	return reply{status: http.StatusOK, kind: "application/json", body: []byte(`{"success":true,"id":"` + id + `"}`)}
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
	t.listed = t.listed || o.group
	if !exists {
		return s.te.add(now, t), true
	}
	s.te.change(item, now, t)
	return item, true
}

// teCheck says what is wrong with an indicator of a type.
func teCheck(typ, value string) string {
	digits := map[string]int{"HASH_PDQ": 64, "HASH_MD5": 32, "HASH_VIDEO_MD5": 32, "HASH_SHA1": 40, "HASH_SHA256": 64, "HASH_VIDEO_SHA256": 64, "HASH_URL_MD5": 32}
	if n := digits[typ]; n > 0 {
		if !isHex(value, n) {
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
	var kinds []kind
	for k := range kindCount {
		if teNames[k] == typ {
			kinds = append(kinds, k)
		}
	}
	return s.te.lookup(typ+" "+value, value, kinds...)
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
	for _, e := range []struct {
		name string
		to   *int64
	}{{"expired_on", &o.expired}, {"first_active", &o.firstActive}, {"last_active", &o.lastActive}} {
		if v := form.Get(e.name); v != "" {
			at, ok := graphTimeOf(v)
			if !ok {
				return o, e.name + " must be a time of ISO 8601 or in seconds since 1970"
			}
			*e.to = at
		}
	}
	for _, name := range []string{"tags", "add_tags", "remove_tags"} {
		if name == "tags" && form.Has(name) {
			o.tags = nil
		}
		for tag := range strings.SplitSeq(form.Get(name), ",") {
			if tag = strings.ToLower(strings.TrimSpace(tag)); tag == "" { // "case insensitive"
				continue
			}
			if strings.ContainsFunc(tag, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_' && r != ':' }) {
				return o, "a tag has letters, numbers, underscores and colons"
			}
			if name == "remove_tags" {
				o.tags = slices.DeleteFunc(o.tags, func(x string) bool { return x == tag })
			} else {
				o.tags = append(o.tags, tag)
			}
		}
	}
	slices.Sort(o.tags)
	if o.tags = slices.Compact(o.tags); len(o.tags) == 0 {
		o.tags = nil
	}
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
func (s *Server) teEdit(q request, form url.Values) reply {
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
		if q.me == owner { // "react to threat descriptors owned by other apps"
			return teFail(http.StatusBadRequest, "reactions are for the descriptors of others")
		}
		next, message := o.react(q.me, form)
		if message != "" {
			return teFail(http.StatusBadRequest, message)
		}
		_, changed = s.tePut(item, true, t, next, q.now)
	} else {
		if q.me != owner {
			return teFail(http.StatusForbidden, "only its owner changes a descriptor")
		}
		next, message := o.with(form)
		if message != "" {
			return teFail(http.StatusBadRequest, message)
		}
		_, changed = s.tePut(item, true, t, next, q.now)
	}
	s.receive(q, "threatexchange", "edit", q.PathValue("id"), form, changed)
	return reply{status: http.StatusOK, kind: "application/json", body: []byte(`{"success":true}`)}
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
	s.mu.Lock()
	defer s.mu.Unlock()
	item, owner, ok := s.teFind(q.PathValue("id"))
	if !ok || owner != q.me {
		return teFail(http.StatusNotFound, "no such descriptor, or not of this app")
	}
	t := s.te.record(item)
	at, _ := t.of(q.me)
	t.descriptors = slices.Delete(t.sorted(), at, at+1)
	t.gone = len(t.shared()) == 0
	s.te.change(item, q.now, t)
	s.receive(q, "threatexchange", "delete", q.PathValue("id"), nil, true)
	return reply{status: http.StatusOK, kind: "application/json", body: []byte(`{"success":true}`)}
}
