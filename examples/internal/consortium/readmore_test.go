package consortium_test

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
