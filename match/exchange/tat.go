package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// Tech Against Terrorism's list of the content in its archive (TCAP), version 2. Wire format:
// terrorismanalytics.org/docs/hash-list-v2. Its feedback is not built in: the form of what is to be sent
// is not in the public pages.
var techAgainstTerrorism = Protocol{
	Name:  "tat",
	About: "Tech Against Terrorism's hash list",
	Settings: []Setting{
		{"ideology", false, "all, islamist or far-right; all"},
	},
	Form: "USER:PASSWORD", Needed: true, Environment: "PYTX_TAT_CREDENTIALS", File: ".pytx_tat_credentials",
	open: func(c *Config) (Source, error) { return openTAT(c) },
}

const (
	tatBase  = "https://app.terrorismanalytics.org/"
	tatLogin = "token-auth/tcap/"
	tatList  = "api/hash-list/v2/"
	// tatPage is the size below which pages are asked for where they can't be read; the usual one is the exchange's own.
	tatPage = 1000
	// tatOwner is who says so: all of the list is verified by its own analysts.
	tatOwner = "tech-against-terrorism"
)

// tatTypes are the algorithms whose values this library compares, whatever the type of the file.
var tatTypes = map[string]hash.Kind{"PDQ": hash.PDQ, "MD5": hash.MD5, "SHA1": hash.SHA1, "SHA-1": hash.SHA1, "SHA256": hash.SHA256, "SHA-256": hash.SHA256}

type tatSource struct {
	*client
	credentials Credentials
	list        string
	token       Credentials // of the last login: good for five minutes, say the pages
}

func openTAT(c *Config) (*tatSource, error) {
	s := &tatSource{list: "all", credentials: c.Credentials}
	_, _, err := c.Credentials.pair("tat", "USER:PASSWORD")
	if err != nil {
		return nil, err
	}
	switch ideology := c.Settings["ideology"]; ideology {
	case "", "all":
	case "islamist", "far-right":
		s.list = ideology
	default:
		return nil, configError("tat", "the ideology is all, islamist or far-right, not %.40q", ideology)
	}
	s.client, err = newClient(c, "tat", tatBase, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.token.reveal()) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// tatCheckpoint is how far the list was read: the exchange's own cursor, "time,id" of the last record.
type tatCheckpoint struct {
	checkpointHead
	After  string `json:"after,omitempty"`
	Rounds rounds `json:"rounds"`
	Began  int64  `json:"began,omitempty"` // when the running reading did; 0: none runs
	// Hole and Tried are as in progress, but Hole is a cursor; "0" is the beginning.
	Hole  string `json:"hole,omitempty"`
	Tried int64  `json:"tried,omitempty"`
	Left  int    `json:"left,omitempty"`
}

func (s *tatSource) Next(ctx context.Context, at Checkpoint) (*Page, error) {
	cp := tatCheckpoint{checkpointHead: checkpointHead{"tat", 1, s.list}}
	if err := readCheckpoint(at, cp.checkpointHead, &cp); err != nil {
		return nil, err
	}
	now := s.now()
	if cp.Began == 0 {
		cp.Began = unix(now)
		if cp.Hole != "" && now.Sub(time.Unix(cp.Tried, 0)) > leftOutAgain {
			cp.After, cp.Hole, cp.Tried = cp.Hole, "", 0
		}
	}
	p, err := s.read(ctx, &cp)
	if skippable(err) {
		p, err = s.skip(ctx, &cp, err)
	}
	var refused *RequestError
	if errors.As(err, &refused) && refused.Err == ErrRefused && !errors.Is(err, ErrCredentials) && cp.After != "" {
		other := *refused // nobody says for how long a cursor is good; if that is not why, reading anew is refused as well
		other.Err = ErrStale
		err = &other
	}
	if err != nil {
		return nil, err
	}
	p.Anew = at == nil
	return p.until(&cp)
}

// askPage asks for a page, and logs in where it has to, once.
func (s *tatSource) askPage(ctx context.Context, after string, size int) (*answer, error) {
	q := url.Values{"order": {"asc"}}
	if after != "" {
		q.Set("after", after)
	}
	if size < tatPage {
		q.Set("limit", strconv.Itoa(size))
	}
	fresh := !s.token.Set()
	for {
		if !s.token.Set() {
			if err := s.login(ctx); err != nil {
				return nil, err
			}
		}
		a, err := s.ask(ctx, request{path: tatList + s.list, query: q})
		if !errors.Is(err, ErrCredentials) || fresh {
			return a, err
		}
		s.token, fresh = Credentials{}, true // it has run out, or never was good
	}
}

// login asks for a token. The reference client sends a form, the exchange's pages show an object; where the one is
// not taken the other is.
func (s *tatSource) login(ctx context.Context) error {
	user, password, err := s.credentials.pair("tat", "USER:PASSWORD")
	if err != nil {
		return err
	}
	object, err := json.Marshal(map[string]any{"username": user, "password": password, "resend": false})
	if err != nil {
		return fmt.Errorf("exchange: tat: %w", err)
	}
	form := url.Values{"username": {user}, "password": {password}, "resend": {"false"}}
	r := request{method: http.MethodPost, path: tatLogin, body: []byte(form.Encode()), media: formMedia, plain: true, limit: maxShort}
	a, err := s.ask(ctx, r)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrCredentials) {
		r.body, r.media = object, "application/json"
		a, err = s.ask(ctx, r)
	}
	if err != nil {
		if errors.Is(err, ErrRefused) {
			err = fmt.Errorf("%w: %w", err, ErrCredentials)
		}
		return err
	}
	var done struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(a.body, &done); err != nil || done.Token == "" || strings.ContainsAny(done.Token, "\r\n") {
		return &RequestError{Exchange: s.exchange, Request: a.page, Status: a.status, Reason: "no token in the answer to the login", Err: ErrCredentials}
	}
	s.token = NewCredentials(done.Token)
	return nil
}

// read reads one page, in smaller ones if it can't be read, and moves cp on.
func (s *tatSource) read(ctx context.Context, cp *tatCheckpoint) (*Page, error) {
	return smaller(tatPage, func(size int) (*Page, error) {
		for attempt := 1; ; attempt++ {
			a, err := s.askPage(ctx, cp.After, size)
			if err != nil {
				return nil, err
			}
			p, cursor, more, err := parseTAT(a.page, a.body)
			if err != nil {
				return nil, err
			}
			p.Wait = a.wait
			if !more {
				if cursor != "" {
					cp.After = cursor
				}
				cp.Rounds, cp.Began, cp.Left = rounds{}, 0, 0
				p.Last = true
				return p, nil
			}
			if cursor != "" && cursor != cp.After && !cp.Rounds.again(cursor) {
				cp.After = cursor
				return p, nil
			}
			if attempt == samePageAttempts {
				return nil, &PageError{Exchange: s.exchange, Page: a.page, Reason: "there is more, but no checkpoint that was not there before", Err: ErrStuck}
			}
		}
	})
}

// skip goes over a record that can't be read at any size, by its time, for the cursor begins with one.
func (s *tatSource) skip(ctx context.Context, cp *tatCheckpoint, cause error) (*Page, error) {
	if cp.Left >= maxLeftOut {
		return nil, cause
	}
	seconds, _, _ := strings.Cut(cp.After, ",")
	last, _ := scalar(seconds).time()
	from := unix(last)
	cursor := func(since int64) string { return fmt.Sprintf("%d,0", since) }
	to, err := firstReadable(from+1, unix(s.now())+1, func(since int64) (int, error) {
		a, err := s.askPage(ctx, cursor(since), 1)
		if err != nil {
			return 0, err
		}
		p, _, _, err := parseTAT(a.page, a.body)
		if err != nil {
			return 0, err
		}
		return p.size(), nil
	}, cause)
	if err != nil {
		return nil, err
	}
	if cp.Hole == "" {
		cp.Hole = cp.After
		if cp.Hole == "" {
			cp.Hole = "0,0"
		}
	}
	cp.After, cp.Tried, cp.Rounds = cursor(to), unix(s.now()), rounds{}
	cp.Left++
	return hole(max(from, 1), to, cause), nil
}

// tatRecord is a record of the list.
type tatRecord struct {
	ID        scalar `json:"id"`
	Digest    scalar `json:"hash_digest"`
	Algorithm scalar `json:"algorithm"`
	Ideology  scalar `json:"ideology"`
	FileType  scalar `json:"file_type"`
	Deleted   scalar `json:"deleted"`
	UpdatedOn scalar `json:"updated_on"`
}

// parseTAT reads a page. cursor is where the next one begins.
func parseTAT(page string, body []byte) (_ *Page, cursor string, more bool, err error) {
	const name = "tat"
	split, err := splitPage(name, page, body, "results")
	if err != nil {
		return nil, "", false, err
	}
	var next, checkpoint scalar
	if err := split.field(name, page, "next", &next); err != nil {
		return nil, "", false, err
	}
	if err := split.field(name, page, "checkpoint", &checkpoint); err != nil {
		return nil, "", false, err
	}
	if !split.listed {
		return nil, "", false, unlisted(name, page, "results")
	}
	b := newPage(name, page)
	err = eachRecord(split, name, page, "hash_digest", func(i int, r *tatRecord) { r.add(b, i) }, func(i int, raw []byte, reason string) {
		var r tatRecord
		salvage(raw, map[string]any{"id": &r.ID, "deleted": &r.Deleted})
		if r.ID != "" && r.Deleted.yes() {
			b.remove(i, string(r.ID))
		} else {
			b.aside(i, string(r.ID), "%s", reason)
		}
	})
	if err != nil {
		return nil, "", false, err
	}
	p, err := b.page()
	return p, string(checkpoint), next != "", err
}

func (r *tatRecord) add(b *pageBuilder, position int) {
	id := string(r.ID)
	switch {
	case id == "":
		b.aside(position, string(r.Digest), "no id")
		return
	case r.Deleted.yes():
		b.remove(position, id)
		return
	case r.Algorithm == "" || r.Digest == "":
		b.aside(position, id, "no algorithm or no hash_digest")
		return
	}
	one := Record{ID: id, Labels: tags(string(r.Ideology)),
		Origin: match.Origin{Exchange: "tat", Member: tatOwner, ID: id, Tags: tags(tag("file_type", string(r.FileType)), tag("ideology", string(r.Ideology)))}}
	at, _ := r.UpdatedOn.time()
	one.Opinions = []match.Opinion{{By: tatOwner, Says: match.Positive, At: at, Tags: tags(string(r.Ideology))}}
	if kind, known := tatTypes[strings.ToUpper(string(r.Algorithm))]; known {
		found, err := signal(kind, string(r.Digest))
		if err != nil {
			b.aside(position, id, "%s", err)
			return
		}
		one.Signals = []match.Signal{found}
	} else {
		one.Later = []Foreign{{string(r.Algorithm), string(r.Digest)}}
	}
	b.put(position, one)
}
