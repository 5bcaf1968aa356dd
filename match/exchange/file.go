package exchange

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// filePage is how many records of a list or bank file make a page.
	filePage = 10_000
	// settled is how old a file's date has to be to tell that it did not change: file systems round it.
	settled = 2 * time.Second
)

// fileSettings are those of every protocol that reads one file.
var fileSettings = []Setting{
	{"url", false, "where it is, https; or"},
	{"path", false, "the file"},
}

const fileForm = "USER:PASSWORD or TOKEN"

// fileSource reads one file, from disk or by HTTP. Each version of it is the whole list: what is not in it is
// gone. One that did not change since costs a question, and no reading.
type fileSource struct {
	protocol string
	client   *client // nil: it is on disk
	query    url.Values
	path     string
	scope    string
	limit    int64
	now      func() time.Time
	format   fileFormat

	// body is the version that was read last: it only saves reading it again for each page.
	body []byte
	sum  string
}

// fileFormat is how a file is read.
type fileFormat interface {
	// check refuses what is no such file, before anything of it is believed.
	check(body []byte) error
	// read adds up to filePage records from a place in the file on, and returns the place to go on from; -1: the end.
	// position is how many records were before.
	read(body []byte, from int64, position int, b *pageBuilder) (next int64, count int, err error)
}

func openFile(c *Config, protocol string, format fileFormat) (*fileSource, error) {
	s := &fileSource{protocol: protocol, format: format, now: c.Now, limit: c.HTTP.filled().MaxList}
	address, path := c.Settings["url"], c.Settings["path"]
	if (address == "") == (path == "") {
		return nil, configError(protocol, "give either the setting url or the setting path")
	}
	if path != "" {
		if c.Credentials.Set() {
			return nil, configError(protocol, "a file on disk takes no credentials")
		}
		s.path, s.scope = path, fileScope(filepath.ToSlash(path), c)
		return s, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, configError(protocol, "the setting url is no address") // not shown: it may have a token
	}
	s.query = u.Query()
	u.RawQuery = ""
	own := *c
	own.Base = ""
	s.client, err = newClient(&own, protocol, u.String(), func(r *http.Request) {
		text := c.Credentials.reveal()
		if user, password, pair := strings.Cut(text, ":"); pair {
			r.SetBasicAuth(user, password)
		} else if text != "" {
			r.Header.Set("Authorization", "Bearer "+text)
		}
	}, sortedKeys(s.query)...)
	s.scope = fileScope(u.String(), c)
	return s, err
}

// fileScope is a scope with all settings but those that say where the file is.
func fileScope(where string, c *Config) string {
	names := sortedKeys(c.Settings)
	return scope(where, c, slices.DeleteFunc(names, func(name string) bool { return name == "url" || name == "path" })...)
}

// fileCheckpoint is which version was read, and how far.
type fileCheckpoint struct {
	checkpointHead
	Sum      string `json:"sum,omitempty"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // Last-Modified as it came
	Size     int64  `json:"size,omitempty"`     // of a file on disk
	Time     int64  `json:"time,omitempty"`     // of it, in nanoseconds; 0: too young to tell anything
	From     int64  `json:"from,omitempty"`     // where the next page begins; 0: all was read
	Position int    `json:"position,omitempty"` // of its first record
}

func (s *fileSource) Next(ctx context.Context, at Checkpoint) (*Page, error) {
	cp := fileCheckpoint{checkpointHead: checkpointHead{s.protocol, 1, s.scope}}
	if err := readCheckpoint(at, cp.checkpointHead, &cp); err != nil {
		return nil, err
	}
	if cp.From < 0 || cp.Position < 0 {
		return nil, fmt.Errorf("exchange: %s: a checkpoint that is none of ours: %w", s.protocol, ErrStale)
	}
	before := cp
	if cp.From == 0 || s.sum != cp.Sum {
		changed, err := s.load(ctx, &cp, at != nil && cp.From == 0)
		if err != nil {
			return nil, err
		}
		if !changed {
			return &Page{Last: true, After: at}, nil
		}
	}
	cp.Sum = s.sum
	anew := at == nil || cp.Sum != before.Sum
	if anew {
		cp.From, cp.Position = 0, 0
		if err := s.format.check(s.body); err != nil {
			return nil, s.wrong(0, err)
		}
	} else if before.From == 0 { // the same content, newly dated
		return (&Page{Last: true}).until(&cp)
	}
	b := newPage(s.protocol, s.name())
	next, count, err := s.format.read(s.body, cp.From, cp.Position, b)
	if err != nil {
		return nil, s.wrong(cp.From, err)
	}
	p, err := b.page()
	if err != nil {
		return nil, err
	}
	if len(p.Faults) > len(p.Records) {
		return nil, s.wrong(cp.From, fmt.Errorf("%d of %d records can't be read, the first one: %s", len(p.Faults), count, p.Faults[0].Reason))
	}
	if p.Anew, p.Last = anew, next < 0; p.Last {
		p.Sure = true // check has told it from what is no list
		cp.From, cp.Position = 0, 0
		s.body, s.sum = nil, "" // a large list is not held until the next reading
	} else {
		cp.From, cp.Position = next, cp.Position+count
	}
	return p.until(&cp)
}

func (s *fileSource) name() string {
	if s.client == nil {
		return filepath.Base(s.path)
	}
	return s.client.show(http.MethodGet, s.client.base)
}

func (s *fileSource) wrong(offset int64, err error) error {
	return &PageError{Exchange: s.protocol, Page: s.name(), Offset: offset, Reason: err.Error(), Err: ErrPage}
}

// load reads the file as it is now. With known, one that is as the checkpoint knows it is not read.
func (s *fileSource) load(ctx context.Context, cp *fileCheckpoint, known bool) (changed bool, err error) {
	if s.client != nil {
		changed, err = s.fetch(ctx, cp, known)
	} else {
		changed, err = s.open(cp, known)
	}
	if changed && err == nil {
		sum := sha256.Sum256(s.body)
		s.sum = hex.EncodeToString(sum[:])
	}
	return changed, err
}

func (s *fileSource) fetch(ctx context.Context, cp *fileCheckpoint, known bool) (changed bool, err error) {
	r := request{query: s.query, limit: s.limit, header: make(map[string]string)}
	if known && cp.ETag != "" {
		r.header["If-None-Match"] = cp.ETag
	}
	if known && cp.Modified != "" {
		r.header["If-Modified-Since"] = cp.Modified
	}
	a, err := s.client.ask(ctx, r)
	if err != nil {
		return false, err
	}
	if a.status == http.StatusNotModified {
		if len(r.header) == 0 {
			return false, s.wrong(0, errors.New("not modified, though that was not asked"))
		}
		return false, nil
	}
	s.body, s.sum = a.body, ""
	cp.ETag, cp.Modified = clipHeader(a.header.Get("ETag")), clipHeader(a.header.Get("Last-Modified"))
	return true, nil
}

// clipHeader drops what is too long for a checkpoint.
func clipHeader(value string) string {
	if len(value) > 1024 {
		return ""
	}
	return value
}

func (s *fileSource) open(cp *fileCheckpoint, known bool) (changed bool, err error) {
	fail := func(err error) (bool, error) { // the error has the path: it is the user's own
		return false, fmt.Errorf("exchange: %s: %w: %w", s.protocol, err, ErrUnavailable)
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return fail(err)
	}
	if !info.Mode().IsRegular() { // before it is opened: a pipe would wait
		return false, configError(s.protocol, "%s is no file", s.path)
	}
	if known && cp.Time != 0 && info.Size() == cp.Size && info.ModTime().UnixNano() == cp.Time {
		return false, nil
	}
	if info.Size() > s.limit {
		return false, s.tooLarge()
	}
	f, err := os.Open(s.path)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(f, s.limit+1))
	if err != nil {
		return fail(err)
	}
	if n > s.limit {
		return false, s.tooLarge()
	}
	// Half a list would look like one from which much was taken out.
	if after, err := f.Stat(); err != nil {
		return fail(err)
	} else if n != info.Size() || after.Size() != n || !after.ModTime().Equal(info.ModTime()) {
		return fail(errors.New("it was written while it was read"))
	}
	s.body, s.sum = body.Bytes(), ""
	cp.Size, cp.Time = info.Size(), info.ModTime().UnixNano()
	if s.now().Sub(info.ModTime()) < settled {
		cp.Time = 0
	}
	return true, nil
}

func (s *fileSource) tooLarge() error {
	return &PageError{Exchange: s.protocol, Page: s.name(), Reason: fmt.Sprintf("more than %d bytes", s.limit), Err: ErrTooLarge}
}
