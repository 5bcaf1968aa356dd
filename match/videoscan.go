package match

import (
	"slices"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// maxFarComparisons bounds the comparisons beyond the threshold of one verdict, all known
// videos together: about half a second's. Over it VideoResult.Limited is set.
const maxFarComparisons = 1 << 26

// VideoScan is a video that is compared while its frames come. Make one with NewVideo. It
// is not safe for concurrent use; any number of them may be used side by side.
//
// It keeps the frames given with their looks, and what they agree with: for each frame at
// most 4,096 pairs with an entry, far fewer in long videos (about a million for all frames
// together), of up to 32 places each, some 100 bytes a look, and half a megabyte.
type VideoScan struct {
	u       *Upload
	m       *Matcher
	frames  []QueryFrame // as they came
	collect collector
	err     error // of a search: some frames may be missing
}

// NewVideo returns a VideoScan that compares with the banks of m. Each frame is compared
// with the banks as they are when it is added; an entry that is removed or disabled
// meanwhile is in no verdict from then on. Where one with which frames agree is replaced (PutEntries),
// Result compares all frames anew, three times at most: then VideoResult.Limited is set.
func (m *Matcher) NewVideo() *VideoScan { return m.Upload("").NewVideo() }

// Add compares frames with the banks. They may come in any order of times, in as many
// calls as one likes: key frames first, and others between them later. It makes no
// difference to the verdict, but where that is Limited. The frames' looks must not be
// changed from then on.
//
// It costs a search for each look; hundreds at once cost less than one by one. Frames of impossible times or looks are ErrInvalid,
// and then none of the call's are added. After any other error, which is a damaged bank
// file's, the scan is of no more use: Add and Result return it again.
func (v *VideoScan) Add(frames ...QueryFrame) error {
	if v.err != nil {
		return v.err
	}
	for i := range frames {
		if err := frames[i].check(v.m.rules.gate); err != nil {
			return err
		}
	}
	v.u.begin()
	for i := range frames {
		v.u.identify(frames[i].Looks)
	}
	v.add(frames)
	return v.err
}

// add compares frames, until there is an error.
func (v *VideoScan) add(frames []QueryFrame) {
	for len(frames) > 0 && v.err == nil {
		var n int
		n, v.err = v.collect.ahead.fill(v.m, frames, reach{gate: v.m.rules.gate})
		for i := 0; i < n && v.err == nil; i++ {
			v.frames = append(v.frames, frames[i])
			v.err = v.collect.frame(&v.frames[len(v.frames)-1], v.m.rules.gate)
		}
		frames = frames[n:]
	}
	v.collect.previous = nil
	clear(v.collect.ahead.place) // the banks may change until the next call
}

// again compares the frames anew.
func (v *VideoScan) again() {
	frames := v.frames
	v.frames, v.collect = frames[:0], newCollector(v.u)
	v.add(frames)
}

// Result returns the verdict on all frames that were added by now, as ScanVideo would
// give it, and with its errors. It may be called at any time and again. It costs about a
// microsecond for each pair of a frame and an entry within the threshold, and a search
// beyond it for up to 48 frames that no match accounts for, but those that the last call
// searched: 30 milliseconds among a million hashes. All that is done again, with the searches of
// Add, where an entry was replaced. Frames are held against the banks as
// they are then. With Options.Surge it counts what matches, once for an upload, and may set an entry
// aside and call SurgeRule.Heard.
func (v *VideoScan) Result() (VideoResult, error) {
	if v.err != nil {
		return VideoResult{}, v.err
	}
	v.u.begin()
	q := newQuery(v.frames, v.collect.crowds, v.m.rules.gate)
	result := VideoResult{Frames: len(q.frames), Judged: q.judged}
	if q.judged == 0 {
		return result, &LowQualityError{Quality: q.best, Gate: v.m.rules.gate}
	}
	r := v.rule(q)
	for try := 0; r.replaced && v.err == nil; try++ {
		if try == mostAgain {
			result.Limited = true
			r.once()
			break
		}
		if v.again(); v.err == nil {
			q = newQuery(v.frames, v.collect.crowds, v.m.rules.gate)
			r = v.rule(q)
		}
	}
	if v.err != nil {
		return VideoResult{}, v.err
	}
	result.Limited = result.Limited || r.limited || r.budget <= 0
	for i := range r.outcomes {
		result.Limited = result.Limited || r.outcomes[i].limited
	}
	result.Matches, result.Weak = v.conclude(q, r.outcomes, r.allowed, &r.budget)
	result.Shadow, result.shadowWeak = v.conclude(q, r.shadowed, r.allowed, &r.shadowBudget)
	return result, nil
}

// mostAgain is how often one verdict compares all frames anew because entries are replaced.
var mostAgain = 3 // a variable for tests

// ruling is what the candidates came to.
type ruling struct {
	outcomes, shadowed, allowed []outcome
	budget, shadowBudget        int // comparisons beyond the threshold that are left
	limited                     bool
	replaced                    bool // so was an entry with which frames agree: it takes comparing anew
}

// once leaves out what was replaced and is there as what has replaced it as well.
func (r *ruling) once() {
	type name struct {
		bank *bank
		id   string
		kind hash.Kind
	}
	there := make(map[name]bool)
	all := []*[]outcome{&r.outcomes, &r.shadowed, &r.allowed}
	nameOf := func(o *outcome) name { return name{o.it.bank, o.it.id, o.match.Evidence.Kind} }
	replaced := func(o *outcome) bool { return o.it.off.Load()&offReplaced != 0 }
	for _, of := range all {
		for i := range *of {
			if o := &(*of)[i]; !replaced(o) {
				there[nameOf(o)] = true
			}
		}
	}
	for _, of := range all {
		*of = slices.DeleteFunc(*of, func(o outcome) bool {
			twice := replaced(&o) && there[nameOf(&o)]
			there[nameOf(&o)] = true // of several that were replaced one after the other the first
			return twice
		})
	}
}

// rule judges what the frames agree with.
func (v *VideoScan) rule(q *query) (r ruling) {
	r.budget, r.shadowBudget = maxFarComparisons, maxFarComparisons
	type place struct {
		shadowedBy string // empty: among those that are not
		i          int
	}
	of := make(map[key]place)
	judge := func(candidates []*candidate) {
		live, replaced := v.u.stillLive(candidates)
		r.replaced = r.replaced || replaced
		for _, cand := range live {
			at, again := of[cand.key]
			if again {
				cand.shadowedBy = at.shadowedBy // as at first: somebody may have changed it meanwhile
			}
			left, all := &r.budget, &r.outcomes
			if cand.shadowedBy != "" {
				left, all = &r.shadowBudget, &r.shadowed
			}
			var o outcome
			switch {
			case !cand.key.it.isVideo():
				o = judgePicture(q, cand)
			case cand.matched == 0 && *left <= 0:
				continue
			default:
				o = judgeVideo(q, cand, &v.m.rules, left)
			}
			o.match.ShadowedBy = cand.shadowedBy
			switch {
			case again && (len(o.missing) == 0 || len((*all)[at.i].missing) > 0):
				(*all)[at.i] = o
			case again:
			case !cand.key.it.bank.allow:
				of[cand.key] = place{cand.shadowedBy, len(*all)}
				*all = append(*all, o)
			case len(o.missing) == 0:
				r.allowed = append(r.allowed, o)
			}
		}
	}
	var candidates []*candidate
	candidates, r.limited = v.collect.candidates(q)
	judge(candidates)
	if candidates, v.err = v.collect.farther(q, q.open(r.outcomes), v.m.rules.gate); v.err == nil {
		judge(candidates)
	}
	// Or was replaced since it was judged: then what it was found by later may be another's.
	for _, of := range [][]outcome{r.outcomes, r.shadowed, r.allowed} {
		for i := range of {
			r.replaced = r.replaced || of[i].it.off.Load()&offReplaced != 0
		}
	}
	return r
}

// conclude sorts outcomes into matches and what is too little to be one.
func (v *VideoScan) conclude(q *query, outcomes, allowed []outcome, budget *int) (matches []Match, weak []WeakMatch) {
	discountIntros(q, outcomes, budget)
	suppress(q, outcomes, allowed)
	var keys []key
	for i := range outcomes {
		if o := &outcomes[i]; len(o.missing) == 0 {
			matches, keys = append(matches, o.match), append(keys, key{it: o.it})
		} else if !o.nothing {
			weak = append(weak, WeakMatch{o.match, o.missing, o.closer})
		}
	}
	v.u.count(matches, keys)
	sortMatches(matches)
	slices.SortFunc(weak, func(a, b WeakMatch) int { return compareMatches(&a.Match, &b.Match) })
	return matches, weak
}

// Span is a stretch of time from the start of the media, To exclusive.
type Span struct{ From, To time.Duration }
