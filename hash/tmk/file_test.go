package tmk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash/tmk"
)

func TestFile(t *testing.T) {
	v := made(5, 30)
	b := file(t, v)
	again, err := tmk.Read(iotest.HalfReader(bytes.NewReader(b)))
	require.NoError(t, err)
	assert.Equal(t, v, again)
	assert.Equal(t, "TMK1FVECPDQF", string(b[:12]))
	assert.Equal(t, v.Average[0], math.Float32frombits(binary.LittleEndian.Uint32(b[176:])), "where the reference has it")
	assert.Equal(t, v.Sine[3][31][255], math.Float32frombits(binary.LittleEndian.Uint32(b[tmk.FileSize-4:])))

	// Coefficients in other digits are kept.
	other := bytes.Clone(b)
	binary.LittleEndian.PutUint32(other[48+4:], binary.LittleEndian.Uint32(b[48+4:])+1)
	again, err = tmk.Read(bytes.NewReader(other))
	require.NoError(t, err)
	assert.Equal(t, other, file(t, again))
	assert.InDelta(t, 1, tmk.Level2(v, again), 1e-6)
}

func TestReadRefuses(t *testing.T) {
	good := file(t, made(5, 3))
	changed := func(offset int, word uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[offset:], word)
		return b
	}
	for name, c := range map[string]struct {
		file   []byte
		offset int64
	}{
		"empty":                 {nil, 0},
		"cut in the magic":      {good[:7], 7},
		"cut in the header":     {good[:31], 31},
		"cut at the end":        {good[:tmk.FileSize-1], tmk.FileSize - 1},
		"longer":                {append(bytes.Clone(good), 0), tmk.FileSize},
		"another project":       {changed(0, 0), 0},
		"raw video":             {[]byte("TMK1VSTR\x40\x00\x00\x00\x40\x00\x00\x00"), 4},
		"another feature":       {changed(8, 0), 8},
		"30 frames a second":    {changed(12, 30), 12},
		"no periods":            {changed(16, 0), 16},
		"many periods":          {changed(16, 1<<31-1), 16},
		"negative coefficients": {changed(20, math.MaxUint32), 20},
		"many dimensions":       {changed(24, 1<<30), 24},
		"negative frames":       {changed(28, 1<<31), 28},
		"another period":        {changed(44, 14654), 44},
		"another weight":        {changed(48+4*31, 0), 48 + 4*31},
		"weight not a number":   {changed(48, 0x7fc00000), 48},
		"average not a number":  {changed(176, 0x7fc00000), 176},
		"infinite":              {changed(tmk.FileSize-4, 0xff800000), tmk.FileSize - 4},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tmk.Read(bytes.NewReader(c.file))
			var fe *tmk.FormatError
			require.ErrorAs(t, err, &fe)
			assert.Equal(t, c.offset, fe.Offset, err)
			assert.Equal(t, len(c.file) < tmk.FileSize && name != "raw video", errors.Is(err, io.ErrUnexpectedEOF))
		})
	}
	// What is no .tmk file is told by its beginning: an endless one is not read to its end.
	endless := io.MultiReader(bytes.NewReader(make([]byte, 32)), iotest.ErrReader(errors.New("read on")))
	_, err := tmk.Read(endless)
	var fe *tmk.FormatError
	require.ErrorAs(t, err, &fe)

	broken := errors.New("the disk is gone")
	_, err = tmk.Read(io.MultiReader(bytes.NewReader(good[:1000]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

// What is accepted is written as it was, and has scores.
func FuzzRead(f *testing.F) {
	good := file(f, made(5, 3))
	f.Add(0, []byte{})
	f.Add(28, []byte{1, 2, 3, 4})
	f.Add(176, []byte{0, 0, 0xc0, 0x7f})
	f.Add(tmk.FileSize-2, []byte{1, 2, 3})
	self := made(6, 3)
	f.Fuzz(func(t *testing.T, offset int, patch []byte) {
		b := bytes.Clone(good)
		if offset < 0 || offset > len(b) {
			return
		}
		b = append(b[:offset:offset], append(patch, b[min(offset+len(patch), len(b)):]...)...)
		v, err := tmk.Read(bytes.NewReader(b))
		if err != nil {
			var fe *tmk.FormatError
			require.ErrorAs(t, err, &fe)
			require.LessOrEqual(t, fe.Offset, int64(len(b)))
			return
		}
		require.True(t, bytes.Equal(b, file(t, v)))
		require.False(t, math.IsNaN(tmk.Level1(v, self)))
		require.False(t, math.IsNaN(tmk.Level2(v, self)))
	})
}
