package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// studio writes files below one folder and remembers how each was made and what
// the library must say of it.
type studio struct {
	dir      string
	log      io.Writer
	made     [][]string // file, how
	expected []expectation
}

// expectation is one row of expected.csv. Times are in milliseconds; they are
// written only for matches of videos (knownTo > 0).
type expectation struct {
	file, verdict, entry                 string
	queryFrom, queryTo, knownFrom, known int
	reason                               string
}

// path returns the place of a file named relative to the studio's folder, which
// is created if need be.
func (s *studio) path(name string) (string, error) {
	full := filepath.Join(s.dir, filepath.FromSlash(name))
	return full, os.MkdirAll(filepath.Dir(full), 0o755)
}

// note records how a file was made.
func (s *studio) note(name, how string) {
	s.made = append(s.made, []string{name, how})
	fmt.Fprintln(s.log, name)
}

func (s *studio) write(name string, data []byte, how string) error {
	full, err := s.path(name)
	if err != nil {
		return err
	}
	s.note(name, how)
	return os.WriteFile(full, data, 0o644)
}

// bitexact keeps versions and times out of the files; two threads give the same
// x264 stream on every machine.
var bitexact = []string{"-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-threads", "2"}

// ffmpeg runs the native program in the studio's folder: the arguments, then
// bitexact, then the output's name. feed, when not nil, writes its standard input.
func (s *studio) ffmpeg(name string, feed func(io.Writer) error, how string, args ...string) error {
	if _, err := s.path(name); err != nil {
		return err
	}
	all := append([]string{"-hide_banner", "-loglevel", "error", "-y"}, args...)
	all = append(append(all, bitexact...), filepath.FromSlash(name))
	cmd := exec.Command("ffmpeg", all...)
	cmd.Dir = s.dir
	var said strings.Builder
	cmd.Stderr = &said
	var fed error
	if feed != nil {
		in, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("generate: starting ffmpeg (install it): %w", err)
		}
		fed = feed(in)
		in.Close()
	} else if err := cmd.Start(); err != nil {
		return fmt.Errorf("generate: starting ffmpeg (install it): %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("generate: ffmpeg making %s: %w: %s", name, err, said.String())
	}
	if fed != nil {
		return fed
	}
	command := "ffmpeg " + quoted(all[3:])
	if how != "" {
		command = how + "; " + command
	}
	s.note(name, command)
	return nil
}

// quoted joins arguments as a shell would read them.
func quoted(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if strings.ContainsAny(a, " ;[]()'\"*?$&|<>#") {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// expect records what a scan must say of an upload; file is relative to uploads/.
func (s *studio) expect(e expectation) { s.expected = append(s.expected, e) }

// tables writes expected.csv and commands.csv, sorted by file.
func (s *studio) tables() error {
	rows := [][]string{}
	for _, e := range s.expected {
		times := make([]string, 4)
		if e.known > 0 {
			for i, v := range []int{e.queryFrom, e.queryTo, e.knownFrom, e.known} {
				times[i] = strconv.Itoa(v)
			}
		}
		rows = append(rows, []string{e.file, e.verdict, e.entry, times[0], times[1], times[2], times[3], e.reason})
	}
	err := s.table("expected.csv", []string{"file", "verdict", "entry", "query_from_ms", "query_to_ms", "known_from_ms", "known_to_ms", "reason"}, rows)
	if err != nil {
		return err
	}
	return s.table("commands.csv", []string{"file", "how"}, s.made)
}

func (s *studio) table(name string, header []string, rows [][]string) error {
	sort.Slice(rows, func(i, k int) bool { return rows[i][0] < rows[k][0] })
	var out strings.Builder
	w := csv.NewWriter(&out)
	if err := w.WriteAll(append([][]string{header}, rows...)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, name), []byte(out.String()), 0o644)
}
