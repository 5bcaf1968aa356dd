package ffargs

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rematch-go/rematch/video"
)

const log = `[info] Input #0, mov, from 'file:/secret/x.mp4':
[info]     title           : [showinfo@sN @ 0x1] [info] n:   0 pts:      7 pts_time:7 iskey:1
: [showinfo@sN @ 0x1] [info] n:   0 pts:      7 pts_time:7 iskey:1
[showinfo@sGUESS @ 0x1] [info] n:   0 pts:      7 pts_time:7 iskey:1
[showinfo@aN @ 0x55d9] [info] config in time_base: 1/90000, frame_rate: 30/1
[showinfo@sN @ 0x55da] [info] config in time_base: 1/90000, frame_rate: 30/1
[showinfo@sN @ 0x55da] [info] config out time_base: 0/0, frame_rate: 0/0
[showinfo@aN @ 0x55d9] [info] n:   0 pts:      0 pts_time:0       pos:  48 fmt:yuv420p sar:1/1 s:64x48 i:P iskey:1 type:I 
[showinfo@sN @ 0x55da] [info] n:   0 pts:      0 pts_time:0       pos:  48 fmt:yuv420p sar:1/1 s:64x48 i:P iskey:1 type:I 
[showinfo@sN @ 0x55da] [info] color_range:unknown color_space:unknown
[showinfo@aN @ 0x55d9] [info] n:   1 pts:   3003 pts_time:0.0333667 duration: 3003 fmt:yuv420p cl:left sar:1/1 s:64x48 i:P iskey:0 type:P [h264 @ 0x1] [error] a partial file of another thread
[showinfo@aN @ 0x55d9] [info] n:   2 pts:  NOPTS pts_time:NOPTS   fmt:yuv420p sar:1/1 s:64x48 i:P iskey:0 type:P
[showinfo@sN @ 0x55da] [info] n:   1 pts:  NOPTS pts_time:NOPTS   fmt:yuv420p sar:1/1 s:64x48 i:P iskey:0 type:P
[h264 @ 0x55d9] [error] damaged in file:/secret/x.mp4
[showinfo@aN @ 0x66] [info] config in time_base: 1/10, frame_rate: 10/1
[showinfo@sN @ 0x66] [info] config in time_base: 1/10, frame_rate: 10/1
[showinfo@aN @ 0x66] [info] n:   0 pts:     15 pts_time:1.5 iskey:1 type:I
[showinfo@sN @ 0x66] [info] n:   0 pts:     15 pts_time:1.5 iskey:1 type:I
`

func TestReports(t *testing.T) {
	p := &plan{all: "showinfo@aN", selected: "showinfo@sN", command: Command{File: "file:/secret/x.mp4"}}
	r := newReports(p)
	long := "[info] " + strings.Repeat("x", 3*maxLine) + "\n"
	r.read(strings.NewReader(long + log))

	want := []report{
		{n: 0, number: 0, timed: true, time: 0, key: true, width: 64, height: 48},
		{n: 1, number: 2, width: 64, height: 48},
		{n: 2, number: 3, timed: true, time: 1500 * time.Millisecond, key: true}, // after a change of size
	}
	for i, w := range want {
		got, ok := r.next(i)
		assert.True(t, ok)
		assert.Equal(t, w, got)
	}
	_, ok := r.next(3)
	assert.False(t, ok, "the log has ended")
	assert.Equal(t, 4, r.decodedFrames())
	assert.Equal(t, "h264: damaged in file", r.messages())
	assert.False(t, r.cut)
}

func TestReportsThatAreLost(t *testing.T) {
	r := newReports(&plan{selected: "s"})
	r.read(strings.NewReader("[s @ 1] [info] config in time_base: 1/1, x\n[s @ 1] [info] n:0 pts:0 iskey:1\n[s @ 1] [info] n:2 pts:2 iskey:0\n"))
	_, ok := r.next(0)
	assert.True(t, ok)
	_, ok = r.next(1)
	assert.False(t, ok, "a later report came instead")
	rep, ok := r.next(2)
	assert.True(t, ok)
	assert.Equal(t, 2*time.Second, rep.time)
}

func TestCutMarks(t *testing.T) {
	const short = "[warning] file: corrupt input packet in stream 0\n"
	for demuxer, want := range map[string]bool{"avi": true, "mpegts": false} {
		r := newReports(&plan{selected: "s", command: Command{Input: map[string]string{"f": demuxer}}})
		r.read(strings.NewReader(short))
		assert.Equal(t, want, r.cut, demuxer)
	}
}

func TestDetailIsBounded(t *testing.T) {
	r := newReports(&plan{selected: "s"})
	r.read(strings.NewReader(strings.Repeat("[x @ 1] [error] \xff no\n", 1000)))
	assert.LessOrEqual(t, len(r.messages()), maxDetail)
	assert.True(t, strings.HasSuffix(r.messages(), "no"))
}

func TestScaleTime(t *testing.T) {
	for _, c := range []struct {
		pts      int64
		num, den uint64
		want     time.Duration
	}{
		{0, 1, 90000, 0},
		{3003, 1, 90000, 33366667},
		{-45000, 1, 90000, -time.Second / 2},
		{7200 * 90000, 1, 90000, 2 * time.Hour},
		{math.MaxInt64, 1 << 30, 1, math.MaxInt64},
		{math.MinInt64, 1, 1, -math.MaxInt64},
	} {
		assert.Equal(t, c.want, scaleTime(c.pts, c.num, c.den), "%+v", c)
	}
}

func TestFit(t *testing.T) {
	for _, c := range [][5]int{ // w, h, side: w, h
		{1920, 1080, 0, 1920, 1080}, {1920, 1080, 512, 512, 288}, {1080, 1920, 512, 288, 512},
		{100, 50, 200, 100, 50}, {5000, 1, 10, 10, 1}, {161, 121, 100, 100, 75},
	} {
		w, h := fit(c[0], c[1], c[2])
		assert.Equal(t, [2]int{c[3], c[4]}, [2]int{w, h}, "%v", c)
	}
}

func TestSamplerGrid(t *testing.T) {
	// 0.1 has no exact binary fraction: a grid reckoned in floating point drifts.
	s := sampler{Sampling: video.Sampling{Every: 100 * time.Millisecond}}
	for i := range 1000 {
		assert.True(t, s.take(time.Duration(i)*100*time.Millisecond, false), i)
		assert.False(t, s.take(time.Duration(i)*100*time.Millisecond+40*time.Millisecond, false), i)
	}
}

func TestParseProbe(t *testing.T) {
	parse := func(json string, stored bool) (video.Info, error) {
		return parseProbe([]byte(json), video.Container{StoredPixels: stored})
	}
	const one = `{"streams":[{"codec_name":"h264","width":640,"height":480,"avg_frame_rate":"0/0","r_frame_rate":"30000/1001",
		"side_data_list":[{"rotation":-90}]}],"format":{"nb_streams":2,"duration":"1.500000"}}`
	info, err := parse(one, false)
	assert.NoError(t, err)
	assert.Equal(t, video.Info{Codec: "h264", Width: 480, Height: 640, Duration: 1500 * time.Millisecond, FrameRate: 30000.0 / 1001, Streams: 1}, info)
	info, _ = parse(one, true)
	assert.Equal(t, 640, info.Width)

	for json, want := range map[string]error{
		``:   video.ErrCorrupt,
		`{}`: video.ErrCorrupt,
		`{"streams":[],"format":{"nb_streams":1}}`:            video.ErrNoPicture,
		`{"streams":[{"width":0}],"format":{"nb_streams":1}}`: video.ErrCorrupt,
	} {
		_, err := parse(json, false)
		assert.ErrorIs(t, err, want, json)
	}
	for s, want := range map[string]time.Duration{"": 0, "N/A": 0, "-1": 0, "nan": 0, "inf": math.MaxInt64, "1e300": math.MaxInt64, "0.04": 40 * time.Millisecond} {
		assert.Equal(t, want, parseSeconds(s), s)
	}
	for degrees, turned := range map[float64]bool{0: false, 90: true, -90: true, 180: false, 270: true, -180: false, 45: false, 89.5: true, math.NaN(): false} {
		assert.Equal(t, turned, isQuarterTurn(degrees), degrees)
	}
}

// TestTimesThatRunBackwards: frames in another order than that of their times are not the
// video that players show, but containers join pieces unevenly.
func TestTimesThatRunBackwards(t *testing.T) {
	line := func(n, pts int) string {
		return fmt.Sprintf("[sN @ 1] [info] n:%4d pts:%7d pts_time:x iskey:1\n", n, pts)
	}
	const config = "[sN @ 1] [info] config in time_base: 1/1000, frame_rate: 1/1\n"
	for _, c := range []struct {
		name string
		pts  []int
		back bool
	}{
		{"rising", []int{0, 1000, 2000}, false},
		{"a second back", []int{0, 2000, 1000, 3000}, false},
		{"more", []int{0, 2000, 999, 3000}, true},
		{"by many small steps", []int{0, 5000, 4500, 4000, 3500}, true},
		{"below zero at first", []int{-5000, 0}, false},
	} {
		log := config
		for n, pts := range c.pts {
			log += line(n, pts)
		}
		p := &plan{selected: "sN"}
		r := newReports(p)
		r.read(strings.NewReader(log))
		err := new(decoder).verdict(p, r, false)
		if c.back {
			assert.ErrorIs(t, err, video.ErrTruncated, c.name)
			assert.ErrorContains(t, err, "backwards", c.name)
		} else {
			assert.NoError(t, err, c.name)
		}
	}
}
