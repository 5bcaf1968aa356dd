package exchange

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HTTPOptions are the limits of talking to an exchange. The zero value means the defaults.
type HTTPOptions struct {
	Timeout  time.Duration // of one request with the whole of its answer; 0: a minute
	MaxPage  int64         // bytes of an answer, unpacked; 0: 64 MiB
	MaxList  int64         // bytes of a list or bank file that is read in one; 0: 256 MiB
	Attempts int           // of each request, in all; 0: 5
	// Backoff is the mean wait before the second attempt, which doubles with each further one, up to a
	// minute; 0: half a second.
	Backoff time.Duration
	// MaxWait is the longest that the exchange's Retry-After is obeyed at once. Longer ones are ErrRate,
	// with the time. 0: five minutes.
	MaxWait time.Duration
	Rate    float64 // requests a second, at most; 0: 10
	// Loopback lets the base address be plain http, if its host is this machine: for tests and for
	// examples/consortium.
	Loopback bool
	// Transport is used in place of a plain one with TLS 1.2 or later, such as in tests. Redirects and limits
	// are held whatever it is.
	Transport http.RoundTripper
}

const (
	defaultTimeout  = time.Minute
	defaultMaxPage  = 64 << 20
	defaultMaxList  = 256 << 20
	defaultAttempts = 5
	defaultBackoff  = 500 * time.Millisecond
	maxBackoff      = time.Minute
	defaultMaxWait  = 5 * time.Minute
	defaultRate     = 10
	maxRedirects    = 3
	maxFailure      = 64 << 10 // bytes of a failure's body that are looked at
	maxShort        = 1 << 20  // bytes of an answer that is no page
)

func (o HTTPOptions) filled() HTTPOptions {
	o.Timeout = cmp.Or(max(o.Timeout, 0), defaultTimeout)
	o.MaxPage = cmp.Or(max(o.MaxPage, 0), defaultMaxPage)
	o.MaxList = cmp.Or(max(o.MaxList, 0), defaultMaxList)
	o.Attempts = cmp.Or(max(o.Attempts, 0), defaultAttempts)
	o.Backoff = cmp.Or(max(o.Backoff, 0), defaultBackoff)
	o.MaxWait = cmp.Or(max(o.MaxWait, 0), defaultMaxWait)
	o.Rate = cmp.Or(max(o.Rate, 0), defaultRate)
	return o
}

// client asks one exchange. It is the only place that speaks HTTP.
type client struct {
	exchange string
	base     *url.URL
	http     *http.Client
	options  HTTPOptions
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	sign     func(*http.Request)                 // puts the credentials on a request; may be nil
	secrets  []string                            // query parameters that are never shown or kept
	noise    []string                            // query parameters that are not shown, for they are long and say nothing
	judge    func(status int, body []byte) error // what a failure's body says; nil: the status does
	free     time.Time                           // when the next request may be made
}

// request is one question, its path below the client's base.
type request struct {
	method string // empty: GET
	path   string
	query  url.Values
	header map[string]string
	body   []byte
	media  string // of the body
	limit  int64  // bytes of the answer; 0: MaxPage
	plain  bool   // without credentials
	record bool   // it names a record: 404 is ErrNoSuchRecord
}

// answer is what came, whole.
type answer struct {
	page   string // the request, without anything secret
	status int    // 200..299, or 304
	header http.Header
	body   []byte
	date   time.Time // the server's clock; zero: it does not tell
	wait   time.Duration
}

// newClient checks the base address. sign puts the credentials on a request.
func newClient(c *Config, exchange, base string, sign func(*http.Request), secrets ...string) (*client, error) {
	if c.Base != "" {
		base = c.Base
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, configError(exchange, "the address is not one of a host and a path alone") // it may have a password: not shown
	}
	if u.Path == "" {
		u.Path = "/" // joined paths begin with what the base's path does
	}
	o := c.HTTP.filled()
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && o.Loopback && isLoopback(u.Hostname()):
	default:
		return nil, configError(exchange, "%s://%s is not https", u.Scheme, u.Host)
	}
	transport := o.Transport
	if transport == nil {
		t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
		if usual, ok := http.DefaultTransport.(*http.Transport); ok { // a program may have put another in its place
			t = usual.Clone()
		}
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		t.MaxResponseHeaderBytes = 1 << 20
		t.IdleConnTimeout = 15 * time.Second // nobody closes a source
		transport = t
	}
	return &client{
		exchange: exchange, base: u, options: o, now: c.Now, sleep: c.Sleep, sign: sign, secrets: secrets,
		http: &http.Client{Transport: transport, CheckRedirect: checkRedirect},
	}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkRedirect follows GETs within a host, and nothing else: credentials go nowhere else.
func checkRedirect(to *http.Request, via []*http.Request) error {
	first := via[0].URL
	if to.URL.Scheme != first.Scheme || to.URL.Host != first.Host || via[0].Method != http.MethodGet || len(via) > maxRedirects {
		return ErrRedirect
	}
	return nil
}

// show is a request for people: without what is secret, and not endlessly long.
func (c *client) show(method string, u *url.URL) string {
	q := u.Query()
	for _, name := range slices.Concat(c.secrets, c.noise) {
		q.Del(name)
	}
	text := method + " " + u.Path
	if len(q) > 0 {
		text += "?" + q.Encode()
	}
	if len(text) > 300 {
		text = text[:300] + "..."
	}
	return text
}

// ask makes a request until it is answered or not worth another attempt. The error is a *RequestError,
// a *PageError with ErrTooLarge, or the context's.
func (c *client) ask(ctx context.Context, r request) (*answer, error) {
	u := c.base.JoinPath(r.path)
	u.RawQuery = r.query.Encode()
	r.method = cmp.Or(r.method, http.MethodGet)
	shown := c.show(r.method, u)
	backoff := c.options.Backoff
	for attempt := 1; ; attempt++ {
		if err := c.pace(ctx); err != nil {
			return nil, err
		}
		a, err := c.once(ctx, r, u, shown)
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("exchange: %s: %s: %w", c.exchange, shown, context.Cause(ctx))
		}
		var failed *RequestError
		again := errors.As(err, &failed) && (failed.Err == ErrRate || failed.Err == ErrUnavailable)
		if !again || failed.Wait > c.options.MaxWait || attempt >= c.options.Attempts {
			return nil, err
		}
		wait := failed.Wait
		if wait == 0 {
			wait = backoff/2 + rand.N(backoff) // half to one and a half, so that members do not come in step
			backoff = min(2*backoff, maxBackoff)
		}
		if err := c.sleep(ctx, wait); err != nil {
			return nil, fmt.Errorf("exchange: %s: %s: %w", c.exchange, shown, err)
		}
	}
}

// pace waits until the rate allows another request.
func (c *client) pace(ctx context.Context) error {
	now := c.now()
	if wait := c.free.Sub(now); wait > 0 {
		if err := c.sleep(ctx, min(wait, time.Minute)); err != nil {
			return fmt.Errorf("exchange: %s: %w", c.exchange, err)
		}
		now = c.free
	}
	c.free = now.Add(time.Duration(float64(time.Second) / c.options.Rate))
	return nil
}

// once makes one attempt.
func (c *client) once(ctx context.Context, r request, u *url.URL, shown string) (*answer, error) {
	fail := func(status int, err error, reason string) *RequestError {
		return &RequestError{Exchange: c.exchange, Request: shown, Status: status, Reason: reason, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fail(0, ErrConfig, "not a request that can be made")
	}
	req.Header.Set("User-Agent", "rematch")
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if c.sign != nil && !r.plain {
		c.sign(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fail(0, reasonOf(err), plainReason(err))
	}
	defer resp.Body.Close()
	status := resp.StatusCode
	date, _ := http.ParseTime(resp.Header.Get("Date")) // zero: it does not tell
	var wait time.Duration
	if after := resp.Header.Get("Retry-After"); after != "" {
		wait = retryAfter(after, cmp.Or(date, c.now()))
	}
	if status == http.StatusNotModified {
		return &answer{page: shown, status: status, header: resp.Header}, nil
	}
	if status < 200 || status > 299 {
		f := fail(status, statusError(status), "")
		if status == http.StatusNotFound && !r.record {
			f.Err = ErrRefused
		}
		if c.judge != nil {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, maxFailure)) // what is cut off says nothing
			f.Err = cmp.Or(c.judge(status, body), f.Err)
		}
		f.Wait = wait
		return nil, f
	}
	if r.method == http.MethodGet && status != http.StatusOK {
		return nil, fail(status, ErrUnavailable, "not an answer, or not a whole one") // such as 206
	}
	limit := cmp.Or(r.limit, c.options.MaxPage)
	tooLarge := func(n int64) error {
		return &PageError{Exchange: c.exchange, Page: shown, Offset: n, Reason: fmt.Sprintf("more than %d bytes", limit), Err: ErrTooLarge}
	}
	if resp.ContentLength > limit {
		return nil, tooLarge(0)
	}
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(resp.Body, limit+1))
	if err == nil {
		// A server that sees us leave ends its answer, and that can come through as if it were whole.
		err = ctx.Err()
	}
	switch {
	case n > limit:
		return nil, tooLarge(limit)
	case err != nil:
		return nil, fail(status, ErrUnavailable, fmt.Sprintf("after %d bytes: %s", n, plainReason(err)))
	}
	return &answer{page: shown, status: status, header: resp.Header, body: body.Bytes(), date: date, wait: wait}, nil
}

// reasonOf says which of our errors a failed connection is.
func reasonOf(err error) error {
	var wrong *tls.CertificateVerificationError
	var host x509.HostnameError
	switch {
	case errors.Is(err, ErrRedirect):
		return ErrRedirect
	case errors.As(err, &wrong), errors.As(err, &host):
		return ErrRefused // nobody we should talk to; another attempt is the same
	}
	return ErrUnavailable
}

// plainReason is an error of net/http without the address, which may have a token in it.
func plainReason(err error) string {
	var of *url.Error
	for errors.As(err, &of) {
		err = of.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no whole answer in time"
	case errors.Is(err, ErrRedirect):
		return "a redirect to another host or protocol"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was cut"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op + ": " + op.Err.Error()
	}
	text := err.Error()
	if strings.Contains(text, "://") || strings.Contains(text, "?") { // a server's header may echo the address
		return "the answer can't be read"
	}
	return text
}

func statusError(status int) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ErrCredentials
	case status == http.StatusTooManyRequests:
		return ErrRate
	case status == http.StatusNotFound:
		return ErrNoSuchRecord
	case status == http.StatusGone:
		return ErrStale
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return ErrUnavailable
	case status >= 300 && status < 400:
		return ErrRedirect
	}
	return ErrRefused
}

// retryAfter reads seconds or a date, by the exchange's clock where it tells that; 0: it says nothing that is to come.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(strings.TrimSpace(header), 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), 1<<31)) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// nextQuery is the query of a page's address for the next one, which has to be of the same host and under the same
// path as the list that gave it.
func (c *client) nextQuery(next, path, shown string) (url.Values, error) {
	elsewhere := &RequestError{Exchange: c.exchange, Request: shown, Reason: "the next page is not of this list", Err: ErrRedirect}
	u, err := url.Parse(next)
	if err != nil || u.User != nil || u.Opaque != "" {
		return nil, elsewhere
	}
	list := c.base.JoinPath(path)
	if u.Host != "" && (u.Host != list.Host || u.Scheme != list.Scheme) || u.Host == "" && u.Scheme != "" {
		return nil, elsewhere
	}
	under := strings.TrimSuffix(u.Path, "/")
	if whole := strings.TrimSuffix(list.Path, "/"); u.Path != "" && under != whole && (u.Host != "" || strings.TrimSuffix(c.base.JoinPath(u.Path).Path, "/") != whole) {
		return nil, elsewhere
	}
	q := u.Query()
	for _, name := range c.secrets {
		q.Del(name)
	}
	if len(q) == 0 {
		return nil, elsewhere
	}
	return q, nil
}
