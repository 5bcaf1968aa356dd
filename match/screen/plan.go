package screen

import (
	"cmp"
	"slices"
	"time"

	"github.com/rematch-go/rematch/match"
)

// Pass is one look at a stretch of a video: a part of the plan that a verdict came from.
type Pass struct {
	Kind     PassKind
	Why      string        // why it was made: one of the Why tokens
	From, To time.Duration // of the upload; To is where it ended
	Frames   int           // that it added
}

// PassKind says which frames of a stretch were looked at.
type PassKind string

// The kinds of passes.
const (
	KeyFrames PassKind = "keys"  // those that decode alone, at most one in Options.Sample
	Sampled   PassKind = "every" // one in Options.Sample, which decodes all
	AllFrames PassKind = "all"   // all, which are compared with each other and not with the banks
)

// The reasons of passes.
const (
	WhyFirst    = "first"    // the beginning: key frames cost least
	WhySparse   = "sparse"   // key frames are too few or too far apart, or none is told, to begin with them
	WhyEdits    = "edits"    // the first one, if it is of the stored media: an edit list leaves out more than a second
	WhyComplete = "complete" // Options.Complete asked for all
	WhyGap      = "gap"      // no key frame in so long, or none that shows enough to be judged
	WhySpot     = "spot"     // do key frames belong to what is around them? And all, where they don't
	WhyStill    = "still"    // key frames that show the same again and again: what is between them?
	WhyWeak     = "weak"     // something agrees with a known video, too little for a match
	WhyDense    = "dense"    // steps of Options.Sample are still too little, or a video is short and lively: a quarter of them
	WhyEdge     = "edge"     // where a match begins and ends, more exactly
)

const (
	// fewKeys is how many key frames tell too little: a video of so few is decoded in little
	// more time than it takes to start the decoder, which would often have to be done twice.
	fewKeys = 2
	// mostLeftOut is how much of a video an edit list may keep from being shown, so that it is not
	// looked at either: what encoders put before the beginning is far less.
	mostLeftOut = time.Second
	// longestGap is the longest stretch without a judged frame that is left alone: a copy
	// of five seconds then has one frame at the least, and that one asks for a closer look.
	// It is the distance of key frames that encoders for streaming make, with room for
	// rounding.
	longestGap = 3250 * time.Millisecond
	// stillRadius is how near key frames are that show the same: as references are pruned.
	stillRadius = pruneRadius
	// A run of key frames of one picture that lasts from shortestStill to longestStill is
	// known by one stretch between two of them. Shorter ones are common: people who talk.
	shortestStill, longestStill = 10 * time.Second, time.Minute
	// anotherScene is how far a frame between two alike key frames is when they do not
	// stand for it: beyond PDQ's threshold.
	anotherScene = 31
	// Where the index tells of jumps after this share of the key frames, and in uploads so
	// long that starting a decoder twice more is a tenth of their cost or less, all frames
	// around some key frames are looked at, until fewSpots of them belong to the video, or as many
	// do not; around mostSpots at the most.
	jumpShare           = 0.4
	blindSpots          = 5 * time.Minute
	fewSpots, mostSpots = 2, 6
	// beforeKey and afterKey are how much around a key frame: a few frames before it at any
	// rate, and as long as another picture can be shown every two or three seconds while the
	// video is still worth watching.
	beforeKey, afterKey = 150 * time.Millisecond, 350 * time.Millisecond
	// A key frame belongs to a video if a frame beside it is within goesOn bits. It does not if none
	// is, or if the frame before it comes back soon, and the frames around it are nearer to each
	// other, by the bits of nearer. Frames of a hand-held camera are up to 80 bits from one to the
	// next but one, unrelated ones 128, give or take 12. Of 73 key frames of 11 ordinary videos one
	// was taken for a foreign one; of 21 that were, all; of 7 that were shown for a fifth of a second, three.
	goesOn, nearer = 80, 25
	// nearStretches are looked at in one pass: to start a decoder costs as much as to decode
	// so long.
	nearStretches = 4 * time.Second
	// mostStretches bounds the passes of one kind. More are one pass from the first to the last.
	mostStretches = 6
	// after is how long nothing more of a matching known video is seen until the rest of the
	// upload is left alone.
	after = time.Minute
	// A hand-held camera moves on by more than the threshold from one frame of a reference to the
	// next. So denser times as many frames are looked at where those in steps of Options.Sample agree
	// with a known video but are not enough, as long as that is longestDense together at the most; and in a
	// video of shortVideo at most, if most of its few frames are over farApart bits from the one before.
	denser       = 4
	longestDense = 20 * time.Second
	shortVideo   = 3 * time.Second
	farApart     = 2 * anotherScene
	// checkEvery is after how many frames of a pass it is asked whether that is so.
	checkEvery = 120
)

// looked is a frame that was looked at.
type looked struct {
	at     time.Duration
	key    bool
	judged bool
	value  [4]uint64 // of the whole picture, where it was judged
}

// stretch is a stretch of the upload, to exclusive.
type stretch = match.Span

// gaps returns the stretches between judged frames that are too long.
func gaps(frames []looked, end time.Duration) []stretch {
	var out []stretch
	last := time.Duration(0)
	for _, f := range append(slices.Clone(frames), looked{at: end, judged: true}) {
		if !f.judged {
			continue
		}
		if f.at-last > longestGap {
			out = append(out, stretch{From: last, To: f.at})
		}
		last = f.at
	}
	return out
}

// stills returns a stretch between two frames for every run of frames that show the
// same, and the run.
func stills(frames []looked) (spots, runs []stretch) {
	for i := 0; i < len(frames); {
		j := i + 1
		for j < len(frames) && frames[i].judged && frames[j].judged && frames[j].at-frames[i].at <= longestStill &&
			apart(frames[i].value, frames[j].value) <= stillRadius {
			j++
		}
		if frames[j-1].at-frames[i].at > shortestStill {
			middle := i + (j-1-i)/2
			if middle+1 < j {
				spots = append(spots, stretch{From: frames[middle].at, To: frames[middle+1].at})
				runs = append(runs, stretch{From: frames[i].at, To: frames[j-1].at})
			}
		}
		i = max(j-1, i+1)
	}
	return spots, runs
}

// without returns what of the stretches is in none of done, longer than least.
func without(all, done []stretch, least time.Duration) []stretch {
	var out []stretch
	for _, s := range all {
		from := s.From
		for _, d := range done { // rising
			if d.To <= from || d.From >= s.To {
				continue
			}
			if d.From-from > least {
				out = append(out, stretch{From: from, To: d.From})
			}
			from = max(from, d.To)
		}
		if s.To-from > least {
			out = append(out, stretch{From: from, To: s.To})
		}
	}
	return out
}

// joined returns the stretches in order, those that are near each other as one, and all
// as one if they are too many.
func joined(all []stretch) []stretch {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && s.From-out[n-1].To <= nearStretches {
			out[n-1].To = max(out[n-1].To, s.To)
		} else {
			out = append(out, s)
		}
	}
	if len(out) > mostStretches {
		out = []stretch{{From: out[0].From, To: out[len(out)-1].To}}
	}
	return out
}

// edges returns the stretches between two frames in which a segment of a match begins or
// ends, unless the known video does there, which tells it exactly.
func edges(frames []looked, matches []match.Match, step, end time.Duration) []stretch {
	var out []stretch
	add := func(at time.Duration) {
		i, _ := slices.BinarySearchFunc(frames, at, func(f looked, at time.Duration) int { return cmp.Compare(f.at, at) })
		from, to := time.Duration(0), end
		if i > 0 {
			from = frames[i-1].at
		}
		if i < len(frames) {
			to = frames[i].at
		}
		if to-from > step*3/2 {
			out = append(out, stretch{From: from, To: to})
		}
	}
	for i := range matches {
		m := &matches[i]
		if m.SuppressedBy != "" {
			continue
		}
		for _, s := range m.Evidence.Segments {
			if s.KnownFrom > 0 && s.QueryFrom > 0 {
				add(s.QueryFrom)
			}
			if s.KnownTo < m.Entry.Duration && s.QueryTo < end {
				add(s.QueryTo)
			}
		}
	}
	return out
}

// over reports whether a known video matched and nothing more of any is seen for so
// long before now that the rest of the upload may be left alone.
func over(matches []match.Match, now time.Duration) bool {
	last := time.Duration(-1)
	for i := range matches {
		if m := &matches[i]; m.SuppressedBy == "" {
			for _, s := range m.Evidence.Segments {
				last = max(last, s.QueryTo)
			}
		}
	}
	return last >= 0 && now-last > after
}
