package video

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"iter"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"github.com/rematch-go/rematch/hash"
)

// codec is one still picture format.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// codecOf returns the decoder of a still format that Sniff names. GIF has its own.
func codecOf(format string) (codec, bool) {
	switch format {
	case "jpeg":
		return codec{jpeg.DecodeConfig, closed(jpeg.Decode, "\xff\xd9")}, true // EOI
	case "png":
		return codec{png.DecodeConfig, closed(png.Decode, "\x00\x00\x00\x00IEND\xae\x42\x60\x82")}, true
	case "webp":
		return codec{webp.DecodeConfig, decodeWebP}, true
	case "bmp":
		return codec{bmp.DecodeConfig, bmp.Decode}, true
	case "tiff":
		return codec{tiff.DecodeConfig, tiff.Decode}, true
	}
	return codec{}, false
}

// closed gives a decoder the end mark that a file lacks. Viewers show such files,
// so cutting the mark off must not hide a picture; a file that lacks more fails
// all the same.
func closed(decode func(io.Reader) (image.Image, error), end string) func(io.Reader) (image.Image, error) {
	return func(r io.Reader) (image.Image, error) {
		return decode(io.MultiReader(r, strings.NewReader(end)))
	}
}

// still is a picture of one frame. It is decoded when its frame is asked for.
type still struct {
	stored      *Stored
	format      string
	codec       codec
	limits      Limits
	orientation orientation
	exact       bool // Options.Exact
}

func (m *Media) openStill(ctx context.Context, o Options) error {
	c, ok := codecOf(m.info.Format)
	if !ok {
		return refuse(ErrUnsupported, m.info.Format)
	}
	if more := morePictures(m.stored.Reader(), m.info.Format); more != "" {
		return refuse(ErrUnsupported, more)
	}
	s := &still{stored: m.stored, format: m.info.Format, codec: c, limits: o.Limits, orientation: upright, exact: o.Exact}
	var config image.Config
	err := s.guarded(ctx, func(r io.Reader) (err error) {
		config, err = c.config(r)
		return err
	})
	if err != nil {
		return err
	}
	if err := checkPixels(config.Width, config.Height, o.Limits); err != nil {
		return err
	}
	if !o.StoredPixels {
		s.orientation = readOrientation(ctx, m.stored, m.info.Format)
	}
	m.info.Width, m.info.Height = s.orientation.size(config.Width, config.Height)
	m.decode = s
	return nil
}

func (s *still) frames(ctx context.Context, r Request) iter.Seq2[hash.Frame, error] {
	return func(yield func(hash.Frame, error) bool) {
		if r.Luma && r.MaxSide == 0 && r.Size == (image.Point{}) && !s.exact {
			if small, ok := s.luma(ctx); ok {
				yield(hash.Frame{Image: small, Key: true}, nil)
				return
			}
		}
		var picture image.Image
		err := s.guarded(ctx, func(r io.Reader) (err error) {
			picture, err = s.codec.decode(r)
			return err
		})
		if err != nil {
			yield(hash.Frame{}, err)
			return
		}
		// The decoder may have found a size that its header did not tell.
		size := picture.Bounds().Size()
		if err := checkPixels(size.X, size.Y, s.limits); err != nil {
			yield(hash.Frame{}, err)
			return
		}
		if r.Size == (image.Point{}) {
			picture = s.orientation.apply(scaled(picture, r))
		} else {
			picture = scaled(s.orientation.apply(picture), r)
		}
		yield(hash.Frame{Image: picture, Key: true}, nil)
	}
}

// guarded runs a decoder on a fresh reader of the picture and makes its errors
// and panics ours.
func (s *still) guarded(ctx context.Context, decode func(io.Reader) error) (err error) {
	r := &contextReader{ctx: ctx, r: s.stored.Reader()}
	defer func() {
		if p := recover(); p != nil {
			err = refuse(ErrCorrupt, fmt.Sprint("the decoder gave up: ", p))
		}
	}()
	return stillError(ctx, r, decode(r))
}

// stillError says what a decoder's error means.
func stillError(ctx context.Context, r *contextReader, err error) error {
	var (
		noJPEG jpeg.UnsupportedError
		noPNG  png.UnsupportedError
		noTIFF tiff.UnsupportedError
	)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case r.err != nil:
		return fmt.Errorf("reading the input: %w", r.err)
	case errors.As(err, &noJPEG), errors.As(err, &noPNG), errors.As(err, &noTIFF), errors.Is(err, bmp.ErrUnsupported):
		return refuse(ErrUnsupported, err.Error())
	case r.ended, errors.Is(err, io.ErrUnexpectedEOF):
		// Decoders name a missing end in many ways.
		return refuse(ErrTruncated, "no picture could be made of what is there")
	}
	return refuse(ErrCorrupt, err.Error())
}
