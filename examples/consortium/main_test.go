package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rematch-go/rematch/examples/internal/consortium"
	"github.com/rematch-go/rematch/examples/internal/terminal"
)

// output is what run writes, line by line as it comes.
type output struct {
	mu    sync.Mutex
	all   bytes.Buffer
	lines chan string
}

func newOutput() *output { return &output{lines: make(chan string, 1000)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		o.lines <- strings.TrimSuffix(line, "\n")
	}
	return o.all.Write(p)
}

var aPDQ = strings.Repeat("f8", 32)

// TestRun starts it with TLS and known hashes, reads, withdraws, and stops it.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	known, cert := filepath.Join(dir, "known"), filepath.Join(dir, "cert.pem")
	require.NoError(t, os.WriteFile(known, []byte("# mine\n"+aPDQ+" # a picture\nmd5:"+aPDQ[:32]+"\n\n"), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	out, stderr := newOutput(), newOutput()
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"--listen", "127.0.0.1:0", "--records", "10", "--known", known, "--tls", "--cert", cert, "--json", "--churn", "100", "--faults", "503*1"}, out, stderr)
	}()
	var h hello
	require.NoError(t, json.Unmarshal([]byte(<-out.lines), &h))
	require.Equal(t, 2, h.Known)
	require.Len(t, h.Fingerprint, 64)
	pem, err := os.ReadFile(cert)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}
	fetch := func() (int, string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/stopncii/v1/FetchHashes", nil)
		require.NoError(t, err)
		r.Header.Set("x-functions-key", h.Members[0].FunctionKey)
		r.Header.Set("Ocp-Apim-Subscription-Key", h.Members[0].SubscriptionKey)
		response, err := client.Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode, string(body)
	}
	status, _ := fetch()
	require.Equal(t, 503, status)
	status, body := fetch()
	require.Equal(t, 200, status)
	require.Contains(t, body, aPDQ)
	var e struct {
		Status   int
		Fault    string
		Protocol string
	}
	require.NoError(t, json.Unmarshal([]byte(<-out.lines), &e))
	require.Equal(t, "503", e.Fault)
	require.NoError(t, json.Unmarshal([]byte(<-out.lines), &e))
	require.Equal(t, 200, e.Status)
	later := body
	for tries := 0; later == body; tries++ {
		require.Less(t, tries, 500, "the lists do not change")
		time.Sleep(10 * time.Millisecond)
		_, later = fetch()
	}
	client.CloseIdleConnections()
	stop()
	require.Equal(t, terminal.ExitOK, <-code)
	require.Empty(t, stderr.all.String())
}

func TestKnown(t *testing.T) {
	other := strings.Repeat("0f", 32)
	got, err := readKnown(strings.NewReader(aPDQ + "\nsha256:" + other + " # mine\n\npdq      " + other + " 100  testdata/known/flowers.jpg\n" + aPDQ + ",photo.jpg\r\n#\n"))
	require.NoError(t, err)
	require.Equal(t, []consortium.Known{{Kind: "pdq", Value: aPDQ}, {Kind: "sha256", Value: other}, {Kind: "pdq", Value: other}, {Kind: "pdq", Value: aPDQ}}, got)
	for _, bad := range []string{"pdq", "f8", "dhash:0011223344556677", "pdq:" + aPDQ[1:], "quality 100", strings.Repeat("x", 1<<20)} {
		_, err := readKnown(strings.NewReader(bad))
		require.Error(t, err, "%.80s", bad)
	}
}

// TestText: a person is told where it serves what, and with which credentials.
func TestText(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out := newOutput()
	code := make(chan int)
	go func() { code <- run(ctx, []string{"--listen", "127.0.0.1:0"}, out, io.Discard) }()
	for line := range out.lines {
		if strings.HasPrefix(line, "Control") {
			break
		}
	}
	stop()
	require.Equal(t, terminal.ExitOK, <-code)
	for _, want := range []string{"/threatexchange/v21.0", "10000001|fake-consortium-secret-1", "/ncmec/industry", "esp1", "/stopncii/v1", "fake-function-key-1", "/tat", "member1@consortium.invalid", "/admin/withdraw"} {
		require.Contains(t, out.all.String(), want)
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	require.NoError(t, os.WriteFile(bad, []byte(aPDQ+"\nphash:00\n"), 0o600))
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{terminal.ExitOK, "Usage", []string{"-h"}},
		{terminal.ExitUsage, "flags only", []string{"list"}},
		{terminal.ExitUsage, "admin-token", []string{"--listen", "0.0.0.0:0"}},
		{terminal.ExitUsage, "admin-token", []string{"--listen", ":0"}},
		{terminal.ExitUsage, "host:port", []string{"--listen", "here"}},
		{terminal.ExitUsage, "--tls", []string{"--cert", "x"}},
		{terminal.ExitUsage, "want one of", []string{"--faults", "418"}},
		{terminal.ExitUsage, "--churn", []string{"--churn", "-1"}},
		{terminal.ExitUsage, "positive", []string{"--records", "0"}},
		{terminal.ExitFailure, "10000000", []string{"--records", "10000001"}},
		{terminal.ExitFailure, "nowhere", []string{"--known", filepath.Join(dir, "nowhere")}},
		{terminal.ExitFailure, "line 2", []string{"--known", bad}},
		{terminal.ExitFailure, "listen", []string{"--listen", "127.0.0.1:99999"}},
	} {
		var stderr bytes.Buffer
		require.Equal(t, c.code, run(t.Context(), c.args, io.Discard, &stderr), "%v", c.args)
		require.Contains(t, stderr.String(), c.want, "%v", c.args)
	}
}
