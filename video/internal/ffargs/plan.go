package ffargs

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/video"
)

// maxAt is the longest list of Sampling.At.
const maxAt = 64

// runUp is how much earlier a seek begins in containers that have no index of key
// frames: ffmpeg finds a place near the wanted one, and decodes from the next key frame.
const runUp = 10 * time.Second

// indexed are the demuxers that seek to the key frame before.
var indexed = []string{"mov", "matroska", "avi"}

// gridSlack is how much before a wanted time a frame may lie and still count as
// being at it: containers and ffmpeg's own arithmetic round times to a microsecond.
const gridSlack = 500 * time.Nanosecond

// plan is one decoding run.
type plan struct {
	command       Command
	width, height int    // of the pictures that come out
	rgb           bool   // and what they are: RGB24, or YUV420P
	all, selected string // log names of the filters that report every and every selected frame; all may be ""
	sampling      video.Sampling
	base          time.Duration // where ffmpeg seeks to: its times count from there
	grey          bool          // pictures are one plane
}

// newPlan describes the run that decodes what r asks for. The nonce makes the
// log names of this run unguessable, so that nothing that a file makes ffmpeg log
// can pass for a report.
func newPlan(c video.Container, info video.Info, r video.Request, s Settings, nonce string) (*plan, error) {
	if err := checkSampling(r.Sampling); err != nil {
		return nil, err
	}
	input, err := inputOptions(c, s)
	if err != nil {
		return nil, err
	}
	p := &plan{selected: "showinfo@s" + nonce, sampling: r.Sampling}
	p.width, p.height = fit(info.Width, info.Height, r.MaxSide)
	p.grey = r.Luma
	scaler, format := "area", "yuv420p"
	if p.grey {
		format = "gray" // the same bits as the plane Y
	}
	if r.Size != (image.Point{}) {
		// As ffmpeg's "-s" without further ado does, which is what the reference of TMK runs.
		p.width, p.height, p.rgb = r.Size.X, r.Size.Y, true
		p.grey, scaler, format = false, "bicubic", "rgb24"
	}

	for _, name := range []string{"nostdin", "nostats", "an", "sn", "dn"} {
		input[name] = ""
	}
	input["loglevel"] = "repeat+level+info" // showinfo speaks at info
	input["filter_threads"] = "1"
	// The same bits on every processor: without these, decoders of the MPEG family
	// use faster inverse transforms and half-pixel filters that differ in the last bit.
	input["flags"] = "bitexact"
	input["idct"] = "simple"
	if r.Sampling.Keys {
		input["skip_frame"] = "nokey"
	}
	if r.Unedited && c.Demuxer == "mov" {
		input["ignore_editlist"] = "1"
	}
	if c.StoredPixels {
		input["noautorotate"] = ""
	}
	// In whole seconds, so that times are rounded to the stream's ticks as they are
	// without seeking.
	p.base = r.Sampling.From.Truncate(time.Second)
	if !slices.Contains(indexed, c.Demuxer) {
		p.base = max(0, p.base-runUp)
	}
	if p.base > 0 {
		input["ss"] = seconds(p.base)
	}
	if r.Sampling.To > 0 {
		input["t"] = seconds(r.Sampling.To - p.base)
	}

	var filters []string
	if l := c.Limits.Frames; l > 0 && l < math.MaxInt32 {
		filters = append(filters, fmt.Sprintf("trim=end_frame=%d", l+1)) // one more tells that there are more
	}
	if expr := selection(r.Sampling, p.base); expr != "" {
		p.all = "showinfo@a" + nonce
		filters = append(filters, p.all+"=checksum=0", "select='"+expr+"'")
	}
	filters = append(filters,
		p.selected+"=checksum=0",
		// The size is fixed, so that a stream that changes its size midway can't put the
		// raw pictures out of step. area: each pixel is the mean of what it covers, so
		// shrinking antialiases, and it is the nearest to PDQ's own box filters (and
		// cheaper than bicubic). bitexact+accurate_rnd: the same bits with and without
		// SIMD. No matrix is named, so the luma stays the file's own.
		fmt.Sprintf("scale=%d:%d:out_range=pc:flags=%s+bitexact+accurate_rnd", p.width, p.height, scaler),
		"format="+format)

	output := map[string]string{
		"f":   "rawvideo",
		"c:v": "rawvideo",
		// Else it is "encoded" by a thread for each processor of the machine, which with 64 of
		// them takes 1.5 GB of address space.
		"threads": "1",
		"map":     "0:V:0", // the first video stream that is not a cover picture, as Probe reads
		"vf":      strings.Join(filters, ","),
	}
	if s.OldSync {
		output["vsync"] = "passthrough"
	} else {
		output["fps_mode"] = "passthrough"
	}
	p.command = Command{Input: input, File: s.File, Output: output}
	return p, nil
}

// checkSampling refuses what Sampling's contract does not allow.
func checkSampling(s video.Sampling) error {
	switch {
	case s.Every < 0:
		return fmt.Errorf("video: Sampling.Every is %v; it must not be negative", s.Every)
	case s.From < 0 || s.To < 0 || s.To > 0 && s.To <= s.From:
		return fmt.Errorf("video: Sampling.From is %v and To %v; want 0 <= From < To, or a To of 0", s.From, s.To)
	case len(s.At) > maxAt:
		return fmt.Errorf("video: Sampling.At has %d times; at most %d are allowed", len(s.At), maxAt)
	case !slices.IsSorted(s.At):
		return fmt.Errorf("video: Sampling.At must rise")
	}
	return nil
}

// fit returns the size of a picture of w x h after its longer side was brought
// down to side: the aspect is kept to the nearest pixel, no side is under 1, and
// nothing is enlarged.
func fit(w, h, side int) (int, int) {
	longer := max(w, h)
	if side <= 0 || longer <= side {
		return w, h
	}
	scale := func(x int) int {
		return max(1, int(math.Round(float64(x)*float64(side)/float64(longer))))
	}
	return scale(w), scale(h)
}

// selection returns the expression of ffmpeg's select filter for s, or "" for
// every frame. It may pass more than s asks for (ffmpeg forgets its state when a
// stream changes size, and a frame can lack a time), never less: sampler has the
// last word.
//
// Times within ffmpeg count from base.
func selection(s video.Sampling, base time.Duration) string {
	var terms []string
	slack := seconds(base + gridSlack)
	switch {
	case len(s.At) > 0:
		terms = append(terms, "isnan(t)")
		for _, at := range s.At {
			from := seconds(at - base - gridSlack)
			terms = append(terms, fmt.Sprintf("gte(t,%s)*not(gte(prev_t,%s))", from, from))
		}
	case s.Every > 0:
		terms = append(terms, "isnan(t)", "isnan(prev_selected_t)",
			fmt.Sprintf("gt(floor((t+%s)/%s),floor((prev_selected_t+%[1]s)/%[2]s))", slack, seconds(s.Every)))
	}
	expr := strings.Join(terms, "+")
	if s.From > base { // a frame without a time is not left out
		before := fmt.Sprintf("not(lt(t,%s))", seconds(s.From-base-gridSlack))
		if expr == "" {
			expr = before
		} else {
			expr = before + "*(" + expr + ")"
		}
	}
	switch {
	case !s.Keys:
		return expr
	case expr == "":
		return "key" // for decoders that do not know skip_frame
	}
	return "key*(" + expr + ")"
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 9, 64)
}
