package match_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

const noLimit = 1 << 40

// someBanks have everything that a bank file can hold.
func someBanks(r *rand.Rand) []match.Bank {
	video := match.Entry{ID: "clips/one.mp4", Labels: []string{"terror", "claim"}, Duration: 9 * time.Second, Disabled: true}
	for i := range 3 {
		video.Signals = append(video.Signals, match.Signal{
			Value: random(r, hash.PDQ), Quality: hash.Quality(50 + i), Transform: []string{"border", "x"}[:i%3],
			From: time.Duration(i) * 3 * time.Second, To: time.Duration(i+1) * 3 * time.Second,
		})
	}
	for i := range video.Signals {
		if len(video.Signals[i].Transform) == 0 {
			video.Signals[i].Transform = nil
		}
	}
	return []match.Bank{
		{
			Name: "mixed", Labels: []string{"from us"}, Thresholds: map[hash.Kind]int{hash.PDQ: 20, hash.AHash256: 0}, Disabled: true,
			Entries: []match.Entry{
				bare(random(r, hash.PDQ)), bare(random(r, hash.PDQ)), video, bare(random(r, hash.MD5)), bare(random(r, hash.PHash)),
				{ID: "\xff not UTF-8 \n", Signals: []match.Signal{{Value: random(r, hash.SHA1)}, {Value: random(r, hash.DHash), Quality: hash.Unmeasured}}},
				{ID: "nothing yet"},
			},
		},
		{Name: "empty", Allow: true},
		{Name: "digests", Entries: []match.Entry{bare(random(r, hash.SHA256))}},
	}
}

func encode(t testing.TB, banks ...match.Bank) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, match.Write(&b, banks...))
	return b.Bytes()
}

func TestBankFileRoundTrip(t *testing.T) {
	banks := someBanks(seeded())
	file := encode(t, banks...)
	assert.Equal(t, file, encode(t, banks...), "the same banks give the same bytes")
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(file), "byte by byte": iotest.OneByteReader(bytes.NewReader(file)), "data with the end": iotest.DataErrReader(bytes.NewReader(file)),
	} {
		got, err := match.Read(r, int64(len(file)))
		require.NoError(t, err, name)
		assert.Equal(t, banks, got, name)
	}
	none, err := match.Read(bytes.NewReader(encode(t)), noLimit)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestBankFileOfManySections(t *testing.T) {
	r := seeded()
	b := match.Bank{Name: "large"}
	for range 70_000 { // over two sections of 32 bytes
		b.Entries = append(b.Entries, bare(random(r, hash.PDQ)))
	}
	for i := range 30_000 { // over one section
		e := match.Entry{ID: fmt.Sprintf("picture %d", i), Signals: []match.Signal{{Value: random(r, hash.PDQ), Quality: 90}}}
		b.Entries = append(b.Entries, e)
	}
	long := match.Entry{ID: "a day", Duration: 24 * time.Hour} // longer than a section on its own
	for i := range 40_000 {
		long.Signals = append(long.Signals, match.Signal{Value: random(r, hash.PDQ), Quality: 77, From: time.Duration(i), To: time.Duration(i + 1)})
	}
	b.Entries = append(b.Entries, long, match.Entry{ID: "last"})
	path := filepath.Join(t.TempDir(), "large.bank")
	require.NoError(t, match.WriteFile(path, b))
	got, err := match.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, b, got[0])
}

func TestBankFileFlipsAndCuts(t *testing.T) {
	banks := someBanks(seeded())
	file := encode(t, banks...)
	formatError := func(err error, what string) {
		var fe *match.FormatError
		require.ErrorAs(t, err, &fe, what)
		require.GreaterOrEqual(t, fe.Offset, int64(0), what)
		require.Less(t, fe.Offset, int64(len(file)+1), what)
		require.True(t, errors.Is(err, match.ErrDamaged) || errors.Is(err, match.ErrNotBankFile) || errors.Is(err, match.ErrNewerFile) || errors.Is(err, match.ErrTooLarge), what)
	}
	for i := range file {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			got, err := match.Read(bytes.NewReader(bad), noLimit)
			formatError(err, fmt.Sprintf("byte %d flipped by %#x", i, flip))
			require.Nil(t, got)
		}
		got, err := match.Read(bytes.NewReader(file[:i]), noLimit)
		formatError(err, fmt.Sprintf("cut to %d", i))
		require.Nil(t, got)
	}
	_, err := match.Read(bytes.NewReader(append(bytes.Clone(file), 0)), noLimit)
	require.ErrorIs(t, err, match.ErrDamaged, "something after the end")
	_, err = match.Read(bytes.NewReader(file), int64(len(file)-1))
	require.ErrorIs(t, err, match.ErrTooLarge)
}

func TestBankFileRefusesOthers(t *testing.T) {
	file := encode(t, someBanks(seeded())...)
	newer := bytes.Clone(file)
	newer[8] = 2
	seal(newer[:16])
	_, err := match.Read(bytes.NewReader(newer), noLimit)
	require.ErrorIs(t, err, match.ErrNewerFile)

	for _, foreign := range []string{"", "x", "\x89PNG\r\n\x1a\n..............", "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22\n"} {
		_, err := match.Read(bytes.NewReader([]byte(foreign)), noLimit)
		require.ErrorIs(t, err, match.ErrNotBankFile, "%q", foreign)
	}

	otherKinds := bytes.Replace(file, []byte("goimagehash v1.1.0 D"), []byte("goimagehash v1.2.0 D"), 1)
	reseal(otherKinds)
	_, err = match.Read(bytes.NewReader(otherKinds), noLimit)
	require.ErrorIs(t, err, match.ErrNewerFile, "hashes made in another way")
	require.ErrorContains(t, err, "dhash")

	broken := errors.New("the disk is gone")
	_, err = match.Read(io.MultiReader(bytes.NewReader(file[:100]), iotest.ErrReader(broken)), noLimit)
	require.ErrorIs(t, err, broken, "not the file's fault")
}

// A length is believed only as far as there are bytes.
func TestBankFileLiesAboutLengths(t *testing.T) {
	file := encode(t, match.Bank{Name: "b", Entries: []match.Entry{{ID: "e", Duration: 1}}})
	at := bytes.Index(file, []byte("ENTR"))
	require.Positive(t, at)
	binary.LittleEndian.PutUint32(file[at+8:], 64<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := match.Read(bytes.NewReader(file), noLimit)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, match.ErrDamaged)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
}

func TestWriteRefuses(t *testing.T) {
	r := seeded()
	long := string(make([]byte, 1<<16))
	e := bare(random(r, hash.PDQ))
	for name, banks := range map[string][]match.Bank{
		"no name":          {{}},
		"long name":        {{Name: long}},
		"long label":       {{Name: "b", Labels: []string{long}}},
		"two of a name":    {{Name: "b"}, {Name: "b"}},
		"threshold":        {{Name: "b", Thresholds: map[hash.Kind]int{hash.PDQ: 257}}},
		"threshold's kind": {{Name: "b", Thresholds: map[hash.Kind]int{99: 1}}},
		"no ID":            {{Name: "b", Entries: []match.Entry{{Signals: e.Signals}}}},
		"two of an ID":     {{Name: "b", Entries: []match.Entry{e, e}}},
		"zero hash":        {{Name: "b", Entries: []match.Entry{{ID: "e", Signals: make([]match.Signal, 1)}}}},
		"negative time":    {{Name: "b", Entries: []match.Entry{{ID: "e", Duration: -1}}}},
	} {
		err := match.Write(io.Discard, banks...)
		var ee *match.EntryError
		require.ErrorAs(t, err, &ee, name)
	}
	path := filepath.Join(t.TempDir(), "bank")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	require.Error(t, match.WriteFile(path, match.Bank{}))
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(kept), "the old file stays")
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, names, 1, "nothing is left over")
	require.Error(t, match.WriteFile(filepath.Join(path, "below a file"), match.Bank{Name: "b"}))
	_, err = match.ReadFile(filepath.Dir(path))
	require.Error(t, err, "a folder")
}

// seal and reseal mend the checksums of a file that a test has changed.
func seal(b []byte) {
	binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)))
}

func reseal(file []byte) {
	if len(file) < 16 {
		return
	}
	seal(file[:16])
	for at := 16; at+16 <= len(file); {
		n := int64(binary.LittleEndian.Uint32(file[at+8:]))
		end := int64(at) + 16 + n
		if end > int64(len(file)) {
			return
		}
		if string(file[at:at+4]) == "DONE" && n == 48 {
			sum := sha256Sum(file[:at])
			copy(file[at+12+16:], sum[:])
		}
		seal(file[at:end])
		at = int(end)
	}
}

// Whatever is accepted is written in the same bytes again. The checksums are
// mended, or no mutation would ever get past them.
func FuzzReadBankFile(f *testing.F) {
	f.Add(encode(f, someBanks(seeded())...))
	f.Add(encode(f))
	f.Add(encode(f, match.Bank{Name: "b", Entries: []match.Entry{{ID: "e"}}}))
	f.Fuzz(func(t *testing.T, file []byte) {
		file = bytes.Clone(file) // the input itself must not change
		reseal(file)
		banks, err := match.Read(bytes.NewReader(file), 1<<20)
		if err != nil {
			require.Nil(t, banks)
			return
		}
		require.Equal(t, file, encode(t, banks...))
	})
}
