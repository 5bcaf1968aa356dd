package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
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
	scope    string
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
	s.scope = scope(s.group, c, "tags", "types")
	secret := token[1] + "|" + token[2]
	s.client, err = newClient(c, "threatexchange", threatBase, func(r *http.Request) {
		q := r.URL.Query()
		q.Set("access_token", secret)
		r.URL.RawQuery = q.Encode()
	}, "access_token")
	if err != nil {
		return nil, err
	}
	s.noise = []string{"fields"}
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
	cp := threatCheckpoint{checkpointHead: checkpointHead{"threatexchange", 1, s.scope}}
	if err := readCheckpoint(at, cp.checkpointHead, &cp); err != nil {
		return nil, err
	}
	now := s.now()
	anew := cp.begin(at == nil, now, threatStale)
	if anew || cp.Cursor != "" && now.Sub(time.Unix(cp.CursorAt, 0)).Abs() > cursorLife {
		cp.drop()
	}
	p, err := s.read(ctx, &cp)
	if cp.Cursor != "" && lost(err) && cp.Lost < maxLost {
		cp.drop()
		cp.Lost++
		p, err = s.read(ctx, &cp)
	}
	if err != nil {
		if !skippable(err) {
			return nil, err
		}
		return s.skip(ctx, &cp, anew, err)
	}
	p.Anew = anew
	return p.until(&cp)
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
	path := s.group + "/threat_updates"
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
			p.Wait = a.wait
			newest = known(newest, clock(a.date, s.now()))
			if next == "" {
				cp.end(max(cp.Newest, newest))
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
	if cp.Left >= maxLeftOut {
		return nil, cause
	}
	cp.drop()
	from := cp.Since
	to, err := firstReadable(from+1, unix(s.now())+1, func(since int64) (int, error) {
		probe := threatCheckpoint{progress: progress{Since: since + 1}} // query goes back by one
		a, err := s.ask(ctx, request{path: s.group + "/threat_updates", query: s.query(&probe, 1)})
		if err != nil {
			return 0, err
		}
		p, _, _, err := parseThreatUpdates(a.page, a.body, s.tags)
		if err != nil {
			return 0, err
		}
		return p.size(), nil
	}, cause)
	if err != nil {
		return nil, err
	}
	p := cp.leaveOut(from, to+1, s.now(), cause)
	p.Anew = anew
	return p.until(cp)
}
