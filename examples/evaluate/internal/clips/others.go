package clips

import (
	"fmt"
	"math/rand/v2"
)

// Cut is a distractor: a stretch of an unrelated video, encoded as uploads are.
func Cut(c Clip, from, length float64, maxSide int) Job {
	p := newPlanner(Cast{Clip: c, MaxSide: maxSide})
	p.made.filter = p.add(c, "-ss", secs(from), "-t", secs(length)) + p.base() + ",fps=25" + finish + "[v]"
	return p.job("cut")
}

// Hard is a kind of videos that have something in common and are not copies of each
// other.
type Hard struct {
	Name string
	plan func(p *planner, r *rand.Rand)
}

// Plan makes one video of the kind from the casts' clip and hosts.
func (h Hard) Plan(c Cast) Job {
	// All videos of a kind are of one size: an intro is the same file.
	p := newPlanner(c)
	p.width, p.height = 640, 360
	h.plan(p, c.Rand)
	return p.job("hard " + h.Name)
}

// hardPart is how long, in seconds, what differs is.
const hardPart = 6

// Hards are the kinds of hard negatives.
func Hards() []Hard {
	return []Hard{
		{"same intro", func(p *planner, _ *rand.Rand) {
			card, clip := p.still(p.Art.Card, 3), p.hostPart(p.Clip, hardPart)
			p.made.filter = fmt.Sprintf("%s%s,fade=in:0:15,%s[a];%s%s[b];[a][b]concat=n=2:v=1:a=0%s[v]", card, p.fill(), cut(0, 3), clip, p.fill(), finish)
		}},
		{"same title card", func(p *planner, _ *rand.Rand) {
			first, card, last := p.hostPart(p.Clip, hardPart/2), p.still(p.Art.Card, 2), p.hostPart(p.Clip, hardPart)
			p.made.filter = fmt.Sprintf("%s%s[a];%s%s,%s[b];%s%s,%s[c];[a][b][c]concat=n=3:v=1:a=0%s[v]",
				first, p.fill(), card, p.fill(), cut(0, 2), last, p.fill(), cut(hardPart/2, hardPart), finish)
		}},
		{"same logo", func(p *planner, _ *rand.Rand) {
			clip, art := p.hostPart(p.Clip, hardPart), p.still(p.Art.Logo, hardPart)
			p.made.filter = fmt.Sprintf("%s%s[a];%sscale=160:90[l];[a][l]overlay=W-w-20:H-h-12:shortest=1%s[v]", clip, p.fill(), art, finish)
		}},
		{"same wall", func(p *planner, _ *rand.Rand) {
			wall, speaker := p.still(p.Art.Card, hardPart), p.hostPart(p.Clip, hardPart)
			p.made.filter = fmt.Sprintf("%s%s,boxblur=12:1[w];%s%s,scale=320:240[s];[w][s]overlay=160:120:shortest=1%s[v]", wall, p.fill(), speaker, p.fill(), finish)
		}},
		{"test card", func(p *planner, _ *rand.Rand) {
			card, clip := p.source("testsrc2=s=640x360:r=25:d=4"), p.hostPart(p.Clip, hardPart)
			p.made.filter = fmt.Sprintf("%sformat=yuv420p,setsar=1[a];%s%s[b];[a][b]concat=n=2:v=1:a=0%s[v]", card, clip, p.fill(), finish)
		}},
		{"black", func(p *planner, _ *rand.Rand) {
			card, clip := p.source("color=black:s=640x360:r=25:d=4"), p.hostPart(p.Clip, hardPart)
			p.made.filter = fmt.Sprintf("%sformat=yuv420p,setsar=1[a];%s%s[b];[a][b]concat=n=2:v=1:a=0%s[v]", card, clip, p.fill(), finish)
		}},
	}
}

// Begin is the beginning of a longer video, as it is encoded.
func Begin(c Clip) Job {
	p := newPlanner(Cast{Clip: c, MaxSide: 2})
	p.add(c, "-t", secs(c.seconds()))
	p.ext = "mkv"
	p.made.output = []string{"-c", "copy"}
	return p.job("begin")
}
