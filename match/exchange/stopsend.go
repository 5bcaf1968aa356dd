package exchange

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/match"
)

// stopBatch is how many hashes are sent at once.
const stopBatch = 100

// stopVotes are the exchange's words.
var stopVotes = map[Vote]string{Helpful: "Blocked", Disagree: "NotBlocked", Seen: "PendingReview", Retract: "None"}

// Send gives feedback on a hash. Reason and Signal are not sent: there is no room for them.
func (s *stopSource) Send(ctx context.Context, f Feedback) error {
	word, ok := stopVotes[f.Says]
	if !ok {
		return fmt.Errorf("exchange: stopncii: %.40q: %w", f.Says, ErrNoSuchVote)
	}
	_, value, ok := strings.Cut(f.ID, ":")
	if !ok || value == "" || strings.HasPrefix(value, "sha256-") {
		return fmt.Errorf("exchange: stopncii: %.80q: %w", f.ID, ErrNoSuchRecord)
	}
	type feedback struct {
		HashValue string   `json:"hashValue"`
		Value     string   `json:"feedbackValue"`
		Tags      []string `json:"tags"`
	}
	return s.post(ctx, "SubmitFeedback", map[string]any{"count": 1, "hashFeedbacks": []feedback{{value, word, append([]string{}, f.Tags...)}}})
}

// stopValue is what the opinions of a record come to, in the exchange's words.
func stopValue(r *Record) string {
	switch (&match.Curation{Opinions: r.Opinions}).Stance() {
	case match.Negative:
		return "NotBlocked"
	case match.Seed, match.Disputed:
		return "PendingReview"
	}
	return "Blocked"
}

// Submit shares hashes with what the record's opinions come to, Blocked without any, and their labels as tags. Their IDs there are their types and values.
func (s *stopSource) Submit(ctx context.Context, records []Record) (ids []string, err error) {
	type feedback struct {
		Tags  []string `json:"tags"`
		Value string   `json:"feedbackValue"`
	}
	type submission struct {
		LastMod   int64      `json:"lastModtimestamp"`
		Type      string     `json:"signalType"`
		Value     string     `json:"hashValue"`
		Feedbacks []feedback `json:"CSPFeedbacks"`
	}
	var all []submission
	for _, r := range records {
		var made []string
		for _, one := range r.Signals {
			kind := ""
			for _, name := range sortedKeys(stopTypes) {
				if stopTypes[name] == one.Value.Kind() {
					kind = name
				}
			}
			if kind == "" {
				return nil, fmt.Errorf("exchange: stopncii: %s: %w", one.Value.Kind(), ErrNoSuchKind)
			}
			all = append(all, submission{unix(s.now()), kind, one.Value.Hex(), []feedback{{append([]string{}, r.Labels...), stopValue(&r)}}})
			made = append(made, valueID(kind, one.Value.Hex(), true))
		}
		if len(made) == 0 {
			return nil, fmt.Errorf("exchange: stopncii: %.80q has no hash: %w", r.ID, ErrNoSuchKind)
		}
		ids = append(ids, strings.Join(made, ","))
	}
	for batch := range slices.Chunk(all, stopBatch) {
		if err := s.post(ctx, "SubmitHashes", map[string]any{"count": len(batch), "hashRecords": batch}); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func (s *stopSource) post(ctx context.Context, function string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("exchange: stopncii: %w", err)
	}
	_, err = s.ask(ctx, request{method: http.MethodPost, path: function, body: b, media: "application/json", record: true, limit: maxShort})
	return err
}
