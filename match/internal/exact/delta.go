package exact

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"
)

const (
	// deltaSize is how many keys a delta takes before it becomes a table. A search of one
	// costs no more when it is larger; becoming a table takes some milliseconds.
	deltaSize = 8192
	// firstDelta is the room of the first delta, which grows to deltaSize: many sets stay
	// small.
	firstDelta = 32
)

// delta holds the latest keys in the order they came, in chains by hash. One writer
// appends, behind what readers see.
type delta struct {
	size  int
	keys  []byte
	refs  []uint32
	next  []uint32        // by number: one more than the number of the key before it in its chain; 0 ends the chain
	heads []atomic.Uint32 // twice as many as there is room, by hash: one more than the number of a chain's latest key
	dead  []uint32        // a bit for every ref that was removed; read and set atomically
	n     atomic.Int64
	gone  atomic.Int64
}

// newDelta returns an empty delta. room is a power of two.
func newDelta(size, room int) *delta {
	return &delta{
		size: size, keys: make([]byte, size*room), refs: make([]uint32, room), next: make([]uint32, room),
		heads: make([]atomic.Uint32, 2*room), dead: make([]uint32, (room+31)/32),
	}
}

func (d *delta) len() int { return int(d.n.Load()) }

func (d *delta) isFull() bool { return d.len() == len(d.refs) }

func (d *delta) key(i int) []byte { return d.keys[i*d.size : (i+1)*d.size] }

func (d *delta) head(h uint64) *atomic.Uint32 { return &d.heads[h&uint64(len(d.heads)-1)] }

// add appends a key with hash h. There must be room, and only one goroutine at a time
// may.
func (d *delta) add(h uint64, key []byte, ref uint32) {
	n := d.len()
	copy(d.key(n), key)
	d.refs[n] = ref
	head := d.head(h)
	d.next[n] = head.Load()
	d.n.Store(int64(n + 1))
	head.Store(uint32(n + 1)) // readers go by heads: it comes last
}

// grown returns a copy with room for more.
func (d *delta) grown(seed maphash.Seed, room int) *delta {
	g := newDelta(d.size, room)
	for i, ref := range d.refs[:d.len()] {
		g.add(maphash.Bytes(seed, d.key(i)), d.key(i), ref)
	}
	copy(g.dead, d.dead) // whoever sets dead bits holds the same lock as who calls grown
	g.gone.Store(d.gone.Load())
	return g
}

// find returns the number of the ref under the key that is not dead.
func (d *delta) find(h uint64, key []byte, ref uint32) (int, bool) {
	for at := d.head(h).Load(); at != 0; at = d.next[at-1] {
		if i := int(at - 1); d.refs[i] == ref && !deadBit(d.dead, i) && bytes.Equal(d.key(i), key) {
			return i, true
		}
	}
	return 0, false
}

// search calls emit for every live ref that has the key.
func (d *delta) search(h uint64, key []byte, emit func(ref uint32)) {
	for at := d.head(h).Load(); at != 0; at = d.next[at-1] {
		if i := int(at - 1); bytes.Equal(d.key(i), key) && !deadBit(d.dead, i) {
			emit(d.refs[i])
		}
	}
}

func (d *delta) bytes() int {
	return cap(d.keys) + 4*(cap(d.refs)+cap(d.next)+cap(d.heads)+cap(d.dead))
}

func deadBit(dead []uint32, i int) bool {
	return atomic.LoadUint32(&dead[i>>5])>>(i&31)&1 != 0
}

// setDead marks number i removed. Only one goroutine at a time may.
func setDead(dead []uint32, i int) { atomic.OrUint32(&dead[i>>5], 1<<(i&31)) }
