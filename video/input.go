package video

import "io"

// Input is a stranger's media before it is opened: a path, bytes or a reader.
// Its name is for people and error messages; it never decides what the media is.
type Input struct {
	name   string
	path   string
	bytes  []byte
	reader io.Reader
	stored *Stored
	from   origin

	contentType string
}

// origin tells which field of an Input holds the media.
type origin uint8

const (
	fromNothing origin = iota // the zero Input, which can't be opened
	fromFile
	fromBytes
	fromReader
	fromStored
)

// File is the media in a regular file. It is read where it is and must not
// change while it is in use.
func File(path string) Input { return Input{name: path, path: path, from: fromFile} }

// Bytes is the media in b, which must not change while it is in use.
func Bytes(name string, b []byte) Input { return Input{name: name, bytes: b, from: fromBytes} }

// Reader is the media that r gives until io.EOF. It can be opened once: that
// reads r to its end, or until a budget is over. It does not close r.
func Reader(name string, r io.Reader) Input { return Input{name: name, reader: r, from: fromReader} }

// Declared returns the input with the media type that whoever sent it gave, as "image/jpeg". Like
// its name it never decides what the media is; that they disagree is worth knowing.
func (in Input) Declared(contentType string) Input {
	in.contentType = contentType
	return in
}

// ContentType returns what Declared was given.
func (in Input) ContentType() string { return in.contentType }

// Name returns what the input is called in errors: the path of a File.
func (in Input) Name() string { return in.name }
