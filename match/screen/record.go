package screen

import (
	"cmp"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/record"
)

// About is what the caller knows of an upload beside its bytes, for its record.
type About struct {
	ID          string    // the upload's own one; empty: that of For. One is needed
	Received    time.Time // when the caller got it; zero: it is not told
	Screened    time.Time // when it was screened; zero: now
	ListVersion string    // what the caller calls the state of its banks, as a position of match/store; empty: it is not told
}

// Record makes a record of a verdict of this Screener. The thresholds are those that the banks
// have by now; each match has the one it was measured by. Digests and hashes are in it as far as
// Options asked for them. What can't be written in JSON as it is (IDs that are not UTF-8) has
// U+FFFD in its place. Of more than a thousand matches, which the pictures of an archive can have
// together, it has those first that stand. The error is record.ErrInvalid. It costs some microseconds and one for
// each bank, and waits where banks are being changed, as Matcher.Banks does.
func (s *Screener) Record(v *Verdict, a About) (*record.Record, error) {
	if a.Screened.IsZero() {
		a.Screened = time.Now()
	}
	r := &record.Record{Schema: record.SchemaID, Version: record.Version, ScreenedAt: a.Screened, ListVersion: text(a.ListVersion),
		Outcome: v.Outcome.String(), Reason: v.Reason, Frames: v.Frames, Matches: matches(v.Matches), MatchesTotal: v.Total, Shadow: matches(v.Shadow), ShadowTotal: v.ShadowTotal}
	id := cmp.Or(a.ID, s.id)
	r.ID = record.ID(id, a.Screened)
	r.Upload = record.Upload{ID: id, ReceivedAt: a.Received, Format: text(v.Info.Format), Width: max(0, v.Info.Width), Height: max(0, v.Info.Height),
		DurationMS: ms(v.Info.Duration), Bytes: max(0, v.Info.Bytes), Flags: v.Flags}
	if v.Info.Class != 0 {
		r.Upload.Class = v.Info.Class.String()
	}
	for _, d := range v.Digests {
		if r.Upload.Digests == nil {
			r.Upload.Digests = make(map[string]string)
		}
		r.Upload.Digests[d.Kind().String()] = d.Hex()
	}
	for _, h := range v.Hashes {
		r.Upload.Hashes = append(r.Upload.Hashes, record.Hash{Kind: h.Value.Kind().String(), Hash: h.Value.Hex(), Quality: quality(h.Quality), TimeMS: ms(h.Time)})
	}
	r.Tool = tool()
	r.Tool.Modules = slices.Clone(r.Tool.Modules)
	if r.Tool.Decoder = "go"; v.Decoder != "" {
		r.Tool.Decoder = text(v.Decoder)
	}
	for _, k := range s.matcher.Kinds() {
		r.Tool.Kinds = append(r.Tool.Kinds, k.String())
	}
	for _, b := range s.matcher.Banks() {
		for _, k := range hash.Kinds() {
			if bits, there := b.Thresholds[k]; there {
				r.Thresholds = append(r.Thresholds, record.Threshold{Bank: text(b.Name), Kind: k.String(), Bits: bits})
			}
		}
	}
	for _, p := range v.Plan {
		r.Passes = append(r.Passes, record.Pass{Kind: string(p.Kind), Why: p.Why, FromMS: ms(p.From), ToMS: ms(p.To), Frames: p.Frames})
	}
	for i := range v.Media {
		m := &v.Media[i]
		r.Media = append(r.Media, record.Medium{Format: text(m.Format), Offset: m.Offset, Bytes: m.Size, Outcome: m.Outcome.String(), Reason: m.Reason})
	}
	return r, r.Check()
}

// mostMatches is as many as are told of one picture by default.
const mostMatches = match.DefaultMaxMatches

func matches(of []match.Match) []record.Match {
	if len(of) > mostMatches {
		of = slices.Clone(of)
		suppressed := func(m *match.Match) int { return min(1, len(m.SuppressedBy)) }
		slices.SortStableFunc(of, func(a, b match.Match) int { return suppressed(&a) - suppressed(&b) })
		of = of[:mostMatches]
	}
	all := make([]record.Match, len(of))
	for i := range of {
		m, e := &of[i], &of[i].Evidence
		r := record.Match{Bank: text(m.Entry.Bank), Entry: text(m.Entry.ID), Labels: texts(m.Entry.Labels), Action: text(m.Action), Opinion: m.Entry.Curation.Stance().String(),
			SuppressedBy: text(m.SuppressedBy), ShadowedBy: m.ShadowedBy,
			Evidence: record.Evidence{Kind: e.Kind.String(), Distance: e.Distance, Threshold: e.Threshold, Transform: texts(e.Transform), KnownTransform: texts(e.KnownTransform),
				QueryHash: e.Query.Hex(), KnownHash: e.Known.Hex(), QueryTimeMS: ms(e.QueryTime), KnownTimeMS: ms(e.KnownTime)}}
		if !e.Kind.IsDigest() {
			r.Evidence.Quality = quality(e.Quality)
		}
		for _, s := range e.Segments {
			r.Evidence.Segments = append(r.Evidence.Segments, record.Segment{QueryFromMS: ms(s.QueryFrom), QueryToMS: ms(s.QueryTo), KnownFromMS: ms(s.KnownFrom), KnownToMS: ms(s.KnownTo),
				Frames: s.Frames, MeanDistance: hundredths(s.MeanDistance), Speed: hundredths(s.Speed)})
		}
		if len(e.Segments) > 0 {
			r.Evidence.QueryPercent, r.Evidence.KnownPercent = new(hundredths(e.QueryPercent)), new(hundredths(e.KnownPercent))
		}
		if c := m.Entry.Curation; c != nil {
			r.Origin = origin(c)
		}
		all[i] = r
	}
	return all
}

// origin is what is known of where an entry came from; nil: nothing.
func origin(c *match.Curation) *record.Origin {
	shared := c.Origin.Fetched
	for i := range c.Opinions {
		if o := &c.Opinions[i]; !o.Ours && !o.At.IsZero() && (shared.IsZero() || o.At.Before(shared)) {
			shared = o.At
		}
	}
	o := &record.Origin{Exchange: text(c.Origin.Exchange), Member: text(c.Origin.Member), ID: text(c.Origin.ID), Severity: text(c.Origin.Severity), FetchedAt: c.Origin.Fetched, SharedAt: shared}
	if len(c.Origin.Tags) > 0 {
		o.Tags = texts(c.Origin.Tags)
	} else if o.Exchange == "" && o.Member == "" && o.ID == "" && o.Severity == "" && shared.IsZero() {
		return nil
	}
	return o
}

func quality(q hash.Quality) *int {
	if q == hash.Unmeasured {
		return nil
	}
	return new(int(q))
}

// ms rounds to milliseconds; times before the beginning, which odd files have, are 0.
func ms(d time.Duration) int64 { return max(0, d.Round(time.Millisecond).Milliseconds()) }

// hundredths rounds to two decimals.
func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func texts(list []string) []string {
	all := make([]string, len(list))
	for i := range list {
		all[i] = text(list[i])
	}
	return all
}

// modules are what decides, beside the library itself, what is seen of an upload and matched.
var modules = []string{"codeberg.org/gruf/go-ffmpreg", "github.com/bep/imagemeta", "github.com/corona10/goimagehash", "github.com/tetratelabs/wazero",
	"github.com/u2takey/ffmpeg-go", "golang.org/x/image"}

const modulePath = "github.com/rematch-go/rematch"

// tool is what the Go tool recorded of the program.
var tool = sync.OnceValue(func() record.Tool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return toolOf(info)
})

func toolOf(info *debug.BuildInfo) record.Tool {
	t := record.Tool{Name: "rematch", Version: "devel", Go: runtime.Version()}
	for _, m := range append(slices.Clone(info.Deps), &info.Main) {
		version := m.Version
		if m.Replace != nil {
			version = m.Replace.Version
		}
		if version == "" || version == "(devel)" {
			version = "devel"
		}
		switch {
		case m.Path == modulePath:
			t.Version = version
		case strings.HasPrefix(m.Path, modulePath+"/") || slices.Contains(modules, m.Path):
			t.Modules = append(t.Modules, record.Module{Path: m.Path, Version: version})
		}
	}
	slices.SortFunc(t.Modules, func(a, b record.Module) int { return strings.Compare(a.Path, b.Path) })
	return t
}
