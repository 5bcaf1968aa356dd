package match

import (
	"errors"
	"fmt"
)

// What a caller of Matcher's changing methods branches on.
var (
	// ErrDuplicate is the error of a bank name, an entry ID or a ref that is taken.
	ErrDuplicate = errors.New("match: already there")
	// ErrUnknown is the error of a bank or an entry that is not there.
	ErrUnknown = errors.New("match: not there")
	// ErrInvalid is the error of a bank, an entry, a signal, an option or a query
	// that makes no sense.
	ErrInvalid = errors.New("match: invalid")
	// ErrInUse is the error of a bank file that another process, or another Matcher of this
	// one, has opened with Open.
	ErrInUse = errors.New("match: the bank file is in use by another process")
	// ErrClosed is the error of a change, or of Save, after Close, and of a change when the
	// log of changes could not be written, until a Save.
	ErrClosed = errors.New("match: the log of changes is closed")
)

// EntryError says which bank, entry and signal a change was refused for. Nothing
// of the refused change was made.
type EntryError struct {
	Bank   string
	Entry  string // empty when the bank itself is meant
	Signal int    // number of the signal in the entry, from 0; -1 when none is meant
	Reason string // for people
	Err    error  // ErrDuplicate, ErrUnknown, ErrInvalid, *RadiusError, ...
}

func (e *EntryError) Error() string {
	s := fmt.Sprintf("match: bank %q", e.Bank)
	if e.Entry != "" {
		s += fmt.Sprintf(", entry %q", e.Entry)
	}
	if e.Signal >= 0 {
		s += fmt.Sprintf(", signal %d", e.Signal)
	}
	return s + ": " + e.Reason
}

func (e *EntryError) Unwrap() error { return e.Err }
