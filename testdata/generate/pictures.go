package main

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
)

// stills makes the known pictures, what becomes of them in uploads, and pictures
// of the same makers that are none of them.
func stills(s *studio) error {
	logo := channelLogo()
	items := []struct {
		name    string // of the known file, without ending
		format  string
		quality int
		scene   *image.RGBA
		what    string
		small   string // the ending of the shrunk upload
		width   int
		corner  int
		framed  func(*image.RGBA) *image.RGBA
		bars    string
	}{
		{"harbour", ".jpg", 84, landscape(11, 1600, 1066, dusk), "landscape(11, dusk) 1600x1066", ".webp", 640, 2,
			func(m *image.RGBA) *image.RGBA { return framed(m, 0, 110, 0, 0) }, "black bars above and below"},
		{"nachtzug", ".png", 0, poster(61, 800, 1000, "NACHTZUG", "PROBE 12 · REMATCH TEST PRINT"), "poster(61) 800x1000", ".gif", 480, 1,
			func(m *image.RGBA) *image.RGBA { return framed(m, 240, 0, 0, 0) }, "black bars left and right"},
		{"phone-street", ".jpg", 86, street(21, 960, 1280), "street(21) 960x1280", ".png", 300, 0,
			func(m *image.RGBA) *image.RGBA { return framed(m, 300, 0, 9, 8) }, "noisy near-black bars left and right"},
		{"flowers", ".jpg", 82, painting(41, 1200, 900), "painting(41) 1200x900", ".bmp", 240, 3,
			func(m *image.RGBA) *image.RGBA { return framed(m, 0, 150, 12, 4) }, "dark grey bars above and below"},
		{"market", ".webp", 82, market(31, 1000, 700), "market(31) 1000x700", ".tiff", 300, 2,
			func(m *image.RGBA) *image.RGBA { return framed(m, 120, 90, 0, 0) }, "a black frame on all sides"},
	}
	for _, it := range items {
		known := "known/" + it.name + it.format
		if it.name == "phone-street" {
			data, how, err := encode(".jpg", turned(it.scene), it.quality)
			if err != nil {
				return err
			}
			if err := s.write(known, withOrientation(data, 6), it.what+", stored a quarter turn anticlockwise with EXIF orientation 6; "+how); err != nil {
				return err
			}
		} else if err := s.picture(known, it.scene, it.quality, it.what); err != nil {
			return err
		}
		web := resized(it.scene, min(it.scene.Rect.Dx(), 800))
		from := it.what + ", 800 wide"
		uploads := []struct {
			end     string
			m       image.Image
			quality int
			what    string
		}{
			{"-q40.jpg", it.scene, 40, it.what},
			{"-small" + it.small, resized(it.scene, it.width), 70, fmt.Sprintf("%s, %d wide", it.what, it.width)},
			{"-logo.jpg", stamped(web, logo, it.corner, 0.13), 75, from + ", logo.png in a corner"},
			{"-bars.jpg", it.framed(web), 75, from + ", " + it.bars},
			{"-mirror.jpg", mirrored(web), 75, from + ", left and right swapped"},
		}
		for _, u := range uploads {
			if err := s.copyOf("pictures/"+it.name+u.end, it.name+it.format, u.m, u.quality, u.what); err != nil {
				return err
			}
		}
	}
	if err := s.write("logo.png", encoded(".png", logo), "channelLogo(); image/png, best compression"); err != nil {
		return err
	}
	return oddCopies(s, items[0].scene, items[1].scene, items[2].scene, items[3].scene, items[4].scene)
}

// copyOf makes an upload that is the known picture entry.
func (s *studio) copyOf(file, entry string, m image.Image, quality int, what string) error {
	s.expect(expectation{file: file, verdict: "match", entry: entry})
	return s.picture("uploads/"+file, m, quality, what)
}

// encoded is for pictures whose encoding can't fail.
func encoded(ext string, m image.Image) []byte {
	data, _, err := encode(ext, m, 75)
	if err != nil {
		panic(err) // an ending without an encoder: a slip in this program
	}
	return data
}

// oddCopies are uploads with odd names, wrong endings, turned, toned, or the very
// bytes of a known file.
func oddCopies(s *studio, harbour, nachtzug, phone, flowers, market *image.RGBA) error {
	same, err := os.ReadFile(filepath.Join(s.dir, "known", "harbour.jpg"))
	if err != nil {
		return err
	}
	small := func(m *image.RGBA) *image.RGBA { return resized(m, 720) }
	for _, u := range []struct {
		file, entry, what string
		data              []byte
	}{
		{"pictures/Hafen am Abend (Kopie).jpg", "harbour.jpg", "the bytes of known/harbour.jpg", same},
		{"pictures/harbour-turned.jpg", "harbour.jpg", "720 wide, a quarter turn anticlockwise; image/jpeg, quality 75", encoded(".jpg", turned(small(harbour)))},
		{"pictures/phone-street-upright-lost.jpg", "phone-street.jpg", "720 wide, a quarter turn anticlockwise, no EXIF; image/jpeg, quality 75", encoded(".jpg", turned(small(phone)))},
		{"pictures/really-a-jpeg.png", "nachtzug.png", "720 wide; image/jpeg, quality 75, under a wrong ending", encoded(".jpg", small(nachtzug))},
		{"pictures/цветы №2 – ярче.jpg", "flowers.jpg", "720 wide, contrast 1.25, brighter by 0.06; image/jpeg, quality 75", encoded(".jpg", toned(small(flowers), 1.25, 0.06))},
		{"pictures/market grey.jpg", "market.webp", "720 wide, grey; image/jpeg, quality 75", encoded(".jpg", grey(small(market)))},
	} {
		s.expect(expectation{file: u.file, verdict: "match", entry: u.entry})
		if err := s.write("uploads/"+u.file, u.data, u.what); err != nil {
			return err
		}
	}
	return nil
}

// lookAlikes are pictures of the same makers that are none of the known ones.
func lookAlikes(s *studio) error {
	for _, u := range []struct {
		name string
		m    *image.RGBA
		what string
	}{
		{"lake.jpg", landscape(13, 1000, 667, dusk), "landscape(13, dusk) 1000x667"},
		{"tagfahrt.png", poster(64, 480, 600, "TAGFAHRT", "PROBE 31 · REMATCH TEST PRINT"), "poster(64) 480x600"},
		{"other-street.jpg", street(24, 720, 960), "street(24) 720x960"},
		{"bouquet.jpg", painting(43, 1000, 750), "painting(43) 1000x750"},
		{"market-day.webp", market(33, 800, 560), "market(33) 800x560"},
		{"autumn.jpg", forest(52, 1000, 700), "forest(52) 1000x700"},
	} {
		s.expect(expectation{file: "clean/" + u.name, verdict: "no_match"})
		if err := s.picture("uploads/clean/"+u.name, u.m, 75, u.what); err != nil {
			return err
		}
	}
	return nil
}

// unjudged are uploads that hold no picture worth a hash, or none at all.
func unjudged(s *studio) error {
	flat, soft, dot := newCanvas(640, 480), newCanvas(640, 480), newCanvas(1, 1)
	flat.cover(0, flat.h, plain(hex(0x3b6ea5)))
	soft.cover(0, soft.h, func(x, y float64) rgb { return mix(hex(0x9db4c8), hex(0xb9c8d2), (x+y)/1120) })
	dot.cover(0, 1, plain(hex(0xffffff)))
	jpg, err := os.ReadFile(filepath.Join(s.dir, "uploads", "pictures", "flowers-q40.jpg"))
	if err != nil {
		return err
	}
	mp4, err := os.ReadFile(filepath.Join(s.dir, "uploads", "videos", "harbour-mirror.mp4"))
	if err != nil {
		return err
	}
	// The index of an mp4 made without +faststart stands at the end.
	if bytes.Index(mp4, []byte("moov")) < len(mp4)/2 {
		return fmt.Errorf("generate: harbour-mirror.mp4 has its index in front: truncating it would not break it")
	}
	png, err := os.ReadFile(filepath.Join(s.dir, "uploads", "clean", "tagfahrt.png"))
	if err != nil {
		return err
	}
	for i := range 64 {
		png[len(png)/8+i] ^= 0xa5
	}
	for _, u := range []struct {
		file, reason, what string
		data               []byte
	}{
		{"flat.png", "low_quality", "one colour, 640x480; image/png", encoded(".png", flat.img)},
		{"fog.jpg", "low_quality", "a faint gradient, 640x480; image/jpeg, quality 75", encoded(".jpg", soft.img)},
		{"tracking-pixel.png", "too_small", "one pixel; image/png", encoded(".png", dot.img)},
		{"cut.jpg", "truncated", "the first 30 % of uploads/pictures/flowers-q40.jpg", jpg[:len(jpg)*3/10]},
		{"cut.mp4", "truncated", "the first 40 % of uploads/videos/harbour-mirror.mp4, whose index was at the end", mp4[:len(mp4)*2/5]},
		{"garbled.png", "corrupt", "uploads/clean/tagfahrt.png with 64 bytes changed after its first eighth", png},
		{"empty.jpg", "empty", "no bytes", nil},
		{"notes.txt", "unsupported", "text", []byte("Not a picture.\nAn upload form takes what it is given.\n")},
		{"playlist.mp4", "unsupported", "a list that asks a careless decoder to open another file", []byte("ffconcat version 1.0\nfile ../../known/harbour-pan.mp4\nfile ../videos/harbour-trim.ts\n")},
	} {
		s.expect(expectation{file: "broken/" + u.file, verdict: "not_judged", reason: u.reason})
		if err := s.write("uploads/broken/"+u.file, u.data, u.what); err != nil {
			return err
		}
	}
	s.expect(expectation{file: "broken/song.m4a", verdict: "not_judged", reason: "no_picture"})
	return s.ffmpeg("uploads/broken/song.m4a", nil, "sound without a picture", "-f", "lavfi", "-i", "sine=frequency=330:duration=4:sample_rate=22050", "-c:a", "aac", "-b:a", "32k")
}
