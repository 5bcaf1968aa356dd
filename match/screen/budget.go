package screen

import (
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/pdq"
	"github.com/rematch-go/rematch/hash/region"
	"github.com/rematch-go/rematch/match"
)

// What a known video may keep of every second, in signals of 69 bytes in a bank file (and 85
// of its index): 21, which are 9.4 KB for six seconds of the liveliest footage. Most keeps
// less: frames that hardly differ are pruned.
const (
	mainRate = 15 // frames, as they are or within their border
	cropRate = 6  // crops of them, and whatever frames leave over
	// burst is how much of it may be spent at once, after a time in which it was not.
	burst = 500 * time.Millisecond
	// wholeEvery is how often a frame with a border is kept as a whole when there is not
	// enough for all.
	wholeEvery = time.Second
)

// videoCrops are the crops of a known video's frames: those of copies that lost 4, 10
// and 20 % of their width and height around the middle. A hash bears a per cent more or less.
var videoCrops = []crop{{5, 5, 90, 90}, {2, 2, 96, 96}, {10, 10, 80, 80}}

// budget is what is left of the rates.
type budget struct {
	last         time.Duration
	frames, crop time.Duration // worth of signals at their rates
}

func newBudget() budget { return budget{frames: burst, crop: burst} }

// pass adds what comes with the time from the last frame to this one.
func (b *budget) pass(now time.Duration) {
	b.frames += now - b.last
	b.crop += now - b.last
	if over := b.frames - burst; over > 0 {
		b.frames = burst
		b.crop += over * mainRate / cropRate
	}
	b.crop = min(b.crop, burst)
	b.last = now
}

// takeFrame and takeCrops spend a signal, or several, and report whether there was enough.
func (b *budget) takeFrame() bool { return spend(&b.frames, time.Second/mainRate) }

func (b *budget) takeCrops(n int) bool { return spend(&b.crop, time.Duration(n)*time.Second/cropRate) }

func spend(left *time.Duration, cost time.Duration) bool {
	if *left < cost {
		return false
	}
	*left -= cost
	return true
}

// frameCrops hashes the crops of a frame, or of what lies within its border.
func frameCrops(hasher *pdq.Hasher, l look) []match.Signal {
	var signals []match.Signal
	for _, c := range videoCrops {
		value, quality := hasher.Sum(region.Crop(l.picture, c.of(l.picture.Bounds())))
		if value.IsValid() && quality.Passes(hash.DefaultGate) {
			transform := append(l.transform[:len(l.transform):len(l.transform)], c.token())
			signals = append(signals, match.Signal{Value: value, Quality: quality, Transform: transform})
		}
	}
	return signals
}
