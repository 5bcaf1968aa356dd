// Package exchange reads what others share of known content into entries. So far
// that is plain lists of hashes and the vPDQ of videos; the consortia's protocols follow.
package exchange
