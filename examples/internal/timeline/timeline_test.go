package timeline

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSVG: well-formed, at one scale, and all of it within the drawing.
func TestSVG(t *testing.T) {
	s := Stretch{10 * time.Second, 18 * time.Second, 0, 10 * time.Second}
	drawn := string(Line{Query: 30 * time.Second, Known: 10 * time.Second, Found: []Stretch{s}, Expected: []Stretch{s}}.SVG())
	counts := make(map[string]int)
	d := xml.NewDecoder(strings.NewReader(drawn))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		value := make(map[string]string)
		for _, a := range start.Attr {
			value[a.Name.Local] = a.Value
		}
		counts[start.Name.Local+" "+value["class"]]++
		if start.Name.Local != "rect" {
			continue
		}
		x, err := strconv.ParseFloat(value["x"], 64)
		require.NoError(t, err)
		w, err := strconv.ParseFloat(value["width"], 64)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, x, float64(left))
		assert.LessOrEqual(t, x+w, float64(right)+0.1)
		if value["class"] == "seg" && value["y"] == strconv.Itoa(queryY) {
			assert.InDelta(t, left+(right-left)/3.0, x, 0.1, "a third of the upload")
		}
	}
	assert.Equal(t, 2, counts["rect bar"])
	assert.Equal(t, 2, counts["rect seg"])
	assert.Equal(t, 1, counts["path band"])
	assert.Equal(t, 1, counts["path want"])
	assert.Contains(t, drawn, "0:10.0 to 0:18.0 of the upload is 0:00.0 to 0:10.0 of the known video, 1.25 times as fast")

	drawn = string(Line{}.SVG())
	assert.Contains(t, drawn, "nothing of the upload agrees")
	assert.NotContains(t, drawn, "NaN")
	assert.Contains(t, string(Line{Found: []Stretch{s}, Weak: true}.SVG()), `class="found weak"`)
}
