package clips

import (
	"fmt"
	"strings"
)

// All returns every transform, in the order of the tables.
func All() []Transform {
	var all []Transform
	add := func(family, name string, plan func(*planner) bool) {
		all = append(all, Transform{Family: family, Name: name, plan: plan})
	}
	needs := func(encoder string) { all[len(all)-1].Encoder = encoder }

	add("re-encoded", "remux", remux)
	add("re-encoded", "h264 crf 23", encoded("", h264...))
	add("re-encoded", "h264 crf 35", encoded("", "-c:v", "libx264", "-preset", "veryfast", "-crf", "35"))
	for _, crf := range []string{"33", "50"} {
		add("re-encoded", "vp9 crf "+crf, encoded("webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0", "-crf", crf))
		needs("libvpx-vp9")
	}
	for _, crf := range []string{"28", "38"} {
		add("re-encoded", "hevc crf "+crf, encoded("mp4", "-c:v", "libx265", "-preset", "ultrafast", "-crf", crf, "-x265-params", "log-level=error:pools=1:frame-threads=1"))
		needs("libx265")
	}
	for _, lines := range []int{480, 240, 144} {
		add("size", fmt.Sprintf("%dp", lines), lined(lines))
	}
	for _, rate := range []int{10, 15, 24, 60} {
		add("frame rate", fmt.Sprintf("%d fps", rate), filtered(fmt.Sprintf("fps=%d", rate)))
	}
	add("frame rate", "frame drops", filtered(`select=not(eq(mod(n\,7)\,2)+eq(mod(n\,7)\,3)+eq(mod(n\,5)\,4))`))
	add("border", "letterbox", filtered("pad=iw:ih*1.35:0:(oh-ih)/2"))
	add("border", "pillarbox", filtered("pad=iw*1.6:ih:(ow-iw)/2:0"))
	add("border", "blurred sides", blurredSides)
	add("orientation", "mirror", filtered("hflip"))
	add("orientation", "90 degrees", filtered("transpose=1"))
	add("overlay", "logo small", logo(0.12))
	add("overlay", "logo medium", logo(0.25))
	add("overlay", "logo large", logo(0.5))
	add("overlay", "scrolling text", scrollingText)
	for _, percent := range []float64{5, 10, 20} {
		keep := 1 - percent/100
		add("crop", fmt.Sprintf("crop %g%%", percent), filtered(fmt.Sprintf("crop=iw*%.2f:ih*%.2f", keep, keep)))
	}
	add("picture in picture", "picture in picture 70%", inPicture(0.7))
	add("picture in picture", "picture in picture 50%", inPicture(0.5))
	add("tone", "grey", filtered("hue=s=0"))
	add("tone", "sepia", filtered("colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131"))
	add("tone", "gamma 0.6", filtered("eq=gamma=0.6"))
	add("tone", "gamma 1.6", filtered("eq=gamma=1.6"))
	add("tone", "noise", filtered("noise=alls=25:allf=t:all_seed=7"))
	for _, speed := range []float64{0.8, 0.9, 1.1, 1.25} {
		add("speed", fmt.Sprintf("speed %g", speed), sped(speed))
	}
	add("time", "trim at random", trimmed)
	add("time", "middle third", middleThird)
	add("time", "5 s in something longer", within(5))
	add("time", "10 s in something longer", within(10))
	add("time", "loop", loop)
	add("time", "concatenation of three", concatenation)
	add("time", "intro and outro", introOutro)
	add("recorded", "gif", gif)
	add("recorded", "screen re-recorded", recorded)
	return all
}

// remux changes the container alone.
func remux(p *planner) bool {
	p.clip()
	p.ext = "mkv"
	p.made.output = []string{"-c", "copy"}
	p.whole(0, 1)
	return true
}

// encoded is the clip at its upload's size by an encoder; ext may be empty for mp4.
func encoded(ext string, codec ...string) func(*planner) bool {
	return func(p *planner) bool {
		if ext != "" {
			p.ext = ext
		}
		p.made.output = codec
		return filtered("null")(p)
	}
}

// filtered is the whole clip through filters that keep its times.
func filtered(filters string) func(*planner) bool {
	return func(p *planner) bool {
		p.made.filter = p.clip() + p.base() + "," + filters + finish + "[v]"
		p.whole(0, 1)
		return true
	}
}

// lined has so many lines on its shorter side, from the clip's own size.
func lined(lines int) func(*planner) bool {
	return func(p *planner) bool {
		scale := fmt.Sprintf("scale=-2:%d", lines)
		if p.Clip.Width < p.Clip.Height {
			scale = fmt.Sprintf("scale=%d:-2", lines)
		}
		p.made.filter = p.clip() + "setpts=PTS-STARTPTS," + scale + finish + "[v]"
		p.whole(0, 1)
		return true
	}
}

// blurredSides puts the clip before itself, widened and blurred, on a canvas that is
// longer along the clip's shorter side.
func blurredSides(p *planner) bool {
	w, h := p.width, even(p.height*8/5)
	if p.width < p.height {
		w, h = even(p.width*8/5), p.height
	}
	p.made.filter = fmt.Sprintf("%s%s,split[f][b];[b]scale=%d:%d:force_original_aspect_ratio=increase,crop=%d:%d,boxblur=18:2[s];[s][f]overlay=(W-w)/2:(H-h)/2%s[v]",
		p.clip(), p.base(), w, h, w, h, finish)
	p.whole(0, 1)
	return true
}

// logo covers the lower right corner: share is its part of the width and of the height.
func logo(share float64) func(*planner) bool {
	return func(p *planner) bool {
		clip, art := p.clip(), p.still(p.Art.Logo, p.Clip.seconds())
		p.made.filter = fmt.Sprintf("%s%s[c];%sscale=%d:%d[l];[c][l]overlay=W-w-W*0.03:H-h-H*0.03:shortest=1%s[v]",
			clip, p.base(), art, even(int(share*float64(p.width))), even(int(share*float64(p.height))), finish)
		p.whole(0, 1)
		return true
	}
}

// still is an input of a picture that stands for a time.
func (p *planner) still(art Clip, length float64) string {
	return p.add(art, "-loop", "1", "-framerate", "25", "-t", secs(length+1))
}

// scrollingText runs a line along the lower edge, a tenth of the height.
func scrollingText(p *planner) bool {
	clip, art := p.clip(), p.still(p.Art.Text, p.Clip.seconds())
	p.made.filter = fmt.Sprintf("%s%s[c];%sscale=-1:%d[l];[c][l]overlay=x='W/2-mod(W*0.2*t\\,w)':y=H-h-H*0.04:shortest=1%s[v]",
		clip, p.base(), art, max(8, p.height/10), finish)
	p.whole(0, 1)
	return true
}

// inPicture shows the clip in front of another video; share is its part of the width and
// of the height.
func inPicture(share float64) func(*planner) bool {
	return func(p *planner) bool {
		x, y := p.Rand.Float64(), p.Rand.Float64()
		clip, host := p.clip(), p.hostPart(p.host(), p.Clip.seconds()+1)
		p.made.filter = fmt.Sprintf("%s%s,scale=%d:%d[c];%s%s[h];[h][c]overlay=(W-w)*%.3f:(H-h)*%.3f:shortest=1%s[v]",
			clip, p.own(), even(int(share*float64(p.width))), even(int(share*float64(p.height))), host, p.fill(), x, y, finish)
		p.whole(0, 1)
		return true
	}
}

func sped(speed float64) func(*planner) bool {
	return func(p *planner) bool {
		p.made.filter = fmt.Sprintf("%s%s,setpts=PTS/%g,fps=25%s[v]", p.clip(), p.base(), speed, finish)
		p.whole(0, speed)
		return true
	}
}

// part expects a stretch of the clip, in seconds, from a time of the upload on.
func (p *planner) part(at, from, to float64) {
	p.made.Expect = append(p.made.Expect, Stretch{dur(at), dur(at + to - from), dur(from), dur(to)})
}

func cut(from, to float64) string {
	return fmt.Sprintf("trim=%s:%s,setpts=PTS-STARTPTS", secs(from), secs(to))
}

// trimmed loses up to a quarter at either end, at a random phase.
func trimmed(p *planner) bool {
	l := p.Clip.seconds()
	from, to := l*0.25*p.Rand.Float64(), l-l*0.25*p.Rand.Float64()
	p.made.filter = p.clip() + p.base() + "," + cut(from, to) + finish + "[v]"
	p.part(0, from, to)
	return true
}

// shortestPart is how long, in seconds, what is cut out must at least be.
const shortestPart = 1.5

func middleThird(p *planner) bool {
	l := p.Clip.seconds()
	if l/3 < shortestPart {
		return false
	}
	p.made.filter = p.clip() + p.base() + "," + cut(l/3, 2*l/3) + finish + "[v]"
	p.part(0, l/3, 2*l/3)
	return true
}

// within puts a part of the clip, or a clip that is up to a fifth shorter, into an
// unrelated video.
func within(length float64) func(*planner) bool {
	return func(p *planner) bool {
		l := p.Clip.seconds()
		if l < 0.8*length {
			return false
		}
		take := min(l, length)
		from := (l - take) * p.Rand.Float64()
		before, after := 4+6*p.Rand.Float64(), 4+6*p.Rand.Float64()
		h := p.host()
		clip, first, last := p.clip(), p.hostPart(h, before), p.hostPart(h, before+after)
		p.made.filter = fmt.Sprintf("%s%s,%s[c];%s%s,%s[a];%s%s,%s[b];[a][c][b]concat=n=3:v=1:a=0%s[v]",
			clip, p.own(), cut(from, from+take), first, p.fill(), cut(0, before), last, p.fill(), cut(before, before+after), finish)
		p.part(before, from, from+take)
		return true
	}
}

func loop(p *planner) bool {
	const times = 3
	var graph, joined strings.Builder
	l := p.Clip.seconds()
	for i := range times {
		fmt.Fprintf(&graph, "%s%s,%s[l%d];", p.clip(), p.own(), cut(0, l), i)
		fmt.Fprintf(&joined, "[l%d]", i)
		p.part(float64(i)*l, 0, l)
	}
	p.made.filter = fmt.Sprintf("%s%sconcat=n=%d:v=1:a=0%s[v]", &graph, &joined, times, finish)
	return true
}

// concatenation puts the clip together with two other known ones, of which at most 8 s,
// or with unrelated videos where there are no others.
func concatenation(p *planner) bool {
	const others, most = 2, 8
	at := p.Rand.IntN(others + 1)
	chosen := p.Rand.Perm(len(p.Others))
	var graph, joined strings.Builder
	time := 0.0
	for i, k := 0, 0; i <= others; i++ {
		var length float64
		switch {
		case i == at:
			length = p.Clip.seconds()
			fmt.Fprintf(&graph, "%s%s,%s[p%d];", p.clip(), p.own(), cut(0, length), i)
			p.part(time, 0, length)
		case k < len(chosen):
			other := p.Others[chosen[k]]
			length = min(other.seconds(), most)
			fmt.Fprintf(&graph, "%s%s,%s[p%d];", p.add(other, "-t", secs(length)), p.fill(), cut(0, length), i)
			p.made.Also = append(p.made.Also, chosen[k])
			k++
		default:
			length = most
			fmt.Fprintf(&graph, "%s%s,%s[p%d];", p.hostPart(p.host(), length), p.fill(), cut(0, length), i)
		}
		fmt.Fprintf(&joined, "[p%d]", i)
		time += length
	}
	p.made.filter = fmt.Sprintf("%s%sconcat=n=%d:v=1:a=0%s[v]", &graph, &joined, others+1, finish)
	return true
}

// introOutro puts a title card that fades in before the clip, and one after it.
func introOutro(p *planner) bool {
	const intro, outro = 3, 2
	l := p.Clip.seconds()
	clip, first, last := p.clip(), p.still(p.Art.Card, intro), p.still(p.Art.Card, outro)
	p.made.filter = fmt.Sprintf("%s%s,%s[c];%s%s,fade=in:0:15,%s[a];%s%s,hflip,fade=out:25:25,%s[b];[a][c][b]concat=n=3:v=1:a=0%s[v]",
		clip, p.own(), cut(0, l), first, p.fill(), cut(0, intro), last, p.fill(), cut(0, outro), finish)
	p.part(intro, 0, l)
	return true
}

func gif(p *planner) bool {
	p.ext = "gif"
	p.made.output = []string{"-c:v", "gif", "-loop", "0"}
	p.made.filter = fmt.Sprintf("%s%s,fps=10,scale=%d:-2:flags=lanczos,split[a][b];[a]palettegen=stats_mode=diff[p];[b][p]paletteuse=dither=bayer[v]",
		p.clip(), p.base(), min(p.width, 320))
	p.whole(0, 1)
	return true
}

// recorded imitates a telephone held before a screen: keystone, softness, raised blacks,
// noise and its own frame rate.
func recorded(p *planner) bool {
	off := func() float64 { return 0.01 + 0.03*p.Rand.Float64() }
	p.made.filter = fmt.Sprintf("%s%s,perspective=x0=%.3f*W:y0=%.3f*H:x1=W-%.3f*W:y1=%.3f*H:x2=%.3f*W:y2=H-%.3f*H:x3=W-%.3f*W:y3=H-%.3f*H:sense=source,gblur=sigma=1.5,eq=contrast=0.85:brightness=0.06:saturation=0.8,noise=alls=8:allf=t:all_seed=7,fps=30%s[v]",
		p.clip(), p.base(), off(), off(), off(), off(), off(), off(), off(), off(), finish)
	p.whole(0, 1)
	return true
}
