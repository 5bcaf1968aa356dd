package exchange_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match/exchange"
)

func TestCredentialsAreNeverPrinted(t *testing.T) {
	c := exchange.NewCredentials("  user:hunter2\n")
	assert.True(t, c.Set())
	assert.False(t, exchange.NewCredentials(" \n").Set())
	type holder struct {
		Public  exchange.Credentials
		private exchange.Credentials
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c, "h", holder{c, c})
	b, err := json.Marshal(map[string]any{"c": c, "h": holder{c, c}})
	require.NoError(t, err)
	texts := []string{log.String(), string(b), fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c, c, c), fmt.Sprintf("%v %+v %#v", holder{c, c}, holder{c, c}, &holder{c, c}),
		fmt.Errorf("%v", c).Error()}
	for _, text := range texts {
		assert.NotContains(t, text, "hunter2")
		assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", "hunter2"))
	}
	assert.Contains(t, texts[1], "[redacted]")
}

func TestCredentialsFromEnvironmentAndFile(t *testing.T) {
	home := t.TempDir()
	none := func(string) string { return "" }
	for _, p := range exchange.Protocols() {
		c, err := exchange.FindCredentials(p, none, home)
		require.NoError(t, err)
		assert.False(t, c.Set())
		if p.Environment == "" {
			assert.False(t, p.Needed)
			continue
		}
		require.NoError(t, os.WriteFile(filepath.Join(home, p.File), []byte("in:file\n"), 0o600))
		c, err = exchange.FindCredentials(p, none, home)
		require.NoError(t, err)
		assert.True(t, c.Set())
		asked := ""
		c, err = exchange.FindCredentials(p, func(name string) string { asked = name; return "in:environment" }, home)
		require.NoError(t, err)
		assert.True(t, c.Set())
		assert.Equal(t, p.Environment, asked)
	}
	if runtime.GOOS == "windows" {
		t.Skip("modes of files say nothing here")
	}
	path := filepath.Join(home, "open")
	require.NoError(t, os.WriteFile(path, []byte("a:bcdefgh"), 0o644))
	require.NoError(t, os.Chmod(path, 0o644))
	_, err := exchange.ReadCredentials(path)
	require.ErrorIs(t, err, exchange.ErrCredentials)
	assert.Contains(t, err.Error(), "chmod 600")
	assert.NotContains(t, err.Error(), "bcdefgh")
	for _, text := range []string{"", " \n", strings.Repeat("x", 20_000)} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chmod(path, 0o600))
		_, err = exchange.ReadCredentials(path)
		require.ErrorIs(t, err, exchange.ErrCredentials)
	}
	for _, path := range []string{home, filepath.Join(home, "missing")} {
		_, err = exchange.ReadCredentials(path)
		require.ErrorIs(t, err, exchange.ErrCredentials)
	}
}
