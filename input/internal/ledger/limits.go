package ledger

import "time"

// limits are the sizes that trade memory, reads and writes against each other.
type limits struct {
	// segment is how many listed objects a segment should have, most and least
	// when it is cut or merged. Small segments waste index; large ones make a
	// single change dear.
	segment, most, least int
	// ready is from how many changes on it is worth while to rewrite a segment
	// as soon as nothing more is expected in it.
	ready int
	// foldEvery is the least time between two indexes while much is delivered,
	// foldBatch how many segments are rewritten with one index.
	foldEvery time.Duration
	foldBatch int
	// pending and records bound the changes, and the journal records with
	// changes, that are in no manifest: they are in memory, and are replayed at
	// the next start. The second pair is looked at when a pass is complete.
	pending, passPending int
	records, passRecords uint64
	// record bounds the changes in one record, so that no value grows beyond
	// what caches take.
	record int
}

// standard are the limits of every ledger. A manifest has some 160 KB, an index
// of 10 million objects about as much, a record of 4096 changes some 220 KB.
var standard = limits{
	segment: 4096, most: 8192, least: 1024,
	ready:     1024,
	foldEvery: time.Second, foldBatch: 16,
	pending: 64 << 10, passPending: 4096,
	records: 128, passRecords: 64,
	record: 4096,
}
