package store

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
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
	f, err := Follow(ctx, s, FollowOptions{Snapshot: os.Getenv(childEnv + "_SNAPSHOT")})
	fail(err)
	go func() {
		for {
			fail(f.Save())
		}
	}()
	fmt.Println("ready")
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

// A process that is killed at any moment loses nothing that it has acknowledged, and leaves store,
// snapshot and index in agreement.
func TestKill(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url)
		snapshot := filepath.Join(t.TempDir(), "node.bank")
		var last Position
		for n := range *kills {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childEnv+"="+url, childEnv+"_SNAPSHOT="+snapshot)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewScanner(out)
			require.True(t, lines.Scan())
			require.Equal(t, "ready", lines.Text())
			killed := time.AfterFunc(time.Duration(rand.Int64N(int64(300*time.Millisecond))), func() { assert.NoError(t, cmd.Process.Kill()) })
			acknowledged := []Position{last}
			for lines.Scan() {
				at, err := ParsePosition(lines.Text())
				if !assert.NoError(t, err) {
					break
				}
				acknowledged = append(acknowledged, at)
			}
			assert.Error(t, cmd.Wait()) // of the signal
			killed.Stop()

			// A server may still be committing what the process has sent; that has the head's lock.
			_, err = s.made(t.Context(), Position{})
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
