package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testdata is the project's own media.
const testdata = "../../testdata"

// evaluate runs the program.
func evaluate(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// folder copies files of testdata, or writes bytes, under new names.
func folder(t *testing.T, files map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range files {
		b, ok := from.([]byte)
		if !ok {
			var err error
			b, err = os.ReadFile(filepath.Join(testdata, from.(string)))
			require.NoError(t, err)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, b, 0o644))
	}
	return dir
}

// folders are two known pictures and four others, with what is left out of either.
func folders(t *testing.T) (knownFolder, others string) {
	return folder(t, map[string]any{
			"flowers.jpg": "known/flowers.jpg", "deep/market.webp": "known/market.webp", "flat.png": "uploads/broken/flat.png",
			"walk.mp4": "known/street-walk.mp4", "again.jpg": "known/flowers.jpg",
		}), folder(t, map[string]any{
			"autumn.jpg": "uploads/clean/autumn.jpg", "bouquet.jpg": "uploads/clean/bouquet.jpg", "lake.jpg": "uploads/clean/lake.jpg",
			"<img src=x>.png": "uploads/clean/tagfahrt.png", "notes.txt": "uploads/broken/notes.txt", "known.jpg": "known/flowers.jpg",
		})
}

const someTransforms = "^(none|mirror|letterbox black|crop corner 50%|collage of 4 gutters|gif)$"

func TestPictures(t *testing.T) {
	knownFolder, others := folders(t)
	dir := t.TempDir()
	args := func(more ...string) []string {
		return append([]string{"pictures", "--known", knownFolder, "--distractors", others, "--max-side", "256", "--transforms", someTransforms}, more...)
	}
	report, table := filepath.Join(dir, "report.html"), filepath.Join(dir, "table.csv")
	code, text, stderr := evaluate(t, args("--workers", "1", "--report", report, "--csv", table)...)
	require.Equal(t, exitLeftOut, code, stderr)
	assert.Regexp(t, `^processor time per picture: screening [\d.]+ ms from pixels \([\d.]+ times\); one plain PDQ hash [\d.]+ ms\n$`, stderr)
	assert.Contains(t, text, "2 known pictures, 4 distractors, 6 transforms, seed 1\n")
	pairs := 6*2*1 + 6*4*2
	assert.Contains(t, text, "false matches, of "+strconv.Itoa(pairs)+" pairs of unrelated pictures\n")
	assert.Regexp(t, `(?m)^none +100\.0 \(34\.2-100\.0\)`, text)
	assert.Regexp(t, `(?m)^mirror +100\.0 \(34\.2-100\.0\) +0\.0 \(0\.0-65\.8\) `, text, "plain PDQ does not see mirrored pictures")
	for _, left := range []string{
		"known flat.png: refused by the library: too little in it to hash (quality 0, at least 50 is needed)\n",
		"known walk.mp4: a video needs a decoder", "known flowers.jpg: the same file as again.jpg\n",
		"distractor known.jpg: the same file as known picture again.jpg\n", "distractor notes.txt: not a supported picture or video format\n",
	} {
		assert.Contains(t, text, left)
	}

	t.Run("again", func(t *testing.T) {
		firstTable, err := os.ReadFile(table)
		require.NoError(t, err)
		firstReport, err := os.ReadFile(report)
		require.NoError(t, err)
		code, again, _ := evaluate(t, args("--workers", "3", "--report", report, "--csv", table)...)
		assert.Equal(t, exitLeftOut, code)
		assert.Equal(t, text, again)
		secondTable, err := os.ReadFile(table)
		require.NoError(t, err)
		assert.Equal(t, string(firstTable), string(secondTable))
		secondReport, err := os.ReadFile(report)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(firstReport, secondReport), "the report")
	})
	t.Run("csv", func(t *testing.T) {
		f, err := os.Open(table)
		require.NoError(t, err)
		defer f.Close()
		records, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		require.Len(t, records, 1+6)
		column := func(name string) int {
			i := slices.Index(records[0], name)
			require.GreaterOrEqual(t, i, 0, name)
			return i
		}
		for _, r := range records[1:] {
			assert.Equal(t, "2", r[column("copies")])
			assert.Equal(t, "6", r[column("posted")])
			if r[column("transform")] == "mirror" {
				assert.Equal(t, []string{"2", "0"}, []string{r[column("rematch_found")], r[column("pdq_found")]})
			}
		}
		assert.NotContains(t, records[0], "cpu_ms")
	})
	t.Run("json", func(t *testing.T) {
		code, out, _ := evaluate(t, args("--json", "--cpu", "--seed", "2", "--per-distractor", "2", "--files")...)
		assert.Equal(t, exitLeftOut, code)
		counts := make(map[string]int)
		posted := 0
		for line := range strings.Lines(out) {
			var v struct {
				Type   string
				Posted int
				CPU    *float64 `json:"cpu_ms"`
				Pairs  int
			}
			require.NoError(t, json.Unmarshal([]byte(line), &v), line)
			counts[v.Type]++
			posted += v.Posted
			if v.Type == "transform" {
				assert.NotNil(t, v.CPU)
			}
			if v.Type == "summary" {
				assert.Equal(t, 6*2*1+2*4*2, v.Pairs, "two transforms of each distractor")
			}
		}
		assert.Equal(t, map[string]int{"transform": 6, "left_out": 5, "summary": 1}, counts)
		assert.Equal(t, 6*2+2*4, posted)
	})
	t.Run("report", func(t *testing.T) { checkReport(t, report, 6) })
}

// checkReport reads the page as a browser would: elements that fit, pictures that
// decode, nothing from elsewhere.
func checkReport(t *testing.T, path string, transforms int) {
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	_, body, found := strings.Cut(string(page), "</style>")
	require.True(t, found)
	d := xml.NewDecoder(strings.NewReader("<html><head>" + body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	pictures, marks := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "script", "link", "iframe", "object":
			t.Errorf("a %s in the report", start.Name.Local)
		case "img":
			src := start.Attr[slices.IndexFunc(start.Attr, func(a xml.Attr) bool { return a.Name.Local == "src" })].Value
			data, ok := strings.CutPrefix(src, "data:image/jpeg;base64,")
			require.True(t, ok, "%.40s", src)
			_, _, err := image.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
			require.NoError(t, err)
			pictures++
		case "title":
			marks++
		}
	}
	assert.Equal(t, 4*transforms, marks, "a mark for each method and transform")
	assert.GreaterOrEqual(t, pictures, 2*transforms)
	assert.NotRegexp(t, `https?:|url\(|@import|<img src=x`, string(page))
	assert.Contains(t, string(page), "Content-Security-Policy")
}

func TestUsage(t *testing.T) {
	photos := filepath.Join(testdata, "known")
	empty := t.TempDir()
	few := folder(t, map[string]any{"flowers.jpg": "known/flowers.jpg"})
	need := []string{"pictures", "--known", photos, "--distractors", photos}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "a command is needed"},
		{[]string{"picturs"}, exitUsage, "unknown command"},
		{[]string{"pictures"}, exitUsage, `required flag(s) "distractors", "known" not set`},
		{append(need, "extra"), exitUsage, "unknown command"},
		{append(need, "--transforms", "("), exitUsage, "--transforms: error parsing regexp"},
		{append(need, "--transforms", "^nothing$"), exitUsage, "'evaluate transforms' lists them"},
		{append(need, "--workers", "0"), exitUsage, "want 1 to 1024"},
		{append(need, "--limit", "-1"), exitUsage, "or 0 for all pictures"},
		{append(need, "--max-side", "10"), exitUsage, "want 64 to 4096"},
		{append(need, "--per-distractor", "-2"), exitUsage, "or 0 for all transforms"},
		{append(need, "--seed", "x"), exitUsage, "invalid argument"},
		{append(need, "--csv", filepath.Join(empty, "no", "such.csv")), exitFailure, "can't be written"},
		{append(need, "--report", empty), exitFailure, "can't be written"},
		{[]string{"pictures", "--known", filepath.Join(empty, "none"), "--distractors", photos}, exitFailure, "no such file"},
		{[]string{"pictures", "--known", filepath.Join(photos, "flowers.jpg"), "--distractors", photos}, exitUsage, "want a folder of pictures"},
		{[]string{"pictures", "--known", empty, "--distractors", photos}, exitFailure, "give --known a folder of photographs"},
		{[]string{"pictures", "--known", few, "--distractors", empty}, exitFailure, "give --distractors more photographs"},
		{[]string{"collect", photos}, exitUsage, `required flag(s) "out" not set`},
		{[]string{"collect", "--out", empty}, exitUsage, "requires at least 1 arg"},
		{[]string{"collect", "--out", empty, "--known-share", "2", photos}, exitUsage, "want 0 to 1"},
		{[]string{"collect", "--out", filepath.Join(empty, "out"), filepath.Join(testdata, "uploads", "broken")}, exitFailure, "rejected.csv says why"},
		{[]string{"help"}, exitOK, ""},
		{[]string{"transforms"}, exitOK, ""},
	} {
		code, _, stderr := evaluate(t, c.args...)
		assert.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		assert.Contains(t, stderr, c.says, "%v", c.args)
	}
	_, list, _ := evaluate(t, "transforms")
	assert.Contains(t, list, "\ncrop centre 5%\n")
}

func TestInterrupted(t *testing.T) {
	knownFolder, others := folders(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"pictures", "--known", knownFolder, "--distractors", others}, &out, &errs)
	assert.Equal(t, exitFailure, code)
	assert.Equal(t, "evaluate: interrupted\n", errs.String())
	assert.Empty(t, out.String())
}

func TestWilson(t *testing.T) {
	for _, c := range []struct {
		s         share
		low, high float64 // R: binom::binom.wilson
	}{{share{0, 10}, 0, 27.75}, {share{10, 10}, 72.25, 100}, {share{50, 100}, 40.38, 59.62}, {share{198, 200}, 96.43, 99.73}, {share{0, 0}, 0, 100}} {
		low, high := c.s.wilson()
		assert.InDelta(t, c.low, low, 0.01, "%v", c.s)
		assert.InDelta(t, c.high, high, 0.01, "%v", c.s)
	}
}

func TestThreshold(t *testing.T) {
	var d distances
	d[0], d[5], d[9] = 1, 2, 1
	assert.Equal(t, -1, d.largest(64, 0))
	assert.Equal(t, 4, d.largest(64, 1))
	assert.Equal(t, 4, d.largest(64, 2))
	assert.Equal(t, 8, d.largest(64, 3))
	assert.Equal(t, 64, d.largest(64, 4))
	assert.Zero(t, d.within(-1))
	assert.Equal(t, 3, d.within(8))
	assert.Equal(t, 4, d.within(9))
}

// TestCollect: one of each picture is kept, with its origin; a second run changes
// nothing.
func TestCollect(t *testing.T) {
	var icon bytes.Buffer
	small := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	small.SetNRGBA(5, 5, color.NRGBA{1, 2, 3, 255})
	require.NoError(t, png.Encode(&icon, small))
	market, err := os.ReadFile(filepath.Join(testdata, "known/market.webp"))
	require.NoError(t, err)
	source := folder(t, map[string]any{
		"a/harbour.jpg": "known/harbour.jpg", "b/copy.jpg": "uploads/pictures/harbour-mirror.jpg", "icon.png": icon.Bytes(),
		"flat.png": "uploads/broken/flat.png", "notes.txt": "uploads/broken/notes.txt", "res.rcc": qtResources(t, 2, map[string][]byte{"market.webp": market}),
		"bad.rcc": []byte("qres0000"), "paper/contents/images/1920x1080.jpg": "uploads/clean/lake.jpg", "paper/contents/screenshot.jpg": "uploads/clean/other-street.jpg",
	})
	out := filepath.Join(t.TempDir(), "photos")
	code, stdout, stderr := evaluate(t, "collect", "--out", out, "--known-share", "1", source)
	require.Equal(t, exitOK, code, stderr)
	assert.Regexp(t, `^3 known pictures and 0 distractors in .* out of 9 files`, stdout)
	origins, err := os.ReadFile(filepath.Join(out, "origins.csv"))
	require.NoError(t, err)
	assert.Regexp(t, `known/[0-9a-f]{8}-\d+-market.webp,\d+,res.rcc/market.webp,1000,700,`, string(origins))
	rejected, err := os.ReadFile(filepath.Join(out, "rejected.csv"))
	require.NoError(t, err)
	for _, want := range []string{"icon.png,transparent\n", "flat.png,", "bad.rcc,not a Qt resource file", "another size of paper/contents/", "shows the same as "} {
		assert.Contains(t, string(rejected), want)
	}
	assert.NotContains(t, string(rejected), "notes.txt")

	before := listing(t, out)
	code, again, stderr := evaluate(t, "collect", "--out", out, "--known-share", "1", source)
	require.Equal(t, exitOK, code, stderr)
	assert.Equal(t, stdout, again)
	assert.Equal(t, before, listing(t, out))

	code, _, stderr = evaluate(t, "collect", "--out", out, "--known-share", "0", source)
	assert.Equal(t, exitFailure, code, "pictures of another share are in the way")
	assert.Contains(t, stderr, "is not of these sources; empty ")
}

func listing(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := list(t.Context(), dir)
	require.NoError(t, err)
	for _, f := range files {
		all = append(all, f.Name, string(f.sum[:]))
	}
	return all
}

// qtResources is what "rcc --binary" makes of files in one folder.
func qtResources(t *testing.T, version uint32, files map[string][]byte) []byte {
	t.Helper()
	var tree, data, names bytes.Buffer
	put := func(b *bytes.Buffer, values ...any) {
		for _, v := range values {
			require.NoError(t, binary.Write(b, binary.BigEndian, v))
		}
	}
	node := func(b *bytes.Buffer, values ...any) {
		put(b, values...)
		if version > 1 {
			put(b, uint64(0))
		}
	}
	node(&tree, uint32(0), uint16(rccFolder), uint32(len(files)), uint32(1))
	for name, content := range files {
		node(&tree, uint32(names.Len()), uint16(0), uint16(0), uint16(0), uint32(data.Len()))
		put(&names, uint16(len(name)), uint32(0))
		for _, c := range name {
			put(&names, uint16(c))
		}
		put(&data, uint32(len(content)), content)
	}
	var b bytes.Buffer
	b.WriteString("qres")
	put(&b, version, uint32(20), uint32(20+tree.Len()), uint32(20+tree.Len()+data.Len()))
	b.Write(tree.Bytes())
	b.Write(data.Bytes())
	b.Write(names.Bytes())
	return b.Bytes()
}

func TestRCC(t *testing.T) {
	for version := range uint32(3) {
		b := qtResources(t, version+1, map[string][]byte{"a.webp": []byte("first"), "b.webp": []byte("second")})
		files, skipped, err := readRCC(b)
		require.NoError(t, err)
		assert.Zero(t, skipped)
		slices.SortFunc(files, func(a, b resource) int { return strings.Compare(a.name, b.name) })
		assert.Equal(t, []resource{{"a.webp", []byte("first")}, {"b.webp", []byte("second")}}, files)
		for n := range b {
			if _, _, err := readRCC(b[:n]); err != nil {
				assert.ErrorIs(t, err, errRCC)
			}
		}
	}
	_, _, err := readRCC(qtResources(t, 9, nil))
	assert.ErrorIs(t, err, errRCC)
}

func FuzzRCC(f *testing.F) {
	f.Add([]byte("qres\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, _, err := readRCC(b)
		if err != nil {
			assert.ErrorIs(t, err, errRCC)
		}
		for _, r := range files {
			assert.LessOrEqual(t, len(r.data), maxResource)
		}
	})
}
