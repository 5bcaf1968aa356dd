package match

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Curation is what curators and other members say of an entry, beside its signals. It is a
// plain value. Once an entry with it was given away it must not be changed; Clone it.
type Curation struct {
	// DisabledUntil is until when, exclusive, the entry matches nothing; zero: it is not
	// disabled for a time. (Entry.Disabled is for good.)
	DisabledUntil time.Time
	// Expires is from when on, inclusive, the entry matches nothing; zero: never.
	Expires  time.Time
	Note     string
	Decision Decision  // ours; it overlays the opinions and leaves them as they were received
	Opinions []Opinion // others' and ours, in the order they came
	// Quarantine is set while the entry is set aside for matching far more than it used to; see
	// Options.Surge. It holds no more once our Decision is Positive.
	Quarantine Quarantine
	Origin     Origin
}

// Opinion is what a member of an exchange, or one of our curators, says of an entry.
type Opinion struct {
	By   string // who: the member's name or ID there, or the curator's
	Ours bool   // a curator of ours
	Says Stance // Positive, Seed or Negative
	At   time.Time
	Tags []string
}

// Decision is what we decided of an entry, whatever others say of it. The zero value: nothing.
type Decision struct {
	Stance Stance // Positive: confirmed; Negative: deconfirmed; NoOpinion: not decided
	By     string
	At     time.Time
	Note   string
}

// Quarantine says since when an entry is set aside, and for which figures. The zero value: it
// is not.
type Quarantine struct {
	Since   time.Time
	Count   int     // uploads that it matched in the running bucket of time
	Usual   float64 // uploads that it matched in one before, in the mean
	Uploads int     // that were compared in the running bucket
}

// Origin is where an entry came from.
type Origin struct {
	Exchange string // such as "ncmec" or "gifct"; empty: it is ours
	Member   string // who shared it there
	ID       string // what they call it
	Fetched  time.Time
	Severity string // in their words, such as A1
	Tags     []string
}

// Stance is what is said of an entry, by one member or by all together.
type Stance uint8

// The stances. Disputed is none that anybody has: it is what conflicting ones come to.
const (
	NoOpinion Stance = iota
	Positive         // it is what the bank is for
	Seed             // an investigation seed: to be looked at, not reviewed by who shared it
	Negative         // it is not what the bank is for
	Disputed
	stances
)

var stanceNames = [stances]string{"none", "positive", "seed", "negative", "disputed"}

// String returns the stable token: none, positive, seed, negative or disputed.
func (s Stance) String() string {
	if s < stances {
		return stanceNames[s]
	}
	return "invalid"
}

// ParseStance is the inverse of String. The error is ErrInvalid.
func ParseStance(token string) (Stance, error) {
	if i := slices.Index(stanceNames[:], token); i >= 0 {
		return Stance(i), nil
	}
	return 0, fmt.Errorf("%w: %q is no stance; want none, positive, seed, negative or disputed", ErrInvalid, token)
}

// MarshalText returns the token. The error is ErrInvalid.
func (s Stance) MarshalText() ([]byte, error) {
	if s >= stances {
		return nil, fmt.Errorf("%w: stance %d", ErrInvalid, uint8(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads the token. The error is ErrInvalid.
func (s *Stance) UnmarshalText(text []byte) (err error) {
	*s, err = ParseStance(string(text))
	return err
}

// Stance is what the entry counts for. What we decided stands. Otherwise the latest opinion of
// each who has one counts, ours like others': positive and negative ones together are Disputed,
// else the answer is Positive, Negative or Seed, the first of these that anybody says. A nil
// Curation is NoOpinion.
func (c *Curation) Stance() Stance {
	if c == nil {
		return NoOpinion
	}
	if c.Decision.Stance != NoOpinion {
		return c.Decision.Stance
	}
	latest := make(map[who]*Opinion) // of a few it is on the stack
	for i := range c.Opinions {
		o := &c.Opinions[i]
		if last := latest[o.who()]; last == nil || !o.At.Before(last.At) {
			latest[o.who()] = o
		}
	}
	var said [stances]bool
	for _, o := range latest { // in any order: the same comes out
		said[o.Says] = true
	}
	switch {
	case said[Positive] && said[Negative]:
		return Disputed
	case said[Positive]:
		return Positive
	case said[Negative]:
		return Negative
	case said[Seed]:
		return Seed
	}
	return NoOpinion
}

// who has an opinion.
type who struct {
	by   string
	ours bool
}

func (o *Opinion) who() who { return who{o.By, o.Ours} }

func (o *Opinion) sameWho(p *Opinion) bool { return o.who() == p.who() }

// Say adds an opinion, in the place of the one that the same member had.
func (c *Curation) Say(o Opinion) {
	for i := range c.Opinions {
		if c.Opinions[i].sameWho(&o) {
			c.Opinions[i] = o
			return
		}
	}
	c.Opinions = append(c.Opinions, o)
}

// Receive takes over what an exchange has of the entry by now: the origin and all opinions of
// others. What is ours stays: decision, opinions, note, dates and quarantine. Opinions of those
// who had one keep their places, whatever order they come in: doing it twice is as doing it once.
func (c *Curation) Receive(from Origin, opinions ...Opinion) {
	c.Origin = from
	latest := make(map[string]*Opinion, len(opinions)) // one by one Say would look through all of them each time
	for i := range opinions {
		latest[opinions[i].By] = &opinions[i]
	}
	var all []Opinion
	take := func(by string) {
		if o := latest[by]; o != nil {
			all = append(all, *o)
			all[len(all)-1].Ours = false
			delete(latest, by)
		}
	}
	for _, o := range c.Opinions {
		if o.Ours {
			all = append(all, o)
		} else {
			take(o.By)
		}
	}
	for i := range opinions {
		take(opinions[i].By)
	}
	c.Opinions = all
}

// Clone returns a copy that shares nothing; of nil a Curation that says nothing.
func (c *Curation) Clone() *Curation {
	if c == nil {
		return &Curation{}
	}
	d := *c
	d.Origin.Tags = slices.Clone(c.Origin.Tags)
	d.Opinions = slices.Clone(c.Opinions)
	for i := range d.Opinions {
		d.Opinions[i].Tags = slices.Clone(d.Opinions[i].Tags)
	}
	return &d
}

// Equal reports whether two say the same; nil says nothing.
func (c *Curation) Equal(d *Curation) bool {
	if c == nil || d == nil {
		return c.empty() && d.empty()
	}
	return c.DisabledUntil.Equal(d.DisabledUntil) && c.Expires.Equal(d.Expires) && c.Note == d.Note &&
		c.Decision.Stance == d.Decision.Stance && c.Decision.By == d.Decision.By && c.Decision.At.Equal(d.Decision.At) && c.Decision.Note == d.Decision.Note &&
		c.Quarantine.Since.Equal(d.Quarantine.Since) && c.Quarantine.Count == d.Quarantine.Count && c.Quarantine.Usual == d.Quarantine.Usual && c.Quarantine.Uploads == d.Quarantine.Uploads &&
		c.Origin.Exchange == d.Origin.Exchange && c.Origin.Member == d.Origin.Member && c.Origin.ID == d.Origin.ID &&
		c.Origin.Fetched.Equal(d.Origin.Fetched) && c.Origin.Severity == d.Origin.Severity && slices.Equal(c.Origin.Tags, d.Origin.Tags) &&
		slices.EqualFunc(c.Opinions, d.Opinions, func(o, p Opinion) bool {
			return o.sameWho(&p) && o.Says == p.Says && o.At.Equal(p.At) && slices.Equal(o.Tags, p.Tags)
		})
}

func (c *Curation) empty() bool { return c == nil || c.Equal(&Curation{}) }

// Held reports whether the entry is in quarantine. What we confirmed is not, whatever it matches, and
// a nil Curation is not.
func (c *Curation) Held() bool {
	return c != nil && !c.Quarantine.Since.IsZero() && c.Decision.Stance != Positive
}

// off says why a curation alone keeps an entry from matching at a time: disabled until then,
// or expired; else it is empty.
func (c *Curation) off(at time.Time) string {
	switch {
	case c == nil:
	case at.Before(c.DisabledUntil):
		return StateDisabled
	case !c.Expires.IsZero() && !at.Before(c.Expires):
		return StateExpired
	}
	return ""
}

// fault returns what makes no sense, or an empty string.
func (c *Curation) fault() string {
	if c == nil {
		return ""
	}
	fits := func(list ...string) bool { return listFits(list) }
	switch {
	case !fits(c.Note, c.Decision.By, c.Decision.Note, c.Origin.Exchange, c.Origin.Member, c.Origin.ID, c.Origin.Severity) || !fits(c.Origin.Tags...):
		return "the note, a name, a tag or the list of tags is longer than 65535"
	case c.Decision.Stance > Negative || c.Decision.Stance == Seed:
		return fmt.Sprintf("the decision is %s; want positive, negative or none", c.Decision.Stance)
	case len(c.Opinions) > math.MaxUint16:
		return fmt.Sprintf("%d opinions; want at most 65535", len(c.Opinions))
	case c.Quarantine.Count < 0 || c.Quarantine.Count > math.MaxInt32 || c.Quarantine.Uploads < 0 || c.Quarantine.Uploads > math.MaxInt32 ||
		!(c.Quarantine.Usual >= 0 && c.Quarantine.Usual <= math.MaxInt32):
		return "the figures of the quarantine are below 0 or too large"
	case c.Quarantine.Since.IsZero() && c.Quarantine != (Quarantine{}):
		return "a quarantine needs the time since when"
	}
	for _, t := range []time.Time{c.DisabledUntil, c.Expires, c.Decision.At, c.Quarantine.Since, c.Origin.Fetched} {
		if !fitsTime(t) {
			return fmt.Sprintf("the time %v; want 1970 to 2261", t)
		}
	}
	for i := range c.Opinions {
		switch o := &c.Opinions[i]; {
		case o.Says < Positive || o.Says > Negative:
			return fmt.Sprintf("opinion %d says %s; want positive, seed or negative", i, o.Says)
		case !fits(o.By) || !fits(o.Tags...):
			return fmt.Sprintf("opinion %d: the name, a tag or the list of tags is longer than 65535", i)
		case !fitsTime(o.At):
			return fmt.Sprintf("opinion %d: the time %v; want 1970 to 2261", i, o.At)
		}
	}
	return ""
}

// lastTime bounds times so that nanoseconds since 1970 fit into 63 bits.
var lastTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

func fitsTime(t time.Time) bool { return t.IsZero() || t.Unix() > 0 && t.Before(lastTime) }
