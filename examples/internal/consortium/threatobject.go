package consortium

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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
	return strconv.FormatUint(teTagBase+fold(golden, text)%1_000_000_000_000, 10)
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
		item, member = uint32((n-teDescriptorBase)/16), int((n-teDescriptorBase)%16)
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

// teLook finds the object that is asked for.
func (s *Server) teLook(q request) (item uint32, member int, t teItem, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if item, member, ok = s.teFind(q.PathValue("id")); ok {
		t = s.te.record(item)
	}
	return item, member, t, ok && !t.gone
}

// teGet is a descriptor or an indicator by its id.
func (s *Server) teGet(q request) reply {
	item, member, t, ok := s.teLook(q)
	if !ok {
		return teFail(http.StatusNotFound, "no such object, or not visible to this app")
	}
	level := ""
	if member != 0 {
		level = "descriptor"
	}
	want, message := teWant(q.URL.Query(), level, "id,indicator,type")
	if message != "" {
		return teFail(http.StatusBadRequest, message)
	}
	out := page{}
	if member == 0 {
		delete(want, "should_delete")
		teIndicator(&out, want, item, 0, t, q.me)
	} else {
		at, _ := t.of(member)
		teDescriptor(&out, want, item, t, t.sorted()[at], q.me)
	}
	return reply{status: http.StatusOK, kind: "application/json", body: out}
}

// teEdge is /<indicator>/descriptors, the opinions of it that can be seen. There are never so many
// that it would take a second page.
func (s *Server) teEdge(q request) reply {
	item, member, t, ok := s.teLook(q)
	if !ok {
		return teFail(http.StatusNotFound, "no such object, or not visible to this app")
	}
	want, message := teWant(q.URL.Query(), "descriptor", "id,indicator,owner,type,raw_indicator,description,status")
	if message == "" && member != 0 {
		message = "Tried accessing nonexisting field (descriptors)"
	}
	if message != "" {
		return teFail(http.StatusBadRequest, message)
	}
	out := page{}
	teDescriptors(&out, want, item, t, q.me)
	return reply{status: http.StatusOK, kind: "application/json", body: out}
}

func (s *Server) teMembers(request) reply {
	var list []map[string]string
	for _, m := range s.Members() {
		list = append(list, map[string]string{"id": appID(m.Number), "name": m.Name})
	}
	return jsonReply(http.StatusOK, map[string]any{"data": list})
}

func (s *Server) teGroups(q request) reply {
	if q.PathValue("app") != appID(q.me) {
		return teFail(http.StatusForbidden, "this app's groups only")
	}
	group := func(id, name string, updates bool) map[string]any {
		return map[string]any{"id": id, "name": name, "description": "synthetic", "members_can_see": true, "members_can_use": true,
			"added_on": s.started.UTC().Format(graphTime), "last_updated": s.started.UTC().Format(graphTime), "threat_updates_enabled": updates}
	}
	return jsonReply(http.StatusOK, map[string]any{"data": []any{group(PrivacyGroup, "Fake consortium", true), group(OtherGroup, "Without updates", false)}})
}
