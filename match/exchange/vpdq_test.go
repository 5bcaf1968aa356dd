package exchange_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/vpdq"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

// frame is a frame whose hash is n digits f, each further one 4 bits away.
func frame(t *testing.T, digits int, q hash.Quality, at time.Duration) vpdq.Feature {
	t.Helper()
	v, err := hash.ParseHex(hash.PDQ, strings.Repeat("f", digits)+strings.Repeat("0", 64-digits))
	require.NoError(t, err)
	return vpdq.Feature{Quality: q, Value: v, Time: at}
}

func TestVPDQEntry(t *testing.T) {
	const s = time.Second
	interval := func(e match.Entry) (all []string) {
		for _, s := range e.Signals {
			all = append(all, fmt.Sprintf("%d:%v-%v", strings.Count(s.Value.Hex(), "f"), s.From, s.To))
		}
		return all
	}
	for name, c := range map[string]struct {
		frames   []vpdq.Feature
		want     []string
		duration time.Duration
	}{
		"one a second": {[]vpdq.Feature{frame(t, 0, 100, 0), frame(t, 9, 100, s), frame(t, 20, 100, 2*s)},
			[]string{"0:0s-1s", "9:1s-2s", "20:2s-3s"}, 3 * s},
		"near ones are one": {[]vpdq.Feature{frame(t, 0, 100, 0), frame(t, 2, 100, s), frame(t, 3, 100, 2*s), frame(t, 5, 100, 3*s)},
			[]string{"0:0s-2s", "3:2s-4s"}, 4 * s},
		"in any order, and with a gap": {[]vpdq.Feature{frame(t, 40, 100, 60*s), frame(t, 0, 100, 0), frame(t, 9, 100, s), frame(t, 20, 100, 2*s)},
			[]string{"0:0s-1s", "9:1s-2s", "20:2s-4s", "40:1m0s-1m1s"}, 61 * s},
		"a poor one ends the one before": {[]vpdq.Feature{frame(t, 0, 100, 0), frame(t, 9, 49, s), frame(t, 9, 50, 2*s), frame(t, 20, 0, 3*s)},
			[]string{"0:0s-1s", "9:2s-3s"}, 4 * s},
		"times of three digits": {[]vpdq.Feature{frame(t, 0, 100, 1230*s), frame(t, 9, 100, 1230*s), frame(t, 20, 100, 1240*s), frame(t, 30, 100, 1240*s)},
			[]string{"0:20m30s-20m35s", "9:20m35s-20m40s", "20:20m40s-20m45s", "30:20m45s-20m50s"}, 1250 * s},
		"a single one": {[]vpdq.Feature{frame(t, 0, 100, 5*s)}, []string{"0:5s-6s"}, 6 * s},
		"every frame, then far": {[]vpdq.Feature{frame(t, 0, 100, 0), frame(t, 9, 100, s/20), frame(t, 20, 100, s/10), frame(t, 30, 100, 9*s)},
			[]string{"0:0s-50ms", "9:50ms-100ms", "20:100ms-1.1s", "30:9s-9.05s"}, 9050 * time.Millisecond},
	} {
		e, err := exchange.VPDQEntry("x", c.frames)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, interval(e), name)
		assert.Equal(t, c.duration, e.Duration, name)
		_, err = match.New(match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{e}})
		require.NoError(t, err, name)
	}
	_, err := exchange.VPDQEntry("x", nil)
	require.ErrorIs(t, err, vpdq.ErrEmpty)
	_, err = exchange.VPDQEntry("x", []vpdq.Feature{frame(t, 0, 49, 0)})
	require.ErrorIs(t, err, match.ErrLowQuality)
	_, err = exchange.VPDQEntry("x", []vpdq.Feature{{Quality: 100}})
	require.ErrorIs(t, err, match.ErrInvalid)
}

// Others' files of one frame a second find the recoloured, marked and longer copies that
// a list so sparse can find, and nothing else.
func TestVPDQOfOthersMatches(t *testing.T) {
	dir := os.Getenv("REMATCH_MEDIA")
	if dir == "" {
		t.Skip("REMATCH_MEDIA is not set: no vPDQ files of others")
	}
	read := func(folder, name string) []vpdq.Feature {
		file, err := os.Open(filepath.Join(dir, "video", folder, name+".txt"))
		require.NoError(t, err)
		defer file.Close()
		features, err := vpdq.Read(file, vpdq.Options{})
		require.NoError(t, err)
		return features
	}
	const chair, pattern = "chair-orig-22-sd-bar", "pattern-hd-no-bar"
	bank := match.Bank{Name: "others"}
	for _, name := range []string{chair, pattern} {
		e, err := exchange.VPDQEntry(name, read("vpdq-1fps", name))
		require.NoError(t, err)
		bank.Entries = append(bank.Entries, e)
	}
	m, err := match.New(match.Options{}, bank)
	require.NoError(t, err)
	for _, c := range []struct {
		upload string
		want   []string
	}{
		{chair, []string{chair}}, {"chair-19-sd-bar", []string{chair}}, {"chair-20-sd-bar", []string{chair}}, {"chair-22-sd-grey-bar", []string{chair}},
		{"chair-22-sd-sepia-bar", []string{chair}}, {"chair-22-with-small-logo-bar", []string{chair}},
		{pattern, []string{pattern}}, {"pattern-longer-no-bar", []string{pattern}},
		{"doorknob-hd-no-bar", nil}, {"test-padded-dimensions", nil},
	} {
		var frames []match.QueryFrame
		features := read("vpdq-every-frame", c.upload)
		for i := 0; i < len(features); i += 5 { // six a second, at no phase in particular
			f := features[i]
			frames = append(frames, match.QueryFrame{Number: f.Frame, Time: f.Time, For: time.Second / 6,
				Looks: []match.Look{{Value: f.Value, Quality: f.Quality}}})
		}
		result, err := m.ScanVideo(frames)
		require.NoError(t, err, c.upload)
		var got []string
		for _, found := range result.Matches {
			got = append(got, found.Entry.ID)
			assert.NotEmpty(t, found.Evidence.Segments)
		}
		assert.Equal(t, c.want, got, c.upload)
	}
}
