package match_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func TestStance(t *testing.T) {
	say := func(by string, s match.Stance, hours int) match.Opinion {
		return match.Opinion{By: by, Says: s, At: earlier.Add(time.Duration(hours) * time.Hour)}
	}
	mine := say("a", match.Negative, 0)
	mine.Ours = true
	for _, c := range []struct {
		want     match.Stance
		opinions []match.Opinion
	}{
		{match.NoOpinion, nil},
		{match.Seed, []match.Opinion{say("a", match.Seed, 0)}},
		{match.Positive, []match.Opinion{say("a", match.Seed, 0), say("b", match.Positive, 0)}},
		{match.Negative, []match.Opinion{say("a", match.Seed, 0), say("b", match.Negative, 0)}},
		{match.Disputed, []match.Opinion{say("a", match.Negative, 0), say("c", match.Seed, 0), say("b", match.Positive, 0)}},
		{match.Negative, []match.Opinion{say("a", match.Positive, 0), say("a", match.Negative, 1)}},
		{match.Positive, []match.Opinion{say("a", match.Positive, 1), say("a", match.Negative, 0)}},
		{match.Negative, []match.Opinion{say("a", match.Positive, 1), say("a", match.Negative, 1)}},
		{match.Disputed, []match.Opinion{say("a", match.Positive, 1), mine}},
	} {
		curation := match.Curation{Opinions: c.opinions}
		require.Equal(t, c.want, curation.Stance(), "%v", c.opinions)
		curation.Decision.Stance = match.Positive
		require.Equal(t, match.Positive, curation.Stance())
	}
	require.Equal(t, match.NoOpinion, (*match.Curation)(nil).Stance())
	for s := match.NoOpinion; s <= match.Disputed; s++ {
		text, err := s.MarshalText()
		require.NoError(t, err)
		var back match.Stance
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, s, back)
	}
	_, err := match.ParseStance("perhaps")
	require.ErrorIs(t, err, match.ErrInvalid)
	_, err = match.ParseTreatment("perhaps")
	require.ErrorIs(t, err, match.ErrInvalid)
}

// What an exchange sends again takes the place of what it has sent, and nothing of ours.
func TestReceive(t *testing.T) {
	c := &match.Curation{Note: "ours", Decision: match.Decision{Stance: match.Positive}}
	c.Say(match.Opinion{By: "me", Ours: true, Says: match.Negative})
	c.Say(match.Opinion{By: "old", Says: match.Positive})
	from := match.Origin{Exchange: "gifct", ID: "7", Tags: []string{"t"}}
	for range 2 {
		c.Receive(from, match.Opinion{By: "a", Says: match.Seed}, match.Opinion{By: "b", Says: match.Positive, Ours: true})
		require.Equal(t, []match.Opinion{{By: "me", Ours: true, Says: match.Negative}, {By: "a", Says: match.Seed}, {By: "b", Says: match.Positive}}, c.Opinions)
		require.Equal(t, from, c.Origin)
		require.Equal(t, "ours", c.Note)
		require.Equal(t, match.Positive, c.Decision.Stance)
	}
	d := c.Clone()
	d.Receive(from, match.Opinion{By: "b", Says: match.Negative}, match.Opinion{By: "c", Says: match.Seed}, match.Opinion{By: "b", Says: match.Positive}, match.Opinion{By: "a", Says: match.Seed})
	require.Equal(t, append(c.Clone().Opinions, match.Opinion{By: "c", Says: match.Seed}), d.Opinions, "who had an opinion keeps the place, and the last one counts")
	d = c.Clone()
	require.True(t, d.Equal(c))
	d.Origin.Tags[0] = "x"
	require.False(t, d.Equal(c))
	require.True(t, (*match.Curation)(nil).Equal(&match.Curation{}))
	require.False(t, (*match.Curation)(nil).Equal(c))
}

// Whatever makes no sense is refused by a Matcher and a Builder alike.
func TestCurationsThatMakeNoSense(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{picture("a", random(seeded(), hash.PDQ))}})
	for name, spoil := range map[string]func(*match.Curation){
		"long note":     func(c *match.Curation) { c.Note = long },
		"long tag":      func(c *match.Curation) { c.Origin.Tags = []string{long} },
		"year 2300":     func(c *match.Curation) { c.Expires = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) },
		"year 1900":     func(c *match.Curation) { c.DisabledUntil = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC) },
		"decision":      func(c *match.Curation) { c.Decision.Stance = match.Disputed },
		"opinion":       func(c *match.Curation) { c.Opinions[0].Says = match.Disputed },
		"no opinion":    func(c *match.Curation) { c.Opinions[0].Says = match.NoOpinion },
		"opinions":      func(c *match.Curation) { c.Opinions = make([]match.Opinion, 1<<16) },
		"quarantine":    func(c *match.Curation) { c.Quarantine.Count = -1 },
		"since never":   func(c *match.Curation) { c.Quarantine.Since = time.Time{} },
		"opinion's tag": func(c *match.Curation) { c.Opinions[0].Tags = []string{long} },
	} {
		c := curated(1)
		spoil(c)
		e := match.Entry{ID: "e", Curation: c}
		require.ErrorIs(t, m.EditEntry("b", "a", func(e *match.Entry) { e.Curation = c }), match.ErrInvalid, name)
		e.Signals = []match.Signal{{Value: random(seeded(), hash.PDQ)}}
		require.ErrorIs(t, m.AddEntries("b", e), match.ErrInvalid, name)
		require.ErrorIs(t, match.Write(&bytes.Buffer{}, match.Bank{Name: "b", Entries: []match.Entry{e}}), match.ErrInvalid, name)
	}
	for name, b := range map[string]match.Bank{
		"policy":      {Policy: match.Policy{Seed: 4}},
		"percent":     {RollOut: match.RollOut{Percent: 101}},
		"suppresses":  {Suppresses: []string{"other"}},
		"no name":     {Allow: true, Suppresses: []string{""}},
		"long action": {Action: long},
	} {
		b.Name = "bad"
		require.ErrorIs(t, m.Add(b), match.ErrInvalid, name)
		require.ErrorIs(t, m.Apply(match.Change{Op: match.PutBank, Bank: b}), match.ErrInvalid, name)
		require.ErrorIs(t, match.Write(&bytes.Buffer{}, b), match.ErrInvalid, name)
	}
}

// Every byte of a file with a curation and settings is made another one under right checksums.
func TestCurationHostileBytes(t *testing.T) {
	file := encode(t, match.Bank{Name: "b", Allow: true, Suppresses: []string{"x"}, Action: "a", Policy: match.Policy{Seed: match.Shadow},
		RollOut: match.RollOut{Percent: 5, Key: "k"}, Entries: []match.Entry{{ID: "e", Labels: []string{"l"}, Curation: curated(3)}}})
	from := bytes.Index(file, []byte("BANK"))
	require.False(t, hostile(t, file, false))
	refused := 0
	for i := range file[:from] {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			reseal(bad)
			if hostile(t, bad, false) {
				refused++
			}
		}
	}
	require.Greater(t, refused, 300)
}

// Files and logs of the version before are read, and written on in this one.
func TestVersionBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known.bank")
	for _, suffix := range []string{"", ".log"} {
		b, err := os.ReadFile("testdata/version2.bank" + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+suffix, b, 0o600))
	}
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	require.NoError(t, s.Verify())
	banks, err := match.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, banks, 2)
	require.Len(t, banks[0].Entries, 4)

	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	e, ok, err := m.Entry("known", "late")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []string{"y"}, e.Labels)
	require.True(t, e.Disabled)
	_, ok, err = m.Entry("known", "off")
	require.NoError(t, err)
	require.False(t, ok, "it was removed")
	infos := m.Banks()
	require.Equal(t, []string{"added", "harmless", "known"}, []string{infos[0].Name, infos[1].Name, infos[2].Name})
	require.Equal(t, 25, infos[2].Given[hash.PDQ])
	require.NoError(t, m.EditEntry("known", "clip", func(e *match.Entry) { e.Curation = curated(5) }))
	want := contents(t, m)
	require.NoError(t, m.Close())
	for range 2 {
		m, err = match.Open(path, match.Options{})
		require.NoError(t, err)
		require.Equal(t, want, contents(t, m))
		require.NoError(t, m.Save())
		require.NoError(t, m.Close())
	}
}

// An exchange may have as many opinions of an entry as there is room for.
func TestManyOpinions(t *testing.T) {
	var given []match.Opinion
	for i := range math.MaxUint16 {
		given = append(given, match.Opinion{By: strconv.Itoa(i), Says: match.Positive})
	}
	var c match.Curation
	start := time.Now()
	c.Receive(match.Origin{}, append(given, match.Opinion{By: "7", Says: match.Seed})...)
	require.Len(t, c.Opinions, len(given))
	require.Equal(t, match.Seed, c.Opinions[7].Says)
	require.Equal(t, match.Positive, c.Stance())
	require.Less(t, time.Since(start), 3*time.Second, "each against each takes far longer")
	c.Opinions = c.Opinions[:8]
	require.Zero(t, testing.AllocsPerRun(10, func() { c.Stance() }))
	// Of the opinions of one the latest counts, and of those at a time the last.
	c.Opinions = []match.Opinion{{By: "a", Says: match.Negative, At: now}, {By: "a", Says: match.Seed, At: now}, {By: "a", Says: match.Positive, At: earlier}}
	require.Equal(t, match.Seed, c.Stance())
}

// A file of the version before has its own rule of what matches nothing, until it is written anew.
func TestJunkOfVersionBefore(t *testing.T) {
	b, err := os.ReadFile("testdata/version2plain.bank")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	require.NoError(t, s.Verify())
	_, err = match.ReadFile(path)
	require.NoError(t, err)

	plain, err := hash.Parse("pdq:" + strings.Repeat("f0", 32))
	require.NoError(t, err)
	none, err := hash.Parse("pdq:" + strings.Repeat("f7", 32)) // more than half of the bits
	require.NoError(t, err)
	check := func(o match.Options, plainly, others, aside int) *match.Matcher {
		t.Helper()
		m, err := match.Open(path, o)
		require.NoError(t, err)
		for v, want := range map[hash.Value]int{plain: plainly, none: others} {
			matches, err := m.Match(v, 90)
			require.NoError(t, err)
			require.Len(t, matches, want, "%v", v)
		}
		listed, err := m.Quarantined()
		require.NoError(t, err)
		require.Len(t, listed, aside)
		require.Equal(t, aside, m.Banks()[0].Quarantined)
		return m
	}
	require.NoError(t, check(match.Options{Release: []hash.Value{plain}}, 2, 1, 2).Close())
	m := check(match.Options{}, 2, 1, 2)
	require.True(t, m.HasKnown())
	require.NoError(t, m.Remove("b", plain.String()))
	require.Equal(t, 2, m.Banks()[0].Quarantined)
	require.NoError(t, m.AddEntries("b", bare(plain)))
	require.Equal(t, 3, m.Banks()[0].Quarantined, "what comes new goes by the rule of now")
	require.NoError(t, m.Save())
	require.NoError(t, m.Close())
	require.NoError(t, check(match.Options{}, 0, 0, 5).Close())
}
