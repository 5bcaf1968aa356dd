package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

var listSettings = append(slices.Clone(fileSettings),
	Setting{"kind", false, "of bare digits, where their number does not tell it: phash, dhash, ahash, ..."},
	Setting{"label", false, "labels for all, with commas between them"})

// plainList is a list with one hash a line, as ReadValues and the reference client's local files have it.
var plainList = Protocol{
	Name:     "list",
	About:    "a list with one hash a line, on disk or by https",
	Settings: listSettings,
	Form:     fileForm,
	open: func(c *Config) (Source, error) {
		l, err := newListFormat(c, "list")
		if err != nil {
			return nil, err
		}
		return openFile(c, "list", l)
	},
}

// csvList is a table with a header.
var csvList = Protocol{
	Name:  "csv",
	About: "a table with a header that names the column hash or columns such as md5 and pdq, on disk or by https",
	Settings: append(slices.Clone(listSettings),
		Setting{"hash_column", false, "its name; hash, value, digest, signal, indicator or hash_digest"},
		Setting{"kind_column", false, "its name; kind, type, algorithm, signal_type or hash_type"},
		Setting{"id_column", false, "its name; id, entry_id, content_id or record_id"},
		Setting{"label_column", false, "its name; label, labels, tags or category"}),
	Form: fileForm,
	open: func(c *Config) (Source, error) {
		l, err := newListFormat(c, "csv")
		if err != nil {
			return nil, err
		}
		return openFile(c, "csv", &csvFormat{listFormat: *l, settings: c.Settings})
	},
}

// listFormat reads plain lists.
type listFormat struct {
	protocol string
	kind     hash.Kind // 0: by the number of digits
	labels   []string
}

func newListFormat(c *Config, protocol string) (*listFormat, error) {
	l := &listFormat{protocol: protocol, labels: tags(words(c.Settings["label"])...)}
	if name := c.Settings["kind"]; name != "" {
		kind, err := hash.ParseKind(name)
		if err != nil {
			return nil, configError(protocol, "%s", strings.TrimPrefix(err.Error(), "hash: "))
		}
		l.kind = kind
	}
	return l, nil
}

// errEmptyFile is what a file that was cut off before its first byte looks like: nothing is removed for it.
var errEmptyFile = errors.New("it is empty; a list that has nothing for now has a line with # at least")

func (l *listFormat) check(body []byte) error {
	if len(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))) == 0 {
		return errEmptyFile
	}
	return nil
}

// line cuts a line off a file. next is where the one after it begins; -1: there is none.
func line(body []byte, from int64) (text []byte, next int64) {
	rest := body[from:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 && i+1 < len(rest) {
		return rest[:i], from + int64(i) + 1
	}
	return bytes.TrimSuffix(rest, []byte("\n")), -1
}

func (l *listFormat) read(body []byte, from int64, position int, b *pageBuilder) (next int64, count int, err error) {
	if from > int64(len(body)) {
		return 0, 0, errors.New("shorter than it was")
	}
	for next = from; next >= 0 && count < filePage; {
		var raw []byte
		start := next
		raw, next = line(body, next)
		if len(raw) > DefaultMaxLine {
			b.aside(position+count, "", "line at byte %d: longer than %d bytes", start, DefaultMaxLine)
			count++
			continue
		}
		text := trimLine(raw, start == 0)
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, named := cutKind(text)
		if !named || foreignKind(name) == 0 && !slices.Contains(otherKinds, strings.ToLower(name)) {
			name, value = "", text
		}
		l.add(b, position+count, name, value, start, match.Origin{}, nil)
		count++
	}
	return next, count, nil
}

// otherKinds are names in lists of kinds that this library does not compare: those of the reference client and of consortia. In a
// list others are no names, for any two words would be; a table's column says itself that it has names.
var otherKinds = []string{"clip", "netclean", "pdna", "pdq_ocr", "photodna", "raw_text", "sha512", "text_tlsh", "tmk", "tmk_pdqf", "trend_query", "url", "url_md5", "videntifier", "vpdq"}

// otherKind is what such a name looks like.
var otherKind = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{1,31}$`)

// kindAliases are others' names of kinds: the reference client's, and ThreatExchange's.
var kindAliases = map[string]hash.Kind{
	"video_md5": hash.MD5, "photo_md5": hash.MD5, "video_sha256": hash.SHA256, "sha-1": hash.SHA1, "sha-256": hash.SHA256,
	"hash_pdq": hash.PDQ, "hash_md5": hash.MD5, "hash_video_md5": hash.MD5, "hash_sha1": hash.SHA1, "hash_sha256": hash.SHA256,
}

// foreignKind reads a kind's name; 0 for one that this library does not compare.
func foreignKind(name string) hash.Kind {
	if kind, err := hash.ParseKind(name); err == nil {
		return kind
	}
	return kindAliases[strings.ToLower(name)]
}

// value reads one hash: of the kind with the name, or of the kind that its digits are.
func (l *listFormat) value(name, text string) (one match.Signal, other Foreign, err error) {
	text = strings.TrimSpace(text)
	kind := l.kind
	if name != "" {
		if kind = foreignKind(name); kind == 0 {
			if !otherKind.MatchString(name) || text == "" {
				return one, other, fmt.Errorf("%.40q is no kind of hash", name)
			}
			return one, Foreign{strings.ToLower(name), text}, nil
		}
		one, err = signal(kind, text)
		return one, other, err
	}
	v, reason, _ := parseLine(text, kind)
	if reason != "" {
		return one, other, errors.New(reason)
	}
	return match.Signal{Value: v, Quality: hash.Unmeasured}, other, nil
}

// add puts a record of one hash, whose ID is kind and value.
func (l *listFormat) add(b *pageBuilder, position int, name, text string, start int64, origin match.Origin, labels []string) {
	one, other, err := l.value(name, text)
	if err != nil {
		b.aside(position, origin.ID, "line at byte %d: %s", start, err)
		return
	}
	origin.Exchange = l.protocol
	r := Record{Labels: tags(append(labels, l.labels...)...), Origin: origin}
	if one.Value.IsValid() {
		r.ID, r.Signals = one.Value.String(), []match.Signal{one}
	} else {
		r.ID, r.Later = valueID(other.Type, other.Value, false), []Foreign{other}
	}
	b.put(position, r)
}
