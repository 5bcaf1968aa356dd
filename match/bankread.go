package match

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

// ReadFile reads a bank file whole, after comparing all of it with its checksums. A file
// that is not complete and unharmed is a *FormatError, and nothing of it is returned.
//
// Of each bank, bare hashes come first, by kind and rising value, then all other entries
// in the order they were given. For large files see OpenSnapshot, which takes no memory
// for what is not asked for.
func ReadFile(path string) ([]Bank, error) {
	f, err := mapped.Map(path)
	if err != nil {
		return nil, fmt.Errorf("match: reading a bank file: %w", err)
	}
	return readBanks(f)
}

// Read reads banks that Write has written, up to the end of r, as ReadFile does. More
// than limit bytes are refused; memory is at most about 20 times what has been read,
// whatever numbers the file claims. Refusals of the content are of type *FormatError.
func Read(r io.Reader, limit int64) ([]Bank, error) {
	var b bytes.Buffer
	more := func(n int64) error {
		if room := limit - int64(b.Len()); room < n {
			n = room + 1 // one more tells that there is more
		}
		_, err := io.CopyN(&b, r, n)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("match: reading a bank file: %w", err)
		case int64(b.Len()) > limit:
			return refused("header", 0, ErrTooLarge, "more than %d bytes", limit)
		}
		return nil
	}
	if err := more(headerSize); err != nil {
		return nil, err
	}
	if err := checkHeader(b.Bytes()); err != nil {
		return nil, err // before more of something else is read
	}
	if err := more(limit); err != nil {
		return nil, err
	}
	return readBanks(mapped.Hold(b.Bytes()))
}

func readBanks(f *mapped.File) ([]Bank, error) {
	s, err := openSnapshot(f)
	if err != nil {
		return nil, err
	}
	banks := make([]Bank, len(s.banks))
	for i := range s.banks {
		banks[i] = s.banks[i].Bank
	}
	if err := s.verify(false, banks); err != nil {
		return nil, err
	}
	return banks, nil
}
