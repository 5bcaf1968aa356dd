package exchange

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/match"
)

// threatUpdate is a record of /threat_updates, with what members say of it.
type threatUpdate struct {
	ID           scalar `json:"id"`
	Indicator    scalar `json:"indicator"`
	Type         scalar `json:"type"`
	LastUpdated  scalar `json:"last_updated"`
	ShouldDelete scalar `json:"should_delete"`
	Descriptors  *struct {
		Data []threatDescriptor `json:"data"`
	} `json:"descriptors"`
}

type threatDescriptor struct {
	ID    scalar `json:"id"`
	Owner struct {
		ID   scalar `json:"id"`
		Name scalar `json:"name"`
	} `json:"owner"`
	Status       scalar     `json:"status"`
	Severity     scalar     `json:"severity"`
	Confidence   scalar     `json:"confidence"`
	ReviewStatus scalar     `json:"review_status"`
	ShareLevel   scalar     `json:"share_level"`
	ExpiredOn    scalar     `json:"expired_on"`
	AddedOn      scalar     `json:"added_on"`
	LastUpdated  scalar     `json:"last_updated"`
	Tags         threatTags `json:"tags"`
	Reactions    []struct {
		Key   scalar `json:"key"`
		Value scalar `json:"value"` // applications' IDs, with commas between them
	} `json:"reactions"`
}

// threatTags are texts, or {"data": [{"text": ...}]}.
type threatTags []string

func (t *threatTags) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		var edge struct {
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(b, &edge); err != nil || edge.Data == nil {
			return err
		}
		b = edge.Data
	}
	if b[0] == '[' && !slices.Contains(b, '{') {
		return json.Unmarshal(b, (*[]string)(t))
	}
	var all []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, one := range all {
		*t = append(*t, one.Text)
	}
	return nil
}

// parseThreatUpdates reads a page. next is the next one's address, empty on the last; newest the time of
// the newest update, in seconds.
func parseThreatUpdates(page string, body []byte, wanted []string) (_ *Page, next string, newest int64, err error) {
	const name = "threatexchange"
	split, err := splitPage(name, page, body, "data")
	if err != nil {
		return nil, "", 0, err
	}
	if !split.listed {
		return nil, "", 0, unlisted(name, page, "data")
	}
	var paging struct {
		Next scalar `json:"next"`
	}
	if err := split.field(name, page, "paging", &paging); err != nil {
		return nil, "", 0, err
	}
	b := newPage(name, page)
	seen := func(u *threatUpdate) {
		if t, ok := u.LastUpdated.time(); ok {
			newest = max(newest, t.Unix())
		}
	}
	err = eachRecord(split, name, page, "indicator", func(i int, u *threatUpdate) {
		seen(u)
		u.add(b, i, wanted)
	}, func(i int, raw []byte, reason string) {
		var u threatUpdate
		salvage(raw, map[string]any{"id": &u.ID, "should_delete": &u.ShouldDelete, "last_updated": &u.LastUpdated})
		seen(&u)
		if u.ID != "" && u.ShouldDelete.yes() {
			b.remove(i, string(u.ID))
		} else {
			b.aside(i, string(u.ID), "%s", reason)
		}
	})
	if err != nil {
		return nil, "", 0, err
	}
	p, err := b.page()
	return p, string(paging.Next), newest, err
}

// add reads one update into a page.
func (u *threatUpdate) add(b *pageBuilder, position int, wanted []string) {
	id := string(u.ID)
	if id == "" {
		b.aside(position, "", "no id")
		return
	}
	// A record without descriptors has nobody's opinion left that we may see (facebook/ThreatExchange issue 834).
	if u.ShouldDelete.yes() || u.Descriptors == nil || len(u.Descriptors.Data) == 0 {
		b.remove(position, id)
		return
	}
	r := Record{ID: id, Origin: match.Origin{Exchange: "threatexchange", ID: id}}
	u.say(&r)
	if len(wanted) > 0 && !slices.ContainsFunc(r.Labels, func(l string) bool { return slices.Contains(wanted, strings.ToLower(l)) }) {
		b.remove(position, id) // it may have had one of the tags
		return
	}
	kind, known := threatTypes[string(u.Type)]
	switch {
	case u.Type == "" || u.Indicator == "":
		b.aside(position, id, "no type or no indicator")
		return
	case !known:
		r.Later = []Foreign{{string(u.Type), string(u.Indicator)}}
	default:
		one, err := signal(kind, string(u.Indicator))
		if err != nil {
			b.aside(position, id, "%s", err)
			return
		}
		r.Signals = []match.Signal{one}
	}
	b.put(position, r)
}

// say reads the descriptors: one opinion a member. What a member says in a descriptor of its own
// counts before its reactions to others'.
func (u *threatUpdate) say(r *Record) {
	var all voices
	severity, confidence := -1, -1
	expires, forever := time.Time{}, false
	for i := range u.Descriptors.Data {
		d := &u.Descriptors.Data[i]
		by := cmp.Or(string(d.Owner.ID), "unknown") // at times the exchange shows a descriptor without its owner
		o := match.Opinion{By: by, Says: threatStance(string(d.Status)), Tags: append([]string{
			tag("status", string(d.Status)), tag("severity", string(d.Severity)), tag("confidence", string(d.Confidence)),
			tag("review_status", string(d.ReviewStatus)), tag("share_level", string(d.ShareLevel)), tag("descriptor", string(d.ID))}, d.Tags...)}
		if at, ok := d.LastUpdated.time(); ok {
			o.At = at
		} else if at, ok := d.AddedOn.time(); ok {
			o.At = at
		}
		all.say(o)
		r.Labels = append(r.Labels, d.Tags...)
		severity = max(severity, slices.Index(severities, string(d.Severity)))
		if n, err := strconv.Atoi(string(d.Confidence)); err == nil {
			confidence = max(confidence, n)
		}
		switch at, ok := d.ExpiredOn.time(); {
		case !ok || at.Unix() == 0:
			forever = true
		case at.After(expires):
			expires = at
		}
		if r.Origin.Member == "" {
			r.Origin.Member = by
			r.Origin.Tags = append(r.Origin.Tags, tag("member", string(d.Owner.Name)))
		}
	}
	if !forever {
		r.Expires = expires
	}
	if severity >= 0 {
		r.Origin.Severity = severities[severity]
	}
	if confidence >= 0 {
		r.Origin.Tags = append(r.Origin.Tags, tag("confidence", strconv.Itoa(confidence)))
	}
	r.Labels = tags(r.Labels...)
	for _, l := range r.Labels {
		if strings.HasPrefix(l, "group:") || strings.HasPrefix(l, "source:") {
			r.Origin.Tags = append(r.Origin.Tags, l)
		}
	}
	r.Origin.Tags = tags(r.Origin.Tags...)
	u.react(&all)
	r.Opinions = all.opinions()
}

func threatStance(status string) match.Stance {
	switch status {
	case "MALICIOUS":
		return match.Positive
	case "NON_MALICIOUS":
		return match.Negative
	}
	return match.Seed // UNKNOWN, SUSPICIOUS
}

// reactionOrder lists the reactions that are judgements, the one that counts most first. The others, such as
// SAW_THIS_TOO or INGESTED, judge nothing. DISAGREE_WITH_TAGS of a member without a descriptor of its own is as
// NON_MALICIOUS, says the page on reacting.
var reactionOrder = []struct {
	key  string
	says match.Stance
}{
	{"NON_MALICIOUS", match.Negative},
	{"HELPFUL", match.Positive},
	{"DISAGREE_WITH_TAGS", match.Negative},
	{"NOT_HELPFUL", match.Negative},
}

// react adds the opinions of those who only reacted.
func (u *threatUpdate) react(all *voices) {
	var order []string
	best := make(map[string]int)
	for i := range u.Descriptors.Data {
		for _, reaction := range u.Descriptors.Data[i].Reactions {
			for j := range reactionOrder {
				if reactionOrder[j].key != string(reaction.Key) {
					continue
				}
				for _, by := range words(string(reaction.Value)) {
					if at, said := best[by]; !said {
						order = append(order, by)
						best[by] = j
					} else {
						best[by] = min(at, j)
					}
				}
			}
		}
	}
	for _, by := range order {
		if all.of(by) == nil {
			said := reactionOrder[best[by]]
			all.say(match.Opinion{By: by, Says: said.says, Tags: []string{tag("reaction", said.key)}})
		}
	}
}
