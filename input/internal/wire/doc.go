// Package wire makes the connections of all HTTP clients of this project, and
// says what it means when there is none.
//
//	transport.go    New: an HTTP/1.1 transport
//	framed.go       a connection that ends where unrequested bytes begin
//	head.go         where an answer ends, from its head and its chunks
//	unreachable.go  why nobody could be talked to
//
// Package net/http prints bytes that follow an answer with the standard logger,
// past the logger of the pipeline, and content of objects may be among them; if
// another request has the connection by then, it takes them for its answer. A
// framed connection reports its end instead, so that it is closed quietly and
// the next request gets a new one. What can't be framed is TLS through a forward
// proxy (CONNECT), because the transport makes it by itself.
package wire
