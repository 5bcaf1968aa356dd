package video

import (
	"context"
	"iter"

	"github.com/rematch-go/rematch/hash"
)

// container is media that a Backend decodes.
type container struct {
	backend Backend
	file    Container
	info    Info
}

func (m *Media) openVideo(ctx context.Context, demuxer string, o Options) error {
	if o.Backend == nil {
		return ErrNoBackend
	}
	path, err := m.stored.filePath(ctx)
	if err != nil {
		return err
	}
	c := &container{backend: o.Backend, file: Container{
		Path: path, Demuxer: demuxer, Format: m.info.Format, Limits: o.Limits, StoredPixels: o.StoredPixels,
	}}
	if c.info, err = o.Backend.Probe(ctx, c.file); err != nil {
		return err
	}
	// The backend knows the stream; the file itself is known better here.
	c.info.Class, c.info.Format, c.info.Bytes = Video, m.info.Format, m.info.Bytes
	if c.info.Width > 0 && c.info.Height > 0 {
		if err := checkPixels(c.info.Width, c.info.Height, o.Limits); err != nil {
			return err
		}
	}
	m.info, m.decode, m.backend = c.info, c, o.Backend.Name()
	return nil
}

func (c *container) frames(ctx context.Context, r Request) iter.Seq2[hash.Frame, error] {
	frames := c.backend.Frames(ctx, c.file, c.info, r)
	if r.Luma {
		return lumaFrames(frames)
	}
	return frames
}
