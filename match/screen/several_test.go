package screen_test

import (
	"archive/zip"
	"bytes"
	"context"
	"image/gif"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
)

func gifOf(t *testing.T, g *gif.GIF) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, g))
	return b.Bytes()
}

func zipped(t *testing.T, files ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, f := range files {
		w, err := z.Create("folder/" + string(rune('a'+i)))
		require.NoError(t, err)
		_, err = w.Write(f)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Whatever of several media in one file is known, it is found, and what can't be looked at is told.
func TestSeveralMedia(t *testing.T) {
	known, other := scene(1, 0, 320, 240), scene(3, 0, 320, 240)
	film := gifOf(t, animation(96, 64))
	movie := clip("seed=9 from=0 seconds=6")
	o := screen.Options{Video: video.Options{Backend: &drawn{}}}
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{
		enroll(t, "picture", pngOf(t, known), o), enroll(t, "film", film, o), enroll(t, "movie", movie, o),
	}}), o)
	harmless, picture := jpegOf(t, other, 80), jpegOf(t, known, 60)
	flat := pngOf(t, scene(0, 0, 4, 4))
	brand := []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
	for _, c := range []struct {
		name    string
		data    []byte
		outcome screen.Outcome
		reason  string
		flags   []string
		media   []string // of each its format and outcome
		entry   string
	}{
		{"one", harmless, screen.NoMatch, "", nil, nil, ""},
		{"a film behind a picture", join(harmless, film), screen.Match, "", []string{"several_media"}, []string{"gif match"}, "film"},
		{"a video behind a picture", join(harmless, movie), screen.Match, "", []string{"several_media"}, []string{"mp4 match"}, "movie"},
		{"a picture behind a film", join(gifOf(t, &gif.GIF{Image: animation(96, 64).Image[:1], Delay: []int{0}}), picture), screen.Match, "", []string{"several_media"}, []string{"jpeg match"}, "picture"},
		{"pictures in a row", join(harmless, harmless, picture), screen.Match, "", []string{"several_media"}, []string{"jpeg no_match", "jpeg match"}, "picture"},
		{"an archive behind a picture", join(harmless, zipped(t, []byte("words"), harmless, picture)), screen.Match, "", []string{"several_media", "archive"}, []string{"jpeg no_match", "jpeg match"}, "picture"},
		{"an archive", zipped(t, picture), screen.Match, "unsupported", []string{"several_media", "archive"}, []string{"jpeg match"}, "picture"},
		{"an archive of nothing known", zipped(t, harmless), screen.NotJudged, "unsupported", []string{"several_media", "archive"}, []string{"jpeg no_match"}, ""},
		{"an archive in one", join(harmless, zipped(t, zipped(t, picture))), screen.NotJudged, "unsupported", []string{"several_media", "archive"}, []string{"zip not_judged"}, ""},
		{"what can't be decoded behind a picture", join(harmless, brand), screen.NotJudged, "unsupported", []string{"several_media"}, []string{"heic not_judged"}, ""},
		{"half a picture behind another", join(harmless, pngOf(t, known)[:3000]), screen.NotJudged, "truncated", []string{"several_media"}, []string{"png not_judged"}, ""},
		{"a speck behind a picture", join(harmless, flat), screen.NoMatch, "", []string{"several_media"}, []string{"png not_judged"}, ""},
		{"words behind a picture", join(harmless, []byte("made by a camera")), screen.NoMatch, "", []string{"trailing_bytes"}, nil, ""},
		{"zeros behind a picture", join(harmless, make([]byte, 5000)), screen.NoMatch, "", nil, nil, ""},
		{"too many", bytes.Repeat(pngOf(t, other), 30), screen.NotJudged, "over_budget_parts", []string{"several_media"}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := s.Screen(context.Background(), video.Bytes("x", c.data))
			require.NoError(t, err)
			assert.Equal(t, c.outcome, v.Outcome, "%v", v.Err)
			assert.Equal(t, c.reason, v.Reason)
			assert.Equal(t, c.reason != "", v.Err != nil)
			assert.Equal(t, c.flags, v.Flags)
			if c.media != nil || c.flags == nil {
				var media []string
				for _, m := range v.Media {
					media = append(media, m.Format+" "+m.Outcome.String())
					assert.Equal(t, m.Reason != "", m.Err != nil)
					if m.Outcome == screen.Match {
						assert.Positive(t, m.Offset)
						assert.Equal(t, c.entry, m.Matches[0].Entry.ID)
					}
				}
				assert.Equal(t, c.media, media)
			}
			if c.entry != "" {
				require.NotEmpty(t, v.Matches)
				assert.Equal(t, c.entry, v.Matches[len(v.Matches)-1].Entry.ID)
				assert.Equal(t, len(v.Matches), v.Total)
			}
		})
	}

	// One budget of frames for all.
	o.Video.Limits.Frames = 20
	v, err := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "picture", pngOf(t, known), screen.Options{})}}), o).
		Screen(context.Background(), video.Bytes("x", join(harmless, bytes.Repeat(film, 4))))
	require.NoError(t, err)
	assert.Equal(t, screen.NotJudged, v.Outcome)
	assert.Equal(t, "over_budget_frames", v.Reason)
}

// A digest is found of a file that something was put behind, and of what was put behind another.
func TestDigestsOfSeveralMedia(t *testing.T) {
	a, b := pngOf(t, scene(1, 0, 64, 64)), jpegOf(t, scene(2, 0, 64, 64), 80)
	for _, known := range [][]byte{a, b} {
		values, _, err := digest.Sum(bytes.NewReader(known), hash.SHA1)
		require.NoError(t, err)
		bank := match.Bank{Name: "sha1", Entries: []match.Entry{{ID: "a", Signals: []match.Signal{{Value: values[0], Quality: hash.Unmeasured}}}}}
		v, err := screen.New(matcher(t, bank), screen.Options{}).Screen(context.Background(), video.Bytes("x", join(a, b, []byte("and more"))))
		require.NoError(t, err)
		assert.Equal(t, screen.Match, v.Outcome)
		require.Len(t, v.Matches, 1)
		assert.Equal(t, 1, v.Total)
	}
}

// Names and declared types decide nothing, and it is told when they mislead.
func TestNamesThatDisagree(t *testing.T) {
	known := pngOf(t, scene(1, 0, 320, 240))
	s := screen.New(matcher(t, match.Bank{Name: "known", Entries: []match.Entry{enroll(t, "one", known, screen.Options{})}}), screen.Options{})
	for _, c := range []struct {
		name, contentType string
		flags             []string
	}{
		{"a.png", "image/png", nil}, {"a", "", nil}, {"a.txt", "", []string{"name_disagrees"}}, {"a.png", "video/mp4", []string{"type_disagrees"}},
		{"a.mp4", "text/plain", []string{"name_disagrees", "type_disagrees"}},
	} {
		v, err := s.Screen(context.Background(), video.Bytes(c.name, known).Declared(c.contentType))
		require.NoError(t, err)
		assert.Equal(t, screen.Match, v.Outcome)
		assert.Equal(t, c.flags, v.Flags, c)
	}
	v, err := s.Screen(context.Background(), video.Bytes("a.jpg", []byte("<html>")))
	require.NoError(t, err)
	assert.Equal(t, "unsupported", v.Reason)
	assert.Equal(t, []string{"name_disagrees"}, v.Flags)
}
