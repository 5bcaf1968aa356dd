package fftest

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// Media returns the folder of reference media and skips the test where none is
// named.
func Media(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("REMATCH_MEDIA")
	if dir == "" {
		t.Skip("REMATCH_MEDIA is not set: the reference media are not decoded")
	}
	return dir
}

// demuxerOf stands in for the sniffing of package video, which is tested there.
var demuxerOf = map[string]string{
	".mp4": "mov", ".mov": "mov", ".avi": "avi", ".webm": "matroska", ".mkv": "matroska", ".ts": "mpegts", ".mpg": "mpeg",
}

// Files returns the reference videos below dir.
func Files(t *testing.T, dir string) []video.Container {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var files []video.Container
	for _, e := range entries {
		if d := demuxerOf[filepath.Ext(e.Name())]; d != "" {
			files = append(files, container(filepath.Join(dir, e.Name()), d))
		}
	}
	require.NotEmpty(t, files, dir)
	return files
}

// RunMedia decodes every reference video, by key frames and once a second; those of the
// folder video, which came from one encoder, for three seconds.
func RunMedia(t *testing.T, b video.Backend) {
	for _, folder := range []string{"clips", "video"} {
		for _, c := range Files(t, filepath.Join(Media(t), folder)) {
			t.Run(filepath.Base(c.Path), func(t *testing.T) {
				info, err := b.Probe(context.Background(), c)
				require.NoError(t, err)
				keys, err := Collect(b, c, info, video.Request{MaxSide: 512, Sampling: video.Sampling{Keys: true}})
				require.NoError(t, err)
				assert.NotEmpty(t, keys)
				s, lasts := video.Sampling{Every: time.Second}, info.Duration
				if folder == "video" {
					s.To, lasts = 3*time.Second, 3*time.Second
				}
				seconds, err := Collect(b, c, info, video.Request{MaxSide: 512, Sampling: s})
				require.NoError(t, err)
				assert.InDelta(t, lasts.Seconds(), float64(len(seconds)), 1.1)
				for i := 1; i < len(seconds); i++ {
					assert.Greater(t, seconds[i].Time/time.Second, seconds[i-1].Time/time.Second)
				}
			})
		}
	}
}

// EqualMedia holds two backends to the same description and the same key frames of
// every reference video. (Of all frames only the clips of Equal are compared: those
// of the reference videos take minutes.)
func EqualMedia(t *testing.T, a, b video.Backend) {
	for _, folder := range []string{"clips", "video"} {
		for _, c := range Files(t, filepath.Join(Media(t), folder)) {
			t.Run("Equal/"+filepath.Base(c.Path), func(t *testing.T) {
				info, err := a.Probe(context.Background(), c)
				require.NoError(t, err)
				other, err := b.Probe(context.Background(), c)
				require.NoError(t, err)
				assert.Equal(t, info, other)
				equal(t, a, b, c, info, video.Request{MaxSide: 512, Sampling: video.Sampling{Keys: true}})
			})
		}
	}
}

// RunCounts decodes reference videos whole, and holds their frames to
// video-info.csv and those of each second to the times of the reference
// implementation.
func RunCounts(t *testing.T, b video.Backend, names ...string) {
	dir := filepath.Join(Media(t), "video")
	counts := map[string]string{}
	for _, row := range rows(t, filepath.Join(dir, "video-info.csv")) {
		counts[row[0]] = row[len(row)-1]
	}
	for _, name := range names {
		c := container(filepath.Join(dir, name), "mov")
		info, err := b.Probe(context.Background(), c)
		require.NoError(t, err)
		shots, err := Collect(b, c, info, video.Request{MaxSide: 64})
		require.NoError(t, err)
		assert.Equal(t, counts[name], strconv.Itoa(len(shots)), name)

		golden, err := filepath.Glob(filepath.Join(dir, "vpdq-1fps", strings.TrimSuffix(name, ".mp4")+"*"))
		require.NoError(t, err)
		require.Len(t, golden, 1)
		want := rows(t, golden[0])
		got, err := Collect(b, c, info, video.Request{MaxSide: 64, Sampling: video.Sampling{Every: time.Second}})
		require.NoError(t, err)
		require.Len(t, got, len(want), name)
		for i, row := range want { // frame,quality,hash,seconds
			assert.Equal(t, row[0], strconv.Itoa(got[i].Number), name)
			seconds, err := strconv.ParseFloat(row[3], 64)
			require.NoError(t, err)
			assert.InDelta(t, seconds, got[i].Time.Seconds(), 0.001, name)
		}
	}
}

func rows(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	return all
}
