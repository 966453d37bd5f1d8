// Package target knows the documents that name an object instead of holding its
// content: the references that one input sends and another reads, and what
// webhooks and queues send. It makes no request.
//
//	reference.go  the document that is sent in place of an object's content
//	target.go     what a document names
//	parse.go      a message becomes documents, and these become targets
//	shapes.go     the shapes of a document: which it is, and what it names
//	fields.go     the fields of a JSON object, and the strings in them
//	problem.go    what is said of a document that names nothing
//
// # Invariants
//
//   - A key is used as it stands in the document: nothing in it is unescaped,
//     trimmed or repaired. A name that JSON can't carry without loss, such as
//     one with a broken byte, names nothing.
//   - Nothing is guessed. A document with two different keys, or of another
//     table, is a problem and no target.
//   - A bad element or line hides no other.
//   - Time and memory grow with the length of the message alone.
//   - No value of a document is in a problem, except the short words that tell
//     the shape: a document may hold a signed URL.
package target
