package exchange

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// StopNCII.org: hashes that people made of their own intimate pictures, on their own devices. Nobody has
// reviewed them, so that each is a seed until a platform says more. What is withdrawn has to go at once.
var stopNCII = Protocol{
	Name:  "stopncii",
	About: "StopNCII.org: intimate images, shared by those who are in them",
	Settings: []Setting{
		{"page", false, "records asked for at once; 800"},
	},
	Form: stopForm, Needed: true, Environment: "TX_STOPNCII_KEYS", File: ".tx_stopncii_keys",
	Writes: true,
	open:   func(c *Config) (Source, error) { return openStopNCII(c) },
}

const (
	stopForm  = "FUNCTION_KEY,SUBSCRIPTION_KEY[,SubmitFeedback=KEY][,SubmitHashes=KEY][,BASE_URL]"
	stopBase  = "https://api.stopncii.org/v1"
	stopStart = 10 // what the exchange calls the beginning of all time
	stopStale = 30 * 24 * time.Hour
	// stopTokenLife is how long a page's token is used: it is "not valid over long periods".
	stopTokenLife = time.Hour
)

// stopTypes are the types whose values this library compares.
var stopTypes = map[string]hash.Kind{"ImagePDQ": hash.PDQ, "VideoMD5": hash.MD5}

type stopSource struct {
	*client
	page  int
	scope string
	keys  map[string]Credentials // of functions
}

func openStopNCII(c *Config) (*stopSource, error) {
	s := &stopSource{keys: make(map[string]Credentials)}
	base, subscription := stopBase, ""
	for i, part := range words(c.Credentials.reveal()) {
		name, key, named := strings.Cut(part, "=")
		switch {
		case i == 0:
			s.keys["FetchHashes"] = NewCredentials(part)
		case i == 1:
			subscription = part
		case strings.Contains(part, "://"):
			base = part
			sum := sha256.Sum256([]byte(part)) // it is of the credentials, which are not kept
			s.scope = hex.EncodeToString(sum[:8])
		case named && (name == "SubmitFeedback" || name == "SubmitHashes"):
			s.keys[name] = NewCredentials(key)
		default:
			subscription = ""
		}
	}
	if subscription == "" {
		return nil, fmt.Errorf("exchange: stopncii: the credentials are not of the form %s: %w", stopForm, ErrCredentials)
	}
	var err error
	if s.page, err = pageSetting(c, "stopncii", 800, 5000); err != nil {
		return nil, err
	}
	s.client, err = newClient(c, "stopncii", base, func(r *http.Request) {
		function := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		r.Header.Set("x-functions-key", cmp.Or(s.keys[function], s.keys["FetchHashes"]).reveal())
		r.Header.Set("Ocp-Apim-Subscription-Key", subscription)
	})
	if err != nil {
		return nil, err
	}
	s.noise = []string{"nextPageToken"}
	return s, nil
}

// stopCheckpoint is how far the list was read. The order of its records is not documented, so that Since
// moves only at the end of a reading, to the time that the exchange gives for it.
type stopCheckpoint struct {
	checkpointHead
	progress
	Token   string `json:"token,omitempty"`
	TokenAt int64  `json:"token_at,omitempty"`
	Set     int64  `json:"set,omitempty"` // the earliest nextSetTimestamp of the running reading; 0: none yet
	Rounds  rounds `json:"rounds"`
}

func (s *stopSource) Next(ctx context.Context, at Checkpoint) (*Page, error) {
	cp := stopCheckpoint{checkpointHead: checkpointHead{"stopncii", 1, s.scope}}
	if err := readCheckpoint(at, cp.checkpointHead, &cp); err != nil {
		return nil, err
	}
	now := s.now()
	anew := cp.begin(at == nil, now, stopStale)
	if anew || cp.Token != "" && now.Sub(time.Unix(cp.TokenAt, 0)).Abs() > stopTokenLife {
		anew = cp.restart() || anew
	}
	p, err := s.read(ctx, &cp)
	if cp.Token != "" && lost(err) && cp.Lost < maxLost {
		cp.Lost++
		anew = cp.restart() || anew
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

// restart begins the running reading again, for its token is good no more. It reports whether that is
// from nothing.
func (cp *stopCheckpoint) restart() (anew bool) {
	cp.Token, cp.TokenAt, cp.Set, cp.Newest, cp.Rounds = "", 0, 0, 0, rounds{}
	return cp.Seen == 0 && cp.Since == 0
}

// read reads one page, in smaller ones if it can't be read, and moves cp on.
func (s *stopSource) read(ctx context.Context, cp *stopCheckpoint) (*Page, error) {
	return smaller(s.page, func(size int) (*Page, error) {
		for attempt := 1; ; attempt++ {
			a, err := s.ask(ctx, request{path: "FetchHashes", query: stopQuery(cp.Since, size, cp.Token)})
			if err != nil {
				return nil, err
			}
			p, head, err := parseStopNCII(a.page, a.body)
			if err != nil {
				return nil, err
			}
			p.Wait = a.wait
			set := head.next
			if cp.Set > 0 {
				set = min(set, cp.Set)
			}
			if !head.more {
				cp.end(min(set, clock(a.date, s.now())))
				cp.restart()
				p.Last = true
				return p, nil
			}
			if head.token != "" && head.token != cp.Token && !cp.Rounds.again(head.token) {
				cp.Token, cp.TokenAt, cp.Set, cp.Newest = head.token, unix(s.now()), set, max(cp.Newest, known(head.newest, clock(a.date, s.now())))
				return p, nil
			}
			if attempt == samePageAttempts {
				return nil, &PageError{Exchange: s.exchange, Page: a.page, Reason: "there is more, but no token that was not there before", Err: ErrStuck}
			}
		}
	})
}

func stopQuery(since int64, size int, token string) url.Values {
	q := url.Values{"startTimestamp": {strconv.FormatInt(max(since, stopStart), 10)}, "pageSize": {strconv.Itoa(size)}}
	if token != "" {
		q.Set("nextPageToken", token)
	}
	return q
}

// skip goes over a record that can't be read at any size, by its time. What was not read of the running
// reading before it is read again in a day.
func (s *stopSource) skip(ctx context.Context, cp *stopCheckpoint, anew bool, cause error) (*Page, error) {
	if cp.Left >= maxLeftOut {
		return nil, cause
	}
	from, seen := cp.Since, max(cp.Since, cp.Newest)
	to, err := firstReadable(seen+1, unix(s.now())+1, func(since int64) (int, error) {
		a, err := s.ask(ctx, request{path: "FetchHashes", query: stopQuery(since, 1, "")})
		if err != nil {
			return 0, err
		}
		p, _, err := parseStopNCII(a.page, a.body)
		if err != nil {
			return 0, err
		}
		return p.size(), nil
	}, cause)
	if err != nil {
		return nil, err
	}
	cp.restart()
	p := cp.leaveOut(from, to, s.now(), cause)
	p.Anew = anew
	return p.until(cp)
}

// stopRecord is a record of FetchHashes: all that holds now of one hash.
type stopRecord struct {
	LastMod     scalar            `json:"lastModtimestamp"`
	SignalType  scalar            `json:"signalType"`
	HashValue   scalar            `json:"hashValue"`
	HashStatus  scalar            `json:"hashStatus"`
	CaseNumbers map[string]scalar `json:"caseNumbers"`
	Regions     []scalar          `json:"hashRegions"`
	Feedbacks   []struct {
		Source scalar   `json:"source"`
		Value  scalar   `json:"feedbackValue"`
		Tags   []scalar `json:"tags"`
	} `json:"CSPFeedbacks"`
}

// stopHead is what a page says of the reading.
type stopHead struct {
	token  string
	more   bool
	next   int64 // seconds: the time to read on from, once everything is read
	newest int64 // seconds: of the records
}

func parseStopNCII(page string, body []byte) (*Page, stopHead, error) {
	const name = "stopncii"
	var head stopHead
	split, err := splitPage(name, page, body, "hashRecords")
	if err != nil {
		return nil, head, err
	}
	var token, more, next, count scalar
	for field, v := range map[string]*scalar{"nextPageToken": &token, "hasMoreRecords": &more, "nextSetTimestamp": &next, "count": &count} {
		if err := split.field(name, page, field, v); err != nil {
			return nil, head, err
		}
	}
	if !split.listed && (count != "0" || more.yes()) {
		return nil, head, unlisted(name, page, "hashRecords")
	}
	at, ok := next.time()
	if !ok && len(split.records) > 0 {
		return nil, head, &PageError{Exchange: name, Page: page, Reason: fmt.Sprintf("nextSetTimestamp is %.40q", string(next)), Err: ErrPage}
	}
	head.token, head.next = string(token), unix(at)
	head.more = more.yes() || more == "" && token != "" // in doubt it asks: what is not read to its end loses records
	b := newPage(name, page)
	seen := func(r *stopRecord) {
		if t, ok := r.LastMod.time(); ok {
			head.newest = max(head.newest, t.Unix())
		}
	}
	err = eachRecord(split, name, page, "hashValue", func(i int, r *stopRecord) {
		seen(r)
		r.add(b, i)
	}, func(i int, raw []byte, reason string) {
		var r stopRecord
		var cases json.RawMessage
		salvage(raw, map[string]any{"lastModtimestamp": &r.LastMod, "signalType": &r.SignalType, "hashValue": &r.HashValue, "hashStatus": &r.HashStatus, "caseNumbers": &cases})
		if json.Unmarshal(cases, &r.CaseNumbers) != nil {
			r.CaseNumbers = nil // some of them are not all of them
		}
		seen(&r)
		if r.SignalType != "" && r.HashValue != "" && r.withdrawn() {
			r.add(b, i)
		} else {
			b.aside(i, r.id(), "%s", reason)
		}
	})
	if err != nil {
		return nil, head, err
	}
	p, err := b.page()
	return p, head, err
}

// withdrawn reports whether the hash is to be forgotten: it says so, or every case that it is of does.
func (r *stopRecord) withdrawn() bool {
	over := func(status scalar) bool {
		return strings.EqualFold(string(status), "Withdrawn") || strings.EqualFold(string(status), "Deleted")
	}
	if over(r.HashStatus) {
		return true
	}
	for _, status := range r.CaseNumbers {
		if !over(status) {
			return false
		}
	}
	return len(r.CaseNumbers) > 0
}

// id is the record's ID; empty without a type or a hash.
func (r *stopRecord) id() string {
	if r.SignalType == "" || r.HashValue == "" {
		return ""
	}
	_, known := stopTypes[string(r.SignalType)]
	return valueID(string(r.SignalType), string(r.HashValue), known)
}

func (r *stopRecord) add(b *pageBuilder, position int) {
	id := r.id()
	if id == "" {
		b.aside(position, string(r.HashValue), "no signalType or no hashValue")
		return
	}
	if r.withdrawn() {
		b.remove(position, id)
		return
	}
	at, _ := r.LastMod.time()
	about := []string{tag("status", string(r.HashStatus))}
	for _, region := range r.Regions {
		about = append(about, tag("region", string(region)))
	}
	one := Record{ID: id, Origin: match.Origin{Exchange: "stopncii", Tags: tags(about...)}}
	if kind, known := stopTypes[string(r.SignalType)]; known {
		found, err := signal(kind, string(r.HashValue))
		if err != nil {
			b.aside(position, id, "%s", err)
			return
		}
		one.Signals = []match.Signal{found}
	} else {
		one.Later = []Foreign{{string(r.SignalType), string(r.HashValue)}}
	}
	// Somebody's case is behind each; who that is nobody tells.
	var all voices
	all.say(match.Opinion{By: "stopncii", Says: match.Seed, At: at})
	for _, f := range r.Feedbacks {
		o := match.Opinion{By: cmp.Or(string(f.Source), "unknown"), Says: match.Seed, At: at, Tags: []string{tag("feedback", string(f.Value))}}
		switch f.Value {
		case "Blocked":
			o.Says = match.Positive
		case "NotBlocked":
			o.Says = match.Negative
		}
		for _, t := range f.Tags {
			o.Tags = append(o.Tags, string(t))
		}
		all.say(o)
	}
	one.Opinions = all.opinions()
	b.put(position, one)
}
