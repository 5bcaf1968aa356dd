// Command upload is an HTTP endpoint that screens what it receives, as a platform
// would embed it: POST /upload with bare bytes or a form, of which it judges only the
// first part with a file name: use no other. It holds no GPL part: videos need the ffmpeg program on PATH. Answers are JSON,
// {"verdict","reason"}: 200 accepted (no_match), 202 held for a person (not_judged),
// 422 refused (match), 413 too large, 400 not an upload or broken off, 503 try again
// later. Uploaders are not told what they matched: the log tells the banks, and with
// -evidence names of files, entries and hashes too.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

// uploads is the handler. At most cap(slots) uploads are worked on at once; the
// others wait, unread.
type uploads struct {
	screener *screen.Screener
	maxBytes int64 // of a request
	slots    chan struct{}
	evidence bool // goes into the log
}

func (u *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context() // ends when the uploader goes away, and with it all work
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	case <-ctx.Done():
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, u.maxBytes)
	name, body, err := file(r)
	if err != nil {
		answer(w, http.StatusBadRequest, "not_judged", "no_upload")
		return
	}
	if !u.evidence {
		name = "upload" // errors have it
	}
	verdict, err := u.screener.Screen(ctx, video.Reader(name, body)) // reads the body as it comes
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), verdict.Reason == "over_budget_bytes":
		answer(w, http.StatusRequestEntityTooLarge, "not_judged", "over_budget_bytes")
	case err != nil && (ctx.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF)):
		answer(w, http.StatusBadRequest, "not_judged", "broken_off")
	case err != nil: // ours, not the uploader's: never let it pass as "no match"
		slog.Error("screening failed", "error", err)
		answer(w, http.StatusServiceUnavailable, "not_judged", "failure")
	default:
		attributes := []any{"outcome", verdict.Outcome, "reason", verdict.Reason, "banks", banks(verdict.Matches)}
		if u.evidence {
			attributes = append(attributes, "name", name, "matches", verdict.Matches)
		}
		slog.Info("screened", attributes...)
		status := map[screen.Outcome]int{screen.NoMatch: http.StatusOK, screen.NotJudged: http.StatusAccepted, screen.Match: http.StatusUnprocessableEntity}
		answer(w, status[verdict.Outcome], verdict.Outcome.String(), verdict.Reason)
	}
}

// file finds the upload in a request: the first file of a form, or the body.
func file(r *http.Request) (name string, body io.Reader, err error) {
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		return "body", r.Body, nil
	}
	for part := (*multipart.Part)(nil); err == nil; {
		if part, err = parts.NextPart(); err == nil && part.FileName() != "" {
			return part.FileName(), part, nil
		}
	}
	return "", nil, err
}

// banks names the banks of matches, each once.
func banks(matches []match.Match) (names []string) {
	for _, m := range matches {
		if !slices.Contains(names, m.Entry.Bank) {
			names = append(names, m.Entry.Bank)
		}
	}
	return names
}

func answer(w http.ResponseWriter, status int, verdict, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"verdict": verdict, "reason": reason})
}

func main() {
	address := flag.String("listen", "localhost:8080", "where to listen")
	bank := flag.String("bank", "", "a bank file made by \"rematch bank build\"")
	evidence := flag.Bool("evidence", false, "log names of files, entries and hashes, which are personal data or can be sensitive")
	flag.Parse()
	check := func(err error) {
		if err != nil {
			slog.Error("upload", "error", err)
			os.Exit(1)
		}
	}
	known, err := match.OpenSnapshot(*bank)
	check(err)
	matcher, err := match.New(match.Options{})
	check(err)
	check(matcher.Load(known))
	decoder, err := ffmpeg.New(ffmpeg.Options{})
	check(err)
	options := screen.Options{Video: video.Options{Backend: decoder, Limits: video.Limits{Bytes: 256 << 20, Work: time.Minute}}}
	http.Handle("POST /upload", &uploads{screen.New(matcher, options), 256<<20 + 1<<16, make(chan struct{}, 4*runtime.NumCPU()), *evidence})
	server := &http.Server{Addr: *address, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Minute}
	finished := make(chan error)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { // let what is under way end, half a minute at most
		stop()
		time.AfterFunc(30*time.Second, func() { _ = server.Close() })
		finished <- server.Shutdown(context.Background())
	})
	if err = server.ListenAndServe(); errors.Is(err, http.ErrServerClosed) {
		err = <-finished
	}
	check(err)
}
