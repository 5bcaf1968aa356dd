package video

import (
	"image"
	"image/draw"
	"iter"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/video/internal/jpegluma"
)

// frameScale is how many times as large the picture is that a frame of luma is hashed as. PDQ's
// filter is a whole number of pixels wide: 4 for 512 pixels, 3 for 384, but 2 for 144 where 1.1
// would be the same part of the picture. So the hashes of a video and of its copy at 144 lines
// are up to 32 bits apart, of which half go where the filter is a fraction of each: at eight
// times the size it is, to a few hundredths.
const frameScale = 8

// Luma returns a picture as the frames of a video come with Request.Luma: for who has
// frames of their own. Larger ones are scaled down until the longer side is maxSide, unless
// that is 0. The result can share memory with m.
func Luma(m image.Image, maxSide int) hash.Reduced {
	var buffer *image.Gray
	return lumaFrame(fit(m, maxSide), &buffer)
}

// lumaFrames makes every frame a hash.Reduced. They share one buffer.
func lumaFrames(frames iter.Seq2[hash.Frame, error]) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		var buffer *image.Gray
		for f, err := range frames {
			if err == nil {
				f.Image = lumaFrame(f.Image, &buffer)
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// lumaFrame returns the luma of m. What has none of its own is drawn into the buffer.
func lumaFrame(m image.Image, buffer **image.Gray) *reduced {
	var p jpegluma.Plane
	b := m.Bounds()
	switch m := m.(type) {
	case *image.Gray:
		p.Luma, p.Stride = m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride
	case *image.YCbCr:
		p.Luma, p.Stride = m.Y[m.YOffset(b.Min.X, b.Min.Y):], m.YStride
	default:
		if r := image.Rect(0, 0, b.Dx(), b.Dy()); *buffer == nil || (*buffer).Rect != r {
			*buffer = image.NewGray(r)
		}
		draw.Draw(*buffer, (*buffer).Rect, m, b.Min, draw.Src)
		p.Luma, p.Stride = (*buffer).Pix, (*buffer).Stride
	}
	p.Width, p.Height, p.Rows, p.Scale = b.Dx(), b.Dy(), b.Dy(), frameScale
	p.PictureWidth, p.PictureHeight = p.Width*p.Scale, p.Height*p.Scale
	return newReduced(&p, upright)
}
