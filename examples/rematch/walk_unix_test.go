//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWalkPipesAndUnreadableFolders(t *testing.T) {
	root := tree(t, "a", "locked/x", "z")
	pipe := filepath.Join(root, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o644))

	all := slices.Collect(walk([]string{pipe}))
	require.Len(t, all, 1, "a pipe that is named is an error, and does not block")
	assert.ErrorContains(t, all[0].err, "a pipe")

	if os.Geteuid() == 0 {
		t.Log("running as root, who may read everything: the locked folder is not tested")
		all = slices.Collect(walk([]string{root}))
		require.Len(t, all, 3, "a pipe below a folder is not listed")
		return
	}
	locked := filepath.Join(root, "locked")
	require.NoError(t, os.Chmod(locked, 0))
	t.Cleanup(func() { _ = os.Chmod(locked, 0o755) })
	all = slices.Collect(walk([]string{root}))
	require.Len(t, all, 3)
	assert.ErrorIs(t, all[1].err, os.ErrPermission)
	assert.Equal(t, locked, all[1].path)
	assert.Equal(t, "z", all[2].rel)
}

func TestWalkNamesWithNewlinesAndRawBytes(t *testing.T) {
	root := t.TempDir()
	names := []string{"a\nb", "q\"uote", "raw\xff\xfe"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Skipf("this file system refuses such names: %v", err)
		}
	}
	var rels []string
	for f := range walk([]string{root}) {
		require.NoError(t, f.err)
		rels = append(rels, f.rel)
	}
	assert.Equal(t, names, rels)
}

// TestOneLineAFile holds the promise for names that try to break it.
func TestOneLineAFile(t *testing.T) {
	root := t.TempDir()
	names := []string{"a\nb.png", "c\"}\n{\"file\":\"d", "e\xff\xfe.jpg", "-n", "--json", " ", "\u2028", "日本"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(root, name), []byte("text"), 0o644); err != nil {
			t.Skipf("this file system refuses such names: %v", err)
		}
	}
	bank := filepath.Join(t.TempDir(), "known.png")
	require.NoError(t, os.WriteFile(bank, encodePNG(t, scene(1, 100, 100)), 0o644))
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"hash", "--json", "--kind", "md5", root}, exitOK},
		{[]string{"hash", "--json", root}, exitNotJudged},
		{[]string{"scan", "--json", "--bank", bank, root}, exitNotJudged},
		{[]string{"hash", "--kind", "md5", root}, exitOK},
		{[]string{"hash", root}, exitNotJudged},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, c.code, run(t.Context(), c.args, &stdout, &stderr), "%s", &stderr)
		lines := bytes.Split(bytes.TrimSuffix(stdout.Bytes(), []byte("\n")), []byte("\n"))
		assert.Len(t, lines, len(names), "%q", c.args)
		for _, line := range lines {
			if slices.Contains(c.args, "--json") {
				assert.True(t, json.Valid(line), "%s", line)
			}
		}
	}
}
