package video

import (
	"context"
	"io"

	"github.com/bep/imagemeta"
)

// Budgets on metadata: the defaults of imagemeta are an order of magnitude above,
// and one small tag of the first directory is all that is looked for.
const (
	exifTags    = 1000
	exifTagSize = 1000
)

// readOrientation returns the EXIF orientation of a picture. A damaged, missing or
// foreign EXIF block means upright: it never fails the picture.
func readOrientation(ctx context.Context, s *Stored, format string) (o orientation) {
	var f imagemeta.ImageFormat
	switch format {
	case "jpeg":
		f = imagemeta.JPEG
	case "png":
		f = imagemeta.PNG
	case "webp":
		f = imagemeta.WebP
	case "tiff":
		f = imagemeta.TIFF
	default:
		return upright
	}
	o = upright
	defer func() {
		if recover() != nil {
			o = upright
		}
	}()
	// What was found before an error counts, as in every viewer.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R:            seekReader{&contextReader{ctx: ctx, r: s.Reader()}},
		ImageFormat:  f,
		Sources:      imagemeta.EXIF,
		LimitNumTags: exifTags,
		LimitTagSize: exifTagSize,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool {
			return t.Tag == "Orientation" && t.Namespace == "IFD0"
		},
		HandleTag: func(t imagemeta.TagInfo) error {
			if v, ok := t.Value.(uint16); ok && v >= 1 && v <= 8 {
				o = orientation(v)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return o
}

// seekReader gives a contextReader back the seeking that imagemeta needs.
type seekReader struct{ *contextReader }

func (s seekReader) Seek(offset int64, whence int) (int64, error) { return s.r.Seek(offset, whence) }

var _ io.ReadSeeker = seekReader{}
