package house

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden file anew")

const golden = "testdata/api.txt"

func TestExportedAPI(t *testing.T) {
	var got bytes.Buffer
	for _, room := range []string{"hash", "match", "video"} {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || !d.IsDir():
				return err
			case d.Name() == "internal" || d.Name() == "testdata":
				return fs.SkipDir
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			return writeAPI(&got, path, module+filepath.ToSlash(rel))
		})
		require.NoError(t, err)
	}
	require.NotZero(t, got.Len())
	if *update {
		require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	if string(want) == got.String() {
		return
	}
	before, after := strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")
	t.Errorf("the exported API changed; if that is meant, say so in CHANGELOG.md and run: go generate ./match/internal/house\ngone: %q\nnew: %q",
		without(before, after), without(after, before))
}

// without returns the lines of a that are not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(line string) bool { return slices.Contains(b, line) })
}

// writeAPI prints the exported declarations of the package in dir, sorted as go
// doc sorts them, without comments.
func writeAPI(w *bytes.Buffer, dir, path string) error {
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil
	}
	p, err := doc.NewFromFiles(fset, files, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "package %s\n", path)
	seen := map[string]bool{} // a declaration that stands in a file for each system is one
	show := func(node ast.Decl) error {
		if f, ok := node.(*ast.FuncDecl); ok {
			f.Body = nil
		}
		var b bytes.Buffer
		if err := (&printer.Config{Mode: printer.UseSpaces, Tabwidth: 4}).Fprint(&b, token.NewFileSet(), node); err != nil {
			return err
		}
		if !seen[b.String()] {
			seen[b.String()] = true
			fmt.Fprintf(w, "%s\n", b.String())
		}
		return nil
	}
	values := func(vs []*doc.Value) error {
		for _, v := range vs {
			if err := show(v.Decl); err != nil {
				return err
			}
		}
		return nil
	}
	funcs := func(fs []*doc.Func) error {
		for _, f := range fs {
			f.Decl.Doc = nil
			if err := show(f.Decl); err != nil {
				return err
			}
		}
		return nil
	}
	strip := func(d *ast.GenDecl) {
		d.Doc = nil
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				n.Doc, n.Comment = nil, nil
			case *ast.TypeSpec:
				n.Doc, n.Comment = nil, nil
			case *ast.ValueSpec:
				n.Doc, n.Comment = nil, nil
			}
			return true
		})
	}
	all := append([]*doc.Value{}, append(p.Consts, p.Vars...)...)
	for _, t := range p.Types {
		strip(t.Decl)
		all = append(all, append(t.Consts, t.Vars...)...)
	}
	for _, v := range all {
		strip(v.Decl)
	}
	if err := values(p.Consts); err != nil {
		return err
	}
	if err := values(p.Vars); err != nil {
		return err
	}
	if err := funcs(p.Funcs); err != nil {
		return err
	}
	for _, t := range p.Types {
		if err := show(t.Decl); err != nil {
			return err
		}
		for _, step := range []error{values(t.Consts), values(t.Vars), funcs(t.Funcs), funcs(t.Methods)} {
			if step != nil {
				return step
			}
		}
	}
	w.WriteByte('\n')
	return nil
}
