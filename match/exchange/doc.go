// Package exchange takes part in sharing known content: it reads what others share of it into records, and tells them
// what we found.
//
// Protocols lists the exchanges that it speaks to: Meta's ThreatExchange (in which GIFCT's database travels), NCMEC,
// StopNCII, Tech Against Terrorism, plain lists, tables, and other platforms with this library. Each is a Source, read page
// by page from a Checkpoint on, and some are a Sink for feedback and submissions. A reading can be broken off anywhere and go on in another
// process. What is withdrawn comes as Gone or, where the exchange only has the whole list, by not coming Anew. Hashes that can't be compared
// yet are kept for Later, and what members say of a record are its Opinions.
//
// Records are named as the exchange names them: ThreatExchange's by the indicator's number, NCMEC's by the member's number, a hyphen and
// the entry, StopNCII's by type and hash, Tech Against Terrorism's by number, lines of lists and tables by kind and hash (kind:hex), and
// another rematch's as there.
//
// Exchanges are not trusted: only TLS, no other host, limits on time, bytes, depth and numbers, and errors that say
// what to do next. Nothing here keeps anything: what a page says is for its reader to put into a store.
//
// ReadValues and ReadList read plain lists by themselves, and VPDQEntry makes an entry of the frames of a video that
// somebody else has hashed.
package exchange
