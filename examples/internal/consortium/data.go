package consortium

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// data are the values of the synthetic set: a function of a seed and a number, held
// nowhere. The first eight bytes of a value are a permutation of its number, so that a
// value leads back to its record without a table.
type data struct {
	seed uint64
	n    uint32 // generated records
}

// kind is what sort of value a record has. The protocols have their own names for them.
type kind uint8

const (
	kindPDQ kind = iota
	kindMD5
	kindVideoMD5
	kindSHA1
	kindSHA256
	kindSHA512
	kindPhotoDNA // shaped like PhotoDNA's 144 bytes, and noise
	kindTMK      // of the right look, and noise
	kindText
	kindURL
	kindCount
)

// kindBytes is the length of a value in bytes before it is written out.
var kindBytes = [kindCount]int{32, 16, 16, 20, 32, 64, 144, 48, 8, 8}

const golden = 0x9E3779B97F4A7C15

// mix is the finalizer of splitmix64: every input bit reaches every output bit, and no
// two inputs give the same output.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unmix is the inverse of mix.
func unmix(z uint64) uint64 {
	z ^= z>>31 ^ z>>62
	z *= inverse(0x94D049BB133111EB)
	z ^= z>>27 ^ z>>54
	z *= inverse(0xBF58476D1CE4E5B9)
	return z ^ z>>30 ^ z>>60
}

// fold mixes a text into a number, a byte at a time.
func fold(h uint64, text string) uint64 {
	for _, c := range []byte(text) {
		h = mix(h ^ uint64(c))
	}
	return h
}

// inverse is the multiplicative inverse of an odd number modulo 2^64, by Newton's steps.
func inverse(a uint64) uint64 {
	x := a
	for range 5 {
		x *= 2 - a*x
	}
	return x
}

// draw gives the attribute named by stream of record i, evenly spread over 64 bits.
func (d data) draw(i uint32, stream string) uint64 {
	return mix(mix(fold(d.seed, stream)+golden) + uint64(i))
}

// pick draws a number below n.
func (d data) pick(i uint32, stream string, n int) int {
	high, _ := bits.Mul64(d.draw(i, stream), uint64(n))
	return int(high)
}

func (d data) offset(k kind) uint64 { return mix(mix(d.seed+golden) + uint64(k) + 1) }

// value is record i's value of a kind as the lists write it.
func (d data) value(i uint32, k kind) string {
	first := mix(uint64(i) + d.offset(k))
	raw := make([]byte, 0, 144)
	for w := first; len(raw) < kindBytes[k]; w = mix(w + golden) {
		raw = binary.BigEndian.AppendUint64(raw, w)
	}
	raw = raw[:kindBytes[k]]
	switch k {
	case kindPhotoDNA, kindTMK:
		return base64.StdEncoding.EncodeToString(raw)
	case kindText:
		return "a synthetic phrase, number " + hex.EncodeToString(raw)
	case kindURL:
		return "https://synthetic.invalid/" + hex.EncodeToString(raw)
	}
	return hex.EncodeToString(raw)
}

// find tells which record has a value of a kind, by turning the first eight bytes back.
func (d data) find(value string, k kind) (uint32, bool) {
	var raw []byte
	switch k {
	case kindPhotoDNA, kindTMK:
		raw, _ = base64.StdEncoding.DecodeString(value)
	default:
		raw, _ = hex.DecodeString(value[strings.LastIndexAny(value, " /")+1:])
	}
	if len(raw) < 8 {
		return 0, false
	}
	i := unmix(binary.BigEndian.Uint64(raw)) - d.offset(k)
	if i >= uint64(d.n) || d.value(uint32(i), k) != value {
		return 0, false
	}
	return uint32(i), true
}

// isHex tells whether a text is so many hexadecimal digits.
func isHex(text string, digits int) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == digits
}

// weighted picks one of the choices, whose weights add up to 100.
func weighted[T any](percent int, choices []choice[T]) T {
	for _, c := range choices {
		if percent -= c.weight; percent < 0 {
			return c.value
		}
	}
	return choices[len(choices)-1].value
}

type choice[T any] struct {
	weight int
	value  T
}

// guid is a name-based identifier, the same for every seed.
func guid(name string) string {
	h := fold(golden, name)
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(h), uint16(h>>32), h>>48&0xfff, mix(h)&0xfff, mix(h+1)>>16)
}

// A Member takes part in the consortium. Credentials are for tests and no secrets.
type Member struct {
	Number int    `json:"number"` // from 1
	Name   string `json:"name"`

	AppToken        string `json:"threatexchange_token"`       // access_token of ThreatExchange: app id|secret
	Username        string `json:"ncmec_username"`             // HTTP basic, of NCMEC
	Password        string `json:"password"`                   // of NCMEC and of TCAP
	FunctionKey     string `json:"stopncii_function_key"`      // header x-functions-key, of StopNCII
	SubscriptionKey string `json:"stopncii_subscription_key"`  // header Ocp-Apim-Subscription-Key, of StopNCII
	Login           string `json:"techagainstterrorism_login"` // username of TCAP
}

// The first member is the one who tries joining; the others filled the lists.
var memberNames = []string{"You", "Harbour Video", "Lantern Forum", "Meadow Photos", "Northlight", "Quarry Social"}

func memberOf(number int) Member {
	n := strconv.Itoa(number)
	return Member{
		Number: number, Name: memberNames[number-1],
		AppToken: appID(number) + "|fake-consortium-secret-" + n,
		Username: "esp" + n, Password: "fake-password-" + n,
		FunctionKey: "fake-function-key-" + n, SubscriptionKey: "fake-subscription-key-" + n,
		Login: "member" + n + "@consortium.invalid",
	}
}

func appID(number int) string { return strconv.Itoa(10_000_000 + number) }
