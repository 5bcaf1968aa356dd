//go:build purego || !amd64

package mih

func filter(verify []uint16, runs []run, out *[maxCandidates]candidate) (done, found int) {
	return filterGo(verify, runs, out)
}
