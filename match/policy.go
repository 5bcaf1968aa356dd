package match

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// Treatment is what becomes of a match.
type Treatment uint8

// The treatments. Of several that apply to a match the last one here is taken.
const (
	ByDefault Treatment = iota // whatever the default is
	Report                     // it is reported
	Shadow                     // it is recorded apart, and not reported
	Ignore                     // it is as if it were not there
	treatments
)

var treatmentNames = [treatments]string{"default", "report", "shadow", "ignore"}

// String returns the stable token: default, report, shadow or ignore.
func (t Treatment) String() string {
	if t < treatments {
		return treatmentNames[t]
	}
	return "invalid"
}

// ParseTreatment is the inverse of String. The error is ErrInvalid.
func ParseTreatment(token string) (Treatment, error) {
	if i := slices.Index(treatmentNames[:], token); i >= 0 {
		return Treatment(i), nil
	}
	return 0, fmt.Errorf("%w: %q is no treatment; want report, shadow, ignore or default", ErrInvalid, token)
}

// MarshalText returns the token. The error is ErrInvalid.
func (t Treatment) MarshalText() ([]byte, error) {
	if t >= treatments {
		return nil, fmt.Errorf("%w: treatment %d", ErrInvalid, uint8(t))
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads the token. The error is ErrInvalid.
func (t *Treatment) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTreatment(string(text))
	return err
}

// Policy says what becomes of the matches of a bank's entries, by what is said of them
// (Curation.Stance) and for those in quarantine, unless our decision is that they are right. The zero value means the defaults: None,
// Positive and Seed are reported, for what is shared is meant to be looked for; Negative is
// ignored; Disputed and Quarantined are shadowed, so that no evidence is lost. Of an
// allow-list's entry, Report means that it suppresses; one that is shadowed suppresses nothing.
type Policy struct{ None, Positive, Seed, Negative, Disputed, Quarantined Treatment }

// defaultPolicy has no ByDefault.
var defaultPolicy = Policy{None: Report, Positive: Report, Seed: Report, Negative: Ignore, Disputed: Shadow, Quarantined: Shadow}

// list returns the treatments by Stance, and for what is in quarantine after them.
func (p Policy) list() [stances + 1]Treatment {
	return [...]Treatment{NoOpinion: p.None, Positive: p.Positive, Seed: p.Seed, Negative: p.Negative, Disputed: p.Disputed, stances: p.Quarantined}
}

func policyOf(list [stances + 1]Treatment) Policy {
	return Policy{None: list[NoOpinion], Positive: list[Positive], Seed: list[Seed], Negative: list[Negative], Disputed: list[Disputed], Quarantined: list[stances]}
}

// Resolved returns the policy with the defaults filled in.
func (p Policy) Resolved() Policy {
	list, defaults := p.list(), defaultPolicy.list()
	for i := range list {
		if list[i] == ByDefault {
			list[i] = defaults[i]
		}
	}
	return policyOf(list)
}

// Of returns what the policy says of an entry of whom so much is said.
func (p Policy) Of(c *Curation) Treatment {
	list := p.Resolved().list()
	t := list[c.Stance()]
	if c.Held() {
		t = max(t, list[stances])
	}
	return t
}

// RollOut says for which uploads a bank's matches are reported; for the others they are
// shadowed. The zero value: for all.
//
// With a percentage, an upload is one of them when the first eight bytes of HMAC-SHA256(key,
// bank name, a zero byte, the upload's identity), as a big-endian number, are below that part of
// 2^64. So the same upload always gets the same answer, from every process with the key, and
// an upload of 5 % is also one of 50 %. The identity is that of Matcher.Upload.
type RollOut struct {
	Shadow  bool    // for none
	Percent float64 // of uploads, above 0 to 100; 0 means all
	Key     string  // of the hash; empty: Options.RollOutKey. Who knows it can tell which uploads are matched
}

// all reports whether every match is reported.
func (r *RollOut) all() bool { return !r.Shadow && (r.Percent == 0 || r.Percent >= 100) }

// Why a match is shadowed: the tokens of Match.ShadowedBy, beside those of a Stance.
const (
	ShadowedByRollOut    = "rollout"
	ShadowedByQuarantine = "quarantine"
)

// States of entries in BankStats, beside the tokens of Treatment.
const (
	StateDisabled = "disabled"
	StateExpired  = "expired"
)

// itemState is what of an item may change.
type itemState struct {
	labels   []string
	curation *Curation // nil: nothing is said
	from, to int64     // Unix ns: it may match from one, inclusive, to the other, exclusive
	stance   Stance
	held     bool // in quarantine
}

// plain is the state of an entry of which nothing is said.
var plain = &itemState{from: math.MinInt64, to: math.MaxInt64}

func newItemState(labels []string, c *Curation) *itemState {
	if c.empty() {
		if len(labels) == 0 {
			return plain
		}
		return &itemState{labels: labels, from: plain.from, to: plain.to}
	}
	s := &itemState{labels: labels, curation: c, from: plain.from, to: plain.to, stance: c.Stance(), held: c.Held()}
	if !c.DisabledUntil.IsZero() {
		s.from = c.DisabledUntil.UnixNano()
	}
	if !c.Expires.IsZero() {
		s.to = c.Expires.UnixNano()
	}
	return s
}

// awake reports whether neither a switch nor a date keeps the item from matching.
func (u *Upload) awake(it *item) bool {
	if it.off.Load() != 0 || it.bank.off.Load() != 0 {
		return false
	}
	s := it.state.Load()
	return s.from == plain.from && s.to == plain.to || u.clock() >= s.from && u.clock() < s.to
}

// treat returns what becomes now of a match of the item: Report, Shadow or Ignore; and of one
// that is shadowed why. It may be another at the next call.
func (u *Upload) treat(it *item) (t Treatment, shadowedBy string) {
	if !u.awake(it) {
		return Ignore, ""
	}
	s, b := it.state.Load(), it.bank.state.Load()
	t, shadowedBy = b.treat[s.stance], s.stance.String()
	if s.held && b.treat[stances] > t {
		t, shadowedBy = b.treat[stances], ShadowedByQuarantine
	}
	if !b.rollOut.all() && t == Report && !u.chosen(it.bank.name, &b.rollOut) {
		t, shadowedBy = Shadow, ShadowedByRollOut
	}
	return t, shadowedBy
}

// suppresses reports whether the item is an allow-list's and suppresses matches of a bank.
func (it *item) suppresses(b *bank) bool {
	of := it.bank.state.Load().suppresses
	return it.bank.allow && (len(of) == 0 || slices.Contains(of, b.name))
}

// chosen reports whether the upload is one of those for which a bank's matches are reported.
func (u *Upload) chosen(bank string, r *RollOut) bool {
	if r.Shadow {
		return false
	}
	for i := range u.draws {
		if u.draws[i].bank == bank && u.draws[i].key == r.Key {
			return u.draws[i].number < r.share()
		}
	}
	key := r.Key
	if key == "" {
		key = u.m.rules.rollOutKey
	}
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(bank + "\x00"))
	h.Write([]byte(u.identity()))
	n := binary.BigEndian.Uint64(h.Sum(nil))
	u.draws = append(u.draws, draw{bank, r.Key, n})
	return n < r.share()
}

// share returns the percentage as a part of 2^64. It must be below 100.
func (r *RollOut) share() uint64 { return uint64(math.Ldexp(r.Percent/100, 64)) }

// draw is an upload's number in the roll-out of a bank.
type draw struct {
	bank, key string
	number    uint64
}

// fault returns what of a bank, beside its thresholds and entries, makes no sense, or an empty
// string.
func (b *Bank) fault() string {
	for i, t := range b.Policy.list() {
		if t >= treatments {
			name := "quarantined"
			if Stance(i) < stances {
				name = Stance(i).String()
			}
			return fmt.Sprintf("the policy for %s is %d; there is no such treatment", name, uint8(t))
		}
	}
	switch p := b.RollOut.Percent; {
	case !(p >= 0 && p <= 100): // so written that NaN is refused
		return fmt.Sprintf("a roll-out to %v percent; want 0 to 100", p)
	case len(b.Suppresses) > 0 && !b.Allow:
		return "only an allow-list suppresses; set Allow"
	case slices.Contains(b.Suppresses, ""):
		return "a bank that is suppressed needs a name"
	case !listFits([]string{b.Name, b.Action, b.RollOut.Key}) || !listFits(b.Labels) || !listFits(b.Suppresses):
		return "the name, a label, the action, the key or a list is longer than 65535"
	}
	return ""
}

// unixNano is the clock of the rules.
func (r *rules) unixNano() int64 { return r.now().UnixNano() }

// now is the clock of Options.
func (r *rules) now() time.Time {
	if r.clock == nil {
		return time.Now()
	}
	return r.clock()
}
