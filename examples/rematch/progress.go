package main

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/rematch-go/rematch/examples/internal/terminal"
)

// progress is a bar on a terminal's standard error. Where that is no terminal
// there is none: every method does nothing then.
type progress struct {
	container *mpb.Progress // nil: no bar
	bar       *mpb.Bar
	what      atomic.Value // string
	total     atomic.Int64
	once      sync.Once
	out       io.Writer
}

// newProgress shows a bar named what ("scanning") that counts files, if stderr is a terminal.
func (a *app) newProgress(what string) *progress {
	return a.showProgress(what, mpb.BarStyle(), decor.CountersNoUnit("%d of %d files"))
}

// newStatus shows a line that says what is being done, and for how long.
func (a *app) newStatus(what string) *progress { return a.showProgress(what, mpb.NopStyle()) }

func (a *app) showProgress(what string, style mpb.BarFillerBuilder, more ...decor.Decorator) *progress {
	p := &progress{out: a.stdout}
	p.what.Store(what)
	if !terminal.Is(a.stderr) {
		return p
	}
	p.container = mpb.New(mpb.WithOutput(a.stderr), mpb.WithWidth(40))
	p.bar = p.container.New(0, style, // the total grows as the walk finds files
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(append([]decor.Decorator{decor.Any(func(decor.Statistics) string { return p.what.Load().(string) + " " })}, more...)...),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_MMSS)))
	if terminal.Is(a.stdout) {
		p.out = aboveBar{p.container, a.stdout}
	}
	return p
}

// say shows what is being done now.
func (p *progress) say(what string) { p.what.Store(what) }

// next starts counting anew under another name.
func (p *progress) next(what string) {
	p.what.Store(what)
	p.total.Store(0)
	if p.container != nil {
		p.bar.SetCurrent(0)
		p.bar.SetTotal(0, false)
	}
}

// found counts one more file to do.
func (p *progress) found() {
	if p.container != nil {
		p.bar.SetTotal(p.total.Add(1), false)
	}
}

// done counts one file as finished.
func (p *progress) done() {
	if p.container != nil {
		p.bar.Increment()
	}
}

// note prints a line of news above the bar.
func (p *progress) note(text string) {
	if p.container != nil {
		_, _ = p.container.Write([]byte(terminal.OneLine(text) + "\n"))
	}
}

// writer is where results go while the bar is up: standard output, through the
// bar if both are on the terminal, so that neither overwrites the other.
func (p *progress) writer() io.Writer { return p.out }

// close removes the bar. What was written has been shown when it returns.
func (p *progress) close() {
	if p.container == nil {
		return
	}
	p.once.Do(func() {
		p.bar.Abort(true)
		p.container.Wait()
	})
}

// aboveBar writes lines above a running bar, and straight to the terminal after
// its end.
type aboveBar struct {
	bar *mpb.Progress
	out io.Writer
}

func (w aboveBar) Write(b []byte) (int, error) {
	n, err := w.bar.Write(b)
	if errors.Is(err, mpb.ErrDone) {
		return w.out.Write(b)
	}
	return n, err
}
