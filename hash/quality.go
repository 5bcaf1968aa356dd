package hash

import "strconv"

// Quality says how much there is in a picture to hash: 0 (flat) to 100. A hash
// below 50 says little about its picture and is not judged by default.
type Quality uint8

// Unmeasured is the quality of hashes that come from lists, which rarely tell
// it. It passes every gate.
const Unmeasured Quality = 255

// DefaultGate is the lowest quality that is judged unless told otherwise:
// QUALITY_THRESHOLD of python-threatexchange, pdq/README.md.
const DefaultGate Quality = 50

// Passes reports whether a hash of quality q may be judged at the given gate
// (inclusive).
func (q Quality) Passes(gate Quality) bool { return q == Unmeasured || q >= gate }

// String returns the number, or "unmeasured".
func (q Quality) String() string {
	if q == Unmeasured {
		return "unmeasured"
	}
	return strconv.Itoa(int(q))
}
