package jpegluma

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkDecode reads real files at every scale, and with image/jpeg beside it.
func BenchmarkDecode(b *testing.B) {
	for _, file := range media(b, "pdq/files/bridge-mods_aaa-orig.jpg", "pdq/files/exif-rotn_exif-rotn-1.jpg", "pdq/files/exif-rotn_exif-rotn-6.jpg") {
		data, err := os.ReadFile(file)
		require.NoError(b, err)
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		require.NoError(b, err)
		size := fmt.Sprintf("size=%dx%d/bytes=%dk", c.Width, c.Height, len(data)>>10)
		for _, scale := range []int{8, 4, 2, 1} {
			b.Run(fmt.Sprintf("%s/scale=1:%d", size, scale), func(b *testing.B) {
				var d Decoder
				b.ReportAllocs()
				for b.Loop() {
					_, err := d.Decode(data, Options{Scale: scale})
					require.NoError(b, err)
				}
			})
		}
		b.Run(size+"/image-jpeg", func(b *testing.B) {
			for b.Loop() {
				_, err := jpeg.Decode(bytes.NewReader(data))
				require.NoError(b, err)
			}
		})
	}
}
