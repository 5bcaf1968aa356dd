package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// TestMain lets the scripts, and the tests that look at processes, run this test
// binary as "rematch".
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rematch": main, "rewrite": rewrite})
}

// rewrite is the scripts' own sed, which not every system has: rewrite FILE
// [PATTERN REPLACEMENT]... prints the file with each replacement made on each line.
func rewrite() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for rules := os.Args[2:]; len(rules) >= 2; rules = rules[2:] {
		data = regexp.MustCompile("(?m)"+rules[0]).ReplaceAll(data, []byte(rules[1]))
	}
	os.Stdout.Write(data)
}

// TestScripts runs testdata/script: what users type, and what they see. "exits 3
// rematch scan ..." checks the exit code. The folders known and uploads are drawn
// anew for each script.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	media := map[string][]byte{
		"known/field.png":       encodePNG(t, scene(1, 400, 300)),
		"known/harbour.jpg":     encodeJPEG(t, scene(2, 500, 400), 95),
		"uploads/again.jpg":     encodeJPEG(t, scene(1, 200, 150), 50),
		"uploads/boxed.png":     encodePNG(t, letterboxed(scene(2, 500, 400))),
		"uploads/mirrored.png":  encodePNG(t, mirrored(scene(1, 400, 300))),
		"uploads/other.jpg":     encodeJPEG(t, scene(3, 400, 300), 80),
		"uploads/flat.png":      encodePNG(t, image.NewGray(image.Rect(0, 0, 64, 64))),
		"uploads/tiny.png":      encodePNG(t, image.NewGray(image.Rect(0, 0, 3, 3))),
		"uploads/deep/note.jpg": []byte("this is text, whatever its name\n"),
		"uploads/empty.mp4":     {},
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for name, content := range media {
				path := filepath.Join(env.WorkDir, filepath.FromSlash(name))
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
					return err
				}
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "race" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return raceDetector, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "damage": damage, "widen": widen, "recordid": recordID},
	})
}

// exits runs a program and checks its exit code: exits CODE PROGRAM ARGUMENT...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// recordID sets ID to the first one of a record that the last command printed.
func recordID(ts *testscript.TestScript, _ bool, _ []string) {
	id := regexp.MustCompile(`\b[0-9a-f]{32}\b`).FindString(ts.ReadFile("stdout"))
	if id == "" {
		ts.Fatalf("no record in: %s", ts.ReadFile("stdout"))
	}
	ts.Setenv("ID", id)
}

// damage changes the byte in the middle of a file: damage FILE.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FILE")
	}
	name := ts.MkAbs(args[0])
	data, err := os.ReadFile(name)
	ts.Check(err)
	data[len(data)/2] ^= 1
	ts.Check(os.WriteFile(name, data, 0o600))
}

// widen gives the banks in a file a threshold of 40 bits, as other programs may: widen FILE.
func widen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: widen FILE")
	}
	path := ts.MkAbs(args[0])
	banks, err := match.ReadFile(path)
	ts.Check(err)
	for i := range banks {
		banks[i].Thresholds = map[hash.Kind]int{hash.PDQ: 40}
	}
	ts.Check(match.WriteFile(path, banks...))
}

// scene draws a picture with broad shapes and texture, the same for the same seed
// at any size.
func scene(seed uint64, w, h int) *image.RGBA {
	rnd := rand.New(rand.NewPCG(seed, 7))
	type wave struct{ x, y, phase, red, green, blue float64 }
	waves := make([]wave, 14)
	for i := range waves {
		waves[i] = wave{rnd.NormFloat64() * 9, rnd.NormFloat64() * 9, rnd.Float64() * 6, rnd.Float64() * 40, rnd.Float64() * 40, rnd.Float64() * 40}
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			r, g, b := 128.0, 128.0, 128.0
			for _, v := range waves {
				s := math.Sin(v.x*float64(x)/float64(w) + v.y*float64(y)/float64(h) + v.phase)
				s = math.Copysign(math.Sqrt(math.Abs(s)), s) // edges, not only slopes
				r, g, b = r+v.red*s, g+v.green*s, b+v.blue*s
			}
			m.SetRGBA(x, y, color.RGBA{clamp(r), clamp(g), clamp(b), 255})
		}
	}
	return m
}

func clamp(x float64) uint8 { return uint8(max(0, min(255, x))) }

func mirrored(m *image.RGBA) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.SetRGBA(x, y, m.RGBAAt(b.Dx()-1-x, y))
		}
	}
	return out
}

// letterboxed puts black bars above and below.
func letterboxed(m *image.RGBA) *image.RGBA {
	b := m.Bounds()
	bar := b.Dy() / 4
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()+2*bar))
	draw.Draw(out, out.Bounds(), image.Black, image.Point{}, draw.Src)
	draw.Draw(out, b.Add(image.Pt(0, bar)), m, image.Point{}, draw.Src)
	return out
}

func encodePNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

func encodeJPEG(t *testing.T, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
	return b.Bytes()
}
