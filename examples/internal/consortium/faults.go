package consortium

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultNames are the faults there are. Those that need a page strike pages only.
//
//	429          too many requests, Retry-After in seconds
//	429-date     the same, Retry-After as a date
//	500, 503     the request is not looked at; 503 has a Retry-After
//	cut          the connection breaks in the middle of the body; a write has been done
//	slow         the body comes in pieces, over a while
//	expired      the credentials count as run out
//	skew         the answer's Date is off
//	bad-record   (page) one record more, which nobody can read
//	bad-page     (page) the page breaks off in the middle, as a complete answer
//	repeat-page  (page) the way on leads to this page again: with a probability of 1, forever
//	endless      (page) the body never ends
//	huge         (page) a page of HugeBytes with one value that long
//	bomb         (page) XML whose entities grow to gigabytes; JSON nested 100,000 deep
var FaultNames = []string{"429", "429-date", "500", "503", "cut", "slow", "expired", "skew",
	"bad-record", "bad-page", "repeat-page", "endless", "huge", "bomb"}

var pageFaults = []string{"bad-record", "bad-page", "repeat-page", "endless", "huge", "bomb"}

// A Fault is one that can strike: the next so many requests, or each with a probability.
type Fault struct {
	Name        string  `json:"name"`
	Protocol    string  `json:"protocol,omitempty"` // empty: every one
	Probability float64 `json:"probability,omitempty"`
	Next        int     `json:"next,omitempty"`
}

// ParseFaults reads a list of faults, separated by commas: name=0.05 for a probability,
// name*3 for the next three requests, and @protocol behind it for that protocol alone, as
// in "429=0.1,cut=0.05@ncmec,bad-page*1@tat".
func ParseFaults(text string) ([]Fault, error) {
	var list []Fault
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		var f Fault
		var err error
		rest := part
		rest, f.Protocol, _ = strings.Cut(rest, "@")
		if name, p, ok := strings.Cut(rest, "="); ok {
			f.Name = name
			f.Probability, err = strconv.ParseFloat(p, 64)
		} else if name, n, ok := strings.Cut(rest, "*"); ok {
			f.Name = name
			f.Next, err = strconv.Atoi(n)
		} else {
			f.Name, f.Next = rest, 1
		}
		switch {
		case !slices.Contains(FaultNames, f.Name):
			return nil, fmt.Errorf("consortium: fault %q: want one of %s", part, strings.Join(FaultNames, ", "))
		case err != nil, !(f.Probability >= 0 && f.Probability <= 1), f.Next < 0:
			return nil, fmt.Errorf("consortium: fault %q: want name=0.1 or name*3", part)
		case f.Protocol != "" && !slices.Contains(Protocols, f.Protocol):
			return nil, fmt.Errorf("consortium: fault %q: want a protocol of %s", part, strings.Join(Protocols, ", "))
		}
		list = append(list, f)
	}
	return list, nil
}

// faults are those that are set, and how many have struck.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	set    []Fault
	struck map[string]int
}

func newFaults(seed uint64, set []Fault) *faults {
	return &faults{random: rand.New(rand.NewPCG(seed, golden)), set: set, struck: map[string]int{}}
}

// draw says which fault strikes a request, if any: the first that is due, in the order set.
func (f *faults) draw(p protocol, page bool) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.set {
		x := &f.set[i]
		if x.Protocol != "" && x.Protocol != p.name || !page && slices.Contains(pageFaults, x.Name) || p.expired == nil && x.Name == "expired" {
			continue
		}
		hit := x.Next > 0
		if hit {
			x.Next--
		} else if x.Probability > 0 {
			hit = f.random.Float64() < x.Probability
		}
		if hit {
			name := x.Name
			if f.struck[name]++; x.Next == 0 && x.Probability == 0 {
				f.set = slices.Delete(f.set, i, i+1)
			}
			return name
		}
	}
	return ""
}

// Fault sets faults beside those that are set; see ParseFaults.
func (s *Server) Fault(text string) error {
	list, err := ParseFaults(text)
	if err != nil {
		return err
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.set = append(s.faults.set, list...)
	return nil
}

// ClearFaults takes all faults away; the counts stay.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.set = nil
}

// Faults are the faults that are set, and how often each has struck by name.
func (s *Server) Faults() (set []Fault, struck map[string]int) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return slices.Clone(s.faults.set), maps.Clone(s.faults.struck)
}

// answer runs a handler and its fault, and writes what comes of it. It returns the bytes
// that were written.
func (s *Server) answer(w http.ResponseWriter, q request, p protocol, h func(request) reply) (reply, int64) {
	var out reply
	seconds := int(s.o.RetryAfter / time.Second)
	switch q.fault {
	case "429", "429-date":
		out = p.fail(http.StatusTooManyRequests, "too many requests")
		after := strconv.Itoa(seconds)
		if q.fault == "429-date" {
			after = q.now.Add(s.o.RetryAfter).UTC().Format(http.TimeFormat)
		}
		out.header = map[string]string{"Retry-After": after}
	case "500":
		out = p.fail(http.StatusInternalServerError, "something went wrong")
	case "503":
		out = p.fail(http.StatusServiceUnavailable, "down for maintenance")
		out.header = map[string]string{"Retry-After": strconv.Itoa(seconds)}
	case "expired":
		out = p.expired()
	case "bomb":
		out = reply{status: http.StatusOK, body: p.bomb()}
		out.kind = p.endless.kind
	case "endless", "huge":
		return s.stream(w, q, p)
	default:
		out = h(q)
	}
	if q.fault == "bad-page" {
		out.body = out.body[:len(out.body)/2]
	}
	if q.fault == "cut" && len(out.body) == 0 {
		return out, 0 // of nothing there is no middle
	}
	date := q.now
	if q.fault == "skew" {
		date = date.Add(s.o.Skew)
	}
	w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
	for k, v := range out.header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", out.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
	w.WriteHeader(out.status)
	body, pieces := out.body, 1
	switch q.fault {
	case "cut":
		body = body[:len(body)/2]
	case "slow":
		pieces = 10
	}
	var written int64
	for size := len(body)/pieces + 1; len(body) > 0; {
		n, err := w.Write(body[:min(size, len(body))])
		written += int64(n)
		if body = body[n:]; err != nil {
			break
		}
		if q.fault == "slow" {
			if !flush(w) || !sleep(q, s.o.SlowFor/time.Duration(pieces)) {
				break
			}
		}
	}
	if q.fault == "cut" {
		flush(w)
	}
	return out, written
}

// stream writes a page that goes on until the client has enough, or a huge one.
func (s *Server) stream(w http.ResponseWriter, q request, p protocol) (reply, int64) {
	e := p.endless
	w.Header().Set("Content-Type", e.kind)
	out := reply{status: http.StatusOK, kind: e.kind}
	block := []byte(strings.Repeat(e.unit, 64<<10/len(e.unit)))
	if q.fault == "huge" {
		e.head += e.open
		block = []byte(strings.Repeat("0", 64<<10))
	}
	n, err := w.Write([]byte(e.head))
	written := int64(n)
	for err == nil && (q.fault == "endless" || written < s.o.HugeBytes) && q.Context().Err() == nil {
		n, err = w.Write(block)
		written += int64(n)
	}
	if err == nil && q.fault == "huge" {
		n, _ = w.Write([]byte(e.tail))
		written += int64(n)
	}
	return out, written
}

func flush(w http.ResponseWriter) bool { return http.NewResponseController(w).Flush() == nil }

func sleep(q request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-q.Context().Done():
		return false
	}
}

// deepJSON is nested 100,000 deep.
func deepJSON(name string) []byte {
	return []byte(`{"` + name + `":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}")
}
