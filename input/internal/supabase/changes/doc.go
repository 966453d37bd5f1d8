// Package changes asks Supabase Storage what changed since a time, over its REST
// API: POST /object/list-v2 sorted by updated_at. It costs as much as there are
// changes, whatever the size of the bucket. It replaces no full listing, and only
// makes most of them unnecessary: it shows no deletions, and no row that became
// visible long after its time.
//
//	client.go   Client: Newest, Since
//	request.go  one page, tried a few times; what makes asking useless here
//	page.go     an answer, and the objects on it
//	walk.go     from page to page, around an error in the server's cursors
//
// Invariants:
//   - An object is known by key, ETag, size and time as a full listing shows it.
//   - Nothing that is out of order or incomplete is shown.
package changes
