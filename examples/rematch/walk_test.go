package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tree makes files with the given slash-separated names below a new folder.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(name), 0o644))
	}
	return root
}

func TestWalkOrderAndNames(t *testing.T) {
	root := tree(t, "b/2", "b/1", "a", "c", ".hidden", "b/deep/er/x")
	var rels, paths []string
	for f := range walk([]string{root}) {
		require.NoError(t, f.err)
		assert.Equal(t, root, f.root)
		rels, paths = append(rels, f.rel), append(paths, f.path)
	}
	assert.Equal(t, []string{".hidden", "a", "b/1", "b/2", "b/deep/er/x", "c"}, rels)
	for i, path := range paths {
		assert.Equal(t, filepath.Join(root, filepath.FromSlash(rels[i])), path)
	}
}

func TestWalkKeepsTheSpellingOfItsRoots(t *testing.T) {
	t.Chdir(tree(t, "in/x", "y"))
	sep := string(filepath.Separator)
	for _, c := range []struct {
		roots, want []string
	}{
		{[]string{"in"}, []string{"in" + sep + "x"}},
		{[]string{"./in/"}, []string{"./in/x"}},
		{[]string{"."}, []string{"." + sep + "in" + sep + "x", "." + sep + "y"}},
		{[]string{"./y"}, []string{"./y"}},
		{[]string{"y", "./y", "in", "in/x", "."}, []string{"y", "in" + sep + "x"}}, // once each
	} {
		var got []string
		for f := range walk(c.roots) {
			require.NoError(t, f.err)
			got = append(got, f.path)
		}
		assert.Equal(t, c.want, got, "%q", c.roots)
	}
}

func TestWalkSymbolicLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links need a privilege on Windows")
	}
	root := tree(t, "real/x")
	require.NoError(t, os.Symlink(filepath.Join(root, "real"), filepath.Join(root, "folder")))
	require.NoError(t, os.Symlink(filepath.Join(root, "real", "x"), filepath.Join(root, "file")))
	require.NoError(t, os.Symlink(root, filepath.Join(root, "real", "circle")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(root, "dangling")))

	rels := func(root string) (all []string) {
		for f := range walk([]string{root}) {
			require.NoError(t, f.err)
			all = append(all, f.rel)
		}
		return all
	}
	assert.Equal(t, []string{"real/x"}, rels(root), "links inside a folder are not followed")
	assert.Equal(t, []string{"x"}, rels(filepath.Join(root, "folder")), "a link that is named is followed")
	assert.Equal(t, []string{"file"}, rels(filepath.Join(root, "file")))

	all := slices.Collect(walk([]string{filepath.Join(root, "dangling")}))
	require.Len(t, all, 1)
	assert.ErrorIs(t, all[0].err, os.ErrNotExist)
}

func TestWalkGoesOnAfterErrors(t *testing.T) {
	root := tree(t, "x")
	missing := filepath.Join(root, "missing")
	all := slices.Collect(walk([]string{missing, root}))
	require.Len(t, all, 2)
	assert.Equal(t, missing, all[0].path)
	assert.ErrorIs(t, all[0].err, os.ErrNotExist)
	assert.Equal(t, "x", all[1].rel)
}

func TestWalkStopsWhenToldTo(t *testing.T) {
	root := tree(t, "a", "b/c", "d")
	n := 0
	for range walk([]string{root, root}) {
		if n++; n == 2 {
			break
		}
	}
	assert.Equal(t, 2, n)
}
