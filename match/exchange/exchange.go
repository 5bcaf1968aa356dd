package exchange

import (
	"context"
	"fmt"
	"time"

	"github.com/rematch-go/rematch/match"
)

// Source is an exchange as one of its members reads it: page after page of what is known there,
// from a checkpoint on. It keeps nothing itself, and is not for concurrent use.
type Source interface {
	// Next reads the page after a checkpoint; nil is before the first. An error leaves the
	// checkpoint where it was: the same call can be made again, also by another process.
	Next(ctx context.Context, at Checkpoint) (*Page, error)
}

// Checkpoint is how far an exchange has been read, as a JSON document of its Source's own making,
// 64 KiB at most. It has no credentials. It is good once everything up to it is durable.
type Checkpoint []byte

// Page is what one reading of an exchange gave. What is gone is taken out before what came is
// put in.
type Page struct {
	// Anew is set on the first page of a reading from nothing: because there was no checkpoint, or
	// it was too old to be told of all withdrawals since. What is kept of the exchange from before
	// and does not come again up to the page that is the Last is gone.
	Anew bool
	Last bool // there is no more for now
	// Sure is set on the Last page of a reading from nothing if it may have brought nothing: such as of a list that has
	// its header and no lines. Without, one that brings nothing is taken for a failure, and what is kept stays.
	Sure bool

	Gone    []string // IDs of records that were withdrawn or deleted
	Records []Record // whole, in place of what was kept under their IDs
	Faults  []*RecordError

	After Checkpoint    // to go on from, once all of this page is durable
	Wait  time.Duration // how long the exchange asks to be left alone; 0: it does not say
}

// Record is one entry of an exchange as it stands there now.
type Record struct {
	// ID is the same for as long as the exchange has the record, and good as the ID of an entry.
	ID       string
	Signals  []match.Signal // of the kinds that this library compares; none: the record waits
	Later    []Foreign      // what else it has, kept for the day when its kind can be compared
	Labels   []string
	Opinions []match.Opinion // what members say, whoever shared it among them
	Origin   match.Origin    // but Fetched, which is set by who keeps the record
	Expires  time.Time       // zero: never
	Duration time.Duration   // of a known video, whose perceptual signals have times; 0 for anything else
}

// Foreign is a hash of a kind that this library does not compare, in the exchange's own words. The Value is
// empty where the exchange only says that it has one, such as NCMEC of those that are files.
type Foreign struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// RecordError says which record of a page could not be read. It is set aside, and the rest of the
// page holds.
type RecordError struct {
	Page     string // which one: the request without anything secret
	Position int    // of the record in its page, from 0
	ID       string // of the record, as far as it could be read; may be empty
	Reason   string // for people
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("exchange: record %d of %s is set aside: %s", e.Position, e.Page, e.Reason)
}

// Feedback is what we say to an exchange of one of its records.
type Feedback struct {
	ID     string // of the record
	Says   Vote
	Reason string        // a token or GUID of the exchange's own, where it has such; may be empty
	Tags   []string      // may be empty
	Signal *match.Signal // which of the record's hashes is meant, where an exchange has votes for each; nil: all
}

// Vote is what feedback says.
type Vote string

// The votes. An exchange that has no word for one says so with ErrNoSuchVote.
const (
	Helpful  Vote = "helpful"  // it is what it is shared as, and was acted on
	Disagree Vote = "disagree" // it is not
	Seen     Vote = "seen"     // it was seen here too
	Retract  Vote = "retract"  // what we said before holds no more
)

// Sink is an exchange that can be written to. Sending what was sent before changes nothing there.
type Sink interface {
	Send(ctx context.Context, f Feedback) error
	// Submit shares records of ours. Their IDs are ours; what the exchange calls them is returned
	// in the same order.
	Submit(ctx context.Context, records []Record) (ids []string, err error)
}
