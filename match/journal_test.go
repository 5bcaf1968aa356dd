package match_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// contents returns all that a matcher has, as text.
func contents(t testing.TB, m *match.Matcher) string {
	var s strings.Builder
	for _, b := range m.Banks() {
		fmt.Fprintf(&s, "%+v\n", b)
		entries := map[string]match.Entry{}
		for e, err := range m.Entries(b.Name) {
			require.NoError(t, err)
			require.NotContains(t, entries, e.ID)
			entries[e.ID] = e
			fmt.Fprintf(&s, "%s %q %v %v %+v", e.ID, e.Labels, e.Duration, e.Disabled, e.Curation.Clone())
			for _, signal := range e.Signals {
				fmt.Fprintf(&s, " %+v", signal)
			}
			s.WriteString("\n")
		}
		require.Len(t, entries, b.Entries)
	}
	// The order of what is on a shelf and what is not changes when it is saved.
	lines := strings.Split(s.String(), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// keeps closes m, whose file must hold all that it holds.
func keeps(t testing.TB, m *match.Matcher, path string) {
	t.Helper()
	want := contents(t, m)
	require.NoError(t, m.Close())
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	require.Equal(t, want, contents(t, m))
	require.NoError(t, m.Close())
}

// journalled is a bank file with something of everything in it.
func journalled(t testing.TB) (path string, r *rand.Rand) {
	r = seeded()
	banks := []match.Bank{
		{Name: "list", Labels: []string{"reported"}, Thresholds: map[hash.Kind]int{hash.PDQ: 20}},
		{Name: "media", Entries: []match.Entry{
			picture("a", random(r, hash.PDQ)), {ID: "clip", Duration: 4 * time.Second, Labels: []string{"x"}, Signals: []match.Signal{
				{Value: random(r, hash.PDQ), Quality: 90, To: time.Second}, {Value: random(r, hash.PDQ), Quality: 10, From: time.Second, To: 4 * time.Second}, {Value: random(r, hash.SHA256), Quality: hash.Unmeasured},
			}},
		}},
	}
	for range 20 {
		banks[0].Entries = append(banks[0].Entries, bare(random(r, hash.PDQ)), bare(random(r, hash.MD5)))
	}
	path = filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, match.WriteFile(path, banks...))
	return path, r
}

// step makes the ith of a series of changes in which everything occurs. It depends on
// nothing but i and what the steps before have done.
func step(m *match.Matcher, i int) error {
	r := rand.New(rand.NewPCG(7, uint64(i)))
	id := func(n int) string { return fmt.Sprintf("entry %d", n) }
	switch i % 14 {
	case 0, 1, 2:
		return m.AddEntries("media", match.Entry{ID: id(i), Labels: []string{fmt.Sprint("label ", i)}, Signals: []match.Signal{{Value: random(r, hash.PDQ), Quality: 80, Transform: []string{"border"}}}}, bare(random(r, hash.PHash)))
	case 3:
		return m.Remove("media", id(i-3))
	case 4:
		return m.Enable("media", id(i-3), false)
	case 5:
		return m.SetLabels("media", id(i-3), "seen", fmt.Sprint(i))
	case 6:
		return m.SetThreshold("list", hash.PDQ, i%32)
	case 7:
		return m.Add(match.Bank{Name: fmt.Sprint("bank ", i), Allow: i%20 == 7, Thresholds: map[hash.Kind]int{hash.PDQ: 9}, Entries: []match.Entry{bare(random(r, hash.PDQ)), picture("p", random(r, hash.PDQ))}})
	case 8:
		if i < 20 {
			return m.Enable("list", "", i%4 == 0)
		}
		return m.RemoveBank(fmt.Sprint("bank ", i-15))
	case 9:
		return m.EditEntry("media", id(i-7), func(e *match.Entry) {
			e.Labels, e.Curation = append(e.Labels, "curated"), curated(i)
		})
	case 10:
		return m.EditBank("list", func(b *match.Bank) {
			b.Action, b.Policy.Seed, b.RollOut = fmt.Sprint("action ", i), match.Treatment(i%4), match.RollOut{Percent: float64(i % 100), Key: "k"}
		})
	case 11:
		return m.Apply(match.Change{Op: match.PutEntries, Bank: match.Bank{Name: "media"}, Entries: []match.Entry{
			{ID: "clip", Curation: curated(i), Signals: []match.Signal{{Value: random(r, hash.PDQ), Quality: 70}}}, picture(id(i), random(r, hash.PDQ)),
		}})
	case 12:
		return m.Apply(match.Change{Op: match.DropEntries, Bank: match.Bank{Name: "media"}, Entries: []match.Entry{{ID: id(i - 1)}, {ID: "nowhere"}}})
	}
	return m.SetLabels("list", "", fmt.Sprint("step ", i))
}

// curated says something of everything, another thing for each i.
func curated(i int) *match.Curation {
	at := time.Date(2026, 1, 1, 0, 0, i, 7, time.UTC)
	return &match.Curation{
		DisabledUntil: at, Expires: at.AddDate(1, 0, 0), Note: fmt.Sprint("note ", i),
		Decision:   match.Decision{Stance: match.Negative, By: "curator", At: at, Note: "a news clip"},
		Opinions:   []match.Opinion{{By: "member", Says: match.Positive, At: at, Tags: []string{"a", "b"}}, {By: "me", Ours: true, Says: match.Seed}},
		Quarantine: match.Quarantine{Since: at, Count: i, Usual: 1.5, Uploads: 1000},
		Origin:     match.Origin{Exchange: "ncmec", Member: "42", ID: fmt.Sprint(i), Fetched: at, Severity: "A1", Tags: []string{"t"}},
	}
}

func TestChangesAreFoundAgain(t *testing.T) {
	path, _ := journalled(t)
	live, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	plain, err := match.New(match.Options{})
	require.NoError(t, err)
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	require.NoError(t, plain.Load(s))
	for i := range 120 {
		require.NoError(t, step(live, i))
		require.NoError(t, step(plain, i))
		require.Equal(t, contents(t, plain), contents(t, live))
		if i%7 == 6 {
			require.NoError(t, live.Save())
		}
		if i%5 == 4 {
			require.NoError(t, live.Close())
			live, err = match.Open(path, match.Options{})
			require.NoError(t, err)
			require.Equal(t, contents(t, plain), contents(t, live), "after step %d", i)
		}
	}
	require.NoError(t, live.Close())
	require.ErrorIs(t, step(live, 120), match.ErrClosed)
	require.ErrorIs(t, live.Save(), match.ErrClosed)
	require.NoError(t, live.Close())
}

// Readers, writers and saving together: what stays is always found, and at the end the
// file has everything.
func TestSaveBesideReadersAndWriters(t *testing.T) {
	path, r := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	stays := random(r, hash.PDQ)
	require.NoError(t, m.AddEntries("media", picture("stays", stays)))
	var stop atomic.Bool
	var writers, others sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(w)))
			for i := range 60 {
				id := fmt.Sprint(w, " ", i)
				err := m.AddEntries("media", picture(id, random(r, hash.PDQ)), bare(random(r, hash.SHA1)))
				if err == nil && i%3 == 0 {
					err = m.Remove("media", id)
				} else if err == nil && i%3 == 1 {
					err = m.SetLabels("media", id, id)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		others.Go(func() {
			for !stop.Load() {
				if matches, err := m.Match(stays, 90); err != nil || len(matches) != 1 {
					t.Errorf("%v %v", matches, err)
					return
				}
			}
		})
	}
	others.Go(func() {
		for !stop.Load() {
			if err := m.Save(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	writers.Wait()
	stop.Store(true)
	others.Wait()
	keeps(t, m, path)
	s, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	require.NoError(t, s.Verify())
}

// What is refused is not in the log, nor a bank that comes again as it is.
func TestRefusedChangesAreNotLogged(t *testing.T) {
	path, r := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	info, err := os.Stat(path + ".log")
	require.NoError(t, err)
	require.Error(t, m.AddEntries("media", picture("a", random(r, hash.PDQ))))
	require.Error(t, m.AddEntries("nowhere", picture("b", random(r, hash.PDQ))))
	require.Error(t, m.AddEntries("media", picture("b", random(r, hash.PDQ)), match.Entry{ID: "c"}))
	require.Error(t, m.AddEntries("media", picture(strings.Repeat("long", 20_000), random(r, hash.PDQ))))
	require.Error(t, m.Add(match.Bank{Name: "list"}))
	require.Error(t, m.Remove("media", "b"))
	require.Error(t, m.RemoveBank("b"))
	require.Error(t, m.Enable("b", "", true))
	require.Error(t, m.SetLabels("media", "b"))
	require.Error(t, m.SetLabels("media", "a", strings.Repeat("long", 20_000)))
	require.Error(t, m.SetLabels("media", "", strings.Repeat("long", 20_000)))
	// Of what Save could not write there would never be a new file again.
	many := slices.Repeat([]string{strings.Repeat("long", 15_000)}, 1200)
	require.ErrorIs(t, m.SetLabels("media", "a", many...), match.ErrInvalid)
	require.ErrorIs(t, m.SetLabels("media", "", many...), match.ErrInvalid)
	require.ErrorIs(t, m.Load(shelved(t, match.Bank{Name: "another"})), match.ErrInvalid, "the log would be of what is not found again")
	require.Error(t, m.SetThreshold("media", hash.PDQ, 32))
	for _, b := range m.Banks() {
		require.NoError(t, m.Apply(match.Change{Op: match.PutBank, Bank: b.Settings()}))
	}
	after, err := os.Stat(path + ".log")
	require.NoError(t, err)
	require.Equal(t, info.Size(), after.Size())
	before := contents(t, m)
	require.NoError(t, m.Close())
	m, err = match.Open(path, match.Options{})
	require.NoError(t, err)
	require.Equal(t, before, contents(t, m))
	require.NoError(t, m.Save())
	require.NoError(t, m.Close())
}

// Options may have been others when the log was written. It is not the file's fault.
func TestLogsOfOtherOptions(t *testing.T) {
	path, _ := journalled(t)
	wide := match.Options{MaxRadius: map[hash.Kind]int{hash.PDQ: 40}}
	m, err := match.Open(path, wide)
	require.NoError(t, err)
	require.NoError(t, m.SetThreshold("media", hash.PDQ, 40))
	require.NoError(t, m.Close())
	_, err = match.Open(path, match.Options{})
	var radius *match.RadiusError
	require.ErrorAs(t, err, &radius)
	require.NotErrorIs(t, err, match.ErrDamaged)
	m, err = match.Open(path, wide)
	require.NoError(t, err)
	require.NoError(t, m.Close())
}

// A log that would not be found again takes no change, and Save begins another one with
// all that there is.
func TestLogsThatAreLost(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, log string){
		"deleted": func(t *testing.T, log string) { require.NoError(t, os.Remove(log)) },
		"replaced": func(t *testing.T, log string) {
			require.NoError(t, os.Remove(log))
			require.NoError(t, os.WriteFile(log, nil, 0o600))
		},
		"cut": func(t *testing.T, log string) { require.NoError(t, os.Truncate(log, 60)) },
		"more": func(t *testing.T, log string) {
			b, err := os.ReadFile(log)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(log, append(b, b[50:]...), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("Windows lets nobody do so")
			}
			path, r := journalled(t)
			m, err := match.Open(path, match.Options{})
			require.NoError(t, err)
			require.NoError(t, m.AddEntries("media", picture("before", random(r, hash.PDQ))))
			lose(t, path+".log")
			require.ErrorIs(t, m.AddEntries("media", picture("lost", random(r, hash.PDQ))), match.ErrClosed)
			require.ErrorIs(t, m.Remove("media", "before"), match.ErrClosed)
			_, found, err := m.Entry("media", "lost")
			require.NoError(t, err)
			require.False(t, found)
			require.NoError(t, m.Save())
			require.NoError(t, m.AddEntries("media", picture("after", random(r, hash.PDQ))))
			keeps(t, m, path)
		})
	}
}

// Save puts the bank file in place first, and the log after it: the end may come between.
func TestEndsBetweenFileAndLog(t *testing.T) {
	path, _ := journalled(t)
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		return b
	}
	first := read(path)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	empty := read(path + ".log")
	for i := range 6 {
		require.NoError(t, step(m, i))
	}
	want := contents(t, m)
	whole := read(path + ".log")
	require.NoError(t, m.Save())
	require.NoError(t, m.Close())
	second, cut := read(path), read(path+".log")
	open := func(bank, log []byte) error {
		require.NoError(t, os.WriteFile(path, bank, 0o600))
		require.NoError(t, os.WriteFile(path+".log", log, 0o600))
		m, err := match.Open(path, match.Options{})
		if err != nil {
			var format *match.FormatError
			require.ErrorAs(t, err, &format)
			return err
		}
		require.Equal(t, want, contents(t, m))
		return m.Close()
	}
	require.NoError(t, open(first, whole))
	require.NoError(t, open(second, whole), "no change is made twice")
	require.NoError(t, open(second, cut))
	require.ErrorContains(t, open(first, cut), "older than its log")
	require.ErrorContains(t, open(second, empty), "older than the bank file")
	require.ErrorContains(t, open(second, whole[:len(whole)-1]), "older than the bank file")
}

// Somebody builds the bank file anew while it is open.
func TestSaveDoesNotWriteOverOthers(t *testing.T) {
	path, _ := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	require.NoError(t, m.Save())
	require.NoError(t, m.Save())
	require.NoError(t, match.WriteFile(path, match.Bank{Name: "new"}))
	require.ErrorContains(t, m.Save(), "another file")
	banks, err := match.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, banks, 1)
	require.NoError(t, step(m, 0), "nothing is lost here either")
	want := contents(t, m)
	require.NoError(t, os.Remove(path))
	require.NoError(t, m.Save())
	require.Equal(t, want, contents(t, m))
	keeps(t, m, path)
}

// Where no file can be written the old one and its log stay, and go on.
func TestSaveThatFails(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows moves no folder of open files")
	}
	path, _ := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	require.NoError(t, step(m, 0))
	dir := filepath.Dir(path)
	require.NoError(t, os.Rename(dir, dir+" elsewhere"))
	require.ErrorIs(t, m.Save(), os.ErrNotExist)
	require.NoError(t, os.Rename(dir+" elsewhere", dir))
	require.NoError(t, step(m, 1))
	want := contents(t, m)
	require.NoError(t, m.Close())
	m, err = match.Open(path, match.Options{})
	require.NoError(t, err)
	require.Equal(t, want, contents(t, m))
	require.NoError(t, m.Save())
	require.NoError(t, m.Close())
}

func TestOneProcessAtATime(t *testing.T) {
	path, _ := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	_, err = match.Open(path, match.Options{})
	require.ErrorIs(t, err, match.ErrInUse)
	require.NoError(t, m.Close())
	m, err = match.Open(path, match.Options{})
	require.NoError(t, err)
	require.NoError(t, m.Close())
	_, err = match.Open(filepath.Join(t.TempDir(), "none.bank"), match.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// logged returns a bank file's log after some changes, and what the matcher has after each
// of them.
func logged(t *testing.T, changes int) (path string, log []byte, ends []int64, states []string) {
	path, _ = journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	for i := range changes + 1 {
		info, err := os.Stat(path + ".log")
		require.NoError(t, err)
		ends, states = append(ends, info.Size()), append(states, contents(t, m))
		if i < changes {
			require.NoError(t, step(m, i))
		}
	}
	require.NoError(t, m.Close())
	log, err = os.ReadFile(path + ".log")
	require.NoError(t, err)
	return path, log, ends, states
}

// The end may come at any byte: what was whole by then is there, nothing else is, and the
// log goes on from there.
func TestEveryEndOfALog(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	path, log, ends, states := logged(t, 10)
	whole := 0
	for n := range len(log) + 1 {
		require.NoError(t, os.WriteFile(path+".log", log[:n], 0o600))
		m, err := match.Open(path, match.Options{})
		if int64(n) < ends[0] {
			var format *match.FormatError
			require.ErrorAs(t, err, &format, "%d bytes", n)
			continue
		}
		require.NoError(t, err, "%d bytes", n)
		for whole+1 < len(ends) && ends[whole+1] <= int64(n) {
			whole++
		}
		require.Equal(t, states[whole], contents(t, m), "%d bytes", n)
		if n%50 == 0 {
			require.NoError(t, m.SetLabels("list", "", "on it goes"))
			now := contents(t, m)
			require.NoError(t, m.Close())
			m, err = match.Open(path, match.Options{})
			require.NoError(t, err)
			require.Equal(t, now, contents(t, m))
		}
		require.NoError(t, m.Close())
	}
	require.Equal(t, len(states)-1, whole)
}

// A byte that changed is told, wherever it is: a change that was acknowledged is not
// taken for one that was not.
func TestEveryByteOfALog(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much to do")
	}
	path, log, _, _ := logged(t, 10)
	for n := range log {
		for _, bit := range []byte{1, 0x80} {
			log[n] ^= bit
			require.NoError(t, os.WriteFile(path+".log", log, 0o600))
			_, err := match.Open(path, match.Options{})
			var format *match.FormatError
			require.ErrorAs(t, err, &format, "byte %d", n)
			require.Equal(t, "log", format.Section)
			log[n] ^= bit
		}
	}
}

func TestLogsOfOtherFiles(t *testing.T) {
	path, log, ends, _ := logged(t, 4)
	var format *match.FormatError
	open := func(log []byte) error {
		require.NoError(t, os.WriteFile(path+".log", log, 0o600))
		m, err := match.Open(path, match.Options{})
		if err == nil {
			require.NoError(t, m.Close())
		}
		return err
	}
	require.NoError(t, open(log))
	// A change is missing in the middle, or at the start.
	require.ErrorAs(t, open(append(log[:ends[1]:ends[1]], log[ends[2]:]...)), &format)
	require.ErrorAs(t, open(append(log[:ends[0]:ends[0]], log[ends[1]:]...)), &format)
	// The bank file was replaced by another.
	require.NoError(t, match.WriteFile(path, match.Bank{Name: "another"}))
	require.ErrorAs(t, open(log), &format)
	require.ErrorContains(t, open(log), "another bank file")
	require.ErrorIs(t, open([]byte(strings.Repeat("no log", 20))), match.ErrNotBankFile)
}

// What another process leaves behind when it is killed.
func TestLeftoversAreSweptUp(t *testing.T) {
	path, _ := journalled(t)
	left := []string{".known.bank.123.tmp", ".known.bank.log.9.tmp"}
	others := []string{".other.bank.123.tmp", ".known.bank.new.123.tmp", ".known.bank.tmp", "known.bank.123.tmp"}
	for _, name := range append(left, others...) {
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte("half"), 0o600))
	}
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	require.NoError(t, m.Close())
	for _, name := range left {
		require.NoFileExists(t, filepath.Join(filepath.Dir(path), name))
	}
	for _, name := range others {
		require.FileExists(t, filepath.Join(filepath.Dir(path), name))
	}
}

const crashEnv = "REMATCH_TEST_CRASH"

// crashEntry is an entry of the bank that TestCrashingWriter fills.
func crashEntry(i int) match.Entry {
	v := random(rand.New(rand.NewPCG(9, uint64(i))), hash.PDQ)
	if i%2 == 0 {
		return bare(v)
	}
	return match.Entry{ID: fmt.Sprint(i), Labels: []string{"x"}, Signals: []match.Signal{{Value: v, Quality: 90}}}
}

// crashStep makes the ith change: of three, two add an entry and the third removes the
// first of them.
func crashStep(m *match.Matcher, i int) error {
	if i%3 == 2 {
		return m.Remove("crash", crashEntry(i-2).ID)
	}
	return m.AddEntries("crash", crashEntry(i))
}

// crashSteps returns how many changes were made, and checks that it is all of these.
func crashSteps(t testing.TB, m *match.Matcher) int {
	got := map[string]match.Entry{}
	for e, err := range m.Entries("crash") {
		require.NoError(t, err)
		got[e.ID] = e
	}
	n := 0
	for miss := 0; miss < 3; n++ { // where three in a row are not there, the end was before
		e := crashEntry(n)
		if _, there := got[e.ID]; there && n%3 != 2 {
			miss = 0
		} else if n%3 != 2 {
			miss++
		}
	}
	for ; n > 0; n-- { // the last one that can have been made
		if (n-1)%3 == 2 {
			if _, there := got[crashEntry(n-3).ID]; there {
				continue
			}
			if _, there := got[crashEntry(n-2).ID]; there {
				break
			}
		} else if _, there := got[crashEntry(n-1).ID]; there {
			break
		}
	}
	want := map[string]match.Entry{}
	for i := range n {
		if i%3 == 2 {
			delete(want, crashEntry(i-2).ID)
		} else {
			want[crashEntry(i).ID] = crashEntry(i)
		}
	}
	require.Equal(t, want, got)
	return n
}

// TestCrashingWriter is the process that TestKill kills: it goes on with the changes, says
// each one's number when it is acknowledged, and saves now and then.
func TestCrashingWriter(t *testing.T) {
	path := os.Getenv(crashEnv)
	if path == "" {
		t.Skip("it is started by TestKill")
	}
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	i := crashSteps(t, m)
	fmt.Printf("at %d\n", i)
	for ; ; i++ {
		require.NoError(t, crashStep(m, i))
		fmt.Printf("at %d\n", i+1)
		if i%8 == 7 {
			require.NoError(t, m.Save())
		}
	}
}

// A writer is killed at random moments, again and again, and each time all that it has
// acknowledged is there, and at most one change more. REMATCH_KILLS says how often.
func TestKill(t *testing.T) {
	rounds := 150
	if s := os.Getenv("REMATCH_KILLS"); s != "" {
		var err error
		rounds, err = strconv.Atoi(s)
		require.NoError(t, err)
	} else if testing.Short() {
		rounds = 20
	}
	path, r := journalled(t)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	require.NoError(t, m.Add(match.Bank{Name: "crash"}))
	require.NoError(t, m.Close())
	done := 0
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrashingWriter$", "-test.v")
		cmd.Env = append(os.Environ(), crashEnv+"="+path)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		said := bufio.NewScanner(out)
		acknowledged := -1
		hear := func() bool {
			more := said.Scan()
			_, _ = fmt.Sscanf(said.Text(), "at %d", &acknowledged) // other lines are the test's own
			return more
		}
		for acknowledged < 0 && hear() {
		}
		require.Equal(t, done, acknowledged, "round %d: where it begins", round)
		for round == 0 && acknowledged <= rounds && hear() { // on a slow disk the others may end with none
		}
		kill := time.AfterFunc(time.Duration(r.IntN(15_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		for hear() {
		}
		require.False(t, kill.Stop(), "round %d: it ended by itself", round)
		var exit *exec.ExitError
		require.ErrorAs(t, cmd.Wait(), &exit)

		m, err := match.Open(path, match.Options{})
		require.NoError(t, err, "round %d", round)
		done = crashSteps(t, m)
		require.Contains(t, []int{acknowledged, acknowledged + 1}, done, "round %d", round)
		require.NoError(t, m.Close())
	}
	require.Greater(t, done, rounds)
	t.Logf("%d changes in %d lives", done, rounds)
}
