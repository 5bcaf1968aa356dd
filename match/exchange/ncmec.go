package exchange

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// NCMEC's hash sharing, version 2. Wire format: report.cybertip.org/hashsharing/v2/documentation.
var ncmec = Protocol{
	Name:  "ncmec",
	About: "NCMEC's hash sharing, version 2",
	Settings: []Setting{
		{"environment", true, "which of its lists: " + strings.Join(sortedKeys(ncmecEnvironments), ", ")},
		{"members", false, "take only what these members shared, by their numbers, with commas between them; all"},
		{"classifications", false, "take only what is classified so, such as A1,A2; all"},
	},
	Form: "USER:PASSWORD", Needed: true, Environment: "TX_NCMEC_CREDENTIALS", File: ".tx_ncmec_credentials",
	Writes: true,
	open:   func(c *Config) (Source, error) { return openNCMEC(c) },
}

// ncmecEnvironments are the lists, each with its own members and content, and the test twin of each.
var ncmecEnvironments = map[string]string{
	"Industry":                            "https://report.cybertip.org/hashsharing",
	"Industry_Exploitative":               "https://report.cybertip.org/exploitative-hashsharing",
	"LawEnforcement":                      "https://lesp.ncmec.org/csam-hashsharing",
	"NGO":                                 "https://hashsharing.ncmec.org/npo",
	"Exploitative":                        "https://hashsharing.ncmec.org/exploitative",
	"NGO_Generative_AI":                   "https://hashsharing.ncmec.org/generative-ai-csam",
	"NGO_Generative_AI_Exploitative":      "https://hashsharing.ncmec.org/generative-ai-exploitative",
	"test_Industry":                       "https://exttest.cybertip.org/hashsharing",
	"test_Industry_Exploitative":          "https://exttest.cybertip.org/exploitative-hashsharing",
	"test_LawEnforcement":                 "https://betalesp.ncmec.org/csam-hashsharing",
	"test_NGO":                            "https://hashsharing-test.ncmec.org/npo",
	"test_Exploitative":                   "https://hashsharing-test.ncmec.org/exploitative",
	"test_NGO_Generative_AI":              "https://hashsharing-test.ncmec.org/generative-ai-csam",
	"test_NGO_Generative_AI_Exploitative": "https://hashsharing-test.ncmec.org/generative-ai-exploitative",
}

const (
	ncmecEntries = "v2/entries"
	ncmecTime    = "2006-01-02T15:04:05Z"
	// ncmecMargin is how far from now a range ends, so that no entry comes into a second that was read.
	ncmecMargin = 5 * time.Second
	// ncmecSkew is how far this machine's clock may be behind what was read: nothing new is seen meanwhile.
	ncmecSkew = 5 * time.Minute
	// ncmecRange is how many entries a range may have by the exchange's own count before it is made
	// shorter: it makes the answer to a range when its first page is asked for.
	ncmecRange = 400_000
	// ncmecShrink and ncmecGrow are by what a range's length is changed, and ncmecSmall how many ranges of
	// at most a page come before it grows: shrink fast, grow slowly.
	ncmecShrink, ncmecGrow, ncmecSmall = 4, 2, 4
)

var memberNumber = regexp.MustCompile(`^[0-9]{1,19}$`)

type ncmecSource struct {
	*client
	scope  string
	filter ncmecFilter
}

// ncmecFilter says what is taken; empty lists: everything.
type ncmecFilter struct{ members, classifications []string }

func openNCMEC(c *Config) (*ncmecSource, error) {
	user, password, err := c.Credentials.pair("ncmec", "USER:PASSWORD")
	if err != nil {
		return nil, err
	}
	s := &ncmecSource{filter: ncmecFilter{words(c.Settings["members"]), words(c.Settings["classifications"])}}
	environment, base := "", ""
	for name, address := range ncmecEnvironments {
		if strings.EqualFold(name, c.Settings["environment"]) {
			environment, base = name, address
		}
	}
	if base == "" {
		return nil, configError("ncmec", "the environment is one of %s, not %.40q", strings.Join(sortedKeys(ncmecEnvironments), ", "), c.Settings["environment"])
	}
	for _, m := range s.filter.members {
		if !memberNumber.MatchString(m) {
			return nil, configError("ncmec", "the member %.40q is no number", m)
		}
	}
	s.scope = scope(environment, c, "members", "classifications")
	s.client, err = newClient(c, "ncmec", base, func(r *http.Request) { r.SetBasicAuth(user, password) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ncmecCheckpoint is how far the list was read. Entries come in no order within a range (From, To], so that
// From moves only when a range is exhausted. Times are seconds since 1970, UTC whatever the machine's zone is.
type ncmecCheckpoint struct {
	checkpointHead
	From int64 `json:"from,omitempty"` // everything up to and with it is read
	End  int64 `json:"end,omitempty"`  // of the running reading; 0: none runs
	Span int64 `json:"span,omitempty"` // how long a range is; 0: to the end
	Few  int   `json:"few,omitempty"`  // short ranges in a row

	To      int64  `json:"to,omitempty"`    // of the running range; 0: none runs
	Until   int64  `json:"until,omitempty"` // what To is worth by the exchange's own clock
	Count   int64  `json:"count,omitempty"` // entries that the range gave so far
	Paging  string `json:"paging,omitempty"`
	PagedAt int64  `json:"paged_at,omitempty"` // when Paging was given
	Rounds  rounds `json:"rounds"`
	Lost    int    `json:"lost,omitempty"` // as in progress, of the running range

	Hole  int64 `json:"hole,omitempty"` // as in progress
	Tried int64 `json:"tried,omitempty"`
	Left  int   `json:"left,omitempty"`
	// Behind is how many entries were read since something was left out. A reading that has left something
	// out ends only with some: an exchange of which nothing can be read is not an empty one.
	Behind int `json:"behind,omitempty"`
}

func (s *ncmecSource) Next(ctx context.Context, at Checkpoint) (*Page, error) {
	cp := ncmecCheckpoint{checkpointHead: checkpointHead{"ncmec", 1, s.scope}}
	if err := readCheckpoint(at, cp.checkpointHead, &cp); err != nil {
		return nil, err
	}
	now := s.now()
	if cp.End == 0 {
		if cp.Hole > 0 && now.Sub(time.Unix(cp.Tried, 0)) > leftOutAgain {
			cp.From, cp.Hole, cp.Tried = min(cp.From, cp.Hole-1), 0, 0
		}
		cp.End = now.Add(-ncmecMargin).Unix()
		switch behind := time.Duration(cp.From-cp.End) * time.Second; {
		case behind > ncmecSkew:
			return nil, configError("ncmec", "the list was read up to %s, and this machine's clock is before that: set it", ncmecDate(cp.From))
		case behind >= 0:
			return &Page{Last: true, After: at}, nil // asked again within seconds
		}
	}
	if cp.Left > 0 && cp.Behind == 0 {
		cp.End = max(cp.End, now.Add(-ncmecMargin).Unix()) // there may be more by now
	}
	if cp.Paging != "" && now.Sub(time.Unix(cp.PagedAt, 0)).Abs() > cursorLife {
		cp.again()
	}
	p, err := s.read(ctx, &cp)
	if err != nil {
		return nil, err
	}
	p.Anew = at == nil
	return p.until(&cp)
}

// again begins the running range again.
func (cp *ncmecCheckpoint) again() {
	cp.To, cp.Until, cp.Count, cp.Paging, cp.PagedAt, cp.Rounds = 0, 0, 0, "", 0, rounds{}
}

// shrink makes the range shorter, by at least a factor. It reports whether that was possible.
func (cp *ncmecCheckpoint) shrink(factor int64) bool {
	length := cp.To - cp.From
	if length <= 1 {
		return false
	}
	cp.again()
	cp.Span, cp.Few = max(1, length/max(factor, ncmecShrink)), 0
	return true
}

// read reads one page and moves cp on. What can't be read, or is too much, it reads in shorter ranges, down to
// one second.
func (s *ncmecSource) read(ctx context.Context, cp *ncmecCheckpoint) (*Page, error) {
	for same, slow := 1, false; ; {
		first := cp.Paging == ""
		if first {
			cp.To = cp.End
			if cp.Span > 0 {
				cp.To = min(cp.End, cp.From+cp.Span)
			}
		}
		a, err := s.ask(ctx, request{path: ncmecEntries, query: s.query(cp)})
		switch {
		case err == nil:
		case !first && lost(err) && cp.Lost < maxLost:
			cp.again()
			cp.Lost++
			continue
		case first && !slow && tooSlow(err) && cp.shrink(16):
			slow = true // making the answer to a long range may take longer than we wait
			continue
		case errors.Is(err, ErrTooLarge):
			if cp.shrink(ncmecShrink) {
				continue
			}
			return s.skip(ctx, cp, err)
		default:
			return nil, err
		}
		found, err := parseNCMEC(a.page, a.body, s.filter)
		if err != nil {
			if !skippable(err) {
				return nil, err
			}
			if cp.shrink(ncmecShrink) {
				continue
			}
			return s.skip(ctx, cp, err)
		}
		found.page.Wait = a.wait
		if first && found.next != "" {
			if all := found.estimate; all > ncmecRange && cp.shrink(all/ncmecRange+1) {
				continue
			}
		}
		if first {
			cp.Until = cp.To
			if !a.date.IsZero() { // what it has not seen yet by its own clock may still come
				cp.Until = min(cp.To, a.date.Add(-ncmecMargin).Unix())
			}
		}
		if found.next == "" {
			cp.Count += int64(found.count)
			cp.Behind += found.count
			return s.exhausted(cp, found.page)
		}
		q, err := s.nextQuery(found.next, ncmecEntries, a.page)
		if err != nil {
			return nil, err
		}
		if paging := q.Encode(); paging != cp.Paging && !cp.Rounds.again(paging) {
			cp.Count += int64(found.count)
			cp.Behind += found.count
			cp.Paging, cp.PagedAt = paging, unix(s.now())
			return found.page, nil
		}
		if same++; same > samePageAttempts {
			return nil, &PageError{Exchange: s.exchange, Page: a.page, Reason: "the next page is one that was read", Err: ErrStuck}
		}
	}
}

func (s *ncmecSource) query(cp *ncmecCheckpoint) url.Values {
	if cp.Paging != "" {
		if q, err := url.ParseQuery(cp.Paging); err == nil {
			return q
		}
	}
	return url.Values{"from": {ncmecDate(cp.From)}, "to": {ncmecDate(cp.To)}}
}

func ncmecDate(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(ncmecTime) }

// exhausted moves on behind a range that was read to its end.
func (s *ncmecSource) exhausted(cp *ncmecCheckpoint, p *Page) (*Page, error) {
	until, to, length := max(cp.Until, cp.From), cp.To, cp.To-cp.From
	switch {
	case cp.Count == 0: // such ranges cost nothing
		cp.Span, cp.Few = length*ncmecShrink, 0
	case cp.Count <= 2000: // two pages
		if cp.Few++; cp.Few >= ncmecSmall {
			cp.Span, cp.Few = length*ncmecGrow, 0
		}
	case cp.Count > ncmecRange/ncmecShrink:
		cp.Span, cp.Few = max(1, length/ncmecShrink), 0
	default:
		cp.Few = 0
	}
	p.Last = to >= cp.End || until < to
	cp.From, cp.Lost = until, 0
	cp.again()
	if p.Last && cp.Left > 0 && cp.Behind == 0 {
		return nil, &PageError{Exchange: s.exchange, Page: ncmecEntries, Err: ErrPage,
			Reason: "nothing can be read from " + ncmecDate(cp.Hole) + " on"}
	}
	if p.Last {
		cp.End, cp.Left, cp.Behind = 0, 0, 0
	}
	return p, nil
}

// skip goes over a second that can't be read, if the one after it can be.
func (s *ncmecSource) skip(ctx context.Context, cp *ncmecCheckpoint, cause error) (*Page, error) {
	if cp.Left >= maxLeftOut {
		return nil, cause
	}
	bad := cp.From + 1
	probe := ncmecCheckpoint{From: bad, To: bad + 1}
	a, err := s.ask(ctx, request{path: ncmecEntries, query: s.query(&probe)})
	if err == nil {
		_, err = parseNCMEC(a.page, a.body, s.filter)
	}
	if err != nil {
		return nil, cause
	}
	cp.Hole, cp.Tried = cmp.Or(min(cp.Hole, bad), bad), unix(s.now())
	cp.From, cp.Span = bad, 1
	cp.Left++
	cp.Behind = 0
	cp.again()
	return hole(bad, bad+1, cause), nil
}

// wants reports whether an entry is to be taken.
func (f *ncmecFilter) wants(member, classification string) bool {
	return (len(f.members) == 0 || slices.Contains(f.members, member)) &&
		(len(f.classifications) == 0 || slices.ContainsFunc(f.classifications, func(c string) bool { return strings.EqualFold(c, classification) }))
}
