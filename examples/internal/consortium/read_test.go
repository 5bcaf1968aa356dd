package consortium_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
)

// What reads here is written from the documentation with the standard library alone, and
// strictly: a field that is not documented fails.

// world is a consortium on a socket, with a clock that stands still.
type world struct {
	*consortium.Server
	t      testing.TB
	url    string
	client *http.Client
	me     consortium.Member
	bearer string
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// newWorld fills in a clock; the caller can have another.
func newWorld(t testing.TB, o consortium.Options) *world {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	s, err := consortium.New(o)
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &world{s, t, h.URL, h.Client(), s.Members()[0], ""}
}

// answer is a response that was read to its end, or as far as it came.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (w *world) do(method, path, body string, header ...string) answer {
	w.t.Helper()
	u := path
	if strings.HasPrefix(path, "/") {
		u = w.url + path
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, u, strings.NewReader(body))
	require.NoError(w.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := w.client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode, header: response.Header}
	a.body, a.err = io.ReadAll(response.Body)
	return a
}

// The four ways to authenticate.

func (w *world) te(method, path string, params url.Values) answer {
	w.t.Helper()
	if params == nil {
		params = url.Values{}
	}
	params.Set("access_token", w.me.AppToken)
	if method == http.MethodPost {
		return w.do(method, "/threatexchange/v21.0/"+path, params.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	return w.do(method, "/threatexchange/v21.0/"+path+"?"+params.Encode(), "")
}

func (w *world) nc(method, path, body string) answer {
	w.t.Helper()
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(w.me.Username, w.me.Password)
	return w.do(method, "/ncmec"+path, body, "Authorization", r.Header.Get("Authorization"), "Content-Type", "application/xml")
}

func (w *world) sn(method, path, body string) answer {
	w.t.Helper()
	return w.do(method, "/stopncii/v1/"+path, body, "Content-Type", "application/json",
		"x-functions-key", w.me.FunctionKey, "Ocp-Apim-Subscription-Key", w.me.SubscriptionKey)
}

func (w *world) tat(method, path, body string) answer {
	w.t.Helper()
	if w.bearer == "" {
		login := fmt.Sprintf(`{"username":%q,"password":%q,"resend":false}`, w.me.Login, w.me.Password)
		a := w.do("POST", "/tat/token-auth/tcap/", login, "Content-Type", "application/json")
		require.Equal(w.t, 200, a.status, "%s", a.body)
		var v struct{ Token string }
		require.NoError(w.t, json.Unmarshal(a.body, &v))
		w.bearer = v.Token
	}
	if !strings.HasPrefix(path, "http") {
		path = "/tat/" + path
	}
	return w.do(method, path, body, "Content-Type", "application/json", "Authorization", "Bearer "+w.bearer)
}

func strict(t testing.TB, a answer, v any) {
	t.Helper()
	require.NoError(t, a.err)
	require.Equal(t, 200, a.status, "%s", a.body)
	d := json.NewDecoder(strings.NewReader(string(a.body)))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v), "%s", a.body)
}

// list is what a client has: a line about every record, by its key.
type list map[string]string

func (l list) put(key string, held bool, opinions, labels []string) {
	if !held {
		l[key] = "gone"
		return
	}
	slices.Sort(opinions)
	slices.Sort(labels)
	l[key] = fmt.Sprint(opinions, slices.Compact(labels))
}

// truth is what the client must have; of a tombstone it need not know.
func (w *world) truth(protocol, environment string) (held list, gone map[string]bool) {
	w.t.Helper()
	records, err := w.Truth(protocol, environment)
	require.NoError(w.t, err)
	held, gone = list{}, map[string]bool{}
	for r := range records {
		key := r.Kind + " " + r.Value
		if protocol == "ncmec" {
			key = r.ID + " " + r.Kind + " " + r.Value
		}
		if !r.Held {
			gone[key] = true
			continue
		}
		held.put(key, true, slices.Clone(r.Opinions), slices.Clone(r.Labels))
	}
	return held, gone
}

// check compares what was read with the truth.
func (w *world) check(protocol, environment string, got list) {
	w.t.Helper()
	held, gone := w.truth(protocol, environment)
	got = maps.Clone(got)
	for key, state := range got {
		if state == "gone" {
			if !gone[key] {
				w.t.Fatalf("%s is said to be gone", key)
			}
			delete(got, key)
		}
	}
	require.Equal(w.t, held, got)
}

type teIndicator struct {
	ID          string `json:"id"`
	Indicator   string `json:"indicator"`
	Type        string `json:"type"`
	LastUpdated int64  `json:"last_updated"`
	Delete      bool   `json:"should_delete"`
	Descriptors *struct {
		Data []teDescriptor `json:"data"`
	} `json:"descriptors"`
}

type teDescriptor struct {
	ID     string `json:"id"`
	Owner  struct{ ID string }
	Status string `json:"status"`
	Tags   struct {
		Data []struct{ ID, Text string }
	} `json:"tags"`
	Reactions  []struct{ Key, Value string } `json:"reactions"`
	Mine       []string                      `json:"my_reactions"`
	AddedOn    string                        `json:"added_on"`
	Confidence *int                          `json:"confidence"`
	Severity   string                        `json:"severity"`
	ExpiredOn  int64                         `json:"expired_on"`
}

type tePage struct {
	Data   []teIndicator `json:"data"`
	Paging struct {
		Cursors struct{ Before, After string }
		Next    string `json:"next"`
	} `json:"paging"`
}

const teFields = "id,indicator,type,last_updated,should_delete,descriptors{reactions,my_reactions,owner{id},tags,status,added_on,confidence,severity,expired_on}"

// readTE follows the paging links from a time on; between runs before every page but the
// first. It returns the newest last_updated.
func (w *world) readTE(into list, since int64, limit int, between func()) (newest int64, pages int) {
	w.t.Helper()
	a := w.te("GET", consortium.PrivacyGroup+"/threat_updates", url.Values{"start_time": {strconv.FormatInt(since, 10)},
		"limit": {strconv.Itoa(limit)}, "fields": {teFields}})
	newest = since
	before := ""
	for {
		var p tePage
		strict(w.t, a, &p)
		if pages++; p.Paging.Cursors.Before == before { // again: see the fault repeat-page
			newest = since
		}
		before = p.Paging.Cursors.Before
		for _, x := range p.Data {
			if x.LastUpdated < newest {
				w.t.Fatal("updates are not ordered by time")
			}
			newest = x.LastUpdated
			var opinions, labels []string
			if !x.Delete {
				for _, d := range x.Descriptors.Data {
					n := memberOf(w.t, d.Owner.ID)
					opinions = append(opinions, n+":"+d.Status)
					for _, r := range d.Reactions {
						for app := range strings.SplitSeq(r.Value, ",") {
							opinions = append(opinions, memberOf(w.t, app)+":"+r.Key)
						}
					}
					for _, tag := range d.Tags.Data {
						labels = append(labels, tag.Text)
					}
					_, err := time.Parse("2006-01-02T15:04:05-0700", d.AddedOn)
					require.NoError(w.t, err)
				}
			} else {
				require.Nil(w.t, x.Descriptors)
			}
			into.put(x.Type+" "+x.Indicator, !x.Delete, opinions, labels)
		}
		if p.Paging.Next == "" {
			return newest, pages
		}
		if between != nil {
			between()
		}
		a = w.do("GET", p.Paging.Next, "")
	}
}

func memberOf(t testing.TB, app string) string {
	t.Helper()
	n, err := strconv.Atoi(app)
	require.NoError(t, err)
	return strconv.Itoa(n - 10_000_000)
}

// ticking is a clock that goes on by a step at every look.
func ticking(step time.Duration) func() time.Time {
	var mu sync.Mutex
	now := noon
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(step)
		return now
	}
}
