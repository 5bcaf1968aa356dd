// Package hash holds the values that everything else speaks of: a hash with its
// kind, the quality of the picture it was made from, the eight orientations, and
// the frame of a video.
//
// The algorithms are in the packages below it: pdq (photographs and video
// frames), imagehash (pHash, dHash, aHash), digest (MD5, SHA-1, SHA-256) and
// border (uniform borders around a picture). All of them are pure: pixels or bytes
// in, values out; no files, no processes, no network.
package hash
