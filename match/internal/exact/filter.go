package exact

import "github.com/bits-and-blooms/bloom/v3"

const (
	// A filter has filterBits/1000 bits a key and sets filterHashes of them for each: the
	// best there is for one false positive in a thousand, ln(1000)/ln(2)^2 and ln(2) times
	// that, rounded up. Both are whole numbers here so that every processor comes to the
	// same size.
	filterBits   = 14378
	filterHashes = 10
)

// filterWords returns the size of the filter of n keys in words of 64 bits. It is what
// makes a filter: no file is asked.
func filterWords(n int) int {
	return int(max(1, (int64(n)*filterBits+64_000-1)/64_000))
}

// newFilter returns a filter over words, as many as filterWords says.
func newFilter(words []uint64) *bloom.BloomFilter { return bloom.From(words, filterHashes) }

// filterOf returns the filter of keys of size bytes.
func filterOf(size int, keys []byte) *bloom.BloomFilter {
	f := newFilter(make([]uint64, filterWords(len(keys)/size)))
	for i := 0; i < len(keys); i += size {
		f.Add(keys[i : i+size])
	}
	return f
}
