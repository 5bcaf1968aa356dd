package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

// TestMain lets TestProgram run this test binary as "upload".
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"upload": main})
}

const maxBytes = 1 << 20

// knownBank holds one known picture.
func knownBank(t *testing.T) match.Bank {
	t.Helper()
	entry, err := screen.Enroll(t.Context(), video.Bytes("known.png", picture(t, 1, 320, 0)), []hash.Kind{hash.PDQ}, screen.Options{})
	require.NoError(t, err)
	return match.Bank{Name: "test", Entries: []match.Entry{entry}}
}

// endpoint serves a handler that knows one picture, with a single slot: whatever
// does not give it back blocks the next upload.
func endpoint(t *testing.T) (*uploads, string) {
	t.Helper()
	matcher, err := match.New(match.Options{}, knownBank(t))
	require.NoError(t, err)
	limits := video.Limits{Bytes: maxBytes}
	u := &uploads{screen.New(matcher, screen.Options{Video: video.Options{Limits: limits}}), maxBytes + 1<<16, make(chan struct{}, 1), false}
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	return u, server.URL
}

func TestUpload(t *testing.T) {
	u, url := endpoint(t)
	form := func(field, name string, content []byte) (string, []byte) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		require.NoError(t, w.WriteField("title", "a text field before the file"))
		if name != "" {
			part, err := w.CreateFormFile(field, name)
			require.NoError(t, err)
			_, err = part.Write(content)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		return w.FormDataContentType(), b.Bytes()
	}
	formType, formBody := form("media", "x.jpg", picture(t, 1, 200, 60))
	emptyType, emptyBody := form("", "", nil)
	bigType, bigBody := form("media", "big", make([]byte, maxBytes+1<<17))
	for _, c := range []struct {
		name, contentType string
		body              []byte
		status            int
		verdict, reason   string
	}{
		{"known picture, made smaller", "image/jpeg", picture(t, 1, 200, 60), 422, "match", ""},
		{"known picture in a form", formType, formBody, 422, "match", ""},
		{"another picture", "image/png", picture(t, 2, 320, 0), 200, "no_match", ""},
		{"text", "image/png", []byte("not a picture"), 202, "not_judged", "unsupported"},
		{"nothing", "", nil, 202, "not_judged", "empty"},
		{"a video without a decoder", "video/mp4", mp4Header, 202, "not_judged", "decoder_missing"},
		{"over the budget", "", make([]byte, maxBytes+1), 413, "not_judged", "over_budget_bytes"},
		{"far over it", "", make([]byte, maxBytes+1<<17), 413, "not_judged", "over_budget_bytes"},
		{"over it in a form", bigType, bigBody, 413, "not_judged", "over_budget_bytes"},
		{"a form without a file", emptyType, emptyBody, 400, "not_judged", "no_upload"},
		{"a form that breaks off", formType, formBody[:len(formBody)/2], 400, "not_judged", "broken_off"},
		{"half a form's header", formType, formBody[:20], 400, "not_judged", "no_upload"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, err := http.Post(url, c.contentType, bytes.NewReader(c.body))
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, c.status, response.StatusCode)
			var answer map[string]string
			require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
			assert.Equal(t, map[string]string{"verdict": c.verdict, "reason": c.reason}, answer)
		})
	}
	assert.Empty(t, u.slots)
}

// mp4Header is the beginning of a video: enough to be recognised.
var mp4Header = []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\x00\x08moov")

// TestCancelledUpload goes away in the middle of an upload: its slot is free again,
// and neither a goroutine nor a file is left.
func TestCancelledUpload(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // after the server's end
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TEMP", temp)
	t.Setenv("TMP", temp)
	u, url := endpoint(t)
	address := strings.TrimPrefix(url, "http://")
	for _, sent := range []int{0, 1000, 700_000} {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n%s", strings.Repeat("x", sent))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return len(u.slots) == 1 }, 5*time.Second, time.Millisecond)
		require.NoError(t, c.Close())
		require.Eventually(t, func() bool { return len(u.slots) == 0 }, 5*time.Second, time.Millisecond)
	}
	response, err := http.Post(url, "image/png", bytes.NewReader(picture(t, 2, 320, 0)))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
	http.DefaultClient.CloseIdleConnections()
}

// TestProgram starts the program as a process, uploads, and ends it while another
// upload is under way: that one is still answered.
func TestProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM to send")
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg, which the program needs, is not on PATH")
	}
	bank := filepath.Join(t.TempDir(), "known.bank")
	require.NoError(t, match.WriteFile(bank, knownBank(t)))
	listener, err := net.Listen("tcp", "localhost:0") // a free port
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	program := exec.Command("upload", "-listen", address, "-bank", bank)
	log, err := program.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	defer func() { _ = program.Process.Kill() }()
	go func() { _, _ = io.Copy(io.Discard, log) }()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			err = c.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)

	body := picture(t, 1, 200, 60)
	slow, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer slow.Close()
	_, err = fmt.Fprintf(slow, "POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:100])
	require.NoError(t, err)
	response, err := http.Post("http://"+address+"/upload", "image/jpeg", bytes.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusUnprocessableEntity, response.StatusCode)

	require.NoError(t, program.Process.Signal(os.Interrupt))
	time.Sleep(50 * time.Millisecond)
	_, err = slow.Write(body[100:])
	require.NoError(t, err)
	status, err := bufio.NewReader(slow).ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, status, "422")
	assert.NoError(t, program.Wait(), "a graceful end is no failure")
}

// TestNoGPL: this program is under the licence of the library alone.
func TestNoGPL(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "rematch/video/ffmpeg")
	assert.NotContains(t, string(out), "wasm")
	assert.NotContains(t, string(out), "ffmpreg")
}

// picture draws one of several pictures; quality 0 gives a PNG, else a JPEG.
func picture(t *testing.T, seed float64, width, quality int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, width*3/4))
	for y := range m.Rect.Dy() {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(width)
			f := math.Sin(9*u*seed+4*v) + math.Sin(13*v*seed-3*u+seed) + math.Sin(23*(u*seed-v))
			edge := math.Copysign(40, math.Sin(7*u+11*v*seed))
			m.SetRGBA(x, y, color.RGBA{uint8(128 + 28*f + edge), uint8(128 - 28*f + edge), uint8(100 + 20*f), 255})
		}
	}
	var b bytes.Buffer
	if quality == 0 {
		require.NoError(t, png.Encode(&b, m))
	} else {
		require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
	}
	return b.Bytes()
}

// Names of files, entries and hashes are in the log only where they are asked for.
func TestLog(t *testing.T) {
	old := slog.Default()
	defer slog.SetDefault(old)
	u, url := endpoint(t)
	for _, evidence := range []bool{false, true} {
		var log bytes.Buffer
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		u.evidence = evidence
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile("file", "holiday.png")
		require.NoError(t, err)
		_, err = part.Write(picture(t, 1, 320, 0))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		r, err := http.Post(url, w.FormDataContentType(), &body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
		assert.Contains(t, log.String(), "outcome=match")
		assert.Contains(t, log.String(), "[test]")
		for _, private := range []string{"holiday.png", "known.png", "pdq:"} {
			assert.Equal(t, evidence, strings.Contains(log.String(), private), "%s in %s", private, log.String())
		}
	}
}
