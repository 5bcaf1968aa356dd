package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/terminal"
)

var hostileNames = []string{
	"plain.jpg", "with blank.jpg", "two\nlines", "car\rriage", `quote".jpg`, `back\slash`, "tab\t", "\x1b[31mred", "\x00nul",
	"invalid\xff\xfe", "<b>&amp;", "línea\u2028sep", "\u202egpj.exe", "日本語.png",
}

func TestJSONStaysOneLine(t *testing.T) {
	for _, name := range hostileNames {
		line, err := jsonLine(fileError{File: name, Error: name})
		require.NoError(t, err)
		assert.Equal(t, 1, bytes.Count(line, []byte("\n")), "%q", name)
		assert.True(t, bytes.HasSuffix(line, []byte("}\n")), "%q", name)
		var back fileError
		require.NoError(t, json.Unmarshal(line, &back))
		if name == "invalid\xff\xfe" {
			assert.Equal(t, "invalid\uFFFD\uFFFD", back.File)
		} else {
			assert.Equal(t, name, back.File)
		}
	}
	line, err := jsonLine(fileError{File: "<&>"})
	require.NoError(t, err)
	assert.Equal(t, `{"file":"<&>","error":""}`+"\n", string(line))
}

func TestDisplayNeverForgesALine(t *testing.T) {
	for _, name := range hostileNames {
		for _, shown := range []string{display(name), terminal.OneLine(name)} {
			for _, c := range shown {
				assert.False(t, c < ' ' || c == 0x7f || c == '\u2028' || c == '\u202e', "%q shows %q", name, c)
			}
		}
	}
	assert.Equal(t, "with blank.jpg", display("with blank.jpg"))
	assert.Equal(t, "日本語.png", display("日本語.png"))
	assert.Equal(t, `"two\nlines"`, display("two\nlines"))
	assert.Equal(t, `""`, display(""))
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                              "0:00.0",
		-time.Second:                   "0:00.0",
		3750 * time.Millisecond:        "0:03.8",
		59949 * time.Millisecond:       "0:59.9",
		59951 * time.Millisecond:       "1:00.0",
		61*time.Minute + 2*time.Second: "1:01:02.0",
	} {
		assert.Equal(t, want, clock(d), "%s", d)
	}
}

func TestMessage(t *testing.T) {
	_, err := os.Open("no such file")
	require.Error(t, err)
	assert.NotContains(t, message(err), "no such file:", "the name stands before the message")
	assert.Equal(t, "a b", message(errors.New("a\nb")))
	assert.Equal(t, "bad 3", message(usagef("bad %d", 3)))
	for text, want := range map[string]string{
		"bank postgres://u:s3cr@h/db: refused":                 "bank postgres://...@h/db: refused",
		"open postgres:/u:s3cr@h/.db.1.tmp: no such file":      "open postgres://...@h/.db.1.tmp: no such file",
		"postgres://u:s3cr@t0ps x@h/db: invalid":               "postgres://...@h/db: invalid",
		"bank u:s3cr@h/db: stat u:s3cr@h/db":                   "bank ...@h/db: stat ...@h/db",
		"postgres://h/db?sslmode=no&sslpassword=s3cr&x=1: bad": "postgres://h/db?sslmode=no&sslpassword=...&x=1: bad",
		`open host=h PASSWORD=s3cr user=u`:                     `open host=h PASSWORD=... user=u`,
		`postgres;//u:s3cr@h`:                                  `postgres;//...@h`,
		`postgres:\\u:s3cr@h`:                                  `...@h`,
		"https://lists.example/a.txt?page=2: 404":              "https://lists.example/a.txt?page=2: 404",
		"clip.mp4: at 0:01:02: md5:00 of ann@example.org":      "clip.mp4: at 0:01:02: md5:00 of ann@example.org",
	} {
		assert.Equal(t, want, message(errors.New(text)))
	}
}

func TestTallyOutcome(t *testing.T) {
	for _, c := range []struct {
		tally tally
		want  error
	}{
		{tally{found: 2, noMatch: 2}, nil},
		{tally{found: 1, matched: 1}, codeError(3)},
		{tally{found: 3, matched: 1, failed: 1, notJudged: 1}, codeError(3)},
		{tally{found: 2, failed: 1, notJudged: 1}, codeError(1)},
		{tally{found: 2, noMatch: 1, notJudged: 1}, codeError(4)},
		{tally{}, errNoFiles},
	} {
		assert.Equal(t, c.want, c.tally.outcome(), "%+v", c.tally)
	}
	assert.Equal(t, "1 file: 1 matches, 0 do not, 0 were not judged", (&tally{found: 1, matched: 1}).String())
	assert.Equal(t, "9 files: 2 match, 1 does not, 5 were not judged, and 1 failed",
		(&tally{found: 9, matched: 2, noMatch: 1, notJudged: 5, failed: 1}).String())
}
