package exact

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/rematch-go/rematch/match/internal/mapped"
)

const (
	// growth is how much larger than all smaller ones together a table is kept: a larger
	// number makes for fewer tables to search and more merging.
	growth = 4
	// maxDeltas bounds what waits for merges that lag behind: from there on, writers
	// wait.
	maxDeltas = 16
	// smallTable divides merges into small ones, which take milliseconds, and large ones,
	// which take up to seconds and do not hold up the small ones. Larger tables in files
	// are not merged: they cost no memory.
	smallTable = 1 << 17
	// maxMerge bounds what a merge needs, to some 2.5 GB. Larger sets are several tables.
	maxMerge = 1 << 26
)

// The two sorts of merges, of which one each goes on at a time.
const (
	small = iota
	large
)

// job is a merge of deltas and tables into one table.
type job struct {
	deltas []*delta
	tables []*table   // the smaller ones first
	was    [][]uint32 // the dead bits of all of them, as of when the result was told last
}

// merge starts the merges that are due and do not go on yet. The caller holds mu.
func (x *Index) merge() {
	for size := range x.working {
		if x.working[size] {
			continue
		}
		if j := x.due(size); j != nil {
			x.working[size] = true
			go x.work(size, j)
		}
	}
}

// work merges until nothing is due.
func (x *Index) work(size int, j *job) {
	for j != nil {
		t, broken := j.build(x.size)
		x.mu.Lock()
		if broken == nil {
			broken = x.put(j, t)
		}
		if broken != nil {
			// It stays as it is, for searches to report, and is left out from here on.
			broken.broken = true
			for _, part := range j.tables {
				part.taken = false
			}
		}
		j = x.due(size)
		x.working[size] = j != nil
		x.merge() // the other size may have become due
		x.merged.Broadcast()
		x.mu.Unlock()
	}
}

// Wait returns when no merge goes on and none is due. It is for tests and
// measurements: a search needs no waiting.
func (x *Index) Wait() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.working[small] || x.working[large] {
		x.merged.Wait()
	}
}

// due returns the next merge of a size and takes its tables, or nil. The caller holds
// mu.
func (x *Index) due(size int) *job {
	st := x.state.Load()
	j := &job{}
	sum, most := 0, maxMerge
	if size == small {
		j.deltas = st.deltas[:len(st.deltas)-1] // they are full
		sum, most = len(j.deltas)*deltaSize, smallTable
	}
	var free []*table
	worn := -1
	for i, t := range st.tables {
		if t.taken || t.broken || t.live() > most {
			continue
		}
		if t.isWorn() {
			worn = i
		}
		if t.file == nil || t.live() <= smallTable {
			free = append(free, t)
		}
	}
	slices.SortFunc(free, func(a, b *table) int { return cmp.Compare(a.live(), b.live()) })
	take := 0
	for i, t := range free {
		if sum+t.live() > most {
			break
		}
		if t.live() <= growth*sum {
			take = i + 1
		}
		sum += t.live()
	}
	j.tables = free[:take]
	if take == 0 && len(j.deltas) == 0 {
		if worn < 0 {
			return nil
		}
		j.tables = []*table{st.tables[worn]}
	}
	for _, t := range j.tables {
		t.taken = true
	}
	for _, dead := range j.dead() {
		was := make([]uint32, len(dead))
		for i := range dead {
			was[i] = atomic.LoadUint32(&dead[i])
		}
		j.was = append(j.was, was)
	}
	return j
}

// dead returns the dead bits of all that is merged.
func (j *job) dead() (all [][]uint32) {
	for _, d := range j.deltas {
		all = append(all, d.dead)
	}
	for _, t := range j.tables {
		all = append(all, t.dead)
	}
	return all
}

// build makes the table of all that was live when the job was made, or nil when nothing
// was. broken is a part that could not be read.
func (j *job) build(size int) (t, broken *table) {
	latest := newList(size, len(j.deltas)*deltaSize)
	for i, d := range j.deltas {
		for n, ref := range d.refs[:d.len()] {
			if !deadBit(j.was[i], n) {
				latest.add(d.key(n), ref)
			}
		}
	}
	latest.sort()
	lists := []*list{latest}
	parts := []cursor{newCursor(latest, nil)}
	for i, t := range j.tables {
		was := j.was[len(j.deltas)+i]
		if t.file == nil {
			parts = append(parts, newCursor(&list{size: size, keys: t.keys, refs: t.refs}, was))
			continue
		}
		l, err := t.list(was)
		if err != nil {
			return nil, t
		}
		lists = append(lists, l)
		parts = append(parts, newCursor(l, nil))
	}
	parts = slices.DeleteFunc(parts, func(c cursor) bool { return c.left == 0 })
	var all *list
	switch {
	case len(parts) == 0:
		return nil, nil
	case len(parts) == 1 && parts[0].dead == nil:
		all = lists[slices.IndexFunc(lists, func(l *list) bool { return len(l.refs) > 0 })]
	default:
		all = merged(size, parts)
	}
	t = newTable(all)
	return t, j.bury(t) // now, so that little of it is left to do under the lock
}

// list copies what of a table in a file is not dead by the given bits. It must be in
// order: otherwise what it is merged with would be lost beside it.
func (t *table) list(dead []uint32) (l *list, err error) {
	defer t.file.Catch(&err, debug.SetPanicOnFault(true))
	gone := 0
	for _, w := range dead {
		gone += bits.OnesCount32(w)
	}
	l = newList(t.size, t.n-gone)
	var last []byte
	lastRef := uint32(0)
	for i := range t.n {
		key, ref := t.entry(i)
		if c := bytes.Compare(last, key); i > 0 && (c > 0 || c == 0 && lastRef >= ref) {
			return nil, &mapped.Damage{Offset: t.at[Keys].Offset + int64(i)*int64(t.size), Reason: "a digest is not where it belongs in the order"}
		}
		last, lastRef = key, ref
		if !deadBit(dead, i) {
			l.add(key, ref)
		}
	}
	return l, nil
}

// cursor is a place in a sorted list.
type cursor struct {
	*list
	dead []uint32 // what to leave out; nil: nothing
	i    int      // not dead
	left int      // from i on, the dead not counted
	head uint64   // the first bytes of key i
}

// newCursor returns the first place. dead may be nil.
func newCursor(l *list, dead []uint32) cursor {
	c := cursor{list: l, dead: dead, i: -1, left: len(l.refs)}
	for _, w := range dead {
		c.left -= bits.OnesCount32(w)
	}
	if c.left > 0 {
		c.step()
	}
	return c
}

// step goes to the next place. There must be one.
func (c *cursor) step() {
	for c.i++; c.dead != nil && deadBit(c.dead, c.i); c.i++ {
	}
	c.head = binary.BigEndian.Uint64(c.keys[c.i*c.size:])
}

func (c *cursor) before(o *cursor) bool {
	if c.head != o.head {
		return c.head < o.head
	}
	if r := bytes.Compare(c.key(c.i), o.key(o.i)); r != 0 {
		return r < 0
	}
	return c.refs[c.i] < o.refs[o.i]
}

// merged returns the union of what is left of sorted lists, of each of which something
// is. They are few: the first of them is found by looking at each.
func merged(size int, parts []cursor) *list {
	sum := 0
	for _, c := range parts {
		sum += c.left
	}
	out := newList(size, sum)
	for len(parts) > 0 {
		first := 0
		for i := 1; i < len(parts); i++ {
			if parts[i].before(&parts[first]) {
				first = i
			}
		}
		c := &parts[first]
		out.add(c.key(c.i), c.refs[c.i])
		if c.left--; c.left == 0 {
			parts = slices.Delete(parts, first, first+1)
			continue
		}
		c.step()
	}
	return out
}

// bury marks in t what was removed from its parts since was. broken is a part that
// could not be read.
func (j *job) bury(t *table) (broken *table) {
	for i, d := range j.deltas {
		buryPart(t, d.dead, j.was[i], func(n int) ([]byte, uint32) { return d.key(n), d.refs[n] })
	}
	for i, part := range j.tables {
		was := j.was[len(j.deltas)+i]
		if part.file == nil {
			buryPart(t, part.dead, was, part.entry)
		} else if part.buryInto(t, was) != nil {
			return part
		}
	}
	return nil
}

// buryInto is buryPart from a table in a file.
func (t *table) buryInto(into *table, was []uint32) (err error) {
	defer t.file.Catch(&err, debug.SetPanicOnFault(true))
	buryPart(into, t.dead, was, t.entry)
	return nil
}

func buryPart(t *table, dead, was []uint32, entry func(n int) ([]byte, uint32)) {
	for i, then := range was {
		now := atomic.LoadUint32(&dead[i])
		was[i] = now
		for fresh := now &^ then; fresh != 0; fresh &= fresh - 1 {
			key, ref := entry(i<<5 + bits.TrailingZeros32(fresh))
			if n, found, _ := t.find(key, ref); found { // t is in memory
				setDead(t.dead, n)
				t.gone.Add(1)
			}
		}
	}
}

// put replaces what was merged by the result. broken is a part that could not be read:
// nothing is replaced then. The caller holds mu.
func (x *Index) put(j *job, t *table) (broken *table) {
	if t != nil {
		if broken := j.bury(t); broken != nil {
			return broken
		}
	}
	old := x.state.Load()
	st := &state{deltas: old.deltas[len(j.deltas):]} // the oldest come first
	for _, part := range old.tables {
		if !slices.Contains(j.tables, part) {
			st.tables = append(st.tables, part)
		}
	}
	if t != nil {
		st.tables = append(st.tables, t)
	}
	x.state.Store(st)
	return nil
}
