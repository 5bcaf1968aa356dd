package exchange_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// serveDescriptors is the part of ThreatExchange that is written to. Indicator 5000 has three descriptors: 801 and 802 of
// others, of which we have reacted to 802, and 803 of ours.
func serveDescriptors(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/5000/descriptors":
		return []byte(`{"data":[{"id":"801","owner":{"id":"31337"}},{"id":"802","owner":{"id":"31338"},"my_reactions":["DISAGREE_WITH_TAGS","INGESTED"]},{"id":"803","owner":{"id":"1234567890"}}]}`)
	case r.Method == http.MethodGet:
		http.Error(w, `{"error":{"code":100,"error_subcode":33}}`, http.StatusBadRequest)
		return nil
	}
	var b bytes.Buffer
	_, err := b.ReadFrom(r.Body)
	require.NoError(c.t, err)
	form, err := url.ParseQuery(b.String())
	require.NoError(c.t, err)
	c.sent = append(c.sent, r.URL.Path+" "+form.Encode())
	if r.URL.Path == "/404" {
		http.Error(w, `{"error":{"code":100,"error_subcode":33}}`, http.StatusBadRequest)
		return nil
	}
	return fmt.Appendf(nil, `{"success":true,"id":"%d"}`, 900+len(c.sent))
}

// serveVotes is the part of NCMEC that is written to. Entries have an MD5 and a PDQ, and no SHA1.
func serveVotes(c *consortium, w http.ResponseWriter, r *http.Request) []byte {
	if strings.HasSuffix(r.URL.Path, "/reasons") {
		body := `<?xml version="1.0"?><availableFeedbackReasons xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><reason guid="aaaaaaaa-0000-0000-0000-000000000001" name="Bad hash" type="x"/>`
		if strings.Contains(r.URL.Path, "/PDQ/") {
			body += `<reason guid="aaaaaaaa-0000-0000-0000-000000000002" name="Wrong class" type="x"/>`
		}
		return []byte(body + "</availableFeedbackReasons>")
	}
	if strings.Contains(r.URL.Path, "/SHA1/") || strings.Contains(r.URL.Path, "/missing/") {
		http.NotFound(w, r)
		return nil
	}
	assert.Equal(c.t, http.MethodPut, r.Method)
	assert.Contains(c.t, r.Header.Get("Content-Type"), "application/xml")
	var b bytes.Buffer
	_, err := b.ReadFrom(r.Body)
	require.NoError(c.t, err)
	c.sent = append(c.sent, r.URL.Path+" "+b.String())
	return []byte("<submissionResult/>")
}

func TestThreatExchangeSends(t *testing.T) {
	for _, test := range []struct {
		f    exchange.Feedback
		want []string
		err  error
	}{
		{exchange.Feedback{ID: "5000", Says: exchange.Helpful}, []string{"/801 reactions=HELPFUL", "/802 reactions=HELPFUL&reactions_to_remove=DISAGREE_WITH_TAGS"}, nil},
		{exchange.Feedback{ID: "5000", Says: exchange.Disagree}, []string{"/801 reactions=NON_MALICIOUS", "/802 reactions=NON_MALICIOUS&reactions_to_remove=DISAGREE_WITH_TAGS"}, nil},
		{exchange.Feedback{ID: "5000", Says: exchange.Disagree, Reason: "disagree_with_tags"}, []string{"/801 reactions=DISAGREE_WITH_TAGS"}, nil},
		{exchange.Feedback{ID: "5000", Says: exchange.Disagree, Reason: "INGESTED"}, nil, exchange.ErrReason},
		{exchange.Feedback{ID: "5000", Says: exchange.Seen}, []string{"/801 reactions=SAW_THIS_TOO", "/802 reactions=SAW_THIS_TOO"}, nil},
		{exchange.Feedback{ID: "5000", Says: exchange.Retract}, []string{"/801 reactions_to_remove=NON_MALICIOUS%2CDISAGREE_WITH_TAGS%2CNOT_HELPFUL%2CHELPFUL%2CSAW_THIS_TOO", "/802 reactions_to_remove=DISAGREE_WITH_TAGS"}, nil},
		{exchange.Feedback{ID: "901", Says: exchange.Seen}, []string{"/901 reactions=SAW_THIS_TOO"}, nil}, // a descriptor's own ID
		{exchange.Feedback{ID: "404", Says: exchange.Seen}, []string{"/404 reactions=SAW_THIS_TOO"}, exchange.ErrNoSuchRecord},
		{exchange.Feedback{ID: "../me", Says: exchange.Seen}, nil, exchange.ErrNoSuchRecord},
		{exchange.Feedback{ID: "5000", Says: "meh"}, nil, exchange.ErrNoSuchVote},
	} {
		c := newConsortium(t, wireOf(t, "threatexchange"), 0)
		err := c.open().(exchange.Sink).Send(context.Background(), test.f)
		require.ErrorIs(t, err, test.err)
		assert.Equal(t, test.want, c.sent, test.f)
	}
}

func TestThreatExchangeSubmits(t *testing.T) {
	c := newConsortium(t, wireOf(t, "threatexchange"), 0)
	p, err := hash.ParseHex(hash.PDQ, pdq(1))
	require.NoError(t, err)
	m, err := hash.Parse("md5:9dd4e461268c8034f5c8564e155c67a6")
	require.NoError(t, err)
	sink := c.open().(exchange.Sink)
	ids, err := sink.Submit(context.Background(), []exchange.Record{
		{ID: "a", Signals: []match.Signal{{Value: p}, {Value: m}}, Labels: []string{"group:x", "y"}, Origin: match.Origin{Severity: "SEVERE", Tags: []string{"confidence:80"}}},
		{ID: "b", Signals: []match.Signal{{Value: p}}, Opinions: []match.Opinion{{By: "us", Says: match.Negative}}},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"901,902", "903"}, ids)
	common := "privacy_members=700123&privacy_type=HAS_PRIVACY_GROUP"
	assert.Equal(t, []string{
		"/threat_descriptors confidence=80&description=shared+by+rematch&indicator=" + pdq(1) + "&" + common + "&severity=SEVERE&share_level=AMBER&status=MALICIOUS&tags=group%3Ax%2Cy&type=HASH_PDQ",
		"/threat_descriptors confidence=80&description=shared+by+rematch&indicator=9dd4e461268c8034f5c8564e155c67a6&" + common + "&severity=SEVERE&share_level=AMBER&status=MALICIOUS&tags=group%3Ax%2Cy&type=HASH_MD5",
		"/threat_descriptors description=shared+by+rematch&indicator=" + pdq(1) + "&" + common + "&share_level=AMBER&status=NON_MALICIOUS&type=HASH_PDQ",
	}, c.sent)
	d, err := hash.Parse("dhash:0011223344556677")
	require.NoError(t, err)
	for _, r := range []exchange.Record{{ID: "c", Signals: []match.Signal{{Value: p}, {Value: d}}}, {ID: "d"}} {
		_, err = sink.Submit(context.Background(), []exchange.Record{r})
		require.ErrorIs(t, err, exchange.ErrNoSuchKind)
	}
	assert.Len(t, c.sent, 3, "nothing is sent of what can't all be sent")
}

func TestNCMECVotes(t *testing.T) {
	pdqSignal, md5 := &match.Signal{}, &match.Signal{}
	var err error
	pdqSignal.Value, err = hash.ParseHex(hash.PDQ, pdq(1))
	require.NoError(t, err)
	md5.Value, err = hash.Parse("md5:9dd4e461268c8034f5c8564e155c67a6")
	require.NoError(t, err)
	vote := func(kind, inner string) string {
		return "/v2/entries/42/a b/" + kind + `/feedback <feedbackSubmission xmlns="https://hashsharing.ncmec.org/hashsharing/v2">` + inner + "</feedbackSubmission>"
	}
	yes := "<affirmative></affirmative>"
	no := func(guid string) string {
		return "<negative><reasonIds><guid>aaaaaaaa-0000-0000-0000-00000000000" + guid + "</guid></reasonIds></negative>"
	}
	for _, test := range []struct {
		f    exchange.Feedback
		want []string
		err  error
	}{
		{exchange.Feedback{ID: "42-a b", Says: exchange.Helpful, Signal: md5}, []string{vote("MD5", yes)}, nil},
		{exchange.Feedback{ID: "42-a b", Says: exchange.Helpful}, []string{vote("MD5", yes), vote("PDQ", yes)}, nil},
		{exchange.Feedback{ID: "42-a b", Says: exchange.Disagree, Signal: md5}, []string{vote("MD5", no("1"))}, nil}, // there is but one reason
		{exchange.Feedback{ID: "42-a b", Says: exchange.Disagree, Signal: pdqSignal, Reason: "wrong CLASS"}, []string{vote("PDQ", no("2"))}, nil},
		{exchange.Feedback{ID: "42-a b", Says: exchange.Disagree, Signal: pdqSignal, Reason: "AAAAAAAA-0000-0000-0000-000000000001"}, []string{vote("PDQ", no("1"))}, nil},
		{exchange.Feedback{ID: "42-a b", Says: exchange.Disagree, Signal: pdqSignal}, nil, exchange.ErrReason},
		{exchange.Feedback{ID: "42-missing", Says: exchange.Helpful}, nil, exchange.ErrNoSuchRecord},
		{exchange.Feedback{ID: "42-a b", Says: exchange.Seen}, nil, exchange.ErrNoSuchVote},
		{exchange.Feedback{ID: "42-a b", Says: exchange.Retract}, nil, exchange.ErrNoSuchVote},
		{exchange.Feedback{ID: "x-1", Says: exchange.Helpful}, nil, exchange.ErrNoSuchRecord},
		{exchange.Feedback{ID: "42", Says: exchange.Helpful}, nil, exchange.ErrNoSuchRecord},
	} {
		c := newConsortium(t, wireOf(t, "ncmec"), 0)
		err := c.open().(exchange.Sink).Send(context.Background(), test.f)
		require.ErrorIs(t, err, test.err)
		assert.Equal(t, test.want, c.sent, test.f)
		if test.err == exchange.ErrReason {
			assert.Contains(t, err.Error(), "Wrong class")
		}
	}
	_, err = newConsortium(t, wireOf(t, "ncmec"), 0).open().(exchange.Sink).Submit(context.Background(), nil)
	require.ErrorIs(t, err, exchange.ErrNoSuchKind)
}

func TestStopNCIIFeedback(t *testing.T) {
	c := newConsortium(t, wireOf(t, "stopncii"), 0)
	c.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("x-functions-key") != "feedbackkey" {
			return false
		}
		r.Header.Set("x-functions-key", "functionkey0001")
		return false
	}
	sink := c.open(func(config *exchange.Config) {
		config.Credentials = exchange.NewCredentials("functionkey0001,subscriptionkey0002,SubmitFeedback=feedbackkey")
	}).(exchange.Sink)
	words := map[exchange.Vote]string{exchange.Helpful: "Blocked", exchange.Disagree: "NotBlocked", exchange.Seen: "PendingReview", exchange.Retract: "None"}
	for says, word := range words {
		c.sent = nil
		require.NoError(t, sink.Send(context.Background(), exchange.Feedback{ID: "ImagePDQ:" + pdq(1), Says: says, Tags: []string{"Nude"}}))
		require.Len(t, c.sent, 1)
		path, body, _ := strings.Cut(c.sent[0], " ")
		assert.Equal(t, "/SubmitFeedback", path)
		assert.JSONEq(t, fmt.Sprintf(`{"count":1,"hashFeedbacks":[{"hashValue":%q,"feedbackValue":%q,"tags":["Nude"]}]}`, pdq(1), word), body)
	}
	require.ErrorIs(t, sink.Send(context.Background(), exchange.Feedback{ID: "ImagePDQ:" + pdq(1), Says: "meh"}), exchange.ErrNoSuchVote)
	require.ErrorIs(t, sink.Send(context.Background(), exchange.Feedback{ID: "nothing", Says: exchange.Seen}), exchange.ErrNoSuchRecord)
	_, err := sink.Submit(context.Background(), []exchange.Record{{ID: "x"}})
	require.ErrorIs(t, err, exchange.ErrNoSuchKind)

	// What is submitted says what we say of it.
	c.sent = nil
	for says, word := range map[match.Stance]string{match.Positive: "Blocked", match.Negative: "NotBlocked", match.Seed: "PendingReview"} {
		v, err := hash.Parse("pdq:" + pdq(1))
		require.NoError(t, err)
		_, err = sink.Submit(context.Background(), []exchange.Record{{ID: "x", Signals: []match.Signal{{Value: v}}, Opinions: []match.Opinion{{By: "us", Says: says}}}})
		require.NoError(t, err)
		assert.Contains(t, c.sent[len(c.sent)-1], fmt.Sprintf(`"feedbackValue":%q`, word))
	}
}

// What is sent is tried again like what is read.
func TestSendsAreTriedAgain(t *testing.T) {
	for protocol, id := range map[string]string{"threatexchange": "5000", "ncmec": "42-x", "stopncii": "ImagePDQ:" + pdq(1)} {
		c := newConsortium(t, wireOf(t, protocol), 0)
		c.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n%3 != 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			return false
		}
		require.NoError(t, c.open().(exchange.Sink).Send(context.Background(), exchange.Feedback{ID: id, Says: exchange.Helpful}), protocol)
		assert.NotEmpty(t, c.sent)
	}
}
