package mp4head

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
)

// table writes numbers one after another.
func table(numbers ...uint32) (b box) {
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func TestJumps(t *testing.T) {
	const pixels = 320 * 240
	even := []uint32{9000, 400, 100, 100, 400, 100, 100, 400, 100, 100}
	jump := []uint32{9000, 400, 5000, 100, 400, 100, 100, 400, 100, 100}
	small := []uint32{9000, 40, 500, 10, 40, 10, 10, 40, 10, 10}
	many := []uint32{9000, 5000, 5000, 100, 5000, 100, 100, 400, 100, 100}
	short := []uint32{9000, 5000, 100, 100, 100, 100, 100, 100}
	for _, c := range []struct {
		name   string
		groups [][]uint32
		want   int
	}{
		{"none", [][]uint32{even, even}, 0},
		{"in the first, in the last", [][]uint32{jump, even, jump}, 2},
		{"a cursor in a still picture", [][]uint32{small}, 0},
		{"large frames all over", [][]uint32{many}, 0},
		{"too short to tell", [][]uint32{short, short}, 0},
	} {
		var m media
		for _, g := range c.groups {
			m.sync = append(m.sync, table(m.sizes+1)...)
			m.each = append(m.each, table(g...)...)
			m.sizes += uint32(len(g))
			m.keys++
		}
		assert.Equal(t, c.want, m.jumps(pixels), c.name)
	}
	m := media{keys: 2, sizes: 10, sync: table(9, 2), each: table(even...)}
	assert.Zero(t, m.jumps(pixels), "key frames out of order")
	m.sync = table(1, 99)
	assert.Zero(t, m.jumps(pixels), "a key frame beyond the end")
	m.sync = table(0, 11)
	assert.Zero(t, m.jumps(pixels), "samples count from 1")
	m.sync = table(1, 10, 1, 10)
	m.keys = 4
	assert.Zero(t, m.jumps(pixels), "key frames again and again")
	m = media{keys: 2, sizes: 1000, sync: table(1, 900), each: table(even...)}
	assert.Zero(t, m.jumps(pixels), "fewer sizes than samples")
}

// A second table of sizes is none of a plain file, nor goes the first one with its number.
func TestTwoTablesOfSizes(t *testing.T) {
	sizes := func(uniform, n uint32, each ...uint32) box { return append(table(0, uniform, n), table(each...)...) }
	m := media{handler: "vide"}
	assert.True(t, m.table("stsz", sizes(0, 2, 10, 20)))
	assert.False(t, m.table("stsz", sizes(7, 1000)))
	m = media{handler: "vide"}
	assert.True(t, m.table("stsz", sizes(0, 0)))
	assert.True(t, m.table("stsz", sizes(7, 1000)))
	assert.Nil(t, m.each)
}
