package summary

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rematch-go/rematch/match/record"
)

// Statement is what a record can say of a statement of reasons under Article 17 of Regulation (EU)
// 2022/2065, in the names and values of the Commission's transparency database. Rest has what the
// platform must add. Statements there are public: there are no names of entries, lists or people in it.
type Statement struct {
	PUID               string   `json:"puid"`
	ContentType        []string `json:"content_type,omitempty"`
	ContentDate        string   `json:"content_date,omitempty"` // where the record says when the upload was received
	DecisionFacts      string   `json:"decision_facts"`
	SourceType         string   `json:"source_type"`
	AutomatedDetection string   `json:"automated_detection"`
	AutomatedDecision  string   `json:"automated_decision"`
}

// Values of a Statement.
const (
	SourceVoluntary    = "SOURCE_VOLUNTARY" // found by the platform's own means
	AutomatedYes       = "Yes"
	AutomatedFully     = "AUTOMATED_DECISION_FULLY"     // no person decided
	AutomatedPartially = "AUTOMATED_DECISION_PARTIALLY" // a person decided of what was found
)

// Rest are the fields of a statement of reasons that no record can know, each with what it is;
// those that are required come first.
func Rest() [][2]string {
	return [][2]string{
		{"decision_visibility, decision_monetary, decision_provision, decision_account", "required, at least one: what was done, such as DECISION_VISIBILITY_CONTENT_REMOVED"},
		{"decision_ground", "required: DECISION_GROUND_ILLEGAL_CONTENT or DECISION_GROUND_INCOMPATIBLE_CONTENT"},
		{"illegal_content_legal_ground, illegal_content_explanation", "required for illegal content: the law, and why"},
		{"incompatible_content_ground, incompatible_content_explanation, incompatible_content_illegal", "required for incompatible content: the clause, why, and whether it is illegal too, Yes or No"},
		{"category", "required: such as STATEMENT_CATEGORY_PROTECTION_OF_MINORS"},
		{"content_type", "required where a record does not have it: the upload was not recognised"},
		{"content_date", "required where a record does not have it: when the content was published, YYYY-MM-DD"},
		{"application_date", "required: when what was done began, YYYY-MM-DD"},
		{"source_type, source_identity", "required: other than SOURCE_VOLUNTARY if a notice led to it"},
		{"category_addition, category_specification", "optional: further categories, and such as KEYWORD_TERRORIST_CONTENT"},
		{"decision_ground_reference_url, territorial_scope, content_language, content_id, account_type", "optional"},
		{"end_date_visibility_restriction, end_date_monetary_restriction, end_date_service_restriction, end_date_account_restriction", "optional: until when, YYYY-MM-DD"},
	}
}

var puid = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,500}$`)

// NewStatement makes the statement of a record whose upload was confirmed to be known content; ok
// is false for others, of which nothing was restricted, or not yet. The puid is the record's ID.
func NewStatement(r *record.Record) (s Statement, ok bool) {
	if r.Class() != record.Matched || r.Status() != record.Confirmed {
		return s, false
	}
	s = Statement{PUID: r.ID, SourceType: SourceVoluntary, AutomatedDetection: AutomatedYes, AutomatedDecision: AutomatedFully}
	if !puid.MatchString(s.PUID) {
		s.PUID = record.ID(r.ID, r.ScreenedAt)
	}
	if c := contentType(r.Upload.Class); c != "" {
		s.ContentType = []string{c}
	}
	if !r.Upload.ReceivedAt.IsZero() {
		s.ContentDate = r.Upload.ReceivedAt.UTC().Format(time.DateOnly)
	}
	var facts []string
	var decision *record.Decision // that counts: one of a person, or else the last
	for i := range r.Matches {
		m := &r.Matches[i]
		if m.SuppressedBy != "" || r.StatusOf(m) != record.Confirmed {
			continue
		}
		if _, d := decisions(r, m); decision == nil || byPerson(d) || !byPerson(decision) {
			decision = d
		}
		fact := fmt.Sprintf("its %s hash differs from a known one in %d bits, where up to %d are taken for the same content", m.Evidence.Kind, m.Evidence.Distance, m.Evidence.Threshold)
		if slices.Contains([]string{"md5", "sha1", "sha256"}, m.Evidence.Kind) {
			fact = fmt.Sprintf("its %s digest is that of a known file", m.Evidence.Kind)
		}
		if !slices.Contains(facts, fact) && len(facts) < 10 { // 5000 characters are allowed
			facts = append(facts, fact)
		}
	}
	if decision == nil { // a record that Check refuses: it matched, and there are no matches
		return Statement{}, false
	}
	decided := "An automated process confirmed it"
	if byPerson(decision) {
		s.AutomatedDecision, decided = AutomatedPartially, "A person confirmed it"
	}
	decided += " on " + decision.At.UTC().Format(time.DateOnly)
	s.DecisionFacts = fmt.Sprintf("On %s an automated comparison with hashes of known content found that the upload is such content: %s. %s.", r.ScreenedAt.UTC().Format(time.DateOnly), strings.Join(facts, "; "), decided)
	return s, true
}
