package tent

// A sum s is divided by a count c of at most 2^13 by multiplication, with the bits of
// the division in single precision. s has 24 binary digits, so that s/c lies at
// least 2^-26/c of itself, 2^-39, away from the middle between two neighbouring
// float32: s/c - m for a middle m is a whole number of the digits of s over c, and not
// zero, for m*c has an odd factor of 25 digits and s has not.
//
//   - In Go: float64(s) * (1/c), which errs by 2^-52 of itself, then rounded.
//   - In the vector kernels: q = s*r with r = 1/c rounded, what is left e = s - q*c,
//     which is exact (a small multiple of q's last digit), and q + e*r rounded once: e*r
//     errs by 2^-24 of itself, which is less than 2^-46 of the quotient.
//
// It holds while nothing underflows. Let counts be 2^k at most. Sums of whole multiples
// of d are 0 or at least d, their quotients at least d/2^k, and whole multiples of 2^-23
// of that. With d = 1 for bytes, the fourth round's quotients are 0 or at least
// 2^-(4k+69), which is a normal float32 for every k up to 14. Other luma is at least 2^-8 and
// has d = 2^-31: they are at least 2^-(4k+100), normal for every k up to 6.

// maxFloatBox is the longest box over luma that is not bytes: 2^6.
const maxFloatBox = 64

// reset makes the ring hold height rows of width values, more than b, and sums of
// zero.
func (r *ring) reset(width, b, height int) {
	r.width, r.height, r.b = width, height, b
	r.rows = grow(r.rows, width*height)
	r.sum, r.nothing = grow(r.sum, width), grow(r.nothing, width)
	clear(r.sum)
	clear(r.nothing)
}

// slot is where row y is to be written before it enters; it stays until row y+height.
func (r *ring) slot(y int) []float32 {
	i := int(uint32(y)%uint32(r.height)) * r.width
	return r.rows[i : i+r.width : i+r.width]
}

// slide moves the box on to end with row y, of h rows in all, and writes the means
// to out. What lies outside counts as nothing: to add or take 0 changes no bit.
func (f *Filter) slide(r *ring, out []float32, y, h int) {
	b := r.b
	enter, leave := r.nothing, r.nothing
	if y < h {
		enter = r.slot(y)
	}
	if y >= b {
		leave = r.slot(y - b)
	}
	count := min(y, h-1) - max(y-b, -1)
	if f.fast() {
		c := float32(count)
		slideAVX2(&out[0], &r.sum[0], &enter[0], &leave[0], r.width, c, 1/c)
		return
	}
	n, inverse := r.width, 1/float64(count)
	sum := r.sum
	out, enter, leave = out[:n], enter[:n], leave[:n]
	for x, s := range sum[:n] {
		s += enter[x]
		s -= leave[x]
		sum[x] = s
		out[x] = float32(float64(s) * inverse)
	}
}

// maxWordBox is the longest box of bytes whose sum fits 16 bits.
const maxWordBox = 0xffff / 0xff

// boxBytes is box of a row of bytes, whose sums are whole numbers and exact.
func boxBytes(dst []float32, src []uint8, b int) {
	n, ahead := len(src), aheadOf(b)
	dst = dst[:n]
	sum := int32(0)
	for _, v := range src[:ahead-1] {
		sum += int32(v)
	}
	i := 0
	for ; i <= b-ahead; i++ {
		sum += int32(src[i+ahead-1])
		dst[i] = float32(sum) / float32(i+ahead)
	}
	inverse := 1 / float64(b)
	mid := dst[i : n-ahead+1]
	enter, leave := src[i+ahead-1:][:len(mid)], src[i+ahead-1-b:][:len(mid)]
	for j := range mid {
		sum += int32(enter[j]) - int32(leave[j])
		mid[j] = float32(float64(sum) * inverse)
	}
	for i = n - ahead + 1; i < n; i++ {
		sum -= int32(src[i+ahead-1-b])
		dst[i] = float32(sum) / float32(n-(i+ahead-b))
	}
}

// boxBytes is the same by differences of sums from the row's start, modulo 2^16.
// dst has room for whole vectors.
func (f *Filter) boxBytes(dst []float32, src []uint8) {
	n, b := len(src), f.boxX
	ahead := aheadOf(b)
	p := f.prefix // p[i] is the sum of src[:i]
	p[0] = 0
	whole := n &^ 15
	if whole > 0 {
		prefixAVX2(&p[1], &src[0], whole)
	}
	for i := whole; i < n; i++ {
		p[i+1] = p[i] + uint16(src[i])
	}
	from, to := b-ahead, n-ahead+1 // where the box is whole
	if to > from {
		c := float32(b)
		meansAVX2(&dst[from], &p[b], &p[0], (to-from+15)&^15, c, 1/c)
	}
	for i := range from {
		dst[i] = float32(p[i+ahead]) / float32(i+ahead)
	}
	for i := max(to, 0); i < n; i++ {
		dst[i] = float32(p[n]-p[i+ahead-b]) / float32(n-(i+ahead-b))
	}
}

// boxFour is box of four rows of w values, side by side, because each sum has to
// wait for itself.
func (f *Filter) boxFour(dst, src []float32, w int) {
	b, ahead, n := f.boxX, aheadOf(f.boxX), f.stride
	r0, r1, r2, r3 := src[:w], src[n:][:w], src[2*n:][:w], src[3*n:][:w]
	d0, d1, d2, d3 := dst[:w], dst[n:][:w], dst[2*n:][:w], dst[3*n:][:w]
	var s0, s1, s2, s3 float32
	for x := range ahead - 1 {
		s0, s1, s2, s3 = s0+r0[x], s1+r1[x], s2+r2[x], s3+r3[x]
	}
	i := 0
	for ; i <= b-ahead; i++ {
		x, c := i+ahead-1, float32(i+ahead)
		s0, s1, s2, s3 = s0+r0[x], s1+r1[x], s2+r2[x], s3+r3[x]
		d0[i], d1[i], d2[i], d3[i] = s0/c, s1/c, s2/c, s3/c
	}
	inverse, m := 1/float64(b), w-b
	e0, e1, e2, e3 := r0[b:][:m], r1[b:][:m], r2[b:][:m], r3[b:][:m]
	m0, m1, m2, m3 := d0[i:][:m], d1[i:][:m], d2[i:][:m], d3[i:][:m]
	for j := range m {
		s0 += e0[j]
		s1 += e1[j]
		s2 += e2[j]
		s3 += e3[j]
		s0 -= r0[j]
		s1 -= r1[j]
		s2 -= r2[j]
		s3 -= r3[j]
		m0[j] = float32(float64(s0) * inverse)
		m1[j] = float32(float64(s1) * inverse)
		m2[j] = float32(float64(s2) * inverse)
		m3[j] = float32(float64(s3) * inverse)
	}
	for i += m; i < w; i++ {
		x, c := i+ahead-1-b, float32(w-(i+ahead-b))
		s0, s1, s2, s3 = s0-r0[x], s1-r1[x], s2-r2[x], s3-r3[x]
		d0[i], d1[i], d2[i], d3[i] = s0/c, s1/c, s2/c, s3/c
	}
}

// along writes to out, for the first rows of the block, the samples of the means
// along them. At the samples the box always lies within the row.
func (f *Filter) along(held, w int) {
	if f.fast() {
		c := float32(f.boxX)
		n := (w + 3) &^ 3
		for half := 0; half < lanes; half += 8 {
			transposeAVX2(&f.turned[half], lanes, &f.block[half*f.stride], f.stride, n)
		}
		alongAVX2(&f.samples[0][0], &f.turned[0], &f.gaps[0], f.boxX, c, 1/c)
		for i := 0; i < Side; i += 8 {
			transposeAVX2(&f.out[0][i], Side, &f.samples[i][0], lanes, lanes)
		}
		return
	}
	for i := 0; i < held; i += 4 {
		f.four(i, w)
	}
}

// four is along for four rows from row i on: four sums side by side, because each
// has to wait for itself.
func (f *Filter) four(i, w int) {
	b, inverse := f.boxX, 1/float64(f.boxX)
	block := f.block[i*f.stride:]
	r0, r1 := block[:w], block[f.stride:][:w]
	r2, r3 := block[2*f.stride:][:w], block[3*f.stride:][:w]
	var s0, s1, s2, s3 float32
	for x := range b {
		s0, s1, s2, s3 = s0+r0[x], s1+r1[x], s2+r2[x], s3+r3[x]
	}
	x := b
	for k := range Side {
		n := int(f.gaps[k])
		e0, e1, e2, e3 := r0[x:x+n], r1[x:x+n], r2[x:x+n], r3[x:x+n]
		l0, l1, l2, l3 := r0[x-b:][:n], r1[x-b:][:n], r2[x-b:][:n], r3[x-b:][:n]
		for j := range n {
			s0 += e0[j]
			s1 += e1[j]
			s2 += e2[j]
			s3 += e3[j]
			s0 -= l0[j]
			s1 -= l1[j]
			s2 -= l2[j]
			s3 -= l3[j]
		}
		x += n
		f.out[i][k] = float32(float64(s0) * inverse)
		f.out[i+1][k] = float32(float64(s1) * inverse)
		f.out[i+2][k] = float32(float64(s2) * inverse)
		f.out[i+3][k] = float32(float64(s3) * inverse)
	}
}
