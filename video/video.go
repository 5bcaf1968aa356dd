// Package video turns a stranger's bytes into frames: a still picture is a video
// of one frame. All decoding of untrusted media lives here, under budgets.
//
// Open takes an Input (a file, bytes or a reader) and gives a Media, whose Frames
// can be asked for as often as needed. Store keeps the bytes for digests as well.
//
// What a file is, is decided by its content and never by its name. Stills,
// animated GIFs and animated WebPs are decoded in Go; everything else by a Backend that the program
// passes in: package video/ffmpeg (the ffmpeg program) or the nested module
// video/wasmffmpeg (ffmpeg as sandboxed WebAssembly, under the GPL).
package video

import (
	"context"
	"image"
	"iter"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// Source is a run of frames in presentation order. The sequence ends after the
// first error; what came before it is good. Breaking out of the loop releases
// everything the source holds.
type Source interface {
	Frames(ctx context.Context) iter.Seq2[hash.Frame, error]
}

// Class is what a media file turned out to be.
type Class uint8

// The classes of media.
const (
	Still     Class = iota + 1 // one picture
	Animation                  // several pictures decoded in Go: an animated GIF or WebP
	Video                      // decoded by a Backend
)

// String returns "still", "animation" or "video".
func (c Class) String() string {
	switch c {
	case Still:
		return "still"
	case Animation:
		return "animation"
	case Video:
		return "video"
	}
	return "unknown"
}

// Info is what is known of a media file before its frames are decoded. Headers
// can lie: nothing in it is believed where memory is at stake.
type Info struct {
	Class         Class
	Format        string        // by content: jpeg, png, gif, webp, bmp, tiff, mp4, matroska, avi, ...
	Codec         string        // of the video stream; empty for stills
	Width, Height int           // in pixels, as shown: after rotation unless stored pixels were asked for
	Duration      time.Duration // 0 for stills and where the container does not say
	LeftOut       time.Duration // how much of the stored media an edit list keeps from being shown; 0 where there is none, or none that was read
	ShownFrom     time.Duration // where in the stored media showing it begins then
	FrameRate     float64       // average, frames a second; 0 where unknown
	KeyFrames     int           // how many the container's index counts; 0 where there is none that was read
	Jumps         int           // after how many of KeyFrames, and before the next, the index tells of a frame as large as those that bring another scene: if after most, they may be unlike all around them
	Bytes         int64         // of the whole file
	Streams       int           // of video, cover pictures not counted; 0 for stills. Only the first is decoded: Media.Frames ends with ErrUnsupported if there are more
}

// Limits are budgets on one media file. A zero field means its default, a
// negative one means no limit.
type Limits struct {
	Bytes    int64         // of the file; default 1 GiB
	Pixels   int64         // width x height of a picture or frame; default 64 Mi. Decoding a still can take 24 bytes a pixel, of a TIFF of 16 bits 42
	Frames   int           // decoded frames; default 250,000
	Duration time.Duration // of the media; default 4 h
	Work     time.Duration // wall time spent on one Frames call, or by a screen.Screener on all of an upload once it is stored; default 10 min
}

// Defaults returns l with every zero field replaced by its default.
func (l Limits) Defaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	if l.Pixels == 0 {
		l.Pixels = 64 << 20
	}
	if l.Frames == 0 {
		l.Frames = 250_000
	}
	if l.Duration == 0 {
		l.Duration = 4 * time.Hour
	}
	if l.Work == 0 {
		l.Work = 10 * time.Minute
	}
	return l
}

// Sampling says which frames of a video are wanted. The zero value is every
// frame. Every and At exclude each other; either goes with Keys. Stills have one
// frame under any sampling.
type Sampling struct {
	Keys  bool            // only frames that decode without another one, much the cheapest; of an Animation all, which cost the same
	Every time.Duration   // the first frame at or after each multiple of Every; 0: all
	At    []time.Duration // the first frame at or after each of these rising times from 0 on; at most 64
	// From and To are the stretch of the media that is looked at, To exclusive and 0 for
	// the end. A Backend seeks to the last key frame before From, so that a short stretch
	// costs little wherever it lies; numbers are then reckoned from the frame rate. A
	// stretch without a frame is not an error, and damage outside of it is not seen.
	From, To time.Duration
}

// isPart reports whether only a stretch or some times of the media are wanted.
func (s Sampling) isPart() bool { return s.From > 0 || s.To > 0 || len(s.At) > 0 }

// Request is what a caller wants of a media file's frames.
type Request struct {
	Sampling Sampling
	MaxSide  int // pictures larger than this are scaled down in the decoder until the longer side fits; 0: native size

	// Size asks for pictures of exactly this width and height, up to 4096 each, whatever the
	// media's shape, and in red, green and blue: what package tmk needs. Backends scale by bicubic
	// interpolation, as the reference of TMK does, and give *image.RGBA; what is decoded in Go is
	// averaged over areas. Zero: not asked for. It excludes MaxSide.
	Size image.Point

	// Unedited asks for the media as it is stored: an edit list of an MP4 file is passed over,
	// and times count from the first frame that there is, Info.ShownFrom before the one that is
	// shown first.
	Unedited bool

	// Luma says that the pictures are only to be hashed by package pdq, or looked at in grey. The
	// frames of a video or an animation are then hash.Reduced, and stand for pictures eight
	// times as large: so PDQ's filter, a whole number of pixels wide, is as wide a part of a
	// picture at every size, and copies in other sizes are half as many bits away as without.
	// 256 pixels along the longer side give the hashes of larger ones to a few bits. A
	// JPEG still is then given as a hash.Reduced, with at least 256 samples on its shorter side
	// if it has as many pixels. That costs a quarter to a tenth of decoding it, of a
	// progressive file half, and the hash is nearly that of its luma in full: of photographs of
	// quality 80 and more, 98 in 100 are within 2 bits and none over 6. JPEG stills that are
	// rare or damaged in any way, and all else, are decoded as without Luma, and so are all
	// stills with Options.Exact, MaxSide or Size.
	Luma bool
}

// Options say how media is opened. The zero value decodes stills, animated GIFs and animated
// WebPs with default limits.
type Options struct {
	Limits       Limits
	Backend      Backend // nil: a video is an error of reason decoder_missing
	StoredPixels bool    // ignore EXIF orientation and rotation metadata
	Exact        bool    // decode stills in full even where a Request asks for Luma only, so that their hashes are exactly those of their pixels
}

// Container is a video file on disk that has been recognised by its content, as
// it is handed to a Backend.
type Container struct {
	Path         string // absolute
	Demuxer      string // ffmpeg's name of the one demuxer that may read it: mov, matroska, avi, mpegts, ...
	Format       string // Info.Format
	Limits       Limits // defaults filled in
	StoredPixels bool
}

// Backend decodes containers. Implementations are safe for concurrent use. They
// open no other file and no network, whatever the container says, and release
// every process and goroutine when the context ends or the loop is left.
type Backend interface {
	// Name is a short stable token for evidence and logs: "ffmpeg", "wasmffmpeg".
	Name() string
	// Probe reads the header.
	Probe(ctx context.Context, c Container) (Info, error)
	// Frames decodes, by the contract of Media.Frames. Pictures are *image.YCbCr in
	// full range (the luma plane is what is hashed), or *image.Gray, which is all that is
	// needed where Request.Luma is set, and with Request.Size opaque *image.RGBA. Times and numbers
	// never fall. It keeps to c.Limits by itself, of frames decoded and not only of
	// those given; Media holds what it gives against them once more.
	Frames(ctx context.Context, c Container, info Info, r Request) iter.Seq2[hash.Frame, error]
}
