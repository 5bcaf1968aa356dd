package screen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/internal/jsonschema"
	"github.com/rematch-go/rematch/match/record"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

var update = flag.Bool("update", false, "write the golden records anew")

var moment = time.Date(2026, 11, 5, 12, 0, 0, 123456789, time.FixedZone("", 3600))

// A record of every outcome: each is what the schema allows, says what the verdict says, and is
// the same as ever.
func TestRecords(t *testing.T) {
	o := screen.Options{Video: video.Options{Backend: &drawn{}}}
	shared := moment.Add(-48 * time.Hour)
	gifct := &match.Curation{Origin: match.Origin{Exchange: "gifct", Member: "<b>m</b>", ID: "9", Fetched: shared.Add(time.Hour), Severity: "A1", Tags: []string{"t"}},
		Opinions: []match.Opinion{{By: "m", Says: match.Positive, At: shared}, {By: "ann", Ours: true, Says: match.Positive, At: shared.Add(-time.Hour)}}}
	disputed := &match.Curation{Opinions: []match.Opinion{{By: "m", Says: match.Positive, At: shared}, {By: "n", Says: match.Negative, At: shared.Add(time.Minute)}}}
	brief := o // crops and halves take their time
	brief.Crops = -1
	one := enroll(t, "one.mp4", clip("seed=1 from=0 seconds=8"), brief)
	one.Curation = gifct
	two := enroll(t, "bad \xff id", clip("seed=2 from=0 seconds=6 bars=12"), brief)
	two.Curation = disputed
	four := enroll(t, "four.mp4", clip("seed=4 from=0 seconds=6"), brief)
	five := match.Entry{ID: "five", Signals: []match.Signal{{Value: digestOf(t, clip("seed=5 from=0 seconds=6")), Quality: hash.Unmeasured}}}
	m := matcher(t, match.Bank{Name: "known", Action: "block", Labels: []string{"terror"}, Thresholds: map[hash.Kind]int{hash.PDQ: 28}, Entries: []match.Entry{one, two, four, five}},
		match.Bank{Name: "news", Allow: true, Suppresses: []string{"known"}, Entries: []match.Entry{{ID: "clip", Signals: four.Signals, Duration: four.Duration}}})
	for _, c := range []struct {
		name  string
		file  []byte
		class record.Class
		o     func(o *screen.Options)
	}{
		{"match", clip("seed=1 from=1.3 seconds=6 flip=true"), record.Matched, nil},
		{"digest", clip("seed=5 from=0 seconds=6"), record.Matched, nil},
		{"partial", clip("seed=1 from=0 seconds=8 broken=5"), record.Matched, nil},
		{"suppressed", clip("seed=4 from=0 seconds=5"), record.Suppressed, nil},
		{"shadowed", clip("seed=2 from=0 seconds=5"), record.Shadowed, nil},
		{"not_judged_truncated", clip("seed=3 from=0 seconds=8 broken=4"), record.NotJudged, nil},
		{"not_judged_unsupported", []byte("words"), record.NotJudged, nil},
		{"clean", clip("seed=3 from=0 seconds=4"), record.Clean, nil},
		{"all_facts", clip("seed=3 from=0 seconds=2"), record.Clean, func(o *screen.Options) { o.Digests, o.Hashes = screen.OfAll, true }},
		{"no_facts", clip("seed=1 from=0 seconds=5"), record.Matched, func(o *screen.Options) { o.Digests = screen.OfNone }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := o
			if c.o != nil {
				c.o(&o)
			}
			s := screen.New(m, o)
			v, err := s.Screen(context.Background(), video.Bytes("upload.jpg", c.file))
			require.NoError(t, err)
			r, err := s.For("upload 1").Record(&v, screen.About{Received: moment.Add(-time.Second), Screened: moment, ListVersion: "7:ab"})
			require.NoError(t, err)
			assert.Equal(t, c.class, r.Class())
			r.Decisions = []record.Decision{{Actor: record.Actor{Type: "reviewer", ID: "ann"}, At: moment.Add(time.Hour), Status: record.Confirmed, Note: "seen"}}
			assert.Equal(t, record.Confirmed, r.Status())
			r.PreserveUntil = moment.AddDate(1, 0, 0)
			real, err := r.Encode()
			require.NoError(t, err)
			require.NoError(t, jsonschema.Check(record.Schema(), real))
			back, err := record.Parse(real)
			require.NoError(t, err)
			again, err := back.Encode()
			require.NoError(t, err)
			assert.Equal(t, string(real), string(again))

			r.Tool.Version, r.Tool.Go, r.Tool.Modules = "v0.0.1", "go0", []record.Module{{Path: "example.org/m", Version: "v1.0.0"}}
			doc, err := r.Encode()
			require.NoError(t, err)
			var pretty bytes.Buffer
			require.NoError(t, json.Indent(&pretty, doc, "", " "))
			pretty.WriteByte('\n')
			golden := filepath.Join("testdata", "records", c.name+".json")
			if *update {
				require.NoError(t, os.WriteFile(golden, pretty.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), pretty.String())
		})
	}
}

// What a program says of itself: no test binary knows its version, but what decodes is there.
func TestRecordsTool(t *testing.T) {
	s := screen.New(matcher(t, match.Bank{Name: "b"}), screen.Options{})
	v, err := s.ScreenImage(scene(1, 0, 64, 64))
	require.NoError(t, err)
	r, err := s.Record(&v, screen.About{ID: "x"})
	require.NoError(t, err)
	assert.Equal(t, "rematch", r.Tool.Name)
	assert.Equal(t, "go", r.Tool.Decoder)
	assert.Contains(t, r.Tool.Go, "go1.")
	assert.WithinDuration(t, time.Now(), r.ScreenedAt, time.Minute)
	assert.Equal(t, screen.ReasonNoBank, r.Reason)
	assert.Equal(t, record.ID("x", r.ScreenedAt), r.ID)

	_, err = s.Record(&v, screen.About{})
	assert.ErrorIs(t, err, record.ErrInvalid, "an upload needs the caller's ID")
	_, err = s.Record(&v, screen.About{ID: "a\xff"})
	assert.ErrorIs(t, err, record.ErrInvalid)
	_, err = s.Record(&screen.Verdict{}, screen.About{ID: "x"})
	assert.ErrorIs(t, err, record.ErrInvalid, "the zero verdict is none")
}

// A record has no more matches than people look through, and one that stands is among them.
func TestRecordsBounded(t *testing.T) {
	s := screen.New(matcher(t, match.Bank{Name: "b"}), screen.Options{})
	v := screen.Verdict{Outcome: screen.Match, Total: 1602}
	for i := range 1602 {
		m := match.Match{Entry: match.Entry{Bank: "b", ID: "suppressed"}, SuppressedBy: "news/x", Evidence: match.Evidence{Kind: hash.PDQ}}
		m.Evidence.Query, _ = hash.FromBytes(hash.PDQ, make([]byte, 32))
		m.Evidence.Known, m.Evidence.QueryTime = m.Evidence.Query, -time.Second // as odd files have it
		if i >= 1600 {
			m.Entry.ID, m.SuppressedBy = string(rune('a'+i-1600)), ""
		}
		v.Matches = append(v.Matches, m)
	}
	r, err := s.Record(&v, screen.About{ID: "x"})
	require.NoError(t, err)
	require.Len(t, r.Matches, 1000)
	assert.Equal(t, 1602, r.MatchesTotal)
	assert.Equal(t, []string{"a", "b", "suppressed"}, []string{r.Matches[0].Entry, r.Matches[1].Entry, r.Matches[2].Entry})
	assert.Equal(t, "suppressed", v.Matches[0].Entry.ID, "the verdict stays as it was")
}

func TestRecordsModules(t *testing.T) {
	tool := screen.ToolOf(&debug.BuildInfo{Main: debug.Module{Path: "example.org/program", Version: "v9.9.9"}, Deps: []*debug.Module{
		{Path: "golang.org/x/image", Version: "v0.47.0"}, {Path: "github.com/stretchr/testify", Version: "v1.0.0"},
		{Path: "github.com/rematch-go/rematch", Version: "v0.1.0"},
		{Path: "github.com/rematch-go/rematch/video/wasmffmpeg", Version: "v0.1.0", Replace: &debug.Module{Path: "../video/wasmffmpeg"}},
		{Path: "github.com/corona10/goimagehash", Version: "v1.1.0", Replace: &debug.Module{Path: "example.org/fork", Version: "v1.1.1"}},
	}})
	assert.Equal(t, "v0.1.0", tool.Version)
	assert.Equal(t, []record.Module{{Path: "github.com/corona10/goimagehash", Version: "v1.1.1"}, {Path: "github.com/rematch-go/rematch/video/wasmffmpeg", Version: "devel"},
		{Path: "golang.org/x/image", Version: "v0.47.0"}}, tool.Modules)
}

// Hashes are told where they are asked for: of every medium of a file, by time, and not without end.
func TestHashes(t *testing.T) {
	m := matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "other", pngOf(t, scene(9, 0, 64, 64)), screen.Options{})}})
	of := func(o screen.Options, file []byte) []screen.PictureHash {
		v, err := screen.New(m, o).Screen(context.Background(), video.Bytes("x", file))
		require.NoError(t, err)
		return v.Hashes
	}
	a, b := pngOf(t, scene(1, 0, 64, 64)), jpegOf(t, scene(2, 0, 64, 64), 80)
	asked := screen.Options{Hashes: true}
	first, second := of(asked, a), of(asked, b)
	require.Len(t, first, 1)
	require.Len(t, second, 1)
	assert.NotEqual(t, first, second)
	assert.Equal(t, append(first, second...), of(asked, join(a, b)))
	assert.Empty(t, of(screen.Options{}, join(a, b)))

	live := screen.New(m, asked).NewStream()
	frame := scene(1, 0, 64, 64)
	for i := range screen.MaxHashes + 1 {
		require.NoError(t, live.Add(frame, time.Duration(screen.MaxHashes-i)*time.Second))
	}
	v, err := live.Verdict()
	require.NoError(t, err)
	require.Len(t, v.Hashes, screen.MaxHashes)
	assert.Equal(t, []time.Duration{time.Second, screen.MaxHashes * time.Second}, []time.Duration{v.Hashes[0].Time, v.Hashes[screen.MaxHashes-1].Time}, "by time")
}
