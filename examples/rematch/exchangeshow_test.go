package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/store"
)

// What was not pulled to the end for long, or never, is said to be overdue.
func TestOverdue(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		age  time.Duration // below 0: never
		text string
		want bool
	}{
		{-1, "never pulled to the end, overdue", true},
		{time.Second, "pulled 2026-03-02T11:59:59Z (1 second ago)", false},
		{5 * time.Minute, "pulled 2026-03-02T11:55:00Z (5 minutes ago)", false},
		{24 * time.Hour, "pulled 2026-03-01T12:00:00Z (24 hours ago)", false},
		{24*time.Hour + 1, "pulled 2026-03-01T11:59:59Z (24 hours ago), overdue, failed since", true},
		{50 * time.Hour, "pulled 2026-02-28T10:00:00Z (2 days ago), overdue", true},
	} {
		status := store.ExchangeStatus{Exchange: store.Exchange{Name: "gifct", Protocol: "list", Bank: "b"}}
		if x.age >= 0 {
			status.Pulled = now.Add(-x.age)
		}
		if x.age == 24*time.Hour+1 {
			status.Err = "down"
		}
		var out bytes.Buffer
		require.NoError(t, (&app{stdout: &out}).printExchangeAt(&status, now))
		assert.Equal(t, "gifct: list, bank b, 0 entries, "+x.text+"\n", out.String())
		out.Reset()
		require.NoError(t, (&app{stdout: &out, json: true}).printExchangeAt(&status, now))
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		assert.Equal(t, x.want, line["overdue"])
		if x.age < 0 {
			assert.NotContains(t, line, "pulled_age_seconds")
		} else {
			assert.Equal(t, float64(x.age/time.Second), line["pulled_age_seconds"])
		}
	}
}
