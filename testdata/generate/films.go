package main

import "math"

// film is a video to render: its shots and its measures.
type film struct {
	w, h, rate int
	shots      []shot
}

// harbourFilm is a slow, steady pan over a lake: 640x360 at 25 frames a second.
func harbourFilm(seed uint64, seconds float64, p landPalette, back bool) film {
	const w, h = 1560, 500
	a, b := view{x: 620, y: 252, zoom: 1.3}, view{x: 920, y: 248, zoom: 1.26}
	if back {
		a, b = b, a
	}
	return film{640, 360, 25, []shot{{
		world: landscape(seed, w, h, p), seconds: seconds, surface: 330, camera: travel(seconds, 0, a, b),
		actors: []actor{
			gulls(seed, pt{500, 90}, 42, -3, 9),
			sailor(pt{340, 395}, pt{980, 405}, 12, 62, int(seed%6)),
			sailor(pt{1200, 440}, pt{700, 448}, 12, 96, int((seed+2)%6)),
		},
	}}}
}

// streetFilm is a walk with a telephone held upright: 480x640 at 30.
func streetFilm(seed uint64, seconds float64) film {
	const w, h = 1800, 920
	walk := travel(seconds, 0, view{x: 420, y: 470, zoom: 1.28}, view{x: 1330, y: 462, zoom: 1.16})
	return film{480, 640, 30, []shot{{
		world: street(seed, w, h), seconds: seconds, camera: handheld(seed, 9, walk),
		actors: []actor{
			driver(pt{1500, 800}, -150, 250, cloths[seed%9]),
			walkerBy(pt{260, 780}, 95, 170, int(seed)+4),
			walkerBy(pt{1500, 800}, -70, 180, int(seed)+31),
			driver(pt{-300, 860}, 210, 300, cloths[(seed+3)%9]),
			walkerBy(pt{980, 850}, -40, 230, int(seed)+58),
		},
	}}}
}

// placesFilm is cut from up to five places, one for each length in seconds:
// 854x480 at 24.
func placesFilm(seed uint64, lengths []float64) film {
	shots := []shot{
		{world: forest(seed, 1300, 720), camera: travel(3, 0.5, view{x: 520, y: 380, zoom: 1.15}, view{x: 760, y: 350, zoom: 0.95}),
			actors: []actor{falling(seed, 40, 1300, 720, hex(0xe0a040))}},
		{world: market(seed+1, 1300, 900), camera: travel(3, 0, view{x: 560, y: 400, zoom: 1.05, roll: -0.12}, view{x: 740, y: 500, zoom: 1.25, roll: 0.1}),
			actors: []actor{strollers(seed, 45, 1300, 900, 15)}},
		{world: painting(seed+2, 1200, 840), camera: travel(3, 0.7, view{x: 600, y: 420, zoom: 1.35}, view{x: 560, y: 360, zoom: 0.85})},
		{world: street(seed+3, 1500, 640), camera: handheld(seed, 6, travel(3, 0, view{x: 1000, y: 350, zoom: 1.15}, view{x: 620, y: 350, zoom: 1.1})),
			actors: []actor{driver(pt{200, 560}, 190, 190, hex(0xc0392b)), walkerBy(pt{1000, 590}, -60, 140, int(seed))}},
		{world: landscape(seed+4, 1500, 640, noon), surface: 430, camera: travel(3, 0.3, view{x: 560, y: 330, zoom: 1.2}, view{x: 900, y: 310, zoom: 1.05}),
			actors: []actor{gulls(seed, pt{700, 120}, -60, 5, 11), sailor(pt{500, 520}, pt{900, 500}, 4, 80, 1)}},
	}
	shots = shots[:len(lengths)]
	for i := range shots {
		shots[i].seconds = lengths[i]
		if i%2 == 1 { // so that films of different seeds move differently too
			shots[i].camera = drift(shots[i].camera, seed)
		}
	}
	return film{854, 480, 24, shots}
}

func drift(still func(float64) view, seed uint64) func(float64) view {
	return func(t float64) view {
		v := still(t)
		v.x += 14 * math.Sin(t*1.1+float64(seed%7))
		v.y += 8 * math.Sin(t*0.8+float64(seed%5))
		return v
	}
}
