package main

import (
	"encoding/csv"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pixels makes the lossless pictures whose hashes are compared bit by bit with
// the reference implementation's. None is larger than 512x512: the reference's
// program resizes what is.
func pixels(s *studio) error {
	still := stillLife(seeded(44), 44, 128, 128)
	flat := newCanvas(100, 80)
	flat.cover(0, flat.h, plain(hex(0x7f7f7f)))
	speck := newCanvas(5, 5)
	speck.cover(0, 5, func(x, y float64) rgb {
		return rgb{lattice(1, int(x), int(y)), lattice(2, int(x), int(y)), lattice(3, int(x), int(y))}
	})
	for _, p := range []struct {
		name string
		m    image.Image
		what string
	}{
		{"harbour-512x512.png", landscape(14, 512, 512, noon), "landscape(14, noon)"},
		{"street-300x200.png", street(25, 300, 200), "street(25)"},
		{"market-64x64.png", market(34, 64, 64), "market(34)"},
		{"still-life-128x128.png", still.img, "stillLife(44)"},
		{"forest-511x37.png", forest(53, 511, 37), "forest(53)"},
		{"forest-41x400.png", forest(54, 41, 400), "forest(54)"},
		{"painting-257x191.png", painting(45, 257, 191), "painting(45)"},
		{"poster-200x200-grey.png", grey(poster(65, 200, 200, "GRAU", "200 x 200")), "poster(65), grey"},
		{"speck-5x5.png", speck.img, "random colours"},
		{"flat-100x80.png", flat.img, "one grey"},
	} {
		if err := s.picture("pixels/"+p.name, p.m, 0, p.what); err != nil {
			return err
		}
	}
	return nil
}

// goldens writes pdq.csv with the reference implementation's program.
func goldens(s *studio, hasher string) error {
	files, err := filepath.Glob(filepath.Join(s.dir, "pixels", "*.png"))
	if err != nil {
		return err
	}
	out, err := exec.Command(hasher, append([]string{"--pdqdih-across"}, files...)...).Output()
	if err != nil {
		return fmt.Errorf("generate: running the reference hasher %s: %w", hasher, err)
	}
	rows := [][]string{{"file", "hash", "quality", "rot90", "rot180", "rot270", "flipx", "flipy", "flipplus1", "flipminus1"}}
	for line := range strings.Lines(string(out)) {
		f := strings.SplitN(strings.TrimSpace(line), ",", 10) // eight hashes, the quality, the file
		if len(f) != 10 {
			return fmt.Errorf("generate: the reference hasher wrote %q, want 10 fields", line)
		}
		rows = append(rows, append([]string{filepath.Base(f[9]), f[0], f[8]}, f[1:8]...))
	}
	if len(rows) != len(files)+1 {
		return fmt.Errorf("generate: the reference hasher wrote %d rows for %d files", len(rows)-1, len(files))
	}
	var text strings.Builder
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "pdq.csv"), []byte(text.String()), 0o644)
}
