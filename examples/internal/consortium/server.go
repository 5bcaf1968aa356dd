// Package consortium is a made-up hash-sharing consortium: an http.Handler that speaks
// four protocols over synthetic data, for tests and for trying to join before one has
// credentials.
//
//	/threatexchange/v21.0/...   Meta ThreatExchange (Graph API)
//	/ncmec/{environment}/v2/... NCMEC hash sharing v2
//	/stopncii/v1/...            StopNCII
//	/tat/...                    Tech Against Terrorism's TCAP
//	/admin/...                  what no consortium has: see admin.go
//
// The wire formats are written from what the organisations publish, and apart from every
// client. Where the documentation is silent or can be read in two ways, a comment that
// begins with "Reading:" says which way was taken.
package consortium

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Options shape a Server. The zero value serves 1000 records of seed 0 without faults.
type Options struct {
	Records int           // generated records of each list; 0: 1000, at most 10 million
	Seed    uint64        // of values, opinions and faults
	Span    time.Duration // from the oldest generated record to the newest; 0: 200 days

	// Known are values to serve beside the generated ones, in every protocol that has
	// their kind and in NCMEC's "industry": so that a scan of one's own media matches.
	Known []Known

	Faults     string        // see ParseFaults
	SlowFor    time.Duration // how long a slow answer takes; 0: 2 s
	Skew       time.Duration // how far the Date of a skewed answer is off; 0: 2 h
	HugeBytes  int64         // size of a huge page; 0: 1 GiB
	RetryAfter time.Duration // what a 429 and a 503 ask for, in whole seconds; 0: 1 s

	TokenLife  time.Duration // of TCAP's bearer tokens; 0: 5 minutes, as documented
	MaxBody    int64         // bytes of a request; 0: 1 MiB
	AdminToken string        // if not empty, /admin wants "Authorization: Bearer" with it

	Now func() time.Time // nil: time.Now
	Log func(Event)      // told of every answer; may be nil; called by many goroutines
}

// Known is a value given by the user. Kind is pdq, md5, sha1 or sha256.
type Known struct{ Kind, Value string }

// An Event is an answer that was given. Path has no query, which can hold credentials.
type Event struct {
	Time     time.Time     `json:"time"`
	Protocol string        `json:"protocol"`
	Member   int           `json:"member,omitempty"`
	Method   string        `json:"method"`
	Path     string        `json:"path"`
	Status   int           `json:"status"`
	Records  int           `json:"records,omitempty"`
	Bytes    int64         `json:"bytes"`
	Took     time.Duration `json:"took_ns"`
	Fault    string        `json:"fault,omitempty"`
}

// Server is the consortium. It is safe for concurrent use.
type Server struct {
	o      Options
	mux    *http.ServeMux
	faults *faults

	mu       sync.RWMutex // guards all below
	offset   time.Duration
	started  time.Time
	te       *board[teItem]
	ncmec    map[string]*board[ncItem] // by environment, made when first asked for
	ncii     *board[snItem]
	tat      *board[tatItem]
	received []Received
	churned  uint32
}

// New makes a Server. It costs about 16 bytes a record, and NCMEC's environments, each made
// when it is first asked for, four bytes a record more; a record that is changed or added
// costs some 400 bytes from then on.
func New(o Options) (*Server, error) {
	def(&o.Records, 1000)
	def(&o.Span, 200*24*time.Hour)
	def(&o.SlowFor, 2*time.Second)
	def(&o.Skew, 2*time.Hour)
	def(&o.HugeBytes, 1<<30)
	def(&o.RetryAfter, time.Second)
	def(&o.TokenLife, 5*time.Minute)
	def(&o.MaxBody, 1<<20)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Records < 1 || o.Records > 10_000_000 {
		return nil, errors.New("consortium: records must be 1 to 10000000")
	}
	set, err := ParseFaults(o.Faults)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, faults: newFaults(o.Seed, set), started: o.Now(), ncmec: map[string]*board[ncItem]{}}
	end := s.started.Add(-10 * time.Minute)
	d := data{o.Seed, uint32(o.Records)}
	s.te = newBoard(d, end, o.Span, func(i uint32) teItem { return teDerive(d, end, i) }, teItem.keys)
	s.ncii = newBoard(d, end, o.Span, func(i uint32) snItem { return snDerive(d, i) }, snItem.keys)
	s.tat = newBoard(d, end, o.Span, func(i uint32) tatItem { return tatDerive(d, i) }, tatItem.keys)
	s.environment(industry)
	for _, k := range o.Known {
		if _, err := s.Add("", k); err != nil {
			return nil, err
		}
	}
	s.mux = http.NewServeMux()
	s.routeThreatExchange()
	s.routeNCMEC()
	s.routeStopNCII()
	s.routeTAT()
	s.routeAdmin()
	return s, nil
}

func def[T comparable](v *T, d T) {
	if zero := *new(T); *v == zero {
		*v = d
	}
}

// Members are who takes part, with their credentials; the first is the one to try with.
func (s *Server) Members() []Member {
	var list []Member
	for i := range memberNames {
		list = append(list, memberOf(i+1))
	}
	return list
}

// Now is the consortium's time, which Advance moves.
func (s *Server) Now() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.now()
}

func (s *Server) now() time.Time { return s.o.Now().Add(s.offset) }

// Advance moves the consortium's clock, also back. Changes are stamped in rising order all
// the same.
func (s *Server) Advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += by
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// A reply is an answer before any fault.
type reply struct {
	status  int
	kind    string // Content-Type
	body    []byte
	header  map[string]string
	records int
	member  int
}

// A request is what a handler gets: the fault is one that it has to build in itself.
type request struct {
	*http.Request
	fault string
	now   time.Time
	me    int // the member who asks, where as lets in
}

// A protocol is what faults and errors need to know of one.
type protocol struct {
	name    string
	fail    func(status int, message string) reply
	expired func() reply  // the answer to credentials that have run out
	bomb    func() []byte // a small body that grows in a naive parser
	endless endless
}

// endless are the pieces of a page of any size: head and units without end, or head, open,
// one value of any length, tail.
type endless struct{ kind, head, unit, open, tail string }

// handle serves a pattern with a handler, through the faults. Page faults strike only
// where page is set.
func (s *Server) handle(pattern string, p protocol, page bool, h func(request) reply) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		r.Body = http.MaxBytesReader(w, r.Body, s.o.MaxBody)
		q := request{Request: r, fault: s.faults.draw(p, page), now: s.Now()}
		out, written := s.answer(w, q, p, h)
		if s.o.Log != nil {
			s.o.Log(Event{q.now, p.name, out.member, r.Method, r.URL.Path, out.status, out.records, written, time.Since(begun), q.fault})
		}
		if q.fault == "cut" {
			panic(http.ErrAbortHandler) // the documented way to drop a connection
		}
	})
}

// as lets members in who are known to auth, which has the answer to the others.
func as(auth func(request) (me int, bad reply), h func(request) reply) func(request) reply {
	return func(q request) reply {
		me, bad := auth(q)
		if me == 0 {
			return bad
		}
		q.me = me
		out := h(q)
		out.member = me
		return out
	}
}

// read reads a request's body of one of the media types, or says what is wrong with it.
func (q request) read(types ...string) ([]byte, int, string) {
	got, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	for _, want := range types {
		if err != nil || got != want {
			continue
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return nil, bodyStatus(err), "the body could not be read: " + err.Error()
		}
		return body, 0, ""
	}
	return nil, http.StatusBadRequest, "wrong Content-Type " + strconv.Quote(got) + ": want " + types[0]
}

func bodyStatus(err error) int {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// decode is json.Unmarshal that refuses fields it does not know.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}

func jsonReply(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		body = []byte(`{}`)
	}
	return reply{status: status, kind: "application/json", body: append(body, '\n')}
}

// number reads a whole number of a query, within bounds; absent it is the default.
func number(q url.Values, name string, otherwise, low, high int64) (int64, bool) {
	text := q.Get(name)
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= low && n <= high
}
