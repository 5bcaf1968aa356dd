package exchange

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rematch-go/rematch/hash"
)

const ncmecNamespace = "https://hashsharing.ncmec.org/hashsharing/v2"

// ncmecVote is a feedbackSubmission.
type ncmecVote struct {
	XMLName     xml.Name       `xml:"feedbackSubmission"`
	Namespace   string         `xml:"xmlns,attr"`
	Affirmative *struct{}      `xml:"affirmative"`
	Negative    *ncmecNegative `xml:"negative"`
}

type ncmecNegative struct {
	GUIDs []string `xml:"reasonIds>guid"`
}

// Send votes on a fingerprint of an entry: the one of Signal's kind or, without, each of MD5, SHA1 and PDQ
// that it has. Disagree needs a reason, by its GUID or its name, unless there is only one. Seen and
// Retract are ErrNoSuchVote; tags are not sent.
func (s *ncmecSource) Send(ctx context.Context, f Feedback) error {
	member, entry, ok := strings.Cut(f.ID, "-")
	if !ok || !memberNumber.MatchString(member) || entry == "" || entry == "." || entry == ".." { // paths go up and down by these
		return fmt.Errorf("exchange: ncmec: %.80q: %w", f.ID, ErrNoSuchRecord)
	}
	if f.Says != Helpful && f.Says != Disagree {
		return fmt.Errorf("exchange: ncmec: %.40q: %w", f.Says, ErrNoSuchVote)
	}
	kinds := []hash.Kind{hash.MD5, hash.SHA1, hash.PDQ}
	if f.Signal != nil {
		kinds = []hash.Kind{f.Signal.Value.Kind()}
	}
	taken := false
	var missing error
	for _, kind := range kinds {
		name := ncmecName(kind)
		if name == "" {
			return fmt.Errorf("exchange: ncmec: %s: %w", kind, ErrNoSuchKind)
		}
		vote := ncmecVote{Namespace: ncmecNamespace}
		if f.Says == Helpful {
			vote.Affirmative = &struct{}{}
		} else {
			guid, err := s.reason(ctx, name, f.Reason)
			if err != nil {
				return err
			}
			vote.Negative = &ncmecNegative{[]string{guid}}
		}
		body, err := xml.Marshal(vote)
		if err != nil {
			return fmt.Errorf("exchange: ncmec: %w", err)
		}
		path := ncmecEntries + "/" + member + "/" + url.PathEscape(entry) + "/" + name + "/feedback"
		_, err = s.ask(ctx, request{method: http.MethodPut, path: path, body: body, media: "application/xml; charset=utf-8", record: true, limit: maxShort})
		switch {
		case err == nil:
			taken = true
		case len(kinds) > 1 && errors.Is(err, ErrNoSuchRecord):
			missing = err // the entry has none of that type
		default:
			return err
		}
	}
	if !taken {
		return missing
	}
	return nil
}

func ncmecName(kind hash.Kind) string {
	for _, name := range sortedKeys(ncmecTypes) {
		if ncmecTypes[name] == kind {
			return name
		}
	}
	return ""
}

// reason finds the GUID of what a negative vote gives as its reason.
func (s *ncmecSource) reason(ctx context.Context, fingerprint, said string) (guid string, err error) {
	a, err := s.ask(ctx, request{path: "v2/feedback/" + fingerprint + "/reasons", limit: maxShort})
	if err != nil {
		return "", err
	}
	reasons, err := parseReasons(a.page, a.body)
	if err != nil {
		return "", err
	}
	if said == "" && len(reasons) == 1 {
		return reasons[0][0], nil
	}
	var names []string
	for _, r := range reasons {
		if said != "" && (strings.EqualFold(r[0], said) || strings.EqualFold(r[1], said)) {
			return r[0], nil
		}
		names = append(names, fmt.Sprintf("%s (%s)", clip(r[1]), clip(r[0])))
	}
	return "", fmt.Errorf("exchange: ncmec: %.80q is no reason for %s; there are %s: %w", said, fingerprint, strings.Join(names, ", "), ErrReason)
}

// parseReasons reads GUIDs and names.
func parseReasons(page string, body []byte) (reasons [][2]string, err error) {
	r := newXMLReader(body)
	for {
		t, err := r.next()
		if err != nil {
			return nil, &PageError{Exchange: "ncmec", Page: page, Offset: r.InputOffset(), Reason: noEOF(err).Error(), Err: ErrPage}
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		root, _, err := r.element(start)
		if err != nil {
			return nil, &PageError{Exchange: "ncmec", Page: page, Offset: r.InputOffset(), Reason: err.Error(), Err: ErrPage}
		}
		if list := root.child("availableFeedbackReasons"); list != nil {
			root = list
		}
		for _, k := range root.kids {
			if guid := k.attr("guid"); k.name == "reason" && guid != "" {
				reasons = append(reasons, [2]string{guid, k.attr("name")})
			}
		}
		return reasons, nil
	}
}

// Submit is ErrNoSuchKind: the form of submissions is not in the public pages, and what is guessed is not sent to
// where such things are reported.
func (s *ncmecSource) Submit(context.Context, []Record) ([]string, error) {
	return nil, fmt.Errorf("exchange: ncmec: records are submitted by the exchange's own tools: %w", ErrNoSuchKind)
}
