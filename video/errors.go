package video

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Why a media file, or the rest of it, was not judged. Test with errors.Is; the
// text for machines is Reason's.
var (
	ErrEmpty       = errors.New("empty file")
	ErrUnsupported = errors.New("not a supported picture or video format")
	ErrCorrupt     = errors.New("damaged: no frame could be decoded")
	ErrTruncated   = errors.New("damaged: it breaks off, and what came before is all there is")
	ErrEncrypted   = errors.New("encrypted: without the key nobody can look at it")
	ErrNoPicture   = errors.New("no video stream in it")
	ErrNoBackend   = errors.New("a video needs a decoder: install ffmpeg and pass video/ffmpeg as Options.Backend, or import video/wasmffmpeg")
	ErrTimeout     = errors.New("it took longer than its budget (Limits.Work)")
)

// ErrNotRegular is the error of a folder, a device, a fifo or a socket that was
// given as a File. It is operational: Reason has no token for it.
var ErrNotRegular = errors.New("not a regular file: pass the file itself, or what it gives as a Reader")

// LimitError tells which budget a file is over.
type LimitError struct {
	Limit string // bytes, pixels, frames, duration, memory (of a decoder; its backend's option) or parts (see MaxParts)
	Max   int64  // the budget: bytes, pixels, frames or nanoseconds
	Got   int64  // what the file has or claims; 0 when only "more" is known
}

func (e *LimitError) Error() string {
	switch e.Limit {
	case "parts":
		return fmt.Sprintf("it holds more than is looked at: over %d media, or an archive or bytes behind one that can't be followed", e.Max)
	case "memory":
		return fmt.Sprintf("the decoder needs more memory than the %d bytes that it may take: raise its Options.Memory to judge it", e.Max)
	}
	field := map[string]string{"bytes": "Bytes", "pixels": "Pixels", "frames": "Frames", "duration": "Duration"}[e.Limit]
	if e.Got == 0 {
		return fmt.Sprintf("over the budget of %s: raise Limits.%s to judge it", e.amount(e.Max), field)
	}
	return fmt.Sprintf("%s, over the budget of %s: raise Limits.%s to judge it", e.amount(e.Got), e.amount(e.Max), field)
}

func (e *LimitError) amount(n int64) string {
	if e.Limit == "duration" {
		return time.Duration(n).String()
	}
	return fmt.Sprintf("%d %s", n, e.Limit)
}

// Error is a refusal or failure of one media file. Err is one of the sentinels
// above, a *LimitError, a context error, or what the system said.
type Error struct {
	Name   string // of the input, for people
	Err    error
	Detail string // what the decoder said, at most 2 KiB; untrusted text
}

func (e *Error) Error() string {
	s := "video: "
	if e.Name != "" {
		s += fmt.Sprintf("%q: ", e.Name)
	}
	s += e.Err.Error()
	if e.Detail != "" {
		s += fmt.Sprintf(" (%q)", e.Detail)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// maxDetail bounds Error.Detail in bytes.
const maxDetail = 2 << 10

// wrap makes an error an *Error of the named input. One that is an *Error already
// keeps what it says and gets the name that the caller knows the input by.
func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Name: name, Err: err}
	}
	named := *e
	named.Name = name
	named.Detail = clip(named.Detail)
	return &named
}

// refuse is an error with what the decoder said about it.
func refuse(err error, detail string) error { return &Error{Err: err, Detail: clip(detail)} }

// clip shortens untrusted text to maxDetail.
func clip(s string) string { return s[:min(len(s), maxDetail)] }

// Reason returns the stable token of an error that means "not judged": empty,
// unsupported, corrupt, truncated, encrypted, no_picture, decoder_missing, timed_out,
// over_budget_bytes, over_budget_pixels, over_budget_frames, over_budget_duration,
// over_budget_memory or over_budget_parts. ok is false for nil and for operational errors: a
// cancelled context, a file that can't be read, a decoder that does not start.
func Reason(err error) (token string, ok bool) {
	var limit *LimitError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return "", false
	case errors.As(err, &limit):
		return "over_budget_" + limit.Limit, true
	}
	for _, r := range []struct {
		err   error
		token string
	}{
		{ErrEmpty, "empty"}, {ErrUnsupported, "unsupported"}, {ErrCorrupt, "corrupt"}, {ErrTruncated, "truncated"}, {ErrEncrypted, "encrypted"},
		{ErrNoPicture, "no_picture"}, {ErrNoBackend, "decoder_missing"}, {ErrTimeout, "timed_out"},
	} {
		if errors.Is(err, r.err) {
			return r.token, true
		}
	}
	return "", false
}
