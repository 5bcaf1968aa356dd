package exchange

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxCredentials is the longest text of credentials, in bytes: tokens are of a few hundred.
const maxCredentials = 16 << 10

// Credentials are what an exchange asks for before it talks to us, in the form that
// Protocol.Form tells. They print as "[redacted]" wherever they are printed, marshalled or logged. The
// zero value is none.
type Credentials struct {
	text *string // behind a pointer, so that no printing of a struct that has them reaches it
}

const redacted = "[redacted]"

// NewCredentials makes credentials of their text. Blanks around it are not of them.
func NewCredentials(text string) Credentials {
	if text = strings.TrimSpace(text); text == "" {
		return Credentials{}
	}
	return Credentials{&text}
}

// ReadCredentials reads the text in a file that nobody but its owner may read (0600 or less; on Windows that is not
// looked at). The error is ErrCredentials.
func ReadCredentials(path string) (Credentials, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait
	switch {
	case err != nil:
		return Credentials{}, fmt.Errorf("exchange: credentials: %w: %w", err, ErrCredentials)
	case !info.Mode().IsRegular():
		return Credentials{}, fmt.Errorf("exchange: credentials: %s is no file: %w", path, ErrCredentials)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return Credentials{}, fmt.Errorf("exchange: credentials: %s can be read by others (mode %04o); chmod 600 it: %w", path, info.Mode().Perm(), ErrCredentials)
	}
	f, err := os.Open(path)
	if err != nil {
		return Credentials{}, fmt.Errorf("exchange: credentials: %w: %w", err, ErrCredentials)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCredentials+1))
	if err != nil {
		return Credentials{}, fmt.Errorf("exchange: credentials: %w: %w", err, ErrCredentials)
	}
	c := NewCredentials(string(text))
	if len(text) > maxCredentials || !c.Set() {
		return Credentials{}, fmt.Errorf("exchange: credentials: %s has %d bytes; want one line: %w", path, len(text), ErrCredentials)
	}
	return c, nil
}

// FindCredentials looks where the reference client keeps a protocol's credentials: first in its
// environment variable, then in its file, below home. None of both is the zero value, without an error.
func FindCredentials(p Protocol, environ func(name string) string, home string) (Credentials, error) {
	if p.Environment != "" {
		if c := NewCredentials(environ(p.Environment)); c.Set() {
			return c, nil
		}
	}
	if p.File == "" || home == "" {
		return Credentials{}, nil
	}
	path := filepath.Join(home, p.File)
	if _, err := os.Lstat(path); os.IsNotExist(err) {
		return Credentials{}, nil
	}
	return ReadCredentials(path)
}

// Set reports whether there are credentials.
func (c Credentials) Set() bool { return c.text != nil }

// reveal returns the text; empty: there is none.
func (c Credentials) reveal() string {
	if c.text == nil {
		return ""
	}
	return *c.text
}

// pair splits "user:password". The error names the protocol and its form, never the text.
func (c Credentials) pair(protocol, form string) (user, password string, err error) {
	user, password, ok := strings.Cut(c.reveal(), ":")
	if !ok || user == "" || password == "" {
		return "", "", fmt.Errorf("exchange: %s: the credentials are missing or not of the form %s: %w", protocol, form, ErrCredentials)
	}
	return user, password, nil
}

// String returns "[redacted]", or nothing for none.
func (c Credentials) String() string {
	if c.text == nil {
		return ""
	}
	return redacted
}

// GoString is String, for %#v.
func (c Credentials) GoString() string { return "exchange.Credentials(" + c.String() + ")" }

// MarshalText gives String, so that JSON and logs do.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue gives String to log/slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }
