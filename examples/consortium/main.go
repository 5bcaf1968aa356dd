// Command consortium is a made-up hash-sharing consortium for trying to join before one
// has credentials, and for tests: an HTTP server that speaks the protocols of Meta
// ThreatExchange, NCMEC hash sharing v2, StopNCII and Tech Against Terrorism over synthetic
// data. It prints where it serves what, and the credentials that it takes.
//
//	consortium                                     # 1000 records, http://127.0.0.1:8484
//	rematch hash --kind pdq photo.jpg > hashes.txt
//	consortium --known hashes.txt                  # and your own, so that a scan matches
//	consortium --records 1000000 --churn 5 --faults 429=0.05,cut=0.02
//	curl -d hash=f8f8... http://127.0.0.1:8484/admin/withdraw
//
// A file of known hashes has one a line: pdq:HEX, md5:HEX, sha1:HEX, sha256:HEX, 64 digits
// of a PDQ hash, or what "rematch hash" prints; what follows is left out. With --tls the certificate is made at
// the start and signed by itself: --cert writes it to a file, for clients to trust. What can
// be changed while it runs, and what members have sent, is under /admin. Faults:
//
//	name=0.05   strikes with that probability; name*3: the next three requests
//	@protocol   behind it: threatexchange, ncmec, stopncii or tat alone
//	names       429, 429-date, 500, 503, cut, slow, expired, skew, bad-record, bad-page,
//	            repeat-page, endless, huge, bomb
//
// Exit codes:
//
//	0  it was told to stop (SIGINT, SIGTERM), and what was under way has ended
//	1  it could not listen, read or write
//	2  wrong usage
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rematch-go/rematch/examples/internal/consortium"
	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/hash"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// settings are the command line.
type settings struct {
	consortium.Options
	listen, known, cert string
	tls, json           bool
	churn               float64
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	f := flag.NewFlagSet("consortium", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "Usage: consortium [flags]")
		f.PrintDefaults()
	}
	f.StringVar(&s.listen, "listen", "127.0.0.1:8484", "where to listen; port 0: any that is free")
	f.IntVar(&s.Records, "records", 1000, "generated records of each list")
	f.Uint64Var(&s.Seed, "seed", 1, "of values, opinions and faults")
	f.StringVar(&s.known, "known", "", "file of hashes to serve beside the generated ones")
	f.StringVar(&s.Faults, "faults", "", "faults, as in 429=0.05,cut=0.02@ncmec,bad-page*1: "+strings.Join(consortium.FaultNames, ", "))
	f.Float64Var(&s.churn, "churn", 0, "changes of the lists a second")
	f.DurationVar(&s.SlowFor, "slow-for", 2*time.Second, "how long a slow answer takes")
	f.DurationVar(&s.RetryAfter, "retry-after", time.Second, "what a 429 and a 503 ask for")
	f.DurationVar(&s.Skew, "skew", 2*time.Hour, "how far the Date of a skewed answer is off")
	f.Int64Var(&s.HugeBytes, "huge", 1<<30, "bytes of a huge page")
	f.DurationVar(&s.TokenLife, "token-life", 5*time.Minute, "life of Tech Against Terrorism's tokens")
	f.StringVar(&s.AdminToken, "admin-token", "", "what /admin wants as a bearer token; needed where others can reach it")
	f.BoolVar(&s.tls, "tls", false, "serve HTTPS with a certificate made now")
	f.StringVar(&s.cert, "cert", "", "write that certificate to this file (PEM)")
	f.BoolVar(&s.json, "json", false, "print one JSON object a line: where it serves, then every answer")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	host, _, err := net.SplitHostPort(s.listen)
	ip := net.ParseIP(host)
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("what is %q? There are flags only", f.Arg(0))
	case err != nil:
		return s, fmt.Errorf("--listen %s: want host:port", s.listen)
	case s.AdminToken == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return s, errors.New("--listen: others than this machine can reach that address; give an --admin-token")
	case s.cert != "" && !s.tls:
		return s, errors.New("--cert goes with --tls")
	case s.churn < 0 || s.churn > 100_000:
		return s, errors.New("--churn must be 0 to 100000")
	case s.Records < 1, s.HugeBytes < 1, s.SlowFor < 1, s.TokenLife < 1, s.RetryAfter < time.Second:
		return s, errors.New("--records, --huge, --slow-for and --token-life must be positive, --retry-after a second at least")
	}
	_, err = consortium.ParseFaults(s.Faults)
	return s, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return terminal.Run(ctx, "consortium", args, stderr, parse, func(ctx context.Context, s settings) error {
		return serve(ctx, s, &printer{w: stdout, json: s.json})
	})
}

// serve runs until ctx ends, and lets what is under way end, ten seconds at most.
func serve(ctx context.Context, s settings, out *printer) error {
	if s.known != "" {
		file, err := os.Open(s.known)
		if err != nil {
			return err
		}
		s.Known, err = readKnown(file)
		_ = file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", s.known, err)
		}
	}
	s.Log = out.event
	c, err := consortium.New(s.Options)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	h := hello{URL: "http://" + listener.Addr().String(), Records: s.Records, Seed: s.Seed, Known: len(s.Known), Members: c.Members()}
	if s.tls {
		cert, pem, fingerprint, err := certificate(listener.Addr().String())
		if err == nil && s.cert != "" {
			err = os.WriteFile(s.cert, pem, 0o600)
		}
		if err != nil {
			_ = listener.Close()
			return err
		}
		h.URL, h.Fingerprint, h.Certificate = "https://"+listener.Addr().String(), fingerprint, s.cert
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	out.hello(h)

	server := &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	var others sync.WaitGroup
	others.Go(func() { churn(ctx, c, s.churn) })
	others.Go(func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if server.Shutdown(late) != nil {
			_ = server.Close() // pages without an end have none
		}
	})
	err = server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		others.Wait()
		return nil
	}
	return err
}

// churn changes the lists at a rate a second.
func churn(ctx context.Context, c *consortium.Server, rate float64) {
	if rate == 0 {
		return
	}
	tick := time.NewTicker(max(time.Duration(float64(time.Second)/rate), 10*time.Millisecond))
	defer tick.Stop()
	for begun, done := time.Now(), 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			due := int(time.Since(begun).Seconds() * rate)
			c.Churn(due - done)
			done = due
		}
	}
}

// readKnown reads hashes, one a line.
func readKnown(r io.Reader) (list []consortium.Known, err error) {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		if len(words) == 0 {
			continue
		}
		text = words[0]
		if _, err := hash.ParseKind(text); err == nil && len(words) > 1 {
			text += ":" + words[1]
		} else if !strings.Contains(text, ":") {
			text = "pdq:" + text
		}
		v, err := hash.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		kind, value, _ := strings.Cut(v.String(), ":")
		switch v.Kind() {
		case hash.PDQ, hash.MD5, hash.SHA1, hash.SHA256:
			list = append(list, consortium.Known{Kind: kind, Value: value})
		default:
			return nil, fmt.Errorf("line %d: want pdq, md5, sha1 or sha256", n)
		}
	}
	return list, lines.Err()
}

// hello is what is told at the start.
type hello struct {
	URL         string              `json:"url"`
	Records     int                 `json:"records"`
	Seed        uint64              `json:"seed"`
	Known       int                 `json:"known"`
	Fingerprint string              `json:"certificate_sha256,omitempty"`
	Certificate string              `json:"certificate,omitempty"`
	Members     []consortium.Member `json:"members"`
}

// printer writes for people or, as JSON lines, for programs.
type printer struct {
	mu   sync.Mutex
	w    io.Writer
	json bool
}

func (p *printer) hello(h hello) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		_ = json.NewEncoder(p.w).Encode(h)
		return
	}
	you := h.Members[0]
	fmt.Fprintf(p.w, `A fake consortium: %d synthetic records in each list, seed %d, and %d of yours. Nothing here is real; the
credentials are for tests and no secrets. Members 2 to %d have the same with their number.

`, h.Records, h.Seed, h.Known, len(h.Members))
	for _, line := range [][2]string{
		{"ThreatExchange", h.URL + "/threatexchange/v21.0"},
		{"", "access_token " + you.AppToken + ", privacy group " + consortium.PrivacyGroup},
		{"NCMEC v2", h.URL + "/ncmec/" + consortium.Environments[0] + "   (or " + strings.Join(consortium.Environments[1:5], ", ") + ")"},
		{"", "user " + you.Username + ", password " + you.Password},
		{"StopNCII", h.URL + "/stopncii/v1"},
		{"", "x-functions-key " + you.FunctionKey + ", Ocp-Apim-Subscription-Key " + you.SubscriptionKey},
		{"TCAP", h.URL + "/tat"},
		{"", "user " + you.Login + ", password " + you.Password},
		{"Control", h.URL + "/admin/truth?protocol=tat&format=plain"},
		{"", "curl -d hash=... " + h.URL + "/admin/withdraw; also add, churn, clock, faults, received, members"},
	} {
		fmt.Fprintf(p.w, "%-16s%s\n", line[0], line[1])
	}
	if h.Fingerprint != "" {
		fmt.Fprintf(p.w, "%-16ssha256 %s  %s\n", "Certificate", h.Fingerprint, h.Certificate)
	}
	fmt.Fprintln(p.w)
}

func (p *printer) event(e consortium.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json {
		_ = json.NewEncoder(p.w).Encode(e)
		return
	}
	fault := ""
	if e.Fault != "" {
		fault = "  fault " + e.Fault
	}
	fmt.Fprintf(p.w, "%s  %-14s %d  %s %s  %d records, %d bytes%s\n", e.Time.UTC().Format(time.TimeOnly), e.Protocol, e.Status, e.Method,
		terminal.OneLine(e.Path), e.Records, e.Bytes, fault)
}
