package exchange

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	maxXMLDepth = 32
	// maxXMLNodes is how many elements a record may have, far more than the votes of all members.
	maxXMLNodes = 20_000
	// maxXMLToken is how long a tag or a text may be, in bytes: attributes take many times as much when they are read.
	maxXMLToken = 256 << 10
)

// node is an element of XML, without namespaces.
type node struct {
	name  string
	attrs map[string]string
	text  string
	kids  []*node
}

// child returns the first child of a name, in any case; nil: there is none.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if strings.EqualFold(k.name, name) {
			return k
		}
	}
	return nil
}

// value is the text of the first child of a name.
func (n *node) value(name string) string {
	if k := n.child(name); k != nil {
		return k.text
	}
	return ""
}

// attr is an attribute; of nil it is empty.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	return n.attrs[name]
}

// xmlReader reads XML without entities of its own, a document type or another encoding than UTF-8, nested no deeper
// than maxXMLDepth, and with no tag or text longer than maxXMLToken.
type xmlReader struct {
	*xml.Decoder
	body  *tokenReader
	depth int
}

func newXMLReader(body []byte) *xmlReader {
	// The exchange's own examples begin with a blank line, which a declaration must not follow.
	r := &tokenReader{Reader: *bytes.NewReader(bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n"))}
	return &xmlReader{Decoder: xml.NewDecoder(r), body: r}
}

// tokenReader gives the bytes of a token up to maxXMLToken. (A decoder reads byte by byte from who lets it.)
type tokenReader struct {
	bytes.Reader
	count int
}

func (r *tokenReader) ReadByte() (byte, error) {
	if r.count++; r.count > maxXMLToken {
		return 0, errLongToken
	}
	return r.Reader.ReadByte()
}

var (
	errDocumentType = errors.New("a document type or entities, which no page has")
	errLongToken    = fmt.Errorf("a tag or text longer than %d bytes", maxXMLToken)
	errDeepXML      = fmt.Errorf("nested deeper than %d", maxXMLDepth)
)

// next returns the next token, of those that mean something: start and end elements and text.
func (r *xmlReader) next() (xml.Token, error) {
	for {
		r.body.count = 0
		t, err := r.Token()
		if err != nil {
			return nil, err
		}
		switch t.(type) {
		case xml.Directive:
			return nil, errDocumentType
		case xml.StartElement:
			if r.depth++; r.depth > maxXMLDepth {
				return nil, errDeepXML
			}
			return t, nil
		case xml.EndElement:
			r.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		}
	}
}

// element reads the rest of an element that has begun. One with too many others in it is read and dropped: its
// node has no children then, and whole is false.
func (r *xmlReader) element(start xml.StartElement) (n *node, whole bool, err error) {
	count := 0
	n, err = r.below(start, &count)
	if err == nil && count > maxXMLNodes {
		return &node{name: n.name}, false, nil
	}
	return n, true, err
}

func (r *xmlReader) below(start xml.StartElement, count *int) (*node, error) {
	n := &node{name: start.Name.Local}
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		if n.attrs == nil {
			n.attrs = make(map[string]string, len(start.Attr))
		}
		n.attrs[a.Name.Local] = a.Value
	}
	*count++
	var text strings.Builder
	for {
		t, err := r.next()
		if err != nil {
			return nil, noEOF(err)
		}
		switch t := t.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			k, err := r.below(t, count)
			if err != nil {
				return nil, err
			}
			if *count <= maxXMLNodes {
				n.kids = append(n.kids, k)
			}
		case xml.EndElement:
			n.text = strings.TrimSpace(text.String())
			return n, nil
		}
	}
}

// noEOF makes the end of the page, within an element, an error like others.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
