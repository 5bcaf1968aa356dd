// Package store is the system of record behind the index: banks, entries, records of what was
// screened, and an audit of every change, in SQLite (one file, no server) or PostgreSQL, with one contract for both. Nodes follow its
// feed of changes and match locally.
//
// # What is durable
//
// Apply returns when its changes are committed and synced: journal WAL with synchronous=FULL in
// SQLite, synchronous_commit=on in PostgreSQL. From then on they outlast kill -9 and, where disk
// and server keep their promises (PostgreSQL's fsync must be on, a SQLite file must lie on a local
// disk), a power cut. An error means that nothing was changed, with the one exception of
// ErrUnsure. Apply is all or nothing; Import is so for each part of up to 2,048 entries.
//
// # The order of changes
//
// Every change is an event: 1, 2, 3, ... without gaps. Each carries the hash of the one before,
// and so events have to be made one after the other: a writer holds the lock of the one row of
// rematch_head from its first reading until its commit. That is why the numbers are in the
// order of commits, and a reader that sees an event sees all before it; with numbers of a sequence,
// in PostgreSQL, it could see a late one first and lose the early one for good.
//
// # The audit
//
// Events are kept for good, in the transaction of the change itself; triggers refuse to change or
// delete them. An event is a JSON object, whose members are in this order, those left out that
// say nothing:
//
//	event_id     its number
//	ts           when it was made, RFC 3339 in UTC, by the clock of who made it
//	actor        {"type": system, reviewer, authority or api_key, "id": ...}
//	action       bank_change, or list_sync of an import or a pull; of records match, decision,
//	             reversal or retention
//	change       put_bank, drop_bank, put_entries or drop_entries; keep_records, decide_record,
//	             preserve_records, purge_records or set_retention
//	match        {"bank": its name, "bank_number": the event that made it}
//	decision     {"status": of decide_record, "reason_text": ...}, if one was given
//	version      of banks: the event before that set it
//	before, after  of banks: the settings; of set_retention: the seconds
//	dropped      how many entries went with a bank
//	entries      up to 2,048 of {"bank_content_id": ID, "version": the event before that set it,
//	             "before": ..., "after": ...}
//	records      {"items": [{"record_id": ..., "before": the SHA-256 of the document, "after": ...}],
//	             "counts": [{"hour": ..., "class": ..., "reason": ..., "n": that were added}],
//	             "counts_before": of hours before it they were removed}
//	preserve_until  of preserve_records; left out: lifted
//	prev_hash    the SHA-256 of the event before, in hex; of the first, zeros
//
// There is one way to write an event: another one, with a member twice or one that is not known
// here, is refused. Its hash is the SHA-256 of these bytes as they are kept. So versions chain the events of one
// entry, and hashes all events: also a bulk import is proved entry by entry. Banks and entries
// are documents as document.go has them; an entry that is only a hash of unmeasured quality is {}.
//
// # Exchanges
//
// PutExchange makes an exchange a record of the store: what to open it by, never its credentials,
// the bank that it feeds, and how far it was read. Pull and Watch take over what match/exchange
// reads of it, a page and its checkpoint in one transaction, and Push tells it what Queue and
// curators have to say. What comes and goes is in the audit like every change of a bank, by the
// actor of the pull; the tables beside it are not: checkpoints, what was set aside, hashes that
// can't be compared yet, and the queue.
//
// # Records
//
// Records of screenings (package record) are kept beside (Keep), decided of (Decide), held for the
// law (Preserve), and removed when their time is over (SetRetention, Purge). Uploads that nothing
// matched are only counted, by the hour. Documents are not in the audit but their hashes are, for
// they have to be removed one day: VerifyAudit proves that each is as it was kept or last decided
// of, and that none came or went unseen. An event has no ID of an upload and no note.
//
// What was said of a bank stands in the audit, RollOut.Key with it: whoever may read the store can
// tell which uploads a roll-out matches.
package store
