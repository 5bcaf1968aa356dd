package exchange

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// What comes twice in a page holds as it came last.
func TestPageHoldsTheLast(t *testing.T) {
	b := newPage("list", "page")
	record := func(id string, labels ...string) Record {
		return Record{ID: id, Signals: []match.Signal{{Value: placeholder, Quality: hash.Unmeasured}}, Labels: labels}
	}
	b.put(0, record("a", "1"))
	b.put(1, record("b"))
	b.put(2, record("a", "2"))
	b.remove(3, "b")
	b.remove(4, "c")
	b.remove(5, "c")
	b.put(6, record("c"))
	b.remove(7, "d")
	b.put(8, record("d"))
	b.remove(9, "d")
	p, err := b.page()
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "d"}, p.Gone)
	require.Len(t, p.Records, 2)
	assert.Equal(t, "a", p.Records[0].ID)
	assert.Equal(t, []string{"2"}, p.Records[0].Labels)
	assert.Equal(t, "c", p.Records[1].ID)
	assert.Empty(t, p.Faults)
}

// What no bank takes is set aside here, where its position is known.
func TestPageSetsAsideWhatNoBankTakes(t *testing.T) {
	b := newPage("list", "page")
	one := match.Signal{Value: placeholder, Quality: hash.Unmeasured}
	long := strings.Repeat("x", 70_000)
	for i, r := range []Record{
		{Signals: []match.Signal{one}},
		{ID: "\xff", Signals: []match.Signal{one}},
		{ID: long, Signals: []match.Signal{one}},
		{ID: "none"},
		{ID: "label", Signals: []match.Signal{one}, Labels: []string{long}},
		{ID: "opinion", Signals: []match.Signal{one}, Opinions: []match.Opinion{{By: long, Says: match.Seed}}},
		{ID: "date", Later: []Foreign{{"x", "y"}}, Expires: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
		{ID: "zero", Signals: []match.Signal{{}}},
		{ID: "good", Later: []Foreign{{"x", "y"}}},
	} {
		b.put(i, r)
	}
	for i, id := range []string{"", "\xff", long} {
		b.remove(9+i, id)
	}
	p, err := b.page()
	require.NoError(t, err)
	require.Len(t, p.Records, 1)
	assert.Equal(t, "good", p.Records[0].ID)
	require.Len(t, p.Faults, 11)
	for i, f := range p.Faults {
		want := i
		if i > 7 {
			want = i + 1
		}
		assert.Equal(t, want, f.Position)
		assert.NotEmpty(t, f.Reason)
		assert.Less(t, len(f.ID), 300)
		assert.Less(t, len(f.Reason), 300)
	}
}

func TestVoices(t *testing.T) {
	var v voices
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	for i := range 30 {
		v.say(match.Opinion{By: fmt.Sprint(i % 12), Says: match.Stance(1 + i%3), At: at(int64(100 - i)), Tags: []string{fmt.Sprint("t", i/12), ""}})
	}
	all := v.opinions()
	require.Len(t, all, 12)
	assert.Equal(t, match.Opinion{By: "0", Says: match.Stance(1 + 24%3), At: at(100), Tags: []string{"t0", "t1", "t2"}}, all[0])
	assert.Nil(t, v.of("12"))
	assert.Equal(t, "11", v.of("11").By)
}

func TestValueID(t *testing.T) {
	assert.Equal(t, "ImagePDQ:ab", valueID("ImagePDQ", " AB\n", true))
	assert.Equal(t, "URL:https://x/A", valueID("URL", "https://x/A", false))
	long := valueID("Text", strings.Repeat("word ", 100), false)
	assert.True(t, strings.HasPrefix(long, "Text:sha256-"))
	assert.Len(t, long, len("Text:sha256-")+64)
}

func TestScalars(t *testing.T) {
	for text, want := range map[scalar]int64{"0": 0, "1700000000": 1700000000, "1700000000.75": 1700000000, "2025-10-09T08:53:20Z": 1760000000, "2025-10-09T10:53:20+0200": 1760000000, "2025-10-09T08:53:20.000Z": 1760000000} {
		at, ok := text.time()
		require.True(t, ok, text)
		assert.Equal(t, want, at.Unix(), text)
	}
	for _, text := range []scalar{"", "x", "-1", "1e300", "NaN", "99999999999999", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"} {
		_, ok := text.time()
		assert.False(t, ok, text)
	}
}

func TestSplitPage(t *testing.T) {
	for _, bad := range []string{`{`, `{"a"`, `{"a":`, `{"a" 1}`, `{a:1}`, `{"a":1`, `{"a":1 "b":2}`, `{"\x":1}`, `{"a":x}`, `{"data":[`, `{"data":[{}`, `{"data":[{} {}]}`, `{"data":[,]}`, `{"data":[{},]}`, `{"data":["x]}`, `{"a":1}]`, `{"data":[{}]`} {
		_, err := splitPage("x", "page", []byte(bad), "data")
		require.ErrorIs(t, err, ErrPage, bad)
		assert.True(t, skippable(err), bad)
	}
	p, err := splitPage("x", "page", []byte("\xef\xbb\xbf { \"data\" : [ {\"a\":[1,{}]} , null , 5,\"\\\"\" ] , \"n\": {\"x\":[]} } \n"), "data")
	require.NoError(t, err)
	assert.True(t, p.listed)
	var records []string
	for _, r := range p.records {
		records = append(records, string(p.body[r.from:r.to]))
	}
	assert.Equal(t, []string{`{"a":[1,{}]}`, "null ", "5", `"\""`}, records)
	assert.JSONEq(t, `{"x":[]}`, string(p.fields["n"]))
	p, err = splitPage("x", "page", []byte(`{"data":{}}`), "data")
	require.NoError(t, err)
	assert.False(t, p.listed)
	p, err = splitPage("x", "page", []byte(`{}`), "data")
	require.NoError(t, err)
	assert.False(t, p.listed)
}

// Brackets that do not pair could make one record of several. Such a page is refused, and asked for in smaller ones.
func TestRecordsThatRunIntoEachOther(t *testing.T) {
	page := `{"data":[{"indicator":"x},{"indicator":"y"},{"indicator":"z},{"indicator":"w"}]}`
	_, _, _, err := parseThreatUpdates("page", []byte(page), nil)
	require.ErrorIs(t, err, ErrPage)
	assert.True(t, skippable(err))
}

func TestPagesHaveRoomForSoMany(t *testing.T) {
	page := func(n int) []byte {
		return []byte(`<queryResult><images><deletedImage><member id="1"/><id>a</id></deletedImage>` + strings.Repeat("<image/>", n-1) + `</images></queryResult>`)
	}
	found, err := parseNCMEC("page", page(maxPageRecords), ncmecFilter{})
	require.NoError(t, err)
	assert.Len(t, found.page.Faults, maxPageRecords-1)
	_, err = parseNCMEC("page", page(maxPageRecords+1), ncmecFilter{})
	require.ErrorIs(t, err, ErrPage)
}

func TestFirstReadable(t *testing.T) {
	cause := &PageError{Err: ErrPage}
	try := func(bad, last int64, broken error) func(int64) (int, error) {
		return func(since int64) (int, error) {
			switch {
			case broken != nil && since == 700:
				return 0, broken
			case since <= bad:
				return 0, cause
			case since > last:
				return 0, nil
			}
			return 1, nil
		}
	}
	at, err := firstReadable(101, 1_000_000, try(5000, 6000, nil), cause)
	require.NoError(t, err)
	assert.EqualValues(t, 5001, at)
	at, err = firstReadable(101, 1_000_000, try(0, 6000, nil), cause)
	require.NoError(t, err)
	assert.EqualValues(t, 101, at)
	for _, bad := range []int64{6000, 2_000_000} { // nothing behind it; nothing at all
		_, err = firstReadable(101, 1_000_000, try(bad, 6000, nil), cause)
		require.Equal(t, error(cause), err)
	}
	_, err = firstReadable(5, 4, nil, cause)
	require.Equal(t, error(cause), err)
	down := errors.New("down")
	_, err = firstReadable(600, 800, try(650, 6000, down), cause)
	require.ErrorIs(t, err, down)
	_, err = firstReadable(600, 700, try(650, 6000, down), cause)
	require.ErrorIs(t, err, down)
}

func TestJudgeGraph(t *testing.T) {
	for body, want := range map[string]error{
		`{"error":{"code":4}}`: ErrRate, `{"error":{"code":17}}`: ErrRate, `{"error":{"code":613}}`: ErrRate,
		`{"error":{"code":190}}`: ErrCredentials, `{"error":{"code":200}}`: ErrCredentials, `{"error":{"code":10}}`: ErrCredentials,
		`{"error":{"code":100,"error_subcode":33}}`: ErrNoSuchRecord, `{"error":{"code":2}}`: ErrUnavailable,
		`{"error":{"code":100}}`: nil, `{}`: nil, `<html>`: nil, `{"error":"x"}`: nil,
	} {
		assert.Equal(t, want, judgeGraph(400, []byte(body)), body)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-5": 0, "x": 0, "99999999999999999999": 0, "9223372036854775807": 1 << 31 * time.Second,
		"Thu, 01 Jan 2026 12:01:30 GMT": 90 * time.Second, "Thu, 01 Jan 2026 11:01:30 GMT": 0, "Thursday, 01-Jan-26 12:00:10 GMT": 10 * time.Second} {
		assert.Equal(t, want, retryAfter(header, now), header)
	}
}
