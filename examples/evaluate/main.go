// Command evaluate measures on your own pictures and videos how well the library finds
// edited copies of known ones, and how often it is wrong.
//
//	evaluate pictures --known known/ --distractors other/ --report report.html
//	evaluate videos clips/ --distractors footage/ --work work/ --report videos.html
//	evaluate collect --out photos/ FOLDER...
//	evaluate transforms
//
// "pictures" enrols the known pictures with the library's defaults, posts every
// picture of both folders again after each transform at each strength, and screens
// what was posted. Beside the library stand plain PDQ at its threshold of 31 bits, and
// goimagehash's pHash and dHash at the largest thresholds that make no more false
// matches than the library does, and at most one per million pairs. All of them judge
// only pictures of the library's lowest quality or better.
//
//   - Recall is the share of the posted copies in which the known picture is found. A
//     copy that is refused (too little in it to hash) counts as missed. The interval
//     is Wilson's, 95 %.
//   - A pair is one posted picture and one known picture that it was not made from: a
//     posted distractor makes as many pairs as there are known pictures, a posted copy
//     one fewer. A false match is a pair that matches.
//   - In collages and pictures in pictures the other pictures are distractors, at most
//     32 of them.
//
// Known pictures are enrolled from their files at full size. What is posted is made
// from the picture shrunk to --max-side. Pictures are taken in the order of their
// content's SHA-256, so that --limit is the same random sample whatever files are named.
//
// Everything is drawn from --seed: two runs print the same bytes, but for the processor
// time, which goes to standard error unless --cpu adds it to the tables.
//
// "videos" does the like with ffmpeg, which it needs (see its help): what is posted is
// re-encoded, cut, sped up, framed and put into other videos, and it is known which
// stretch of it is which of the known video, so that the ends of segments are measured as
// well. Beside the library stands vPDQ's own rule at a frame a second on both sides, and TMK+PDQF.
// Processor time includes that of ffmpeg. Hard negatives are made of the distractors: videos
// that share an intro, a title card, a logo, a wall behind the speaker, a test card or
// black. Each kind has up to 10 in a bank, and up to 5 others are posted.
//
// "collect" makes the two folders out of any folders of pictures; fetch.sh beside this
// file does so with photographs from Debian's packages.
//
// Exit codes:
//
//	0  done
//	1  something failed: a folder, a file that can't be written, an interruption
//	2  wrong usage
//	4  done, but something was left out; each is named, with the reason
//
// "go run" shows any but 0 as 1.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
