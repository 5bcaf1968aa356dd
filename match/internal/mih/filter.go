package mih

import "math/bits"

// filter compares the verifiers of runs with what they want, and writes those that
// pass to out, in order. It returns how many runs it got through and how many
// passed. A run that it stopped in, for want of room, is shortened by what was done.
func filterGo(verify []uint16, runs []run, out *[maxCandidates]candidate) (done, found int) {
	for i := range runs {
		r := &runs[i]
		want, limit := uint16(r.want), int(r.limit)
		for j, v := range verify[r.at : r.at+r.n] {
			if bits.OnesCount16(v^want) > limit {
				continue
			}
			if found == len(out) {
				r.at, r.n = r.at+uint32(j), r.n-uint32(j)
				return i, found
			}
			out[found] = candidate{uint32(i), r.at + uint32(j)}
			found++
		}
	}
	return len(runs), found
}
