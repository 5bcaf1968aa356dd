package jpegluma

import mathbits "math/bits"

// blocks holds what the scans of a progressive file have told so far of luma.
type blocks struct {
	across int // blocks in a row, those of the last MCU outside the picture included
	seen   bool
	kept   []int32 // a side squared of each block: the coefficients that the scale needs
	side   int
	place  [64]int8 // by zigzag index: where in kept, or -1
	// used has a bit for each coefficient in zigzag order that is not zero, by component:
	// what refinement must know of those that are not kept as well.
	used [3][]uint64
	// energy is each block's, of its AC coefficients.
	energy []float32
}

// begin prepares for the first scan: the frame is known and within the budget.
func (d *Decoder) begin() {
	scale := d.options.Scale
	if scale == 0 {
		scale = ScaleFor(d.width, d.height)
	}
	n := 8 / scale
	across, down := over(d.width, 8), over(d.height, 8)
	d.plane = Plane{
		Luma: grow(d.plane.Luma, across*n*down*n), Stride: across * n, Rows: down * n,
		Width: over(d.width, scale), Height: over(d.height, scale), Scale: scale,
		PictureWidth: d.width, PictureHeight: d.height,
	}
	if !d.progressive {
		return
	}
	b, y := &d.blocks, &d.components[0]
	b.across, b.seen, b.side = d.mcusX*y.h, false, n
	count := b.across * d.mcusY * y.v
	b.kept = grow(b.kept, count*n*n)
	b.energy = grow(b.energy, count)
	for i := range d.components {
		c := &d.components[i]
		b.used[i] = grow(b.used[i], d.mcusX*c.h*d.mcusY*c.v)
	}
	for i, z := range zigzag {
		b.place[i] = -1
		if u, v := int(z/8), int(z%8); u < n && v < n {
			b.place[i] = int8(u*n + v)
		}
	}
}

// grow returns n zeros, in s where it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// firstScan reads a scan of DC coefficients, of luma alone or of several components.
func (d *Decoder) firstScan(s *scan) error {
	across, down := d.mcusX, d.mcusY
	if len(s.parts) == 1 {
		across, down = d.blocksOf(s.parts[0].component)
	}
	var last int32
	units, restarts := 0, 0
	for my := range down {
		for mx := range across {
			if d.interval > 0 && units == d.interval {
				if err := d.restart(restarts); err != nil {
					return err
				}
				units, last = 0, 0
				restarts++
			}
			units++
			if !d.bits.check() {
				return errShort
			}
			if len(s.parts) == 1 {
				if err := d.dc(s, &s.parts[0], &last, mx, my); err != nil {
					return err
				}
				continue
			}
			for i := range s.parts {
				p := &s.parts[i]
				for y := range p.v {
					for x := range p.h {
						if err := d.dc(s, p, &last, mx*p.h+x, my*p.v+y); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	if !d.bits.check() {
		return errShort
	}
	return nil
}

// dc reads the DC coefficient of one block. An MCU has at most ten, of at most 32
// bits each, so one check an MCU is enough.
func (d *Decoder) dc(s *scan, p *part, last *int32, bx, by int) error {
	if p.index == 0 {
		d.blocks.seen = true
	}
	if s.high != 0 { // with or without a first scan
		if bit := d.bits.take(1); bit != 0 && p.index == 0 {
			*d.blocks.dc(bx, by) |= 1 << s.low
		}
		return nil
	}
	diff, err := d.bits.difference(p.dc)
	if p.index == 0 {
		*last += diff
		*d.blocks.dc(bx, by) = *last << s.low
	}
	return err
}

func (b *blocks) dc(bx, by int) *int32 { return &b.kept[(by*b.across+bx)*b.side*b.side] }

// difference reads a DC coefficient's difference from the last one.
func (b *bits) difference(t *huffman) (int32, error) {
	if b.n < 32 {
		b.fill()
	}
	if e := t.dc[b.acc>>(64-valueBits)]; e != 0 && e&dcOutside == 0 {
		b.drop(uint(e & 31))
		return int32(e) >> 16, nil
	}
	size, length := t.symbol(b.acc)
	if length == 0 {
		return 0, errBadCode
	}
	if size > 16 {
		return 0, errWideDC
	}
	v := extend(uint32(b.acc<<length>>1>>(63-size)), uint(size))
	b.drop(length + uint(size))
	return v, nil
}

// errRunOver is for a run of empty blocks that image/jpeg continues in the next scan and
// others don't.
const errRunOver = UnusualError("a run of empty blocks beyond a scan's end")

// nowhere is a blocks.place that keeps nothing.
var nowhere = func() (place [64]int8) {
	for i := range place {
		place[i] = -1
	}
	return place
}()

// bandScan reads a scan of one component's AC coefficients, colour's to see that it is
// sound.
func (d *Decoder) bandScan(s *scan) error {
	p := &s.parts[0]
	across, down := d.blocksOf(p.component)
	run, units, restarts := 0, 0, 0
	b := &d.blocks
	used, stride := b.used[p.index], d.mcusX*p.h
	place, area := &nowhere, 0
	if p.index == 0 {
		place, area = &b.place, b.side*b.side
		b.seen = true
	}
	plane := float32(uint32(1) << (2 * s.low)) // what the bits of this scan count for
	d.powers.set(&d.quants[p.quant])
	for y := range down {
		for x := range across {
			if d.interval > 0 && units == d.interval {
				if err := d.restart(restarts); err != nil {
					return err
				}
				units, run = 0, 0
				restarts++
			}
			units++
			at := y*stride + x
			if s.high == 0 && run > 0 {
				run--
				continue
			}
			if !d.bits.check() {
				return errShort
			}
			var err error
			kept := b.kept[at*area : (at+1)*area]
			var energy uint64
			if s.high == 0 {
				run, energy, err = d.bits.band(s, place, kept, &used[at], &d.powers)
			} else {
				run, energy, err = d.bits.refine(s, place, kept, &used[at], &d.powers, run)
			}
			if err != nil {
				return err
			}
			if p.index == 0 {
				b.energy[at] += float32(energy) * plane
			}
		}
	}
	if !d.bits.check() {
		return errShort
	}
	if run > 0 {
		return errRunOver
	}
	return nil
}

// band reads the coefficients s.from to s.to of one block (G.1.2.2) and returns how
// many further blocks have none, and the energy of what was read as if it were whole.
func (b *bits) band(s *scan, place *[64]int8, kept []int32, used *uint64, w *powers) (run int, energy uint64, err error) {
	ac := s.parts[0].ac
	for k := s.from; k <= s.to; k++ {
		symbol, value, err := b.coefficient(ac, s.to-k)
		if err != nil {
			return 0, 0, err
		}
		zeros, size := int(symbol>>4), symbol&15
		if size == 0 && zeros < 15 {
			return b.run(zeros) - 1, energy, nil
		}
		if k += zeros; k > s.to {
			break
		}
		if size > 0 {
			*used |= 1 << k
			energy += w[k] * squares[size]
			if at := place[k]; at >= 0 {
				kept[at] = value << s.low
			}
		}
	}
	return 0, energy, nil
}

// coefficient reads a code and, if its run of zeros is at most room, the value's bits.
func (b *bits) coefficient(ac *huffman, room int) (symbol uint8, value int32, err error) {
	b.fill()
	if e := ac.values[b.acc>>(64-valueBits)]; e&(valueEnd|valueOutside) == 0 && e != valueHard {
		if zeros := int(e>>9&31) - 1; zeros <= room {
			b.drop(uint(e & 31))
			return uint8(zeros<<4) | uint8(e>>5&15), int32(e) >> 16, nil
		}
	}
	symbol, length := ac.quick(b.acc)
	if length == 0 {
		return 0, 0, errBadCode
	}
	b.drop(length)
	if size := uint(symbol & 15); size > 0 && int(symbol>>4) <= room {
		value = extend(b.take(size), size)
	}
	return symbol, value, nil
}

// run reads the length of a run of empty blocks of class 0 to 14, this one included.
func (b *bits) run(class int) int {
	if class == 0 {
		return 1
	}
	return 1<<class | int(b.take(uint(class)))
}

// refine reads a further bit of the coefficients s.from to s.to that are not zero and
// those that become so by it (G.1.2.3), in a block that may lie within a run of blocks
// without new ones, and returns what is left of the run, and the energy of the bits.
func (b *bits) refine(s *scan, place *[64]int8, kept []int32, used *uint64, w *powers, run int) (left int, energy uint64, err error) {
	k := s.from
	ac := s.parts[0].ac
	bit := int32(1) << s.low
	for run == 0 && k <= s.to {
		b.fill()
		symbol, length := ac.quick(b.acc)
		if length == 0 {
			return 0, 0, errBadCode
		}
		b.drop(length)
		zeros, size := int(symbol>>4), symbol&15
		if size == 0 && zeros < 15 {
			run = b.run(zeros)
			break
		}
		if size > 1 {
			return 0, 0, FormatError("a refinement by more than one bit")
		}
		value := int32(0)
		if size == 1 {
			if value = -bit; b.take(1) != 0 {
				value = bit
			}
		}
		// The place of the zero after as many zeros.
		free := ^*used & between(k, s.to)
		for ; zeros > 0; zeros-- {
			free &= free - 1
		}
		to := s.to
		if free != 0 {
			to = mathbits.TrailingZeros64(free) - 1
		}
		energy += b.correct(*used&between(k, to), bit, place, kept, w)
		if free == 0 {
			return 0, 0, FormatError("a refinement beyond the last coefficient")
		}
		k = to + 1
		if value != 0 {
			*used |= 1 << k
			energy += w[k]
			if at := place[k]; at >= 0 {
				kept[at] = value
			}
		}
		k++
	}
	if run > 0 {
		run--
		energy += b.correct(*used&between(k, s.to), bit, place, kept, w)
	}
	return run, energy, nil
}

// between has the bits from to to set; none when from is over to.
func between(from, to int) uint64 {
	if from > to {
		return 0
	}
	return ^uint64(0) << from & (^uint64(0) >> (63 - to))
}

// correct reads one bit for each coefficient of which and returns the energy of those
// that are set.
func (b *bits) correct(which uint64, bit int32, place *[64]int8, kept []int32, w *powers) (energy uint64) {
	for which != 0 {
		if b.n < 32 {
			b.fill()
		}
		// Of what lies behind the last one kept, only the number counts.
		for ; which != 0 && b.n > 0; which &= which - 1 {
			up := int64(b.acc) < 0
			b.drop(1)
			if !up {
				continue
			}
			k := mathbits.TrailingZeros64(which)
			energy += w[k]
			at := place[k]
			if at < 0 {
				continue
			}
			if v := &kept[at]; *v >= 0 {
				*v += bit
			} else {
				*v -= bit
			}
		}
	}
	return energy
}

// reconstruct transforms all blocks of a progressive file into the plane.
func (d *Decoder) reconstruct() {
	b := &d.blocks
	if !b.seen {
		return
	}
	d.setQuant()
	n := b.side
	var coef [64]int32
	for y := range d.plane.Rows / n {
		for x := range d.plane.Stride / n {
			kept := b.kept[(y*b.across+x)*n*n:][:n*n]
			for i := range lastZigs[n] + 1 {
				if at := b.place[i]; at >= 0 {
					coef[i] = kept[at]
				}
			}
			d.weigh(coef[0], float64(b.energy[y*b.across+x]))
			d.put(&coef, x, y)
		}
	}
}
