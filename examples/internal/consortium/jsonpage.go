package consortium

import (
	"encoding/json"
	"strconv"
)

// page writes JSON by hand: pages of a million records are most of what a test asks for,
// and reflection would take most of the time.
type page []byte

// comma separates values and members: everything but what opens needs one before it.
func (p *page) comma() {
	if b := *p; len(b) > 0 && b[len(b)-1] != '{' && b[len(b)-1] != '[' && b[len(b)-1] != ':' {
		*p = append(b, ',')
	}
}

func (p *page) open(c byte)  { p.comma(); *p = append(*p, c) }
func (p *page) close(c byte) { *p = append(*p, c) }

// key begins a member of an object.
func (p *page) key(name string) {
	p.comma()
	*p = append(append(append(*p, '"'), name...), '"', ':')
}

func (p *page) str(s string) {
	p.comma()
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s)
			*p = append(*p, quoted...)
			return
		}
	}
	*p = append(append(append(*p, '"'), s...), '"')
}

func (p *page) num(n int64) {
	p.comma()
	*p = strconv.AppendInt(*p, n, 10)
}

func (p *page) raw(s string) {
	p.comma()
	*p = append(*p, s...)
}

func (p *page) strs(list []string) {
	p.open('[')
	for _, s := range list {
		p.str(s)
	}
	p.close(']')
}

func (p *page) bool(b bool) { p.raw(strconv.FormatBool(b)) }
