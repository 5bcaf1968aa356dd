//go:build !amd64 || purego

package tent

const vectors = false

// Where there are no kernels for the processor, nothing calls these.

func prefixAVX2(*uint16, *uint8, int) {}

func meansAVX2(*float32, *uint16, *uint16, int, float32, float32) {}

func slideAVX2(_, _, _, _ *float32, _ int, _, _ float32) {}

func transposeAVX2(*float32, int, *float32, int, int) {}

func alongAVX2(_, _ *float32, _ *int32, _ int, _, _ float32) {}

func boxAVX2(_, _ *float32, _, _ int, _, _ float32) {}

func stepsAVX2(*Plane) int64 { return 0 }

func moveAVX2(*uint64, int, *uint8, *uint8, int) {}

func addAVX2(_, _, _ *uint64, _, _ int) uint64 { return 0 }

func fourAVX2(_, _ *uint64, _ int) {}

func tentAVX2(_, _, _ *uint64, _ int) uint64 { return 0 }

func fillAVX2(*float32, *uint64, *int32, int, float32, float32, float32) {}
