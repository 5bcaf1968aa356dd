// Package tmk computes and compares TMK+PDQF, the hash of whole videos that Meta published
// beside PDQ: a Vector of fixed size, whatever the video's length, which GIFCT's hash-sharing
// database and StopNCII carry.
//
// A video is looked at 15 times a second, as 64 x 64 pixels. Each look gives a Feature, the 256
// frequencies of PDQ before they become bits (package pdq, Hasher.Features). An Accumulator adds
// them up: plainly, and weighted with cosines and sines of time in four periods, by
// Poullot et al., "Temporal matching kernel with explicit feature maps" (2015).
//
// Level 1 compares two averages and says whether two videos look alike on the whole; level 2
// asks as well whether there is a shift in time at which they look alike moment by moment. The
// reference calls two videos the same from 0.7 up on both (DefaultThreshold). TMK knows of no
// excerpts: a clip out of a longer video, or a video with another one before it, is what match
// aligns frames for. Videos of a few seconds come near 0.7 of one another by chance.
//
// On equal frames a Vector is the reference's (ThreatExchange, tmk/cpp) to the bit or nearly:
// its cosines are computed in a way of our own that gives the same bits on every processor,
// and a sum that lies on the edge of two float32s may fall to the other side.
package tmk
