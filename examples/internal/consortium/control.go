package consortium

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the consortium's own people do: add, withdraw, change their minds.

// Add shares a value as another member would, in one protocol or, for "", in all that have
// its kind. It tells in how many. A value that was withdrawn is shared again.
func (s *Server) Add(protocol string, k Known) (lists int, err error) {
	digits := map[string]int{"pdq": 64, "md5": 32, "sha1": 40, "sha256": 64}[k.Kind]
	k.Value = strings.ToLower(k.Value)
	if digits == 0 || !isHex(k.Value, digits) {
		return 0, fmt.Errorf("consortium: %s:%s is no pdq, md5, sha1 or sha256", k.Kind, k.Value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	in := func(name, kind string) bool { return kind != "" && (protocol == "" || protocol == name) }

	if typ := map[string]string{"pdq": "HASH_PDQ", "md5": "HASH_MD5", "sha1": "HASH_SHA1", "sha256": "HASH_SHA256"}[k.Kind]; in("threatexchange", typ) {
		item, exists := s.teLookup(typ, k.Value)
		t := teItem{typ: typ, value: k.Value}
		if exists {
			if t = s.te.record(item); t.gone {
				t.gone, t.descriptors = false, nil
			}
		}
		if len(t.shared()) == 0 {
			s.tePut(item, exists, t, descriptor{member: 2, group: true, status: "MALICIOUS", severity: "SEVERE", share: "AMBER",
				description: "added", tags: []string{"violent_extremism"}, confidence: 90}, now)
		}
		lists++
	}
	if typ := map[string]string{"pdq": "pdq", "md5": "md5", "sha1": "sha1"}[k.Kind]; in("ncmec", typ) {
		b := s.environment(industry)
		if items := ncHaving(b, k.Value); len(items) > 0 {
			for _, item := range items {
				if t := b.record(item); t.deleted {
					t.deleted = false
					b.change(item, now, t)
				}
			}
		} else {
			t := ncItem{member: 2, id: "added" + strconv.Itoa(int(b.len())), class: "A1", prints: []print{{typ, k.Value}}}
			b.add(now, t)
		}
		lists++
	}
	if signal := map[string]string{"pdq": "ImagePDQ", "md5": "VideoMD5"}[k.Kind]; in("stopncii", signal) {
		open := []snCase{{strconv.Itoa(900_000_000 + int(s.ncii.len())), "Active"}}
		if item, ok := s.ncii.named(k.Value, snSignals, snKinds); ok {
			if t := s.ncii.record(item); !t.held() {
				t.cases = open
				s.ncii.change(item, now, t)
			}
		} else {
			s.ncii.add(now, snItem{signal: signal, hash: k.Value, cases: open})
		}
		lists++
	}
	if a := map[string]string{"pdq": "PDQ", "md5": "MD5", "sha256": "SHA256"}[k.Kind]; in("tat", a) {
		if item, ok := s.tat.named(k.Value, tatAlgorithms, tatKinds); ok {
			if t := s.tat.record(item); t.deleted {
				t.deleted = false
				s.tat.change(item, now, t)
			}
		} else {
			file := map[string]string{"pdq": "jpg"}[k.Kind]
			if file == "" {
				file = "mp4"
			}
			s.tat.add(now, tatItem{digest: k.Value, algorithm: a, ideology: tatIdeologies[0], fileType: file, created: now.Unix()})
		}
		lists++
	}
	if lists == 0 {
		return 0, fmt.Errorf("consortium: %q has no %s", protocol, k.Kind)
	}
	return lists, nil
}

// Withdraw takes a value back, in one protocol or, for "", in all: the records that have
// it become tombstones. It tells how many did.
func (s *Server) Withdraw(protocol, value string) (records int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	in := func(name string) bool { return protocol == "" || protocol == name }
	if in("threatexchange") {
		for k := range kindCount {
			if item, ok := s.teLookup(teNames[k], value); ok && teNames[k] != "" {
				if t := s.te.record(item); !t.gone {
					t.gone = true
					s.te.change(item, now, t)
					records++
				}
			}
		}
	}
	if in("ncmec") {
		for _, name := range Environments { // the ones that nobody has asked for have it too
			b := s.environment(name)
			for _, item := range ncHaving(b, value) {
				if t := b.record(item); !t.deleted {
					t.deleted = true
					b.change(item, now, t)
					records++
				}
			}
		}
	}
	if in("stopncii") {
		if item, ok := s.ncii.named(value, snSignals, snKinds); ok {
			if t := s.ncii.record(item); t.held() {
				t.cases = slices.Clone(t.cases)
				for i := range t.cases {
					t.cases[i].status = "Withdrawn"
				}
				s.ncii.change(item, now, t)
				records++
			}
		}
	}
	if in("tat") {
		if item, ok := s.tat.named(value, tatAlgorithms, tatKinds); ok {
			if t := s.tat.record(item); !t.deleted {
				t.deleted = true
				s.tat.change(item, now, t)
				records++
			}
		}
	}
	return records
}

// ncHaving finds the entries that have a fingerprint. It wants the lock.
func ncHaving(b *board[ncItem], value string) (items []uint32) {
	if item, ok := b.keys[value]; ok {
		items = append(items, item)
	}
	for _, k := range []kind{kindPDQ, kindMD5, kindSHA1, kindPhotoDNA} {
		if item, ok := b.find(value, k); ok && slices.Contains(b.record(item).keys(), value) {
			items = append(items, item)
		}
	}
	return items
}

// Churn lets the lists live on: n changes, drawn from the seed, that go round the four
// protocols. Records are withdrawn and shared again, opinions change, new records come.
func (s *Server) Churn(n int) {
	const turn = 100 // then others have theirs
	for ; n > 0; n -= turn {
		s.churn(min(n, turn))
	}
}

func (s *Server) churn(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.te.data
	for range n {
		c := s.churned
		s.churned++
		what, fresh := d.pick(c, "churn.what", 10), d.n+c
		now := s.now()
		switch c % 4 {
		case 0:
			churnOne(s.te, now, c, what, fresh, func(t teItem) teItem { t.gone = !t.gone; return t }, func(t teItem) teItem {
				if t.descriptors = t.sorted(); len(t.descriptors) == 0 {
					return t
				}
				o := &t.descriptors[0]
				o.status, o.updated = teStatuses[d.pick(c, "churn.status", 3)], now.Unix()
				o.tags = []string{teTags[d.pick(c, "churn.tag", len(teTags))]}
				return t
			})
		case 1:
			churnOne(s.environment(industry), now, c, what, fresh, func(t ncItem) ncItem { t.deleted = !t.deleted; return t }, func(t ncItem) ncItem {
				v := vote{typ: t.prints[0].typ, member: t.member%(len(memberNames)-1) + 2, at: now.Unix()}
				if d.pick(c, "churn.vote", 2) == 0 {
					v.reasons = ncReasons[:1]
				}
				t.votes = []vote{v}
				return t
			})
		case 2:
			churnOne(s.ncii, now, c, what, fresh, func(t snItem) snItem {
				status := "Withdrawn"
				if !t.held() {
					status = "Active"
				}
				t.cases = slices.Clone(t.cases)
				for i := range t.cases {
					t.cases[i].status = status
				}
				return t
			}, func(t snItem) snItem {
				t, _ = t.with(snFeedback{2 + d.pick(c, "churn.member", len(memberNames)-1), snValues[3+d.pick(c, "churn.vote", 2)], nil})
				return t
			})
		default:
			churnOne(s.tat, now, c, what, fresh, func(t tatItem) tatItem { t.deleted = !t.deleted; return t }, func(t tatItem) tatItem {
				t.ideology = tatIdeologies[d.pick(c, "churn.ideology", 2)]
				return t
			})
		}
	}
}

// churnOne makes one change of a list: a new record, one withdrawn or shared again, or
// another opinion of one.
func churnOne[T any](b *board[T], now time.Time, c uint32, what int, fresh uint32, flip, opine func(T) T) {
	item := uint32(b.pick(c, "churn.item", int(b.len())))
	switch {
	case what < 3:
		b.add(now, b.derive(fresh))
	case what < 7:
		b.change(item, now, flip(b.record(item)))
	default:
		b.change(item, now, opine(b.record(item)))
	}
}
