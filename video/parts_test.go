package video_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/gif"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// box is a box of an MP4.
func box(name string, content ...[]byte) []byte {
	b := bytes.Join(content, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(b))), name...), b...)
}

// smallMP4 has the boxes of a film and nothing in them.
func smallMP4() []byte {
	return bytes.Join([][]byte{box("ftyp", []byte("isom\x00\x00\x02\x00isom")), box("moov", box("mvhd", make([]byte, 100))), box("mdat", []byte("not a film"))}, nil)
}

// element is an element of Matroska.
func element(id string, content ...[]byte) []byte {
	b := bytes.Join(content, nil)
	return append(binary.BigEndian.AppendUint64([]byte(id), 1<<56|uint64(len(b))), b...)
}

func smallMatroska(inTrack ...[]byte) []byte {
	return append(element("\x1aE\xdf\xa3", element("\x42\x82", []byte("matroska"))),
		element("\x18\x53\x80\x67", element("\x16\x54\xae\x6b", element("\xae", append([][]byte{element("\x83", []byte{1})}, inTrack...)...)))...)
}

func zipOf(t testing.TB, method uint16, files map[string][]byte, order ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range order {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		require.NoError(t, err)
		_, err = w.Write(files[name])
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func stored(t testing.TB, name string, b []byte) *video.Stored {
	t.Helper()
	s, err := video.Store(context.Background(), video.Bytes(name, b), video.Limits{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// contents returns what the parts hold.
func contents(t testing.TB, s *video.Stored, l video.Layout) (all [][]byte) {
	t.Helper()
	for _, p := range l.Parts {
		part, err := s.Part(context.Background(), p, video.Limits{})
		require.NoError(t, err)
		b, err := io.ReadAll(part.Reader())
		require.NoError(t, err)
		all = append(all, b)
		require.NoError(t, part.Close())
	}
	return all
}

// samples are one file of each format that tells where it ends.
func samples(t testing.TB) map[string][]byte {
	m := scene(90, 60)
	webp, err := os.ReadFile(filepath.Join("..", "testdata", "known", "market.webp"))
	require.NoError(t, err)
	return map[string][]byte{
		"jpeg": asJPEG(t, m), "png": asPNG(t, m), "gif": asGIF(t, &gif.GIF{Image: []*image.Paletted{paletted(m)}, Delay: []int{0}}), "bmp": asBMP(t, m),
		"mp4": smallMP4(), "matroska": smallMatroska(), "webp": webp,
	}
}

func TestPartsOfOneMedium(t *testing.T) {
	for format, b := range samples(t) {
		l, err := stored(t, "x", b).Parts(context.Background())
		require.NoError(t, err)
		assert.Equal(t, video.Layout{Format: format, End: int64(len(b))}, l, format)
	}
	for _, name := range glob(t, "photos", "*") {
		s, err := video.Store(context.Background(), video.File(name), video.Limits{})
		require.NoError(t, err)
		l, err := s.Parts(context.Background())
		require.NoError(t, err)
		assert.False(t, l.More || l.Archive, name)
		for _, p := range l.Parts {
			t.Logf("%s: a %s of %d bytes at %d", filepath.Base(name), p.Format, p.Size, p.Offset)
		}
		require.NoError(t, s.Close())
	}
}

func TestPartsOfSeveralMedia(t *testing.T) {
	all := samples(t)
	for first, a := range all {
		for second, b := range all {
			s := stored(t, "x", join(a, b, a))
			l, err := s.Parts(context.Background())
			require.NoError(t, err)
			name := first + " and " + second
			assert.EqualValues(t, len(a), l.End, name)
			require.Len(t, l.Parts, 2, name)
			assert.Equal(t, []string{first, second, first}, []string{l.Format, l.Parts[0].Format, l.Parts[1].Format}, name)
			assert.Equal(t, [][]byte{b, a}, contents(t, s, l), name)
			assert.Zero(t, l.Trailing, name)

			if second == "bmp" {
				continue // two letters are looked for only where a medium ends
			}
			gap := []byte(strings.Repeat("\x00MotionPhoto\xff\xd8 ", 20_000))
			s = stored(t, "x", join(a, gap, b))
			l, err = s.Parts(context.Background())
			require.NoError(t, err)
			require.Len(t, l.Parts, 1, name)
			assert.Equal(t, [][]byte{b}, contents(t, s, l), name)
			assert.EqualValues(t, len(gap), l.Trailing, name)
		}
	}
}

func TestPartsOfArchives(t *testing.T) {
	all := samples(t)
	files := map[string][]byte{"a.jpg": all["jpeg"], "b/c.txt": all["png"], "notes.txt": []byte("nothing to see"), "in.zip": zipOf(t, zip.Store, nil), "b/": nil}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		archive := zipOf(t, method, files, "notes.txt", "a.jpg", "b/", "b/c.txt", "in.zip")
		for name, front := range map[string][]byte{"alone": nil, "behind a picture": all["png"], "behind a film": all["mp4"], "behind what has no end": append([]byte("II*\x00"), make([]byte, 100)...)} {
			s := stored(t, "x", join(front, archive))
			l, err := s.Parts(context.Background())
			require.NoError(t, err)
			assert.True(t, l.Archive, name)
			assert.False(t, l.More, name)
			require.Len(t, l.Parts, 3, name)
			assert.Equal(t, [][]byte{all["jpeg"], all["png"], files["in.zip"]}, contents(t, s, l), name)
			assert.Equal(t, "a.jpg", l.Parts[0].Member)
			assert.Equal(t, []string{"jpeg", "png", "zip"}, []string{l.Parts[0].Format, l.Parts[1].Format, l.Parts[2].Format})
		}
	}

	// A member that says it is encrypted or packed in some other way, lies elsewhere, or breaks off.
	good := zipOf(t, zip.Deflate, files, "a.jpg")
	directory := bytes.LastIndex(good, []byte("PK\x01\x02"))
	for name, c := range map[string]struct {
		at    int
		value byte
		want  error
	}{
		"encrypted":     {8, 1, video.ErrEncrypted},
		"other method":  {10, 14, video.ErrUnsupported},
		"not there":     {42, 7, video.ErrCorrupt},
		"beyond itself": {23, 1, video.ErrTruncated},
	} {
		b := bytes.Clone(good)
		b[directory+c.at] = c.value
		s := stored(t, "x", b)
		l, err := s.Parts(context.Background())
		require.NoError(t, err)
		require.Len(t, l.Parts, 1, name)
		_, err = s.Part(context.Background(), l.Parts[0], video.Limits{})
		assert.ErrorIs(t, err, c.want, name)
	}
	// Damage that is met in unpacking, behind what tells the format: a stored block, and one of no kind.
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 0x7ff8)...)
	packed := append(join([]byte{0, 0x00, 0x80, 0xff, 0x7f}, png), 7)
	var raw bytes.Buffer
	z := zip.NewWriter(&raw)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a", Method: zip.Deflate, CompressedSize64: uint64(len(packed)), UncompressedSize64: 1 << 16})
	require.NoError(t, err)
	_, err = w.Write(packed)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	b := raw.Bytes()
	s := stored(t, "x", b)
	l, err := s.Parts(context.Background())
	require.NoError(t, err)
	require.Len(t, l.Parts, 1)
	_, err = s.Part(context.Background(), l.Parts[0], video.Limits{})
	assert.ErrorIs(t, err, video.ErrCorrupt)
}

// Beginnings of archives, archives in comments and padding hide nothing.
func TestDecoys(t *testing.T) {
	jpeg, film := asJPEG(t, scene(90, 60)), smallMP4()
	local := append([]byte("PK\x03\x04"), make([]byte, 26)...)
	picture := zipOf(t, zip.Deflate, map[string][]byte{"a.jpg": jpeg}, "a.jpg")
	text := zipOf(t, zip.Deflate, map[string][]byte{"a.txt": []byte("text")}, "a.txt")
	commented := append(picture[:len(picture)-2:len(picture)-2], 4, 0)
	commented = append(commented, "PK\x05\x06"...)
	for name, c := range map[string]struct {
		file  []byte
		parts []string // their formats
		more  bool
	}{
		"a local header before a film":              {join(jpeg, local, film), []string{"mp4"}, true},
		"the same with an archive at the end":       {join(jpeg, local, film, text), []string{"mp4"}, true},
		"a mark in the archive's comment":           {join(jpeg, commented), []string{"jpeg"}, false},
		"an archive that does not end":              {join(jpeg, picture[:len(picture)-22]), nil, true},
		"a film far behind":                         {join(jpeg, make([]byte, 17<<20), film), nil, true},
		"nothing far behind":                        {join(jpeg, make([]byte, 18<<20)), nil, false},
		"an archive before more than a comment can": {join(jpeg, picture, make([]byte, 70<<10)), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := stored(t, "x.jpg", c.file).Parts(context.Background())
			require.NoError(t, err)
			assert.Equal(t, c.more, l.More)
			var formats []string
			for _, p := range l.Parts {
				formats = append(formats, p.Format)
			}
			for _, want := range c.parts {
				assert.Contains(t, formats, want)
			}
		})
	}
	// A thousand more than are followed take no time to speak of.
	l, err := stored(t, "x.jpg", join(jpeg, bytes.Repeat([]byte("PK\x03\x04"), 100_000))).Parts(context.Background())
	require.NoError(t, err)
	assert.True(t, l.More)
}

// A bomb costs what the budget allows, and a crowd is cut.
func TestPartsHaveBudgets(t *testing.T) {
	bomb := zipOf(t, zip.Deflate, map[string][]byte{"x.png": append(asPNG(t, scene(8, 8)), make([]byte, 30<<20)...)}, "x.png")
	s := stored(t, "x", bomb)
	l, err := s.Parts(context.Background())
	require.NoError(t, err)
	require.Len(t, l.Parts, 1)
	_, err = s.Part(context.Background(), l.Parts[0], video.Limits{Bytes: 1 << 20})
	var limit *video.LimitError
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "bytes", limit.Limit)

	var order []string
	files := make(map[string][]byte)
	for i := range 5000 {
		name := fmt.Sprint(i, ".txt")
		order, files[name] = append(order, name), nil
	}
	l, err = stored(t, "x", zipOf(t, zip.Store, files, order...)).Parts(context.Background())
	require.NoError(t, err)
	assert.True(t, l.More)
	assert.Empty(t, l.Parts)

	// A directory that says it has fewer members than it has.
	b := zipOf(t, zip.Store, files, order[:3]...)
	end := bytes.LastIndex(b, []byte("PK\x05\x06"))
	b[end+10] = 2
	l, err = stored(t, "x", b).Parts(context.Background())
	require.NoError(t, err)
	assert.True(t, l.More)

	l, err = stored(t, "x", bytes.Repeat(asPNG(t, scene(8, 8)), video.MaxParts+2)).Parts(context.Background())
	require.NoError(t, err)
	assert.True(t, l.More)
	assert.Len(t, l.Parts, video.MaxParts)
	l, err = stored(t, "x", bytes.Repeat(asPNG(t, scene(8, 8)), video.MaxParts+1)).Parts(context.Background())
	require.NoError(t, err)
	assert.False(t, l.More)

	l, err = stored(t, "x", join(asPNG(t, scene(8, 8)), []byte{1}, bytes.Repeat([]byte("\xff\xd8\xff\xd8"), 1<<20))).Parts(context.Background())
	require.NoError(t, err)
	assert.True(t, l.More, "beginnings of nothing, a million of them")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Parts(ctx)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestEncrypted(t *testing.T) {
	entry := func(name string) []byte {
		return join(box("ftyp", []byte("isom\x00\x00\x02\x00isom")), box("moov", box("trak", box("mdia", box("minf", box("stbl", box("stsd", make([]byte, 8), box(name, make([]byte, 78)))))))))
	}
	locked := zipOf(t, zip.Store, map[string][]byte{"a": {1}}, "a")
	locked[6] |= 1
	for name, b := range map[string][]byte{
		"mp4": entry("encv"), "zip": locked, "pdf": []byte("%PDF-1.7\ntrailer\n<< /Root 1 0 R /Encrypt 9 0 R >>\n%%EOF\n"),
		"matroska": smallMatroska(element("\x6d\x80", element("\x62\x40", element("\x50\x35", []byte{0})))),
	} {
		_, err := video.Open(context.Background(), video.Bytes("x", b), video.Options{})
		require.ErrorIs(t, err, video.ErrEncrypted, name)
		reason, ok := video.Reason(err)
		assert.True(t, ok)
		assert.Equal(t, "encrypted", reason)
	}
	track4 := func(name string) []byte {
		return box("trak", box("mdia", box("hdlr", make([]byte, 8), []byte("vide"), make([]byte, 13)),
			box("minf", box("stbl", box("stsd", make([]byte, 8), box(name, make([]byte, 78)))))))
	}
	track := func(kind byte, in ...[]byte) []byte {
		return element("\xae", append([][]byte{element("\x83", []byte{kind})}, in...)...)
	}
	lock := element("\x6d\x80", element("\x62\x40", element("\x50\x35", []byte{0})))
	for name, b := range map[string][]byte{
		"mp4": entry("avc1"), "matroska": smallMatroska(element("\x6d\x80", element("\x62\x40", nil))),
		"a second moov, which nobody reads": join(entry("avc1"), entry("encv")),
		"a track beside it that is not":     join(box("ftyp", []byte("isom\x00\x00\x02\x00isom")), box("moov", track4("encv"), track4("avc1"))),
		"sound alone": join(element("\x1aE\xdf\xa3", element("\x42\x82", []byte("matroska"))),
			element("\x18\x53\x80\x67", element("\x16\x54\xae\x6b", track(1), track(2, lock)))),
	} {
		_, err := video.Open(context.Background(), video.Bytes("x", b), video.Options{})
		assert.ErrorIs(t, err, video.ErrNoBackend, name)
	}
}

func TestDeclaredAndContent(t *testing.T) {
	for _, c := range []struct {
		name, contentType, format string
		byName, byType            bool
	}{
		{"a.jpg", "image/jpeg", "jpeg", false, false},
		{"A.JPEG", "IMAGE/JPEG; charset=x", "jpeg", false, false},
		{`C:\dir.png\a`, "application/octet-stream", "mp4", false, false},
		{"a.jpg", "image/png", "mp4", true, true},
		{"a.mov", "video/quicktime", "mp4", false, false},
		{"a.mkv", "video/webm", "matroska", false, false},
		{"a.mp4", "video/mp4", "", true, true},
		{"a.txt", "text/plain", "", false, false},
		{"a.txt", "text/html; charset=utf-8", "gif", true, true},
		{"a", "", "gif", false, false},
		{"a.xyz", "nonsense", "gif", false, false},
	} {
		assert.Equal(t, c.byName, video.NameDisagrees(c.name, c.format), c)
		assert.Equal(t, c.byType, video.TypeDisagrees(c.contentType, c.format), c)
	}
}

// Whatever a file says of itself, its parts lie in it.
func FuzzParts(f *testing.F) {
	all := samples(f)
	for _, a := range all {
		if len(a) > 10_000 {
			continue
		}
		f.Add(a)
		f.Add(join(a, all["png"], all["mp4"]))
		f.Add(join(a, zipOf(f, zip.Deflate, all, "jpeg", "mp4")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := stored(t, "x", b)
		l, err := s.Parts(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if l.End < 0 || l.End > s.Size() || l.Trailing < 0 || l.Trailing > s.Size() || len(l.Parts) > video.MaxParts {
			t.Fatalf("%+v of %d bytes", l, len(b))
		}
		last := l.End
		for _, p := range l.Parts {
			if p.Err == nil && (p.Offset < 0 || p.Size < 0 || p.Offset+p.Size > s.Size()) || p.Member == "" && p.Offset < last {
				t.Fatalf("%+v of %d bytes", p, len(b))
			}
			if p.Member == "" {
				last = p.Offset + p.Size
			}
			if part, err := s.Part(context.Background(), p, video.Limits{Bytes: 1 << 20}); err == nil {
				if err := part.Close(); err != nil {
					t.Fatal(err)
				}
			} else if _, ok := video.Reason(err); !ok {
				t.Fatal(err)
			}
		}
	})
}

// A file can be full of media that are full of blocks: all of them together have one budget.
func TestBlocksOfAllMedia(t *testing.T) {
	unit := append([]byte("\x1aE\xdf\xa3\x8b\x42\x82\x88matroska"), bytes.Repeat([]byte{0xec, 0x80}, 200_000)...) // voids
	for n, more := range map[int]bool{2: false, 6: true} {
		s, err := video.Store(t.Context(), video.Bytes("x", bytes.Repeat(unit, n)), video.Limits{})
		require.NoError(t, err)
		l, err := s.Parts(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "matroska", l.Format)
		assert.Equal(t, more, l.More, n)
		if !more {
			assert.Equal(t, int64(len(unit)), l.End)
			assert.Len(t, l.Parts, n-1)
		}
		require.NoError(t, s.Close())
	}
}
