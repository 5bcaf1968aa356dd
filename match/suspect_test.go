package match_test

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/match"
)

// drawn is the PDQ hash of a grey picture that its caller draws.
func drawn(w, h int, at func(x, y int) uint8) hash.Value {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Pix[y*m.Stride+x] = at(x, y)
		}
	}
	v, _ := pdq.Sum(m)
	return v
}

// balanced is a random PDQ hash of exactly so many set bits.
func balanced(t *testing.T, set int) hash.Value {
	t.Helper()
	v, err := hash.Parse("pdq:" + strings.Repeat("0", 64))
	require.NoError(t, err)
	return flipped(rand.New(rand.NewPCG(1, uint64(set))), v, set)
}

// suspicious are hashes that no list can have meant, by cause.
func suspicious(t *testing.T) map[match.Cause]hash.Value {
	return map[match.Cause]hash.Value{
		match.CauseBlank:    balanced(t, 20),
		match.CauseNotAHash: balanced(t, 160),
		match.CausePlain: drawn(512, 512, func(x, y int) uint8 { // a ring
			if r := (2*x-511)*(2*x-511) + (2*y-511)*(2*y-511); r < 358*358 && r > 276*276 {
				return 255
			}
			return 0
		}),
	}
}

// corner is the hash of a picture that only its rows give away.
func corner() hash.Value {
	return drawn(1280, 720, func(x, y int) uint8 {
		if x > 410 && y > 333 {
			return 200
		}
		return 20
	})
}

// both returns a Matcher to which the bank was added, and two that have loaded it.
func both(t *testing.T, o match.Options, bank match.Bank) map[string]*match.Matcher {
	t.Helper()
	loaded := newMatcher(t, o)
	require.NoError(t, loaded.Load(shelved(t, bank)))
	defer match.SetFewHashes(0)()
	searched := newMatcher(t, o)
	require.NoError(t, searched.Load(shelved(t, bank)))
	return map[string]*match.Matcher{"added": newMatcher(t, o, bank), "loaded": loaded, "loaded, by its indices": searched}
}

// sieved is what a Sieve says of a bank's entries.
func sieved(t *testing.T, o match.Options, bank match.Bank) (aside []match.Quarantined) {
	s, err := match.NewSieve(o)
	require.NoError(t, err)
	for i := range bank.Entries {
		aside = append(aside, s.Aside(bank.Name, &bank.Entries[i])...)
	}
	return aside
}

func TestSuspiciousHashesAreSetAside(t *testing.T) {
	r := seeded()
	bank := match.Bank{Name: "list", Entries: []match.Entry{bare(random(r, hash.PDQ)), bare(balanced(t, 159))}}
	values := suspicious(t)
	for cause, v := range values {
		e := bare(v)
		bank.Entries = append(bank.Entries, e, match.Entry{ID: string(cause), Signals: []match.Signal{{Value: v, Quality: 80}}})
	}
	bank.Entries = append(bank.Entries, bare(corner()))
	for name, m := range both(t, match.Options{}, bank) {
		aside, err := m.Quarantined()
		require.NoError(t, err, name)
		require.Len(t, aside, 2*len(values)+1, name)
		if name == "added" {
			require.Equal(t, aside, sieved(t, match.Options{}, bank))
		}
		for _, q := range aside {
			if q.Value != corner() {
				assert.Equal(t, values[q.Cause], q.Value, name)
			}
			assert.NotEmpty(t, q.Reason)
			matches, err := m.Match(q.Value, 90)
			require.NoError(t, err)
			assert.Empty(t, matches, "%s: %s matches", name, q.Cause)
		}
		info := m.Banks()[0]
		assert.Equal(t, len(aside), info.Quarantined, name)
		assert.Equal(t, map[hash.Kind]int{hash.PDQ: 2}, info.Signals, name)

		require.NoError(t, m.Remove("list", string(match.CausePlain)))
		require.NoError(t, m.Remove("list", string(match.CauseBlank)))
		info = m.Banks()[0]
		assert.Equal(t, len(aside)-2, info.Quarantined, name)
		assert.Equal(t, map[hash.Kind]int{hash.PDQ: 2}, info.Signals, name)
	}
}

func TestReleasedHashesMatch(t *testing.T) {
	var o match.Options
	bank := match.Bank{Name: "list", Entries: []match.Entry{bare(corner())}}
	o.Release = append(o.Release, corner())
	for _, v := range suspicious(t) {
		bank.Entries = append(bank.Entries, bare(v))
		o.Release = append(o.Release, v)
	}
	poor := corner()
	bank.Entries = append(bank.Entries, match.Entry{ID: "poor", Signals: []match.Signal{{Value: poor, Quality: 30}}})
	for name, m := range both(t, o, bank) {
		aside, err := m.Quarantined()
		require.NoError(t, err, name)
		require.Len(t, aside, 1, name)
		assert.Equal(t, aside, sieved(t, o, bank), name)
		assert.Equal(t, match.CauseLowQuality, aside[0].Cause, "releasing is not measuring")
		info := m.Banks()[0]
		assert.Equal(t, 1, info.Quarantined, name)
		assert.Equal(t, map[hash.Kind]int{hash.PDQ: len(o.Release)}, info.Signals, name)
		for _, v := range o.Release {
			matches, err := m.Match(v, 90)
			require.NoError(t, err)
			assert.Len(t, matches, 1, name)
		}
		require.NoError(t, m.Remove("list", bare(o.Release[0]).ID))
		assert.Equal(t, map[hash.Kind]int{hash.PDQ: len(o.Release) - 1}, m.Banks()[0].Signals, name)
		require.NoError(t, m.RemoveBank("list"))
		assert.False(t, m.HasKnown(), name)
	}
}

func TestHashesThatMatchCleanUploadsAreSetAside(t *testing.T) {
	r := seeded()
	for _, k := range []hash.Kind{hash.PDQ, hash.PHash} {
		popular, few := random(r, k), random(r, k)
		var o match.Options
		for range 4000 {
			o.Clean = append(o.Clean, random(r, k))
		}
		for i := range 5 { // over 0.1 % of 4,009
			o.Clean = append(o.Clean, flipped(r, popular, k.Threshold()))
			if i < 4 {
				o.Clean = append(o.Clean, flipped(r, few, 1))
			}
		}
		bank := match.Bank{Name: "list", Entries: []match.Entry{bare(popular), bare(few), bare(random(r, k))}}
		for name, m := range both(t, o, bank) {
			aside, err := m.Quarantined()
			require.NoError(t, err)
			require.Len(t, aside, 1, name)
			assert.Equal(t, aside, sieved(t, o, bank), name)
			assert.Equal(t, popular, aside[0].Value)
			assert.Equal(t, match.CauseCommon, aside[0].Cause)
			assert.Equal(t, "it would match 5 of 4009 harmless uploads", aside[0].Reason)
			assert.Equal(t, map[hash.Kind]int{k: 2}, m.Banks()[0].Signals, name)
			require.NoError(t, m.AddEntries("list", match.Entry{ID: "again", Signals: []match.Signal{{Value: popular, Quality: 99}}}))
			assert.Equal(t, 2, m.Banks()[0].Quarantined, name)
			matches, err := m.Match(popular, 90)
			require.NoError(t, err)
			assert.Empty(t, matches, name)
		}
		o.CleanPercent = 1
		assert.Zero(t, newMatcher(t, o, bank).Banks()[0].Quarantined)
	}
	md5, err := hash.Parse("md5:" + strings.Repeat("1", 32))
	require.NoError(t, err)
	for _, o := range []match.Options{{CleanPercent: -1}, {CleanPercent: 101}, {Clean: []hash.Value{{}}}, {Clean: []hash.Value{md5}}} {
		_, err := match.New(o)
		assert.ErrorIs(t, err, match.ErrInvalid)
	}
}

// No hash that the reference made of an ordinary picture, or of a frame that can be judged, is
// set aside, in any orientation.
func TestReferenceHashesAreNotSetAside(t *testing.T) {
	media := os.Getenv("REMATCH_MEDIA")
	if media == "" {
		t.Skip("REMATCH_MEDIA is not set: the reference's hashes are not there")
	}
	all := match.Bank{Name: "reference"}
	add := func(digits, quality string) {
		q, err := strconv.ParseUint(quality, 10, 8)
		require.NoError(t, err)
		v, err := hash.ParseHex(hash.PDQ, digits)
		require.NoError(t, err)
		if q := hash.Quality(q); q.Passes(hash.DefaultGate) {
			all.Entries = append(all.Entries, match.Entry{ID: fmt.Sprint(len(all.Entries)), Signals: []match.Signal{{Value: v, Quality: q}}})
		}
	}
	for _, table := range []string{"pixels.csv", "files.csv"} {
		f, err := os.Open(filepath.Join(media, "pdq", table))
		require.NoError(t, err)
		rows, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		quality := 0
		for i, name := range rows[0] {
			if name == "quality" {
				quality = i
			}
		}
		require.Positive(t, quality)
		for _, row := range rows[1:] {
			for _, cell := range row {
				if len(cell) == 64 {
					add(cell, row[quality])
				}
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(media, "video", "vpdq-every-frame", "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Split(lines.Text(), ",")
			require.Len(t, fields, 4)
			add(fields[2], fields[1])
		}
		require.NoError(t, f.Close())
	}
	require.Greater(t, len(all.Entries), 6000)
	aside, err := newMatcher(t, match.Options{}, all).Quarantined()
	require.NoError(t, err)
	assert.Empty(t, aside)
}

func TestBuilderCountsWhatIsRepeated(t *testing.T) {
	r := seeded()
	var values []hash.Value
	for range 300 {
		values = append(values, random(r, hash.PDQ))
	}
	build := func(tidyAt, times int) (*match.Builder, *match.Snapshot, int) {
		var b match.Builder
		b.SetTidyAt(tidyAt)
		require.NoError(t, b.Bank(match.Bank{Name: "list", Entries: []match.Entry{bare(values[0])}}))
		most := 0
		for i := range times * len(values) {
			require.NoError(t, b.Hash(values[i%len(values)]))
			most = max(most, b.ListLen(hash.PDQ))
		}
		s, err := b.Snapshot()
		require.NoError(t, err)
		return &b, s, most
	}
	b, once, _ := build(0, 1)
	assert.EqualValues(t, 1, b.Repeated(), "which the bank came with")
	b, often, most := build(128, 50)
	assert.EqualValues(t, 49*300+1, b.Repeated())
	assert.LessOrEqual(t, most, 2*300)
	assert.Equal(t, once.Banks(), often.Banks())
	m := newMatcher(t, match.Options{})
	require.NoError(t, m.Load(often))
	for _, v := range values {
		matches, err := m.Match(v, 90)
		require.NoError(t, err)
		assert.Len(t, matches, 1)
	}
}
