// Package ffargs is what the two ffmpeg backends share: the command lines they
// run, the reading of what ffprobe and ffmpeg answer, and the loop that turns raw
// pictures and log lines into frames. How a program is started is the backend's
// own; see Starter.
//
// Both backends are held to the same arguments, so that the same file gives the
// same frames whichever of them decodes it.
package ffargs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rematch-go/rematch/video"
)

// Command is one command line for ffmpeg or ffprobe: options, the one input
// file, and for ffmpeg the options of the one output, which is standard output.
type Command struct {
	Probe  bool              // ffprobe instead of ffmpeg
	Input  map[string]string // options before -i; an empty value is a switch
	File   string            // what -i names
	Output map[string]string // options after -i; ffmpeg writes to pipe:1
}

// Args returns the arguments in the order in which ffmpeg-go writes them: the
// format first, then the other options by name. A nil slice is never returned.
func (c Command) Args() []string {
	args := appendOptions([]string{}, c.Input)
	args = append(args, "-i", c.File)
	if c.Probe {
		return args
	}
	return append(appendOptions(args, c.Output), "pipe:1")
}

func appendOptions(args []string, options map[string]string) []string {
	if f, ok := options["f"]; ok {
		args = append(args, "-f", f)
	}
	names := make([]string, 0, len(options))
	for name := range options {
		if name != "f" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		args = append(args, "-"+name)
		if v := options[name]; v != "" {
			args = append(args, v)
		}
	}
	return args
}

// demuxers are the only readers that a file may be given to. Each reads one file
// of media; none of them follows a reference to another file as playlists (hls,
// dash, concat), image sequences and scripts do.
var demuxers = []string{
	"asf", "avi", "dv", "flv", "ivf", "matroska", "mov", "mpeg", "mpegts", "mpegvideo", "mxf", "ogg",
}

// Demuxers returns the names of the demuxers that a Container may ask for.
func Demuxers() []string { return slices.Clone(demuxers) }

// Settings are what a backend adds to the command lines.
type Settings struct {
	File    string // how the program calls the input file: file:/absolute/path
	Threads int    // of the decoder; 0: 1
	// OldSync asks for -vsync, the name that -fps_mode had before ffmpeg 5.1.
	OldSync bool
}

// inputOptions returns the options before -i that ffmpeg and ffprobe share.
func inputOptions(c video.Container, s Settings) (map[string]string, error) {
	if !slices.Contains(demuxers, c.Demuxer) {
		return nil, &video.Error{Err: video.ErrUnsupported,
			Detail: fmt.Sprintf("demuxer %.40q is not one of %s", c.Demuxer, strings.Join(demuxers, ", "))}
	}
	o := map[string]string{
		"f":                  c.Demuxer, // never ffmpeg's own guess, which takes playlists
		"protocol_whitelist": "file",
		"hide_banner":        "",
		"threads":            fmt.Sprint(max(s.Threads, 1)),
	}
	if c.Limits.Pixels > 0 {
		// A quarter more, because decoders check the coded size, which is padded to
		// whole macroblocks. The size as shown is checked before and exactly.
		o["max_pixels"] = fmt.Sprint(min(c.Limits.Pixels+c.Limits.Pixels/4+4096, 1<<31-1))
	}
	return o, nil
}
