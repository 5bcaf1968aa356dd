package store

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func follow(t testing.TB, s *Store, o FollowOptions) *Follower {
	o.MaxLag = cmp.Or(o.MaxLag, time.Minute) // on a slow machine nothing happens for seconds
	f, err := Follow(t.Context(), s, o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, f.Close()) })
	return f
}

// reach waits until a follower is at a position.
func reach(t testing.TB, f *Follower, at Position) {
	t.Helper()
	require.Eventually(t, func() bool { return f.Status().Position.Seq >= at.Seq }, 20*time.Second, time.Millisecond, "%+v", f.Status())
	require.Equal(t, at, f.Status().Position)
}

func matches(t testing.TB, f *Follower, v hash.Value) int {
	m, err := f.Matcher()
	require.NoError(t, err)
	found, err := m.Match(v, 90)
	require.NoError(t, err)
	return len(found)
}

func sound(t testing.TB, f *Follower) {
	t.Helper()
	_, err := f.Verify(t.Context())
	require.NoError(t, err)
}

// A change of one process is what another one matches by, whatever it is; and the next start
// takes it from the snapshot and the feed, without reading the store.
func TestFollow(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		apply(t, other, putBank(match.Bank{Name: "a"}), put("a", named("x", 1), bare(2)))
		path := filepath.Join(t.TempDir(), "node.bank")
		f := follow(t, s, FollowOptions{Snapshot: path})
		assert.Equal(t, 1, f.Status().Builds)
		assert.True(t, f.Status().Current)
		assert.Equal(t, 1, matches(t, f, value(1)))
		assert.Equal(t, 1, matches(t, f, value(2)))

		began := time.Now()
		reach(t, f, apply(t, other, change(match.SetEntry, "a", match.Entry{ID: "x", Disabled: true})))
		t.Logf("disabled there, not matched here: %v", time.Since(began))
		assert.Equal(t, 0, matches(t, f, value(1)))
		reach(t, f, apply(t, other, put("a", named("y", 3)), drop("a", bare(2).ID), putBank(match.Bank{Name: "b", Action: "block"}), put("b", named("x", 4), named("x2", 4))))
		assert.Equal(t, 0, matches(t, f, value(2)))
		assert.Equal(t, 1, matches(t, f, value(3)))
		assert.Equal(t, 2, matches(t, f, value(4)))
		sound(t, f)
		require.NoError(t, f.Save())
		saved := f.Status().Saved
		reach(t, f, apply(t, other, dropBank("a"), put("b", named("x", 5))))
		assert.Equal(t, 1, f.Status().Builds, "nothing is built for a change")
		require.NoError(t, f.Close())
		_, err := f.Matcher()
		assert.ErrorIs(t, err, ErrBehind)

		again := follow(t, s, FollowOptions{Snapshot: path})
		assert.Equal(t, saved, again.Status().Saved)
		assert.Equal(t, 0, again.Status().Builds)
		assert.Equal(t, 1, matches(t, again, value(5)))
		assert.Equal(t, 0, matches(t, again, value(3)))
		sound(t, again)
		for _, file := range []string{"", path} {
			at, err := s.VerifyIndex(t.Context(), file)
			require.NoError(t, err)
			assert.Equal(t, again.Status().Position, at)
		}

		nothing := follow(t, s, FollowOptions{})
		assert.Equal(t, 1, nothing.Status().Builds)
		sound(t, nothing)
		verify(t, s)
	})
}

// A file that is damaged, another's, or was changed by somebody else is not followed from.
func TestFollowSnapshots(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
	path := filepath.Join(t.TempDir(), "node.bank")
	require.NoError(t, follow(t, s, FollowOptions{Snapshot: path}).Close())
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	apply(t, s, put("a", named("y", 2)))
	builds := func() int {
		f := follow(t, s, FollowOptions{Snapshot: path})
		defer func() { require.NoError(t, f.Close()) }()
		sound(t, f)
		assert.NoError(t, f.Status().SavedErr)
		return f.Status().Builds
	}
	assert.Equal(t, 0, builds())
	for name, spoil := range map[string]func(){
		"cut": func() { require.NoError(t, os.WriteFile(path, good[:len(good)/2], 0o600)) },
		"flipped": func() {
			good := append([]byte{}, good...)
			good[len(good)-30]++
			require.NoError(t, os.WriteFile(path, good, 0o600))
		},
		"empty": func() { require.NoError(t, os.WriteFile(path, nil, 0o600)) },
		"gone":  func() { require.NoError(t, os.Remove(path)) },
		"changed": func() {
			m, err := match.Open(path, match.Options{})
			require.NoError(t, err)
			require.NoError(t, m.Remove("a", "x"))
			require.NoError(t, m.Save())
			require.NoError(t, m.Close())
		},
		"another's": func() {
			o := open(t, filepath.Join(t.TempDir(), "s.db"))
			apply(t, o, putBank(match.Bank{Name: "a"}), put("a", named("z", 1)))
			require.NoError(t, os.Remove(path))
			require.NoError(t, follow(t, o, FollowOptions{Snapshot: path}).Close())
		},
		"not of a store": func() { require.NoError(t, match.WriteFile(path, match.Bank{Name: "c"})) },
	} {
		require.NoError(t, os.WriteFile(path, good, 0o600))
		spoil()
		_, err := s.VerifyIndex(t.Context(), path)
		assert.Error(t, err, name)
		assert.Equal(t, 1, builds(), name)
		assert.Equal(t, 0, builds(), name)
	}
}

// A store that was set back to an older state is not the one that was followed: what the node
// knew more of is forgotten, and not silently kept.
func TestFollowRestored(t *testing.T) {
	dir := t.TempDir()
	now, old := filepath.Join(dir, "now.db"), filepath.Join(dir, "old.db")
	s := open(t, now)
	apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
	_, err := s.write.Exec(`VACUUM INTO ?1`, old)
	require.NoError(t, err)
	apply(t, s, put("a", named("y", 2)))
	path := filepath.Join(dir, "node.bank")
	require.NoError(t, follow(t, s, FollowOptions{Snapshot: path}).Close())
	back := open(t, old)
	assert.Equal(t, s.ID(), back.ID())
	apply(t, back, put("a", named("z", 3)), put("a", named("zz", 3)))
	f := follow(t, back, FollowOptions{Snapshot: path})
	assert.Equal(t, 1, f.Status().Builds)
	assert.Equal(t, 0, matches(t, f, value(2)))
	sound(t, f)
}

// The same for a node that runs, also where the other history is as long as the one it followed.
func TestFollowRewritten(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		before := apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
		apply(t, s, put("a", named("y", 2)))
		f := follow(t, s, FollowOptions{})
		unguard(t, s)
		tx, err := s.begin(t.Context())
		require.NoError(t, err)
		w := &writer{ctx: t.Context(), s: s, tx: tx, at: before, by: bob, action: BankChange}
		for _, q := range []string{`DELETE FROM rematch_changes WHERE seq = 3`, `DELETE FROM rematch_entries WHERE id = 'y'`, `UPDATE rematch_banks SET entries = 1`} {
			require.NoError(t, w.exec(q))
		}
		c := put("a", named("z", 3))
		require.NoError(t, w.make(&c))
		require.NoError(t, w.exec(`UPDATE rematch_head SET seq = $1, hash = $2`, w.at.Seq, w.at.Hash[:]))
		require.NoError(t, tx.Commit())
		require.Eventually(t, func() bool { return f.Status().Position == w.at }, 20*time.Second, time.Millisecond)
		assert.Equal(t, 2, f.Status().Builds)
		assert.Equal(t, 0, matches(t, f, value(2)))
		sound(t, f)
	})
}

// A node that starts while the store does not answer has what its snapshot has, and says that it
// is not current. Without a snapshot it has nothing, and does not start.
func TestFollowUnreachable(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
	path := filepath.Join(t.TempDir(), "node.bank")
	require.NoError(t, follow(t, s, FollowOptions{Snapshot: path}).Close())

	gone, err := connect("postgres://x@127.0.0.1:1/x?sslmode=disable", Options{Busy: 300 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, gone.Close()) })
	_, err = Follow(t.Context(), gone, FollowOptions{})
	assert.ErrorIs(t, err, ErrUnreachable)
	f := follow(t, gone, FollowOptions{Snapshot: path})
	m, err := f.Matcher()
	assert.ErrorIs(t, err, ErrBehind)
	assert.ErrorIs(t, err, ErrUnreachable)
	found, err := m.Match(value(1), 90)
	require.NoError(t, err)
	assert.Len(t, found, 1)
	_, err = f.Verify(t.Context())
	assert.ErrorIs(t, err, ErrBehind)
}

// A file that is taken away under a node: it says so, and once it has heard nothing for too long
// it is not current.
func TestFollowLostFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	apply(t, s, putBank(match.Bank{Name: "a"}))
	f := follow(t, s, FollowOptions{MaxLag: time.Second})
	require.NoError(t, os.Rename(path, path+".away"))
	_, err := s.Apply(t.Context(), ann, put("a", named("x", 1)))
	assert.ErrorIs(t, err, ErrUnreachable, "nobody else would ever see it")
	require.Eventually(t, func() bool { return f.Status().Err != nil && !f.Status().Current }, 20*time.Second, 10*time.Millisecond)
	_, err = f.Matcher()
	assert.ErrorIs(t, err, ErrBehind)
	assert.ErrorIs(t, err, ErrUnreachable)
	require.NoError(t, os.Rename(path+".away", path))
	require.Eventually(t, func() bool { return f.Status().Current }, 20*time.Second, 10*time.Millisecond)
}

// slow is a context that keeps who asks it first waiting.
type slow struct {
	context.Context
	asked *atomic.Bool
}

func (s slow) Done() <-chan struct{} {
	if !s.asked.Swap(true) {
		time.Sleep(3200 * time.Millisecond)
	}
	return s.Context.Done()
}

// A start that took longer than the lag that is allowed ends current all the same.
func TestFollowSlowStart(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}))
	f, err := Follow(slow{t.Context(), new(atomic.Bool)}, s, FollowOptions{MaxLag: 3 * time.Second})
	require.NoError(t, err)
	assert.True(t, f.Status().Current)
	assert.NoError(t, f.Close())
}

// While a file is away nothing is made in its place, and when it is back nothing is lost: beside an
// empty one SQLite would remove the log.
func TestLostFileComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	at := apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
	require.NoError(t, os.Rename(path, path+".away"))
	_, err := s.newWaiter(t.Context())
	assert.ErrorIs(t, err, ErrUnreachable)
	if _, err := s.Head(t.Context()); err != nil { // a connection that read before goes on
		assert.ErrorIs(t, err, ErrUnreachable)
	}
	assert.NoFileExists(t, path)
	require.NoError(t, os.Rename(path+".away", path))
	head, err := s.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, at, head)
	w, err := s.newWaiter(t.Context())
	require.NoError(t, err)
	w.close()
	verify(t, s)

	// Nor is it when the file was lost before.
	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(path, link))
	require.NoError(t, os.Rename(path, path+".away"))
	for _, empty := range []bool{false, true} {
		if empty {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
		}
		for _, path := range []string{link, path} {
			_, err = Open(t.Context(), path, Options{})
			assert.ErrorIs(t, err, ErrUnreachable)
		}
		assert.FileExists(t, path+"-wal")
	}
	require.NoError(t, os.Rename(path+".away", path))
	again := open(t, path)
	head, err = again.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, at, head)
}

// A file that can't be written is not tried again with each change, which may be all of a large disk.
func TestFollowSaves(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}))
	dir := filepath.Join(t.TempDir(), "node")
	require.NoError(t, os.Mkdir(dir, 0o700))
	f := follow(t, s, FollowOptions{Snapshot: filepath.Join(dir, "node.bank"), Changes: 1, Every: time.Hour})
	at := apply(t, s, put("a", named("x", 1)))
	require.Eventually(t, func() bool { return f.Status().Saved == at }, 20*time.Second, time.Millisecond)
	require.NoError(t, os.RemoveAll(dir))
	apply(t, s, put("a", named("y", 1)))
	require.Eventually(t, func() bool { return f.Status().SavedErr != nil }, 20*time.Second, time.Millisecond)
	require.NoError(t, os.Mkdir(dir, 0o700))
	reach(t, f, apply(t, s, put("a", named("z", 1))))
	require.NoError(t, f.Close())
	assert.Equal(t, at, f.Status().Saved)
	require.NoError(t, f.Save())
	info, err := os.Stat(filepath.Join(dir, "node.bank"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	assert.NoError(t, f.Status().SavedErr)
}

// A change that the node can't make, for its index answers less than the store allows, is not
// passed over.
func TestFollowCannot(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a", Thresholds: map[hash.Kind]int{hash.PDQ: 10}}))
	f := follow(t, s, FollowOptions{Match: match.Options{MaxRadius: map[hash.Kind]int{hash.PDQ: 20}}})
	apply(t, s, putBank(match.Bank{Name: "a", Thresholds: map[hash.Kind]int{hash.PDQ: 30}}), put("a", named("x", 1)))
	require.Eventually(t, func() bool { return f.Status().Err != nil }, 20*time.Second, 10*time.Millisecond)
	_, err := f.Matcher()
	assert.ErrorIs(t, err, ErrBehind)
	var radius *match.RadiusError
	assert.ErrorAs(t, err, &radius)
	assert.Equal(t, int64(1), f.Status().Position.Seq)
}

// What one node sets aside is set aside on all, and written down.
func TestFollowSurge(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
		var heard []match.Surge
		f := follow(t, s, FollowOptions{Match: match.Options{Surge: match.SurgeRule{Least: 3, Bucket: 1000 * time.Hour, Heard: func(x match.Surge) { heard = append(heard, x) }}}})
		g := follow(t, other, FollowOptions{})
		for range 3 {
			matches(t, f, value(1))
		}
		require.Len(t, heard, 1)
		require.NoError(t, heard[0].Err)
		require.True(t, heard[0].SetAside)
		head, err := s.Head(t.Context())
		require.NoError(t, err)
		reach(t, g, head)
		assert.Equal(t, 0, matches(t, g, value(1)))
		assert.Equal(t, 0, matches(t, f, value(1)))
		sound(t, f)
		sound(t, g)
		read(t, s, func(v *View) {
			for e, err := range v.History("a", "x") {
				require.NoError(t, err)
				assert.Equal(t, Actor{System, "surge"}, e.Actor)
				break
			}
		})
	})
}

// What is withdrawn at an exchange is not matched any more by a node of another process, once it
// was pulled; nor is what went with a reading from nothing.
func TestFollowWithdrawals(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		v := newServer(10)
		for i := range uint64(3) {
			v.put(shared(fmt.Sprint(i), i))
		}
		f := follow(t, other, FollowOptions{})
		reach(t, f, pull(t, s, v).Position)
		assert.Equal(t, 1, matches(t, f, value(1)))
		assert.Equal(t, 1, matches(t, f, value(2)))
		v.withdraw("1")
		began := time.Now()
		reach(t, f, pull(t, s, v).Position)
		t.Logf("withdrawn there, pulled, not matched here: %v", time.Since(began))
		assert.Equal(t, 0, matches(t, f, value(1)))
		v.withdraw("2")
		v.oldest = len(v.log)
		reach(t, f, pull(t, s, v).Position)
		assert.Equal(t, 0, matches(t, f, value(2)))
		assert.Equal(t, 1, matches(t, f, value(0)))
		assert.Equal(t, 1, f.Status().Builds, "nothing is built for it")
		sound(t, f)
	})
}

// While the store has not taken it, nothing is set aside: a snapshot of that moment, or a node
// that ends then, would have for good what the store never had.
func TestFollowSurgeRefused(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
		node, err := Open(t.Context(), url, Options{Busy: 3 * time.Second}) // as much is left for what comes before and after
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, node.Close()) })
		heard := make(chan match.Surge, 1)
		path := filepath.Join(t.TempDir(), "node.bank")
		f := follow(t, node, FollowOptions{Snapshot: path, Match: match.Options{Surge: match.SurgeRule{Least: 3, Bucket: 1000 * time.Hour, Heard: func(x match.Surge) { heard <- x }}}})
		tx, err := other.write.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = readHead(t.Context(), tx, other.d.lockHead)
		require.NoError(t, err)
		go func() {
			for range 3 {
				m, _ := f.Matcher()
				_, _ = m.Match(value(1), 90)
			}
		}()
		var x match.Surge
		for waiting := true; waiting; {
			select {
			case x = <-heard:
				waiting = false
			default:
				require.NoError(t, f.Save())
				_, err := s.VerifyIndex(t.Context(), path)
				require.NoError(t, err)
			}
		}
		require.NoError(t, tx.Rollback())
		assert.ErrorIs(t, x.Err, ErrBusy)
		assert.False(t, x.SetAside)
		assert.Equal(t, 1, matches(t, f, value(1)))
		sound(t, f)

		// What a curator has confirmed meanwhile is not set aside.
		apply(t, s, change(match.SetEntry, "a", match.Entry{ID: "x", Curation: &match.Curation{Decision: match.Decision{Stance: match.Positive, By: "ann"}}}))
		assert.ErrorIs(t, f.setAside(x), ErrConflict)
	})
}

// The store is read anew while the file is written: what was being written is of the banks of
// before, and must not be what the new Matcher is made of, nor what the next start begins with.
func TestFollowRestartBesideSave(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
	path := filepath.Join(t.TempDir(), "node.bank")
	f := follow(t, s, FollowOptions{Snapshot: path})
	f.cancel() // what it does by itself is not in the way
	f.done.Wait()
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			assert.NoError(t, f.Save())
		}
	})
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	for i := range rounds {
		id := fmt.Sprint("e", i)
		apply(t, s, put("a", named(id, uint64(i))))
		require.NoError(t, f.restart(t.Context(), ErrDiverged))
		_, there, err := f.m.Load().Entry("a", id)
		require.NoError(t, err)
		require.True(t, there, "round %d: it is at %v, where the store has it", i, f.position())
	}
	stop.Store(true)
	wg.Wait()
	sound(t, f)
	snap, err := match.OpenSnapshot(path)
	require.NoError(t, err)
	require.Equal(t, s.lineage(f.position()), snap.Lineage())
}

// A file that somebody else has written at the same path is not taken for the one that was written.
func TestFollowFileOfAnother(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
	path := filepath.Join(t.TempDir(), "node.bank")
	f := follow(t, s, FollowOptions{Snapshot: path})
	at := f.position()
	snap, err := f.written(at)
	require.NoError(t, err)
	require.Equal(t, s.lineage(at), snap.Lineage())
	other := follow(t, s, FollowOptions{Snapshot: path})
	reach(t, other, apply(t, s, put("a", named("y", 2))))
	require.NoError(t, other.Save())
	_, err = f.written(at)
	require.ErrorIs(t, err, match.ErrInvalid)
	require.ErrorContains(t, err, path)
}

// What a surge sets aside is written down whatever the follower does meanwhile, and the query that
// has found it does not wait for the store to be read anew.
func TestFollowSurgeWhileBuilding(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "s.db"), Options{Busy: time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	apply(t, s, putBank(match.Bank{Name: "a"}), put("a", named("x", 1)))
	f := follow(t, s, FollowOptions{})
	f.applying.Lock()
	unlock := sync.OnceFunc(f.applying.Unlock)
	defer unlock()
	done := make(chan error, 1)
	go func() {
		done <- f.setAside(match.Surge{Bank: "a", Entry: "x", Quarantine: match.Quarantine{Since: time.Now(), Count: 9, Uploads: 10}})
	}()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("it waits")
	}
	unlock()
	require.Eventually(t, func() bool {
		e, _, err := f.m.Load().Entry("a", "x")
		return err == nil && e.Curation.Held()
	}, time.Minute, time.Millisecond)
}
