package jpegluma_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rematch-go/rematch/video/internal/jpegluma"
)

// TestFold holds the weights to the definition: means of boxes along the columns and the rows,
// twice, and the middle of each of 64 x 64 parts; of the whole picture and of parts of
// it that begin anywhere, in every direction. At scales 2 and 4 the picture
// has nothing finer than they keep, so that the samples are the same but for
// their rounding; at scale 8 the slopes within a block are lost.
func TestFold(t *testing.T) {
	const w, h = 301, 245
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := 120 + 60*math.Sin(float64(x)/61+1)*math.Cos(float64(y)/47) + float64(x+y)/9
			m.Pix[y*m.Stride+x] = uint8(v)
		}
	}
	var file bytes.Buffer
	require.NoError(t, jpeg.Encode(&file, m, &jpeg.Options{Quality: 100}))
	exact, err := jpegluma.Decode(file.Bytes(), jpegluma.Options{Scale: 1})
	require.NoError(t, err)
	for _, area := range []image.Rectangle{
		image.Rect(0, 0, w, h), image.Rect(13, 7, 290, 230), image.Rect(100, 3, 164, 67), image.Rect(0, 0, 5, 6), image.Rect(240, 60, w, h), image.Rect(7, 8, 8, 9),
	} {
		for _, mirrored := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			want := samples(exact, area, mirrored[0], mirrored[1])
			for scale, tolerance := range map[int]float64{1: 0.001, 2: 3, 4: 3, 8: 6} {
				p, err := jpegluma.Decode(file.Bytes(), jpegluma.Options{Scale: scale})
				require.NoError(t, err)
				var got [jpegluma.Side][jpegluma.Side]float32
				p.Fold(&got, area, mirrored[0], mirrored[1])
				for y := range want {
					for x := range want[y] {
						require.InDelta(t, want[y][x], got[y][x], tolerance, "%v, mirrored %v, scale %d: sample %d,%d", area, mirrored, scale, x, y)
					}
				}
			}
		}
	}
}

// samples filters a part of a plane of scale 1 by the definition.
func samples(p *jpegluma.Plane, area image.Rectangle, mirrorX, mirrorY bool) (out [64][64]float64) {
	w, h := area.Dx(), area.Dy()
	a := make([]float64, w*h)
	for y := range h {
		for x := range w {
			sx, sy := area.Min.X+x, area.Min.Y+y
			if mirrorX {
				sx = area.Max.X - 1 - x
			}
			if mirrorY {
				sy = area.Max.Y - 1 - y
			}
			a[y*w+x] = float64(p.Luma[sy*p.Stride+sx])
		}
	}
	for range 2 {
		a = means(a, w, h, (w+127)/128, (h+127)/128)
	}
	for i := range out {
		for j := range out[i] {
			out[i][j] = a[(2*i+1)*h/128*w+(2*j+1)*w/128]
		}
	}
	return out
}

// means replaces each value by the mean of the box of bw x bh around it, as much of it as
// is within the picture.
func means(a []float64, w, h, bw, bh int) []float64 {
	out := make([]float64, len(a))
	for y := range h {
		for x := range w {
			sum, n := 0.0, 0.0
			for v := max(0, y+(bh+2)/2-bh); v < min(h, y+(bh+2)/2); v++ {
				for u := max(0, x+(bw+2)/2-bw); u < min(w, x+(bw+2)/2); u++ {
					sum, n = sum+a[v*w+u], n+1
				}
			}
			out[y*w+x] = sum / n
		}
	}
	return out
}
