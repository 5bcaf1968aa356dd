package video_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/video"
)

var cjpeg = flag.String("cjpeg", "", "libjpeg's encoder: TestLumaOfPhotographs then tries other subsamplings and progressive files as well")

// decoded reads a picture of the reference media in full, or skips it with nil.
func decoded(t testing.TB, file []byte) image.Image {
	t.Helper()
	m, err := video.Open(context.Background(), video.Bytes("photo", file), video.Options{StoredPixels: true})
	require.NoError(t, err)
	defer m.Close()
	frames, err := collect(m.Frames(context.Background(), video.Request{}))
	require.NoError(t, err)
	return frames[0].Image
}

// photographs calls f with every JPEG file among the reference pictures, and with JPEG files of
// the others.
func photographs(t *testing.T, f func(kind string, file []byte)) {
	for _, path := range append(glob(t, "photos", "*"), glob(t, "pdq", "files", "*")...) {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		if bytes.HasPrefix(file, []byte{0xff, 0xd8}) {
			f("as it is", file)
			continue
		}
		if format, _, class := video.Sniff(file); class != video.Still || format == "gif" {
			continue
		}
		m := decoded(t, file)
		for kind, quality := range map[string]int{"Go, 4:2:0, 75": 75, "Go, 4:2:0, 90": 90} {
			var b bytes.Buffer
			require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}))
			f(kind, b.Bytes())
		}
		if *cjpeg == "" {
			continue
		}
		var bmp bytes.Buffer
		rgba := image.NewRGBA(image.Rectangle{Max: m.Bounds().Size()})
		draw.Draw(rgba, rgba.Rect, m, m.Bounds().Min, draw.Src)
		for i := 3; i < len(rgba.Pix); i += 4 {
			rgba.Pix[i] = 0xff
		}
		bmp.Write(asBMP(t, rgba))
		for kind, args := range map[string][]string{
			"4:4:4, 92":              {"-quality", "92", "-sample", "1x1"},
			"4:2:2, 80":              {"-quality", "80", "-sample", "2x1"},
			"4:2:0, progressive, 85": {"-quality", "85", "-progressive"},
			"grey, 60":               {"-quality", "60", "-grayscale"},
			"restart markers, 85":    {"-quality", "85", "-restart", "1"},
		} {
			c := exec.Command(*cjpeg, args...)
			c.Stdin = bytes.NewReader(bmp.Bytes())
			out, err := c.Output()
			require.NoError(t, err)
			f(kind, out)
		}
	}
}

// TestLumaOfPhotographs holds the hashes of photographs that are read for their luma alone
// near those of the luma in full: of at least 500 files whose quality is 80 or more, 98 in 100
// within 2 bits and none over 6. It logs the distances by kind of file and short side; beside
// them what luma reckoned from red, green and blue would make of the same files, and what
// becomes of the four quarters of a picture.
func TestLumaOfPhotographs(t *testing.T) {
	if testing.Short() {
		t.Skip("decodes 600 photographs")
	}
	spreads := map[string]map[int]int{}
	note := func(what string, bits int) {
		if spreads[what] == nil {
			spreads[what] = map[int]int{}
		}
		spreads[what][bits]++
	}
	good, all, quarters, quartersGood := 0, 0, 0, 0
	photographs(t, func(kind string, file []byte) {
		m, err := video.Open(context.Background(), video.Bytes("photo", file), video.Options{StoredPixels: true})
		require.NoError(t, err)
		defer m.Close()
		small, ok := one(t, m, video.Request{Luma: true}).(hash.Reduced)
		if !ok {
			note("not read for luma, "+kind, 0)
			return
		}
		full := one(t, m, video.Request{})
		want, quality := pdq.Sum(full)
		if quality < 80 {
			return
		}
		got, q := pdq.Sum(small)
		bits, _ := want.Distance(got)
		assert.LessOrEqual(t, bits, 6)
		assert.InDelta(t, int(quality), int(q), 2)
		all++
		if bits <= 2 {
			good++
		}
		note("all", bits)
		note(kind, bits)
		scale := (m.Info().Width + small.Bounds().Dx() - 1) / small.Bounds().Dx()
		note("scale 1/"+string(rune('0'+scale)), bits)

		if colour, ok := full.(*image.YCbCr); ok {
			rgb := image.NewRGBA(colour.Rect)
			draw.Draw(rgb, rgb.Rect, colour, colour.Rect.Min, draw.Src)
			v, _ := pdq.Sum(rgb)
			bits, _ := want.Distance(v)
			note("RGB's luma in full", bits)
		}
		type part interface {
			SubImage(image.Rectangle) image.Image
		}
		size := small.Bounds().Size()
		for i := range 4 {
			half := image.Rect(0, 0, size.X/2, size.Y/2).Add(image.Pt(i%2*(size.X/2), i/2*(size.Y/2)))
			whole := image.Rectangle{Min: half.Min.Mul(scale), Max: half.Max.Mul(scale)}
			want, quality := pdq.Sum(full.(part).SubImage(whole))
			if quality < 80 {
				continue
			}
			got, _ := pdq.Sum(small.(part).SubImage(half))
			bits, _ := want.Distance(got)
			note("quarters, scale 1/"+string(rune('0'+scale)), bits)
			quarters++
			if bits <= 6 {
				quartersGood++
			}
		}
	})
	for what, spread := range spreads {
		t.Logf("%s: files by bits %v", what, spread)
	}
	assert.GreaterOrEqual(t, all, 500)
	assert.GreaterOrEqual(t, 100*good, 98*all)
	assert.GreaterOrEqual(t, 100*quartersGood, 98*quarters)
}

// BenchmarkStill is the way of a file from its bytes in memory to its hash. The JPEG files are read
// for luma, in full, and by image/jpeg with the hash of its Y plane; the others are
// decoded in full, beside decoding alone.
func BenchmarkStill(b *testing.B) {
	ctx := context.Background()
	for _, path := range []string{
		media(b, "pdq", "files", "bridge-mods_aaa-orig.jpg"),
		media(b, "pdq", "files", "exif-rotn_exif-rotn-1.jpg"),
		media(b, "pdq", "files", "exif-rotn_exif-rotn-6.jpg"), // stored on its side
		media(b, "pdq", "files", "pen-and-coaster.png"),
		media(b, "photos", "gcompris-qt-data__animals_bison.webp"),
	} {
		file, err := os.ReadFile(path)
		require.NoError(b, err)
		info := open(b, file, video.Options{}).Info()
		name := fmt.Sprintf("%s/size=%dx%d", info.Format, info.Width, info.Height)
		run := func(how string, hashed bool, o video.Options, r video.Request) {
			b.Run(name+"/"+how, func(b *testing.B) {
				var hasher pdq.Hasher
				b.SetBytes(int64(len(file)))
				b.ReportAllocs()
				for b.Loop() {
					m, err := video.Open(ctx, video.Bytes("bench", file), o)
					require.NoError(b, err)
					for f, err := range m.Frames(ctx, r) {
						require.NoError(b, err)
						if hashed {
							hasher.Sum(f.Image)
						}
					}
					require.NoError(b, m.Close())
				}
			})
		}
		if info.Format != "jpeg" {
			run("hash", true, video.Options{}, video.Request{Luma: true})
			run("decode", false, video.Options{}, video.Request{Luma: true})
			continue
		}
		run("luma", true, video.Options{}, video.Request{Luma: true})
		run("exact", true, video.Options{}, video.Request{})
		b.Run(name+"/image-jpeg", func(b *testing.B) {
			var hasher pdq.Hasher
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				m, err := jpeg.Decode(bytes.NewReader(file))
				require.NoError(b, err)
				hasher.Sum(m)
			}
		})
	}
}

// BenchmarkFolder is the way of all reference photographs (JPEG, WebP and PNG) from their bytes in
// memory to their hashes; -cpu says on how many processors at once.
func BenchmarkFolder(b *testing.B) {
	ctx := context.Background()
	var files [][]byte
	pixels := 0
	for _, path := range glob(b, "photos", "*") {
		file, err := os.ReadFile(path)
		require.NoError(b, err)
		files = append(files, file)
		info := open(b, file, video.Options{}).Info()
		pixels += info.Width * info.Height
	}
	for name, r := range map[string]video.Request{"luma": {Luma: true}, "exact": {}} {
		b.Run("way="+name, func(b *testing.B) {
			var next atomic.Int64
			b.RunParallel(func(p *testing.PB) {
				var hasher pdq.Hasher
				for p.Next() {
					file := files[int(next.Add(1)-1)%len(files)]
					m, err := video.Open(ctx, video.Bytes("bench", file), video.Options{})
					assert.NoError(b, err)
					for f, err := range m.Frames(ctx, r) {
						assert.NoError(b, err)
						hasher.Sum(f.Image)
					}
					assert.NoError(b, m.Close())
				}
			})
			perSecond := float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(perSecond, "files/s")
			b.ReportMetric(perSecond*float64(pixels)/float64(len(files))/1e6, "Mpixel/s")
		})
	}
}
