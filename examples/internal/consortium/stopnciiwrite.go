package consortium

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// snBody is what members send: hashes with their feedback, or feedback alone.
type snBody struct {
	Count       *int `json:"count"`
	HashRecords []struct {
		LastMod   *int64   `json:"lastModtimestamp"`
		Signal    string   `json:"signalType"`
		Hash      string   `json:"hashValue"`
		Feedbacks []snSent `json:"CSPFeedbacks"`
	} `json:"hashRecords"`
	HashFeedbacks []snSent `json:"hashFeedbacks"`
}

type snSent struct {
	Hash  string   `json:"hashValue"`
	Value string   `json:"feedbackValue"`
	Tags  []string `json:"tags"`
}

// snBody reads a body; n is how many it must say it has.
func (q request) snBody(n func(snBody) int) (b snBody, status int, message string) {
	body, status, message := q.read("application/json")
	if message != "" {
		return b, status, message
	}
	if err := decode(body, &b); err != nil {
		return b, http.StatusBadRequest, "not the JSON of this endpoint: " + err.Error()
	}
	if b.Count == nil || *b.Count != n(b) || n(b) == 0 {
		return b, http.StatusBadRequest, "count must be the number of records, at least one"
	}
	return b, 0, ""
}

// snSubmit is POST SubmitHashes. Reading: all or nothing; a hash that is known gets the
// feedback; one that was withdrawn stays withdrawn; new ones have no case, so that their
// status is Active until the members who gave them say otherwise.
func (s *Server) snSubmit(q request) reply {
	b, status, message := q.snBody(func(b snBody) int { return len(b.HashRecords) })
	if message != "" {
		return snFail(status, message)
	}
	for i, r := range b.HashRecords {
		if wrong := snCheck(r.Signal, r.Hash); wrong != "" {
			return snFail(http.StatusBadRequest, fmt.Sprintf("record %d: %s", i, wrong))
		}
		if r.LastMod == nil || *r.LastMod < 0 {
			return snFail(http.StatusBadRequest, fmt.Sprintf("record %d: lastModtimestamp is missing", i))
		}
		for _, f := range r.Feedbacks {
			if !slices.Contains(snValues, f.Value) {
				return snFail(http.StatusBadRequest, fmt.Sprintf("record %d: feedbackValue must be one of %s", i, strings.Join(snValues, ", ")))
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range b.HashRecords {
		item, exists := s.ncii.lookup(r.Signal+" "+r.Hash, r.Hash, snKinds[r.Signal])
		t := snItem{signal: r.Signal, hash: r.Hash, cases: []snCase{{"member-" + strconv.Itoa(q.me), "Active"}}}
		if exists {
			t = s.ncii.record(item)
		}
		changed := !exists
		for _, f := range r.Feedbacks {
			var more bool
			t, more = t.with(snFeedback{q.me, f.Value, f.Tags})
			changed = changed || more
		}
		switch {
		case !exists:
			s.ncii.add(q.now, t)
		case changed:
			s.ncii.change(item, q.now, t)
		}
		s.receive(q, "stopncii", "submit", r.Signal+" "+r.Hash, r.Feedbacks, changed)
	}
	return jsonReply(http.StatusOK, map[string]int{"count": len(b.HashRecords)})
}

// snCheck says what is wrong with a hash of a signal type.
func snCheck(signal, value string) string {
	if !slices.Contains(snSignals, signal) {
		return "signalType must be one of " + strings.Join(snSignals, ", ")
	}
	digits := map[string]int{"ImagePDQ": 64, "VideoMD5": 32}[signal]
	if digits > 0 && !isHex(value, digits) {
		return fmt.Sprintf("a hashValue of %s has %d hexadecimal digits", signal, digits)
	}
	if value == "" {
		return "hashValue is missing"
	}
	return ""
}

// with is the record with a member's feedback in the place of that before; false if it
// says the same.
func (t snItem) with(f snFeedback) (snItem, bool) {
	if len(f.tags) == 0 {
		f.tags = nil
	}
	at, had := slices.BinarySearchFunc(t.feedback, f.member, func(x snFeedback, m int) int { return cmp.Compare(x.member, m) })
	if had && reflect.DeepEqual(t.feedback[at], f) {
		return t, false
	}
	t.feedback = slices.Clone(t.feedback)
	if had {
		t.feedback[at] = f
	} else {
		t.feedback = slices.Insert(t.feedback, at, f)
	}
	return t, true
}

// snSubmitFeedback is POST SubmitFeedback. Reading: it names no signal type, so that the first
// record of the hash, in the order of snSignals, gets it; all or nothing; an unknown one is 400.
func (s *Server) snSubmitFeedback(q request) reply {
	b, status, message := q.snBody(func(b snBody) int { return len(b.HashFeedbacks) })
	if message != "" {
		return snFail(status, message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []uint32
	for i, f := range b.HashFeedbacks {
		if !slices.Contains(snValues, f.Value) {
			return snFail(http.StatusBadRequest, fmt.Sprintf("feedback %d: feedbackValue must be one of %s", i, strings.Join(snValues, ", ")))
		}
		item, ok := s.ncii.named(f.Hash, snSignals, snKinds)
		if !ok {
			return snFail(http.StatusBadRequest, fmt.Sprintf("feedback %d: no such hashValue", i))
		}
		items = append(items, item)
	}
	for i, f := range b.HashFeedbacks {
		t, changed := s.ncii.record(items[i]).with(snFeedback{q.me, f.Value, f.Tags})
		if changed {
			s.ncii.change(items[i], q.now, t)
		}
		s.receive(q, "stopncii", "feedback", t.signal+" "+f.Hash, f, changed)
	}
	return jsonReply(http.StatusOK, map[string]int{"count": len(items)})
}
