//go:build !amd64 && !arm64

package ffmpeg

import "errors"

// haveSeccomp: the filter's numbers are those of amd64 and arm64.
const haveSeccomp = false

func seccomp(uint32) error { return errors.ErrUnsupported }
