// Package record is the document that is kept of a screening: what an upload was, what it was
// compared with and matched, and what people decided of it. It is JSON with a published schema
// (Schema), fit for a review tool and for a report to an authority.
//
// A record holds nothing of a person but the caller's own ID of the upload, and of the content
// nothing but hashes. screen.Screener.Record makes one of a verdict, match/store keeps them, and
// match/summary counts them.
package record
