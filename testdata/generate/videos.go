package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// shoot renders a film into the encoder's standard input.
func (s *studio) shoot(name string, f film, what string, sound, out []string) error {
	args := []string{"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", f.w, f.h), "-r", fmt.Sprint(f.rate), "-i", "-"}
	args = append(append(append(args, sound...), "-c:v", "libx264", "-preset", "slow", "-pix_fmt", "yuv420p"), out...)
	frames := func(w io.Writer) error { return roll(w, f.w, f.h, f.rate, f.shots) }
	return s.ffmpeg(name, frames, what+" as raw RGBA on standard input", args...)
}

// films makes the known videos and films of the same makers that are none of
// them.
func films(s *studio) error {
	tone := []string{"-f", "lavfi", "-i", "sine=frequency=220:sample_rate=44100", "-shortest", "-c:a", "aac", "-b:a", "48k"}
	for _, v := range []struct {
		name, what string
		film       film
		sound, out []string
	}{
		{"known/harbour-pan.mp4", "harbourFilm(101, dusk)", harbourFilm(101, 12, dusk, false), nil, []string{"-crf", "25", "-g", "100"}},
		{"known/street-walk.mp4", "streetFilm(202)", streetFilm(202, 10), tone, []string{"-crf", "27", "-g", "60"}},
		{"known/five-places.mp4", "placesFilm(301)", placesFilm(301, []float64{2.75, 2.5, 3, 2.75, 3}), nil, []string{"-crf", "29"}},
		{"uploads/clean/other-harbour.mp4", "harbourFilm(105, noon)", harbourFilm(105, 8, noon, true), nil, []string{"-crf", "30"}},
		{"uploads/clean/other-walk.mp4", "streetFilm(206)", streetFilm(206, 8), tone, []string{"-crf", "33"}},
		{"uploads/clean/other-places.mp4", "placesFilm(351)", placesFilm(351, []float64{2.5, 3, 2.5}), nil, []string{"-crf", "33"}},
	} {
		if err := s.shoot(v.name, v.film, v.what, v.sound, v.out); err != nil {
			return err
		}
		if file, clean := strings.CutPrefix(v.name, "uploads/"); clean {
			s.expect(expectation{file: file, verdict: "no_match"})
		}
	}
	return nil
}

// edit is an upload made from a known video by ffmpeg alone. Times are in
// milliseconds.
type edit struct {
	file      string
	from, to  int    // of the known video, what the upload shows of it
	at        int    // of the upload, where that begins
	filter    string // -filter_complex over [0:v] (known), [1:v] (second input), giving [v]
	second    string // second input: the logo or other footage
	cut       bool   // trim the known video to from..to before anything else
	out       []string
	container string // -f, where the name does not tell
	turned    bool   // stored sideways, with a matrix that turns it upright
}

// x264 is the usual way of a platform to re-encode.
func x264(crf int) []string {
	return []string{"-an", "-c:v", "libx264", "-preset", "medium", "-crf", fmt.Sprint(crf), "-pix_fmt", "yuv420p"}
}

// edits lists what becomes of the three known videos.
func edits() map[string][]edit {
	const (
		logo  = "logo.png"
		other = "uploads/clean/"
	)
	return map[string][]edit{
		"harbour-pan.mp4": {
			{file: "harbour-crf34.mkv", to: 12000, filter: "[0:v]null[v]", out: x264(34)},
			{file: "harbour-320.webm", to: 12000, filter: "[0:v]scale=320:180[v]", out: []string{"-an", "-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "40", "-cpu-used", "4"}},
			{file: "harbour-logo.mp4", to: 12000, second: logo, filter: "[1:v]scale=84:-1[l];[0:v][l]overlay=W-w-12:12[v]", out: x264(31)},
			{file: "harbour-letterbox.mp4", to: 12000, filter: "[0:v]pad=640:480:0:60:black[v]", out: x264(31)},
			{file: "harbour-mirror.mp4", to: 12000, filter: "[0:v]hflip,scale=480:270[v]", out: x264(30)},
			{file: "harbour-trim.ts", from: 3000, to: 10000, cut: true, filter: "[0:v]scale=480:270[v]", out: x264(31)},
			{file: "harbour-within.mp4", from: 4000, to: 9000, at: 5000, second: other + "other-walk.mp4", out: x264(32),
				filter: "[1:v]trim=0:5,setpts=PTS-STARTPTS,scale=-2:360,pad=640:360:(ow-iw)/2:0,setsar=1,fps=25[a];[0:v]trim=4:9,setpts=PTS-STARTPTS,setsar=1[b];[1:v]trim=5:8,setpts=PTS-STARTPTS,scale=-2:360,pad=640:360:(ow-iw)/2:0,setsar=1,fps=25[c];[a][b][c]concat=n=3:v=1[v]"},
		},
		"street-walk.mp4": {
			{file: "street-15fps.avi", to: 10000, filter: "[0:v]fps=15,scale=300:400[v]", out: []string{"-an", "-c:v", "mpeg4", "-q:v", "12"}},
			{file: "street-240.mp4", to: 10000, filter: "[0:v]scale=240:320[v]", out: x264(30)},
			{file: "street-logo.mp4", to: 10000, second: logo, filter: "[1:v]scale=72:-1[l];[0:v]scale=360:480[k];[k][l]overlay=10:H-h-10[v]", out: x264(31)},
			{file: "street-noisy-pillars.mp4", to: 10000, out: x264(31),
				filter: "color=c=0x0b0b0d:s=640x480:r=30,noise=alls=6:allf=t:all_seed=7[bg];[0:v]scale=360:480[k];[bg][k]overlay=140:0:shortest=1[v]"},
			{file: "upload_0001", to: 10000, filter: "[0:v]hflip,scale=360:480[v]", out: x264(31), container: "mp4"},
			{file: "street-held-upright.mp4", to: 10000, filter: "[0:v]scale=360:480,transpose=2[v]", out: x264(32), turned: true},
			{file: "street-trim.mov", from: 2000, to: 8500, cut: true, filter: "[0:v]scale=360:480[v]", out: x264(31)},
			{file: "street-within.mkv", from: 3000, to: 7500, at: 4000, second: other + "other-places.mp4", out: x264(33),
				filter: "[1:v]trim=0:4,setpts=PTS-STARTPTS,scale=640:-2,crop=640:360,setsar=1,fps=30[a];[0:v]trim=3:7.5,setpts=PTS-STARTPTS,scale=270:360,pad=640:360:185:0,setsar=1[b];[1:v]trim=4:8,setpts=PTS-STARTPTS,scale=640:-2,crop=640:360,setsar=1,fps=30[c];[a][b][c]concat=n=3:v=1[v]"},
			{file: "street all at once.mp4", from: 1500, to: 8000, cut: true, second: logo, out: x264(33),
				filter: "[1:v]scale=72:-1[l];[0:v]scale=360:480[k];[k][l]overlay=W-w-8:8,pad=640:480:140:0:black[v]"},
		},
		"five-places.mp4": {
			{file: "places-crf34.mp4", to: 14000, filter: "[0:v]scale=640:360[v]", out: x264(34)},
			{file: "places-426.webm", to: 14000, filter: "[0:v]scale=426:240[v]", out: []string{"-an", "-c:v", "libvpx", "-b:v", "170k", "-cpu-used", "2"}},
			{file: "places-logo.mp4", to: 14000, second: logo, filter: "[1:v]scale=80:-1[l];[0:v]scale=640:360[k];[k][l]overlay=12:12[v]", out: x264(33)},
			{file: "places-noisy-letterbox.mp4", to: 14000, out: x264(33),
				filter: "color=c=0x0d0d0d:s=640x480:r=24,noise=alls=6:allf=t:all_seed=3[bg];[0:v]scale=640:360[k];[bg][k]overlay=0:60:shortest=1[v]"},
			{file: "places-mirror.mp4", to: 14000, filter: "[0:v]hflip,scale=480:270[v]", out: x264(31)},
			{file: "places-trim.mp4", from: 4000, to: 12500, cut: true, filter: "[0:v]scale=480:270[v]", out: x264(31)},
			{file: "places-part.gif", from: 5500, to: 9500, cut: true, out: []string{"-an"},
				filter: "[0:v]fps=6,scale=200:-1:flags=lanczos,split[a][b];[a]palettegen=max_colors=48[p];[b][p]paletteuse=dither=bayer:bayer_scale=4[v]"},
			{file: "places-part.webp", from: 4500, to: 8500, cut: true, out: []string{"-an", "-c:v", "libwebp_anim", "-quality", "50", "-loop", "0"},
				filter: "[0:v]fps=6,scale=240:-1:flags=lanczos[v]"},
			{file: "Zusammenschnitt – Größe M.mp4", from: 8500, to: 13500, at: 4500, second: other + "other-harbour.mp4", out: x264(33),
				filter: "[1:v]trim=0:4.5,setpts=PTS-STARTPTS,setsar=1,fps=24[a];[0:v]trim=8.5:13.5,setpts=PTS-STARTPTS,scale=640:360,setsar=1[b];[1:v]trim=4.5:8,setpts=PTS-STARTPTS,setsar=1,fps=24[c];[a][b][c]concat=n=3:v=1[v]"},
			{file: "places-all-at-once.mp4", from: 2000, to: 11000, cut: true, second: logo, out: x264(34),
				filter: "[1:v]scale=80:-1[l];[0:v]scale=640:360[k];[k][l]overlay=W-w-12:H-h-12,pad=640:480:0:60:black[v]"},
		},
	}
}

// reuploads makes every edit and says what a scan must find in it.
func reuploads(s *studio) error {
	all := edits()
	for _, known := range []string{"harbour-pan.mp4", "street-walk.mp4", "five-places.mp4"} {
		for _, e := range all[known] {
			args := []string{}
			if e.cut {
				args = append(args, "-ss", millis(e.from), "-t", millis(e.to-e.from))
			}
			args = append(args, "-i", "known/"+known)
			if e.second != "" {
				args = append(args, "-i", e.second)
			}
			args = append(append(args, "-filter_complex", e.filter, "-map", "[v]"), e.out...)
			if e.container != "" {
				args = append(args, "-f", e.container)
			}
			how := ""
			if e.turned {
				how = "then turnedOnPlay()"
			}
			if err := s.ffmpeg("uploads/videos/"+e.file, nil, how, args...); err != nil {
				return err
			}
			if e.turned {
				if err := rewrite(filepath.Join(s.dir, "uploads", "videos", e.file), turnedOnPlay); err != nil {
					return err
				}
			}
			s.expect(expectation{file: "videos/" + e.file, verdict: "match", entry: known,
				queryFrom: e.at, queryTo: e.at + e.to - e.from, knownFrom: e.from, known: e.to})
		}
	}
	return nil
}

// rewrite changes a file's bytes in place.
func rewrite(path string, change func([]byte) error) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := change(data); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func millis(ms int) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }
