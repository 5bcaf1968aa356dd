package hash

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"
)

// Value is a hash of up to 256 bits together with its kind. It is comparable,
// immutable and safe for concurrent use; the zero Value is invalid.
type Value struct {
	words [4]uint64 // the first hex digit is the top of words[0]; unused low bits are zero
	kind  Kind
}

// ParseError says what in a hash's text is wrong, and where.
type ParseError struct {
	Kind   Kind   // the kind that was expected; 0 when not even that is known
	Offset int    // in bytes from the start of the text
	Reason string // for people
}

func (e *ParseError) Error() string {
	if e.Kind == 0 {
		return fmt.Sprintf("hash: at offset %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("hash: %s at offset %d: %s", e.Kind, e.Offset, e.Reason)
}

// Parse reads the form "kind:hex", for example "pdq:f8f8...". It is the inverse
// of Value.String. Errors are of type *ParseError.
func Parse(s string) (Value, error) {
	name, digits, found := strings.Cut(s, ":")
	if !found {
		return Value{}, &ParseError{Offset: 0, Reason: `want "kind:hex"; for hex digits alone use ParseHex with their kind`}
	}
	k, err := ParseKind(name)
	if err != nil {
		return Value{}, &ParseError{Offset: 0, Reason: strings.TrimPrefix(err.Error(), "hash: ")}
	}
	v, err := ParseHex(k, digits)
	if e, ok := err.(*ParseError); ok {
		e.Offset += len(name) + 1
		return Value{}, e
	}
	return v, err
}

// ParseHex reads a value of kind k from its hex digits, in either case, exactly
// as many as the kind has. For PDQ this is the reference's text form (the
// sixteen 16-bit words from w[15] down to w[0]). Errors are of type *ParseError.
func ParseHex(k Kind, digits string) (Value, error) {
	v := Value{kind: k}
	want := k.Bits() / 4
	if want == 0 {
		return Value{}, &ParseError{Offset: 0, Reason: "unknown kind " + k.String()}
	}
	for i := 0; i < len(digits) && i < want; i++ {
		var d byte
		switch c := digits[i]; {
		case '0' <= c && c <= '9':
			d = c - '0'
		case 'a' <= c && c <= 'f':
			d = c - 'a' + 10
		case 'A' <= c && c <= 'F':
			d = c - 'A' + 10
		default:
			return Value{}, &ParseError{Kind: k, Offset: i, Reason: fmt.Sprintf("%q is not a hex digit", c)}
		}
		v.words[i/16] |= uint64(d) << (60 - 4*(i%16))
	}
	if len(digits) != want {
		return Value{}, &ParseError{Kind: k, Offset: min(len(digits), want), Reason: fmt.Sprintf("%d hex digits, want %d", len(digits), want)}
	}
	return v, nil
}

// FromBytes makes a value of kind k from its bytes, the first hex digits first.
// b must be exactly k.Bits()/8 bytes long.
func FromBytes(k Kind, b []byte) (Value, error) {
	if len(b) != k.Bits()/8 || len(b) == 0 {
		return Value{}, &ParseError{Kind: k, Offset: len(b), Reason: fmt.Sprintf("%d bytes, want %d", len(b), k.Bits()/8)}
	}
	var full [32]byte
	copy(full[:], b)
	v := Value{kind: k}
	for i := range v.words {
		v.words[i] = binary.BigEndian.Uint64(full[8*i:])
	}
	return v, nil
}

// Words returns the bits as four words, the first hex digit at the top of the
// first word. Bits that the kind does not have are zero. Indices use it.
func (v Value) Words() [4]uint64 { return v.words }

// Kind returns the algorithm that made the value; 0 for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// IsValid reports whether v is a hash at all: false only for the zero Value.
func (v Value) IsValid() bool { return v.kind.IsValid() }

// String returns "kind:hex", which Parse reads, and "invalid" for the zero Value.
func (v Value) String() string {
	if !v.IsValid() {
		return "invalid"
	}
	return v.kind.String() + ":" + v.Hex()
}

// Hex returns the bare lower-case digits, as exchanges write them; empty for
// the zero Value.
func (v Value) Hex() string { return hex.EncodeToString(v.AppendBytes(nil)) }

// AppendBytes appends the value's Kind().Bits()/8 bytes to dst.
func (v Value) AppendBytes(dst []byte) []byte {
	var full [32]byte
	for i, w := range v.words {
		binary.BigEndian.PutUint64(full[8*i:], w)
	}
	return append(dst, full[:v.kind.Bits()/8]...)
}

// Distance returns the number of bits in which v and o differ. ok is false, and
// bits 0, when their kinds differ or either is invalid: such values are not
// near or far but incomparable. It does not allocate.
func (v Value) Distance(o Value) (distance int, ok bool) {
	if v.kind != o.kind || !v.IsValid() {
		return 0, false
	}
	return bits.OnesCount64(v.words[0]^o.words[0]) + bits.OnesCount64(v.words[1]^o.words[1]) +
		bits.OnesCount64(v.words[2]^o.words[2]) + bits.OnesCount64(v.words[3]^o.words[3]), true
}

// Compare orders values by kind, then by digits: -1, 0 or +1.
func (v Value) Compare(o Value) int {
	if c := cmp.Compare(v.kind, o.kind); c != 0 {
		return c
	}
	for i := range v.words {
		if c := cmp.Compare(v.words[i], o.words[i]); c != 0 {
			return c
		}
	}
	return 0
}

// MarshalText implements encoding.TextMarshaler with the form of String. The
// zero Value is the empty text.
func (v Value) MarshalText() ([]byte, error) {
	if !v.IsValid() {
		return nil, nil
	}
	return []byte(v.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler: the inverse of MarshalText.
func (v *Value) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Value{}
		return nil
	}
	p, err := Parse(string(text))
	if err != nil {
		return err
	}
	*v = p
	return nil
}
