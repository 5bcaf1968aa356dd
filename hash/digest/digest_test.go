package digest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/hash/digest"
)

// vectors: MD5 from RFC 1321, appendix A.5; SHA-1 and SHA-256 from RFC 3174 and
// FIPS 180-2, appendices A and B (the empty message: NIST CAVP, SHA ShortMsg).
var vectors = []struct {
	name              string
	message           string
	md5, sha1, sha256 string
}{
	{
		"empty", "",
		"d41d8cd98f00b204e9800998ecf8427e",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	},
	{
		"abc", "abc",
		"900150983cd24fb0d6963f7d28e17f72",
		"a9993e364706816aba3e25717850c26c9cd0d89d",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	},
	{
		"448 bits", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"",
		"84983e441c3bd26ebaae4aa1f95129e5e54670f1",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	},
	{
		"digits", strings.Repeat("1234567890", 8),
		"57edf4a22be3c955ac49da2e2107b67a",
		"", "",
	},
	{
		"a million a", strings.Repeat("a", 1_000_000),
		"",
		"34aa973cd4c4daa4f61eeb2bdbad27316534016f",
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		values, n, err := digest.Sum(strings.NewReader(v.message))
		require.NoError(t, err, v.name)
		assert.EqualValues(t, len(v.message), n, v.name)
		require.Len(t, values, 3)
		for i, want := range []string{v.md5, v.sha1, v.sha256} {
			assert.Equal(t, []hash.Kind{hash.MD5, hash.SHA1, hash.SHA256}[i], values[i].Kind())
			if want != "" {
				assert.Equal(t, want, values[i].Hex(), "%s %s", v.name, values[i].Kind())
			}
		}
	}
}

func TestKindsKeepTheirOrder(t *testing.T) {
	values, _, err := digest.Sum(strings.NewReader("abc"), hash.SHA256, hash.MD5, hash.SHA256)
	require.NoError(t, err)
	require.Len(t, values, 3)
	assert.Equal(t, hash.SHA256, values[0].Kind())
	assert.Equal(t, "900150983cd24fb0d6963f7d28e17f72", values[1].Hex())
	assert.Equal(t, values[0], values[2])
}

func TestNotADigest(t *testing.T) {
	for _, k := range []hash.Kind{0, hash.PDQ, hash.PHash, 255} {
		r := strings.NewReader("abc")
		values, n, err := digest.Sum(r, hash.MD5, k)
		var kindErr *digest.KindError
		require.ErrorAs(t, err, &kindErr)
		assert.Equal(t, k, kindErr.Kind)
		assert.Contains(t, err.Error(), "sha256", "the error says what to use")
		assert.Nil(t, values)
		assert.Zero(t, n)
		assert.Equal(t, 3, r.Len(), "nothing is read")
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(broken))
	values, n, err := digest.Sum(r, hash.MD5)
	require.ErrorIs(t, err, broken)
	assert.Contains(t, err.Error(), "after 10 bytes")
	assert.EqualValues(t, 10, n)
	assert.Nil(t, values, "a part has no digest")
}

func TestWriterGoesOnAfterValues(t *testing.T) {
	w, err := digest.New(hash.SHA1)
	require.NoError(t, err)
	_, err = io.WriteString(w, "a")
	require.NoError(t, err)
	before := w.Values()
	assert.Equal(t, before, w.Values(), "reading the values changes nothing")
	_, err = io.WriteString(w, "bc")
	require.NoError(t, err)
	assert.Equal(t, "a9993e364706816aba3e25717850c26c9cd0d89d", w.Values()[0].Hex())
	assert.NotEqual(t, before, w.Values())
	assert.EqualValues(t, 3, w.Len())
}

// FuzzChunks holds that it does not matter in what pieces a stream arrives.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("abcdbcdecdefdefg"), uint8(3))
	f.Add([]byte{}, uint8(0))
	f.Add(bytes.Repeat([]byte{0x80, 0}, 64), uint8(64))
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		whole, n, err := digest.Sum(bytes.NewReader(data))
		require.NoError(t, err)
		require.EqualValues(t, len(data), n)

		w, err := digest.New()
		require.NoError(t, err)
		for rest := data; len(rest) > 0; {
			k := min(int(size)+1, len(rest))
			written, err := w.Write(rest[:k])
			require.NoError(t, err)
			require.Equal(t, k, written)
			rest = rest[k:]
		}
		require.Equal(t, whole, w.Values())
		require.EqualValues(t, len(data), w.Len())

		bytewise, _, err := digest.Sum(iotest.OneByteReader(bytes.NewReader(data)), hash.SHA256)
		require.NoError(t, err)
		require.Equal(t, whole[2:], bytewise)
	})
}

func BenchmarkSum(b *testing.B) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for _, kinds := range [][]hash.Kind{{hash.MD5}, {hash.SHA1}, {hash.SHA256}, {hash.MD5, hash.SHA1, hash.SHA256}} {
		b.Run(fmt.Sprintf("kinds=%v/bytes=%d", kinds, len(data)), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := digest.Sum(bytes.NewReader(data), kinds...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An upload is digested while it is stored.
func ExampleWriter() {
	w, err := digest.New(hash.MD5, hash.SHA1)
	if err != nil {
		fmt.Println(err)
		return
	}
	var stored bytes.Buffer
	if _, err := io.Copy(&stored, io.TeeReader(strings.NewReader("abc"), w)); err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range w.Values() {
		fmt.Println(v)
	}
	// Output:
	// md5:900150983cd24fb0d6963f7d28e17f72
	// sha1:a9993e364706816aba3e25717850c26c9cd0d89d
}

func ExampleSum() {
	values, n, err := digest.Sum(strings.NewReader("abc"), hash.SHA256)
	fmt.Println(values[0], n, err)
	// Output: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 <nil>
}
