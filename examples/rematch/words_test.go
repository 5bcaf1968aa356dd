package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

func TestTransformWords(t *testing.T) {
	for _, c := range []struct {
		tokens []string
		want   string
	}{
		{nil, ""},
		{[]string{"border"}, "with its border removed"},
		{[]string{"inner", "flipy"}, "cut out of what surrounds it and mirrored left to right"},
		{[]string{"panel:2/4", "rot180"}, "only panel 2 of the 4 found side by side in it and turned upside down"},
		{[]string{"panel:"}, "panel:"},
		{[]string{"crop:10,0,90,100"}, "without 10 % at the left"},
		{[]string{"border", "crop:5,4,90,93"}, "with its border removed and without 5 % at the left, 4 % at the top, 5 % at the right and 3 % at the bottom"},
		{[]string{"crop:0,0,100,100"}, "crop:0,0,100,100"},
		{[]string{"deskew"}, "deskew"},
	} {
		assert.Equal(t, c.want, transformWords(c.tokens))
	}
}

func TestEvidenceNamesTheCropOfTheKnown(t *testing.T) {
	m := match.Match{Entry: match.Entry{ID: "a.jpg"}, Evidence: match.Evidence{
		Kind: hash.PDQ, Distance: 12, Threshold: 31, KnownTransform: []string{"crop:0,0,80,80"},
	}}
	assert.Equal(t, []string{"The upload differs from a.jpg, without 20 % at the right and 20 % at the bottom, in 12 of 256 bits (pdq); up to 31 match."}, evidenceWords(m))
	m.Evidence.Distance = 0
	assert.Equal(t, []string{"The upload has the same pdq hash as a.jpg, without 20 % at the right and 20 % at the bottom."}, evidenceWords(m))
}
