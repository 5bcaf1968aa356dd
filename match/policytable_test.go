package match_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// What becomes of what matches, for curators to read.
//
// The first column is what is said of the entry; the others, whether it is in quarantine, and
// whether its bank is rolled out to the upload: "no" is a bank in shadow, or one at 50 per cent
// for an upload that is in the other half. Beside that:
//
//   - What is disabled, for good or until a date that is to come, by its own switch or its
//     bank's, and what has expired, is ignored, whatever the table says.
//   - What an allow-list that is for the bank has as well is suppressed: a reported match is
//     listed with the entry that suppresses it and does not count, and a shadowed one also tells it.
const byDefault = `
said of the entry            rolled out   no       quarantine   quarantine, no
nothing                      report       shadow   shadow       shadow
positive                     report       shadow   shadow       shadow
investigation seed           report       shadow   shadow       shadow
negative                     ignore       ignore   ignore       ignore
disputed                     shadow       shadow   shadow       shadow
negative, but confirmed      report       shadow   report       shadow
positive, but deconfirmed    ignore       ignore   ignore       ignore
`

// The same for a bank whose policy is another one: seeds are ignored, disputed entries and those
// in quarantine reported, negative ones shadowed.
const byPolicy = `
said of the entry            rolled out   no       quarantine   quarantine, no
nothing                      report       shadow   report       shadow
positive                     report       shadow   report       shadow
investigation seed           ignore       ignore   ignore       ignore
negative                     shadow       shadow   shadow       shadow
disputed                     report       shadow   report       shadow
negative, but confirmed      report       shadow   report       shadow
positive, but deconfirmed    shadow       shadow   shadow       shadow
`

var (
	now     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	earlier = now.Add(-time.Hour)
	later   = now.Add(time.Hour)
)

func clockAt(at *time.Time) func() time.Time { return func() time.Time { return *at } }

// said are curations by the first column.
func said() map[string]match.Curation {
	yes, no := match.Opinion{By: "a", Says: match.Positive, At: earlier}, match.Opinion{By: "b", Says: match.Negative, At: earlier}
	return map[string]match.Curation{
		"nothing":                   {},
		"positive":                  {Opinions: []match.Opinion{yes}},
		"investigation seed":        {Opinions: []match.Opinion{{By: "c", Says: match.Seed}}},
		"negative":                  {Opinions: []match.Opinion{no}},
		"disputed":                  {Opinions: []match.Opinion{yes, no}},
		"negative, but confirmed":   {Opinions: []match.Opinion{no}, Decision: match.Decision{Stance: match.Positive, By: "us", At: earlier}},
		"positive, but deconfirmed": {Opinions: []match.Opinion{yes}, Decision: match.Decision{Stance: match.Negative, By: "us", At: earlier}},
	}
}

// inHalf returns an upload that is in the half of a bank, or is not. It is told as the
// documentation of RollOut says, not by asking.
func inHalf(bank, key string, in bool) string {
	for i := 0; ; i++ {
		id := fmt.Sprint("upload ", i)
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(bank + "\x00" + id))
		if binary.BigEndian.Uint64(h.Sum(nil))>>63 == 0 == in {
			return id
		}
	}
}

func TestPolicyTable(t *testing.T) {
	policy := match.Policy{Seed: match.Ignore, Negative: match.Shadow, Disputed: match.Report, Quarantined: match.Report}
	t.Run("default", func(t *testing.T) { policyTable(t, byDefault, match.Policy{}) })
	t.Run("policy", func(t *testing.T) { policyTable(t, byPolicy, policy) })
}

func policyTable(t *testing.T, table string, policy match.Policy) {
	r := seeded()
	still, sum, film := random(r, hash.PDQ), random(r, hash.SHA256), moving(r, 2*time.Second)
	frames := film.sampled(half, 0)
	allow := func(name string, of ...string) match.Bank {
		clip := film.entry("programme")
		return match.Bank{Name: name, Allow: true, Suppresses: of, Entries: []match.Entry{picture("still", still), bare(sum), clip}}
	}
	curatedList := func(name string, c match.Curation) match.Bank {
		b := allow(name)
		for i := range b.Entries {
			b.Entries[i].Curation = &c
		}
		return b
	}
	allows := map[string][]match.Bank{
		"": nil, "all/": {allow("all")}, "named/": {allow("named", "known")}, "of another bank": {allow("foreign", "another")},
		"disabled": {func() match.Bank { b := allow("off"); b.Disabled = true; return b }()},
		"shadowed": {func() match.Bank { b := allow("trial"); b.RollOut.Shadow = true; return b }()},
		// What is said of an allow-list's entries, and dates, keep them from suppressing.
		"disputed":    {curatedList("disputed list", said()["disputed"])},
		"deconfirmed": {curatedList("deconfirmed list", said()["positive, but deconfirmed"])},
		"expired":     {curatedList("expired list", match.Curation{Expires: earlier})},
		"confirmed/":  {curatedList("confirmed", said()["negative, but confirmed"])},
	}
	rollOuts := map[string]struct {
		match.RollOut
		upload string
		in     bool
	}{
		"on":           {match.RollOut{}, "any", true},
		"half, in it":  {match.RollOut{Percent: 50}, inHalf("known", "options", true), true},
		"half, out":    {match.RollOut{Percent: 50}, inHalf("known", "options", false), false},
		"own key, in":  {match.RollOut{Percent: 50, Key: "own"}, inHalf("known", "own", true), true},
		"own key, out": {match.RollOut{Percent: 50, Key: "own"}, inHalf("known", "own", false), false},
		"shadow":       {match.RollOut{Shadow: true}, "any", false},
	}
	// Switches and dates: what is changed of the entry, whether the bank is off, and whether it may match.
	switches := map[string]struct {
		edit    func(e *match.Entry)
		bankOff bool
		on      bool
	}{
		"on":                  {func(*match.Entry) {}, false, true},
		"disabled":            {func(e *match.Entry) { e.Disabled = true }, false, false},
		"disabled until then": {func(e *match.Entry) { e.Curation.DisabledUntil = later }, false, false},
		"no more disabled":    {func(e *match.Entry) { e.Curation.DisabledUntil = now }, false, true},
		"expired":             {func(e *match.Entry) { e.Curation.Expires = now }, false, false},
		"to expire":           {func(e *match.Entry) { e.Curation.Expires = later }, false, true},
		"bank disabled":       {func(*match.Entry) {}, true, false},
	}
	rows := 0
	for _, line := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		name := strings.TrimSpace(line[:29])
		cells := strings.Fields(line[29:])
		require.Len(t, cells, 4)
		curation, known := said()[name]
		require.True(t, known, name)
		rows++
		for allowed, banks := range allows {
			// One matcher for all states, as a curator has it; and the known entries three times:
			// a picture, a digest, a video.
			m := newMatcher(t, match.Options{Now: clockAt(&now), RollOutKey: "options"}, append(banks, match.Bank{Name: "known", Policy: policy, Action: "block",
				Entries: []match.Entry{picture("still", still), bare(sum), film.entry("film")}})...)
			lists := strings.Contains(" all/ named/ ", " "+allowed+" ") || allowed == ""
			for switched, s := range switches {
				if !lists && !s.on {
					continue // it would be ignored anyhow
				}
				for rolled, roll := range rollOuts {
					if roll.Key != "" && switched != "on" {
						continue // a key of its own chooses other uploads, and changes nothing else
					}
					for _, held := range []bool{false, true} {
						require.NoError(t, m.EditBank("known", func(b *match.Bank) { b.RollOut, b.Disabled = roll.RollOut, s.bankOff }))
						for _, id := range []string{"still", sum.String(), "film"} {
							require.NoError(t, m.EditEntry("known", id, func(e *match.Entry) {
								e.Disabled, e.Curation = false, curation.Clone()
								if held {
									e.Curation.Quarantine = match.Quarantine{Since: earlier, Count: 100}
								}
								s.edit(e)
							}))
						}
						column := 0
						if !roll.in {
							column++
						}
						if held {
							column += 2
						}
						want := cells[column]
						if !s.on {
							want = "ignore"
						}
						cause := match.ShadowedByRollOut
						switch {
						case cells[0] == "shadow":
							cause = curation.Stance().String()
						case held && cells[2] == "shadow":
							cause = match.ShadowedByQuarantine
						}
						by := func(entry string) string {
							if strings.HasSuffix(allowed, "/") {
								return "*" + allowed + entry
							}
							return ""
						}
						at := fmt.Sprint(name, ", allow-list ", allowed, ", ", switched, ", ", rolled, ", quarantine ", held)
						u := m.Upload(roll.upload)
						p, err := u.ScanPicture([]match.Look{{Value: still, Quality: 90}})
						require.NoError(t, err)
						becomes(t, want, "known/still"+by("still"), p.Matches, p.Shadow, cause, at)
						p, err = u.ScanPicture([]match.Look{{Value: sum, Quality: hash.Unmeasured}})
						require.NoError(t, err)
						becomes(t, want, "known/"+sum.String()+by(sum.String()), p.Matches, p.Shadow, cause, at)
						v, err := u.ScanVideo(frames)
						require.NoError(t, err)
						becomes(t, want, "known/film"+by("programme"), v.Matches, v.Shadow, cause, at)
					}
				}
			}
		}
	}
	require.Equal(t, len(said()), rows)
}

// becomes checks what became of a match, and what a shadowed one is so for.
func becomes(t *testing.T, want, name string, matches, shadow []match.Match, cause, at string) {
	t.Helper()
	reported, shadowed := []string{}, []string{}
	switch want {
	case "report":
		reported = []string{name}
	case "shadow":
		shadowed = []string{name}
	default:
		require.Equal(t, "ignore", want)
	}
	require.Equal(t, reported, names(matches), at)
	require.Equal(t, shadowed, names(shadow), at)
	for _, m := range matches {
		require.Empty(t, m.ShadowedBy, at)
		require.Equal(t, "block", m.Action)
	}
	for _, m := range shadow {
		require.Equal(t, cause, m.ShadowedBy, at)
	}
}
