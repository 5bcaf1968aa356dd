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
}
