package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

const formMedia = "application/x-www-form-urlencoded"

// Send reacts to what others have said of a record, its descriptors: HELPFUL, SAW_THIS_TOO, or for Disagree
// NON_MALICIOUS or the Reason, which is then DISAGREE_WITH_TAGS or NOT_HELPFUL. Reactions of ours that say the contrary
// are taken back. Tags and Signal are not sent: a reaction has no room for them.
func (s *threatSource) Send(ctx context.Context, f Feedback) error {
	add, remove, err := threatReactions(f)
	if err != nil {
		return err
	}
	if !decimalDigits.MatchString(f.ID) {
		return fmt.Errorf("exchange: threatexchange: %.40q: %w", f.ID, ErrNoSuchRecord)
	}
	descriptors, err := s.descriptors(ctx, f.ID)
	if err != nil {
		return err
	}
	for _, d := range descriptors {
		if string(d.Owner.ID) == s.app {
			continue // our own opinion is in it already
		}
		if !decimalDigits.MatchString(string(d.ID)) { // it becomes a path
			return fmt.Errorf("exchange: threatexchange: a descriptor of %s is called %.40q: %w", f.ID, string(d.ID), ErrPage)
		}
		form := url.Values{}
		if add != "" && !slices.Contains(d.Mine, add) {
			form.Set("reactions", add)
		}
		taken := remove
		if d.Mine != nil { // it tells what is to be taken back
			taken = slices.DeleteFunc(slices.Clone(remove), func(r string) bool { return !slices.Contains(d.Mine, r) })
		} else if f.Says != Retract {
			taken = nil
		}
		if len(taken) > 0 {
			form.Set("reactions_to_remove", strings.Join(taken, ","))
		}
		if len(form) == 0 {
			continue
		}
		if _, err := s.post(ctx, string(d.ID), form, true); err != nil {
			return err
		}
	}
	return nil
}

// threatReactions are the reaction that says it, and those that would contradict it.
func threatReactions(f Feedback) (add string, remove []string, err error) {
	negative := []string{"NON_MALICIOUS", "DISAGREE_WITH_TAGS", "NOT_HELPFUL"}
	switch f.Says {
	case Helpful:
		return "HELPFUL", negative, nil
	case Disagree:
		add = cmp.Or(strings.ToUpper(f.Reason), "NON_MALICIOUS")
		if !slices.Contains(negative, add) {
			return "", nil, fmt.Errorf("exchange: threatexchange: %.40q is not one of %s: %w", f.Reason, strings.Join(negative, ", "), ErrReason)
		}
		return add, append(slices.DeleteFunc(negative, func(r string) bool { return r == add }), "HELPFUL"), nil
	case Seen:
		return "SAW_THIS_TOO", nil, nil
	case Retract:
		return "", append(negative, "HELPFUL", "SAW_THIS_TOO"), nil
	}
	return "", nil, fmt.Errorf("exchange: threatexchange: %.40q: %w", f.Says, ErrNoSuchVote)
}

// threatTarget is a descriptor that can be reacted to.
type threatTarget struct {
	ID    scalar `json:"id"`
	Owner struct {
		ID scalar `json:"id"`
	} `json:"owner"`
	Mine threatReacted `json:"my_reactions"` // ours; nil: it does not tell
}

// threatReacted are reactions, as texts or as {"key": ...}.
type threatReacted []string

func (t *threatReacted) UnmarshalJSON(b []byte) error {
	var texts []string
	if json.Unmarshal(b, &texts) == nil {
		*t = texts
		return nil
	}
	var all []struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil // of another shape: it does not tell
	}
	*t = threatReacted{}
	for _, one := range all {
		*t = append(*t, one.Key)
	}
	return nil
}

// descriptors are those of a record. What has none is a descriptor itself, such as Submit returns.
func (s *threatSource) descriptors(ctx context.Context, id string) ([]threatTarget, error) {
	a, err := s.ask(ctx, request{path: id + "/descriptors", query: url.Values{"fields": {"id,owner{id},my_reactions"}, "limit": {"100"}}, record: true})
	if errors.Is(err, ErrNoSuchRecord) || errors.Is(err, ErrRefused) {
		return []threatTarget{{ID: scalar(id)}}, nil
	}
	if err != nil {
		return nil, err
	}
	var edge struct {
		Data []threatTarget `json:"data"`
	}
	if err := json.Unmarshal(a.body, &edge); err != nil {
		return nil, &PageError{Exchange: s.exchange, Page: a.page, Reason: "no JSON object with descriptors", Err: ErrPage}
	}
	if len(edge.Data) == 0 {
		return nil, fmt.Errorf("exchange: threatexchange: %s has no descriptor that we see: %w", id, ErrNoSuchRecord)
	}
	return edge.Data, nil
}

// post sends a form and returns the ID of what came of it.
func (s *threatSource) post(ctx context.Context, path string, form url.Values, record bool) (id string, err error) {
	a, err := s.ask(ctx, request{method: http.MethodPost, path: path, body: []byte(form.Encode()), media: formMedia, record: record, limit: maxShort})
	if err != nil {
		return "", err
	}
	var done struct {
		Success scalar `json:"success"`
		ID      scalar `json:"id"`
	}
	if err := json.Unmarshal(a.body, &done); err != nil {
		return "", &PageError{Exchange: s.exchange, Page: a.page, Reason: "the answer is no JSON object", Err: ErrPage}
	}
	if done.Success == "false" {
		return "", &RequestError{Exchange: s.exchange, Request: a.page, Status: a.status, Reason: "no success", Err: ErrRefused}
	}
	return string(done.ID), nil
}

// Submit makes a descriptor in the group of each hash. Status is what the record's opinions come to, MALICIOUS without
// any; labels become tags. The IDs are descriptors', with commas between those of a record with several
// hashes. What was submitted before is changed to what it is now.
func (s *threatSource) Submit(ctx context.Context, records []Record) (ids []string, err error) {
	for _, r := range records {
		if len(r.Signals) == 0 {
			return nil, fmt.Errorf("exchange: threatexchange: %.80q has no hash: %w", r.ID, ErrNoSuchKind)
		}
		for _, one := range r.Signals {
			if _, err := threatType(one, r.Duration > 0); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range records {
		var made []string
		for _, one := range r.Signals {
			form := s.describe(&r)
			kind, _ := threatType(one, r.Duration > 0)
			form.Set("type", kind)
			form.Set("indicator", one.Value.Hex())
			id, err := s.post(ctx, "threat_descriptors", form, false)
			if err != nil {
				return ids, err
			}
			made = append(made, id)
		}
		ids = append(ids, strings.Join(made, ","))
	}
	return ids, nil
}

// describe is a descriptor's form, but for the hash.
func (s *threatSource) describe(r *Record) url.Values {
	status := "MALICIOUS"
	switch (&match.Curation{Opinions: r.Opinions}).Stance() {
	case match.Negative:
		status = "NON_MALICIOUS"
	case match.Seed, match.Disputed:
		status = "UNKNOWN"
	}
	form := url.Values{
		"description":     {cmp.Or(s.settings["description"], "shared by rematch")},
		"share_level":     {strings.ToUpper(cmp.Or(s.settings["share_level"], "AMBER"))},
		"status":          {status},
		"privacy_type":    {"HAS_PRIVACY_GROUP"},
		"privacy_members": {s.group},
	}
	if len(r.Labels) > 0 {
		form.Set("tags", strings.Join(r.Labels, ","))
	}
	if slices.Contains(severities, r.Origin.Severity) {
		form.Set("severity", r.Origin.Severity)
	}
	if !r.Expires.IsZero() {
		form.Set("expired_on", strconv.FormatInt(r.Expires.Unix(), 10))
	}
	for _, t := range r.Origin.Tags {
		if confidence, ok := strings.CutPrefix(t, "confidence:"); ok {
			form.Set("confidence", confidence)
		}
	}
	return form
}

func threatType(s match.Signal, video bool) (string, error) {
	switch s.Value.Kind() {
	case hash.PDQ:
		return "HASH_PDQ", nil
	case hash.MD5:
		if video {
			return "HASH_VIDEO_MD5", nil
		}
		return "HASH_MD5", nil
	case hash.SHA1:
		return "HASH_SHA1", nil
	case hash.SHA256:
		return "HASH_SHA256", nil
	}
	return "", fmt.Errorf("exchange: threatexchange: %s: %w", s.Value.Kind(), ErrNoSuchKind)
}
