package screen_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/screen"
	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/ffmpeg"
)

// Files as they come in practice, made of a known one by the ffmpeg of the machine: each is
// right or has a reason.
func TestOddVideos(t *testing.T) {
	if testing.Short() {
		t.Skip("long; the detector sees the same code in shorter tests")
	}
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not on PATH: the files of this test are made with it")
	}
	backend, err := ffmpeg.New(ffmpeg.Options{})
	require.NoError(t, err)
	o := screen.Options{Video: video.Options{Backend: backend}}
	original := filepath.Join("..", "..", "testdata", "known", "street-walk.mp4")
	other := filepath.Join("..", "..", "testdata", "known", "five-places.mp4")
	entry, err := screen.Enroll(context.Background(), video.File(original), nil, o)
	require.NoError(t, err)
	s := screen.New(matcher(t, match.Bank{Name: "bank", Entries: []match.Entry{entry}}), o)
	const h264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p "
	for _, c := range []struct {
		name, args string
		outcome    screen.Outcome
		reason     string
		from       float64 // of the known video, in seconds, where the upload begins
		segments   bool
	}{
		{"animation.gif", "-ss 2 -t 5 -i ORIGINAL -vf fps=5,scale=240:-2", screen.Match, "", 2, true},
		{"animation.webp", "-ss 2 -t 5 -i ORIGINAL -vf fps=5,scale=240:-2 -c:v libwebp_anim", screen.Match, "", 2, true},
		{"portrait.mp4", "-ss 1 -t 6 -i ORIGINAL -vf scale=360:240,pad=360:640:0:200 " + h264, screen.Match, "", 1, true},
		{"odd-size.mkv", "-ss 1 -t 6 -i ORIGINAL -vf scale=201:151 -c:v mpeg4 -q:v 3", screen.Match, "", 1, true},
		{"quarter-turn.mp4", "-ss 1 -t 6 -i ORIGINAL -vf transpose=1 " + h264, screen.Match, "", 1, true},
		{"variable.mkv", "-ss 1 -t 6 -i ORIGINAL -vf select='lt(mod(n\\,20)\\,6)' -fps_mode passthrough " + h264, screen.Match, "", 1, true},
		{"edit-list.mp4", "-ss 3.3 -i ORIGINAL -c copy", screen.Match, "", 3.3, true}, // begins within a group of pictures
		{"one-key-frame.mp4", "-ss 1 -t 7 -i ORIGINAL -g 9999 " + h264, screen.Match, "", 1, true},
		{"two-seconds.mp4", "-ss 2 -t 2 -i ORIGINAL -g 9999 " + h264, screen.Match, "", 2, true},
		{"foreign-key-frames.mp4", "-t 8 -i ORIGINAL -stream_loop 9 -i OTHER -filter_complex [1:v]scale=240:320,setsar=1[o];[0:v]scale=240:320,setsar=1[a];[a][o]overlay=enable='lt(mod(n\\,25)\\,1)':shortest=1 -g 25 -keyint_min 25 -sc_threshold 0 -crf 30 -bf 2 -c:v libx264 -preset veryfast -pix_fmt yuv420p", screen.Match, "", 0, true},
		{"one-frame.mp4", "-ss 2 -i ORIGINAL -frames:v 1 " + h264, screen.Match, "", 0, false},
		{"sound.mp4", "-f lavfi -i sine=d=2 -c:a aac", screen.NotJudged, "no_picture", 0, false},
		{"black.mp4", "-f lavfi -i color=black:s=160x120:d=8 " + h264, screen.NotJudged, "low_quality", 0, false},
		{"test-card.mp4", "-f lavfi -i testsrc=s=160x120:d=8 " + h264, screen.NoMatch, "", 0, false},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		args := append([]string{"-v", "error", "-nostdin", "-threads", "1"}, strings.Fields(c.args)...)
		for i := range args {
			args[i] = strings.Trim(strings.NewReplacer("ORIGINAL", original, "OTHER", other).Replace(args[i]), "'")
		}
		if out, err := exec.Command(program, append(args, path)...).CombinedOutput(); err != nil {
			t.Logf("%s: this ffmpeg can't make it: %s", c.name, out)
			continue
		}
		v, err := s.Screen(context.Background(), video.File(path))
		require.NoError(t, err, c.name)
		t.Logf("%-18s %v %s %v", c.name, v.Outcome, v.Reason, kinds(v.Plan))
		if !assert.Equal(t, c.outcome, v.Outcome, "%s: %v", c.name, v.Err) {
			continue
		}
		assert.Equal(t, c.reason, v.Reason, c.name)
		if c.segments {
			require.NotEmpty(t, v.Matches[0].Evidence.Segments, c.name)
			g := v.Matches[0].Evidence.Segments[0]
			assert.InDelta(t, c.from, (g.KnownFrom - g.QueryFrom + v.Info.ShownFrom).Seconds(), 0.25, "%s: %+v", c.name, g)
		}
	}
}

// What an edit list keeps from being shown is looked at, and its times are those of the stored
// media.
func TestLeftOutByAnEditList(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not on PATH: the file of this test is made with it")
	}
	backend, err := ffmpeg.New(ffmpeg.Options{})
	require.NoError(t, err)
	o := screen.Options{Video: video.Options{Backend: backend}}
	known := filepath.Join("..", "..", "testdata", "known")
	entry, err := screen.Enroll(t.Context(), video.File(filepath.Join(known, "harbour-pan.mp4")), nil, o)
	require.NoError(t, err)
	s := screen.New(matcher(t, match.Bank{Name: "bank", Entries: []match.Entry{entry}}), o)

	path := filepath.Join(t.TempDir(), "hidden.mp4")
	out, err := exec.Command(program, "-v", "error", "-nostdin", "-threads", "1", "-t", "4", "-i", filepath.Join(known, "harbour-pan.mp4"),
		"-t", "4", "-i", filepath.Join(known, "street-walk.mp4"), "-filter_complex",
		"[0:v]scale=240:180,setsar=1,fps=10[a];[1:v]scale=240:180,setsar=1,fps=10[b];[a][b]concat=n=2:v=1[v]", "-map", "[v]",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", "-video_track_timescale", "1000", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	at := bytes.Index(file, []byte("elst"))
	require.Positive(t, at)
	// ISO 14496-12, 8.6.6: version and flags, the number of entries, and in thousandths of a
	// second here how long it is and from where.
	require.EqualValues(t, 1, binary.BigEndian.Uint32(file[at+8:]))
	binary.BigEndian.PutUint32(file[at+12:], 4000)
	binary.BigEndian.PutUint32(file[at+16:], binary.BigEndian.Uint32(file[at+16:])+4000)

	v, err := s.Screen(t.Context(), video.Bytes("hidden.mp4", file))
	require.NoError(t, err)
	require.Equal(t, screen.Match, v.Outcome, "%v", v.Plan)
	assert.Equal(t, screen.WhyEdits, v.Plan[0].Why)
	assert.Equal(t, 4*time.Second, v.Info.Duration)
	assert.Equal(t, 4*time.Second, v.Info.ShownFrom)
	assert.Equal(t, 4*time.Second, v.Info.LeftOut)
	g := v.Matches[0].Evidence.Segments[0]
	assert.InDelta(t, 0, g.QueryFrom.Seconds(), 0.5, "%+v", g)
	assert.InDelta(t, 4, g.QueryTo.Seconds(), 0.5, "%+v", g)
}
