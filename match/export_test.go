package match

import (
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match/internal/mih"
)

// Candidates returns how many hashes a search compares in whole.
func (x *MIH) Candidates(q hash.Value, radius int) int {
	var stats mih.Stats
	words := q.Words()
	_ = x.set.SearchStats(&words, radius, &stats, func(uint32, int) {}) // nothing of it is in a file
	return stats.Candidates
}

// Wait returns when nothing goes on in the background.
func (x *MIH) Wait() { x.set.Wait() }
