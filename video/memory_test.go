//go:build !race

package video_test

import (
	"image"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video"
)

// Limits.Pixels says how much memory a still takes at most, for each pixel.
func TestStillsTakeWhatTheBudgetSays(t *testing.T) {
	const side = 512
	noisy := image.NewNRGBA64(image.Rect(0, 0, side, side))
	for i := range noisy.Pix {
		noisy.Pix[i] = uint8(i * i >> 3)
	}
	for name, b := range map[string][]byte{
		"PNG of 16 bits": asPNG(t, noisy), "PNG": asPNG(t, scene(side, side)), "JPEG": asJPEG(t, scene(side, side)),
		"BMP": asBMP(t, scene(side, side)), "TIFF of 16 bits": asTIFF(t, noisy), "TIFF": asTIFF(t, scene(side, side)),
		"PNG of 16 bits, interlaced": pngOfSize(side, 16, 6, 1),
	} {
		n := allocated(func() {
			_, err := judged(t, b, video.Options{Limits: video.Limits{Pixels: side * side}})
			if err != nil {
				reason, _ := video.Reason(err)
				assert.Contains(t, []string{"truncated", "corrupt"}, reason, name)
			}
		})
		most := 24
		if strings.HasPrefix(name, "TIFF") {
			most = 42
		}
		assert.LessOrEqual(t, n, uint64(most*side*side+1<<20), "%s: bytes allocated", name)
		_, err := judged(t, b, video.Options{Limits: video.Limits{Pixels: side*side - 1}})
		var limit *video.LimitError
		require.ErrorAs(t, err, &limit, name)
	}
}
