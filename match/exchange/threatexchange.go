package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// Meta's ThreatExchange, in which GIFCT's hash-sharing database travels as well. Wire format:
// developers.facebook.com/docs/threat-exchange, its pages on threat_updates, ThreatDescriptor, reacting and submitting.
var threatExchange = Protocol{
	Name:  "threatexchange",
	About: "Meta's ThreatExchange: the updates of a privacy group, such as GIFCT's",
	Settings: []Setting{
		{"group", true, "the ID of the privacy group, which has to have threat_updates enabled"},
		{"tags", false, "take only what has one of these tags, with commas between them; all"},
		{"types", false, "ask only for these indicator types, such as HASH_PDQ, with commas between them; all"},
		{"page", false, "records asked for at once; 100, for 500 were found to be slow"},
		{"description", false, "what submissions are described as; \"shared by rematch\""},
		{"share_level", false, "RED, AMBER, GREEN or WHITE, for submissions; AMBER"},
	},
	Form: "APP|SECRET", Needed: true, Environment: "TX_ACCESS_TOKEN", File: ".txtoken",
	Writes: true,
	open:   func(c *Config) (Source, error) { return openThreatExchange(c) },
}

const (
	threatBase = "https://graph.facebook.com/v21.0"
	// threatStale is how old a reading may be to go on from it. Deletions are told of for 90 days.
	threatStale = 85 * 24 * time.Hour
	// cursorLife is how long a paging address is used. Nobody promises more than this.
	cursorLife  = 12 * time.Hour
	threatShape = "id,indicator,type,last_updated,should_delete,descriptors{id,owner{id,name},status,severity,confidence,review_status,share_level,expired_on,tags,added_on,last_updated,reactions}"
)

// threatTypes are the indicator types whose values this library compares. A digest is of a file's bytes, whatever
// the file is, so that one type is as good as another.
var threatTypes = map[string]hash.Kind{
	"HASH_PDQ": hash.PDQ, "HASH_MD5": hash.MD5, "HASH_VIDEO_MD5": hash.MD5, "HASH_PHOTO_MD5": hash.MD5,
	"HASH_SHA1": hash.SHA1, "HASH_SHA256": hash.SHA256, "HASH_VIDEO_SHA256": hash.SHA256,
}

var (
	threatToken   = regexp.MustCompile(`^([0-9]{8,})(?:%7C|%7c|\|)([a-zA-Z0-9_-]{20,})$`)
	decimalDigits = regexp.MustCompile(`^[0-9]{1,24}$`)
)

// severities of ThreatExchange, the least first.
var severities = []string{"UNKNOWN", "INFO", "WARNING", "SUSPICIOUS", "SEVERE", "APOCALYPSE"}

type threatSource struct {
	*client
	app      string // our application's ID, which is our name there
	group    string
	page     int
	tags     []string
	settings map[string]string
}

func openThreatExchange(c *Config) (*threatSource, error) {
	token := threatToken.FindStringSubmatch(c.Credentials.reveal())
	if token == nil {
		return nil, fmt.Errorf("exchange: threatexchange: the credentials are not of the form APP|SECRET: %w", ErrCredentials)
	}
	s := &threatSource{app: token[1], group: c.Settings["group"], settings: c.Settings, tags: words(strings.ToLower(c.Settings["tags"]))}
	if !decimalDigits.MatchString(s.group) {
		return nil, configError("threatexchange", "the group %.40q is no number", s.group)
	}
	var err error
	if s.page, err = pageSetting(c, "threatexchange", 100, 1000); err != nil {
		return nil, err
	}
	level := strings.ToUpper(cmp.Or(c.Settings["share_level"], "AMBER"))
	if !slices.Contains([]string{"RED", "AMBER", "GREEN", "WHITE"}, level) {
		return nil, configError("threatexchange", "the share level is RED, AMBER, GREEN or WHITE")
	}
	secret := token[1] + "|" + token[2]
	s.client, err = newClient(c, "threatexchange", threatBase, func(r *http.Request) {
		q := r.URL.Query()
		q.Set("access_token", secret)
		r.URL.RawQuery = q.Encode()
	}, "access_token")
	if err != nil {
		return nil, err
	}
	s.judge = judgeGraph
	return s, nil
}

// pageSetting reads the setting of how many records a page has.
func pageSetting(c *Config, protocol string, usual, most int) (int, error) {
	text := c.Settings["page"]
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, configError(protocol, "a page has 1 to %d records, not %.20q", most, text)
	}
	return n, nil
}

// judgeGraph reads the Graph API's error codes, which tell more than its status. nil: nothing.
func judgeGraph(status int, body []byte) error {
	var failure struct {
		Error struct {
			Code    int `json:"code"`
			Subcode int `json:"error_subcode"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &failure) != nil {
		return nil
	}
	switch code := failure.Error.Code; {
	case code == 4, code == 17, code == 32, code == 613:
		return ErrRate
	case code == 190, code == 102, code == 10, code >= 200 && code <= 299:
		return ErrCredentials
	case code == 100 && failure.Error.Subcode == 33:
		return ErrNoSuchRecord
	case status < 500 && (code == 1 || code == 2):
		return ErrUnavailable
	}
	return nil
}

// threatCheckpoint is how far a group was read. Updates come in the order of their times.
type threatCheckpoint struct {
	checkpointHead
	progress
	Cursor   string `json:"cursor,omitempty"` // the next page's query, without credentials
	CursorAt int64  `json:"cursor_at,omitempty"`
	Rounds   rounds `json:"rounds"`
}

func (s *threatSource) Next(ctx context.Context, at Checkpoint) (*Page, error) {
	cp := threatCheckpoint{checkpointHead: checkpointHead{"threatexchange", 1, s.group}}
	if at != nil {
		if err := readCheckpoint(at, "threatexchange", s.group, &cp); err != nil {
			return nil, err
		}
	}
	now := s.now()
	anew := cp.begin(at == nil, now, threatStale)
	if anew || cp.Cursor != "" && now.Sub(time.Unix(cp.CursorAt, 0)).Abs() > cursorLife {
		cp.drop()
	}
	p, err := s.read(ctx, &cp)
	if err != nil && cp.Cursor != "" && (errors.Is(err, ErrRefused) || errors.Is(err, ErrStale)) {
		cp.drop() // the exchange knows it no more
		p, err = s.read(ctx, &cp)
	}
	if err != nil {
		if !skippable(err) {
			return nil, err
		}
		return s.skip(ctx, &cp, anew, err)
	}
	p.Anew = anew
	if p.After, err = writeCheckpoint(&cp); err != nil {
		return nil, err
	}
	return p, nil
}

// drop goes on from the last update that was seen, without a cursor.
func (cp *threatCheckpoint) drop() {
	cp.Since = max(cp.Since, cp.Newest)
	cp.Cursor, cp.CursorAt, cp.Rounds = "", 0, rounds{}
}

// query asks for a page from cp on.
func (s *threatSource) query(cp *threatCheckpoint, size int) url.Values {
	q := url.Values{"fields": {threatShape}, "limit": {strconv.Itoa(size)}}
	if t := words(s.settings["types"]); len(t) > 0 {
		q.Set("types", strings.Join(t, ","))
	}
	if cp.Cursor != "" {
		if next, err := url.ParseQuery(cp.Cursor); err == nil {
			next.Set("limit", strconv.Itoa(size))
			return next
		}
	}
	if cp.Since > 0 {
		// A second before it: whether the time itself is included is not documented.
		q.Set("start_time", strconv.FormatInt(cp.Since-1, 10))
	}
	return q
}

// read reads one page, in smaller ones if it can't be read, and moves cp on.
func (s *threatSource) read(ctx context.Context, cp *threatCheckpoint) (*Page, error) {
	path := s.group + "/threat_updates/"
	return smaller(s.page, func(size int) (*Page, error) {
		for attempt := 1; ; attempt++ {
			a, err := s.ask(ctx, request{path: path, query: s.query(cp, size)})
			if err != nil {
				return nil, err
			}
			p, next, newest, err := parseThreatUpdates(a.page, a.body, s.tags)
			if err != nil {
				return nil, err
			}
			if next == "" {
				cp.Newest = max(cp.Newest, newest)
				cp.end(cp.Newest, a.date, s.now())
				cp.Cursor, cp.CursorAt, cp.Rounds = "", 0, rounds{}
				p.Last = true
				return p, nil
			}
			q, err := s.nextQuery(next, path, a.page)
			if err != nil {
				return nil, err
			}
			if cursor := q.Encode(); cursor != cp.Cursor && !cp.Rounds.again(cursor) {
				cp.Newest = max(cp.Newest, newest)
				cp.Cursor, cp.CursorAt = cursor, unix(s.now())
				return p, nil
			}
			if attempt == samePageAttempts {
				return nil, &PageError{Exchange: s.exchange, Page: a.page, Reason: "the next page is one that was read", Err: ErrStuck}
			}
		}
	})
}

// skip goes over an update that can't be read at any size, by its time.
func (s *threatSource) skip(ctx context.Context, cp *threatCheckpoint, anew bool, cause error) (*Page, error) {
	cp.drop()
	from := cp.Since
	to, err := firstReadable(from+1, unix(s.now())+1, func(since int64) error {
		probe := threatCheckpoint{progress: progress{Since: since + 1}} // query goes back by one
		a, err := s.ask(ctx, request{path: s.group + "/threat_updates/", query: s.query(&probe, 1)})
		if err != nil {
			return err
		}
		_, _, _, err = parseThreatUpdates(a.page, a.body, s.tags)
		return err
	}, cause)
	if err != nil {
		return nil, err
	}
	p := cp.leaveOut(from, to+1, s.now(), cause)
	p.Anew = anew
	p.After, err = writeCheckpoint(cp)
	return p, err
}

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
		return nil, "", 0, &PageError{Exchange: name, Page: page, Reason: "no data", Err: ErrPage}
	}
	var paging struct {
		Next scalar `json:"next"`
	}
	if err := split.field(name, page, "paging", &paging); err != nil {
		return nil, "", 0, err
	}
	b := newPage(name, page)
	updates := make([]threatUpdate, len(split.records))
	failed := make(map[int]bool)
	err = split.each(name, page, "indicator", func(i int) any { return &updates[i] }, func(i int, reason string) {
		failed[i] = true
		b.aside(i, string(updates[i].ID), "%s", reason)
	})
	if err != nil {
		return nil, "", 0, err
	}
	for i := range updates {
		u := &updates[i]
		if failed[i] {
			continue
		}
		if t, ok := u.LastUpdated.time(); ok {
			newest = max(newest, t.Unix())
		}
		u.add(b, i, wanted)
	}
	return b.page(nil), string(paging.Next), newest, nil
}

// add reads one update into a page.
func (u *threatUpdate) add(b *pageBuilder, position int, wanted []string) {
	id := string(u.ID)
	if id == "" {
		b.aside(position, "", "no id")
		return
	}
	// A record without descriptors has nobody's opinion left that we may see (facebook/ThreatExchange issue 834).
	if u.ShouldDelete == "true" || u.ShouldDelete == "1" || u.Descriptors == nil || len(u.Descriptors.Data) == 0 {
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
		r.Opinions = addOpinion(r.Opinions, o)
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
	u.react(r)
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
func (u *threatUpdate) react(r *Record) {
	explicit := make(map[string]bool, len(r.Opinions))
	for _, o := range r.Opinions {
		explicit[o.By] = true
	}
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
		if !explicit[by] {
			said := reactionOrder[best[by]]
			r.Opinions = append(r.Opinions, match.Opinion{By: by, Says: said.says, Tags: []string{tag("reaction", said.key)}})
		}
	}
}
