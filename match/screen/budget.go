package screen

import "time"

// What a known video may keep of every second, in signals of 52 to 69 bytes in a bank file
// (and 85 of its index): 20, which are 7 KB for six seconds of the liveliest footage. Most
// keeps less: frames that hardly differ are pruned.
const (
	mainRate = 12 // frames, as they are or within their border
	partRate = 8  // parts of them
	// burst is how much of it may be spent at once, after a time in which it was not: of
	// parts it is one of each.
	burst     = 500 * time.Millisecond
	partBurst = time.Second
	// wholeEvery is how often a frame with a border is kept as a whole when there is not
	// enough for all.
	wholeEvery = time.Second
)

// budget is what is left of the rates.
type budget struct {
	last         time.Duration
	frames, part time.Duration // worth of signals at their rates
}

func newBudget() budget { return budget{frames: burst, part: partBurst} }

// pass adds what comes with the time from the last frame to this one.
func (b *budget) pass(now time.Duration) {
	b.frames = min(b.frames+now-b.last, burst)
	b.part = min(b.part+now-b.last, partBurst)
	b.last = now
}

// takeFrame and takePart spend a signal, and report whether there was enough.
func (b *budget) takeFrame() bool { return spend(&b.frames, time.Second/mainRate) }

func (b *budget) takePart() bool { return spend(&b.part, time.Second/partRate) }

func spend(left *time.Duration, cost time.Duration) bool {
	if *left < cost {
		return false
	}
	*left -= cost
	return true
}
