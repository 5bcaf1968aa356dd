package summary_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/summary"
)

// The fields of a statement of reasons and the values that we give them, as the rules of the
// transparency database have them (field notes, section 16.1: StatementStoreRequest).
var (
	statementRequired = []string{"decision_visibility", "decision_monetary", "decision_provision", "decision_account", "decision_ground", "category", "content_type", "content_date", "application_date",
		"decision_facts", "source_type", "automated_detection", "automated_decision", "puid"}
	statementConditional = []string{"illegal_content_legal_ground", "illegal_content_explanation", "incompatible_content_ground", "incompatible_content_explanation", "incompatible_content_illegal", "source_identity"}
	statementOptional    = []string{"decision_ground_reference_url", "category_addition", "category_specification", "territorial_scope", "content_language", "content_id", "account_type", "end_date_visibility_restriction",
		"end_date_monetary_restriction", "end_date_service_restriction", "end_date_account_restriction"}
	statementValues = map[string][]string{
		"content_type": {"CONTENT_TYPE_IMAGE", "CONTENT_TYPE_VIDEO", "CONTENT_TYPE_AUDIO", "CONTENT_TYPE_TEXT", "CONTENT_TYPE_SYNTHETIC_MEDIA", "CONTENT_TYPE_APP", "CONTENT_TYPE_PRODUCT",
			"CONTENT_TYPE_OTHER"},
		"source_type":         {"SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER", "SOURCE_TYPE_OTHER_NOTIFICATION", "SOURCE_VOLUNTARY"},
		"automated_detection": {"Yes", "No"},
		"automated_decision":  {"AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_PARTIALLY", "AUTOMATED_DECISION_NOT_AUTOMATED"},
	}
)

// A statement has only fields that there are, and values that they may have; with what Rest lists,
// it has all that there are.
func TestStatements(t *testing.T) {
	gone := known("a", "secret entry", "md5", &shared{"secret exchange", "secret member", 0})
	gone.SuppressedBy = "news/x"
	digest := known("b", "e", "sha256", nil)
	digest.Evidence.Distance, digest.Evidence.Threshold = 0, 0
	exact := known("c", "e", "pdq", nil)
	exact.Evidence.Distance, exact.Evidence.Threshold = 0, 0
	received := screened("u", h, "animation", known("secret bank", "e", "pdq", nil), digest, exact, gone)
	received.Upload.ReceivedAt = day.Add(-time.Hour)
	odd := screened("what / an id", h, "", known("b", "e", "pdq", nil))
	var many []record.Match
	for i := range 3000 {
		m := known("b", "e", "pdq", nil)
		m.Evidence.Distance = i
		many = append(many, m)
	}
	automated := make(map[string]bool)
	for _, r := range []*record.Record{
		decided(screened("u-1_A", h, "still", known("b", "e", "pdq", nil)), h, "reviewer", record.Confirmed, ""),
		decided(received, h, "system", record.Confirmed, ""),
		decided(odd, h, "authority", record.Confirmed, "b"),
		decided(screened("long", h, "video", many...), h, "api_key", record.Confirmed, ""),
	} {
		s, ok := summary.NewStatement(r)
		require.True(t, ok)
		doc, err := json.Marshal(s)
		require.NoError(t, err)
		assert.NotContains(t, string(doc), "secret", "statements are public")
		var fields map[string]any
		require.NoError(t, json.Unmarshal(doc, &fields))
		for name, value := range fields {
			require.Contains(t, slices.Concat(statementRequired, statementConditional, statementOptional), name)
			values, _ := value.([]any)
			if text, is := value.(string); is {
				values = []any{text}
			}
			for _, v := range values {
				if allowed := statementValues[name]; allowed != nil {
					assert.Contains(t, allowed, v)
				}
			}
		}
		rest := ""
		for _, x := range summary.Rest() {
			rest += x[0] + ", "
			if strings.HasPrefix(x[1], "required: ") {
				assert.NotContains(t, fields, x[0])
			}
		}
		for _, name := range slices.Concat(statementRequired, statementConditional, statementOptional) {
			_, given := fields[name]
			assert.True(t, given || strings.Contains(", "+rest, ", "+name+", "), "nobody has %s", name)
		}
		assert.Regexp(t, `^[a-zA-Z0-9-_]{1,500}$`, s.PUID)
		assert.LessOrEqual(t, len(s.DecisionFacts), 5000)
		assert.Contains(t, s.DecisionFacts, "On 2026-03-01 an automated comparison")
		automated[s.AutomatedDecision] = true
	}
	assert.Len(t, automated, 2)

	s, _ := summary.NewStatement(received)
	assert.Equal(t, summary.Statement{PUID: "u", ContentType: []string{"CONTENT_TYPE_VIDEO"}, ContentDate: "2026-02-28", SourceType: "SOURCE_VOLUNTARY", AutomatedDetection: "Yes",
		AutomatedDecision: "AUTOMATED_DECISION_FULLY",
		DecisionFacts:     "On 2026-03-01 an automated comparison with hashes of known content found that the upload is such content: its pdq hash differs from a known one in 4 bits, where up to 31 are taken for the same content; its sha256 digest is that of a known file; its pdq hash differs from a known one in 0 bits, where up to 0 are taken for the same content. An automated process confirmed it on 2026-03-01."}, s)

	empty := decided(screened("u", h, "still"), h, "reviewer", record.Confirmed, "")
	empty.Outcome = record.OutcomeMatch
	for _, r := range []*record.Record{
		empty, // it does not hold together
		screened("u", h, "still", known("b", "e", "pdq", nil)),
		decided(screened("u", h, "still", known("b", "e", "pdq", nil)), h, "reviewer", record.Overturned, ""),
		decided(screened("u", h, "still", gone), h, "reviewer", record.Confirmed, ""),
		decided(screened("u", h, "still"), h, "reviewer", record.Confirmed, ""),
	} {
		_, ok := summary.NewStatement(r)
		assert.False(t, ok, "nothing was restricted")
	}
}

// The counts of the DSA's report, by the sections that the templates have (field notes, section
// 16.2), with the figures of the fixture; a figure that is not known has no value.
func TestDSA(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, fixture(t).WriteDSA(&b))
	lines, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, []string{"section", "article", "indicator", "scope", "content_type", "source_type", "from", "to", "value", "low", "high", "note"}, lines[0])
	got := make(map[string]string)
	for _, l := range lines[1:] {
		assert.Contains(t, map[string]string{"1.4": "15(1)(c)", "1.6": "15(1)(e)"}, l[0])
		assert.Contains(t, statementValues["source_type"], l[5])
		if l[4] != "" {
			assert.Contains(t, statementValues["content_type"], l[4])
		}
		got[l[0]+" "+l[2]+" "+l[3]+" "+l[4]] = strings.Join(l[8:11], " ")
	}
	for name, want := range map[string]string{
		"1.4 items detected solely by automated means all ":                             "7  ", // of one there is no record
		"1.4 items confirmed all ":                                                      "3  ",
		"1.6 items decided solely by automated means all ":                              "1  ",
		"1.6 median seconds from detection to decision all ":                            "1200  ",
		"1.6 decisions all ":                                                            "4  ",
		"1.6 decisions reversed all ":                                                   "1  ",
		"1.6 error rate of automated means all ":                                        "0.25  ",
		"1.6 error rate of automated means among reviewed items all ":                   "0.333333 0.061492 0.79234",
		"1.6 error rate of automated means all CONTENT_TYPE_VIDEO":                      "1  ",
		"1.6 error rate of automated means among reviewed items all CONTENT_TYPE_VIDEO": "1 0.206549 1",
		"1.4 items detected solely by automated means list:terror ":                     "6  ",
		"1.6 error rate of automated means list:csam ":                                  "1  ",
		"1.6 error rate of automated means signal_type:pdq ":                            "0.25  ",
		"1.4 items detected solely by automated means all CONTENT_TYPE_IMAGE":           "3  ",
		"1.6 median seconds from detection to decision signal_type:md5 ":                "1800  ",
	} {
		assert.Equal(t, want, got[name], name)
	}
}

// The report on terrorist content has a line for each point of Article 7(3) (field notes,
// section 16.3).
func TestTCO(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, fixture(t).WriteTCO(&b))
	lines, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	points := make(map[string]bool)
	values := make(map[string]string)
	for _, l := range lines[1:] {
		points[l[0]] = true
		values[l[1]] = l[4]
	}
	for _, p := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		assert.True(t, points["7(3)("+p+")"], p)
	}
	assert.Equal(t, "1029", values["measures to prevent re-appearance: uploads compared"])
	assert.Equal(t, "7", values["measures to prevent re-appearance: uploads that matched"])
	assert.Equal(t, "20", values["measures to prevent re-appearance: uploads that could not be judged"])
	assert.Equal(t, "3", values["items found by specific measures and confirmed"])
	assert.Equal(t, "1", values["measures to prevent re-appearance: matches overturned by review"])
	assert.Empty(t, values["complaints and their outcome"])
}
