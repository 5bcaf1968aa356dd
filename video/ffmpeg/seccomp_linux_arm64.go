package ffmpeg

import "golang.org/x/sys/unix"

const nativeArch = unix.AUDIT_ARCH_AARCH64

var nativeForbidden = []uint32{unix.SYS_LOOKUP_DCOOKIE}
