package match

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/rematch-go/rematch/hash"
)

// How banks and entries are written in a bank file, and read.

// isBareHash reports whether an entry is nothing but a hash.
func isBareHash(e *Entry) bool {
	if len(e.Signals) != 1 || len(e.Labels) > 0 || e.Duration != 0 || e.Disabled || !e.Curation.empty() {
		return false
	}
	s := &e.Signals[0]
	return s.Quality == hash.Unmeasured && len(s.Transform) == 0 && s.From == 0 && s.To == 0 && isTextOf(e.ID, s.Value)
}

// isTextOf reports whether id is v.String(), without making that.
func isTextOf(id string, v hash.Value) bool {
	var raw [32]byte
	var digits [64]byte
	n := hex.Encode(digits[:], v.AppendBytes(raw[:0]))
	name := v.Kind().String()
	return v.IsValid() && len(id) == len(name)+1+n && id[:len(name)] == name && id[len(name)] == ':' && id[len(name)+1:] == string(digits[:n])
}

// bareOf returns the value whose bare entry has the ID.
func bareOf(id string) (v hash.Value, ok bool) {
	if v, err := hash.Parse(id); err == nil && isTextOf(id, v) {
		return v, true
	}
	return hash.Value{}, false
}

// bareEntry is the entry that is nothing but a hash.
func bareEntry(v hash.Value) Entry {
	return Entry{ID: v.String(), Signals: []Signal{{Value: v, Quality: hash.Unmeasured}}}
}

// fault returns what of an entry makes no sense in any bank, and the number of the
// signal, or -1. The reason is empty when all is well.
func (e *Entry) fault() (signal int, reason string) {
	switch {
	case e.ID == "":
		return -1, "an entry needs an ID"
	case e.Duration < 0 || e.Duration > maxTime:
		return -1, fmt.Sprintf("the duration %v; want 0 to %v", e.Duration, maxTime)
	}
	if reason := e.Curation.fault(); reason != "" {
		return -1, reason
	}
	for i := range e.Signals {
		s := &e.Signals[i]
		switch {
		case !s.Value.IsValid():
			return i, "the hash is the invalid zero value"
		case s.Quality > 100 && s.Quality != hash.Unmeasured:
			return i, fmt.Sprintf("the quality is %d; want 0 to 100 or hash.Unmeasured", uint8(s.Quality))
		case s.From < 0 || s.To < s.From || s.To > maxTime:
			return i, fmt.Sprintf("the interval from %v to %v; want 0 to %v, and not backwards", s.From, s.To, maxTime)
		case s.To > 0 && e.Duration == 0:
			return i, "the signal has times but the entry no duration; set Entry.Duration for a video"
		}
	}
	return -1, ""
}

// appendKinds appends what KIND says.
func appendKinds(dst []byte) []byte {
	kinds := hash.Kinds()
	dst = append(dst, byte(len(kinds)))
	for _, k := range kinds {
		dst = append(dst, byte(k))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(k.Bits()))
		dst = appendString(dst, k.String())
		dst = appendString(dst, recipes[k])
	}
	return dst
}

// appendBank appends the description of a bank up to its counts.
func appendBank(dst []byte, b *Bank) ([]byte, error) {
	fail := func(reason string) ([]byte, error) {
		return dst, &EntryError{Bank: b.Name, Signal: -1, Reason: reason, Err: ErrInvalid}
	}
	start := len(dst)
	switch {
	case b.Name == "":
		return fail("a bank needs a name")
	case len(b.Name) > math.MaxUint16 || !listFits(b.Labels):
		return fail("the name, a label or the list of labels is longer than 65535")
	}
	if reason := b.fault(); reason != "" {
		return fail(reason)
	}
	dst = appendString(dst, b.Name)
	dst = append(dst, flag(b.Disabled, 1)|flag(b.Allow, 2)|flag(b.RollOut.Shadow, 4))
	dst = appendList(dst, b.Labels)
	dst = append(dst, byte(len(b.Thresholds)))
	known := 0
	for _, k := range hash.Kinds() {
		if bits, ok := b.Thresholds[k]; ok {
			if bits < 0 || bits > k.Bits() {
				return fail(fmt.Sprintf("threshold %d for %s; want 0 to %d bits", bits, k, k.Bits()))
			}
			known++
			dst = binary.LittleEndian.AppendUint16(append(dst, byte(k)), uint16(bits))
		}
	}
	if known != len(b.Thresholds) {
		return fail("a threshold for a kind that does not exist")
	}
	dst = appendList(appendString(dst, b.Action), b.Suppresses)
	for _, t := range b.Policy.list() {
		dst = append(dst, byte(t))
	}
	dst = appendString(appendFloat(dst, b.RollOut.Percent), b.RollOut.Key)
	if len(dst)-start > maxEntry {
		return fail(fmt.Sprintf("the labels take %d bytes; a bank file has room for %d", len(dst)-start, maxEntry))
	}
	return dst, nil
}

// signalCount counts the signals of one sort in a bank.
type signalCount struct {
	kind    hash.Kind
	video   bool // of entries that are videos
	quality hash.Quality
	n       uint32
	junk    uint32 // how many of n are junk
}

// sort orders counts in a file.
func (c *signalCount) sort() int {
	return int(c.kind)<<9 | int(flag(c.video, 1))<<8 | int(c.quality)
}

const signalCountSize = 1 + 1 + 1 + 4 + 4

func appendCounts(dst []byte, counts []signalCount) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(counts)))
	for _, c := range counts {
		dst = append(dst, byte(c.kind), flag(c.video, 1), byte(c.quality))
		dst = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(dst, c.n), c.junk)
	}
	return dst
}

// appendEntry appends an entry of a bank with the given name, as it stands in ENTR.
func appendEntry(dst []byte, bank string, e *Entry) ([]byte, error) {
	start := len(dst)
	fail := func(signal int, reason string) ([]byte, error) {
		return dst[:start], &EntryError{Bank: bank, Entry: e.ID, Signal: signal, Reason: reason, Err: ErrInvalid}
	}
	if signal, reason := e.fault(); reason != "" {
		return fail(signal, reason)
	}
	switch {
	case len(e.ID) > math.MaxUint16 || !listFits(e.Labels):
		return fail(-1, "the ID, a label or the list of labels is longer than 65535")
	case len(e.Signals) > maxEntry/minSignal:
		return fail(-1, fmt.Sprintf("%d signals; a bank file has room for %d", len(e.Signals), maxEntry/minSignal))
	}
	dst = appendString(dst, e.ID)
	said := !e.Curation.empty()
	dst = append(dst, flag(e.Disabled, 1)|flag(said, 2))
	dst = appendList(dst, e.Labels)
	if said {
		dst = appendCuration(dst, e.Curation)
	}
	dst = appendTime(dst, e.Duration)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(e.Signals)))
	for i := range e.Signals {
		s := &e.Signals[i]
		if !listFits(s.Transform) {
			return fail(i, "a token or the list of the transform is longer than 65535")
		}
		dst = append(dst, byte(s.Value.Kind()), byte(s.Quality))
		dst = appendList(dst, s.Transform)
		dst = appendTime(appendTime(dst, s.From), s.To)
		dst = s.Value.AppendBytes(dst)
	}
	if size := len(dst) - start; size > maxEntry {
		return fail(-1, fmt.Sprintf("the entry takes %d bytes; a bank file has room for %d", size, maxEntry))
	}
	return dst, nil
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

func appendTime(dst []byte, d time.Duration) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(d))
}

func appendString(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func appendList(dst []byte, list []string) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(list)))
	for _, s := range list {
		dst = appendString(dst, s)
	}
	return dst
}

// listFits reports whether the list and each string in it can be written.
func listFits(list []string) bool {
	for _, s := range list {
		if len(s) > math.MaxUint16 {
			return false
		}
	}
	return len(list) <= math.MaxUint16
}

// decoder takes bytes apart. What is not there comes back as zero and sets bad.
type decoder struct {
	b   []byte
	bad bool
	old bool // of version 2, without what came with 3
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
	if n > uint64(maxTime) {
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

// skipList passes over a list.
func (d *decoder) skipList() {
	for n := d.uint16(); n > 0 && !d.bad; n-- {
		d.take(int(d.uint16()))
	}
}

// minSignal is the shortest encoding of a signal: kind, quality, no transform, two
// times and 64 bits.
const minSignal = 1 + 1 + 2 + 8 + 8 + 8

// entry reads an entry of a bank file. It refuses what the writer would not have
// written.
func (d *decoder) entry() Entry {
	e := Entry{ID: d.string()}
	flags := d.uint8()
	e.Disabled = flags&1 != 0
	e.Labels = d.list()
	if flags&2 != 0 {
		e.Curation = d.curation()
	}
	e.Duration = d.time()
	n := int64(d.uint32())
	if flags > 3 || d.old && flags > 1 || d.bad || n > int64(len(d.b))/minSignal {
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
	if _, reason := e.fault(); reason != "" || isBareHash(&e) {
		d.bad = true
	}
	return e
}

// signals passes over an entry and calls f for the value of each of its signals.
func (d *decoder) signals(f func(v hash.Value)) {
	d.take(int(d.uint16()))
	flags := d.uint8()
	d.skipList()
	if flags&2 != 0 {
		d.curation()
	}
	d.time()
	for n := d.uint32(); n > 0 && !d.bad; n-- {
		k := hash.Kind(d.uint8())
		d.uint8()
		d.skipList()
		d.time()
		d.time()
		v, err := hash.FromBytes(k, d.take(k.Bits()/8))
		if err != nil || d.bad {
			d.bad = true
			return
		}
		f(v)
	}
}

// bank reads the description of a bank up to its counts.
func (d *decoder) bank() Bank {
	b := Bank{Name: d.string()}
	flags := d.uint8()
	b.Disabled, b.Allow, b.RollOut.Shadow = flags&1 != 0, flags&2 != 0, flags&4 != 0
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
	if d.old {
		d.bad = d.bad || flags > 3 || b.Name == ""
		return b
	}
	b.Action, b.Suppresses = d.string(), d.list()
	var policy [stances + 1]Treatment
	for i := range policy {
		policy[i] = Treatment(d.uint8())
	}
	b.Policy = policyOf(policy)
	b.RollOut.Percent, b.RollOut.Key = d.float(), d.string()
	if flags > 7 || b.Name == "" || b.fault() != "" {
		d.bad = true
	}
	return b
}

// counts reads what appendCounts has written.
func (d *decoder) counts() []signalCount {
	n := d.uint32()
	if d.bad || uint64(n) > uint64(len(d.b)/signalCountSize) {
		d.bad = true
		return nil
	}
	var counts []signalCount
	last := 0
	for ; n > 0 && !d.bad; n-- {
		k, video, q := hash.Kind(d.uint8()), d.uint8(), hash.Quality(d.uint8())
		c := signalCount{kind: k, video: video == 1, quality: q, n: d.uint32(), junk: d.uint32()}
		if !k.IsValid() || video > 1 || q > 100 && q != hash.Unmeasured || c.n == 0 || c.junk > c.n || c.sort() <= last {
			d.bad = true
			return nil
		}
		last = c.sort()
		counts = append(counts, c)
	}
	return counts
}
