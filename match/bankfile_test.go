package match_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
			Value: random(r, hash.PDQ), Quality: hash.Quality(50 + i), Transform: [][]string{nil, {"border"}, {"border", "x"}}[i],
			From: time.Duration(i) * 3 * time.Second, To: time.Duration(i+1) * 3 * time.Second,
		})
	}
	mixed := match.Bank{
		Name: "mixed", Labels: []string{"from us", ""}, Thresholds: map[hash.Kind]int{hash.PDQ: 20, hash.AHash256: 0}, Disabled: true,
		Action: "review", Policy: match.Policy{Seed: match.Shadow, Quarantined: match.Ignore}, RollOut: match.RollOut{Percent: 12.5, Key: "k"},
		Entries: []match.Entry{
			bare(random(r, hash.PDQ)), bare(random(r, hash.PDQ)), video, bare(random(r, hash.MD5)), bare(random(r, hash.PHash)),
			{ID: "\xff not UTF-8 \n", Signals: []match.Signal{{Value: random(r, hash.SHA1)}, {Value: random(r, hash.DHash), Quality: hash.Unmeasured}}},
			{ID: "nothing yet"}, {ID: "nothing but words", Curation: curated(1)},
			{ID: "disputed", Labels: []string{"x"}, Curation: &match.Curation{Opinions: curated(2).Opinions}, Signals: []match.Signal{{Value: random(r, hash.PDQ), Quality: 60}}},
			{ID: "нет 📼", Signals: []match.Signal{{Value: blank(hash.PDQ), Quality: 80}, {Value: video.Signals[0].Value, Quality: 12}}},
			bare(blank(hash.SHA1)), bare(blank(hash.PDQ)),
		},
	}
	twin := video // of another bank, and so of the same ID
	twin.Disabled, twin.Labels = false, nil
	banks := []match.Bank{mixed, {Name: "empty", Allow: true, Suppresses: []string{"mixed", "other"}, RollOut: match.RollOut{Shadow: true}}, {Name: "digests", Entries: []match.Entry{bare(random(r, hash.SHA256))}}, {Name: "Тест\n"}}
	for _, k := range hash.Kinds() {
		v := random(r, k)
		full := match.Entry{ID: "of " + k.String(), Signals: []match.Signal{{Value: v, Quality: 100}, {Value: random(r, k)}, {Value: v}}}
		banks[3].Entries = append(banks[3].Entries, full, bare(v), bare(random(r, k)))
	}
	banks[3].Entries = append(banks[3].Entries, twin)
	return banks
}

// blank is a hash that no list can have meant.
func blank(k hash.Kind) hash.Value {
	v, err := hash.FromBytes(k, make([]byte, k.Bits()/8))
	if err != nil {
		panic(err) // the length is the kind's own
	}
	return v
}

// stored are banks as they come back from a file: bare hashes first, by kind and value.
func stored(banks []match.Bank) []match.Bank {
	banks = slices.Clone(banks)
	for i := range banks {
		banks[i].Entries = slices.Clone(banks[i].Entries)
		isBare := func(e match.Entry) bool {
			return len(e.Signals) == 1 && e.Signals[0].Quality == hash.Unmeasured && e.ID == e.Signals[0].Value.String() &&
				len(e.Labels) == 0 && e.Duration == 0 && !e.Disabled && len(e.Signals[0].Transform) == 0
		}
		slices.SortStableFunc(banks[i].Entries, func(a, b match.Entry) int {
			if isBare(a) && isBare(b) {
				return a.Signals[0].Value.Compare(b.Signals[0].Value)
			}
			rank := func(e match.Entry) int {
				if isBare(e) {
					return 0
				}
				return 1
			}
			return cmp.Compare(rank(a), rank(b))
		})
	}
	return banks
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
	assert.Equal(t, file, encode(t, stored(banks)...), "the order of bare hashes does not matter")
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(file), "byte by byte": iotest.OneByteReader(bytes.NewReader(file)), "data with the end": iotest.DataErrReader(bytes.NewReader(file)),
	} {
		got, err := match.Read(r, int64(len(file)))
		require.NoError(t, err, name)
		assert.Equal(t, stored(banks), got, name)
	}
	path := filepath.Join(t.TempDir(), "bank")
	require.NoError(t, match.WriteFile(path, banks...))
	got, err := match.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, stored(banks), got)
	onDisk, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, file, onDisk)
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}
	none, err := match.Read(bytes.NewReader(encode(t)), noLimit)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestBankFileOfManyBlocks(t *testing.T) {
	r := seeded()
	b := match.Bank{Name: "large"}
	for i := range 20_000 {
		v := random(r, hash.PDQ)
		b.Entries = append(b.Entries, bare(v))
		if i%3 == 0 { // with the same hash
			b.Entries = append(b.Entries, match.Entry{ID: fmt.Sprintf("picture %d", i), Signals: []match.Signal{{Value: v, Quality: 90}}})
		}
	}
	long := match.Entry{ID: "a day", Duration: 24 * time.Hour} // longer than a block on its own
	for i := range 40_000 {
		long.Signals = append(long.Signals, match.Signal{Value: random(r, hash.PDQ), Quality: 77, From: time.Duration(i), To: time.Duration(i + 1)})
	}
	b.Entries = append(b.Entries, long, match.Entry{ID: "last"})
	path := filepath.Join(t.TempDir(), "large.bank")
	require.NoError(t, match.WriteFile(path, b))
	got, err := match.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, stored([]match.Bank{b}), got)
}

// formatError makes sure that a file was refused as it should be.
func formatError(t testing.TB, err error, file []byte, what string, args ...any) *match.FormatError {
	t.Helper()
	var fe *match.FormatError
	require.ErrorAs(t, err, &fe, append([]any{what}, args...)...)
	require.NotEmpty(t, fe.Section)
	require.NotEmpty(t, fe.Reason)
	require.True(t, fe.Offset >= 0 && fe.Offset <= int64(len(file)), "offset %d", fe.Offset)
	require.True(t, errors.Is(err, match.ErrDamaged) || errors.Is(err, match.ErrNotBankFile) || errors.Is(err, match.ErrNewerFile) ||
		errors.Is(err, match.ErrOlderFile) || errors.Is(err, match.ErrTooLarge), err)
	return fe
}

// use asks a snapshot for all that it has. What it gives without an error must be
// right; the error is the first one.
func use(t testing.TB, s *match.Snapshot, want []match.Bank) error {
	t.Helper()
	var first error
	keep := func(err error) bool {
		if first == nil {
			first = err
		}
		return err == nil
	}
	if want != nil {
		require.Len(t, s.Banks(), len(want))
	}
	for i, info := range s.Banks() {
		n := 0
		for e, err := range s.Entries(info.Name) {
			if !keep(err) {
				break
			}
			if want != nil {
				require.Equal(t, want[i].Entries[n], e)
				again, ok, err := s.Entry(info.Name, e.ID)
				if keep(err) {
					require.True(t, ok)
					require.Equal(t, e, again)
				}
			} else {
				_, _, err := s.Entry(info.Name, e.ID)
				keep(err)
			}
			n++
		}
		_, ok, err := s.Entry(info.Name, "what no bank has")
		if keep(err) {
			require.False(t, ok)
		}
	}
	for number := range uint32(s.Len()) {
		_, _, err := s.Numbered(number)
		keep(err)
	}
	for signal := range s.Signals() {
		entry, index, err := s.EntryOf(signal)
		if !keep(err) {
			continue
		}
		if _, e, err := s.Numbered(entry); keep(err) {
			require.Less(t, index, len(e.Signals))
		}
	}
	_, err := s.JunkSignals()
	keep(err)
	return first
}

func TestBankFileFlipsAndCuts(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	for _, c := range []struct {
		name  string
		banks []match.Bank
		step  int
	}{{"every byte", smallBanks(), 1}, {"of everything", someBanks(seeded()), 29}} {
		t.Run(c.name, func(t *testing.T) {
			file, want := encode(t, c.banks...), stored(c.banks)
			for i := 0; i < len(file); i += c.step {
				for _, flip := range []byte{0x01, 0xff} {
					file[i] ^= flip
					s, err := match.OpenBytes(file)
					if err == nil {
						if err := use(t, s, want); err != nil {
							formatError(t, err, file, "using: byte %d flipped by %#x", i, flip)
						}
						err = s.Verify()
					}
					formatError(t, err, file, "byte %d flipped by %#x", i, flip)
					got, err := match.Read(bytes.NewReader(file), noLimit)
					formatError(t, err, file, "reading: byte %d flipped by %#x", i, flip)
					require.Nil(t, got)
					file[i] ^= flip
				}
				s, err := match.OpenBytes(file[:i])
				formatError(t, err, file, "cut to %d", i)
				require.Nil(t, s)
			}
			require.True(t, bytes.Equal(file, encode(t, c.banks...)), "nothing is changed")
			_, err := match.Read(bytes.NewReader(append(bytes.Clone(file), 0)), noLimit)
			require.ErrorIs(t, err, match.ErrDamaged, "something after the end")
			_, err = match.Read(bytes.NewReader(file), int64(len(file)-1))
			require.ErrorIs(t, err, match.ErrTooLarge)
		})
	}
}

// In a file of many blocks most of them are not read when it is opened.
func TestBankFileFlipsInLargeFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	r := seeded()
	b := match.Bank{Name: "b"}
	for i := range 900 {
		b.Entries = append(b.Entries, bare(random(r, hash.PDQ)), bare(random(r, hash.MD5)))
		e := match.Entry{ID: fmt.Sprint(i), Labels: []string{"a label of some length"}}
		for range i % 4 {
			e.Signals = append(e.Signals, match.Signal{Value: random(r, hash.PHash), Quality: 100})
		}
		b.Entries = append(b.Entries, e)
	}
	want := stored([]match.Bank{b})
	file := encode(t, b)
	lazily := 0
	for i := 0; i < len(file); i += 1511 {
		file[i] ^= 0x10
		s, err := match.OpenBytes(file)
		if err == nil {
			lazily++
			if err := use(t, s, want); err != nil {
				formatError(t, err, file, "using: byte %d", i)
			}
			err = s.Verify()
			require.ErrorIs(t, err, match.ErrDamaged)
		}
		formatError(t, err, file, "byte %d", i)
		file[i] ^= 0x10
	}
	require.Positive(t, lazily)
	s, err := match.OpenBytes(file)
	require.NoError(t, err)
	require.NoError(t, use(t, s, want))
	require.NoError(t, s.Verify())
}

func TestBankFileNamesTheSection(t *testing.T) {
	r := seeded()
	b := match.Bank{Name: "b"}
	for i := range 5000 {
		b.Entries = append(b.Entries, bare(random(r, hash.PDQ)), match.Entry{ID: fmt.Sprint(i), Labels: []string{"a label of some length"}})
	}
	file := encode(t, b)
	at := bytes.Index(file, []byte("\x04\x002500\x00")) // in ENTR
	require.Positive(t, at)
	file[at+2]++
	s, err := match.OpenBytes(file)
	require.NoError(t, err)
	err = use(t, s, nil)
	fe := formatError(t, err, file, "an ID")
	assert.Equal(t, "ENTR", fe.Section)
	assert.EqualValues(t, at&^0xffff, fe.Offset)
	assert.ErrorContains(t, err, fmt.Sprintf("section %d ENTR at byte %d: ", fe.Number, at&^0xffff))
	assert.Equal(t, s.Verify(), err)
}

func TestBankFileRefusesOthers(t *testing.T) {
	file := encode(t, someBanks(seeded())...)
	newer := bytes.Clone(file)
	newer[8] = 4
	seal(newer[:64])
	_, err := match.Read(bytes.NewReader(newer), noLimit)
	require.ErrorIs(t, err, match.ErrNewerFile)

	// Of version 1, which had a header of 16 bytes.
	older := append([]byte("rmbank\r\n\x01\x00\x00\x00crc_"), "KIND and so on"...)
	seal(older[:16])
	_, err = match.Read(bytes.NewReader(older), noLimit)
	require.ErrorIs(t, err, match.ErrOlderFile)
	formatError(t, err, older, "version 1")
	path := filepath.Join(t.TempDir(), "older")
	require.NoError(t, os.WriteFile(path, older, 0o600))
	_, err = match.OpenSnapshot(path)
	require.ErrorIs(t, err, match.ErrOlderFile)

	for _, foreign := range []string{"", "x", "rmbank", "\x89PNG\r\n\x1a\n..............", "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22\n"} {
		_, err := match.Read(bytes.NewReader([]byte(foreign)), noLimit)
		require.ErrorIs(t, err, match.ErrNotBankFile, "%q", foreign)
		_, err = match.OpenBytes([]byte(foreign))
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
	_, err = match.OpenSnapshot(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A stranger's bytes are not read to their end before they are refused.
func TestReadStopsAtTheHeader(t *testing.T) {
	r := bytes.NewReader(make([]byte, 1<<20))
	_, err := match.Read(r, noLimit)
	require.ErrorIs(t, err, match.ErrNotBankFile)
	require.Greater(t, r.Len(), 1<<19)
}

func TestWriteRefuses(t *testing.T) {
	r := seeded()
	long := string(make([]byte, 1<<16))
	e := bare(random(r, hash.PDQ))
	full := func(s match.Signal) []match.Entry {
		return []match.Entry{{ID: "e", Duration: time.Hour, Signals: []match.Signal{s}}}
	}
	labelled := e
	labelled.Labels = []string{"and so not bare"}
	for name, banks := range map[string][]match.Bank{
		"no name":            {{}},
		"long name":          {{Name: long}},
		"long label":         {{Name: "b", Labels: []string{long}}},
		"two of a name":      {{Name: "b"}, {Name: "b"}},
		"threshold":          {{Name: "b", Thresholds: map[hash.Kind]int{hash.PDQ: 257}}},
		"threshold's kind":   {{Name: "b", Thresholds: map[hash.Kind]int{99: 1}}},
		"no ID":              {{Name: "b", Entries: []match.Entry{{Signals: e.Signals}}}},
		"long ID":            {{Name: "b", Entries: []match.Entry{{ID: long}}}},
		"two of a bare ID":   {{Name: "b", Entries: []match.Entry{e, e}}},
		"two of an ID":       {{Name: "b", Entries: []match.Entry{{ID: "x"}, {ID: "y"}, {ID: "x", Duration: 1}}}},
		"a bare and another": {{Name: "b", Entries: []match.Entry{labelled, e}}},
		"zero hash":          {{Name: "b", Entries: []match.Entry{{ID: "e", Signals: make([]match.Signal, 1)}}}},
		"negative duration":  {{Name: "b", Entries: []match.Entry{{ID: "e", Duration: -1}}}},
		"long duration":      {{Name: "b", Entries: []match.Entry{{ID: "e", Duration: 1 << 62}}}},
		"quality":            {{Name: "b", Entries: full(match.Signal{Value: e.Signals[0].Value, Quality: 101})}},
		"negative time":      {{Name: "b", Entries: full(match.Signal{Value: e.Signals[0].Value, From: -1})}},
		"backwards":          {{Name: "b", Entries: full(match.Signal{Value: e.Signals[0].Value, From: 2, To: 1})}},
		"long transform":     {{Name: "b", Entries: full(match.Signal{Value: e.Signals[0].Value, Transform: []string{long}})}},
		"times of no video":  {{Name: "b", Entries: []match.Entry{{ID: "e", Signals: []match.Signal{{Value: e.Signals[0].Value, To: 1}}}}}},
	} {
		err := match.Write(io.Discard, banks...)
		var ee *match.EntryError
		require.ErrorAs(t, err, &ee, name)
		require.True(t, errors.Is(err, match.ErrInvalid) || errors.Is(err, match.ErrDuplicate), name)
	}
	path := filepath.Join(t.TempDir(), "bank")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	require.Error(t, match.WriteFile(path, match.Bank{}))
	require.Error(t, match.WriteFile(path, match.Bank{Name: "b", Entries: []match.Entry{e, e}}))
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

// fullDisk takes so many bytes and no more.
type fullDisk struct{ room int }

var errFull = errors.New("the disk is full")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		n := d.room
		d.room = 0
		return n, errFull
	}
	d.room -= len(p)
	return len(p), nil
}

func TestWriteToAFullDisk(t *testing.T) {
	banks := someBanks(seeded())
	size := len(encode(t, banks...))
	for room := 0; room < size; room += 997 {
		require.ErrorIs(t, match.Write(&fullDisk{room}, banks...), errFull)
	}
	require.NoError(t, match.Write(&fullDisk{size}, banks...))
}

// seal and reseal mend the checksums of a file that a test has changed.
func seal(b []byte) {
	binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)))
}

func reseal(file []byte) {
	if len(file) < 128 {
		return
	}
	seal(file[:64])
	foot := file[len(file)-64:]
	sums, directory := binary.LittleEndian.Uint64(foot), binary.LittleEndian.Uint64(foot[8:])
	if end := uint64(len(file) - 64); sums <= directory && directory <= end {
		for at, block := sums, file[:sums]; len(block) > 0 && at+4 <= directory; at += 4 {
			n := min(len(block), 1<<16)
			binary.LittleEndian.PutUint32(file[at:], crc32.Checksum(block[:n], crc32.MakeTable(crc32.Castagnoli)))
			block = block[n:]
		}
		binary.LittleEndian.PutUint32(foot[20:], crc32.Checksum(file[sums:end], crc32.MakeTable(crc32.Castagnoli)))
	}
	binary.LittleEndian.PutUint64(foot[48:], uint64(len(file)))
	copy(foot[56:], "done")
	seal(foot)
}

// hostile opens and uses a file whose checksums are right, whatever is in it. If even
// Verify finds nothing wrong, the file must be one that Write makes. served tells to do so
// in a matcher too.
func hostile(t testing.TB, file []byte, served bool) (refused bool) {
	t.Helper()
	s, err := match.OpenBytes(file)
	if err != nil {
		formatError(t, err, file, "opening")
		banks, err := match.Read(bytes.NewReader(file), noLimit)
		require.Error(t, err)
		require.Nil(t, banks)
		return true
	}
	if err := use(t, s, nil); err != nil {
		formatError(t, err, file, "using")
	}
	if served {
		serve(t, s, file)
	}
	banks, err := match.Read(bytes.NewReader(file), noLimit)
	if err != nil {
		formatError(t, err, file, "reading")
		require.Nil(t, banks)
	}
	verified := s.Verify()
	if verified != nil {
		formatError(t, verified, file, "verifying")
		return true
	}
	require.NoError(t, err, "what Verify accepts can be read")
	require.NoError(t, use(t, s, stored(banks)))
	if file[8] == 2 {
		return false // it is read, and written otherwise
	}
	again := encode(t, banks...)
	copy(again[len(again)-40:], file[len(file)-40:len(file)-16]) // the lineage is not of the banks
	seal(again[len(again)-64:])
	require.True(t, bytes.Equal(again, file), "what Verify accepts is what Write makes")
	return false
}

// serve loads a snapshot into a matcher, asks it what can be asked, and changes all that it
// has. What goes wrong is the file's fault, and the error says so.
func serve(t testing.TB, s *match.Snapshot, file []byte) {
	t.Helper()
	m, err := match.New(match.Options{Gate: match.NoGate})
	require.NoError(t, err)
	var refusal *match.EntryError
	fault := func(err error) {
		t.Helper()
		if err != nil && !errors.As(err, &refusal) {
			formatError(t, err, file, "serving")
		}
	}
	if err := m.Load(s); err != nil {
		fault(err)
		return
	}
	m.Kinds()
	_, err = m.Quarantined()
	fault(err)
	for _, b := range smallBanks() {
		for _, e := range b.Entries {
			for _, signal := range e.Signals {
				look := match.Look{Value: signal.Value, Quality: hash.Unmeasured}
				_, err := m.ScanPicture([]match.Look{look})
				fault(err)
				_, err = m.Lookup(signal.Value, 0)
				fault(err)
				if _, err = m.ScanVideo([]match.QueryFrame{{For: time.Second, Looks: []match.Look{look}}}); !errors.Is(err, match.ErrLowQuality) {
					fault(err)
				}
			}
		}
	}
	for _, b := range m.Banks() {
		for e, err := range m.Entries(b.Name) {
			if fault(err); err != nil {
				break
			}
			_, _, err := m.Entry(b.Name, e.ID)
			fault(err)
			fault(m.SetLabels(b.Name, e.ID, "x"))
			fault(m.AddEntries(b.Name, e))
			fault(m.Remove(b.Name, e.ID))
			fault(m.AddEntries(b.Name, e))
		}
		fault(m.RemoveBank(b.Name))
	}
	require.Empty(t, m.Banks())
}

// smallBanks are short in a file and have each sort of section.
func smallBanks() []match.Bank {
	r := seeded()
	v := random(r, hash.PHash)
	return []match.Bank{{
		Name: "b", Labels: []string{"l"}, Thresholds: map[hash.Kind]int{hash.PHash: 3},
		Entries: []match.Entry{
			bare(v), bare(blank(hash.PHash)), bare(random(r, hash.MD5)),
			{ID: "e", Labels: []string{"x"}, Signals: []match.Signal{{Value: v, Quality: 70}, {Value: random(r, hash.SHA1), Quality: 70}}},
			{ID: "f", Duration: time.Second, Signals: []match.Signal{{Value: v, Quality: 70, To: time.Second}}},
		},
	}, {Name: "c", Entries: []match.Entry{bare(v), {ID: "e"}}}}
}

// Every byte of a small file is made another one under right checksums.
func TestBankFileHostileBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	file := encode(t, smallBanks()...)
	require.False(t, hostile(t, file, true))
	accepted := 0
	for i := range file {
		for _, flip := range []byte{1, 0x80, 0xff}[i%3:][:1] {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			reseal(bad)
			if !hostile(t, bad, i%2 == 0) {
				accepted++
			}
		}
	}
	// Only the text of a label and the like is anybody's to choose, and the lineage.
	assert.Less(t, accepted, 200)
}

// Every number of a small file is made the worst ones under right checksums.
func TestBankFileHostileNumbers(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	file := encode(t, smallBanks()...)
	for at := 0; at+8 <= len(file); at += 4 {
		for i, number := range []uint64{0, 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 63, 1<<64 - 1} {
			bad := bytes.Clone(file)
			binary.LittleEndian.PutUint64(bad[at:], number)
			reseal(bad)
			hostile(t, bad, (at/4+i)%5 == 0)
		}
	}
}

// A number is believed only as far as there are bytes.
func TestBankFileLiesAboutLengths(t *testing.T) {
	file := encode(t, match.Bank{Name: "liar", Entries: []match.Entry{{ID: "e", Labels: []string{"l"}}}})
	at := bytes.Index(file, []byte("\x04\x00liar")) + 6
	lie := func(offset int, numbers ...uint32) {
		bad := bytes.Clone(file)
		for i, n := range numbers {
			binary.LittleEndian.PutUint32(bad[offset+4*i:], n)
		}
		reseal(bad)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := match.Read(bytes.NewReader(bad), noLimit)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, match.ErrDamaged)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	}
	lie(at-10, 1<<32-1) // banks
	const settings = 1 + 2 + 1 + 2 + 2 + 6 + 8 + 2
	lie(at+settings, 1<<32-2)    // bare entries
	lie(at+settings+4, 1<<32-1)  // other entries
	lie(at+settings+8, 1<<32-1)  // videos
	lie(at+settings+12, 1<<32-1) // counts
	lie(len(file)-48, 1<<32-1)   // sections
	entry := bytes.Index(file, []byte("\x01\x00e\x00\x01\x00\x01\x00l"))
	require.Positive(t, entry)
	lie(entry+3+1, 0xffff_ffff)     // labels
	lie(entry+3+1+5+8, 0xffff_ffff) // signals
}
