package exchange_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/exchange"
)

var (
	hex64 = strings.Repeat("0f1e2d3c4b5a6978", 4)
	hex40 = hex64[:40]
	hex32 = hex64[:32]
	hex16 = hex64[:16]
)

func read(r io.Reader, o exchange.ListOptions) (ids []string, err error) {
	for e, err := range exchange.ReadList(r, o) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, e.ID)
	}
	return ids, nil
}

func TestReadList(t *testing.T) {
	for _, c := range []struct {
		name, list string
		kind       hash.Kind
		want       []string
	}{
		{"empty", "", 0, nil},
		{"comments and blank lines", "# a list\n\n  # more\r\n \t \n#", 0, nil},
		{"bare", hex64 + "\n" + hex40 + "\n" + hex32, 0, []string{"pdq:" + hex64, "sha1:" + hex40, "md5:" + hex32}},
		{"named", "pdq " + hex64 + "\nsha256:" + hex64 + "\nphash \t " + hex16 + "\nmd5: " + hex32 + "\n", 0,
			[]string{"pdq:" + hex64, "sha256:" + hex64, "phash:" + hex16, "md5:" + hex32}},
		{"mark, blanks, CRLF and upper case", "\xef\xbb\xbf \t" + strings.ToUpper(hex64) + " \r\nMD5:" + strings.ToUpper(hex32) + "\r\n", 0,
			[]string{"pdq:" + hex64, "md5:" + hex32}},
		{"a kind for its length only", hex64 + "\n" + hex32 + "\n", hash.SHA256, []string{"sha256:" + hex64, "md5:" + hex32}},
		{"16 digits of a kind", hex16 + "\n" + hex64, hash.DHash, []string{"dhash:" + hex16, "pdq:" + hex64}},
		{"a named line keeps its kind", "pdq:" + hex64, hash.SHA256, []string{"pdq:" + hex64}},
		{"twice", hex32 + "\n" + hex32 + "\n", 0, []string{"md5:" + hex32, "md5:" + hex32}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(strings.NewReader(c.list), exchange.ListOptions{Kind: c.kind})
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
			byByte, err := read(iotest.OneByteReader(strings.NewReader(c.list)), exchange.ListOptions{Kind: c.kind})
			require.NoError(t, err)
			assert.Equal(t, c.want, byByte)
		})
	}
}

func TestReadListRefuses(t *testing.T) {
	first := hex32 + "\n"
	for name, bad := range map[string]string{
		"16 digits without a kind": hex16,
		"63 digits":                hex64[1:],
		"65 digits":                hex64 + "0",
		"not hex":                  "g" + hex64[1:],
		"unknown kind":             "tmk:" + hex64,
		"wrong length for kind":    "md5 " + hex64,
		"two hashes in a line":     hex32 + " " + hex32,
		"something after the hash": "pdq " + hex64 + " x",
		"a second byte order mark": "\xef\xbb\xbf" + hex64,
		"words":                    "<html>",
		"a NUL":                    hex32 + "\x00",
		"a long line":              strings.Repeat(" ", exchange.DefaultMaxLine),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(strings.NewReader(first+"\n"+bad+"\n"+hex40+"\n"), exchange.ListOptions{})
			assert.Equal(t, []string{"md5:" + hex32}, got, "what came before the bad line, and nothing after it")
			var le *exchange.ListError
			require.ErrorAs(t, err, &le)
			assert.Equal(t, 3, le.Line)
			assert.EqualValues(t, len(first)+1, le.Offset)
			assert.NotEmpty(t, le.Reason)
			assert.Contains(t, err.Error(), "line 3")
		})
	}
}

func TestReadListPassesReadErrorsOn(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := read(io.MultiReader(strings.NewReader(hex32+"\n"+hex32[:7]), iotest.ErrReader(broken)), exchange.ListOptions{})
	require.ErrorIs(t, err, broken)
	_, err = read(strings.NewReader(""), exchange.ListOptions{Kind: 99})
	require.ErrorContains(t, err, "ListOptions.Kind")
}

func TestReadListStops(t *testing.T) {
	n := 0
	for range exchange.ReadList(strings.NewReader(strings.Repeat(hex32+"\n", 10)), exchange.ListOptions{}) {
		n++
		break
	}
	assert.Equal(t, 1, n)
}

func TestMaxLine(t *testing.T) {
	_, err := read(strings.NewReader(hex32+"\n"), exchange.ListOptions{MaxLine: 33})
	require.NoError(t, err)
	_, err = read(strings.NewReader(hex32+"\n"), exchange.ListOptions{MaxLine: 32})
	require.Error(t, err)
	_, err = read(strings.NewReader("#2345678\n"), exchange.ListOptions{MaxLine: 8})
	require.Error(t, err, "also below the smallest buffer of a bufio.Reader")
}

func TestLooksLikeList(t *testing.T) {
	for _, yes := range []string{
		hex64 + "\n", hex64, hex40, hex32 + "\r\n", hex16 + "\n", "\xef\xbb\xbf" + hex64, "# list\n\npdq:" + hex64, "PDQ " + hex64,
		"# only words", hex64[:30], "pdq " + hex64[:5], "sha", "sha256:",
	} {
		assert.True(t, exchange.LooksLikeList([]byte(yes)), "%q", yes)
	}
	for _, no := range []string{
		"", " \n\n", "\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "RIFF\x00\x00", "#EXTM3U\n#EXTINF:1\nfile.ts\n", "ffconcat version 1.0\n",
		"<svg/>", hex64[:30] + "\n", hex64 + "0", "# list\x00", "GIF89a", "abcdefg\n", "file.mp4",
	} {
		assert.False(t, exchange.LooksLikeList([]byte(no)), "%q", no)
	}
}

// What is accepted is made of hashes that print and parse to themselves, and a
// list of their IDs is the same list.
func FuzzReadList(f *testing.F) {
	f.Add("# x\n"+hex64+"\npdq "+hex64+"\r\n", uint8(0))
	f.Add("\xef\xbb\xbfsha256:"+hex64+"\n"+hex16, uint8(hash.PHash))
	f.Fuzz(func(t *testing.T, list string, kind uint8) {
		var entries []match.Entry
		for e, err := range exchange.ReadList(strings.NewReader(list), exchange.ListOptions{Kind: hash.Kind(kind)}) {
			if err != nil {
				return
			}
			require.Len(t, e.Signals, 1)
			v, err := hash.Parse(e.ID)
			require.NoError(t, err)
			require.Equal(t, v, e.Signals[0].Value)
			entries = append(entries, e)
		}
		var ids strings.Builder
		for _, e := range entries {
			fmt.Fprintln(&ids, e.ID)
		}
		again := 0
		for e, err := range exchange.ReadList(strings.NewReader(ids.String()), exchange.ListOptions{}) {
			require.NoError(t, err)
			require.Equal(t, entries[again], e)
			again++
		}
		require.Len(t, entries, again)
		exchange.LooksLikeList([]byte(list))
	})
}

func ExampleReadList() {
	list := "# from a partner, 2026-11\n" +
		"f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22\n" +
		"md5 5d41402abc4b2a76b9719d911017c592\n"
	for entry, err := range exchange.ReadList(strings.NewReader(list), exchange.ListOptions{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(entry.ID)
	}
	// Output:
	// pdq:f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22
	// md5:5d41402abc4b2a76b9719d911017c592
}

// A terminal's user sees an answer before the next line is typed.
func TestReadValuesReadsNoFurther(t *testing.T) {
	in := bufio.NewReaderSize(strings.NewReader("9dd4e461268c8034f5c8564e155c67a6\nthe rest"), exchange.DefaultMaxLine)
	for v, err := range exchange.ReadValues(in, exchange.ListOptions{}) {
		require.NoError(t, err)
		require.Equal(t, "md5:9dd4e461268c8034f5c8564e155c67a6", v.String())
		break
	}
	rest, err := io.ReadAll(in)
	require.NoError(t, err)
	require.Equal(t, "the rest", string(rest))
}
