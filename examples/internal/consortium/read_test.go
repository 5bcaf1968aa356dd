package consortium_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
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

// The schema of a queryResult, as the documented sample has it.

type ncMember struct {
	ID   string `xml:"id,attr"`
	Name string `xml:",chardata"`
}

type ncEntry struct {
	XMLName        xml.Name
	Member         ncMember `xml:"member"`
	Timestamp      string   `xml:"timestamp"`
	ID             string   `xml:"id"`
	Classification string   `xml:"classification"`
	Fingerprints   struct {
		All []struct {
			XMLName xml.Name
			Href    string `xml:"href,attr"`
			Rel     string `xml:"rel,attr"`
			Value   string `xml:",chardata"`
		} `xml:",any"`
	} `xml:"fingerprints"`
	Feedback *struct {
		Yes []struct {
			Type    string     `xml:"type,attr"`
			Members []ncMember `xml:"members>member"`
		} `xml:"affirmativeFeedback"`
		No []struct {
			Type    string `xml:"type,attr"`
			Reasons []struct {
				GUID    string     `xml:"guid,attr"`
				Name    string     `xml:"name,attr"`
				Members []ncMember `xml:"members>member"`
			} `xml:"reasons>reason"`
		} `xml:"negativeFeedback"`
	} `xml:"feedback"`
	Rest []struct{ XMLName xml.Name } `xml:",any"`
}

type ncSet struct {
	Count   int       `xml:"count,attr"`
	Max     string    `xml:"maxTimestamp,attr"`
	Entries []ncEntry `xml:",any"`
}

type ncResult struct {
	XMLName xml.Name `xml:"https://hashsharing.ncmec.org/hashsharing/v2 queryResult"`
	Next    string   `xml:"paging>next"`
	Images  *ncSet   `xml:"images"`
	Videos  *ncSet   `xml:"videos"`
}

const ncTime = "2006-01-02T15:04:05Z"

// readNC reads a range of an environment to its end.
func (w *world) readNC(into list, environment string, from, to time.Time, size int, between func()) (pages int) {
	w.t.Helper()
	at := "/v2/entries?" + url.Values{"from": {from.UTC().Format(ncTime)}, "to": {to.UTC().Format(ncTime)}, "size": {strconv.Itoa(size)}}.Encode()
	for at != "" {
		if pages++; pages > 1 && between != nil {
			between()
		}
		a := w.nc("GET", "/"+environment+at, "")
		require.Equal(w.t, 200, a.status, "%s", a.body)
		var r ncResult
		require.NoError(w.t, xml.Unmarshal(a.body, &r), "%s", a.body)
		for name, set := range map[string]*ncSet{"image": r.Images, "video": r.Videos} {
			if set == nil {
				continue
			}
			require.Len(w.t, set.Entries, set.Count)
			latest := ""
			for _, e := range set.Entries {
				at, err := time.Parse(ncTime, e.Timestamp)
				if len(e.Rest) > 0 || err != nil || !at.After(from) || at.After(to) {
					w.t.Fatalf("entry %s of %s: %v %v", e.ID, e.Timestamp, e.Rest, err)
				}
				latest = max(latest, e.Timestamp)
				into.entry(w.t, name, e)
			}
			require.Equal(w.t, latest, set.Max)
		}
		at = r.Next
	}
	return pages
}

func (l list) entry(t testing.TB, name string, e ncEntry) {
	t.Helper()
	id := e.Member.ID + "/" + e.ID
	for key := range l { // an entry is whole: what it had before has gone
		if strings.HasPrefix(key, id+" ") {
			delete(l, key)
		}
	}
	if deleted := "deleted" + strings.ToUpper(name[:1]) + name[1:]; e.XMLName.Local == deleted {
		l[id+" deleted "] = "gone"
		return
	}
	require.Equal(t, name, e.XMLName.Local)
	for _, f := range e.Fingerprints.All {
		var opinions []string
		if e.Feedback != nil {
			for _, y := range e.Feedback.Yes {
				for _, m := range y.Members {
					if y.Type == f.XMLName.Local {
						opinions = append(opinions, m.ID+":affirmative")
					}
				}
			}
			for _, n := range e.Feedback.No {
				for _, r := range n.Reasons {
					for _, m := range r.Members {
						if o := m.ID + ":negative"; n.Type == f.XMLName.Local && !slices.Contains(opinions, o) {
							opinions = append(opinions, o)
						}
					}
				}
			}
		}
		l.put(id+" "+f.XMLName.Local+" "+f.Value, true, opinions, []string{e.Classification})
	}
}

type snRecord struct {
	LastMod   int64             `json:"lastModtimestamp"`
	Signal    string            `json:"signalType"`
	Hash      string            `json:"hashValue"`
	Status    string            `json:"hashStatus"`
	Cases     map[string]string `json:"caseNumbers"`
	Feedbacks []struct {
		Source string   `json:"source"`
		Value  string   `json:"feedbackValue"`
		Tags   []string `json:"tags"`
	} `json:"CSPFeedbacks"`
}

type snPage struct {
	Count   int        `json:"count"`
	Token   *string    `json:"nextPageToken"`
	NextSet int64      `json:"nextSetTimestamp"`
	More    bool       `json:"hasMoreRecords"`
	Records []snRecord `json:"hashRecords"`
}

// readSN reads one set, and tells where the next starts.
func (w *world) readSN(into list, start int64, size int, between func()) (next int64, pages int) {
	w.t.Helper()
	names := map[string]string{}
	for _, m := range w.Members() {
		names[m.Name] = strconv.Itoa(m.Number)
	}
	query := url.Values{"startTimestamp": {strconv.FormatInt(start, 10)}, "pageSize": {strconv.Itoa(size)}}
	first := ""
	for last := start; ; {
		var p snPage
		strict(w.t, w.sn("GET", "FetchHashes?"+query.Encode(), ""), &p)
		if pages++; p.Count > 0 {
			if p.Records[0].Hash == first { // again: see the fault repeat-page
				last = start
			}
			first = p.Records[0].Hash
		}
		require.Len(w.t, p.Records, p.Count)
		for _, r := range p.Records {
			if r.LastMod < last {
				w.t.Fatal("records are not ordered by time")
			}
			last = r.LastMod
			var opinions []string
			for _, f := range r.Feedbacks {
				opinions = append(opinions, names[f.Source]+":"+f.Value)
			}
			into.put(r.Signal+" "+r.Hash, r.Status != "Withdrawn" && r.Status != "Deleted", opinions, []string{r.Status})
		}
		if !p.More {
			return p.NextSet, pages
		}
		query.Set("nextPageToken", *p.Token)
		if between != nil {
			between()
		}
	}
}

type tatPage struct {
	Count      int     `json:"count"`
	Next       *string `json:"next"`
	Previous   *string `json:"previous"`
	Checkpoint string  `json:"checkpoint"`
	Results    []struct {
		ID        int     `json:"id"`
		Digest    string  `json:"hash_digest"`
		Algorithm string  `json:"algorithm"`
		Ideology  string  `json:"ideology"`
		FileType  string  `json:"file_type"`
		Deleted   bool    `json:"deleted"`
		Updated   float64 `json:"updated_on"`
		Created   float64 `json:"created_on"`
	} `json:"results"`
}

// readTAT reads from a checkpoint to the end, by next or by checkpoints.
func (w *world) readTAT(into list, after string, limit int, byNext bool, between func()) (checkpoint string, pages int) {
	w.t.Helper()
	at := func(after string) string {
		return "hash-list/v2/all?" + url.Values{"order": {"asc"}, "after": {after}, "limit": {strconv.Itoa(limit)}}.Encode()
	}
	for path := at(after); ; {
		var p tatPage
		strict(w.t, w.tat("GET", path, ""), &p)
		pages++
		for _, r := range p.Results {
			into.put(r.Algorithm+" "+r.Digest, !r.Deleted, nil, []string{r.Ideology})
		}
		if p.Next == nil {
			return p.Checkpoint, pages
		}
		if path = *p.Next; !byNext {
			path = at(p.Checkpoint)
		}
		if between != nil {
			between()
		}
	}
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
