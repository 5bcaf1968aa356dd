package exchange

import (
	"errors"
	"fmt"
	"time"
)

// What can go wrong between us and an exchange. Each comes wrapped, in a *RequestError or a
// *PageError where there was a request or a page; none of them ever names a credential.
var (
	// ErrConfig: a setting is missing, unknown or makes no sense. Mend the configuration.
	ErrConfig = errors.New("mend the configuration")
	// ErrCredentials: there are none, they are kept carelessly, or the exchange does not take them
	// (401, 403). Coming again does not help.
	ErrCredentials = errors.New("check the credentials, and that the exchange has enabled them for this list")
	// ErrStale: a checkpoint is of another exchange, of other settings or of another version, or the exchange
	// knows it no more. Begin anew, with a nil checkpoint.
	ErrStale = errors.New("the checkpoint is good for nothing; read the exchange anew, without it")
	// ErrRate: the exchange wants to be asked less often, for longer than was waited. RequestError.Wait
	// says how long, where the exchange says it.
	ErrRate = errors.New("the exchange is asked too often; come again later")
	// ErrUnavailable: no answer, or not a whole one in time, or a server's fault, at every attempt. Come
	// again with the same checkpoint.
	ErrUnavailable = errors.New("the exchange does not answer as it should; come again later with the same checkpoint")
	// ErrRefused: the exchange does not take the request (any other 4xx). Coming again does not help.
	ErrRefused = errors.New("the exchange refuses the request; see its status and the settings")
	// ErrRedirect: the answer points to another host or another protocol, or a page to a next one that is not of
	// the same list. It was not followed.
	ErrRedirect = errors.New("the exchange points elsewhere, which is not followed; set the base address if it has moved")
	// ErrTooLarge: an answer is larger than HTTPOptions allow, as it came or unpacked.
	ErrTooLarge = errors.New("the answer is larger than allowed; ask for smaller pages, or raise the limit if that is right")
	// ErrPage: a page is not what the protocol says. The same call can be made again: what can be
	// read beside it is read by smaller pages or ranges.
	ErrPage = errors.New("the page can't be read; come again, and tell the exchange if it stays")
	// ErrStuck: the exchange says that there is more and gives the same page again. Come again
	// later, and tell the exchange if it stays.
	ErrStuck = errors.New("the exchange gives the same page over and over; come again later, and tell the exchange if it stays")
	// ErrEmpty: the exchange was read from nothing and has nothing at all, though it had something before. Nothing was
	// dropped for it: a wrong group or environment looks like that, and a right that was lost.
	ErrEmpty = errors.New("the exchange has nothing any more, and what is kept of it stays; see its settings and what it lets us see, or leave it")
	// ErrNoSuchVote: the exchange has no word for what Feedback says. Drop it, or say it otherwise.
	ErrNoSuchVote = errors.New("the exchange has no such vote")
	// ErrReason: a vote needs one of the exchange's own reasons; the error lists them.
	ErrReason = errors.New("the vote needs a reason that the exchange knows")
	// ErrNoSuchRecord: the exchange does not know the record, or the ID is none of its.
	ErrNoSuchRecord = errors.New("the exchange does not know the record")
	// ErrNoSuchKind: the exchange has no word for a record's hashes, or does not take records at all.
	ErrNoSuchKind = errors.New("the exchange can't be given such hashes")
)

// RequestError is a request that failed, after all attempts.
type RequestError struct {
	Exchange string        // the protocol's name
	Request  string        // method, path and parameters, without anything secret
	Status   int           // of the last answer; 0: there was none
	Wait     time.Duration // how long the exchange asks to be left alone; 0: it does not say
	Reason   string        // for people; may be empty
	Err      error         // one of the errors above
}

func (e *RequestError) Error() string {
	text := fmt.Sprintf("exchange: %s: %s", e.Exchange, e.Request)
	if e.Status != 0 {
		text += fmt.Sprintf(": status %d", e.Status)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Wait > 0 {
		text += fmt.Sprintf(" (in %v)", e.Wait)
	}
	return text + ": " + e.Err.Error()
}

func (e *RequestError) Unwrap() error { return e.Err }

// PageError is a page that can't be read.
type PageError struct {
	Exchange string // the protocol's name
	Page     string // the request that gave it, without anything secret
	Offset   int64  // in bytes, of where reading stopped
	Reason   string // for people
	Err      error  // ErrPage, ErrTooLarge or ErrStuck
}

func (e *PageError) Error() string {
	return fmt.Sprintf("exchange: %s: %s: at byte %d: %s: %v", e.Exchange, e.Page, e.Offset, e.Reason, e.Err)
}

func (e *PageError) Unwrap() error { return e.Err }

// configError is ErrConfig with what is wrong.
func configError(protocol, format string, args ...any) error {
	return fmt.Errorf("exchange: %s: %s: %w", protocol, fmt.Sprintf(format, args...), ErrConfig)
}
