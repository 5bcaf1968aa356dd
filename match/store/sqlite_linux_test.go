package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/match"
)

// A process that reads the file as any other, or opens the store twice, keeps its locks. Without
// them the next program that closes the store removes the log of this one.
func TestLocksOutlastReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	apply(t, s, putBank(match.Bank{Name: "a"}))
	for name, touch := range map[string]func(){
		"untouched": func() {},
		"read": func() {
			_, err := os.ReadFile(path)
			require.NoError(t, err)
		},
		"opened twice": func() {
			again, err := Open(t.Context(), path, Options{})
			require.NoError(t, err)
			require.NoError(t, again.Close())
		},
	} {
		touch()
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		const ofdGet = 36 // F_OFD_GETLK: who else holds it, be it this process
		lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: 0x40000002, Len: 510}
		require.NoError(t, syscall.FcntlFlock(f.Fd(), ofdGet, &lock))
		assert.EqualValues(t, syscall.F_RDLCK, lock.Type, name)
		require.NoError(t, f.Close())
	}
}
