package mapped_test

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

func blocks(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	return data
}

// read returns the byte at an offset, checked.
func read(f *mapped.File, offset int64) (b byte, err error) {
	defer f.Catch(&err, debug.SetPanicOnFault(true))
	f.Check(offset, 1)
	return f.Bytes()[offset], nil
}

func TestDamageIsSeenWhereItIs(t *testing.T) {
	const n = 2*mapped.BlockSize + 100
	data := blocks(n)
	sums := mapped.Sums(data)
	require.Len(t, sums, 3)
	path := filepath.Join(t.TempDir(), "f")
	data[mapped.BlockSize+5] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o600))
	f, err := mapped.Map(path)
	require.NoError(t, err)
	require.NoError(t, f.Expect(sums, n))
	for _, at := range []int64{0, mapped.BlockSize - 1, 2 * mapped.BlockSize, n - 1} {
		b, err := read(f, at)
		require.NoError(t, err)
		require.Equal(t, data[at], b)
	}
	_, err = read(f, mapped.BlockSize)
	var d *mapped.Damage
	require.ErrorAs(t, err, &d)
	require.EqualValues(t, mapped.BlockSize, d.Offset)
	require.ErrorAs(t, f.CheckAll(), &d)
	done, all := f.Checked()
	require.Equal(t, 2, done)
	require.Equal(t, 3, all)
}

func TestExpectRefusesWhatDoesNotCover(t *testing.T) {
	f := mapped.Hold(blocks(100))
	require.Error(t, f.Expect(nil, 100))
	require.Error(t, f.Expect(make([]uint32, 1), 101))
	require.Error(t, f.Expect(make([]uint32, 2), 100))
	require.Error(t, f.Expect(nil, -1))
	require.NoError(t, f.Expect(mapped.Sums(blocks(100)), 100))
	require.NoError(t, f.CheckAll())
}

// Somebody cuts the file short under the mapping: the system answers with a signal.
func TestAFileCutShortIsAnError(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is known to fault here")
	}
	const n = 4 * mapped.BlockSize
	data := blocks(n)
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	f, err := mapped.Map(path)
	require.NoError(t, err)
	require.NoError(t, f.Expect(mapped.Sums(data), n))
	require.NoError(t, os.Truncate(path, mapped.BlockSize))
	_, err = read(f, 0)
	require.NoError(t, err)
	_, err = read(f, 3*mapped.BlockSize)
	var d *mapped.Damage
	require.ErrorAs(t, err, &d)
	require.GreaterOrEqual(t, d.Offset, int64(mapped.BlockSize))
}

func TestOtherPanicsGoOn(t *testing.T) {
	f := mapped.Hold(blocks(10))
	require.Panics(t, func() {
		var err error
		defer f.Catch(&err, debug.SetPanicOnFault(true))
		var p *int
		*p = 1
	})
	require.PanicsWithValue(t, "mine", func() {
		var err error
		defer f.Catch(&err, debug.SetPanicOnFault(true))
		panic("mine")
	})
}

func TestMapRefuses(t *testing.T) {
	_, err := mapped.Map(t.TempDir())
	require.ErrorContains(t, err, "not a regular file")
	_, err = mapped.Map(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	f, err := mapped.Map(empty)
	require.NoError(t, err)
	require.Empty(t, f.Bytes())
}

func TestViews(t *testing.T) {
	data := blocks(67)
	for skip := range 9 {
		b := data[skip:]
		for i, v := range mapped.View[uint32](b) {
			require.Equal(t, uint32(b[4*i])|uint32(b[4*i+1])<<8|uint32(b[4*i+2])<<16|uint32(b[4*i+3])<<24, v)
		}
		require.Len(t, mapped.View[uint64](b), len(b)/8)
	}
	require.Equal(t, []byte{1, 0, 2, 3}, mapped.Bytes([]uint16{1, 0x302}))
	require.Empty(t, mapped.View[uint64](data[:7]))
	require.Empty(t, mapped.Bytes[uint64](nil))
}

// What is read is read without a word of garbage.
func TestCheckDoesNotAllocate(t *testing.T) {
	data := blocks(mapped.BlockSize)
	f := mapped.Hold(data)
	require.NoError(t, f.Expect(mapped.Sums(data), mapped.BlockSize))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := read(f, 5); err != nil {
			t.Error(err)
		}
	}))
}
