// Package digest computes MD5, SHA-1 and SHA-256 of a stream in one pass: the
// signals that find byte-identical copies. MD5 and SHA-1 are here because lists
// consist of them; an opponent can make two files with the same one, so they say that
// a file is known and never that it is harmless.
package digest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	stdhash "hash"
	"io"

	"github.com/rematch-go/rematch/hash"
)

// KindError is the error of a kind that is not a digest.
type KindError struct{ Kind hash.Kind }

func (e *KindError) Error() string {
	return fmt.Sprintf("digest: %s is not a digest; use md5, sha1 or sha256", e.Kind)
}

// Sum reads r to its end and returns its digests, in the order of kinds, and the
// number of bytes read. Without kinds it computes all: MD5, SHA-1, SHA-256.
//
// An error of r is returned wrapped, with the number of bytes before it and without
// values: the digest of a part is not the digest of the file. A kind that is not a
// digest is a *KindError, and nothing is read.
func Sum(r io.Reader, kinds ...hash.Kind) (values []hash.Value, n int64, err error) {
	w, err := New(kinds...)
	if err != nil {
		return nil, 0, err
	}
	if n, err = io.Copy(w, r); err != nil {
		return nil, n, fmt.Errorf("digest: after %d bytes: %w", n, err)
	}
	return w.Values(), n, nil
}

// Writer digests what is written to it, for instance by an io.TeeReader while an
// upload is stored. Make it with New. It is not safe for concurrent use.
type Writer struct {
	kinds []hash.Kind
	sums  []stdhash.Hash
	n     int64
}

// New returns a Writer for the given kinds, or for MD5, SHA-1 and SHA-256 where
// none are given. A kind that is not a digest is a *KindError.
func New(kinds ...hash.Kind) (*Writer, error) {
	if len(kinds) == 0 {
		kinds = []hash.Kind{hash.MD5, hash.SHA1, hash.SHA256}
	}
	w := &Writer{}
	for _, k := range kinds {
		switch k {
		case hash.MD5:
			w.sums = append(w.sums, md5.New())
		case hash.SHA1:
			w.sums = append(w.sums, sha1.New())
		case hash.SHA256:
			w.sums = append(w.sums, sha256.New())
		default:
			return nil, &KindError{Kind: k}
		}
		w.kinds = append(w.kinds, k)
	}
	return w, nil
}

// Write implements io.Writer. It takes all of p and never fails.
func (w *Writer) Write(p []byte) (int, error) {
	for _, s := range w.sums {
		s.Write(p) // documented never to return an error
	}
	w.n += int64(len(p))
	return len(p), nil
}

// Len returns the number of bytes written so far.
func (w *Writer) Len() int64 { return w.n }

// Values returns the digests of what was written so far, in the order of New's
// kinds. More may be written after it.
func (w *Writer) Values() []hash.Value {
	values := make([]hash.Value, len(w.sums))
	var buf [sha256.Size]byte
	for i, s := range w.sums {
		v, err := hash.FromBytes(w.kinds[i], s.Sum(buf[:0]))
		if err != nil {
			continue // never: a digest has the length of its kind
		}
		values[i] = v
	}
	return values
}
