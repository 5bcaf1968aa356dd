//go:build !purego

package mih

import "golang.org/x/sys/cpu"

// vectors tells that this processor runs the kernels of filter_amd64.s.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI2

// filterAVX2 is filterGo, except that it stops where there is no room for 16 more.
// It reads up to padding verifiers behind a run. n is positive.
//
//go:noescape
func filterAVX2(verify *uint16, runs *run, n int, out *candidate, room int) (done, found int)

func filter(verify []uint16, runs []run, out *[maxCandidates]candidate) (done, found int) {
	if !vectors || len(runs) == 0 {
		return filterGo(verify, runs, out)
	}
	return filterAVX2(&verify[0], &runs[0], len(runs), &out[0], len(out))
}
