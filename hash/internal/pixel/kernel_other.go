//go:build !amd64 || purego

package pixel

const vectors = false

// Where there is no kernel for the processor, nothing calls it.

func lumaAVX2(*float32, *uint8, int) uint32 { return 0 }
