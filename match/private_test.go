package match_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// Whatever is written beside a bank file is its owner's alone, at any time.
func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "known.bank")
	private := func(when string, least int) {
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, len(files), least, when)
		for _, f := range files {
			info, err := f.Info()
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode(), "%s: %s", when, f.Name())
		}
	}
	r := seeded()
	require.NoError(t, match.WriteFile(path, match.Bank{Name: "known", Entries: []match.Entry{bare(random(r, hash.PDQ))}}))
	private("written", 1)
	m, err := match.Open(path, match.Options{})
	require.NoError(t, err)
	require.NoError(t, m.AddEntries("known", bare(random(r, hash.PDQ))))
	private("changed", 2)
	require.NoError(t, m.Save())
	private("saved", 1)
	require.NoError(t, m.Close())
	private("closed", 1)
}
