package ffargs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rematch-go/rematch/video"
	"github.com/rematch-go/rematch/video/internal/mp4head"
)

const (
	probeTime   = time.Minute // wall time of one Probe, if Limits.Work is not less
	probeOutput = 1 << 20     // bytes of JSON; a common file has under 1 KiB
)

// probed is the part of ffprobe's JSON that is asked for.
type probed struct {
	Streams []stream `json:"streams"`
	Format  struct {
		Streams  int    `json:"nb_streams"`
		Duration string `json:"duration"`
	} `json:"format"`
}

type stream struct {
	Codec       string `json:"codec_name"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Duration    string `json:"duration"`
	AverageRate string `json:"avg_frame_rate"`
	RealRate    string `json:"r_frame_rate"`
	SideData    []struct {
		Rotation float64 `json:"rotation"`
	} `json:"side_data_list"`
}

// entries names the fields of probed as -show_entries wants them.
const entries = "format=nb_streams,duration" +
	":stream=codec_name,width,height,duration,avg_frame_rate,r_frame_rate" +
	":stream_side_data=rotation"

// Probe reads the header of a container: its first video stream that is not a
// cover picture. Errors are *video.Error, as those of Frames, and ErrNoPicture. A plain
// MP4 file costs no process; of every other, ffprobe is asked.
func Probe(ctx context.Context, start Starter, c video.Container, s Settings) (video.Info, error) {
	if ctx.Err() == nil && c.Demuxer == "mov" {
		if info, ok := readIndex(c); ok {
			return info, checkSize(c, info)
		}
	}
	return Ask(ctx, start, c, s)
}

// readIndex reads the index of an MP4 file that is plain.
func readIndex(c video.Container) (video.Info, bool) {
	f, err := os.Open(c.Path)
	if err != nil {
		return video.Info{}, false
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return video.Info{}, false
	}
	h, ok := mp4head.Read(f, stat.Size())
	if !ok {
		return video.Info{}, false
	}
	info := video.Info{
		Class: video.Video, Format: c.Format, Codec: h.Codec, Width: h.Width, Height: h.Height, Duration: h.Duration,
		FrameRate: h.FrameRate, Bytes: stat.Size(), Streams: h.Streams, KeyFrames: h.KeyFrames, Jumps: h.Jumps, ShownFrom: h.ShownFrom, LeftOut: h.LeftOut,
	}
	if h.QuarterTurn && !c.StoredPixels {
		info.Width, info.Height = info.Height, info.Width
	}
	return info, true
}

// Ask is Probe by ffprobe alone.
func Ask(ctx context.Context, start Starter, c video.Container, s Settings) (video.Info, error) {
	info, err := probe(ctx, start, c, s)
	if err == nil {
		return info, nil
	}
	var typed *video.Error
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &typed):
		return video.Info{}, err
	}
	return video.Info{}, &video.Error{Err: err}
}

func probe(parent context.Context, start Starter, c video.Container, s Settings) (video.Info, error) {
	input, err := inputOptions(c, s)
	if err != nil {
		return video.Info{}, err
	}
	file, err := os.Stat(c.Path)
	if err != nil {
		return video.Info{}, fmt.Errorf("video: %w", err)
	}
	input["loglevel"] = "level+error"
	input["of"] = "json"
	input["select_streams"] = "V"
	input["show_entries"] = entries

	limit := probeTime
	if c.Limits.Work > 0 {
		limit = min(limit, c.Limits.Work)
	}
	ctx, cancel := context.WithTimeoutCause(parent, limit, video.ErrTimeout)
	defer cancel()
	out, messages, exit, err := output(ctx, cancel, start, Command{Probe: true, Input: input, File: s.File})
	if err != nil {
		return video.Info{}, err
	}
	if exit != nil {
		reason := video.ErrCorrupt
		if strings.Contains(messages, "moov atom not found") && startsWithBox(c.Path) {
			reason = video.ErrTruncated // the index of this mp4 should follow, and the file ends
		}
		return video.Info{}, &video.Error{Err: reason, Detail: messages}
	}
	info, err := parseProbe(out, c)
	if err != nil {
		return video.Info{}, err
	}
	info.Class, info.Format, info.Bytes = video.Video, c.Format, file.Size()
	return info, checkSize(c, info)
}

// output runs a program whose answer is short. exit is how the program failed;
// err what kept it from running to its end.
func output(ctx context.Context, cancel func(), start Starter, cmd Command) (out []byte, messages string, exit *ExitError, err error) {
	proc, err := start(ctx, cmd)
	if err != nil {
		return nil, "", nil, err
	}
	log := newReports(&plan{command: cmd, selected: "-"})
	logRead := make(chan struct{})
	go func() {
		defer close(logRead)
		log.read(proc.Stderr)
	}()
	out, err = io.ReadAll(io.LimitReader(proc.Stdout, probeOutput+1))
	tooLong := len(out) > probeOutput
	if tooLong || err != nil {
		cancel()
	}
	<-logRead
	failed := proc.Wait()
	switch {
	case tooLong:
		return nil, "", nil, &video.Error{Err: video.ErrCorrupt, Detail: "a header of more than a mebibyte"}
	case ctx.Err() != nil:
		return nil, "", nil, context.Cause(ctx)
	case err != nil:
		return nil, "", nil, fmt.Errorf("video: reading ffprobe's answer: %w", err)
	case failed != nil && !errors.As(failed, &exit):
		return nil, "", nil, failed
	}
	return out, log.messages(), exit, nil
}

// parseProbe reads ffprobe's JSON.
func parseProbe(out []byte, c video.Container) (video.Info, error) {
	var p probed
	if err := json.Unmarshal(out, &p); err != nil {
		return video.Info{}, &video.Error{Err: video.ErrCorrupt, Detail: "ffprobe's answer: " + err.Error()}
	}
	switch {
	case p.Format.Streams == 0:
		return video.Info{}, &video.Error{Err: video.ErrCorrupt, Detail: "no streams"}
	case len(p.Streams) == 0:
		return video.Info{}, &video.Error{Err: video.ErrNoPicture}
	}
	s := p.Streams[0]
	if s.Width <= 0 || s.Height <= 0 {
		return video.Info{}, &video.Error{Err: video.ErrCorrupt, Detail: "a video stream without a size, codec " + strconv.Quote(s.Codec)}
	}
	info := video.Info{Codec: s.Codec, Width: s.Width, Height: s.Height, Duration: parseSeconds(s.Duration), Streams: len(p.Streams)}
	if info.Duration == 0 {
		info.Duration = parseSeconds(p.Format.Duration)
	}
	if info.FrameRate = parseRate(s.AverageRate); info.FrameRate == 0 {
		info.FrameRate = parseRate(s.RealRate)
	}
	for _, side := range s.SideData {
		if isQuarterTurn(side.Rotation) && !c.StoredPixels {
			info.Width, info.Height = info.Height, info.Width
			break
		}
	}
	return info, nil
}

// isQuarterTurn reports whether ffmpeg turns a picture with this rotation, in
// degrees, by 90 or 270: it does within one degree of them (fftools,
// configure_input_video_filter).
func isQuarterTurn(degrees float64) bool {
	return math.Abs(math.Mod(math.Abs(degrees), 180)-90) < 1
}

// parseSeconds reads a duration like "8.000000"; 0 where there is none.
func parseSeconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0) {
		return 0
	}
	if f >= math.MaxInt64/1e9 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(f * 1e9))
}

// parseRate reads a rate like "30000/1001"; 0 where there is none.
func parseRate(s string) float64 {
	num, den, _ := strings.Cut(s, "/")
	n, errN := strconv.ParseInt(num, 10, 64)
	d, errD := strconv.ParseInt(den, 10, 64)
	if errN != nil || errD != nil || n <= 0 || d <= 0 {
		return 0
	}
	return float64(n) / float64(d)
}

// startsWithBox reports whether a file begins as an ISO media file does, so that
// a missing index means a missing end.
func startsWithBox(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [8]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return false
	}
	switch string(head[4:]) {
	case "ftyp", "mdat", "free", "skip", "wide", "pnot":
		return true
	}
	return false
}
