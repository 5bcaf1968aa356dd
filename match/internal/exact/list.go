package exact

import (
	"bytes"
	"cmp"
	"slices"
	"unsafe"
)

// list is keys with their refs. Without refs, they are nil.
type list struct {
	size int
	keys []byte
	refs []uint32
}

func newList(size, room int) *list {
	return &list{size: size, keys: make([]byte, 0, room*size), refs: make([]uint32, 0, room)}
}

func (l *list) key(i int) []byte { return l.keys[i*l.size : (i+1)*l.size] }

func (l *list) add(key []byte, ref uint32) {
	l.keys = append(l.keys, key...)
	l.refs = append(l.refs, ref)
}

// sort puts keys in rising order, and under equal keys refs, in place.
func (l *list) sort() {
	switch l.size {
	case 16:
		sortDigests(digests[[16]byte](l.keys), l.refs, 0)
	case 20:
		sortDigests(digests[[20]byte](l.keys), l.refs, 0)
	case 32:
		sortDigests(digests[[32]byte](l.keys), l.refs, 0)
	}
}

// distinct takes out all keys but one of those that are equal and stand together.
func (l *list) distinct() {
	kept := 0
	for i := range len(l.keys) / l.size {
		if i > 0 && bytes.Equal(l.keys[(kept-1)*l.size:kept*l.size], l.key(i)) {
			continue
		}
		copy(l.keys[kept*l.size:], l.key(i))
		kept++
	}
	l.keys = l.keys[:kept*l.size]
}

// digest is a key as something that is moved in one go.
type digest interface {
	[16]byte | [20]byte | [32]byte
}

func digests[K digest](keys []byte) []K {
	var one K
	return unsafe.Slice((*K)(unsafe.Pointer(unsafe.SliceData(keys))), len(keys)/len(one))
}

// fewKeys is how many are sorted faster by insertion than by digits.
const fewKeys = 24

// sortDigests sorts in place, without more memory than the stack, by the byte at depth
// and then each part by the next one (American flag sort, McIlroy, Bostic, McIlroy,
// Computing Systems 1993). The bytes before depth are the same in all keys. However the
// keys are chosen, it takes no more than a pass over them for each of their bytes.
func sortDigests[K digest](keys []K, refs []uint32, depth int) {
	var next, ends [256]int
	for ; ; depth++ {
		if len(keys) <= fewKeys {
			insertDigests(keys, refs)
			return
		}
		if depth == len(keys[0]) {
			slices.Sort(refs)
			return
		}
		clear(ends[:])
		for i := range keys {
			ends[keys[i][depth]]++
		}
		if ends[keys[0][depth]] < len(keys) {
			break
		}
	}
	sum := 0
	for d, n := range ends {
		next[d] = sum
		sum += n
		ends[d] = sum
	}
	for d := range next {
		for i := next[d]; i < ends[d]; i = next[d] {
			// What stands here goes where it belongs, until what comes back belongs here.
			to := int(keys[i][depth])
			j := next[to]
			next[to]++
			if to != d {
				keys[i], keys[j] = keys[j], keys[i]
				if refs != nil {
					refs[i], refs[j] = refs[j], refs[i]
				}
			}
		}
	}
	from := 0
	for _, to := range ends {
		if to-from > 1 {
			part := refs
			if refs != nil {
				part = refs[from:to]
			}
			sortDigests(keys[from:to], part, depth+1)
		}
		from = to
	}
}

// insertDigests sorts a few keys.
func insertDigests[K digest](keys []K, refs []uint32) {
	for i := 1; i < len(keys); i++ {
		for j := i; j > 0; j-- {
			c := bytes.Compare(bytesOf(&keys[j-1]), bytesOf(&keys[j]))
			if c == 0 && refs != nil {
				c = cmp.Compare(refs[j-1], refs[j])
			}
			if c <= 0 {
				break
			}
			keys[j-1], keys[j] = keys[j], keys[j-1]
			if refs != nil {
				refs[j-1], refs[j] = refs[j], refs[j-1]
			}
		}
	}
}

func bytesOf[K digest](key *K) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(key)), len(*key))
}
