package match

import "github.com/rematch-go/rematch/hash"

// Upload compares one upload, by several calls if need be: digests, a picture, frames. It is
// what a percentage roll-out decides by, and counts an entry that matches once however many of
// the calls find it (Options.Surge). Make one with Matcher.Upload. It is not safe for
// concurrent use; any number of them may be used side by side.
type Upload struct {
	m     *Matcher
	id    string
	first hash.Value // what stands for the upload if there is no ID
	now   int64      // Unix ns, of the call that goes on; 0: nobody has asked yet
	draws []draw

	counted bool // among the uploads of the running bucket
	seen    map[*item]struct{}
}

// Upload returns what compares the upload with an identity: the caller's own ID of it, or the
// digest of its bytes. Of an empty one the first digest among the looks given first stands for
// the upload, and without any the hash of the first look that is judged. The methods of Matcher
// of the same names are those of an Upload without an ID.
func (m *Matcher) Upload(id string) *Upload { return &Upload{m: m, id: id} }

// begin begins a call.
func (u *Upload) begin() { u.now = 0 }

// clock returns the time, the same one through a call.
func (u *Upload) clock() int64 {
	if u.now == 0 {
		u.now = u.m.rules.unixNano()
	}
	return u.now
}

// identify finds something that stands for an upload without an ID.
func (u *Upload) identify(looks []Look) {
	if u.id != "" || u.first.IsValid() {
		return
	}
	for i := range looks {
		l := &looks[i]
		switch digest := l.Value.Kind().IsDigest(); {
		case !l.Value.IsValid():
		case digest:
			u.first = l.Value
			return
		case !u.first.IsValid() && l.Quality.Passes(u.m.rules.gate):
			u.first = l.Value
		}
	}
}

// identity is what the upload is chosen by.
func (u *Upload) identity() string {
	if u.id == "" && u.first.IsValid() {
		u.id = u.first.String()
	}
	return u.id
}

// HasPercent reports whether some bank that is on is rolled out to a percentage of the uploads,
// so that Upload needs an identity. It never waits for a change.
func (m *Matcher) HasPercent() bool { return m.view.Load().percent }

// Match is as Matcher.Match.
func (u *Upload) Match(v hash.Value, q hash.Quality) ([]Match, error) {
	r, err := u.ScanPicture([]Look{{Value: v, Quality: q}})
	return r.Matches, err
}

// ScanVideo is as Matcher.ScanVideo.
func (u *Upload) ScanVideo(frames []QueryFrame) (VideoResult, error) {
	v := u.NewVideo()
	if err := v.Add(sortedFrames(frames)...); err != nil {
		return VideoResult{}, err
	}
	return v.Result()
}

// NewVideo is as Matcher.NewVideo.
func (u *Upload) NewVideo() *VideoScan {
	return &VideoScan{u: u, m: u.m, collect: newCollector(u)}
}

// count counts what matched, unless an allow-list suppresses it. keys are those of matches.
func (u *Upload) count(matches []Match, keys []key) {
	s := u.m.surges
	if s == nil {
		return
	}
	if !u.counted {
		u.counted = true
		s.upload(u.clock(), u.m.arrived.Load())
	}
	for i := range keys {
		it := keys[i].it
		if _, twice := u.seen[it]; twice || matches[i].SuppressedBy != "" {
			continue
		}
		if u.seen == nil {
			u.seen = make(map[*item]struct{})
		}
		u.seen[it] = struct{}{}
		if q, suddenly := s.match(it, u.clock(), u.m.arrived.Load()); suddenly {
			u.m.setAside(it, q)
		}
	}
}
