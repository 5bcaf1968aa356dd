package match

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/rematch-go/rematch/hash"
)

// hashList holds hashes of one kind as words and nothing else. It grows in chunks,
// so that ten million are never copied for lack of room.
type hashList struct {
	width  int // words a hash; unused low bits of the last one are zeros
	n      int
	chunks [][]uint64
	tidyAt int // how many hashes it has when it drops what is repeated; 0: never
	given  int // how many were added in all, counting what is repeated
}

const (
	// chunkHashes is how many hashes share a chunk.
	chunkHashes = 1 << 13
	// tidyHashes is how many hashes are taken before a look at what is repeated, 128 MiB of
	// PDQ: lists of the same hash by the million cost time, but no more memory.
	tidyHashes = 1 << 22
)

// newHashList returns an empty list. A tidyAt of 0 keeps what is repeated.
func newHashList(k hash.Kind, tidyAt int) *hashList {
	return &hashList{width: wordsOf(k), tidyAt: tidyAt}
}

// wordsOf returns how many words of 64 bits a hash of a kind takes.
func wordsOf(k hash.Kind) int { return (k.Bits() + 63) / 64 }

func (l *hashList) add(v hash.Value) {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == cap(l.chunks[last]) {
		room := chunkHashes
		if last < 0 {
			room = 64 // most lists are short
		}
		l.chunks = append(l.chunks, make([]uint64, 0, room*l.width))
		last++
	}
	w := v.Words()
	l.chunks[last] = append(l.chunks[last], w[:l.width]...)
	l.n++
	l.given++
	if l.n == l.tidyAt {
		l.tidy()
	}
}

// tidy drops what is repeated. The next time is when there are twice as many hashes as are
// left, so that a list without repetitions is sorted twice in all.
func (l *hashList) tidy() {
	words := slices.Clone(dropRepeated(l.sorted(), l.width))
	l.chunks, l.n = [][]uint64{words}, len(words)/l.width
	l.tidyAt = max(l.tidyAt, 2*l.n)
}

// sorted returns the hashes in rising order and leaves the list empty: it brings many
// of them into 65,536 parts by their top bits, each of which is then small enough to
// sort in the cache.
func (l *hashList) sorted() []uint64 {
	tops, shift := 1<<16, 48
	if l.n < 1<<12 {
		tops, shift = 1, 64
	}
	w := l.width
	out := make([]uint64, l.n*w)
	ends := make([]int, tops+1)
	for _, c := range l.chunks {
		for i := 0; i < len(c); i += w {
			ends[c[i]>>shift+1]++
		}
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	for at, c := range l.chunks {
		for i := 0; i < len(c); i += w {
			end := &ends[c[i]>>shift]
			copy(out[*end*w:], c[i:i+w])
			*end++
		}
		l.chunks[at] = nil
	}
	l.chunks, l.n = nil, 0
	var part [][4]uint64
	from := 0
	for _, to := range ends[:tops] {
		if to-from > 1 {
			part = part[:0]
			for i := from; i < to; i++ {
				var h [4]uint64
				copy(h[:], out[i*w:(i+1)*w])
				part = append(part, h)
			}
			slices.SortFunc(part, func(a, b [4]uint64) int { return slices.Compare(a[:], b[:]) })
			for i := range part {
				copy(out[(from+i)*w:], part[i][:w])
			}
		}
		from = to
	}
	return out
}

// repeatedWords returns the number of the first of sorted hashes that is equal to the
// one before it, or -1.
func repeatedWords(words []uint64, width int) int {
	for i := width; i < len(words); i += width {
		if slices.Equal(words[i-width:i], words[i:i+width]) {
			return i / width
		}
	}
	return -1
}

// dropRepeated drops what is repeated of sorted hashes.
func dropRepeated(words []uint64, width int) []uint64 {
	first := repeatedWords(words, width)
	if first < 0 {
		return words
	}
	kept := first * width
	for i := kept; i < len(words); i += width {
		if !slices.Equal(words[kept-width:kept], words[i:i+width]) {
			copy(words[kept:], words[i:i+width])
			kept += width
		}
	}
	return words[:kept:kept]
}

// united returns the union of two sorted lists without repetitions.
func united(a, b []uint64, width int) []uint64 {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := make([]uint64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := slices.Compare(a[:width], b[:width]); {
		case c == 0:
			a = a[width:]
		case c < 0:
			out, a = append(out, a[:width]...), a[width:]
		default:
			out, b = append(out, b[:width]...), b[width:]
		}
	}
	return append(append(out, a...), b...)
}

// searchWords finds a hash among n sorted ones, of which at returns one.
func searchWords(n int, want []uint64, at func(i int) [4]uint64) (i int, found bool) {
	from, to := 0, n
	for from < to {
		mid := int(uint(from+to) / 2)
		h := at(mid)
		switch c := slices.Compare(h[:len(want)], want); {
		case c == 0:
			return mid, true
		case c < 0:
			from = mid + 1
		default:
			to = mid
		}
	}
	return from, false
}

// valueOf makes a value of its words.
func valueOf(k hash.Kind, words []uint64) hash.Value {
	var raw [32]byte
	for i, w := range words {
		binary.BigEndian.PutUint64(raw[8*i:], w)
	}
	v, _ := hash.FromBytes(k, raw[:k.Bits()/8]) // the length is the kind's own
	return v
}

// stripes says how many parts n hashes, one at least, are divided into, of at most the
// given size, and stripeLen how many each has: hash i is in part i%parts at i/parts.
func stripes(n, size int) (parts int) { return (n-1)/size + 1 }

func stripeLen(n, parts, part int) int { return (n - part + parts - 1) / parts }

// stripe copies one part of sorted hashes.
func stripe(words []uint64, width, parts, part int) []uint64 {
	if parts == 1 {
		return words
	}
	n := len(words) / width
	out := make([]uint64, 0, stripeLen(n, parts, part)*width)
	for i := part; i < n; i += parts {
		out = append(out, words[i*width:(i+1)*width]...)
	}
	return out
}

// compareCounts orders signal counts as they stand in a file.
func compareCounts(a, b signalCount) int { return cmp.Compare(a.sort(), b.sort()) }
