package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Encode checks a record and returns its document: the members in the order of the type, without
// spaces, times in UTC. The same record always gives the same bytes.
func (r *Record) Encode() ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // who shows it escapes it in its own way
	if err := e.Encode(r.normal()); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// normal returns the record with all times in UTC and no list that is nil.
func (r *Record) normal() *Record {
	n := *r
	utc := func(t time.Time) time.Time {
		if t.IsZero() {
			return time.Time{}
		}
		return t.UTC().Round(0)
	}
	n.ScreenedAt, n.PreserveUntil, n.Upload.ReceivedAt = utc(n.ScreenedAt), utc(n.PreserveUntil), utc(n.Upload.ReceivedAt)
	n.Thresholds, n.Passes, n.Media = list(n.Thresholds), list(n.Passes), list(n.Media)
	n.Upload.Flags, n.Tool.Modules, n.Tool.Kinds = list(n.Upload.Flags), list(n.Tool.Modules), list(n.Tool.Kinds)
	matches := func(from []Match) []Match {
		to := append([]Match{}, from...)
		for i := range to {
			m := &to[i]
			m.Labels, m.Evidence.Segments = list(m.Labels), list(m.Evidence.Segments)
			m.Evidence.Transform, m.Evidence.KnownTransform = list(m.Evidence.Transform), list(m.Evidence.KnownTransform)
			if m.Origin != nil {
				o := *m.Origin
				o.FetchedAt, o.SharedAt = utc(o.FetchedAt), utc(o.SharedAt)
				m.Origin = &o
			}
		}
		return to
	}
	n.Matches, n.Shadow = matches(n.Matches), matches(n.Shadow)
	n.Decisions = append([]Decision{}, n.Decisions...)
	for i := range n.Decisions {
		n.Decisions[i].At = utc(n.Decisions[i].At)
	}
	return &n
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Parse is the inverse of Encode; unknown members are refused. Errors are ErrInvalid (an *Error)
// and ErrNewer.
func Parse(doc []byte) (*Record, error) {
	r := new(Record)
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		var head struct {
			Version int `json:"version"`
		}
		if bad := json.Unmarshal(doc, &head); bad == nil && head.Version > Version {
			return nil, fmt.Errorf("%w: version %d", ErrNewer, head.Version)
		}
		return nil, &Error{"document", err.Error()}
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, &Error{"document", "something follows it"}
	}
	if r.Version > Version {
		return nil, fmt.Errorf("%w: version %d", ErrNewer, r.Version)
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	return r.normal(), nil
}
