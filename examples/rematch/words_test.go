package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
		{[]string{"deskew"}, "deskew"},
	} {
		assert.Equal(t, c.want, transformWords(c.tokens))
	}
}
