package consortium

import (
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Protocols are the names of the four, as faults, Truth and the others take them.
var Protocols = []string{"threatexchange", "ncmec", "stopncii", "tat"}

// A Record is one value as a list has it now. Kind, labels and opinions are in the
// protocol's own words, so that nothing is interpreted twice.
type Record struct {
	ID       string    `json:"id"` // an entry of NCMEC has as many records as fingerprints
	Kind     string    `json:"kind"`
	Value    string    `json:"value,omitempty"` // empty: too large for a page
	Held     bool      `json:"held"`            // false: deleted, retracted or withdrawn
	Labels   []string  `json:"labels,omitempty"`
	Opinions []string  `json:"opinions,omitempty"` // "member:opinion"
	Expires  int64     `json:"expires,omitempty"`  // seconds since 1970
	Updated  time.Time `json:"updated"`
}

// Truth is what a client that has read everything must have: of NCMEC, of an environment.
// What changes while it is read may or may not show.
func (s *Server) Truth(protocol, environment string) (iter.Seq[Record], error) {
	switch protocol {
	case "threatexchange":
		return truth(s, s.te, teRecords), nil
	case "stopncii":
		return truth(s, s.ncii, snRecords), nil
	case "tat":
		return truth(s, s.tat, tatRecords), nil
	case "ncmec":
		if environment == "" {
			environment = industry
		}
		if slices.Contains(Environments, environment) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return truth(s, s.environment(environment), ncRecords), nil
		}
	}
	return nil, fmt.Errorf("consortium: no list %q %q", protocol, environment)
}

// Values are the values of what a list holds, in lower case and in order; those that are too large
// for a page are left out.
func (s *Server) Values(protocol, environment string) (values []string, err error) {
	records, err := s.Truth(protocol, environment)
	if err != nil {
		return nil, err
	}
	for r := range records {
		if r.Held && r.Value != "" {
			values = append(values, strings.ToLower(r.Value))
		}
	}
	slices.Sort(values)
	return values, nil
}

func truth[T any](s *Server, b *board[T], records func(uint32, T) []Record) iter.Seq[Record] {
	const chunk = 1000 // writers get their turn
	return func(yield func(Record) bool) {
		var list []Record
		for item, end := uint32(0), uint32(chunk); end == item+chunk; end += chunk {
			list = list[:0]
			s.mu.RLock()
			for end = min(end, b.len()); item < end; item++ {
				for _, r := range records(item, b.record(item)) {
					r.Updated = time.UnixMicro(b.updated(item)).UTC()
					list = append(list, r)
				}
			}
			full := item < b.len()
			s.mu.RUnlock()
			for _, r := range list {
				if !yield(r) {
					return
				}
			}
			if !full {
				return
			}
		}
	}
}

func teRecords(item uint32, t teItem) []Record {
	r := Record{ID: strconv.FormatUint(teIndicatorBase+uint64(item), 10), Kind: t.typ, Value: t.value}
	if r.Held = !t.removed(); !r.Held {
		return []Record{r}
	}
	for _, o := range t.shared() {
		r.Opinions = append(r.Opinions, strconv.Itoa(o.member)+":"+o.status)
		for _, x := range o.reactions {
			r.Opinions = append(r.Opinions, strconv.Itoa(x.member)+":"+x.name)
		}
		r.Labels = append(r.Labels, o.tags...)
		r.Expires = max(r.Expires, o.expired)
	}
	slices.Sort(r.Labels)
	r.Labels = slices.Compact(r.Labels)
	return []Record{r}
}

func ncRecords(_ uint32, t ncItem) (list []Record) {
	r := Record{ID: strconv.Itoa(t.member) + "/" + t.id, Held: !t.deleted}
	if t.deleted {
		r.Kind = "deleted"
		return []Record{r}
	}
	r.Labels = []string{t.class}
	for _, p := range t.prints {
		r.Kind, r.Value, r.Opinions = p.typ, p.value, nil
		for _, v := range t.votes {
			if v.typ != p.typ {
				continue
			}
			opinion := strconv.Itoa(v.member) + ":affirmative"
			if len(v.reasons) > 0 {
				opinion = strconv.Itoa(v.member) + ":negative"
			}
			r.Opinions = append(r.Opinions, opinion)
		}
		list = append(list, r)
	}
	return list
}

func snRecords(_ uint32, t snItem) []Record {
	r := Record{ID: t.signal + " " + t.hash, Kind: t.signal, Value: t.hash, Held: t.held(), Labels: []string{t.status()}}
	for _, f := range t.feedback {
		r.Opinions = append(r.Opinions, strconv.Itoa(f.member)+":"+f.value)
	}
	return []Record{r}
}

func tatRecords(item uint32, t tatItem) []Record {
	return []Record{{ID: strconv.Itoa(int(item) + 1), Kind: t.algorithm, Value: t.digest, Held: !t.deleted, Labels: []string{t.ideology}}}
}

// A Received is what a member sent: a vote, feedback, a submission.
type Received struct {
	Time     time.Time `json:"time"`
	Protocol string    `json:"protocol"`
	Member   int       `json:"member"`
	Action   string    `json:"action"`
	Target   string    `json:"target"`
	Detail   any       `json:"detail,omitempty"`
	Changed  bool      `json:"changed"` // false: it said what had been said before
}

// maxReceived bounds what is kept; the oldest go first.
const maxReceived = 100_000

// receive notes what came. It wants the lock.
func (s *Server) receive(q request, protocol, action, target string, detail any, changed bool) {
	if form, ok := detail.(url.Values); ok {
		kept := url.Values{}
		for k, v := range form {
			if k != "access_token" {
				kept[k] = v
			}
		}
		detail = kept
	}
	if len(s.received) >= maxReceived {
		s.received = slices.Delete(s.received, 0, maxReceived/10)
	}
	s.received = append(s.received, Received{q.now.UTC(), protocol, q.me, action, target, detail, changed})
}

// Received are what members sent, the oldest first.
func (s *Server) Received() []Received {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.received)
}
