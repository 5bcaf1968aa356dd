package exchange

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// ncmecTypes are the fingerprints whose values this library compares. The others, such as PDNA, and those that are files
// of their own, such as TMK_PDQF, wait.
var ncmecTypes = map[string]hash.Kind{"MD5": hash.MD5, "SHA1": hash.SHA1, "SHA256": hash.SHA256, "PDQ": hash.PDQ}

// ncmecType is a fingerprint's name as it stands in addresses: elements are named tmk-pdqf, votes Md5.
func ncmecType(name string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(name), "-", "_"))
}

// ncmecFound is a page of entries.
type ncmecFound struct {
	page     *Page
	count    int
	next     string // the address of the next one; empty: the range is exhausted
	estimate int64  // how many entries the range has, as far as the address tells
}

// parseNCMEC reads a page. A DTD, entities, or anything else than a queryResult is an error.
func parseNCMEC(page string, body []byte, filter ncmecFilter) (*ncmecFound, error) {
	r := newXMLReader(body)
	fail := func(err error) error {
		return &PageError{Exchange: "ncmec", Page: page, Offset: r.InputOffset(), Reason: strings.TrimPrefix(noEOF(err).Error(), "XML "), Err: ErrPage}
	}
	if trimmed := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '<' {
		return nil, &otherPageError{fail(errors.New("no XML")).(*PageError)}
	}
	b := newPage("ncmec", page)
	found := &ncmecFound{}
	root := false
	for {
		t, err := r.next()
		if errors.Is(err, io.EOF) && root && r.depth == 0 {
			found.page, err = b.page()
			return found, err
		}
		if err != nil {
			return nil, fail(err)
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		name := start.Name.Local
		switch {
		case r.depth == 1:
			if name != "queryResult" {
				return nil, &otherPageError{fail(errors.New("<" + clip(name) + "> is no queryResult")).(*PageError)}
			}
			root = true
		case r.depth == 2 && (name == "images" || name == "videos"):
		case r.depth == 3 && isEntry(name):
			n, whole, err := r.element(start)
			if err == nil && found.count == maxPageRecords {
				err = fmt.Errorf("more than %d entries", maxPageRecords)
			}
			if err != nil {
				return nil, fail(err)
			}
			if whole {
				addNCMEC(b, found.count, n, filter)
			} else {
				b.aside(found.count, "", "more than %d elements", maxXMLNodes)
			}
			found.count++
		default:
			n, _, err := r.element(start)
			if err != nil {
				return nil, fail(err)
			}
			if n.name == "paging" {
				found.next = strings.ReplaceAll(n.value("next"), "&amp;", "&") // escaped twice at times
				found.estimate = int64(found.count) + ncmecRest(found.next)
			}
		}
	}
}

func isEntry(name string) bool {
	switch strings.ToLower(name) {
	case "image", "video", "deletedimage", "deletedvideo":
		return true
	}
	return false
}

// ncmecRest is how many entries may be left, by the numbers in the next page's address; 0: it does not tell.
func ncmecRest(next string) int64 {
	u, err := url.Parse(next)
	if err != nil {
		return 0
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(u.Query().Get(name), 10, 64)
		return n
	}
	return max(number("max")-number("start"), 0)
}

// addNCMEC reads an entry, or that one is deleted.
func addNCMEC(b *pageBuilder, position int, n *node, filter ncmecFilter) {
	member, entry := n.child("member").attr("id"), n.value("id")
	if member == "" || entry == "" {
		b.aside(position, entry, "no member or no id")
		return
	}
	id := member + "-" + entry
	classification := n.value("classification")
	if strings.HasPrefix(strings.ToLower(n.name), "deleted") || !filter.wants(member, classification) {
		b.remove(position, id)
		return
	}
	at := ncmecStamp(n.value("timestamp"))
	r := Record{ID: id, Labels: tags(classification), Origin: match.Origin{
		Exchange: "ncmec", Member: member, ID: entry, Severity: classification,
		Tags: tags(tag("member", n.child("member").text), tag("type", strings.ToLower(n.name))),
	}}
	compared := make(map[string]bool)
	broken := false
	if prints := n.child("fingerprints"); prints != nil {
		for _, print := range prints.kids {
			name := ncmecType(print.name)
			kind, known := ncmecTypes[name]
			switch {
			case print.text == "" && print.attr("href") == "":
			case !known:
				// The address of one that is a file is not kept: it is good for nothing later, says the page on
				// large fingerprints.
				r.Later = append(r.Later, Foreign{name, print.text})
			default:
				one, err := signal(kind, print.text)
				if err != nil {
					broken = true
					b.aside(position, id, "%s; the entry's other hashes are kept", err)
					continue
				}
				compared[name] = true
				r.Signals = append(r.Signals, one)
			}
		}
	}
	r.Opinions = ncmecOpinions(n, member, classification, at, compared)
	switch {
	case len(r.Signals) > 0:
	case broken:
		return // it would only wait, and what was kept of it would match no more
	case len(r.Later) == 0:
		b.aside(position, id, "no fingerprint that can be read")
		return
	}
	b.put(position, r)
}

func ncmecStamp(text string) time.Time {
	t, _ := scalar(text).time()
	return t
}

// ncmecOpinions are what members say, one opinion for each. Who shared the entry is positive. A vote is on one
// fingerprint: on one that this library compares it counts, negative ones most; on another it only stands in
// the tags, for a bad PhotoDNA says nothing of an MD5.
func ncmecOpinions(n *node, owner, classification string, at time.Time, compared map[string]bool) []match.Opinion {
	var all voices
	all.say(match.Opinion{By: owner, Says: match.Positive, At: at, Tags: []string{classification}})
	say := func(members *node, kind string, says match.Stance, reason string, at time.Time) {
		if stamp := ncmecStamp(members.attr("timestamp")); !stamp.IsZero() {
			at = stamp
		}
		for _, m := range members.kids {
			by := m.attr("id")
			if by == "" {
				continue
			}
			o := match.Opinion{By: by, Says: match.Seed, At: at, Tags: []string{tag(says.String(), kind), tag("reason", reason), tag("member", m.text)}}
			if compared[kind] {
				o.Says = says
			}
			if before := all.of(by); before != nil && (before.Says == match.Negative || o.Says == match.Seed) {
				o.Says = before.Says
			}
			all.say(o)
		}
	}
	feedback := n.child("feedback")
	if feedback == nil {
		return all.opinions()
	}
	for _, vote := range feedback.kids {
		kind, at := ncmecType(vote.attr("type")), ncmecStamp(vote.attr("lastUpdateTimestamp"))
		switch strings.ToLower(vote.name) {
		case "affirmativefeedback":
			if members := vote.child("members"); members != nil {
				say(members, kind, match.Positive, "", at)
			}
		case "negativefeedback":
			// Members follow the reason that they give, in the same list, or stand in it: the pages show the one
			// and the schema allows the other.
			reason := ""
			var walk func(n *node)
			walk = func(n *node) {
				for _, k := range n.kids {
					switch strings.ToLower(k.name) {
					case "reason":
						reason = k.attr("name")
						walk(k)
					case "members":
						say(k, kind, match.Negative, reason, at)
					case "reasons":
						walk(k)
					}
				}
			}
			walk(vote)
		}
	}
	return all.opinions()
}
