package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/examples/internal/terminal"
	"github.com/rematch-go/rematch/video"
)

// doctorLine is the output of "rematch doctor --json".
type doctorLine struct {
	Version string              `json:"version"` // of this program
	System  string              `json:"system"`
	Decoder string              `json:"decoder"`
	Release string              `json:"release,omitempty"` // of the decoder, where it tells
	Guards  []video.ActiveGuard `json:"guards"`
	Missing []video.Guard       `json:"missing"` // of all that there are
}

// allGuards in the order in which they are reported missing.
var allGuards = []video.Guard{
	video.GuardFiles, video.GuardNetwork, video.GuardSyscalls, video.GuardProcesses, video.GuardPrivileges,
	video.GuardMemory, video.GuardCPU, video.GuardFileSize, video.GuardDeadline, video.GuardProcessGroup, video.GuardParentDeath,
}

func (a *app) doctorCommand() *cobra.Command {
	var backend string
	var demanded []string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Show which decoder reads videos here, and how it is guarded",
		Long: `Show which decoder reads videos on this machine, and which guards hold it while
it works on a stranger's file. --require makes a missing guard a failure: exit code 1.

Guards: ` + strings.Join(words(allGuards), ", ") + `.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range demanded {
				if !slices.Contains(allGuards, video.Guard(name)) {
					return usagef("--require %q: want one of %s", name, strings.Join(words(allGuards), ", "))
				}
			}
			d, err := newDecoder(backend, func(s string) { fmt.Fprintln(a.stderr, terminal.OneLine(s)) })
			if err != nil {
				return err
			}
			b, err := d.start(c.Context())
			if err != nil {
				return err
			}
			report := examine(b)
			if err := a.printDoctor(report); err != nil {
				_ = d.close()
				return err
			}
			if err := d.close(); err != nil {
				return err
			}
			return video.Demand(report.Guards, guardsNamed(demanded)...)
		},
	}
	c.Flags().StringVar(&backend, "backend", "auto", "decoder for videos: auto, ffmpeg or wasm")
	c.Flags().StringSliceVar(&demanded, "require", nil, "guards that must hold, separated by commas")
	return c
}

// examine asks a decoder about itself.
func examine(b video.Backend) doctorLine {
	r := doctorLine{
		Version: programVersion(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Decoder: b.Name(), Guards: video.Guards(b), Missing: []video.Guard{},
	}
	if v, ok := b.(interface{ Version() string }); ok {
		r.Release = v.Version()
	}
	for _, g := range allGuards {
		if video.Demand(r.Guards, g) != nil {
			r.Missing = append(r.Missing, g)
		}
	}
	return r
}

func (a *app) printDoctor(r doctorLine) error {
	if a.json {
		return printJSON(a.stdout, r)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%-13s %s\n", "decoder", terminal.OneLine(strings.TrimSpace(r.Decoder+" "+r.Release)))
	for _, g := range r.Guards {
		fmt.Fprintf(&s, "%-13s held by %s\n", g.Guard, strings.Join(g.By, ", "))
	}
	for _, g := range r.Missing {
		fmt.Fprintf(&s, "%-13s not held\n", g)
	}
	_, err := fmt.Fprint(a.stdout, s.String())
	return err
}

func words(guards []video.Guard) []string {
	var s []string
	for _, g := range guards {
		s = append(s, string(g))
	}
	return s
}

func guardsNamed(names []string) []video.Guard {
	var g []video.Guard
	for _, name := range names {
		g = append(g, video.Guard(name))
	}
	return g
}
