package consortium

import (
	"iter"
	"slices"
	"sort"
	"time"
)

// board is one list of one protocol: records of type T, each at its place in the order of
// changes. What nobody has changed is derived when it is asked for, so that a record costs
// four bytes until then. A T is never changed in place: pages keep what they took.
type board[T any] struct {
	data
	start   int64               // microseconds: when the first record was added
	span    int64               // microseconds from the first generated record to the last
	derive  func(uint32) T      // generated record i as it was added
	keysOf  func(T) []string    // what lookup finds a record by; never other ones, whatever becomes of it
	seq     []uint32            // of every record: the number of its latest change
	events  []event             // changes after the generated ones, by seq - n
	touched map[uint32]T        // records that were changed or added since
	keys    map[string]uint32   // of added records
	perm    func(uint32) uint32 // see ordinal
}

type event struct {
	item uint32
	at   int64 // microseconds, strictly rising
}

func newBoard[T any](d data, end time.Time, span time.Duration, derive func(uint32) T, keysOf func(T) []string) *board[T] {
	b := &board[T]{data: d, derive: derive, keysOf: keysOf, touched: map[uint32]T{}, keys: map[string]uint32{}}
	b.span = span.Microseconds()
	b.start = end.Truncate(time.Second).UnixMicro() - b.span
	b.seq = make([]uint32, d.n)
	for i := range b.seq {
		b.seq[i] = uint32(i)
	}
	step := coprime(d.n)
	b.perm = func(o uint32) uint32 { return uint32((uint64(o)*step + d.seed) % uint64(d.n)) }
	return b
}

// coprime is a stride through n numbers that visits every one, near the golden section so
// that neighbours end up far apart.
func coprime(n uint32) uint64 {
	gcd := func(a, b uint64) uint64 {
		for b != 0 {
			a, b = b, a%b
		}
		return a
	}
	s := uint64(float64(n)*0.618) + 1
	for gcd(s, uint64(n)) != 1 {
		s++
	}
	return s
}

// ordinal gives the record at a place of the order that has nothing to do with time.
func (b *board[T]) ordinal(o uint32) uint32 {
	if o < b.n {
		return b.perm(o)
	}
	return o
}

// len counts the records there ever were.
func (b *board[T]) len() uint32 { return uint32(len(b.seq)) }

// at is the time of a change in microseconds. Generated records come in sevens of one
// moment, and a tenth of them in one bulk upload at a single moment, as in real lists: a
// client can't cut its ranges so that each has few records.
func (b *board[T]) at(seq uint32) int64 {
	if seq >= b.n {
		return b.events[seq-b.n].at
	}
	if half := b.n / 2; seq > half && seq < half+b.n/10 {
		seq = half
	}
	return b.start + int64(float64(b.span)*(float64(seq/7*7)/float64(b.n)))
}

func (b *board[T]) record(item uint32) T {
	if t, ok := b.touched[item]; ok {
		return t
	}
	return b.derive(item)
}

// updated is the time of a record's latest change in microseconds.
func (b *board[T]) updated(item uint32) int64 { return b.at(b.seq[item]) }

// since gives the first change at or after a time.
func (b *board[T]) since(at int64) uint32 {
	return uint32(sort.Search(int(b.changed()), func(s int) bool { return b.at(uint32(s)) >= at }))
}

// itemOf is the record that a change was of.
func (b *board[T]) itemOf(seq uint32) uint32 {
	if seq < b.n {
		return seq
	}
	return b.events[seq-b.n].item
}

// changes goes through records in the order of their latest changes, from a change on.
func (b *board[T]) changes(from uint32) iter.Seq2[uint32, uint32] {
	return func(yield func(seq, item uint32) bool) {
		for s, n := from, b.changed(); s < n; s++ {
			if item := b.itemOf(s); b.seq[item] == s && !yield(s, item) {
				return
			}
		}
	}
}

// row is a record of a page, and when it was changed.
type row[T any] struct {
	item   uint32
	at     int64 // microseconds
	record T
}

// page takes the records that are wanted, at most limit, in the order of their latest changes, of
// the changes from one on and before another. next is where the page after it begins.
func (b *board[T]) page(from, before uint32, limit int64, want func(row[T]) bool) (rows []row[T], next uint32, more bool) {
	next = from
	for seq, item := range b.changes(from) {
		if seq >= before {
			break
		}
		if int64(len(rows)) == limit {
			return rows, next, true
		}
		next = seq + 1
		if r := (row[T]{item, b.at(seq), b.record(item)}); want(r) {
			rows = append(rows, r)
		}
	}
	return rows, next, false
}

// changed counts the changes there ever were.
func (b *board[T]) changed() uint32 { return b.n + uint32(len(b.events)) }

// change puts a record in the place of another and moves it to the end of the order.
func (b *board[T]) change(item uint32, now time.Time, t T) {
	at := now.UnixMicro()
	seq := b.changed()
	if seq > 0 {
		at = max(at, b.at(seq-1)+1)
	}
	b.seq[item] = seq
	b.events = append(b.events, event{item, at})
	b.touched[item] = t
}

// add puts a new record at the end.
func (b *board[T]) add(now time.Time, t T) uint32 {
	item := b.len()
	b.seq = append(b.seq, 0)
	b.change(item, now, t)
	for _, k := range b.keysOf(t) {
		b.keys[k] = item
	}
	return item
}

// lookup finds the record that has a key: an added one by the key itself, a generated one by
// turning its value back. Lists share generated values: the record of that number may have another.
func (b *board[T]) lookup(key, value string, kinds ...kind) (uint32, bool) {
	if item, ok := b.keys[key]; ok {
		return item, true
	}
	for _, k := range kinds {
		if item, ok := b.find(value, k); ok && slices.Contains(b.keysOf(b.record(item)), key) {
			return item, true
		}
	}
	return 0, false
}

// named finds the record of a value whose type is not said: the first there is, in the order of
// types. Keys are the type and the value.
func (b *board[T]) named(value string, types []string, kinds map[string]kind) (uint32, bool) {
	for _, typ := range types {
		if item, ok := b.lookup(typ+" "+value, value, kinds[typ]); ok {
			return item, true
		}
	}
	return 0, false
}
