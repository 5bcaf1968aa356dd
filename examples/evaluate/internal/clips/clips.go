// Package clips makes of known videos what comes back as uploads: re-encoded, cropped,
// cut, put into something longer. The ffmpeg of the machine does the work; this package
// writes its command lines and says which stretch of the upload is which of the known clip.
package clips

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Clip is a video file that uploads are made from, or that is put beside others.
type Clip struct {
	Path          string
	Sum           string        // of its content, in hex: what is made of it is named by it
	Width, Height int           // as shown
	Length        time.Duration // of what is used of it, from its start
}

// seconds of the clip that are used.
func (c Clip) seconds() float64 { return c.Length.Seconds() }

// Stretch is a part of an upload that is a part of the known clip. Ends are exclusive.
type Stretch struct{ QueryFrom, QueryTo, KnownFrom, KnownTo time.Duration }

// Cast is what a transform makes an upload of.
type Cast struct {
	Clip    Clip
	Others  []Clip // known clips beside it; their numbers are what Job.Also names
	Hosts   []Clip // unrelated videos, at least one
	Art     Art
	MaxSide int // of the upload's picture before it is framed, in pixels
	Rand    *rand.Rand
}

// Transform is one way to make an upload.
type Transform struct {
	Family, Name string
	Encoder      string // of ffmpeg, that it needs beside libx264; empty: none
	plan         func(*planner) bool
}

// Plan says how an upload is made of a cast; false when the clip is too short for it.
// The same cast with the same state of Rand gives the same job.
func (t Transform) Plan(c Cast) (Job, bool) {
	p := newPlanner(c)
	if !t.plan(p) {
		return Job{}, false
	}
	return p.job(t.Name), true
}

// Job is an ffmpeg command line, and what is to be found in its output.
type Job struct {
	Name   string // of the output, without a folder: it depends on all that the output does
	Expect []Stretch
	Also   []int // of Cast.Others, that are in the upload as well
	inputs []input
	filter string
	output []string
}

type input struct {
	options   []string
	path, sum string // a lavfi source has no sum
}

// Args is the command line, with the file to write.
func (j Job) Args(out string) []string {
	args := []string{"-nostdin", "-hide_banner", "-loglevel", "error", "-y"}
	for _, in := range j.inputs {
		args = append(args, in.options...)
		path := in.path
		if in.sum != "" {
			path = "file:" + path
		}
		args = append(args, "-i", path)
	}
	if j.filter != "" {
		args = append(args, "-filter_threads", "1", "-filter_complex_threads", "1", "-filter_complex", j.filter, "-map", "[v]")
	} else {
		args = append(args, "-map", "0:v:0")
	}
	args = append(args, j.output...)
	return append(args, "file:"+out)
}

// planner collects a job.
type planner struct {
	Cast
	width, height int // of the upload's picture before it is framed: even
	made          Job
	ext           string
}

func newPlanner(c Cast) *planner {
	w, h := c.Clip.Width, c.Clip.Height
	if long := max(w, h); long > c.MaxSide {
		w, h = w*c.MaxSide/long, h*c.MaxSide/long
	}
	return &planner{Cast: c, width: even(w), height: even(h), ext: "mp4"}
}

func even(n int) int { return max(2, n/2*2) }

// h264 is how uploads are encoded unless the encoding is what is measured.
var h264 = []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "23"}

// finish is the end of every graph: what encoders of 4:2:0 accept.
const finish = ",scale=trunc(iw/2)*2:trunc(ih/2)*2,setsar=1,format=yuv420p"

func (p *planner) job(name string) Job {
	j := p.made
	if j.output == nil {
		j.output = h264
	}
	j.output = append([]string{"-an", "-sn", "-dn", "-map_metadata", "-1"}, j.output...)
	j.output = append(j.output, "-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact")
	h := sha256.New()
	for _, in := range j.inputs {
		id := in.sum
		if id == "" {
			id = in.path
		}
		fmt.Fprintf(h, "%q %s\n", in.options, id)
	}
	fmt.Fprintf(h, "%s %q", j.filter, j.output)
	j.Name = fmt.Sprintf("%.8s-%s-%s.%s", p.Clip.Sum, strings.NewReplacer(" ", "-", ".", "_", "%", "").Replace(name), hex.EncodeToString(h.Sum(nil)[:5]), p.ext)
	return j
}

// add makes a file an input and returns its label in the graph.
func (p *planner) add(c Clip, options ...string) string {
	p.made.inputs = append(p.made.inputs, input{options, c.Path, c.Sum})
	return fmt.Sprintf("[%d:v]", len(p.made.inputs)-1)
}

// source makes one of ffmpeg's generators an input.
func (p *planner) source(graph string) string {
	p.made.inputs = append(p.made.inputs, input{[]string{"-f", "lavfi"}, graph, ""})
	return fmt.Sprintf("[%d:v]", len(p.made.inputs)-1)
}

// clip makes the known clip, or what is used of it, an input.
func (p *planner) clip() string { return p.add(p.Clip, "-t", secs(p.Clip.seconds())) }

// base brings the known clip to the upload's size, with times from 0.
func (p *planner) base() string {
	return fmt.Sprintf("setpts=PTS-STARTPTS,scale=%d:%d,setsar=1", p.width, p.height)
}

// fill brings any video to the same size and 25 frames a second.
func (p *planner) fill() string {
	return fmt.Sprintf("setpts=PTS-STARTPTS,fps=25,scale=%d:%d:force_original_aspect_ratio=increase,crop=%d:%d,setsar=1,format=yuv420p", p.width, p.height, p.width, p.height)
}

// own brings the known clip to the upload's size and 25 frames a second.
func (p *planner) own() string { return p.base() + ",fps=25,format=yuv420p" }

// whole expects all of the clip, from a time of the upload on.
func (p *planner) whole(at time.Duration, speed float64) {
	to := at + time.Duration(float64(p.Clip.Length)/speed)
	p.made.Expect = append(p.made.Expect, Stretch{at, to, 0, p.Clip.Length})
}

// host picks an unrelated video.
func (p *planner) host() Clip { return p.Hosts[p.Rand.IntN(len(p.Hosts))] }

// hostPart is an input of an unrelated video, looped if it is short.
func (p *planner) hostPart(h Clip, length float64) string {
	return p.add(h, "-stream_loop", "-1", "-t", secs(length))
}

func secs(s float64) string { return fmt.Sprintf("%.3f", s) }

func dur(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}
