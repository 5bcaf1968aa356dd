package vpdq

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// WriteText writes the C++ tools' form: a line "frame,quality,hash,seconds" for each
// frame, with three decimals. What Read would refuse is an error before anything is written.
func WriteText(w io.Writer, features []Feature) error {
	if err := check(features); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	for _, f := range features {
		fmt.Fprintf(out, "%d,%d,%s,%s\n", f.Frame, uint8(f.Quality), f.Value.Hex(), decimals(f.Time))
	}
	return out.Flush()
}

// WriteJSON writes python-threatexchange's form, one line without an end: a list of strings
// "hash,quality,seconds". Frame numbers are lost. Python writes three significant digits of the
// time, 1.23e+03 for 1234.567 seconds; this writes up to three decimals, which Python reads, so
// that the same bytes come out up to 9.99 seconds.
func WriteJSON(w io.Writer, features []Feature) error {
	if err := check(features); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	_ = out.WriteByte('[') // errors stay until Flush
	for i, f := range features {
		if i > 0 {
			_, _ = out.WriteString(", ")
		}
		seconds := strings.TrimRight(decimals(f.Time), "0")
		if strings.HasSuffix(seconds, ".") {
			seconds += "0"
		}
		fmt.Fprintf(out, `"%s,%d,%s"`, f.Value.Hex(), uint8(f.Quality), seconds)
	}
	_ = out.WriteByte(']')
	return out.Flush()
}

// decimals prints seconds with three decimals.
func decimals(t time.Duration) string {
	ms := (t + time.Millisecond/2).Milliseconds()
	return strconv.FormatInt(ms/1000, 10) + fmt.Sprintf(".%03d", ms%1000)
}

func check(features []Feature) error {
	if len(features) == 0 {
		return fmt.Errorf("vpdq: writing: %w", ErrEmpty)
	}
	for i, f := range features {
		var err error
		switch {
		case f.Value.Kind() != hash.PDQ:
			err = errors.New("the hash is not one of PDQ")
		case f.Quality > 100:
			err = fmt.Errorf("the quality is %s; want 0 to 100", f.Quality)
		case f.Frame < 0 || f.Frame > maxFrame:
			err = fmt.Errorf("the frame number is %d; want 0 to %d", f.Frame, maxFrame)
		case f.Time < 0 || f.Time > maxTime:
			err = fmt.Errorf("the time is %v; want 0 to %v", f.Time, maxTime)
		}
		if err != nil {
			return fmt.Errorf("vpdq: writing feature %d: %w", i, err)
		}
	}
	return nil
}
