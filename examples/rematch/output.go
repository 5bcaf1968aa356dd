package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/video"
)

// fileError is the line of a file that could not be worked on at all.
type fileError struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// jsonLine returns v as one line. Names of files may hold anything: control
// characters are escaped, and what is not UTF-8 becomes U+FFFD.
func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the reader is jq, not a browser
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// printJSON writes v as one line.
func printJSON(w io.Writer, v any) error {
	line, err := jsonLine(v)
	if err != nil {
		return err
	}
	_, err = w.Write(line)
	return err
}

// printFileError writes the line of a file that failed.
func (a *app) printFileError(w io.Writer, file string, err error) error {
	if a.json {
		return printJSON(w, fileError{File: file, Error: message(err)})
	}
	_, err = fmt.Fprintf(w, "%-11s %s: %s\n", "error", display(file), message(err))
	return err
}

// What in a text may be a password: in a URL all up to the last at-sign of the line, for one that is not
// escaped may have others, and spaces; in what is only like a URL all of the word up to its last; and
// what is said of a name that is like that of a credential.
var (
	userOfURL  = regexp.MustCompile(`:/[^\n]*@`)
	likeUser   = regexp.MustCompile(`[^\s:/]+:[^\s/@]\S*@`)
	credential = regexp.MustCompile(`(?i)([\w%-]*(?:pass|secret|token|credential|authorization|signature|api.?key)[\w%-]*=)[^\s&]+`)
)

// scrub takes the passwords out of a text.
func scrub(text string) string {
	text = likeUser.ReplaceAllString(userOfURL.ReplaceAllString(text, "://...@"), "...@")
	return credential.ReplaceAllString(text, "$1...")
}

// message is an error's text in one line for people, without the name of the file
// that stands before it anyway, and without passwords.
func message(err error) string { return scrub(wordsOf(err)) }

func wordsOf(err error) string {
	var path *fs.PathError
	var media *video.Error
	var quality *match.LowQualityError
	switch {
	case errors.Is(err, errUsage):
		return terminal.OneLine(strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
	case errors.Is(err, video.ErrNoBackend): // whose own words are for programmers
		return reasonWords("decoder_missing")
	case errors.As(err, &quality):
		return terminal.OneLine(quality.Error())
	case errors.As(err, &media) && media.Detail != "":
		return terminal.OneLine(fmt.Sprintf("%v (%q)", media.Err, media.Detail))
	case errors.As(err, &media):
		return terminal.OneLine(media.Err.Error())
	case errors.As(err, &path) && err == error(path):
		return terminal.OneLine(path.Op + ": " + path.Err.Error())
	}
	return terminal.OneLine(err.Error())
}

// lastWords is what the program ends with on standard error: the message, and
// below it the files that are to blame, a line each.
func lastWords(err error) string {
	var bad badFiles
	if !errors.As(err, &bad) {
		return message(err)
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines[1:] {
		lines[i+1] = "  " + scrub(terminal.OneLine(line))
	}
	return terminal.OneLine(lines[0]) + strings.Join(append([]string{""}, lines[1:]...), "\n")
}

// display is a file name for people: as it is when every character of it can be
// shown, quoted otherwise, so that a name never forges a line or a colour.
func display(name string) string {
	if name == "" || !utf8.ValidString(name) {
		return strconv.Quote(name)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}

// clock prints a time within media as m:ss.s, or h:mm:ss.s from an hour on.
func clock(d time.Duration) string {
	tenths := max(0, d.Round(100*time.Millisecond)) / (100 * time.Millisecond)
	s := fmt.Sprintf("%d:%02d.%d", tenths/600%60, tenths/10%60, tenths%10)
	if h := tenths / 36000; h > 0 {
		s = fmt.Sprintf("%d:%02d:%02d.%d", h, tenths/600%60, tenths/10%60, tenths%10)
	}
	return s
}

// milliseconds rounds to whole milliseconds.
func milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }

// hundredths rounds to two decimals: more would be noise in a line of output.
func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

// count prints a number with its noun: "1 file", "2 files".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
