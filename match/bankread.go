package match

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	stdhash "hash"
	"hash/crc32"
	"io"
	"math"
	"os"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// ReadFile reads a bank file whole. A file that is not complete and unharmed is a
// *FormatError, and nothing of it is returned.
func ReadFile(path string) ([]Bank, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("match: reading a bank file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("match: reading a bank file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("match: reading a bank file: %q is not a regular file", path)
	}
	return readBanks(f, info.Size(), true)
}

// Read reads banks that Write has written, up to the end of r. More than limit
// bytes are refused; memory is at most about 20 times what has been read, whatever
// lengths the file claims. Refusals of the content are of type *FormatError.
func Read(r io.Reader, limit int64) ([]Bank, error) { return readBanks(r, limit, false) }

// bankReader reads sections one by one.
type bankReader struct {
	r      *bufio.Reader
	sum    stdhash.Hash
	offset int64
	limit  int64
	sized  bool // limit is the file's size
	buf    bytes.Buffer

	tag    string
	number int // of the section in buf; -1 in the header
	start  int64
}

func readBanks(r io.Reader, limit int64, sized bool) ([]Bank, error) {
	br := &bankReader{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), limit: limit, sized: sized, number: -1}
	if err := br.header(); err != nil {
		return nil, err
	}
	if err := br.section(); err != nil {
		return nil, err
	}
	if br.tag != tagKinds {
		return nil, br.damaged("the kinds must come first")
	}
	if err := br.kinds(); err != nil {
		return nil, err
	}
	var banks []Bank
	entries := uint64(0)
	names := make(map[string]struct{})
	sum := br.sum.Sum(nil) // of all before the section that comes next
	if err := br.section(); err != nil {
		return nil, err
	}
	for br.tag == tagBank {
		b, n, err := br.bank()
		if err != nil {
			return nil, err
		}
		if _, twice := names[b.Name]; twice {
			return nil, br.damaged("the name of a bank for the second time")
		}
		names[b.Name] = struct{}{}
		if sum, err = br.entries(&b, n); err != nil {
			return nil, err
		}
		banks = append(banks, b)
		entries += n
	}
	if br.tag != tagDone {
		return nil, br.damaged("a bank or the end must come here")
	}
	d := &decoder{b: br.buf.Bytes()}
	if d.uint64() != uint64(len(banks)) || d.uint64() != entries || !bytes.Equal(d.take(sha256.Size), sum) || !d.end() {
		return nil, br.damaged("the totals or the checksum of the whole file do not agree")
	}
	if _, err := br.r.ReadByte(); err == nil {
		return nil, br.damaged("there is something after the end")
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("match: reading a bank file: %w", err)
	}
	return banks, nil
}

func (r *bankReader) fail(err error, format string, args ...any) error {
	return &FormatError{Section: r.tag, Number: r.number, Offset: r.start, Reason: fmt.Sprintf(format, args...), Err: err}
}

func (r *bankReader) damaged(reason string) error { return r.fail(ErrDamaged, "%s", reason) }

// fill reads n bytes into buf. It trusts n only as far as bytes come.
func (r *bankReader) fill(n int64) error {
	if n > r.limit-r.offset {
		if r.sized {
			return r.damaged("the file ends too early")
		}
		return r.fail(ErrTooLarge, "more than %d bytes", r.limit)
	}
	got, err := io.CopyN(&r.buf, r.r, n)
	r.offset += got
	switch {
	case errors.Is(err, io.EOF):
		return r.damaged("the file ends too early")
	case err != nil:
		return fmt.Errorf("match: reading a bank file: %w", err)
	}
	return nil
}

func (r *bankReader) header() error {
	r.buf.Reset()
	if err := r.fill(int64(headerSize)); err != nil {
		if !bytes.HasPrefix(r.buf.Bytes(), []byte(fileMagic)) && errors.Is(err, ErrDamaged) {
			return r.fail(ErrNotBankFile, "it does not begin like one")
		}
		return err
	}
	h := r.buf.Bytes()
	body := h[:headerSize-4]
	version := binary.LittleEndian.Uint16(h[len(fileMagic):])
	switch {
	case string(h[:len(fileMagic)]) != fileMagic:
		return r.fail(ErrNotBankFile, "it does not begin like one")
	case binary.LittleEndian.Uint32(h[len(body):]) != crc32.Checksum(body, castagnoli):
		return r.damaged("the checksum does not agree")
	case version > fileVersion:
		return r.fail(ErrNewerFile, "version %d; this program reads %d", version, fileVersion)
	case version != fileVersion || binary.LittleEndian.Uint16(h[len(fileMagic)+2:]) != 0:
		return r.damaged("the version does not exist")
	}
	r.sum.Write(h)
	return nil
}

// section reads the next section's payload into buf and checks it.
func (r *bankReader) section() error {
	r.tag, r.number, r.start = "", r.number+1, r.offset
	r.buf.Reset()
	if err := r.fill(sectionHead); err != nil {
		return err
	}
	var head [sectionHead]byte
	copy(head[:], r.buf.Bytes())
	r.tag = printable(head[:4])
	length := binary.LittleEndian.Uint32(head[8:])
	switch {
	case binary.LittleEndian.Uint32(head[4:]) != uint32(r.number):
		return r.damaged("it has the wrong number")
	case length > maxSection:
		return r.damaged("it claims more than a section may hold")
	}
	r.buf.Reset()
	if err := r.fill(int64(length) + sectionTail); err != nil {
		return err
	}
	payload := r.buf.Bytes()[:length]
	crc := binary.LittleEndian.Uint32(r.buf.Bytes()[length:])
	if crc != crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, payload) {
		return r.damaged("the checksum does not agree")
	}
	if r.tag != tagDone { // whose checksum is of all before it
		r.sum.Write(head[:])
		r.sum.Write(r.buf.Bytes())
	}
	r.buf.Truncate(int(length))
	return nil
}

// printable keeps a stranger's tag from doing anything to a terminal.
func printable(tag []byte) string {
	for _, c := range tag {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%x", tag)
		}
	}
	return string(tag)
}

// kinds compares the file's kinds with ours: all of them must be here, and mean
// the same.
func (r *bankReader) kinds() error {
	if bytes.Equal(r.buf.Bytes(), appendKinds(nil)) {
		return nil
	}
	d := &decoder{b: r.buf.Bytes()}
	for n := d.uint8(); n > 0; n-- {
		k := hash.Kind(d.uint8())
		bits, name, recipe := int(d.uint16()), d.string(), d.string()
		if d.bad {
			break
		}
		if !k.IsValid() || k.Bits() != bits || k.String() != name || recipes[k] != recipe {
			return r.fail(ErrNewerFile, "kind %d %.40q of %d bits, made as %.80q, is not known here", uint8(k), name, bits, recipe)
		}
	}
	return r.damaged("the kinds are not those of this version")
}

func (r *bankReader) bank() (Bank, uint64, error) {
	d := &decoder{b: r.buf.Bytes()}
	b := Bank{Name: d.string()}
	flags := d.uint8()
	b.Disabled, b.Allow = flags&1 != 0, flags&2 != 0
	b.Labels = d.list()
	last := hash.Kind(0)
	for n := d.uint8(); n > 0 && !d.bad; n-- {
		k, bits := hash.Kind(d.uint8()), int(d.uint16())
		if k <= last || !k.IsValid() || bits > k.Bits() {
			d.bad = true
			break
		}
		if b.Thresholds == nil {
			b.Thresholds = make(map[hash.Kind]int)
		}
		b.Thresholds[k] = bits
		last = k
	}
	entries := d.uint64()
	if flags > 3 || b.Name == "" || !d.end() {
		return Bank{}, 0, r.damaged("the bank's description makes no sense")
	}
	return b, entries, nil
}

// entries reads a bank's sections and the one after them. It returns the sum of
// all before that.
func (r *bankReader) entries(b *Bank, n uint64) ([]byte, error) {
	if r.sized {
		// The shortest entry is a 64-bit hash. A claim beyond that is found out below; no
		// claim is worth more than maxReserve, for a file may be a hole of any size.
		b.Entries = make([]Entry, 0, min(n, uint64(r.limit-r.offset)/8, maxReserve))
		if n == 0 {
			b.Entries = nil
		}
	}
	previous, room := "", 0 // the section before, and what it had room for
	for {
		sum := r.sum.Sum(nil)
		if err := r.section(); err != nil {
			return nil, err
		}
		d := &decoder{b: r.buf.Bytes()}
		from := len(b.Entries)
		switch r.tag {
		case tagHashes:
			kind := r.hashes(d, b)
			if !kind.IsValid() {
				return nil, r.damaged("the hashes are of no kind that there is")
			}
			if d.end() && previous == tagHashes+kind.String() && room > 0 {
				return nil, r.damaged("the section before had room for its hashes")
			}
			previous, room = tagHashes+kind.String(), int(hashesPerSection(kind))-(len(b.Entries)-from)
		case tagEntries:
			first := r.full(d, b)
			if d.end() && previous == tagEntries && first <= room {
				return nil, r.damaged("the section before had room for its first entry")
			}
			previous, room = tagEntries, sectionSize-r.buf.Len()
		default:
			if uint64(len(b.Entries)) != n {
				return nil, r.damaged("a bank has fewer entries than it says")
			}
			if id, twice := repeated(b.Entries); twice {
				return nil, r.fail(ErrDamaged, "the bank before has the entry %.80q twice", id)
			}
			return sum, nil
		}
		if !d.end() || len(b.Entries) == from || uint64(len(b.Entries)) > n {
			return nil, r.damaged("the entries make no sense")
		}
	}
}

// hashes decodes a HASH section. Its entries share two allocations: one for the
// signals and one for the text of all IDs.
func (r *bankReader) hashes(d *decoder, b *Bank) hash.Kind {
	k := hash.Kind(d.uint8())
	count := d.uint32()
	if !k.IsValid() || count > hashesPerSection(k) || int(count)*(k.Bits()/8) != len(d.b) {
		d.bad = true
		return k
	}
	name, size := k.String()+":", k.Bits()/8
	idSize := len(name) + 2*size
	text := make([]byte, 0, int(count)*idSize)
	for rest := d.b; len(rest) > 0; rest = rest[size:] {
		text = append(text, name...)
		text = hex.AppendEncode(text, rest[:size])
	}
	ids := string(text)
	signals := make([]Signal, count)
	for i := range signals {
		v, err := hash.FromBytes(k, d.take(size))
		if err != nil {
			d.bad = true
			return k
		}
		signals[i] = Signal{Value: v, Quality: hash.Unmeasured}
		b.Entries = append(b.Entries, Entry{ID: ids[i*idSize : (i+1)*idSize], Signals: signals[i : i+1 : i+1]})
	}
	return k
}

// full decodes an ENTR section and returns the length of its first entry.
func (r *bankReader) full(d *decoder, b *Bank) (first int) {
	count := d.uint32()
	for i := uint32(0); i < count && !d.bad; i++ {
		before := len(d.b)
		e := d.entry()
		if e.ID == "" || isBareHash(&e) {
			d.bad = true
		}
		b.Entries = append(b.Entries, e)
		if i == 0 {
			first = before - len(d.b)
		}
	}
	if count > 1 && r.buf.Len() > sectionSize {
		d.bad = true
	}
	return first
}

// decoder takes a payload apart. What is not there comes back as zero and sets bad.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.b) {
		d.bad = true
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

// end reports whether everything was there, and nothing more.
func (d *decoder) end() bool { return !d.bad && len(d.b) == 0 }

func (d *decoder) uint8() uint8 {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) uint16() uint16 {
	if p := d.take(2); p != nil {
		return binary.LittleEndian.Uint16(p)
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if p := d.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if p := d.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

func (d *decoder) time() time.Duration {
	n := d.uint64()
	if n > math.MaxInt64 {
		d.bad = true
		return 0
	}
	return time.Duration(n)
}

func (d *decoder) string() string { return string(d.take(int(d.uint16()))) }

func (d *decoder) list() []string {
	n := int(d.uint16())
	if n == 0 || d.bad || n > len(d.b)/2 { // each string takes its length at least
		d.bad = d.bad || n > 0
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.string()
	}
	return list
}

// minSignal is the shortest encoding of a signal: kind, quality, no transform, two
// times and 64 bits.
const minSignal = 1 + 1 + 2 + 8 + 8 + 8

func (d *decoder) entry() Entry {
	e := Entry{ID: d.string()}
	flags := d.uint8()
	e.Disabled = flags&1 != 0
	e.Labels = d.list()
	e.Duration = d.time()
	n := int64(d.uint32())
	if flags > 1 || d.bad || n > int64(len(d.b))/minSignal {
		d.bad = true
		return e
	}
	if n > 0 {
		e.Signals = make([]Signal, n)
	}
	for i := range e.Signals {
		s := &e.Signals[i]
		k := hash.Kind(d.uint8())
		s.Quality = hash.Quality(d.uint8())
		s.Transform = d.list()
		s.From, s.To = d.time(), d.time()
		v, err := hash.FromBytes(k, d.take(k.Bits()/8))
		if err != nil || d.bad {
			d.bad = true
			return e
		}
		s.Value = v
	}
	return e
}
