// Package wire makes the connections of all HTTP clients of this project, and
// says what it means when there is none.
//
//	transport.go  New: an HTTP/1.1 transport
//	framed.go       a connection that ends where unrequested bytes begin
//	head.go         what a head says of the end of its answer
//	noanswer.go     what it means when no answer comes
//
// Package net/http prints bytes that follow an answer with the standard logger,
// past the logger of the pipeline, and they may be content of objects. If another
// request has the connection by then, it reads them as its answer. A framed
// connection ends instead: the transport closes it and says nothing, and the
// next request gets a new one. TLS through a forward proxy (CONNECT) is not framed,
// because the transport makes that connection by itself.
package wire
