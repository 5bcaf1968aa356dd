package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Protocol is a kind of exchange and what it needs.
type Protocol struct {
	Name     string // such as "ncmec"
	About    string // in a few words, for people
	Settings []Setting
	// Form says what the text of its credentials is, and whether they are Needed. Environment and File are where
	// the reference client looks for them: a variable, and a file below the home directory. All are empty where there are none.
	Form        string
	Needed      bool
	Environment string
	File        string
	// Writes says that what Open returns is a Sink as well.
	Writes bool

	open func(*Config) (Source, error)
}

// Setting is something that a protocol lets or makes its user choose.
type Setting struct {
	Name     string
	Required bool
	About    string // what it is, its choices and its default
}

// protocols is the one table: an exchange more is a line more.
var protocols = []Protocol{
	threatExchange,
	ncmec,
	stopNCII,
	techAgainstTerrorism,
	plainList,
	csvList,
	otherRematch,
}

// Protocols returns all of them, in a fixed order.
func Protocols() []Protocol {
	all := slices.Clone(protocols)
	for i := range all {
		all[i].Settings = slices.Clone(all[i].Settings)
	}
	return all
}

// ParseProtocol returns the protocol with the given name. The error is ErrConfig.
func ParseProtocol(name string) (Protocol, error) {
	var names []string
	for _, p := range Protocols() {
		if strings.EqualFold(p.Name, name) {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Protocol{}, fmt.Errorf("exchange: unknown protocol %.40q; there are %s: %w", name, strings.Join(names, ", "), ErrConfig)
}

// Config is an exchange as one member is connected to it.
type Config struct {
	// Base is the address to use in place of the protocol's own, such as that of examples/consortium. It is
	// https, or as HTTPOptions.Loopback says. Protocols that read a file have no own one and no use for it.
	Base        string
	Settings    map[string]string
	Credentials Credentials
	HTTP        HTTPOptions

	Now func() time.Time // nil: time.Now
	// Sleep waits for a while or until the context is done, whose error it returns then. nil: it really does. Tests
	// have a quicker one.
	Sleep func(context.Context, time.Duration) error
}

// Open connects to an exchange; nothing is asked of it yet. The Source is also a Sink where the
// protocol Writes. The error is ErrConfig or ErrCredentials.
func (p Protocol) Open(c Config) (Source, error) {
	if p.open == nil {
		return nil, configError(p.Name, "not a protocol of this package")
	}
	for _, name := range sortedKeys(c.Settings) {
		if !slices.ContainsFunc(p.Settings, func(s Setting) bool { return s.Name == name }) {
			return nil, configError(p.Name, "there is no setting %.40q", name)
		}
	}
	for _, s := range p.Settings {
		if s.Required && c.Settings[s.Name] == "" {
			return nil, configError(p.Name, "the setting %q is missing: %s", s.Name, s.About)
		}
	}
	if p.Needed && !c.Credentials.Set() {
		return nil, fmt.Errorf("exchange: %s: there are no credentials (%s), in $%s or ~/%s: %w", p.Name, p.Form, p.Environment, p.File, ErrCredentials)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	return p.open(&c)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// words splits a setting that is a list: at commas, without blanks around what is between them.
func words(setting string) []string {
	var all []string
	for w := range strings.SplitSeq(setting, ",") {
		if w = strings.TrimSpace(w); w != "" {
			all = append(all, w)
		}
	}
	return all
}
