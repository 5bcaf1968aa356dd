package match

import (
	"encoding/binary"
	"math"
	"time"
)

// How a curation is written in a bank file and its log; see the format of ENTR.

func appendCuration(dst []byte, c *Curation) []byte {
	dst = appendDate(appendDate(dst, c.DisabledUntil), c.Expires)
	dst = appendString(dst, c.Note)
	dst = appendString(append(dst, byte(c.Decision.Stance)), c.Decision.By)
	dst = appendString(appendDate(dst, c.Decision.At), c.Decision.Note)
	if dst = appendDate(dst, c.Quarantine.Since); !c.Quarantine.Since.IsZero() {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c.Quarantine.Count))
		dst = appendFloat(dst, c.Quarantine.Usual)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c.Quarantine.Uploads))
	}
	for _, s := range []string{c.Origin.Exchange, c.Origin.Member, c.Origin.ID, c.Origin.Severity} {
		dst = appendString(dst, s)
	}
	dst = appendList(appendDate(dst, c.Origin.Fetched), c.Origin.Tags)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(c.Opinions)))
	for i := range c.Opinions {
		o := &c.Opinions[i]
		dst = append(appendString(dst, o.By), byte(o.Says), flag(o.Ours, 1))
		dst = appendList(appendDate(dst, o.At), o.Tags)
	}
	return dst
}

// curation reads what appendCuration has written. It refuses one that says nothing.
func (d *decoder) curation() *Curation {
	c := &Curation{DisabledUntil: d.date(), Expires: d.date(), Note: d.string()}
	c.Decision = Decision{Stance: Stance(d.uint8()), By: d.string(), At: d.date(), Note: d.string()}
	if c.Quarantine.Since = d.date(); !c.Quarantine.Since.IsZero() {
		count, usual, uploads := d.uint32(), d.float(), d.uint32()
		if count > math.MaxInt32 || uploads > math.MaxInt32 {
			d.bad = true
			return nil
		}
		c.Quarantine.Count, c.Quarantine.Usual, c.Quarantine.Uploads = int(count), usual, int(uploads)
	}
	c.Origin = Origin{Exchange: d.string(), Member: d.string(), ID: d.string(), Severity: d.string(), Fetched: d.date(), Tags: d.list()}
	n := int(d.uint16())
	const least = 2 + 1 + 1 + 8 + 2 // bytes of an opinion
	if d.bad || n > len(d.b)/least {
		d.bad = true
		return nil
	}
	for ; n > 0 && !d.bad; n-- {
		o := Opinion{By: d.string(), Says: Stance(d.uint8())}
		ours := d.uint8()
		o.Ours, d.bad = ours == 1, d.bad || ours > 1
		o.At, o.Tags = d.date(), d.list()
		c.Opinions = append(c.Opinions, o)
	}
	if d.bad || c.fault() != "" || c.empty() {
		d.bad = true
		return nil
	}
	return c
}

func appendDate(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.LittleEndian.AppendUint64(dst, 0)
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(t.UnixNano()))
}

func (d *decoder) date() time.Time {
	n := d.uint64()
	switch {
	case n == 0:
		return time.Time{}
	case n > math.MaxInt64:
		d.bad = true
		return time.Time{}
	}
	return time.Unix(0, int64(n)).UTC()
}

func appendFloat(dst []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
}

func (d *decoder) float() float64 { return math.Float64frombits(d.uint64()) }
