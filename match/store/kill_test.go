package store

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/record"
)

var kills = flag.Int("kills", 3, "how often a writing process is killed, for each store")

const childEnv = "REMATCH_STORE_CHILD"

// child changes a store without end, banks and records, tells of each change that was
// acknowledged, and keeps a snapshot meanwhile.
func child() {
	fail := func(err error) {
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	s, err := Open(ctx, os.Getenv(childEnv), Options{})
	fail(err)
	if version := os.Getenv(childEnv + "_PULL"); version != "" {
		n, err := strconv.Atoi(version)
		fail(err)
		fmt.Println("ready")
		v := serverAt(n)
		for i := 0; ; i++ { // with other settings it is read from nothing
			fail(s.PutExchange(ctx, ann, Exchange{Name: "x", Protocol: "memory", Bank: "b", Settings: map[string]string{"n": fmt.Sprint(i % 2)}}))
			for err = error(&HeldError{}); errors.Is(err, ErrBusy); {
				_, err = s.Pull(ctx, "x", v, PullOptions{Lease: 100 * time.Millisecond})
			}
			fail(err)
		}
	}
	f, err := Follow(ctx, s, FollowOptions{Snapshot: os.Getenv(childEnv + "_SNAPSHOT")})
	fail(err)
	go func() {
		for {
			fail(f.Save())
		}
	}()
	at, err := s.Apply(ctx, Actor{System, "child"}, putBank(match.Bank{Name: "bank 0", Action: fmt.Sprint(rand.Int())})) // and so it has its connection
	fail(err)
	fmt.Println("ready")
	fmt.Println(at)
	for {
		id := fmt.Sprint(rand.IntN(200))
		bank := fmt.Sprint("bank ", rand.IntN(3))
		c := put(bank, named(id, rand.Uint64N(1000)), named(id+"'", rand.Uint64N(1000)))
		switch rand.IntN(8) {
		case 0:
			c = drop(bank, id)
		case 1:
			c = put(bank)
			for i, from := 0, rand.IntN(5000); i < 300; i++ {
				c.Entries = append(c.Entries, named(fmt.Sprint("many ", from+i), rand.Uint64N(1000)))
			}
		case 2:
			if rand.IntN(10) == 0 {
				c = dropBank(bank)
			}
		}
		at, err := s.Apply(ctx, Actor{System, "child"}, putBank(match.Bank{Name: bank, Action: fmt.Sprint(rand.IntN(3))}), c)
		fail(err)
		fmt.Println(at)
		r := verdict(fmt.Sprint("upload ", at.Seq), noon, record.Matched, hit(bank, id))
		_, at, err = s.Keep(ctx, Actor{System, "child"}, r, verdict("clean", noon, record.Clean))
		fail(err)
		fmt.Println(at)
		at, err = s.Decide(ctx, Actor{System, "child"}, r.ID, record.Decision{Status: record.Confirmed}, -1)
		fail(err)
		fmt.Println(at)
	}
}

// kill runs a child until it is killed at some moment after it was ready, and returns the lines
// that it has said until then.
func kill(t testing.TB, within time.Duration, env ...string) (said []string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "ready", lines.Text())
	killed := time.AfterFunc(time.Duration(rand.Int64N(int64(within))), func() { assert.NoError(t, cmd.Process.Kill()) })
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	assert.Error(t, cmd.Wait()) // of the signal
	killed.Stop()
	return said
}

// A process that is killed at any moment loses nothing that it has acknowledged, and leaves store,
// snapshot and index in agreement.
func TestKill(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		snapshot := filepath.Join(t.TempDir(), "node.bank")
		var last Position
		for n := range *kills {
			acknowledged := []Position{last}
			for _, line := range kill(t, 300*time.Millisecond, childEnv+"="+url, childEnv+"_SNAPSHOT="+snapshot) {
				at, err := ParsePosition(line)
				require.NoError(t, err)
				acknowledged = append(acknowledged, at)
			}

			// A server may still be committing what the process has sent; that has the head's lock.
			_, err := s.made(t.Context(), Position{})
			require.NoError(t, err)
			at, err := s.VerifyAudit(t.Context(), acknowledged...)
			require.NoError(t, err)
			f := follow(t, s, FollowOptions{Snapshot: snapshot})
			reach(t, f, at)
			assert.Equal(t, 0, f.Status().Builds, "the snapshot is good")
			got, err := f.Verify(t.Context())
			require.NoError(t, err)
			assert.Equal(t, at, got)
			require.NoError(t, f.Close())
			if last = at; n%100 == 99 {
				t.Logf("%d kills, %d events", n+1, last.Seq)
			}
		}
		assert.Positive(t, last.Seq)
		t.Logf("%d kills, %d events", *kills, last.Seq)
	})
}

// serverAt is an exchange after some changes of it, the same for each who asks.
func serverAt(version int) *server {
	v := newServer(60)
	for i := range version {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		for range 300 {
			id := fmt.Sprint(r.IntN(900))
			if r.IntN(3) == 0 {
				v.withdraw(id)
			} else {
				v.put(shared(id, r.Uint64N(1000)))
			}
		}
		if r.IntN(3) == 0 {
			v.oldest = len(v.log)
		}
	}
	return v
}

// A pull that is killed at any moment is gone on with by the next one: in the end the bank has what
// the exchange has.
func TestKillPull(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		join(t, s, Exchange{Name: "x", Bank: "b"})
		pages := 0
		for n := range *kills {
			assert.Empty(t, kill(t, 250*time.Millisecond, childEnv+"="+url, childEnv+"_PULL="+fmt.Sprint(n+1)))
			v := serverAt(n + 1)
			var sum Summary
			var err error
			require.Eventually(t, func() bool {
				sum, err = s.Pull(t.Context(), "x", v, PullOptions{})
				return !errors.Is(err, ErrBusy)
			}, 10*time.Second, 10*time.Millisecond)
			require.NoError(t, err)
			pages += sum.Pages
			same(t, s, v)
		}
		t.Logf("%d kills, %d pages left to the next one", *kills, pages)
	})
}
