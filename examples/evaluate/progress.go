package main

import (
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/rematch-go/rematch/examples/internal/terminal"
)

// progress is a bar on standard error where that is a terminal, and nothing elsewhere.
type progress struct {
	container *mpb.Progress // nil: no bar
	bar       *mpb.Bar
}

// newProgress shows a bar of so many steps. Close it before anything is printed.
func newProgress(stderr io.Writer, what string, steps int) *progress {
	if !terminal.Is(stderr) {
		return &progress{}
	}
	p := &progress{container: mpb.New(mpb.WithOutput(stderr), mpb.WithWidth(40))}
	p.bar = p.container.AddBar(int64(steps), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(what+" "), decor.CountersNoUnit("%d of %d")),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_MMSS), decor.Name(", "), decor.AverageETA(decor.ET_STYLE_MMSS), decor.Name(" left")))
	return p
}

func (p *progress) step(n int) {
	if p.bar != nil {
		p.bar.IncrBy(n)
	}
}

func (p *progress) close() {
	if p.container != nil {
		p.bar.Abort(true)
		p.container.Wait()
	}
}
