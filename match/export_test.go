package match

import (
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// Candidates returns how many hashes a search compares in whole.
func (x *MIH) Candidates(q hash.Value, radius int) int {
	var stats mih.Stats
	words := q.Words()
	x.set.SearchStats(&words, radius, &stats, func(uint32, int) {})
	return stats.Candidates
}

// Wait returns when nothing goes on in the background.
func (x *MIH) Wait() { x.set.Wait() }

// Wait returns when nothing goes on in the background.
func (d *Digests) Wait() {
	for i := range d.sets {
		if x := d.sets[i].Load(); x != nil {
			x.Wait()
		}
	}
}
