package hash_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
)

const pdqDigits = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"

// random makes a value of kind k.
func random(t testing.TB, r *rand.Rand, k hash.Kind) hash.Value {
	t.Helper()
	b := make([]byte, k.Bits()/8)
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	v, err := hash.FromBytes(k, b)
	require.NoError(t, err)
	return v
}

func TestParse(t *testing.T) {
	v, err := hash.Parse("pdq:" + pdqDigits)
	require.NoError(t, err)
	assert.Equal(t, hash.PDQ, v.Kind())
	assert.Equal(t, pdqDigits, v.Hex())
	assert.Equal(t, [4]uint64{0xd8f8f0cee0f4a84f, 0x0637022a078f67f0, 0xb36e2ed596621e1d, 0x33e6339c4e9c9b22}, v.Words())

	upper, err := hash.Parse("PDQ:" + strings.ToUpper(pdqDigits))
	require.NoError(t, err)
	assert.Equal(t, v, upper, "upper case is accepted")
	assert.Equal(t, "pdq:"+pdqDigits, upper.String(), "and lower case printed")
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]struct {
		kind   hash.Kind
		offset int
	}{
		"":                             {0, 0},
		pdqDigits:                      {0, 0},
		"nonsense:00":                  {0, 0},
		":00":                          {0, 0},
		"pdq:":                         {hash.PDQ, 4},
		"pdq:" + pdqDigits[1:]:         {hash.PDQ, 4 + 63},
		"pdq:" + pdqDigits + "0":       {hash.PDQ, 4 + 64},
		"pdq:g" + pdqDigits[1:]:        {hash.PDQ, 4},
		"pdq: " + pdqDigits[1:]:        {hash.PDQ, 4},
		"pdq:" + pdqDigits[:63] + "\n": {hash.PDQ, 4 + 63},
		"md5:" + pdqDigits:             {hash.MD5, 4 + 32},
		"sha1:0x" + pdqDigits[:38]:     {hash.SHA1, 5 + 1},
		"phash:ｆfffffffffffffff":       {hash.PHash, 6},
	} {
		v, err := hash.Parse(text)
		var parseErr *hash.ParseError
		require.ErrorAs(t, err, &parseErr, "%q", text)
		assert.Equal(t, want.kind, parseErr.Kind, "%q", text)
		assert.Equal(t, want.offset, parseErr.Offset, "%q", text)
		assert.True(t, strings.HasPrefix(err.Error(), "hash: "), err)
		assert.False(t, v.IsValid())
		assert.Equal(t, hash.Value{}, v)
	}
	_, err := hash.ParseHex(77, "00")
	var parseErr *hash.ParseError
	require.ErrorAs(t, err, &parseErr)
	assert.Contains(t, err.Error(), "kind(77)")
}

func TestFromBytes(t *testing.T) {
	for _, k := range hash.Kinds() {
		want := k.Bits() / 8
		for n := range 40 {
			v, err := hash.FromBytes(k, make([]byte, n))
			if n == want {
				require.NoError(t, err)
				assert.True(t, v.IsValid(), "%v: 256 zero bits are a hash", k)
				continue
			}
			var parseErr *hash.ParseError
			require.ErrorAs(t, err, &parseErr, "%v of %d bytes", k, n)
			assert.Equal(t, hash.Value{}, v)
		}
	}
	_, err := hash.FromBytes(0, nil)
	assert.Error(t, err)
}

func TestZeroValue(t *testing.T) {
	var zero hash.Value
	assert.False(t, zero.IsValid())
	assert.Equal(t, "invalid", zero.String())
	assert.Empty(t, zero.Hex())
	assert.Empty(t, zero.AppendBytes(nil))
	_, ok := zero.Distance(zero)
	assert.False(t, ok, "it is not near anything, not even itself")
	text, err := zero.MarshalText()
	require.NoError(t, err)
	assert.Empty(t, text)
	_, err = hash.Parse(zero.String())
	assert.Error(t, err)
}

// TestLaws holds what every kind's values must obey.
func TestLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range hash.Kinds() {
		for range 50 {
			checkLaws(t, random(t, r, k), random(t, r, k), random(t, r, k))
		}
	}
}

// checkLaws takes three values of one kind.
func checkLaws(t *testing.T, a, b, c hash.Value) {
	t.Helper()
	for _, v := range []hash.Value{a, b, c} {
		parsed, err := hash.Parse(v.String())
		require.NoError(t, err)
		require.Equal(t, v, parsed)
		parsed, err = hash.ParseHex(v.Kind(), strings.ToUpper(v.Hex()))
		require.NoError(t, err)
		require.Equal(t, v, parsed)
		made, err := hash.FromBytes(v.Kind(), v.AppendBytes(nil))
		require.NoError(t, err)
		require.Equal(t, v, made)
		text, err := v.MarshalText()
		require.NoError(t, err)
		var read hash.Value
		require.NoError(t, read.UnmarshalText(text))
		require.Equal(t, v, read)
		require.Len(t, v.Hex(), v.Kind().Bits()/4)
	}
	dist := func(a, b hash.Value) int {
		d, ok := a.Distance(b)
		require.True(t, ok)
		require.GreaterOrEqual(t, d, 0)
		require.LessOrEqual(t, d, a.Kind().Bits())
		return d
	}
	require.Zero(t, dist(a, a))
	require.Equal(t, dist(a, b), dist(b, a))
	require.LessOrEqual(t, dist(a, c), dist(a, b)+dist(b, c))
	require.Equal(t, dist(a, b) == 0, a == b)
	require.Equal(t, a.Compare(b), -b.Compare(a))
	require.Equal(t, a.Compare(b) == 0, a == b)
	require.Equal(t, a.Compare(b) < 0, a.Hex() < b.Hex())
}

func TestKindsAreIncomparable(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, k := range hash.Kinds() {
		for _, o := range hash.Kinds() {
			_, ok := random(t, r, k).Distance(random(t, r, o))
			assert.Equal(t, k == o, ok, "%v %v", k, o)
		}
	}
	a, b := random(t, r, hash.PDQ), random(t, r, hash.SHA256)
	assert.Equal(t, -1, a.Compare(b), "kinds first")
	assert.Equal(t, 1, b.Compare(a))
}

func TestDistanceDoesNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	a, b := random(t, r, hash.PDQ), random(t, r, hash.PDQ)
	total := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		d, _ := a.Distance(b)
		total += d
	}))
	assert.Positive(t, total)
}

func TestJSON(t *testing.T) {
	type line struct {
		Hash hash.Value `json:"hash"`
		None hash.Value `json:"none"`
	}
	v, err := hash.Parse("md5:900150983cd24fb0d6963f7d28e17f72")
	require.NoError(t, err)
	b, err := json.Marshal(line{Hash: v})
	require.NoError(t, err)
	assert.JSONEq(t, `{"hash":"md5:900150983cd24fb0d6963f7d28e17f72","none":""}`, string(b))
	var back line
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, line{Hash: v}, back)

	kept := line{Hash: v}
	err = json.Unmarshal([]byte(`{"hash":"md5:9"}`), &kept)
	var parseErr *hash.ParseError
	assert.True(t, errors.As(err, &parseErr), err)
	assert.Equal(t, v, kept.Hash, "a refused text changes nothing")
}

// FuzzParse holds that what is accepted is printed and read again unchanged, and that
// an error locates itself within the text.
func FuzzParse(f *testing.F) {
	f.Add("pdq:" + pdqDigits)
	f.Add("MD5:900150983CD24fb0d6963f7d28e17f72")
	f.Add("pdq:")
	f.Add("phash:0123456789abcdeF")
	f.Add("pdq:" + pdqDigits + " ")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := hash.Parse(text)
		if err != nil {
			var parseErr *hash.ParseError
			require.ErrorAs(t, err, &parseErr)
			require.GreaterOrEqual(t, parseErr.Offset, 0)
			require.LessOrEqual(t, parseErr.Offset, len(text))
			require.Equal(t, hash.Value{}, v)
			return
		}
		require.True(t, v.IsValid())
		require.Equal(t, strings.ToLower(text), v.String())
		checkLaws(t, v, v, v)
	})
}

// FuzzParseHex holds the same for bare digits of every kind.
func FuzzParseHex(f *testing.F) {
	f.Add(uint8(hash.PDQ), pdqDigits)
	f.Add(uint8(hash.SHA1), "a9993e364706816aba3e25717850c26c9cd0d89D")
	f.Add(uint8(9), "00")
	f.Fuzz(func(t *testing.T, kind uint8, digits string) {
		k := hash.Kind(kind)
		v, err := hash.ParseHex(k, digits)
		if err != nil {
			var parseErr *hash.ParseError
			require.ErrorAs(t, err, &parseErr)
			require.LessOrEqual(t, parseErr.Offset, len(digits))
			require.Equal(t, hash.Value{}, v)
			return
		}
		require.True(t, k.IsValid())
		require.Equal(t, strings.ToLower(digits), v.Hex())
		var mirrored [32]byte
		b := v.AppendBytes(nil)
		for i, c := range b {
			mirrored[len(b)-1-i] = ^c
		}
		other, err := hash.FromBytes(k, mirrored[:len(b)])
		require.NoError(t, err)
		checkLaws(t, v, other, v)
	})
}

func BenchmarkDistance(b *testing.B) {
	r := rand.New(rand.NewPCG(4, 4))
	v, o := random(b, r, hash.PDQ), random(b, r, hash.PDQ)
	total := 0
	for b.Loop() {
		d, _ := v.Distance(o)
		total += d
	}
	if total == 0 {
		b.Fatal("two random hashes are equal")
	}
}

func ExampleParse() {
	v, err := hash.Parse("md5:900150983CD24FB0D6963F7D28E17F72")
	fmt.Println(v, err)
	_, err = hash.Parse("md5:900150983cd24fb0d6963f7d28e17f7x")
	fmt.Println(err)
	// Output:
	// md5:900150983cd24fb0d6963f7d28e17f72 <nil>
	// hash: md5 at offset 35: 'x' is not a hex digit
}

func ExampleValue_Distance() {
	a, _ := hash.ParseHex(hash.PHash, "00000000000000ff")
	b, _ := hash.ParseHex(hash.PHash, "00000000000000f0")
	bits, ok := a.Distance(b)
	fmt.Println(bits, ok, bits <= a.Kind().Threshold())

	c, _ := hash.ParseHex(hash.DHash, "00000000000000ff")
	_, ok = a.Distance(c)
	fmt.Println(ok)
	// Output:
	// 4 true true
	// false
}
