#!/usr/bin/env bash
# Fetches photographs to evaluate with from Debian's packages, about 280 MB:
#
#   bash examples/evaluate/fetch.sh DIR [PACKAGE...]
#
# It makes DIR/known, DIR/distractors, DIR/origins.csv (which package and file each
# picture is from; the packages' copyright files are in DIR/packages/*/usr/share/doc)
# and DIR/rejected.csv (which pictures were left out, and why). More packages may be named. What
# has been fetched is not fetched again, and a second run changes nothing.
#
# It needs a Debian or Ubuntu with current package lists, and Go. It needs no root and
# installs nothing.
set -euo pipefail

packages=(
	forensics-samples-files       # photographs of phones
	gcompris-qt-data              # animals, monuments, fishes, paintings; in Qt resource files
	lomiri-wallpapers-16.04       # landscapes, still lifes, people
	lxqt-themes                   # nature
	mate-backgrounds              # nature
	palapeli-data                 # motifs of jigsaw puzzles
	plasma-workspace-wallpapers   # photographs among drawings
	python3-skimage               # pictures of science
)

fail() {
	echo "fetch.sh: $1" >&2
	exit 1
}

[ $# -ge 1 ] || fail "name the folder to write to: bash fetch.sh DIR [PACKAGE...]"
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/packages"
out=$(cd "$1" && pwd)
shift
packages+=("$@")
for tool in apt-get dpkg-deb go; do
	command -v "$tool" >/dev/null || fail "$tool is not installed; this script needs a Debian or Ubuntu, and Go"
done

sources=()
for package in "${packages[@]}"; do
	folder=$out/packages/$package
	sources+=("$folder")
	[ ! -e "$folder.complete" ] || continue
	echo "fetching $package"
	rm -rf "$folder"
	mkdir "$folder"
	(cd "$folder" && apt-get -qq download "$package") ||
		fail "$package can't be fetched; bring the package lists up to date (apt-get update), and check that the system's sources have it: apt-cache policy $package"
	dpkg-deb -x "$folder"/*.deb "$folder" || fail "the package of $package is damaged; run this again to fetch it anew"
	rm "$folder"/*.deb
	touch "$folder.complete"
done

cd "$here"
go run . collect --out "$out" "${sources[@]}"
