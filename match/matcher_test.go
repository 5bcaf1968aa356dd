package match_test

import (
	"errors"
	"fmt"
	"image"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func newMatcher(t testing.TB, o match.Options, banks ...match.Bank) *match.Matcher {
	t.Helper()
	m, err := match.New(o, banks...)
	require.NoError(t, err)
	return m
}

func picture(id string, v hash.Value) match.Entry {
	return match.Entry{ID: id, Signals: []match.Signal{{Value: v, Quality: 90}}}
}

// names are "bank/entry" of the matches, in their order, with * if suppressed.
func names(matches []match.Match) []string {
	out := []string{}
	for _, m := range matches {
		name := m.Entry.Bank + "/" + m.Entry.ID
		if m.SuppressedBy != "" {
			name += "*" + m.SuppressedBy
		}
		out = append(out, name)
	}
	return out
}

func TestMatch(t *testing.T) {
	r := seeded()
	a, b := random(r, hash.PDQ), random(r, hash.PDQ)
	sum := random(r, hash.SHA256)
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "one", Labels: []string{"bank label", "both"}, Entries: []match.Entry{
			{ID: "a", Labels: []string{"own", "both"}, Signals: []match.Signal{{Value: a, Quality: 90}, {Value: sum, Quality: hash.Unmeasured}}},
			picture("b", b),
		}},
		match.Bank{Name: "strict", Thresholds: map[hash.Kind]int{hash.PDQ: 3}, Entries: []match.Entry{picture("a", a)}},
	)
	for _, c := range []struct {
		distance int
		want     []string
	}{
		{0, []string{"one/a", "strict/a"}}, {3, []string{"one/a", "strict/a"}}, {4, []string{"one/a"}}, {31, []string{"one/a"}}, {32, []string{}},
	} {
		q := flipped(r, a, c.distance)
		matches, err := m.Match(q, 80)
		require.NoError(t, err)
		require.Equal(t, c.want, names(matches), "distance %d", c.distance)
		if c.distance == 4 {
			assert.Equal(t, match.Match{
				Entry:    match.Entry{ID: "a", Bank: "one", Labels: []string{"own", "both", "bank label"}},
				Evidence: match.Evidence{Kind: hash.PDQ, Distance: 4, Threshold: 31, Quality: 80, Query: q, Known: a},
			}, matches[0])
		}
	}
	matches, err := m.Match(sum, hash.Unmeasured)
	require.NoError(t, err)
	require.Equal(t, []string{"one/a"}, names(matches))
	assert.Equal(t, hash.SHA256, matches[0].Evidence.Kind)

	for _, v := range []hash.Value{random(r, hash.SHA256), random(r, hash.MD5), random(r, hash.PHash), random(r, hash.PDQ)} {
		matches, err := m.Match(v, hash.Unmeasured)
		require.NoError(t, err)
		require.Empty(t, matches)
	}
	assert.Equal(t, []hash.Kind{hash.PDQ, hash.SHA256}, m.Kinds())
}

func TestQualityGate(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	bank := match.Bank{Name: "b", Entries: []match.Entry{picture("a", v)}}
	for _, c := range []struct {
		gate    hash.Quality
		quality hash.Quality
		judged  bool
	}{
		{0, 49, false}, {0, 50, true}, {0, 0, false}, {0, hash.Unmeasured, true}, {80, 79, false}, {80, 80, true}, {100, 99, false},
		{match.NoGate, 0, true},
	} {
		matches, err := newMatcher(t, match.Options{Gate: c.gate}, bank).Match(v, c.quality)
		if c.judged {
			require.NoError(t, err)
			require.Len(t, matches, 1)
			continue
		}
		require.Nil(t, matches)
		require.ErrorIs(t, err, match.ErrLowQuality)
		var low *match.LowQualityError
		require.ErrorAs(t, err, &low)
		assert.Equal(t, c.quality, low.Quality)
	}
	m := newMatcher(t, match.Options{}, bank)
	_, err := m.Match(hash.Value{}, 0) // a picture too small to hash
	require.ErrorIs(t, err, match.ErrLowQuality)
	_, err = m.Match(hash.Value{}, hash.Unmeasured)
	require.ErrorIs(t, err, match.ErrInvalid)
}

func TestMatchPicture(t *testing.T) {
	r := seeded()
	a, b, sum := random(r, hash.PDQ), random(r, hash.PDQ), random(r, hash.MD5)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "x", Entries: []match.Entry{
		{ID: "a", Signals: []match.Signal{
			{Value: random(r, hash.PDQ), Quality: 90}, {Value: a, Quality: 90, Transform: []string{"crop:5,5,90,90"}},
		}}, picture("b", b), bare(sum),
		{ID: "clip", Duration: 4 * time.Second, Signals: []match.Signal{
			{Value: random(r, hash.PDQ), Quality: 90, To: time.Second}, {Value: flipped(r, b, 20), Quality: 90, From: time.Second, To: 4 * time.Second},
		}},
	}})
	looks := []match.Look{
		{Value: flipped(r, a, 9), Quality: 60},
		{Value: flipped(r, a, 0), Quality: 10}, // nearest, but too poor
		{Transform: []string{"border", "flipx"}, Value: flipped(r, a, 5), Quality: 70},
		{Transform: []string{"border"}, Value: b, Quality: 80},
		{Value: sum, Quality: hash.Unmeasured},
	}
	matches, err := m.MatchPicture(looks)
	require.NoError(t, err)
	require.Equal(t, []string{"x/b", "x/" + sum.String(), "x/a", "x/clip"}, names(matches))
	assert.Equal(t, []string{"border", "flipx"}, matches[2].Evidence.Transform)
	assert.Equal(t, []string{"crop:5,5,90,90"}, matches[2].Evidence.KnownTransform, "the known signal's own")
	assert.Equal(t, 5, matches[2].Evidence.Distance)
	assert.EqualValues(t, 70, matches[2].Evidence.Quality)
	assert.Equal(t, time.Second, matches[3].Evidence.KnownTime, "a frame of a known video")

	poor := []match.Look{{Value: random(r, hash.PDQ), Quality: 20}, {Quality: 40}, {Value: random(r, hash.MD5), Quality: hash.Unmeasured}}
	_, err = m.MatchPicture(poor)
	var low *match.LowQualityError
	require.ErrorAs(t, err, &low, "a digest that matches nothing does not make it judged")
	assert.EqualValues(t, 40, low.Quality)
	poor[2].Value = sum
	matches, err = m.MatchPicture(poor)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	_, err = m.MatchPicture(nil)
	require.ErrorIs(t, err, match.ErrLowQuality)
	matches, err = m.MatchPicture(poor[2:])
	require.NoError(t, err)
	require.Len(t, matches, 1)
}

// A look's own limit is inclusive, never wider than the bank's threshold, and what
// the evidence says.
func TestLookLimit(t *testing.T) {
	r := seeded()
	a, b := random(r, hash.PDQ), random(r, hash.PDQ)
	m := newMatcher(t, match.Options{}, match.Bank{Name: "x", Entries: []match.Entry{picture("a", a)}},
		match.Bank{Name: "strict", Thresholds: map[hash.Kind]int{hash.PDQ: 12}, Entries: []match.Entry{picture("a", a)}},
		match.Bank{Name: "harmless", Allow: true, Entries: []match.Entry{picture("b", b)}})
	for _, c := range []struct {
		distance, limit int
		want            []string
		thresholds      []int
	}{
		{20, 0, []string{"x/a"}, []int{31}},
		{20, 20, []string{"x/a"}, []int{20}},
		{20, 19, []string{}, nil},
		{31, 256, []string{"x/a"}, []int{31}},
		{32, 256, []string{}, nil},
		{9, 20, []string{"strict/a", "x/a"}, []int{12, 20}},
		{9, 9, []string{"strict/a", "x/a"}, []int{9, 9}},
		{1, 1, []string{"strict/a", "x/a"}, []int{1, 1}},
	} {
		matches, err := m.MatchPicture([]match.Look{{Value: flipped(r, a, c.distance), Quality: 80, Limit: c.limit}})
		require.NoError(t, err)
		require.Equal(t, c.want, names(matches), "%+v", c)
		for i, bits := range c.thresholds {
			assert.Equal(t, bits, matches[i].Evidence.Threshold, "%+v", c)
		}
	}

	// The nearest look may be over its limit where another is within its own.
	near := match.Look{Transform: []string{"inner"}, Value: flipped(r, a, 18), Quality: 80, Limit: 16}
	far := match.Look{Value: flipped(r, a, 25), Quality: 80}
	matches, err := m.MatchPicture([]match.Look{near, far})
	require.NoError(t, err)
	require.Equal(t, []string{"x/a"}, names(matches))
	assert.Equal(t, 25, matches[0].Evidence.Distance)
	assert.Empty(t, matches[0].Evidence.Transform)

	// Allow-lists suppress within the limit only.
	for limit, want := range map[int]string{7: "x/a", 8: "x/a*harmless/b"} {
		matches, err = m.MatchPicture([]match.Look{far, {Value: flipped(r, b, 8), Quality: 80, Limit: limit}})
		require.NoError(t, err)
		assert.Equal(t, []string{want}, names(matches))
	}

	near.Limit = -1
	_, err = m.MatchPicture([]match.Look{near})
	require.ErrorIs(t, err, match.ErrInvalid)
	_, err = m.ScanVideo([]match.QueryFrame{{Looks: []match.Look{near}}})
	require.ErrorIs(t, err, match.ErrInvalid)
	near.Quality = 3 // not judged
	_, err = m.ScanVideo([]match.QueryFrame{{Looks: []match.Look{near, far}}})
	require.NoError(t, err)
}

func TestAllowLists(t *testing.T) {
	r := seeded()
	v, sum := random(r, hash.PDQ), random(r, hash.MD5)
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "known", Entries: []match.Entry{picture("a", v)}},
		match.Bank{Name: "logos", Allow: true, Entries: []match.Entry{picture("far", flipped(r, v, 20)), picture("near", flipped(r, v, 1)), bare(sum)}},
	)
	query := func(looks ...match.Look) []string {
		matches, err := m.MatchPicture(looks)
		require.NoError(t, err)
		return names(matches)
	}
	look := match.Look{Value: v, Quality: 90}
	assert.Equal(t, []string{"known/a*logos/near"}, query(look))
	require.NoError(t, m.Enable("logos", "near", false))
	assert.Equal(t, []string{"known/a*logos/far"}, query(look))
	require.NoError(t, m.Remove("logos", "far"))
	assert.Equal(t, []string{"known/a"}, query(look))
	assert.Equal(t, []string{"known/a*logos/" + sum.String()}, query(look, match.Look{Value: sum, Quality: hash.Unmeasured}))
	by, err := m.AllowedBy(sum, "b")
	require.NoError(t, err)
	assert.Equal(t, "logos/"+sum.String(), by)
	require.NoError(t, m.Enable("logos", "", false))
	assert.Equal(t, []string{"known/a"}, query(look, match.Look{Value: sum, Quality: hash.Unmeasured}))
	by, err = m.AllowedBy(sum, "b")
	require.NoError(t, err)
	assert.Empty(t, by)
	_, err = m.AllowedBy(hash.Value{}, "b")
	require.ErrorIs(t, err, match.ErrInvalid)
}

// What is harmless beside what is known must not hide it.
func TestAllowListsOfParts(t *testing.T) {
	r := seeded()
	bad, meme := random(r, hash.PDQ), random(r, hash.PDQ)
	near := flipped(r, meme, 10)
	m := newMatcher(t, match.Options{},
		match.Bank{Name: "known", Entries: []match.Entry{picture("bad", bad), picture("near", near)}},
		match.Bank{Name: "fine", Allow: true, Entries: []match.Entry{picture("meme", meme)}})
	look := func(v hash.Value, x0, y0, x1, y1 int) match.Look {
		return match.Look{Value: v, Quality: 90, Area: image.Rect(x0, y0, x1, y1)}
	}
	other := random(r, hash.PDQ)
	for _, c := range []struct {
		name  string
		looks []match.Look
		want  []string
	}{
		{"a neighbour", []match.Look{look(other, 0, 0, 0, 0), look(meme, 0, 0, 10, 10), look(bad, 10, 0, 20, 10)}, []string{"known/bad"}},
		{"the whole", []match.Look{look(bad, 0, 0, 0, 0), look(meme, 0, 0, 10, 10)}, []string{"known/bad"}},
		{"the same part", []match.Look{look(other, 0, 0, 0, 0), look(meme, 0, 0, 10, 10)}, nil},
		{"nearly the same part", []match.Look{look(meme, 0, 0, 10, 10), look(bad, 0, 1, 10, 11)}, []string{"known/bad*fine/meme"}},
		{"a larger part", []match.Look{look(meme, 0, 0, 10, 10), look(bad, 0, 0, 10, 14)}, []string{"known/bad"}},
		{"part of what is harmless", []match.Look{look(meme, 0, 0, 0, 0), look(bad, 0, 0, 5, 5)}, []string{"known/bad*fine/meme"}},
		{"once harmless, once not", []match.Look{look(bad, 0, 0, 10, 10), look(meme, 0, 0, 10, 10), look(flipped(r, bad, 20), 10, 0, 20, 10)}, []string{"known/bad"}},
	} {
		matches, err := m.MatchPicture(c.looks)
		require.NoError(t, err)
		assert.ElementsMatch(t, append(c.want, "known/near*fine/meme"), names(matches), c.name)
	}
}

func TestChangesAreSeenAtOnce(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	m := newMatcher(t, match.Options{})
	found := func(want ...string) {
		t.Helper()
		matches, err := m.Match(v, 90)
		require.NoError(t, err)
		require.ElementsMatch(t, want, names(matches))
	}
	found()
	require.NoError(t, m.Add(match.Bank{Name: "b", Entries: []match.Entry{picture("1", v)}}))
	found("b/1")
	require.NoError(t, m.AddEntries("b", picture("2", v), match.Entry{ID: "3", Disabled: true, Signals: []match.Signal{{Value: v, Quality: 90}}}))
	found("b/1", "b/2")
	require.NoError(t, m.Enable("b", "3", true))
	require.NoError(t, m.Enable("b", "1", false))
	found("b/2", "b/3")
	require.NoError(t, m.Enable("b", "", false))
	found()
	require.NoError(t, m.Enable("b", "1", true))
	found()
	require.NoError(t, m.Enable("b", "", true))
	found("b/1", "b/2", "b/3")
	require.NoError(t, m.Remove("b", "2"))
	found("b/1", "b/3")
	require.NoError(t, m.AddEntries("b", picture("2", v)))
	found("b/1", "b/2", "b/3")
	require.Equal(t, []match.BankInfo{{
		Name: "b", Entries: 3, Signals: map[hash.Kind]int{hash.PDQ: 3}, Thresholds: map[hash.Kind]int{hash.PDQ: 31}, Given: map[hash.Kind]int{},
	}}, m.Banks())
	require.NoError(t, m.RemoveBank("b"))
	found()
	require.Empty(t, m.Banks())
	require.Empty(t, m.Kinds())
	for _, err := range []error{m.RemoveBank("b"), m.Remove("b", "1"), m.Enable("b", "", true), m.Enable("b", "1", true), m.AddEntries("b", picture("1", v))} {
		require.ErrorIs(t, err, match.ErrUnknown)
	}
	require.NoError(t, m.Add(match.Bank{Name: "b"}))
	require.ErrorIs(t, m.Remove("b", ""), match.ErrUnknown)
}

func TestRefusedChangesChangeNothing(t *testing.T) {
	r := seeded()
	v := random(r, hash.PDQ)
	ok := picture("ok", v)
	m := newMatcher(t, match.Options{MaxRadius: map[hash.Kind]int{hash.DHash: 2}}, match.Bank{Name: "b", Entries: []match.Entry{picture("old", random(r, hash.PDQ))}})
	before := m.Banks()
	signal := func(s match.Signal) match.Entry {
		return match.Entry{ID: "bad", Duration: time.Second, Signals: []match.Signal{{Value: v}, s}}
	}
	for _, c := range []struct {
		name   string
		bad    match.Entry
		signal int
		err    error
	}{
		{"no ID", picture("", v), -1, match.ErrInvalid},
		{"taken ID", picture("old", v), -1, match.ErrDuplicate},
		{"ID twice", ok, -1, match.ErrDuplicate},
		{"no signals", match.Entry{ID: "bad"}, -1, match.ErrInvalid},
		{"negative duration", match.Entry{ID: "bad", Duration: -1, Signals: ok.Signals}, -1, match.ErrInvalid},
		{"zero hash", signal(match.Signal{}), 1, match.ErrInvalid},
		{"quality", signal(match.Signal{Value: v, Quality: 101}), 1, match.ErrInvalid},
		{"backwards", signal(match.Signal{Value: v, From: 2, To: 1}), 1, match.ErrInvalid},
		{"before the start", signal(match.Signal{Value: v, From: -1, To: 1}), 1, match.ErrInvalid},
		{"times without a duration", match.Entry{ID: "bad", Signals: []match.Signal{{Value: v, To: 1}}}, 0, match.ErrInvalid},
		{"threshold over the maximum", signal(match.Signal{Value: random(r, hash.DHash)}), 1, nil},
	} {
		err := m.AddEntries("b", ok, c.bad)
		var ee *match.EntryError
		require.ErrorAs(t, err, &ee, c.name)
		assert.Equal(t, c.signal, ee.Signal, c.name)
		assert.Equal(t, c.bad.ID, ee.Entry, c.name)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, c.name)
		} else {
			var re *match.RadiusError
			require.ErrorAs(t, err, &re, c.name)
		}
		require.Equal(t, before, m.Banks(), c.name)
	}
	for name, b := range map[string]match.Bank{
		"no name":            {},
		"taken name":         {Name: "b"},
		"bad entry":          {Name: "new", Entries: []match.Entry{ok, ok}},
		"negative threshold": {Name: "new", Thresholds: map[hash.Kind]int{hash.PDQ: -1}},
		"over the bits":      {Name: "new", Thresholds: map[hash.Kind]int{hash.PHash: 65}},
		"over the maximum":   {Name: "new", Thresholds: map[hash.Kind]int{hash.PDQ: 32}},
		"of a digest":        {Name: "new", Thresholds: map[hash.Kind]int{hash.MD5: 1}},
		"of no kind":         {Name: "new", Thresholds: map[hash.Kind]int{200: 1}},
	} {
		var ee *match.EntryError
		require.ErrorAs(t, m.Add(b), &ee, name)
		require.Equal(t, before, m.Banks(), name)
	}
	matches, err := m.Match(v, 90)
	require.NoError(t, err)
	require.Empty(t, matches)
	require.NoError(t, m.AddEntries("b", ok), "and the ID is still free")
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]match.Options{
		"gate":              {Gate: 101},
		"frames":            {MinFrames: -1},
		"query percent":     {QueryPercent: 100.5},
		"known percent":     {KnownPercent: -1},
		"not a number":      {KnownPercent: math.NaN()},
		"negative radius":   {MaxRadius: map[hash.Kind]int{hash.PDQ: -1}},
		"radius of digests": {MaxRadius: map[hash.Kind]int{hash.MD5: 1}},
		"radius over bits":  {MaxRadius: map[hash.Kind]int{hash.AHash: 65}},
		"radius of no kind": {MaxRadius: map[hash.Kind]int{77: 1}},
	} {
		_, err := match.New(o)
		require.ErrorIs(t, err, match.ErrInvalid, name)
		require.True(t, strings.HasPrefix(err.Error(), "match: "), name)
	}
	r := seeded()
	v := random(r, hash.PDQ)
	wide := match.Options{MaxRadius: map[hash.Kind]int{hash.PDQ: 60}}
	m := newMatcher(t, wide, match.Bank{Name: "b", Thresholds: map[hash.Kind]int{hash.PDQ: 60}, Entries: []match.Entry{picture("a", v)}})
	matches, err := m.Match(flipped(r, v, 60), 90)
	require.NoError(t, err)
	require.Len(t, matches, 1)
}

func TestJunkIsSetAside(t *testing.T) {
	r := seeded()
	parse := func(s string) hash.Value {
		v, err := hash.Parse(s)
		require.NoError(t, err)
		return v
	}
	zero, ones := parse("pdq:"+strings.Repeat("0", 64)), parse("pdq:"+strings.Repeat("f", 64))
	good := random(r, hash.PDQ)
	junk := []hash.Value{
		zero, ones, flipped(r, zero, 31), flipped(r, ones, 31), parse("phash:" + strings.Repeat("0", 16)),
		parse("md5:d41d8cd98f00b204e9800998ecf8427e"), parse("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"),
		parse("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), parse("md5:" + strings.Repeat("0", 32)),
	}
	bank := match.Bank{Name: "list", Entries: []match.Entry{bare(good), bare(flipped(r, zero, 32))}}
	for _, v := range junk {
		bank.Entries = append(bank.Entries, bare(v))
	}
	bank.Entries = append(bank.Entries, match.Entry{ID: "poor", Signals: []match.Signal{{Value: random(r, hash.PDQ), Quality: 49}}})
	m := newMatcher(t, match.Options{}, bank)
	aside, err := m.Quarantined()
	require.NoError(t, err)
	require.Len(t, aside, len(junk)+1)
	for i, q := range aside {
		if i < len(junk) {
			assert.Equal(t, junk[i], q.Value)
			matches, err := m.Match(q.Value, hash.Unmeasured)
			require.NoError(t, err)
			for _, x := range matches {
				assert.NotEqual(t, q.Entry, x.Entry.ID)
			}
		}
		assert.NotEmpty(t, q.Reason)
		assert.Equal(t, bank.Entries[i+2].ID, q.Entry)
	}
	info := m.Banks()[0]
	assert.Equal(t, len(bank.Entries), info.Entries)
	assert.Equal(t, len(aside), info.Quarantined)
	assert.Equal(t, map[hash.Kind]int{hash.PDQ: 2}, info.Signals)
	matches, err := m.Match(good, 90)
	require.NoError(t, err)
	require.Len(t, matches, 1)
	require.NoError(t, m.Remove("list", bare(zero).ID))
	aside, err = m.Quarantined()
	require.NoError(t, err)
	require.Len(t, aside, len(junk))
}

func TestConcurrentUse(t *testing.T) {
	r := seeded()
	known := make([]hash.Value, 50)
	bank := match.Bank{Name: "stays"}
	for i := range known {
		known[i] = random(r, hash.PDQ)
		bank.Entries = append(bank.Entries, picture(fmt.Sprint(i), known[i]))
	}
	m := newMatcher(t, match.Options{}, bank)
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := range 100 {
				name := fmt.Sprintf("bank %d.%d", w, i)
				err := errors.Join(m.Add(match.Bank{Name: name, Entries: []match.Entry{picture("x", known[i%50])}}),
					m.Enable(name, "x", i%2 == 0), m.AddEntries(name, bare(known[0])), m.Remove(name, "x"), m.RemoveBank(name))
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for i := range 100 {
				matches, err := m.Match(known[i%50], 90)
				if err != nil || len(matches) < 1 || matches[len(matches)-1].Entry.Bank != "stays" {
					t.Errorf("%v %v", matches, err)
				}
				frames := []match.QueryFrame{{Looks: []match.Look{{Value: known[i%50], Quality: 90}}}}
				if matches, err := m.MatchVideo(frames); err != nil || len(matches) < 1 {
					t.Errorf("%v %v", matches, err)
				}
				m.Banks()
				m.Kinds()
				if _, err := m.Quarantined(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, m.Banks(), 1)
}

func ExampleMatcher_Match() {
	known, err := hash.Parse("pdq:f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := match.New(match.Options{}, match.Bank{
		Name: "partners", Labels: []string{"terror"},
		Entries: []match.Entry{{ID: "case 17", Signals: []match.Signal{{Value: known, Quality: hash.Unmeasured}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Of an upload one has a picture, and writes m.Match(pdq.Sum(img)).
	v, err := hash.Parse("pdq:f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b2d")
	if err != nil {
		fmt.Println(err)
		return
	}
	q := hash.Quality(100)
	matches, err := m.Match(v, q)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, match := range matches {
		e := match.Evidence
		fmt.Printf("%s/%s %v: %d bits of at most %d\n", match.Entry.Bank, match.Entry.ID, match.Entry.Labels, e.Distance, e.Threshold)
	}
	_, err = m.Match(v, 20)
	fmt.Println(err)
	// Output:
	// partners/case 17 [terror]: 4 bits of at most 31
	// match: not judged: the picture shows too little to hash (quality 20, at least 50 is needed)
}
