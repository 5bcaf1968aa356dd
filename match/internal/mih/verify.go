package mih

// checkOrder makes sure of the hashes and refs: each hash is larger than the one
// before, and so are the refs of one hash.
func (a *arrays) checkOrder() {
	a.origin.check(Words, 0, len(a.words))
	a.origin.check(Refs, 0, len(a.refs))
	w := a.width
	for i := 1; i < a.n; i++ {
		if compare(a.words[(i-1)*w:i*w], a.words[i*w:(i+1)*w]) >= 0 {
			a.origin.damaged(Words, i*w, "the hashes do not rise")
		}
	}
	if a.starts == nil {
		return
	}
	for i := range a.n {
		from, to := a.refsOf(i)
		for from++; from < to; from++ {
			if a.refs[from-1] >= a.refs[from] {
				a.origin.damaged(Refs, from, "the refs of a hash do not rise")
			}
		}
	}
}
