package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Run it by name: patterns like ./... do not enter testdata.
//
//	go test ./testdata/generate

func TestCommittedFilesAreAsListed(t *testing.T) {
	var said bytes.Buffer
	require.NoError(t, check("..", &said), said.String())
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		full := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(text), 0o644))
	}
	for _, name := range []string{"known/a.jpg", "uploads/b.jpg", "pixels/c.png", "logo.png", "commands.csv", "pdq.csv"} {
		put(name, name)
	}
	put("expected.csv", "file,verdict\nb.jpg,match\n")
	require.NoError(t, writeSums(dir))
	var said bytes.Buffer
	require.NoError(t, check(dir, &said), said.String())

	for _, c := range []struct{ what, name, text, says string }{
		{"changed", "known/a.jpg", "other", "known/a.jpg: other bytes"},
		{"unlisted", "known/new.jpg", "x", "known/new.jpg: not listed"},
		{"unjudged", "uploads/new.jpg", "x", "uploads/new.jpg: 0 rows in expected.csv"},
	} {
		t.Run(c.what, func(t *testing.T) {
			full := filepath.Join(dir, filepath.FromSlash(c.name))
			before, _ := os.ReadFile(full)
			put(c.name, c.text)
			said.Reset()
			assert.ErrorContains(t, check(dir, &said), "differences")
			assert.Contains(t, said.String(), c.says)
			if before == nil {
				require.NoError(t, os.Remove(full))
			} else {
				put(c.name, string(before))
			}
		})
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "known", "a.jpg")))
	said.Reset()
	assert.Error(t, check(dir, &said))
	assert.Contains(t, said.String(), "known/a.jpg: missing")
}

func TestScenesDependOnTheirSeedOnly(t *testing.T) {
	scenes := map[string]func(seed uint64) *image.RGBA{
		"landscape": func(n uint64) *image.RGBA { return landscape(n, 120, 80, dusk) },
		"street":    func(n uint64) *image.RGBA { return street(n, 120, 80) },
		"market":    func(n uint64) *image.RGBA { return market(n, 120, 80) },
		"painting":  func(n uint64) *image.RGBA { return painting(n, 120, 80) },
		"forest":    func(n uint64) *image.RGBA { return forest(n, 120, 80) },
		"poster":    func(n uint64) *image.RGBA { return poster(n, 80, 100, "A", "B") },
	}
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, scene(3).Pix, scene(3).Pix)
			assert.NotEqual(t, scene(3).Pix, scene(4).Pix)
		})
	}
}

func TestTurnedPictureWithOrientationIsStillAJPEG(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 3, 2))
	m.SetRGBA(2, 0, hex(0xff0000).color())
	assert.Equal(t, hex(0xff0000).color(), turned(m).RGBAAt(0, 0), "the top right corner goes to the top left")
	data := withOrientation(encoded(".jpg", turned(m)), 6)
	assert.Equal(t, []byte{0xff, 0xd8, 0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M'}, data[:14])
	shown, err := jpeg.DecodeConfig(bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, [2]int{2, 3}, [2]int{shown.Width, shown.Height})
}

func TestTurnedOnPlayWantsATrackHeader(t *testing.T) {
	assert.Error(t, turnedOnPlay([]byte("ftyp")))
	assert.Error(t, turnedOnPlay([]byte("tkhd\x00\x00\x00\x07")), "cut off")
	box := append([]byte("tkhd\x00"), make([]byte, 83)...)
	box[84], box[85] = 1, 104 // the height: 360
	require.NoError(t, turnedOnPlay(box))
	assert.Equal(t, []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, box[44:60])
	assert.Equal(t, []byte{1, 104, 0, 0}, box[68:72], "moved right by the height")
}
