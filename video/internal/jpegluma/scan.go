package jpegluma

// scan is a scan header (B.2.3).
type scan struct {
	parts    []part
	from, to int  // zigzag indices, inclusive
	high     int  // the bit plane sent before, 0 in a first scan
	low      uint // the bit plane sent now
}

// part is one component's part of a scan.
type part struct {
	*component
	index  int
	dc, ac *huffman // nil where the file has not defined it
}

const (
	errNoCodes = FormatError("a scan whose tables of codes are not defined")
	errShort   = FormatError("a scan that ends before its picture does")
	errRestart = FormatError("a restart marker is missing")

	// image/jpeg counts them otherwise than T.81 says, and fails.
	errRestarts = UnusualError("restart markers in a scan of one subsampled component")
)

// readScan reads a scan, whose data begin at data[at], and returns where they end.
func (d *Decoder) readScan(data, body []byte, at int) (end int, err error) {
	if d.components == nil {
		return 0, FormatError("a scan before its frame")
	}
	if d.isRGB() {
		return 0, errRGB
	}
	if d.scans++; d.scans > maxScans {
		return 0, &BudgetError{"scans", maxScans, d.scans}
	}
	var parts [3]part
	s, err := d.parseScan(body, &parts)
	if err != nil {
		return 0, err
	}
	if !d.started {
		d.started = true
		d.begin()
	}
	if d.options.Check != nil {
		if err := d.options.Check(); err != nil {
			return 0, err
		}
	}
	if d.interval > 0 && len(s.parts) == 1 && s.parts[0].h*s.parts[0].v > 1 {
		return 0, errRestarts
	}
	d.bits.begin(data, at)
	switch {
	case !d.progressive:
		d.setQuant()
		err = d.sequentialScan(&s)
	case s.from == 0:
		err = d.firstScan(&s)
	default:
		err = d.bandScan(&s)
	}
	if err != nil {
		// What is decoded behind the end of the file is an error of any kind.
		if !d.bits.check() && d.bits.next >= len(data)-1 {
			err = ErrTruncated
		}
		return 0, err
	}
	return d.bits.skipSegment(), nil
}

func (d *Decoder) parseScan(body []byte, parts *[3]part) (s scan, err error) {
	if len(body) < 6 || len(body) > 4+2*len(d.components) || len(body) != 4+2*int(body[0]) {
		return s, FormatError("a scan header of the wrong length")
	}
	s.parts = parts[:body[0]]
	blocks := 0
	for i := range s.parts {
		id, dc, ac := body[1+2*i], body[2+2*i]>>4, body[2+2*i]&15
		p := &s.parts[i]
		for j := range d.components {
			if d.components[j].id == id {
				p.component, p.index = &d.components[j], j
			}
		}
		if p.component == nil {
			return s, FormatError("a scan of a component that the frame lacks")
		}
		for _, other := range s.parts[:i] {
			if other.index == p.index {
				return s, FormatError("a scan with a component twice")
			}
		}
		blocks += p.h * p.v
		if dc > 3 || ac > 3 || d.sequential && (dc > 1 || ac > 1) {
			return s, FormatError("a scan with a table of codes that does not exist")
		}
		if d.present[0][dc] {
			p.dc = &d.huffman[0][dc]
		}
		if d.present[1][ac] {
			p.ac = &d.huffman[1][ac]
		}
	}
	if len(d.components) > 1 && blocks > 10 {
		return s, FormatError("a scan of more than ten blocks together")
	}
	s.to = lastZig
	if d.progressive {
		rest := body[len(body)-3:]
		s.from, s.to, s.high, s.low = int(rest[0]), int(rest[1]), int(rest[2]>>4), uint(rest[2]&15)
		if s.from == 0 && s.to != 0 || s.from > s.to || s.to > lastZig {
			return s, FormatError("a scan of impossible coefficients")
		}
		if s.from != 0 && len(s.parts) != 1 {
			return s, FormatError("a scan of several components' AC coefficients")
		}
		if s.high != 0 && s.high != int(s.low)+1 {
			return s, FormatError("a scan of impossible bits")
		}
	}
	for _, p := range s.parts {
		needsDC := s.from == 0 && s.high == 0
		needsAC := !d.progressive || s.from > 0
		if needsDC && p.dc == nil || needsAC && p.ac == nil {
			return s, errNoCodes
		}
		if needsDC {
			p.dc.derive(false)
		}
		if needsAC {
			p.ac.derive(true)
		}
	}
	return s, nil
}

// blocksOf is the size in blocks of what a scan of component c alone holds (A.2.4).
func (d *Decoder) blocksOf(c *component) (across, down int) {
	y := &d.components[0]
	return over(over(d.width*c.h, y.h), 8), over(over(d.height*c.v, y.v), 8)
}

// restart passes over restart marker number i of a scan.
func (d *Decoder) restart(i int) error {
	if !d.bits.check() {
		return errShort
	}
	want := markRST0 + i&7
	data := d.bits.raw
	marker, at := nextMarker(data, d.bits.skipSegment())
	// image/jpeg takes 0xff 0xff 0x00 for stuffing here, as if it had no fill byte.
	for marker == 0 {
		marker, at = nextMarker(data, at)
	}
	if marker == none {
		return ErrTruncated
	}
	if marker != want {
		return errRestart
	}
	d.bits.begin(data, at)
	return nil
}

// sequentialScan decodes a scan of whole blocks.
func (d *Decoder) sequentialScan(s *scan) error {
	if len(s.parts) == 1 {
		return d.sequentialPart(&s.parts[0])
	}
	var last int32 // DC coefficient of luma
	zig := lastZigOf(d.plane.Scale)
	coef := &d.coef
	units, restarts := 0, 0
	for my := range d.mcusY {
		for mx := range d.mcusX {
			if d.interval > 0 && units == d.interval {
				if err := d.restart(restarts); err != nil {
					return err
				}
				units, last = 0, 0
				restarts++
			}
			units++
			for i := range s.parts {
				p := &s.parts[i]
				if p.index != 0 {
					for range p.h * p.v {
						if !d.bits.check() {
							return errShort
						}
						if _, err := d.bits.block(&d.unused, p.dc, p.ac, 0, &d.weightless); err != nil {
							return err
						}
					}
					continue
				}
				for y := range p.v {
					for x := range p.h {
						if !d.bits.check() {
							return errShort
						}
						energy, err := d.bits.block(coef, p.dc, p.ac, zig, &d.powers)
						if err != nil {
							return err
						}
						last += coef[0]
						coef[0] = last
						d.weigh(last, float64(energy))
						d.put(coef, mx*p.h+x, my*p.v+y)
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

// sequentialPart decodes a scan of one component alone.
func (d *Decoder) sequentialPart(p *part) error {
	var last int32
	zig := lastZigOf(d.plane.Scale)
	across, down := d.blocksOf(p.component)
	units, restarts := 0, 0
	for y := range down {
		for x := range across {
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
			if p.index != 0 {
				if _, err := d.bits.block(&d.unused, p.dc, p.ac, 0, &d.weightless); err != nil {
					return err
				}
				continue
			}
			energy, err := d.bits.block(&d.coef, p.dc, p.ac, zig, &d.powers)
			if err != nil {
				return err
			}
			last += d.coef[0]
			d.coef[0] = last
			d.weigh(last, float64(energy))
			d.put(&d.coef, x, y)
		}
	}
	if !d.bits.check() {
		return errShort
	}
	return nil
}
