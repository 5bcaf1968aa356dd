//go:build !linux

package ffmpeg

import (
	"io"
	"os/exec"

	"github.com/rematch-go/rematch/video"
)

// confinement is what the kernel can do; see confine_linux.go. Elsewhere: nothing
// that a program could ask for without privileges or a program of its own.
type confinement struct{}

// permissions are what a program may do.
type permissions struct{}

func newPermissions(string) (permissions, error) { return permissions{}, nil }
func kernelGuards() (confinement, error)         { return confinement{}, nil }

func (c confinement) fallbacks() []confinement      { return []confinement{c} }
func (confinement) canLimit() bool                  { return false }
func (confinement) guards() []video.ActiveGuard     { return nil }
func (confinement) prepare(*exec.Cmd)               {}
func (confinement) enter(permissions, string) error { return nil }
func (confinement) limit(int, limits) error         { return nil }

func addressSpace(int) (func() int64, io.Closer) { return func() int64 { return 0 }, io.NopCloser(nil) }

func onOwnThread(f func()) { go f() }
