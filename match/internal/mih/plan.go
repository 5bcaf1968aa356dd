package mih

import (
	"math"
	"math/bits"
)

// maxReach is the largest radius within one slot that groups are looked up for.
// Beyond, there are more groups than most segments have hashes.
const maxReach = 3

// unprobed is the reach of a slot that is not looked at.
const unprobed = -1

// neighbours are the 16-bit masks of up to maxReach bits: by their number of bits,
// then rising, so that those within the low b bits come first of each number.
var neighbours = func() (by [maxReach + 1][]uint16) {
	for m := range 1 << slotBits {
		if c := bits.OnesCount(uint(m)); c <= maxReach {
			by[c] = append(by[c], uint16(m))
		}
	}
	return by
}()

// choose returns how many masks of c bits there are within b bits.
func choose(b uint, c int) int {
	n := 1
	for i := range c {
		n = n * (int(b) - i) / (i + 1)
	}
	return n
}

// plan is how a query looks into a segment: reach[i] is the radius within slot i,
// or unprobed. The sum of all reach[i]+1 is the query's radius plus 1. So a hash in
// which every slot's distance is over its reach is over the radius: whatever is
// within it lies within the reach of some slot. That is the general pigeonhole
// principle (Qin et al., GPH, ICDE 2018).
type plan struct {
	reach  [16]int8
	rule   rule
	slots  int
	limits limits
}

// rule is how members of the groups are chosen for their hashes to be compared. Each
// rule chooses every hash within the radius in some slot; the first such slot
// reports it, so that it is reported once.
type rule uint8

const (
	// chained: put the slots in a circle. As the surplus of distance over reach+1 sums
	// to less than 0, there is a slot from which on every partial sum is below 0 (the
	// cycle lemma; Qin and Xiao's pigeonring, VLDB 2018). The first two of the sums are
	// what the verifiers decide: the slot is within its reach, and with the following
	// one within the sum of both reaches plus 1. Of random members 1 in 500 is chosen;
	// of a cluster around the query, most are, in nearly every slot.
	chained rule = iota
	// byEnds: the slot is within its reach and the following one is not, or there is
	// none. It chooses nearly all random members, and those of a cluster around the
	// query once or twice.
	byEnds
	// scanned: no groups, every hash is compared.
	scanned
)

const (
	// runCost is the cost of looking up one group in verifiers compared.
	runCost = 24
	// scanCost is the cost of comparing one whole hash in a scan in verifiers compared.
	scanCost = 8
	// candidateCost is the cost of looking up and comparing one hash in the same.
	candidateCost = 80
	// skewed is how many times the cost that evenly spread hashes would have makes
	// a better plan worth looking for.
	skewed = 2
)

// planFor makes a plan for the query's slots.
func (s *segment) planFor(values *[16]uint16, radius int) plan {
	p := s.evenPlan(values, radius)
	total := 0
	if p.rule != scanned {
		for i := range s.slots {
			total += s.cost(values, i, int(p.reach[i]))
		}
	}
	s.settle(&p, values, radius, total)
	return p
}

// evenPlan starts a plan: all slots have the same reach, or nearly. A search of groups
// that reach too far is a scan.
func (s *segment) evenPlan(values *[16]uint16, radius int) plan {
	var p plan
	units := radius + 1
	even := units/s.slots - 1 // -1 is unprobed
	if even > maxReach || even == maxReach && units%s.slots > 0 {
		p.rule = scanned
		return p
	}
	for i := range s.slots {
		p.reach[i] = int8(even)
	}
	// What is left over goes to the slots with the smallest groups.
	if extra := units % s.slots; extra > 0 {
		var size [16]uint32
		for i := range s.slots {
			size[i] = s.groupSize(s.group(values, i))
		}
		for range extra {
			best := -1
			for i := range s.slots {
				if int(p.reach[i]) == even && (best < 0 || size[i] < size[best]) {
					best = i
				}
			}
			p.reach[best]++
		}
	}
	return p
}

// settle completes a plan whose slots cost that much in all: with a better one, or a
// scan, if it is too much.
func (s *segment) settle(p *plan, values *[16]uint16, radius, total int) {
	if p.rule == scanned {
		return
	}
	expected := 0
	perGroup := s.n >> s.keyBits
	for i := range s.slots {
		for c := 0; c <= int(p.reach[i]); c++ {
			expected += choose(s.keyBits, c) * (perGroup + 1 + runCost)
		}
	}
	if total > skewed*expected {
		total = s.replan(p, values, radius+1)
	}
	if total > scanCost*s.n {
		p.rule = scanned
	}
	p.seal(s.slots)
}

// group returns the number of the group that the query is in, over all slots.
func (s *segment) group(values *[16]uint16, slot int) int {
	return slot<<s.keyBits | int(values[slot]>>(slotBits-s.keyBits))
}

func (s *segment) groupSize(group int) uint32 { return s.bounds[group+1] - s.bounds[group] }

// cost returns what looking at a slot to a reach costs.
func (s *segment) cost(values *[16]uint16, slot, reach int) int {
	g := s.group(values, slot)
	sum := 0
	for c := 0; c <= reach; c++ {
		masks := neighbours[c][:choose(s.keyBits, c)]
		for _, m := range masks {
			sum += int(s.groupSize(g ^ int(m)))
		}
		sum += runCost * len(masks)
	}
	return sum
}

// replan finds the cheapest reaches that have the units, and returns their cost.
// Groups at distance 3 are taken to be as large as the average.
func (s *segment) replan(p *plan, values *[16]uint16, units int) int {
	const none = math.MaxInt / 2
	var costs [16][maxReach + 2]int // by units
	average := (s.n >> s.keyBits) + runCost
	for i := range s.slots {
		for reach := range maxReach {
			costs[i][reach+1] = s.cost(values, i, reach)
		}
		costs[i][maxReach+1] = costs[i][maxReach] + choose(s.keyBits, maxReach)*average
	}
	// best[u] is the least cost of u units in the slots so far, took how many of
	// them the last one has.
	var best [16*(maxReach+1) + 1]int
	var took [16][16*(maxReach+1) + 1]int8
	for u := 1; u <= units; u++ {
		best[u] = none
	}
	for i := range s.slots {
		for u := units; u >= 0; u-- {
			least, by := none, 0
			for t := 0; t <= min(u, maxReach+1); t++ {
				if c := best[u-t] + costs[i][t]; c < least {
					least, by = c, t
				}
			}
			best[u], took[i][u] = least, int8(by)
		}
	}
	u := units
	for i := s.slots - 1; i >= 0; i-- {
		p.reach[i] = took[i][u] - 1
		u -= int(took[i][u])
	}
	return best[units]
}

// lanes holds a number for each of four slots: 16 bits each, the first at the top.
// The distances and what they are compared with are below 0x8000.
type lanes = uint64

const each = 0x0001_0001_0001_0001

// distances returns the Hamming distance of each of four slots.
func distances(x uint64) lanes {
	x -= x >> 1 & 0x5555_5555_5555_5555
	x = x&0x3333_3333_3333_3333 + x>>2&0x3333_3333_3333_3333
	x = (x + x>>4) & 0x0f0f_0f0f_0f0f_0f0f
	return (x + x>>8) & 0x00ff_00ff_00ff_00ff
}

// over returns a bit for each lane of d, the first lane's lowest, that is over the
// limit. slack is 0x7fff less the limit, in each lane.
func over(d, slack lanes) uint32 {
	const gather = 1 | 2<<16 | 4<<32 | 8<<48
	return uint32((d + slack) >> 15 & each * gather >> 48)
}

// limits are a plan's bounds, as over takes them.
type limits struct {
	reach, both [4]lanes // of each slot; of it and the following one together
}

// seal works out the limits of a plan that is otherwise complete.
func (p *plan) seal(slots int) {
	p.slots = slots
	for i := range slots {
		reach, after := int(p.reach[i]), int(p.reach[(i+1)%slots])
		shift := 48 - 16*(i%4)
		p.limits.reach[i/4] |= uint64(0x7fff-reach) << shift
		p.limits.both[i/4] |= uint64(0x7fff-(reach+after+1)) << shift
	}
}

// reports tells whether a hash within the radius is to be reported by this slot.
// differing is the exclusive or of it and the query.
func (p *plan) reports(differing *[4]uint64, slot int) bool {
	var d [5]lanes
	width := p.slots / 4
	far := uint32(0) // slots that are over their reach
	for i := range width {
		d[i] = distances(differing[i])
		far |= over(d[i], p.limits.reach[i]) << (4 * i)
	}
	chosen := ^far
	if p.rule == byEnds {
		chosen &= far>>1 | 1<<(p.slots-1)
	} else {
		d[width] = d[0]
		for i := range width {
			chosen &^= over(d[i]+(d[i]<<16|d[i+1]>>48), p.limits.both[i]) << (4 * i)
		}
	}
	return bits.TrailingZeros32(chosen) == slot
}

// sampled is how many members of a group are looked at to guess how many a rule
// chooses.
const sampled = 64

// cheapest returns the cheapest rule for the plan, of w.
func (s *segment) cheapest(w *work) rule {
	chain, ends := 0, 0 // how many are chosen
	w.plan.rule = chained
	for c := (cursor{left: s.slots}); c.left > 0; {
		for _, r := range w.runs[:s.nextRuns(w, &c)] {
			slot := int(r.group >> s.keyBits)
			after := int(w.plan.reach[(slot+1)%s.slots])
			step := (r.n + sampled - 1) / sampled
			for i := uint32(0); i < r.n; i += step {
				d := bits.OnesCount16(s.verify[r.at+i] ^ uint16(r.want))
				if d <= int(r.limit) {
					chain += int(step)
				}
				if d > after || slot == s.slots-1 {
					ends += int(step)
				}
			}
		}
	}
	switch least := min(chain, ends) * candidateCost; {
	case least > s.n*scanCost:
		return scanned
	case chain <= ends:
		return chained
	}
	return byEnds
}
