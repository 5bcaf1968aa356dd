package clips

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func cast(seed uint64, length time.Duration) Cast {
	clip := Clip{Path: "/media/clip.mp4", Sum: strings.Repeat("ab", 32), Width: 641, Height: 361, Length: length}
	host := Clip{Path: "/media/host.mp4", Sum: strings.Repeat("cd", 32), Width: 320, Height: 240, Length: time.Minute}
	art := Clip{Path: "/made/art.png", Sum: strings.Repeat("ef", 32), Width: 320, Height: 320}
	return Cast{Clip: clip, Others: []Clip{host, host}, Hosts: []Clip{host}, Art: Art{art, art, art}, MaxSide: 320, Rand: rand.New(rand.NewPCG(seed, 1))}
}

// TestPlans: what is expected lies within the clip, at the speed that the transform has;
// the same cast gives the same job, and names tell jobs apart.
func TestPlans(t *testing.T) {
	names := make(map[string]bool)
	for _, transform := range All() {
		job, ok := transform.Plan(cast(1, 12*time.Second))
		require.True(t, ok, transform.Name)
		again, _ := transform.Plan(cast(1, 12*time.Second))
		assert.Equal(t, job, again, transform.Name)
		require.NotEmpty(t, job.Expect, transform.Name)
		end := time.Duration(0)
		for _, s := range job.Expect {
			assert.GreaterOrEqual(t, s.QueryFrom, end, transform.Name)
			assert.GreaterOrEqual(t, s.KnownFrom, time.Duration(0), transform.Name)
			assert.LessOrEqual(t, s.KnownTo, 12*time.Second, transform.Name)
			assert.Greater(t, s.KnownTo-s.KnownFrom, 3*time.Second, transform.Name)
			speed := float64(s.KnownTo-s.KnownFrom) / float64(s.QueryTo-s.QueryFrom)
			want := map[string]float64{"speed 0.8": 0.8, "speed 0.9": 0.9, "speed 1.1": 1.1, "speed 1.25": 1.25}[transform.Name]
			if want == 0 {
				want = 1
			}
			assert.InDelta(t, want, speed, 0.001, transform.Name)
			end = s.QueryTo
		}
		assert.False(t, names[job.Name], job.Name)
		names[job.Name] = true
		assert.NotContains(t, job.Name, " ")
		args := job.Args("/made/out.mp4")
		assert.Equal(t, "file:/made/out.mp4", args[len(args)-1])
	}
	for _, kind := range Hards() {
		job := kind.Plan(cast(1, 12*time.Second))
		assert.False(t, names[job.Name])
		names[job.Name] = true
	}
}

// TestTooShort: what can't be cut out of a clip is not planned.
func TestTooShort(t *testing.T) {
	for _, transform := range All() {
		_, ok := transform.Plan(cast(1, 3*time.Second))
		assert.Equal(t, transform.Name != "5 s in something longer" && transform.Name != "10 s in something longer" && transform.Name != "middle third", ok, transform.Name)
	}
}
