package consortium

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ncFeedback writes the votes on an entry, by fingerprint.
//
// Reading: affirmativeFeedback has members; negativeFeedback has reasons, and each reason
// the members who gave it. What is known of it does not say which nests in which.
func ncFeedback(out *bytes.Buffer, votes []vote) {
	if len(votes) == 0 {
		return
	}
	out.WriteString("<feedback>")
	for len(votes) > 0 {
		typ := votes[0].typ
		end := slices.IndexFunc(votes, func(v vote) bool { return v.typ != typ })
		if end < 0 {
			end = len(votes)
		}
		ncFeedbackOf(out, typ, votes[:end])
		votes = votes[end:]
	}
	out.WriteString("</feedback>")
}

func ncFeedbackOf(out *bytes.Buffer, typ string, votes []vote) {
	var yes []int
	no := map[string][]int{}
	for _, v := range votes {
		if len(v.reasons) == 0 {
			yes = append(yes, v.member)
		}
		for _, r := range v.reasons {
			no[r] = append(no[r], v.member)
		}
	}
	members := func(list []int) {
		out.WriteString("<members>")
		for _, m := range list {
			ncMember(out, m)
		}
		out.WriteString("</members>")
	}
	if len(yes) > 0 {
		out.WriteString(`<affirmativeFeedback type="` + typ + `">`)
		members(yes)
		out.WriteString("</affirmativeFeedback>")
	}
	if len(no) > 0 {
		out.WriteString(`<negativeFeedback type="` + typ + `"><reasons>`)
		for _, r := range ncReasons {
			if len(no[r]) > 0 {
				out.WriteString(`<reason guid="` + guid(r) + `" name="` + r + `">`)
				members(no[r])
				out.WriteString("</reason>")
			}
		}
		out.WriteString("</reasons></negativeFeedback>")
	}
}

// ncReasonList is GET /v2/feedback/{type}/reasons. Reading: the shape of
// availableCategorizations, which is documented, is taken over.
func (s *Server) ncReasonList(q request) reply {
	if ncElement(q.PathValue("type")) == "" {
		return ncFail(http.StatusNotFound, "no such type of fingerprint")
	}
	return ncReply(http.StatusOK, "availableFeedbackReasons", 0, func(out *bytes.Buffer) {
		for _, r := range ncReasons {
			out.WriteString(`<reason guid="` + guid(r) + `" name="` + r + `"/>`)
		}
	})
}

// submission is the body of a vote. Whatever is not in the schema ends in one of the Rest.
type submission struct {
	XMLName     xml.Name
	Affirmative []struct {
		nothingElse
	} `xml:"https://hashsharing.ncmec.org/hashsharing/v2 affirmative"`
	Negative []struct {
		IDs []struct {
			GUID []string `xml:"https://hashsharing.ncmec.org/hashsharing/v2 guid"`
			nothingElse
		} `xml:"https://hashsharing.ncmec.org/hashsharing/v2 reasonIds"`
		nothingElse
	} `xml:"https://hashsharing.ncmec.org/hashsharing/v2 negative"`
	nothingElse
}

type nothingElse struct {
	Rest []struct{ XMLName xml.Name } `xml:",any"`
	Text string                       `xml:",chardata"`
}

func (n nothingElse) broken() bool { return len(n.Rest) > 0 || strings.TrimSpace(n.Text) != "" }

// parseVote reads a feedbackSubmission: the names of its reasons, none if it is
// affirmative, or what is wrong with it.
func parseVote(body []byte) (reasons []string, wrong string) {
	var v submission
	d := xml.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&v); err != nil {
		return nil, "not well-formed: " + err.Error()
	}
	if t, err := d.Token(); err == nil {
		if c, ok := t.(xml.CharData); !ok || strings.TrimSpace(string(c)) != "" {
			return nil, "something follows the document"
		}
	}
	switch {
	case v.XMLName != xml.Name{Space: ncNamespace, Local: "feedbackSubmission"}:
		return nil, "the root must be feedbackSubmission of namespace " + ncNamespace
	case v.broken():
		return nil, "feedbackSubmission has something that is not in the schema"
	case len(v.Affirmative)+len(v.Negative) != 1:
		return nil, "feedbackSubmission must have either affirmative or negative"
	case len(v.Affirmative) == 1:
		if v.Affirmative[0].broken() {
			return nil, "affirmative must be empty"
		}
		return nil, ""
	}
	no := v.Negative[0]
	if no.broken() || len(no.IDs) != 1 || no.IDs[0].broken() || len(no.IDs[0].GUID) == 0 {
		return nil, "negative must have reasonIds with at least one guid, and nothing else"
	}
	for _, id := range no.IDs[0].GUID {
		at := slices.IndexFunc(ncReasons, func(r string) bool { return guid(r) == strings.ToLower(strings.TrimSpace(id)) })
		if at < 0 {
			return nil, "no such reason: " + strconv.Quote(id)
		}
		reasons = append(reasons, ncReasons[at])
	}
	slices.Sort(reasons)
	return slices.Compact(reasons), ""
}

// ncVote is PUT /v2/entries/{member}/{entry}/{type}/feedback: it takes the place of the
// member's earlier vote on that fingerprint.
//
// Reading: the answer to success is 200 without a body; feedback is "on other's entries",
// so that one's own get 403; an entry or a fingerprint that is not there gets 404.
func (s *Server) ncVote(q request) reply {
	typ := ncElement(q.PathValue("type"))
	if typ == "" {
		return ncFail(http.StatusBadRequest, "no such type of fingerprint")
	}
	body, status, message := q.read("application/xml", "text/xml")
	if message != "" {
		return ncFail(status, message)
	}
	reasons, message := parseVote(body)
	if message != "" {
		return ncFail(http.StatusBadRequest, message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := q.PathValue("environment")
	b := s.environment(name)
	item, ok := ncFind(b, q.PathValue("member"), q.PathValue("id"))
	if !ok {
		return ncFail(http.StatusNotFound, "no such entry")
	}
	t := b.record(item)
	switch {
	case t.deleted || !slices.ContainsFunc(t.prints, func(p print) bool { return p.typ == typ }):
		return ncFail(http.StatusNotFound, "the entry was retracted or has no such fingerprint")
	case t.member == q.me:
		return ncFail(http.StatusForbidden, "feedback is for the entries of others")
	}
	same := func(v vote) bool { return v.typ == typ && v.member == q.me }
	at := slices.IndexFunc(t.votes, same)
	changed := at < 0 || !slices.Equal(t.votes[at].reasons, reasons)
	if changed {
		t.votes = append(slices.DeleteFunc(slices.Clone(t.votes), same), vote{typ, q.me, reasons, q.now.Unix()})
		slices.SortStableFunc(t.votes, func(a, b vote) int { return cmp.Or(strings.Compare(a.typ, b.typ), cmp.Compare(a.member, b.member)) })
		b.change(item, q.now, t)
	}
	s.receive(q, "ncmec", "vote", name+" "+strconv.Itoa(t.member)+"/"+t.id+" "+q.PathValue("type"), reasons, changed)
	return reply{status: http.StatusOK, kind: "application/xml"}
}

// ncFind finds an entry of a member by its id. It wants the lock.
func ncFind(b *board[ncItem], member, id string) (uint32, bool) {
	key := member + "/" + id
	item, ok := b.keys[key]
	if !ok && len(id) > 5 { // "image17"
		n, err := strconv.ParseUint(id[5:], 10, 32)
		item, ok = uint32(n), err == nil && n < uint64(b.n)
	}
	return item, ok && b.record(item).keys()[0] == key
}
