package match_test

import (
	"bytes"
	"encoding/binary"
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
			slices.SortFunc(segments, func(a, b match.Segment) int { return int(a.QueryFrom - b.QueryFrom) })
			for i, s := range segments {
				require.True(t, 0 <= s.QueryFrom && s.QueryFrom <= s.QueryTo, "%+v", s)
				require.True(t, 0 <= s.KnownFrom && s.KnownFrom <= s.KnownTo && s.KnownTo <= e.Duration, "%+v", s)
				require.Positive(t, s.Frames)
				require.LessOrEqual(t, s.MeanDistance, float64(ev.Threshold))
				require.True(t, i == 0 || segments[i-1].QueryTo <= s.QueryFrom, "%+v", segments)
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
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<20 {
			return
		}
		file = bytes.Clone(file) // the input itself must not change
		reseal(file)
		hostile(t, file, true)
	})
}

// The same of a good file in which numbers are overwritten: each edit is where
// (uint16), how many bytes, and the bytes.
func FuzzEditBankFile(f *testing.F) {
	good := encode(f, smallBanks()...)
	f.Add([]byte{64, 0, 1, 0xff})
	f.Add([]byte{0, 1, 4, 1, 2, 3, 4, 0, 2, 8, 255, 255, 255, 255, 255, 255, 255, 255})
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
