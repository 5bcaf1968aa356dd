package mih

import (
	"math/bits"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The kernel passes what the Go one does, in the same order, also where room runs
// out: it may only stop earlier.
func TestFilterKernels(t *testing.T) {
	r := seeded()
	verify := make([]uint16, 5000+padding)
	for i := range verify {
		verify[i] = uint16(r.Uint32())
		if r.IntN(3) == 0 {
			verify[i] = 0x1234 ^ 1<<r.IntN(16)
		}
	}
	for round := range 3000 {
		runs := make([]run, r.IntN(40))
		for i := range runs {
			n := 1 + r.IntN(50)
			if round%5 == 0 {
				n = 1 + r.IntN(900)
			}
			runs[i] = run{at: uint32(r.IntN(5000 - n)), n: uint32(n), want: 0x1234, limit: int32(r.IntN(17)), group: uint32(i)}
		}
		want := collect(slices.Clone(runs), verify, filterGo)
		require.Equal(t, want, collect(slices.Clone(runs), verify, filter))
	}
}

func collect(runs []run, verify []uint16, f func([]uint16, []run, *[maxCandidates]candidate) (int, int)) (all []candidate) {
	var out [maxCandidates]candidate
	for done := 0; done < len(runs); {
		whole, n := f(verify, runs[done:], &out)
		for _, c := range out[:n] {
			all = append(all, candidate{c.run + uint32(done), c.at})
		}
		done += whole
	}
	return all
}

func TestSelectBit(t *testing.T) {
	r := seeded()
	for range 2000 {
		w := r.Uint64() & r.Uint64()
		n := 0
		for at := range 64 {
			if w>>at&1 != 0 {
				require.Equal(t, at, selectBit(w, n), "%x %d", w, n)
				n++
			}
		}
	}
}

func TestNeighbours(t *testing.T) {
	for c, masks := range neighbours {
		require.Len(t, masks, choose(slotBits, c))
		require.True(t, slices.IsSorted(masks))
		for b := uint(1); b <= slotBits; b++ {
			for i, m := range masks {
				require.Equal(t, i < choose(b, c), m < 1<<b || b == slotBits, "%d of %d bits", i, c)
				require.Equal(t, c, bits.OnesCount16(m))
			}
		}
	}
}

// Every plan has as many units as the pigeonhole principle asks for.
func TestPlansHaveTheirUnits(t *testing.T) {
	for _, width := range []int{1, 4} {
		for _, set := range sets {
			r := seeded()
			hashes := set.make(r, width, 4000)
			refs, words := flat(hashes, width)
			s := newSegment(sortedList(width, words, refs))
			for radius := range 64 * width {
				q := nearby(r, hashes, width, radius)
				var values [16]uint16
				for i := range s.slots {
					values[i] = slotOf(q[:], i)
				}
				p := s.planFor(&values, radius)
				if p.rule == scanned {
					continue
				}
				units := 0
				for i := range s.slots {
					require.GreaterOrEqual(t, int(p.reach[i]), unprobed)
					require.LessOrEqual(t, int(p.reach[i]), maxReach)
					units += int(p.reach[i]) + 1
				}
				require.Equal(t, radius+1, units, "%s, radius %d", set.name, radius)
			}
		}
	}
}

// Each rule chooses every hash within the radius in some slot, and reports tells
// the first of them: by the definition, slot by slot.
func TestReportsByTheDefinition(t *testing.T) {
	r := seeded()
	for range 20_000 {
		width := []int{1, 4}[r.IntN(2)]
		slots, radius := 4*width, r.IntN(16*width)
		var p plan
		for i := range p.reach {
			p.reach[i] = unprobed
		}
		for range radius + 1 {
			for {
				if i := r.IntN(slots); p.reach[i] < maxReach {
					p.reach[i]++
					break
				}
			}
		}
		p.rule = []rule{chained, byEnds}[r.IntN(2)]
		p.seal(slots)
		differing := flipped(r, hash{}, width, r.IntN(radius+1))
		first := -1
		for i := slots - 1; i >= 0; i-- {
			d, after := bits.OnesCount16(slotOf(differing[:], i)), bits.OnesCount16(slotOf(differing[:], (i+1)%slots))
			reach, next := int(p.reach[i]), int(p.reach[(i+1)%slots])
			chosen := d <= reach && d+after <= reach+next+1
			if p.rule == byEnds {
				chosen = d <= reach && (i == slots-1 || after > next)
			}
			if chosen {
				first = i
			}
		}
		require.GreaterOrEqual(t, first, 0, "no slot finds it")
		for i := range slots {
			require.Equal(t, i == first, p.reports(&differing, i))
		}
	}
}
