//go:build unix

package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
	"github.com/rematch-go/rematch/match/store"
)

var (
	pullRecords = flag.Int("records", 2000, "records of each list of the consortium that is pulled from")
	pullKills   = flag.Int("kills", 2, "how often a pull is killed before it may end, of each list")
	pullPause   = flag.Duration("pause", 300*time.Millisecond, "the longest time until it is killed")
	pullURL     = flag.String("store", "", "URL of an empty PostgreSQL schema to pull into, in place of a SQLite file each")
)

// TestPullsThatAreKilled pulls each protocol of a consortium that has faults, with a process that
// is killed again and again while the lists change, and holds what the store has in the end
// against what the consortium has: nothing is lost, and nothing kept that was withdrawn.
//
//	go test ./examples/rematch -run PullsThatAreKilled -v -timeout 2h -records 1000000 -kills 60 -pause 5s
func TestPullsThatAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long; the detector sees the same code in shorter tests")
	}
	type credentials func(m consortium.Member) string
	for _, l := range []struct {
		protocol, path, settings string
		credentials
	}{
		{"threatexchange", "/threatexchange/v21.0", "group=" + consortium.PrivacyGroup + " page=1000", func(m consortium.Member) string { return "TX_ACCESS_TOKEN=" + m.AppToken }},
		{"ncmec", "/ncmec/industry", "environment=Industry", func(m consortium.Member) string { return "TX_NCMEC_CREDENTIALS=" + m.Username + ":" + m.Password }},
		{"stopncii", "/stopncii/v1", "", func(m consortium.Member) string { return "TX_STOPNCII_KEYS=" + m.FunctionKey + "," + m.SubscriptionKey }},
		{"tat", "/tat", "", func(m consortium.Member) string { return "PYTX_TAT_CREDENTIALS=" + m.Login + ":" + m.Password }},
	} {
		t.Run(l.protocol, func(t *testing.T) {
			if *pullURL == "" {
				t.Parallel()
			}
			var requests atomic.Int64
			// Its clock is late, so that nothing in it is too new to be asked for.
			server, err := consortium.New(consortium.Options{Records: *pullRecords, Seed: 3, Now: func() time.Time { return time.Now().Add(-time.Minute) },
				Faults: "429=0.01,429-date=0.01,500=0.02,503=0.02,cut=0.02,expired=0.01,skew=0.02,bad-record=0.02,bad-page=0.01,repeat-page=0.01"})
			require.NoError(t, err)
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				server.ServeHTTP(w, r)
			}))
			defer web.Close()
			url := *pullURL
			if url == "" {
				url = filepath.Join(t.TempDir(), "banks.db")
			}
			var memory int64 // in KiB
			killed := 0
			run := func(kill time.Duration, args ...string) (out string, err error) {
				c := exec.Command("rematch", args...)
				c.Env = append(os.Environ(), l.credentials(server.Members()[0]))
				var both bytes.Buffer
				c.Stdout, c.Stderr = &both, &both
				require.NoError(t, c.Start())
				if kill > 0 {
					time.AfterFunc(kill, func() { _ = c.Process.Kill() }) // it may have ended
				}
				ended := make(chan struct{})
				var watched sync.WaitGroup
				watched.Go(func() {
					for most := int64(0); ; {
						most = max(most, highWater(c.Process.Pid))
						select {
						case <-ended:
							memory = max(memory, most)
							return
						case <-time.After(50 * time.Millisecond):
						}
					}
				})
				err = c.Wait()
				close(ended)
				watched.Wait()
				if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
					killed++
				}
				return both.String(), err
			}
			do := func(args ...string) {
				out, err := run(0, args...)
				require.NoError(t, err, out)
			}
			// Some faults end a pull; the next one goes on.
			pull := func() {
				var out string
				for range 50 {
					var err error
					if out, err = run(0, "exchange", "pull", "--store", url, l.protocol); err == nil {
						return
					}
				}
				require.Fail(t, "no pull comes to the end", out)
			}
			add := []string{"exchange", "add", "--store", url, "--by", "ann", "--protocol", l.protocol, "--url", web.URL + l.path, l.protocol}
			for setting := range strings.FieldsSeq(l.settings) {
				add = append(add, "--set", setting)
			}
			do(add...)

			began := time.Now()
			change := max(*pullRecords/1000, 10)
			for range *pullKills {
				_, _ = run(time.Duration(1+rand.Int64N(int64(*pullPause))), "exchange", "pull", "--lease", "1s", "--store", url, l.protocol)
				server.Churn(change)
				time.Sleep(time.Second) // until its lease has ended
			}
			pull()
			took := time.Since(began)
			server.Churn(change)
			pull()

			want, err := server.Values(l.protocol, "")
			require.NoError(t, err)
			require.NotEmpty(t, want)
			got := kept(t, url, l.protocol)
			assert.Equal(t, len(want), len(got))
			assert.True(t, slices.Equal(want, got), "the store has other hashes than the consortium")
			t.Logf("%d hashes of %d records; %v with %d kills, %d of them before the end, %d requests, %d MB", len(got), *pullRecords, took.Round(time.Millisecond), *pullKills, killed, requests.Load(), memory/1024)
			do("audit", "verify", "--store", url)
		})
	}
}

// highWater is the most memory, in KiB, that a process has had, and 0 if it has ended. What wait tells
// of a child is at least what its parent had.
func highWater(pid int) (kib int64) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
		_, _ = fmt.Sscan(rest, &kib)
	}
	return kib
}

// kept are the hashes that a store has of an exchange, those that can't be compared yet among
// them, in order.
func kept(t *testing.T, url, exchange string) (all []string) {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Read(t.Context(), func(v *store.View) error {
		for e, err := range v.Entries(exchange) {
			if err != nil {
				return err
			}
			for _, x := range e.Signals {
				all = append(all, x.Value.Hex())
			}
		}
		return nil
	}))
	for l, err := range s.Later(t.Context(), exchange) {
		require.NoError(t, err)
		for _, h := range l.Hashes {
			if h.Value != "" { // a file of its own, which no page has
				all = append(all, strings.ToLower(strings.TrimSpace(h.Value)))
			}
		}
	}
	slices.Sort(all)
	return all
}
