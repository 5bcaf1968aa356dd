package house

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/rematch-go/rematch/"
	root   = "../../.."
)

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// list runs go list in the root module.
func list(t *testing.T, patterns ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, patterns...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
	require.NotEmpty(t, all)
	return all
}

// below tells whether a path is the package or lies below it.
func below(path, pkg string) bool { return path == pkg || strings.HasPrefix(path, pkg+"/") }

// mayImport is design.md's picture of the rooms.
func mayImport(from, to string) bool {
	switch {
	case from == "hash":
		return false
	case below(from, "hash"): // an algorithm knows the values, and the pixel helpers they share
		return to == "hash" || below(to, "hash/internal")
	case from == "video":
		return to == "hash" || below(to, "video/internal")
	case below(from, "video"):
		return to == "hash" || below(to, "video")
	case below(from, "match/screen"):
		return below(to, "hash") || below(to, "match") || to == "video"
	case below(from, "match/store"):
		return below(to, "hash") || to == "match" || to == "match/exchange" || to == "match/record"
	case below(from, "match/record"): // a plain document
		return false
	case below(from, "match/summary"):
		return to == "match/record"
	case below(from, "match/exchange"), below(from, "match/vectors"), below(from, "match/internal"):
		return below(to, "hash") || to == "match" || below(to, "match/internal")
	case from == "match":
		return to == "hash" || below(to, "match/internal")
	}
	return false
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range list(t, "./hash/...", "./match/...", "./match/store/...", "./video/...") {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, i := range p.Imports {
			to, ours := strings.CutPrefix(i, module)
			if ours {
				assert.True(t, mayImport(from, to), "%s imports %s: see the rooms in the README", from, to)
			}
		}
	}
}

// A program that screens with its own decoder, or with none, links nothing heavy.
func TestLightPrograms(t *testing.T) {
	light := []string{"./hash/...", "./match/...", "./video", "./video/internal/..."}
	heavy := []string{"github.com/aws/", "github.com/u2takey/", "github.com/spf13/", "github.com/tetratelabs/", "codeberg.org/gruf/"}
	for _, p := range list(t, light...) {
		for _, dep := range p.Deps {
			for _, h := range heavy {
				assert.False(t, strings.HasPrefix(dep, h), "%s links %s", p.ImportPath, dep)
			}
		}
		assert.NotContains(t, p.Deps, module+"video/ffmpeg", p.ImportPath)
	}
}

// ffmpeg-go belongs to the native backend alone.
func TestFfmpegGoStaysHome(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "github.com/u2takey/") {
				assert.Equal(t, module+"video/ffmpeg", p.ImportPath)
			}
		}
	}
}

// Nothing but what design.md names stands at the top of the tree.
func TestTopOfTheTree(t *testing.T) {
	allowed := map[string]bool{"hash": true, "match": true, "video": true, "examples": true, "testdata": true, "go.mod": true, "go.sum": true,
		"go.work": true, "go.work.sum": true, "README.md": true, "LICENSE": true, "CHANGELOG.md": true, "SECURITY.md": true, ".ci": true,
		".github": true, ".git": true, ".gitignore": true, ".gitattributes": true, ".golangci.yml": true}
	entries, err := filepath.Glob(filepath.Join(root, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, e := range entries {
		assert.True(t, allowed[filepath.Base(e)], "%s stands at the top of the tree", filepath.Base(e))
	}
}
