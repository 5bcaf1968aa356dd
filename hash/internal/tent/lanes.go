package tent

import "encoding/binary"

// words holds sums of 16 bits along a row, 4 a word from its lowest bits on: those
// of even columns, and from word half on those of odd ones. A sum stands in the place of the
// first of its columns. Those that would reach beyond the row are not defined.
type words struct {
	w, half int      // columns; half has room for whole vectors and one word more
	nothing []uint8  // a row of zeros
	columns []uint64 // of bytes along the columns
	a       []uint64 // of b of these along the row: the pixels of one mean
	e, t    []uint64 // of b and of b+1 of those along the row
}

// even picks the bytes of even columns from 8.
const even = 0x00ff00ff00ff00ff

func (l *words) reset(w int) {
	l.w, l.half = w, (w+31)/32*4+4
	n := 2*l.half + 4
	l.nothing, l.columns = grow(l.nothing, w), grow(l.columns, n)
	l.a, l.e, l.t = grow(l.a, n), grow(l.e, n), grow(l.t, n)
	clear(l.nothing)
	clear(l.columns)
}

// place is where sum i lies, counted in 16 bits.
func (l *words) place(i int) int { return i>>1 + i&1*4*l.half }

// of returns sum i of row.
func (l *words) of(row []uint64, i int) uint16 {
	p := l.place(i)
	return uint16(row[p>>2] >> (p & 3 * 16))
}

// move adds a row of bytes to the columns' sums and takes one away that was added
// before. Either may be nil.
func (l *words) move(enter, leave []uint8, fast bool) {
	if enter == nil {
		enter = l.nothing
	}
	if leave == nil {
		leave = l.nothing
	}
	done := 0
	if fast && l.w >= 32 {
		done = l.w &^ 31
		moveAVX2(&l.columns[0], l.half, &enter[0], &leave[0], done)
		if done == l.w {
			return
		}
	}
	e, o := l.columns[done/8:l.half], l.columns[l.half+done/8:]
	enter, leave = enter[done:], leave[done:]
	for len(enter) >= 8 && len(leave) >= 8 && len(e) > 0 && len(o) > 0 {
		in, out := binary.LittleEndian.Uint64(enter), binary.LittleEndian.Uint64(leave)
		e[0] = e[0] + in&even - out&even
		o[0] = o[0] + in>>8&even - out>>8&even
		enter, leave, e, o = enter[8:], leave[8:], e[1:], o[1:]
	}
	for i := range enter {
		row, shift := e, i/2*16
		if i&1 == 1 {
			row = o
		}
		row[0] += uint64(enter[i]) << shift
		row[0] -= uint64(leave[i]) << shift
	}
}

// tents makes a, e and t of the columns' sums, for b of 1, 2, 4 or 8, and returns the
// bits that are set anywhere in t, in every place that they may stand in.
func (l *words) tents(b int, fast bool) uint64 {
	switch b {
	case 1:
		copy(l.a, l.columns)
		copy(l.e, l.columns)
		return l.pair(l.t, l.a, fast)
	case 2:
		l.pair(l.a, l.columns, fast)
		l.pair(l.e, l.a, fast)
	case 4:
		l.four(l.a, l.columns, fast)
		if fast {
			return tentAVX2(&l.e[0], &l.t[0], &l.a[0], l.half)
		}
		l.four(l.e, l.a, fast)
	default:
		l.four(l.a, l.columns, fast)
		l.add(l.a, l.a, l.a, 2, fast)
		l.four(l.e, l.a, fast)
		l.add(l.e, l.e, l.e, 2, fast)
	}
	return l.add(l.t, l.e, l.a, b/2, fast)
}

// pair makes sums of two columns.
func (l *words) pair(dst, src []uint64, fast bool) (all uint64) {
	if fast {
		n := 4 * l.half
		return addAVX2(&dst[0], &src[0], &src[l.half], 0, n) | addAVX2(&dst[l.half], &src[l.half], &src[0], 1, n)
	}
	n := (l.w + 7) / 8
	e, o := src[1:][:n], src[l.half:][:n]
	de, do := dst[:n], dst[l.half:][:n]
	u := src[0]
	for i, v := range o {
		next := e[i]
		p, q := u+v, v+(u>>16|next<<48)
		de[i], do[i] = p, q
		all |= p | q
		u = next
	}
	return all
}

// four makes sums of four columns: pairs, and pairs of pairs.
func (l *words) four(dst, src []uint64, fast bool) {
	if fast {
		fourAVX2(&dst[0], &src[0], l.half)
		return
	}
	n := (l.w + 7) / 8
	e, o := src[2:][:n], src[l.half+1:][:n]
	de, do := dst[:n], dst[l.half:][:n]
	u := src[1]
	p, q := src[0]+src[l.half], src[l.half]+(src[0]>>16|u<<48)
	for i, v := range o {
		next := e[i]
		nextP, nextQ := u+v, v+(u>>16|next<<48)
		de[i] = p + (p>>16 | nextP<<48)
		do[i] = q + (q>>16 | nextQ<<48)
		u, p, q = next, nextP, nextQ
	}
}

// add writes to dst x and the sums of y that stand n words of 16 bits, 1, 2 or 4,
// further on: 2n columns.
func (l *words) add(dst, x, y []uint64, n int, fast bool) (all uint64) {
	if fast {
		return addAVX2(&dst[0], &x[0], &y[0], n, 8*l.half)
	}
	m := (l.w + 7) / 8
	for _, from := range [2]int{0, l.half} {
		u := y[from]
		x, y, dst := x[from:][:m], y[from+1:][:m], dst[from:][:m]
		switch n {
		case 1:
			for i, v := range x {
				next := y[i]
				sum := v + (u>>16 | next<<48)
				dst[i], u = sum, next
				all |= sum
			}
		case 2:
			for i, v := range x {
				next := y[i]
				sum := v + (u>>32 | next<<32)
				dst[i], u = sum, next
				all |= sum
			}
		default:
			for i, v := range x {
				sum := v + y[i]
				dst[i] = sum
				all |= sum
			}
		}
	}
	return all
}

// next returns the first i from i to last whose sum in t is 2^m or more, and -1 where
// there is none; all is what tents returned.
func (l *words) next(i, last int, all uint64, m int) int {
	mask := uint64(0xffff<<m&0xffff) * 0x0001000100010001
	if all&mask == 0 {
		return -1
	}
	for j := i / 8; j <= last/8; j++ {
		if (l.t[j]|l.t[l.half+j])&mask == 0 {
			continue
		}
		for i := max(i, 8*j); i <= min(last, 8*j+7); i++ {
			if l.of(l.t, i)>>m != 0 {
				return i
			}
		}
	}
	return -1
}
