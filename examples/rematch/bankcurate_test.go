package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/examples/internal/consortium"
	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
	"github.com/rematch-go/rematch/match/store"
)

// curator runs commands in one process, on files of its own folder.
type curator struct {
	*testing.T
	dir string
}

// do runs a command, of which FILE is the bank file, and checks the exit code.
func (c curator) do(code int, args ...string) string {
	c.Helper()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FILE", filepath.Join(c.dir, "known.bank"))
	}
	var out, bad bytes.Buffer
	require.Equal(c, code, run(context.Background(), args, &out, &bad), "%q: %s%s", args, &out, &bad)
	if code == exitFailure || code == exitUsage {
		require.NotEmpty(c, bad.String(), "%q", args)
	}
	return strings.ReplaceAll(out.String(), c.dir+string(filepath.Separator), "") + bad.String()
}

// bank is do of "bank", split at blanks.
func (c curator) bank(code int, line string, more ...string) string {
	c.Helper()
	return c.do(code, append(append([]string{"bank"}, strings.Fields(line)...), more...)...)
}

const (
	oneHash = "pdq:d8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
	twoHash = "pdq:27070f311f0b57b0f9c8f5ddfc709c0f4c91d12a699de1e2cc194c63b16364dd"
	md5Hash = "md5:9dd4e461268c8034f5c8564e155c67a6"
)

func TestCurating(t *testing.T) {
	c := curator{t, t.TempDir()}
	entry := func(line string) (e entryLine) {
		t.Helper()
		require.NoError(t, json.Unmarshal([]byte(c.bank(0, "--json "+line)), &e))
		return e
	}
	require.Equal(t, "known.bank: bank terror, 0 entries\n  labels: tvec\n  action: block\n", c.bank(0, "create FILE terror --action block --label tvec"))
	require.Contains(t, c.bank(0, "create FILE news --allow --suppress terror"), "an allow-list for terror")
	require.Contains(t, c.bank(1, "create FILE news"), "taken")
	require.Equal(t, "known.bank: bank terror: 3 entries added; it has 3\n", c.bank(0, "add FILE --bank terror", oneHash, twoHash, md5Hash))
	require.Contains(t, c.bank(0, "add --json FILE --bank terror --label x --exchange gifct --severity high --member m --tag t", oneHash, "pdq:0a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22d8f8f0cee0f4a84f0637"), `"added":1,"removed":0,"there":1,"entries":4}`)
	require.Contains(t, c.bank(1, "add FILE --bank terror nothing/here"), "nothing/here")
	require.Contains(t, c.bank(2, "add FILE", oneHash), "--bank")

	// Of the bank.
	require.Contains(t, c.bank(0, "label FILE --bank terror --add new --remove tvec"), "labels: new")
	require.Contains(t, c.bank(0, "label FILE --bank terror --set a --set b"), "labels: a, b")
	c.bank(2, "label FILE --bank terror")
	require.Contains(t, c.bank(0, "threshold FILE pdq 20 --bank terror"), "up to 20 of 256 bits")
	c.bank(2, "threshold FILE pdq 200 --bank terror")
	c.bank(2, "threshold FILE sound 2 --bank terror")
	require.Contains(t, c.bank(0, "threshold FILE pdq default --bank terror"), "up to 31 of 256 bits")
	require.Contains(t, c.bank(0, "action FILE review --bank terror"), "action: review")
	require.Contains(t, c.bank(0, "policy FILE seed=shadow negative=default --bank terror"), "policy: seed shadow\n")
	c.bank(2, "policy FILE seed=perhaps --bank terror")
	require.Contains(t, c.bank(0, "rollout FILE 12.5 --bank terror --key k"), "for 12.5 % of uploads")
	require.Contains(t, c.bank(0, "rollout FILE shadow --bank terror"), "in shadow")
	require.NotContains(t, c.bank(0, "rollout FILE 100 --bank terror"), "uploads")
	c.bank(2, "rollout FILE 0 --bank terror")
	require.Contains(t, c.bank(0, "suppress FILE all --bank news"), "an allow-list\n")
	require.Contains(t, c.bank(1, "suppress FILE all --bank terror"), "no allow-list")
	require.Contains(t, c.bank(0, "disable FILE --bank terror"), ", disabled")
	require.NotContains(t, c.bank(0, "enable FILE --bank terror"), "disabled")
	require.Contains(t, c.bank(0, "remove FILE --bank news --whole-bank"), "bank news")

	// Of entries, in the only bank by now.
	require.Contains(t, c.bank(0, "disable FILE", oneHash, twoHash), "1 pdq, disabled")
	require.False(t, entry("enable FILE "+oneHash).Disabled)
	e := entry("disable FILE --until 48h " + oneHash)
	require.Equal(t, match.StateDisabled, e.State)
	require.InDelta(t, 48, time.Until(*e.DisabledUntil).Hours(), 0.1)
	require.Nil(t, entry("enable FILE "+oneHash).DisabledUntil)
	require.Contains(t, c.bank(0, "expire FILE 2020-01-01", oneHash), "expires 2020-01-01T00:00:00Z")
	require.Equal(t, match.StateExpired, entry("show FILE "+oneHash).State)
	require.Nil(t, entry("expire FILE never "+oneHash).Expires)
	c.bank(2, "expire FILE soon", oneHash)
	require.Equal(t, "looks wrong", func() string {
		c.bank(0, "note FILE", "looks wrong", oneHash)
		return entry("show FILE " + oneHash).Note
	}())
	require.Equal(t, match.Positive, entry("opinion FILE positive --member facebook --tag t "+oneHash).Opinion)
	e = entry("opinion FILE negative --by alice " + oneHash)
	require.Equal(t, match.Disputed, e.Opinion)
	require.Equal(t, "shadow", e.State)
	require.Equal(t, []string{"t"}, e.Opinions[0].Tags)
	c.bank(2, "opinion FILE negative", oneHash)
	c.bank(2, "opinion FILE disputed --by alice", oneHash)
	e = entry("confirm FILE --by bob --note seen " + oneHash)
	require.Equal(t, match.Positive, e.Opinion)
	require.Len(t, e.Opinions, 2, "what was received stays")
	require.Equal(t, "bob", e.Decision.By)
	require.Equal(t, "ignore", entry("deconfirm FILE "+oneHash).State)
	require.Nil(t, entry("deconfirm FILE --undo "+oneHash).Decision)
	require.Len(t, entry("opinion FILE none --by alice "+oneHash).Opinions, 1)
	require.Contains(t, c.bank(1, "note FILE x nowhere"), "no entry nowhere")

	// Pages, search, counts.
	page := c.bank(0, "list FILE --limit 3")
	require.Equal(t, 3, strings.Count(page, "\n  p")+strings.Count(page, "\n  m")+1, page)
	after := regexp.MustCompile(`--after (\S+)`).FindStringSubmatch(page)[1]
	require.Equal(t, 1, strings.Count(c.bank(0, "--json list FILE --after "+after), `"entry":`))
	require.Contains(t, c.bank(0, "list FILE --state disabled"), twoHash)
	require.Contains(t, c.bank(1, "list FILE --after nowhere"), "no such entry")
	require.Contains(t, c.bank(3, "search FILE LOOKS"), oneHash)
	require.Contains(t, c.bank(3, "search FILE gifct"), "from gifct m high (t)")
	require.Contains(t, c.bank(3, "search FILE", oneHash[4:]), "  0 bits\n  "+oneHash)
	require.Contains(t, c.bank(3, "--json search FILE --radius 256", twoHash), `{"distance":0,"bank":"terror","entry":"`+twoHash)
	require.Contains(t, c.bank(3, "search FILE --bank terror --text", md5Hash[4:12]), md5Hash)
	require.Empty(t, c.bank(0, "search FILE nothing-like-it"))
	c.bank(2, "search FILE --radius 257", oneHash)
	require.Equal(t, `{"bank":"terror","entries":4,"videos":0,"kinds":{"md5":1,"pdq":3}}`+"\n", c.bank(0, "count FILE --json"))
	require.Equal(t, "terror: 4 entries: 3 report, 0 shadow, 0 ignore, 1 disabled, 0 expired; 0 set aside in quarantine\n", c.bank(0, "stats FILE"))
	require.Contains(t, c.bank(0, "stats FILE --json"), `"opinions":{"none":3,"positive":1},"exchanges":{"":3,"gifct":1}`)

	// An export can be added again.
	list := c.bank(0, "export FILE")
	require.Equal(t, 4, strings.Count(list, "\n"))
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "list.txt"), []byte(list), 0o600))
	require.Contains(t, c.bank(0, "add FILE", filepath.Join(c.dir, "list.txt")), "0 entries added, 4 there already")
	require.Contains(t, c.bank(0, "export FILE --format json"), `"hashes":["`+md5Hash+`"]}`)
	require.Contains(t, c.bank(0, "remove FILE", md5Hash), "1 entry removed; it has 3")
	require.Contains(t, c.bank(1, "remove FILE", oneHash, md5Hash), "no entry")
	require.Contains(t, c.bank(0, "count FILE"), "        3  terror\n")
	c.bank(2, "remove FILE")
	c.bank(0, "verify FILE")

	// Somebody else is at work.
	m, err := match.Open(filepath.Join(c.dir, "known.bank"), match.Options{})
	require.NoError(t, err)
	require.Contains(t, c.bank(1, "disable FILE", oneHash), "in use")
	require.NoError(t, m.Close())
}

func TestQuarantineCommands(t *testing.T) {
	c := curator{t, t.TempDir()}
	v, err := hash.Parse(oneHash)
	require.NoError(t, err)
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, match.WriteFile(filepath.Join(c.dir, "known.bank"), match.Bank{Name: "b", Entries: []match.Entry{{ID: "one", Signals: []match.Signal{{Value: v, Quality: 90}},
		Curation: &match.Curation{Quarantine: match.Quarantine{Since: since, Count: 120, Usual: 1.5, Uploads: 900}}}}}))
	require.Equal(t, "  one: 1 pdq, shadow\n    in quarantine since 2026-01-02T03:04:05Z: it matched 120 of 900 uploads, against 1.5 before\n", c.bank(3, "quarantine list FILE"))
	require.Contains(t, c.bank(3, "quarantine list FILE --json"), `"quarantine":{"since":"2026-01-02T03:04:05Z","count":120,"usual":1.5,"uploads":900}`)
	require.Contains(t, c.bank(0, "stats FILE --json"), `"set_aside":1`)
	require.Contains(t, c.bank(0, "quarantine release FILE one --json"), `"quarantine":null`)
	require.Empty(t, c.bank(0, "quarantine list FILE"))
}

// What is shadowed or suppressed is told by scan, and does not count.
func TestScanTellsShadows(t *testing.T) {
	c := curator{t, t.TempDir()}
	upload := filepath.Join(c.dir, "upload.png")
	require.NoError(t, os.WriteFile(upload, encodePNG(t, scene(1, 400, 300)), 0o600))
	c.bank(0, "create FILE known --action block")
	c.bank(0, "add FILE", upload)
	require.Contains(t, c.do(3, "scan", "--bank", "FILE", upload), "known/upload.png: block\n")
	c.bank(0, "rollout FILE shadow")
	require.Contains(t, c.do(0, "scan", "--bank", "FILE", upload), "not reported (rollout): known/upload.png: block\n")
	out := c.do(0, "scan", "--json", "--bank", "FILE", upload)
	require.Contains(t, out, `"verdict":"no_match"`)
	require.Contains(t, out, `"shadow":[{"bank":"known","entry":"upload.png"`)
	require.Contains(t, out, `"action":"block","shadowed_by":"rollout"`)
	c.bank(0, "rollout FILE 50")
	first := c.do(exitOf(c, upload), "scan", "--bank", "FILE", upload)
	require.Equal(t, first, c.do(exitOf(c, upload), "scan", "--bank", "FILE", upload), "the same upload gets the same answer")
	c.bank(0, "rollout FILE 100")
	c.bank(0, "create FILE harmless --allow --suppress known")
	c.bank(0, "add FILE --bank harmless", upload)
	require.Contains(t, c.do(0, "scan", "--json", "--bank", "FILE", upload), `"suppressed_by":"harmless/upload.png"`)
	c.bank(0, "suppress FILE another --bank harmless")
	c.do(3, "scan", "--bank", "FILE", upload)
}

// exitOf is the exit code of a scan of a file.
func exitOf(c curator, upload string) int {
	return run(context.Background(), []string{"scan", "--bank", filepath.Join(c.dir, "known.bank"), upload}, &bytes.Buffer{}, &bytes.Buffer{})
}

// What is decided in a store is in its audit by name, and told to the exchange that an entry came from.
func TestCuratingAStore(t *testing.T) {
	server, err := consortium.New(consortium.Options{Records: 5, Seed: 3, Now: func() time.Time { return time.Now().Add(-time.Minute) }})
	require.NoError(t, err)
	web := httptest.NewServer(server)
	defer web.Close()
	me := server.Members()[0]
	t.Setenv("TX_STOPNCII_KEYS", me.FunctionKey+","+me.SubscriptionKey)
	c := curator{t, t.TempDir()}
	url := filepath.Join(c.dir, "banks.db")
	at := func(code int, line string, more ...string) string {
		t.Helper()
		return c.do(code, append(append(strings.Fields(line), "--store", url), more...)...)
	}
	at(0, "exchange add --by ann --protocol stopncii --feedback --url "+web.URL+"/stopncii/v1 ncii")
	at(0, "exchange pull ncii")
	id := ""
	require.NoError(t, withStore(t.Context(), url, false, func(s *store.Store) error {
		return s.Read(t.Context(), func(v *store.View) error {
			for e, err := range v.Entries("ncii") {
				id = e.ID
				return err
			}
			return nil
		})
	}))
	require.NotEmpty(t, id)

	at(2, "bank confirm", id)
	at(2, "bank confirm --by ann")
	require.Contains(t, at(1, "bank confirm --by ann nowhere"), "bank ncii has no entry nowhere")
	require.Contains(t, at(0, "bank confirm --by ann --note looked", id, id), "positive")
	require.Contains(t, at(0, "exchange status --queue ncii"), "waiting: helpful "+id)
	require.Contains(t, at(0, "bank deconfirm --by ann --json", id), `"by":"ann"`)
	require.Contains(t, at(0, "exchange status --queue ncii"), "waiting: disagree "+id)
	at(0, "bank confirm --by ann --undo", id)
	require.Contains(t, at(0, "exchange status --queue ncii"), "waiting: retract "+id)

	require.Contains(t, at(0, "bank note --by bob looks", id), "note: looks")
	require.Contains(t, at(0, "bank disable --by bob --reason doubtful", id), ", disabled")
	require.NotContains(t, at(0, "bank enable --by bob", id), ", disabled")
	require.Contains(t, at(0, "bank disable --by bob"), "store: bank ncii, 5 entries, disabled")
	require.Equal(t, `{"bank":"ncii","entries":5,"disabled":false}`+"\n", at(0, "bank enable --by bob --json"))
	require.Contains(t, at(0, "bank opinion seed --by bob --member m", id), "m")
	require.Contains(t, at(0, "bank expire 2026-01-01 --by bob", id), "expired")
	audit := at(0, "audit show")
	require.Equal(t, 3, strings.Count(audit, `"actor":{"type":"reviewer","id":"ann"},"action":"bank_change","change":"put_entries"`))
	require.Contains(t, audit, `"reason_text":"doubtful"`)
	at(0, "audit verify")

	// Of two at once, one is told that another was faster.
	err = withStore(t.Context(), url, false, func(s *store.Store) error {
		e := edited{}
		return e.inStore(t.Context(), s, &who{by: "ann"}, []string{id}, func(e *match.Entry) {
			e.Curation.Note = "mine"
			at(0, "bank note --by bob theirs", id)
		})
	})
	require.ErrorIs(t, err, store.ErrConflict)
	c.bank(2, "note FILE x --by ann y") // there is no audit of a file
	c.bank(2, "disable")
}
