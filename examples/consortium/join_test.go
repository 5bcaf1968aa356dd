package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// joined is a member's way to one of the lists.
type joined struct {
	protocol, path, environment string
	settings                    map[string]string
	credentials                 func(consortium.Member) string
}

var lists = []joined{
	{"threatexchange", "/threatexchange/v21.0", "", map[string]string{"group": consortium.PrivacyGroup}, func(m consortium.Member) string { return m.AppToken }},
	{"ncmec", "/ncmec/industry", "industry", map[string]string{"environment": "Industry"}, func(m consortium.Member) string { return m.Username + ":" + m.Password }},
	{"ncmec", "/ncmec/ngo", "ngo", map[string]string{"environment": "NGO"}, func(m consortium.Member) string { return m.Username + ":" + m.Password }},
	{"stopncii", "/stopncii/v1", "", nil, func(m consortium.Member) string { return m.FunctionKey + "," + m.SubscriptionKey }},
	{"tat", "/tat", "", nil, func(m consortium.Member) string { return m.Login + ":" + m.Password }},
}

// open joins a list of a consortium.
func open(t *testing.T, url string, s *consortium.Server, l joined) exchange.Source {
	t.Helper()
	protocol, err := exchange.ParseProtocol(l.protocol)
	require.NoError(t, err)
	source, err := protocol.Open(exchange.Config{
		Base: url + l.path, Settings: l.settings, Credentials: exchange.NewCredentials(l.credentials(s.Members()[0])),
		HTTP: exchange.HTTPOptions{Loopback: true, Rate: 1e6, Backoff: time.Nanosecond, Timeout: 5 * time.Second, MaxPage: 8 << 20},
		Now:  s.Now, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	require.NoError(t, err)
	return source
}

// member reads a list as the library does, and keeps what it reads.
type member struct {
	open    func() exchange.Source
	at      exchange.Checkpoint
	kept    map[string]exchange.Record
	came    map[string]bool // since the reading began anew
	anew    bool
	faults  int
	retries int
}

// pull reads to the last page. After each page the member forgets all but the checkpoint, as
// after a crash. An error is as good as another pull.
func (m *member) pull(t *testing.T) {
	t.Helper()
	for failed := 0; ; {
		p, err := m.open().Next(t.Context(), m.at)
		if err != nil {
			failed++
			m.retries++
			require.Less(t, failed, 40, "%v", err)
			continue
		}
		if p.Anew {
			m.came, m.anew = map[string]bool{}, true
		}
		for _, id := range p.Gone {
			delete(m.kept, id)
			delete(m.came, id)
		}
		for _, r := range p.Records {
			m.kept[r.ID] = r
			if m.anew {
				m.came[r.ID] = true
			}
		}
		m.faults += len(p.Faults)
		m.at = p.After
		if p.Last {
			if m.anew {
				for id := range m.kept {
					if !m.came[id] {
						delete(m.kept, id)
					}
				}
			}
			m.anew = false
			return
		}
	}
}

// values are the hashes that are kept, of whatever kind.
func (m *member) values() []string {
	var all []string
	for _, r := range m.kept {
		for _, s := range r.Signals {
			all = append(all, strings.ToLower(s.Value.Hex()))
		}
		for _, f := range r.Later {
			if f.Value != "" { // a file of its own, which no page has
				all = append(all, strings.ToLower(strings.TrimSpace(f.Value)))
			}
		}
	}
	slices.Sort(all)
	return all
}

// stances are what the words of the protocols say of a record.
var stances = map[string]match.Stance{
	"MALICIOUS": match.Positive, "HELPFUL": match.Positive, "affirmative": match.Positive, "Blocked": match.Positive,
	"NON_MALICIOUS": match.Negative, "DISAGREE_WITH_TAGS": match.Negative, "negative": match.Negative, "NotBlocked": match.Negative,
	"SUSPICIOUS": match.Seed, "UNKNOWN": match.Seed,
}

// assertOpinions compares what members say of records, where a member says one thing only.
func assertOpinions(t *testing.T, s *consortium.Server, l joined, m *member) {
	t.Helper()
	byValue := make(map[string]*exchange.Record)
	for _, r := range m.kept {
		for _, x := range r.Signals {
			byValue[x.Value.Hex()] = &r
		}
	}
	type saying struct {
		record *exchange.Record
		member string
	}
	said := make(map[saying][]match.Stance)
	records, err := s.Truth(l.protocol, l.environment)
	require.NoError(t, err)
	for r := range records {
		kept := byValue[strings.ToLower(r.Value)]
		if !r.Held || kept == nil {
			continue
		}
		for _, o := range r.Opinions {
			number, word, _ := strings.Cut(o, ":")
			n, err := strconv.Atoi(number)
			require.NoError(t, err)
			if stance, says := stances[word]; says && number != kept.Origin.Member { // who shares it in NCMEC says so by that
				who := map[string]string{"threatexchange": strconv.Itoa(10_000_000 + n), "ncmec": number, "stopncii": s.Members()[n-1].Name}[l.protocol]
				said[saying{kept, who}] = append(said[saying{kept, who}], stance)
			}
		}
	}
	compared := 0
	for of, all := range said {
		if len(slices.Compact(all)) > 1 {
			continue
		}
		compared++
		i := slices.IndexFunc(of.record.Opinions, func(o match.Opinion) bool { return o.By == of.member })
		if assert.GreaterOrEqual(t, i, 0, "%s says %v of %s, not in %+v", of.member, all[0], of.record.ID, of.record.Opinions) {
			assert.Equal(t, all[0], of.record.Opinions[i].Says, "%s of %s", of.member, of.record.ID)
		}
	}
	assert.Equal(t, l.protocol != "tat", compared > 10, "%d opinions", compared)
}

// TestJoining holds that a member of each list, who forgets all but the checkpoint after each
// page, has what the consortium has: at first, after changes and withdrawals, and with every
// fault that there is. Server and client were written from the formats, each without a look at
// the other.
func TestJoining(t *testing.T) {
	for _, faults := range []string{"", "429=0.05,429-date=0.02,500=0.05,503=0.05,cut=0.05,expired=0.03,skew=0.05,bad-record=0.1,bad-page=0.05,repeat-page=0.05,bomb=0.02"} {
		for _, l := range lists {
			t.Run(fmt.Sprintf("%s/%t", strings.Trim(l.path, "/"), faults != ""), func(t *testing.T) {
				t.Parallel()
				s, err := consortium.New(consortium.Options{Records: 3000, Seed: 7, Faults: faults})
				require.NoError(t, err)
				web := httptest.NewServer(s)
				defer web.Close()
				me := &member{kept: map[string]exchange.Record{}, open: func() exchange.Source { return open(t, web.URL, s, l) }}
				me.pull(t)
				want, err := s.Values(l.protocol, l.environment)
				require.NoError(t, err)
				require.NotEmpty(t, want)
				assert.Equal(t, want, me.values())
				assertOpinions(t, s, l, me)
				for range 3 {
					s.Churn(300)
					for _, v := range want[:5] {
						s.Withdraw("", v)
					}
					s.Advance(time.Hour)
					me.pull(t)
					want, err = s.Values(l.protocol, l.environment)
					require.NoError(t, err)
					assert.Equal(t, want, me.values())
				}
				t.Logf("%d records, %d set aside, %d pulls failed", len(me.kept), me.faults, me.retries)
			})
		}
	}
}

// TestTelling holds that what a member tells of records, and shares, arrives as it was meant, and
// that telling it again changes nothing.
func TestTelling(t *testing.T) {
	for _, l := range lists {
		protocol, err := exchange.ParseProtocol(l.protocol)
		require.NoError(t, err)
		if !protocol.Writes {
			continue
		}
		t.Run(strings.Trim(l.path, "/"), func(t *testing.T) {
			s, err := consortium.New(consortium.Options{Records: 300, Seed: 7})
			require.NoError(t, err)
			web := httptest.NewServer(s)
			defer web.Close()
			open := func() exchange.Source { return open(t, web.URL, s, l) }
			me := &member{kept: map[string]exchange.Record{}, open: open}
			me.pull(t)
			sink, ok := open().(exchange.Sink)
			require.True(t, ok)

			// Of a record that nobody has an opinion of yet but who shared it.
			i := 0
			for _, id := range slices.Sorted(maps.Keys(me.kept)) {
				r := me.kept[id]
				if len(r.Signals) == 0 || len(r.Opinions) > 1 || r.Opinions[0].By == "10000001" {
					continue
				}
				says := []exchange.Vote{exchange.Helpful, exchange.Disagree}[i%2]
				f := exchange.Feedback{ID: id, Says: says, Signal: &r.Signals[0]}
				before := len(s.Received())
				err := sink.Send(t.Context(), f)
				if says == exchange.Disagree && errors.Is(err, exchange.ErrReason) { // NCMEC wants one of its own
					_, names, _ := strings.Cut(err.Error(), "there are ")
					f.Reason = names[:strings.Index(names, " (")]
					err = sink.Send(t.Context(), f)
				}
				require.NoError(t, err, "%s of %s", says, id)
				first := s.Received()[before:]
				require.NotEmpty(t, first)
				assert.True(t, first[0].Changed, "%+v", first)
				require.NoError(t, sink.Send(t.Context(), f))
				for _, again := range s.Received()[before+len(first):] {
					assert.False(t, again.Changed, "%+v", again)
				}
				want := map[exchange.Vote][]string{exchange.Helpful: {"1:HELPFUL", "1:affirmative", "1:Blocked"}, exchange.Disagree: {"1:NON_MALICIOUS", "1:negative", "1:NotBlocked"}}[says]
				told := false
				records, err := s.Truth(l.protocol, l.environment)
				require.NoError(t, err)
				for x := range records {
					told = told || strings.EqualFold(x.Value, r.Signals[0].Value.Hex()) && slices.ContainsFunc(x.Opinions, func(o string) bool { return slices.Contains(want, o) })
				}
				assert.True(t, told, "%s of %s", says, id)
				if i++; i == 6 {
					break
				}
			}
			assert.Equal(t, 6, i)
		})
	}
}
