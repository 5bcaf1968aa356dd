package match_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// Whatever frames and signals come, an alignment keeps its promises: segments lie
// in both media and do not overlap in the upload, evidence is within the
// threshold, the order of the frames does not matter, and nothing panics.
func FuzzScanVideo(f *testing.F) {
	f.Add([]byte("\x00\x10\x20\x30\x40\x50\x60\x70"), []byte("\x00\x10\x20\x30\x40\x50"), uint8(5))
	f.Add([]byte("\x00\x00\x00\x00\x01\x01\x01\x01"), []byte("\x01\x01\x01\x00\x00\x00"), uint8(50))
	f.Add([]byte{0, 0}, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint8(255))
	f.Add([]byte(" A000XA0X"), []byte(" 007 770000"), uint8('\x05')) // a frame a jitter before the known video
	f.Fuzz(func(t *testing.T, known, upload []byte, step uint8) {
		if len(known) > 200 || len(upload) > 200 {
			return
		}
		// A byte's high half is a scene, its low half how far a frame is from it.
		r := seeded()
		scenes := make([]hash.Value, 16)
		for i := range scenes {
			scenes[i] = random(r, hash.PDQ)
		}
		value := func(b byte) hash.Value { return flipped(r, scenes[b>>4], int(b&15)) }
		each := time.Duration(step) * 20 * time.Millisecond
		e := match.Entry{ID: "known", Duration: time.Duration(len(known)) * 300 * time.Millisecond}
		for i, b := range known {
			from := time.Duration(i) * 300 * time.Millisecond
			e.Signals = append(e.Signals, match.Signal{Value: value(b), Quality: 90, From: from, To: from + 300*time.Millisecond})
		}
		if len(e.Signals) == 0 {
			return
		}
		var frames []match.QueryFrame
		for i, b := range upload {
			look := match.Look{Value: value(b), Quality: hash.Quality(40 + b&63)}
			if b&3 == 3 {
				look.Transform = []string{"flipx"}
			}
			frames = append(frames, match.QueryFrame{Number: i, Time: time.Duration(i) * each, Looks: []match.Look{look}})
		}
		m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{e, picture("shot", scenes[3])}})
		result, err := m.ScanVideo(frames)
		shuffled := slices.Clone(frames)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, errAgain := m.ScanVideo(shuffled)
		require.Equal(t, err, errAgain)
		require.Equal(t, result, again)
		if err != nil {
			require.ErrorIs(t, err, match.ErrLowQuality)
			return
		}
		all := slices.Clone(result.Matches)
		for _, w := range result.Weak {
			require.NotEmpty(t, w.Missing)
			all = append(all, w.Match)
		}
		for _, x := range all {
			ev := x.Evidence
			d, ok := ev.Query.Distance(ev.Known)
			require.True(t, ok)
			require.Equal(t, d, ev.Distance)
			require.LessOrEqual(t, d, ev.Threshold)
			require.True(t, ev.QueryPercent >= 0 && ev.QueryPercent <= 100 && ev.KnownPercent >= 0 && ev.KnownPercent <= 100.000001)
			if !(x.Entry.Duration > 0) {
				require.Empty(t, ev.Segments)
				continue
			}
			require.NotEmpty(t, ev.Segments)
			require.True(t, ev.KnownTime >= 0 && ev.KnownTime <= e.Duration)
			segments := slices.Clone(ev.Segments)
			slices.SortFunc(segments, func(a, b match.Segment) int { return cmp.Compare(a.QueryFrom, b.QueryFrom) })
			for i, s := range segments {
				require.True(t, 0 <= s.QueryFrom && s.QueryFrom <= s.QueryTo, "%+v", s)
				require.True(t, 0 <= s.KnownFrom && s.KnownFrom <= s.KnownTo && s.KnownTo <= e.Duration, "%+v", s)
				checkSegment(t, s, ev.Threshold)
				require.True(t, i == 0 || segments[i-1].QueryTo <= s.QueryFrom, "%+v", segments)
			}
		}
	})
}

// checkSegment holds what a segment says of itself.
func checkSegment(t *testing.T, s match.Segment, threshold int) {
	t.Helper()
	require.Positive(t, s.Frames)
	require.True(t, 0 <= s.Confirmed && s.Confirmed <= s.Frames, "%+v", s)
	require.True(t, 0.75 <= s.Speed && s.Speed <= 1.3, "%+v", s)
	if s.Confirmed == 0 {
		require.LessOrEqual(t, s.MeanDistance, float64(threshold))
	}
	require.LessOrEqual(t, s.MeanDistance, 64.0)
}

// Frames come at any times, also impossible ones, in any order and in any batches: bad
// ones are refused, of the others the verdict is ScanVideo's, and nothing panics or hangs.
func FuzzVideoScan(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, int64(1), int64(500_000_000), uint8(3))
	f.Add([]byte{0, 0, 16, 16, 32, 32, 200, 100}, int64(0), int64(0), uint8(1))
	f.Add([]byte{9, 25, 41, 57}, int64(359_999_999_999_999_000), int64(400), uint8(2))
	f.Add([]byte{9, 25, 41, 57}, int64(-5), int64(-1), uint8(0))
	f.Add([]byte("\x19\x06HHHH,,,,\x06\a\x19"), int64(26), int64(500_000_158), uint8(81)) // the best frame is of a look with a limit of its own, others are not
	f.Fuzz(func(t *testing.T, upload []byte, start, step int64, batch uint8) {
		if len(upload) > 100 {
			return
		}
		r := seeded()
		a := moving(r, 10*time.Second)
		shown := moving(r, 5*time.Second)
		sparse := match.Entry{ID: "list", Duration: 9 * time.Second}
		for i := range 9 {
			sparse.Signals = append(sparse.Signals, match.Signal{Value: a[i*25], Quality: 90, From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second})
		}
		slices.Reverse(sparse.Signals) // in no order
		m := newMatcher(t, match.Options{}, match.Bank{Name: "b", Entries: []match.Entry{a.entry("a"), sparse, picture("shot", a[40])}},
			match.Bank{Name: "ok", Allow: true, Entries: []match.Entry{shown.entry("shown")}})
		v := m.NewVideo()
		var kept []match.QueryFrame
		for i := 0; i < len(upload); {
			var frames []match.QueryFrame
			good := true
			for n := 0; n <= int(batch%8) && i < len(upload); n, i = n+1, i+1 {
				b := upload[i]
				at := time.Duration(start) + time.Duration(int64(b))*time.Duration(step)
				film := a
				if b&64 != 0 {
					film = shown
				}
				look := match.Look{Value: flipped(r, film[int(b)%len(film)], int(b>>2&31)), Quality: 90, Limit: int(b & 1 * 28)}
				frames = append(frames, match.QueryFrame{Number: i, Time: at, For: time.Duration(step), Looks: []match.Look{look}})
				good = good && at >= 0 && at <= 100_000*time.Hour && step >= 0 && time.Duration(step) <= 100_000*time.Hour
			}
			err := v.Add(frames...)
			if good {
				require.NoError(t, err)
				kept = append(kept, frames...)
			} else {
				require.ErrorIs(t, err, match.ErrInvalid)
			}
			_, err = v.Result()
			require.True(t, err == nil || errors.Is(err, match.ErrLowQuality))
		}
		got, err := v.Result()
		want, wantErr := m.ScanVideo(kept)
		require.Equal(t, wantErr, err)
		require.Equal(t, want, got)
		last := time.Duration(0)
		for _, s := range got.Closer() {
			require.True(t, last <= s.From && s.From <= s.To, "%+v", got.Closer())
			last = s.To
		}
		all := slices.Clone(got.Matches)
		for _, w := range got.Weak {
			all = append(all, w.Match)
		}
		for _, x := range all {
			for _, s := range x.Evidence.Segments {
				require.True(t, 0 <= s.QueryFrom && s.QueryFrom <= s.QueryTo && 0 <= s.KnownFrom && s.KnownFrom <= s.KnownTo && s.KnownTo <= 10*time.Second, "%+v", s)
				checkSegment(t, s, hash.PDQ.Threshold()) // the evidence's is that of its frame, and may be less
			}
		}
	})
}

// A bank file is used, or refused; never believed. The checksums are mended, or no
// change would ever get past them.
func FuzzReadBankFile(f *testing.F) {
	f.Add(encode(f, smallBanks()...))
	f.Add(encode(f))
	f.Add(encode(f, match.Bank{Name: "b", Entries: []match.Entry{{ID: "e"}}}))
	drawPlain(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 {
			return
		}
		file = bytes.Clone(file) // the input itself must not change
		reseal(file)
		hostile(t, file, true)
	})
}

// drawPlain does what is done once in a program before inputs come: pictures that are known to be
// plain are drawn, which on a busy machine takes longer than the ten seconds that an input may.
func drawPlain(f *testing.F) { hostile(f, encode(f, smallBanks()...), true) }

// The same of a good file in which numbers are overwritten: each edit is where
// (uint16), how many bytes, and the bytes.
func FuzzEditBankFile(f *testing.F) {
	good := encode(f, smallBanks()...)
	f.Add([]byte{64, 0, 1, 0xff})
	f.Add([]byte{0, 1, 4, 1, 2, 3, 4, 0, 2, 8, 255, 255, 255, 255, 255, 255, 255, 255})
	drawPlain(f)
	f.Fuzz(func(t *testing.T, edits []byte) {
		file := bytes.Clone(good)
		for len(edits) > 3 {
			at, n := int(binary.LittleEndian.Uint16(edits))%len(file), int(edits[2]%9)
			edits = edits[3:]
			edits = edits[copy(file[at:], edits[:min(n, len(edits))]):]
		}
		reseal(file)
		hostile(t, file, true)
	})
}
