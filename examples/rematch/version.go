package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionLine is the output of "rematch version --json".
type versionLine struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
	WASM    bool   `json:"wasm"` // whether the GPL decoder is built in
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v := versionLine{
				Version: programVersion(),
				Go:      runtime.Version(),
				System:  runtime.GOOS + "/" + runtime.GOARCH,
				WASM:    wasmBuiltIn,
			}
			if a.json {
				return printJSON(a.stdout, v)
			}
			licence := "with the WebAssembly decoder: this binary is under the GPL, version 3"
			if !v.WASM {
				licence = "without the WebAssembly decoder (nogpl): Apache-2.0"
			}
			_, err := fmt.Fprintf(a.stdout, "rematch %s (%s, %s)\n%s\n", v.Version, v.Go, v.System, licence)
			return err
		},
	}
}

// programVersion is the module version that the Go tool recorded, with the commit
// where it is known.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value
		}
	}
	return "devel"
}
