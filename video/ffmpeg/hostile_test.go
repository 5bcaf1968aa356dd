package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/ffargs/fftest"
)

// judge opens a file as an upload is and decodes it all. It returns the number of frames
// and the reason why it, or the rest of it, was not judged; an error without a reason
// fails the test.
func judge(t *testing.T, b *Backend, path string, l video.Limits) (frames int, reason string) {
	t.Helper()
	m, err := video.Open(t.Context(), video.File(path), video.Options{Backend: b, Limits: l})
	if err == nil {
		defer m.Close()
		for _, err = range m.Frames(t.Context(), video.Request{MaxSide: 64}) {
			if err == nil {
				frames++
			}
		}
	}
	if err == nil {
		return frames, ""
	}
	reason, ok := video.Reason(err)
	require.True(t, ok, "%s: %v", filepath.Base(path), err)
	return frames, reason
}

// TestPlaylists: text that names other files, itself, devices and a server reads none
// of them, and the server is never called.
func TestPlaylists(t *testing.T) {
	b := backend(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var calls atomic.Int32
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			c.Close()
		}
	}()
	server := listener.Addr().String()
	dir := t.TempDir()
	self := filepath.Join(dir, "playlist.mp4")
	for _, target := range []string{"http://" + server + "/x.ts", "tcp://" + server, "/etc/passwd", self, "/dev/zero", "img%03d.jpg"} {
		for _, text := range []string{
			"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n" + target + "\n#EXT-X-ENDLIST\n",
			"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + target + "\n",
			"ffconcat version 1.0\nfile '" + target + "'\n",
			"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period><AdaptationSet mimeType=\"video/mp4\">" +
				"<Representation id=\"1\" bandwidth=\"1\"><BaseURL>" + target + "</BaseURL></Representation></AdaptationSet></Period></MPD>\n",
			"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\na=control:" + target + "\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
			target + "\n",
		} {
			require.NoError(t, os.WriteFile(self, []byte(text), 0o600))
			frames, reason := judge(t, b, self, video.Limits{})
			assert.Zero(t, frames)
			assert.Equal(t, "unsupported", reason, "%q", text)
		}
	}
	// And where our own sniffing had been deceived.
	for _, demuxer := range []string{"mov", "mpegts"} {
		require.NoError(t, os.WriteFile(self, []byte("#EXTM3U\n#EXTINF:3,\nhttp://"+server+"/x.ts\n#EXT-X-ENDLIST\n"), 0o600))
		c := video.Container{Path: self, Demuxer: demuxer, Format: demuxer, Limits: video.Limits{}.Defaults()}
		shots, err := fftest.Collect(b, c, video.Info{Width: 16, Height: 16, FrameRate: 25}, video.Request{})
		assert.Empty(t, shots)
		assert.ErrorIs(t, err, video.ErrCorrupt)
	}
	require.NoError(t, listener.Close())
	<-stopped
	assert.Zero(t, calls.Load(), "calls of the server")
}

// TestLies: headers that claim what no memory holds and no life is long enough for end
// within the budget, with a reason or with what frames there are.
func TestLies(t *testing.T) {
	if testing.Short() {
		t.Skip("long; the detector sees the same code in shorter tests")
	}
	b := backend(t)
	dir := t.TempDir()
	made := filepath.Join(dir, "made.mp4")
	make := func(path string, args ...string) []byte {
		args = append([]string{"-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", "-c:v", "mpeg4"}, append(args, path)...)
		out, err := exec.Command(b.ffmpeg, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		return file
	}
	mp4 := make(made)
	mkv := make(filepath.Join(dir, "made.mkv"), "-frames:v", "1")

	// patched returns a copy of file with big-endian numbers written behind the name of a box.
	patched := func(file []byte, box string, numbers map[int]uint32) []byte {
		at := bytes.Index(file, []byte(box))
		require.Positive(t, at, box)
		file = bytes.Clone(file)
		for offset, n := range numbers {
			binary.BigEndian.PutUint32(file[at+4+offset:], n)
		}
		return file
	}
	const all = math.MaxUint32
	tenHours := bytes.Clone(mkv)
	at := bytes.Index(tenHours, []byte{0x44, 0x89, 0x88}) // Duration, an 8-byte float of milliseconds
	require.Positive(t, at)
	binary.BigEndian.PutUint64(tenHours[at+3:], math.Float64bits(10*3600*1000))

	for name, c := range map[string]struct {
		file    []byte
		reasons []string
	}{
		// ffmpeg answers a claim of more memory than there can be as if it had tried.
		// Offsets are those of ISO 14496-12 in version 0 boxes, after version and flags.
		"sample sizes.mp4": {patched(mp4, "stsz", map[int]uint32{8: all}), []string{"corrupt", "truncated", ""}},
		"same sizes.mp4":   {patched(mp4, "stsz", map[int]uint32{4: 1, 8: all}), []string{"corrupt", "truncated", "over_budget_frames", "over_budget_memory"}},
		"time table.mp4":   {patched(mp4, "stts", map[int]uint32{4: all}), []string{"over_budget_memory", "corrupt", "truncated", ""}},
		"samples.mp4":      {patched(mp4, "stts", map[int]uint32{8: all, 12: 1}), []string{"corrupt", "truncated", "over_budget_duration", ""}},
		"chunks.mp4":       {patched(mp4, "stco", map[int]uint32{4: all}), []string{"over_budget_memory", "corrupt", "truncated", "no_picture", ""}},
		"duration.mp4":     {patched(mp4, "mdhd", map[int]uint32{16: all}), []string{"over_budget_duration", "truncated", ""}},
		"slow.mp4":         {patched(mp4, "mdhd", map[int]uint32{12: 1}), []string{"over_budget_duration", ""}},
		"size.mp4":         {patched(mp4, "mp4v", map[int]uint32{24: all}), []string{"over_budget_pixels", "corrupt", ""}},
		"ten hours.mkv":    {tenHours, []string{"over_budget_duration"}},
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, c.file, 0o600))
		began := time.Now()
		frames, reason := judge(t, b, path, video.Limits{Work: 20 * time.Second})
		assert.Contains(t, c.reasons, reason, "%s after %d frames", name, frames)
		assert.Less(t, time.Since(began), 45*time.Second, name)
		assert.LessOrEqual(t, frames, 25, name)
		if reason == "" {
			assert.Positive(t, frames, "%s: no verdict without a look", name)
		}
	}
}

// TestSparse: two gigabytes of nothing.
func TestSparse(t *testing.T) {
	b := backend(t)
	path := filepath.Join(t.TempDir(), "sparse.mp4")
	f, err := os.Create(path)
	require.NoError(t, err)
	const size = 2<<30 - 1
	head := []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41")
	head = append(binary.BigEndian.AppendUint32(head, uint32(size-len(head))), "mdat"...)
	_, err = f.Write(head)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(size))
	require.NoError(t, f.Close())
	_, reason := judge(t, b, path, video.Limits{})
	assert.Equal(t, "over_budget_bytes", reason)
	frames, reason := judge(t, b, path, video.Limits{Bytes: -1, Work: time.Minute})
	assert.Zero(t, frames)
	assert.Contains(t, []string{"truncated", "corrupt"}, reason, fmt.Sprint("a file of ", size, " bytes"))
}
