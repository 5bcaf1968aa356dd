package video_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// packets are n transport stream packets of a size, with the sync byte at a place.
func packets(n, size, sync int) string {
	p := bytes.Repeat([]byte{0xff}, size)
	p[sync] = 0x47
	return string(bytes.Repeat(p, n))
}

func TestSniff(t *testing.T) {
	dv := "\x1f\x07\x00\x3f" + strings.Repeat("\xff", 76) + "\x3f\x07\x00" + strings.Repeat("\xff", 77)
	for _, c := range []struct {
		name, header, format, demuxer string
		class                         video.Class
	}{
		{"jpeg", "\xff\xd8\xff\xe0\x00\x10JFIF", "jpeg", "", video.Still},
		{"png", "\x89PNG\r\n\x1a\n", "png", "", video.Still},
		{"gif 87", "GIF87a", "gif", "", video.Still},
		{"gif 89", "GIF89a", "gif", "", video.Still},
		{"webp", "RIFF\x00\x00\x00\x00WEBPVP8 ", "webp", "", video.Still},
		{"webp, extended", "RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10", "webp", "", video.Still},
		{"webp, animated", "RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02", "webp", "", video.Animation},
		{"bmp", "BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", "bmp", "", video.Still},
		{"tiff, little end first", "II*\x00", "tiff", "", video.Still},
		{"tiff, big end first", "MM\x00*", "tiff", "", video.Still},
		{"mp4", "\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "mp4", "mov", video.Video},
		{"mp4, unknown brand", "\x00\x00\x00\x20ftypXYZ \x00\x00\x02\x00", "mp4", "mov", video.Video},
		{"m4v", "\x00\x00\x00\x20ftypM4V \x00\x00\x02\x00", "mp4", "mov", video.Video},
		{"quicktime", "\x00\x00\x00\x20ftypqt  \x00\x00\x02\x00", "mov", "mov", video.Video},
		{"3gp", "\x00\x00\x00\x20ftyp3gp5\x00\x00\x02\x00", "3gp", "mov", video.Video},
		{"moov first", "\x00\x00\x04\x00moov\x00\x00\x00\x6cmvhd", "mov", "mov", video.Video},
		{"mdat first, to the end", "\x00\x00\x00\x00mdat\x00\x00", "mov", "mov", video.Video},
		{"mdat first, 64 bits", "\x00\x00\x00\x01mdat\x00\x00\x00\x01", "mov", "mov", video.Video},
		{"wide first", "\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", "mov", "mov", video.Video},
		{"free first", "\x00\x00\x00\x08free\x00\x00\x10\x00mdat", "mov", "mov", video.Video},
		{"skip first", "\x00\x00\x00\x10skip\x00\x00\x00\x00\x00\x00\x00\x00", "mov", "mov", video.Video},
		{"matroska", "\x1aE\xdf\xa3\x93B\x82\x88matroska", "matroska", "matroska", video.Video},
		{"webm", "\x1aE\xdf\xa3\x9fB\x82\x84webm", "webm", "matroska", video.Video},
		{"avi", "RIFF\x00\x00\x00\x00AVI LIST", "avi", "avi", video.Video},
		{"transport stream", packets(5, 188, 0), "mpegts", "mpegts", video.Video},
		{"short transport stream", packets(3, 188, 0), "mpegts", "mpegts", video.Video},
		{"blu-ray transport stream", packets(6, 192, 4), "mpegts", "mpegts", video.Video},
		{"broadcast transport stream", packets(6, 204, 0), "mpegts", "mpegts", video.Video},
		{"program stream, mpeg-1", "\x00\x00\x01\xba\x21\x00\x01", "mpeg", "mpeg", video.Video},
		{"program stream, mpeg-2", "\x00\x00\x01\xba\x44\x00\x04", "mpeg", "mpeg", video.Video},
		{"mpeg video", "\x00\x00\x01\xb3\x16\x00\xf0", "mpegvideo", "mpegvideo", video.Video},
		{"flash", "FLV\x01\x05\x00\x00\x00\x09", "flv", "flv", video.Video},
		{"windows media", "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "asf", "asf", video.Video},
		{"ogg", "OggS\x00\x02", "ogg", "ogg", video.Video},
		{"mxf", "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04", "mxf", "mxf", video.Video},
		{"dv", dv, "dv", "dv", video.Video},
		{"ivf", "DKIF\x00\x00\x20\x00VP80", "ivf", "ivf", video.Video},

		{"heic", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "heic", "", 0},
		{"avif", "\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", "avif", "", 0},
		{"hls", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n", "playlist", "", 0},
		{"ffconcat", "ffconcat version 1.0\nfile /etc/passwd\n", "playlist", "", 0},
		{"nothing", "", "", "", 0},
		{"text", "The quick brown fox jumps over the lazy dog.", "", "", 0},
		{"text that begins with BM", "BMW builds cars and motorcycles", "", "", 0},
		{"text with a box's name", "see free software\n", "", "", 0},
		{"text of capital G", strings.Repeat("G", 4096), "", "", 0},
		{"junk before a box", "\x00\x00\x00\x00\x00\x00\x00\x20ftypisom", "", "", 0},
		{"junk before packets", "\xff" + packets(6, 188, 0), "", "", 0},
		{"box too small", "\x00\x00\x00\x07moov", "", "", 0},
		{"dash manifest", "<?xml version=\"1.0\"?><MPD></MPD>", "", "", 0},
		{"session description", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "", "", 0},
		{"wave", "RIFF\x00\x00\x00\x00WAVEfmt ", "", "", 0},
		{"mp3", "ID3\x04\x00\x00\x00\x00\x00\x00", "", "", 0},
		{"flac", "fLaC\x00\x00\x00\x22", "", "", 0},
		{"pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3", "pdf", "", 0},
		{"zip", "PK\x03\x04\x14\x00\x00\x00", "zip", "", 0},
		{"empty zip", "PK\x05\x06\x00\x00\x00\x00", "zip", "", 0},
		{"other ebml", "\x1aE\xdf\xa3\x93B\x82\x88nonsense", "", "", 0},
		{"pack without a clock", "\x00\x00\x01\xba\xff\x00\x04", "", "", 0},
	} {
		format, demuxer, class := video.Sniff([]byte(c.header))
		assert.Equal(t, c.format, format, c.name)
		assert.Equal(t, c.demuxer, demuxer, c.name)
		assert.Equal(t, c.class, class, c.name)
	}
}

// Every reference file is recognised, and for what its name says it is.
func TestSniffReferenceMedia(t *testing.T) {
	formats := map[string][]string{
		".mp4": {"mp4", "mov"}, ".mov": {"mov"}, ".avi": {"avi"}, ".ts": {"mpegts"}, ".mpg": {"mpeg"}, ".webm": {"webm"},
		".jpg": {"jpeg"}, ".png": {"png"}, ".webp": {"webp"},
	}
	var files []string
	for _, pattern := range []string{"clips", "video/*.mp4", "pdq/files", "photos"} {
		elem := strings.Split(pattern, "/")
		if !strings.Contains(pattern, "*") {
			elem = append(elem, "*")
		}
		files = append(files, glob(t, elem...)...)
	}
	require.Greater(t, len(files), 19+14+39+300)
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		header := make([]byte, 4096)
		n, err := f.Read(header)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		format, demuxer, class := video.Sniff(header[:n])
		assert.Contains(t, formats[strings.ToLower(filepath.Ext(file))], format, file)
		assert.Equal(t, class == video.Video, demuxer != "", file)
		assert.NotZero(t, class, file)
	}
}
