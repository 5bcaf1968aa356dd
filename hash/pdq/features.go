package pdq

import "image"

// Features fills dst with what the hash of m is made of: its 256 frequencies, [vertical x 16 +
// horizontal], each counted from 1. The hash's bits say which of them lie above their
// median. Package tmk adds them up over a video. It reports false, and leaves dst as it is, for
// pictures without a hash.
//
// The numbers are those of the reference (pdqFloat256FromFloatLuma), which applies no
// filter to a picture of 64 x 64 pixels.
func (h *Hasher) Features(dst *[order * order]float32, m image.Image) bool {
	if _, ok := h.shrinkImage(m); !ok {
		return false
	}
	h.dct.compute(&h.small)
	for i := range h.dct.full {
		copy(dst[i*order:], h.dct.full[i][:])
	}
	return true
}
