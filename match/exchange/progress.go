package exchange

import (
	"errors"
	"fmt"
	"time"
)

const (
	// samePageAttempts is how often a page that came before is asked for again before it is ErrStuck.
	samePageAttempts = 3
	// leftOutAgain is how often what was left out is asked for again.
	leftOutAgain = 24 * time.Hour
	// maxLeftOut is how often a reading leaves something out. Where more can't be read it is the exchange
	// that is wrong, or we, and not a record; then nothing must look as if it were read.
	maxLeftOut = 16
	// maxLost is how often a reading may lose its cursor: where each is refused as soon as it is given, it would begin
	// again for ever.
	maxLost = 8
)

// progress is how far a list of updates in the order of their times was read. All are seconds since 1970.
type progress struct {
	Since  int64 `json:"since,omitempty"`  // everything before is read
	Newest int64 `json:"newest,omitempty"` // the newest that the running reading has seen
	Began  int64 `json:"began,omitempty"`  // when the running reading did; 0: none runs
	Seen   int64 `json:"seen,omitempty"`   // when the last whole reading began; 0: there was none
	// Hole is from when on something was left out that could not be read, and Tried when that was found; 0:
	// nothing. Once a day a reading goes back to it.
	Hole  int64 `json:"hole,omitempty"`
	Tried int64 `json:"tried,omitempty"`
	Left  int   `json:"left,omitempty"` // how often the running reading has left something out
	Lost  int   `json:"lost,omitempty"` // how often it had its cursor refused
}

// lost reports whether a request failed because the exchange knows its cursor no more.
func lost(err error) bool { return errors.Is(err, ErrRefused) || errors.Is(err, ErrStale) }

// clock is the exchange's time, as far as it tells it.
func clock(server, ours time.Time) int64 {
	if !server.IsZero() {
		return unix(server)
	}
	return unix(ours)
}

// known is the time of an update; 0 for one from the future: a single wrong date must not hide all that come.
func known(updated, clock int64) int64 {
	if updated > clock {
		return 0
	}
	return updated
}

// begin prepares for the next page, and reports whether the reading is from nothing: there was no
// checkpoint, or it is older than the exchange tells of withdrawals.
func (p *progress) begin(none bool, now time.Time, stale time.Duration) (anew bool) {
	last := p.Seen
	if last == 0 {
		last = p.Began
	}
	if none || now.Sub(time.Unix(last, 0)).Abs() > stale { // also where the machine's clock was far ahead
		*p = progress{Began: now.Unix()}
		return true
	}
	if p.Began != 0 {
		return false
	}
	p.Began, p.Newest = now.Unix(), 0
	if p.Hole > 0 && now.Sub(time.Unix(p.Tried, 0)) > leftOutAgain {
		p.Since = min(p.Since, p.Hole)
		p.Hole, p.Tried = 0, 0
	}
	return false
}

// end closes a reading that has come to the end, at the time up to which it has seen everything.
func (p *progress) end(until int64) {
	p.Since = max(p.Since, until)
	p.Seen, p.Began, p.Newest, p.Left, p.Lost = p.Began, 0, 0, 0, 0
}

// leaveOut goes over what can't be read, which is somewhere from and before the two times, and says so.
func (p *progress) leaveOut(from, before int64, now time.Time, cause error) *Page {
	if from = max(from, 1); p.Hole == 0 || from < p.Hole {
		p.Hole = from
	}
	p.Tried = now.Unix()
	p.Since = before
	p.Left++
	return hole(from, before, cause)
}

// hole is a page that says what is left out: something from and before two times.
func hole(from, before int64, cause error) *Page {
	page := "a page"
	var wrong *PageError
	if errors.As(cause, &wrong) {
		page = wrong.Page
	}
	day := func(s int64) string { return time.Unix(s, 0).UTC().Format(time.RFC3339) }
	return &Page{Faults: []*RecordError{{Page: page, Reason: fmt.Sprintf("what was changed from %s until before %s can't be read at any page size; it is asked for again in a day: %v", day(from), day(before), cause)}}}
}

// skippable reports whether smaller pages could make an error good: not where the answer is no
// page at all.
func skippable(err error) bool {
	var other *otherPageError
	return (errors.Is(err, ErrPage) || errors.Is(err, ErrTooLarge)) && !errors.As(err, &other)
}

// tooSlow reports whether an exchange may have had too much to do for an answer: it has given none, and does not ask
// to be left alone.
func tooSlow(err error) bool {
	var failed *RequestError
	return errors.As(err, &failed) && failed.Err == ErrUnavailable && failed.Wait == 0
}

// smaller reads a page, and where it can't be read a smaller one in its place, down to one record. One that does not come
// is asked for in a smaller one once: it may be too much for the exchange.
func smaller(size int, read func(size int) (*Page, error)) (*Page, error) {
	for slow := false; ; {
		p, err := read(size)
		again := skippable(err)
		if !slow && tooSlow(err) {
			again, slow = true, true
		}
		if err == nil || size == 1 || !again {
			return p, err
		}
		size = max(1, size/8)
	}
}

// firstReadable finds the earliest time from..to from which on a page of one record can be read, by
// bisection: what can't be read is the first record from each earlier time on. try returns how many
// records it has read. If none can be read behind what can't be the error is the cause: what is left out is only what
// lies between others, so that a whole exchange that can't be read is never taken for an empty one.
func firstReadable(from, to int64, try func(since int64) (records int, err error), cause error) (int64, error) {
	if from > to {
		return 0, cause
	}
	some := 0
	switch n, err := try(to); {
	case skippable(err):
		return 0, cause
	case err != nil:
		return 0, err
	default:
		some = n
	}
	for from < to {
		middle := from + (to-from)/2
		switch n, err := try(middle); {
		case err == nil:
			to, some = middle, n
		case skippable(err):
			from = middle + 1
		default:
			return 0, err
		}
	}
	if some == 0 {
		return 0, cause
	}
	return to, nil
}

// size is how many records a page has, whatever they are.
func (p *Page) size() int { return len(p.Gone) + len(p.Records) + len(p.Faults) }
