package generic

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Bank files carry what Plain says: another processor, or a change here, must not say something
// else unnoticed. After a change build bank files again.
func TestPlainIsTheSameEverywhere(t *testing.T) {
	sum := sha256.New()
	for _, p := range ofPDQ() {
		sum.Write(p.Value.AppendBytes(nil))
	}
	assert.Equal(t, "3f8daa7bd78ba06781967f1c16bc25707823472040a10ace6669cbfe22741114", hex.EncodeToString(sum.Sum(nil)))
}
