package mih

import "sync/atomic"

const (
	// tableSize is how many hashes are searched one by one before they become a
	// segment.
	tableSize = 2048
	// firstTable is the room of the first table, doubled until it is tableSize: many
	// indices stay small.
	firstTable = 64
)

// table holds the latest hashes in the order they came. One writer appends, behind
// what readers see.
type table struct {
	width int
	words []uint64
	refs  []uint32
	dead  []uint32 // a bit for every ref that was removed; read and set atomically
	n     atomic.Int64
	gone  atomic.Int64
}

func newTable(width, room int) *table {
	return &table{width: width, words: make([]uint64, width*room), refs: make([]uint32, room), dead: make([]uint32, (room+31)/32)}
}

func (t *table) len() int { return int(t.n.Load()) }

func (t *table) isFull() bool { return t.len() == len(t.refs) }

// add appends a hash. There must be room, and only one goroutine at a time may.
func (t *table) add(words []uint64, ref uint32) {
	n := t.len()
	copy(t.words[n*t.width:(n+1)*t.width], words)
	t.refs[n] = ref
	t.n.Store(int64(n + 1)) // readers go by n: it comes last
}

// grown returns a copy with room for more.
func (t *table) grown(room int) *table {
	g := newTable(t.width, room)
	n := t.len()
	copy(g.words, t.words[:n*t.width])
	copy(g.refs, t.refs[:n])
	copy(g.dead, t.dead) // whoever sets dead bits holds the same lock as who calls grown
	g.n.Store(int64(n))
	g.gone.Store(t.gone.Load())
	return g
}

// find returns the number of the ref under the hash that is not dead.
func (t *table) find(words []uint64, ref uint32) (int, bool) {
	for i, r := range t.refs[:t.len()] {
		if r == ref && !deadBit(t.dead, i) && compare(t.words[i*t.width:(i+1)*t.width], words) == 0 {
			return i, true
		}
	}
	return 0, false
}

// search calls emit for every live ref within the radius.
func (t *table) search(w *work, emit func(ref uint32, distance int)) {
	n := t.len()
	scan(t.words[:n*t.width], t.width, &w.query, w.radius, func(i, distance int) {
		if !deadBit(t.dead, i) {
			emit(t.refs[i], distance)
		}
	})
}

func (t *table) bytes() int { return 8*cap(t.words) + 4*(cap(t.refs)+cap(t.dead)) }
