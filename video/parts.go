package video

import (
	"bytes"
	"context"
	"io"
	"math"
)

// A file can be two media at once: a photograph with a film behind it, as phones make
// them, several pictures in a row (MPO), a picture that an unpacker takes for an archive. What
// shows it to people depends on the program that they open it with, so each is judged.

// MaxParts is how many media Stored.Parts lists beside the first. Nobody makes more by accident.
const MaxParts = 16

// maxTail is how far behind the end of a medium another one is looked for, in bytes.
const maxTail = 16 << 20

// maxDecoys is how many beginnings of archives that are none are passed over.
const maxDecoys = 64

// Part is a medium beside the first in a file.
type Part struct {
	Offset int64  // in the file, of its first byte; of an archive's member where that is packed
	Size   int64  // in the file; of a medium that does not tell where it ends to the end of the file
	Format string // as Info.Format
	Member string // its name in the archive; empty: it is not in one
	// Err is why it can't be given as an input: ErrEncrypted, ErrUnsupported, ErrTruncated or ErrCorrupt, of members only.
	Err error

	deflated bool
}

// Layout is what lies where in a file.
type Layout struct {
	Format string // what the file is by its first bytes, as Info.Format; it can be empty
	End    int64  // where that ends; the size of the file where it does not tell
	Parts  []Part // what else there is, in the order of offsets, members of an archive last
	// Trailing is how many bytes from End on are of no part, without the zeros and line ends that they
	// end with.
	Trailing int64
	Archive  bool // it ends with the directory of a ZIP archive
	// More tells that there is more than was looked at: over MaxParts media, an archive of over 4096
	// members or one that makes no sense or has no directory, media of a million blocks together, thousands of
	// bytes that could begin a medium and do not, something 16 MiB behind the end of one.
	More bool
}

// Parts finds the media in a file beside the first: behind its end, and the members of a ZIP
// archive, which begins anywhere. It reads as little as the formats allow: of an MP4, PNG, RIFF
// or Matroska file the heads of the blocks, of a JPEG and GIF all, and of any file the last 64
// KiB; behind the end of each up to 16 MiB. TIFF, MPEG, Ogg, FLV, ASF, MXF, DV and IVF files do not tell where they end.
//
// What lies within a medium is not looked for: thumbnails in EXIF data, attachments of Matroska, boxes that
// no player shows. Errors are *Error: the context's, and what reading failed with.
func (s *Stored) Parts(ctx context.Context) (Layout, error) {
	r := &contextReader{ctx: ctx, r: s.Reader()}
	l, err := s.layout(r)
	if r.err != nil {
		err = r.err
	}
	if err == nil {
		err = ctx.Err()
	}
	return l, wrap(s.name, err)
}

func (s *Stored) layout(r *contextReader) (Layout, error) {
	format, _, _ := Sniff(head(r, 0))
	l := Layout{Format: format, End: s.size}
	blocks := maxBlocks // for all of it: a file can be full of beginnings
	end, complete := mediumEnd(r, 0, s.size, format, &blocks)
	l.End, l.More = end, !complete
	members, base, archive, complete := archiveMembers(r, s.size)
	l.Archive = archive
	l.More = l.More || !complete
	if format == "zip" {
		l.End = s.size // all of it is the archive
		l.More = l.More || !archive
	}
	for at, decoys := l.End, 0; at < s.size; {
		start, format, complete := nextMedium(r, at, min(s.size, at+maxTail))
		l.More = l.More || !complete
		if format == "" {
			l.Trailing += trailing(r, at, s.size)
			l.More = l.More || at+maxTail < s.size && trailing(r, at+maxTail, s.size) > 0
			break
		}
		l.Trailing += trailing(r, at, start)
		if format == "zip" {
			if archive && start >= base {
				break // its directory tells
			}
			// A member without a directory: some programs open that too, and what follows may be no member.
			l.More = true
			if decoys++; decoys > maxDecoys {
				break
			}
			at = start + 4
			continue
		}
		if len(l.Parts) == MaxParts {
			l.More = true
			break
		}
		end, complete := mediumEnd(r, start, s.size, format, &blocks)
		l.More = l.More || !complete
		l.Parts = append(l.Parts, Part{Offset: start, Size: end - start, Format: format})
		at = end
	}
	for _, m := range members {
		if len(l.Parts) == MaxParts {
			l.More = true
			break
		}
		l.Parts = append(l.Parts, m)
	}
	return l, nil
}

// Part brings a part of s to rest as a file of its own, so that it can be opened and hashed. It
// is not copied, unless it is a member of an archive, of which no more than l.Bytes are
// unpacked. s must outlive it. Errors are *Error: Part.Err, a *LimitError, ErrCorrupt, the context's.
func (s *Stored) Part(ctx context.Context, p Part, l Limits) (*Stored, error) {
	name := s.name + partName(p)
	if p.Err != nil {
		return nil, wrap(name, p.Err)
	}
	if p.Member != "" {
		return s.member(ctx, name, p, l)
	}
	if p.Offset < 0 || p.Size < 0 || p.Offset > s.size || p.Size > s.size-p.Offset {
		return nil, wrap(name, ErrCorrupt)
	}
	if l = l.Defaults(); over(p.Size, l.Bytes) {
		return nil, wrap(name, &LimitError{Limit: "bytes", Max: l.Bytes, Got: p.Size})
	}
	part := &Stored{name: name, size: p.Size, data: io.NewSectionReader(s.data, p.Offset, p.Size)}
	if s.memory != nil {
		part.memory = s.memory[p.Offset : p.Offset+p.Size]
	}
	return part, nil
}

// head reads what Sniff needs.
func head(r io.ReaderAt, at int64) []byte {
	b := make([]byte, sniffLen)
	n, _ := r.ReadAt(b, at) // the reader remembers what went wrong
	return b[:n]
}

// trailing returns how many bytes there are from one place to another, without zeros and line ends at
// the end of them.
func trailing(r io.ReaderAt, from, to int64) int64 {
	chunk := make([]byte, min(to-from, 1<<20))
	for to > from {
		b := chunk[:min(to-from, int64(len(chunk)))]
		n, _ := r.ReadAt(b, to-int64(len(b)))
		kept := bytes.TrimRight(b[:n], "\x00\r\n")
		if n < len(b) || len(kept) > 0 {
			return to - from - int64(n-len(kept))
		}
		to -= int64(n)
	}
	return 0
}

// beginnings are the signatures of media that are looked for at any place behind another; at is
// where in a medium they stand. Shorter ones are in random bytes too often.
var beginnings = []struct {
	magic string
	at    int64
}{
	{"\xff\xd8\xff", 0}, {"\x89PNG\r\n\x1a\n", 0}, {"GIF8", 0}, {"RIFF", 0}, {"ftyp", 4}, {"\x1aE\xdf\xa3", 0}, {"PK\x03\x04", 0},
	{"II*\x00", 0}, {"MM\x00*", 0}, {"FLV\x01", 0}, {"OggS\x00", 0}, {"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0},
}

// maxGuesses is how many places where a signature stands by chance, or is put, are looked at.
const maxGuesses = 1 << 12

// nextMedium returns where the first medium from a place on begins. complete is false if it may
// begin earlier, or at all.
func nextMedium(r io.ReaderAt, from, to int64) (at int64, format string, complete bool) {
	if f, _, _ := Sniff(head(r, from)); f != "" && f != "playlist" {
		return from, f, true
	}
	guesses := 0
	const overlap = 16 // more than the longest signature
	chunk := make([]byte, 256<<10)
	for at := from; at < to; at += int64(len(chunk) - overlap) {
		n, _ := r.ReadAt(chunk[:min(int64(len(chunk)), to-at)], at)
		best := int64(math.MaxInt64)
		for _, b := range beginnings {
			for i := 0; ; {
				found := bytes.Index(chunk[i:n], []byte(b.magic))
				if found < 0 {
					break
				}
				i += found
				start := at + int64(i) - b.at
				if start >= best {
					break
				}
				if start > from {
					if guesses++; guesses > maxGuesses {
						return to, "", false
					}
					if f, ok := begins(r, start); ok {
						best, format = start, f
						break
					}
				}
				i++
			}
		}
		if format != "" {
			return best, format, true
		}
		if n < len(chunk) {
			break
		}
	}
	return to, "", true
}

// begins reports whether a medium begins at a place where its signature stands, by what follows:
// three bytes can be chance.
func begins(r io.ReaderAt, at int64) (format string, ok bool) {
	h := head(r, at)
	format, _, _ = Sniff(h)
	switch format {
	case "jpeg": // application data, tables, a comment or a frame
		return format, len(h) > 5 && (h[3] >= 0xe0 && h[3] <= 0xef || h[3] == 0xdb || h[3] == 0xc4 || h[3] == 0xfe || h[3] == 0xc0 || h[3] == 0xc2)
	case "mp4", "mov", "3gp", "heic", "avif", "cr3":
		return format, len(h) > 8 && h[0] == 0 && h[1] == 0 && string(h[4:8]) == "ftyp"
	}
	return format, format != ""
}
