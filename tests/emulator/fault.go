package emulator

import (
	"cmp"
	"html"
	"net/http"
	"strconv"
	"time"
)

// AtOnce is the offset 0 for [Fault.CutAfter], [Fault.CleanCutAfter] and
// [Fault.StallAfter], whose zero value means "not at all".
const AtOnce = -1

// Fault is what goes wrong with one request; the zero value is no fault. All
// times are from package time, so that they are virtual in a bubble, and all
// waiting ends when the client leaves.
type Fault struct {
	// Status is answered in place of the real answer. 502, 504 and 52x come as
	// the HTML page of a gateway; everything else in the server's own form.
	Status int
	// Code and Message go with Status; they have the server's defaults. Code
	// is the error_code of Auth; the Management API shows none.
	Code, Message string
	// Header is added to the answer, whatever it is, such as Retry-After.
	Header http.Header
	// Delay passes before anything else.
	Delay time.Duration
	// Before is called after Delay and before the answer is made, for example
	// to overwrite the object.
	Before func()
	// HangUp closes the connection without an answer.
	HangUp bool
	// CutAfter cuts the connection after so many bytes of the body: the client
	// sees an unexpected EOF. 0 is off, AtOnce cuts after the header.
	CutAfter int64
	// CutFraction is CutAfter as a part of the body, between 0 and 1.
	CutFraction float64
	// CleanCutAfter ends the body after so many bytes as if it were complete:
	// without Content-Length, so the client notices only by other facts.
	CleanCutAfter int64
	// StallAfter stops sending after so many bytes and waits for the client to
	// leave.
	StallAfter int64
	// BytesPerSecond slows the body down; 0 is as fast as it goes.
	BytesPerSecond int64
	// OverwriteMid is called when half of the body has been sent. The rest is
	// sent as it was: a body is one version.
	OverwriteMid func()
	// Lie is sent instead of the answer. The fields that cut, slow or stall the body
	// do not apply to it.
	Lie Lie
	// Trickle is the pause between two bytes of [LieTrickle]; 0 is
	// [DefaultTrickle].
	Trickle time.Duration
	// CDN serves a GET over REST from a cache that learns of an overwrite so much
	// later: until then it answers with the version before, also to another query.
	// Only a server in memory ([New]) keeps that version.
	CDN time.Duration
	// onLie is called with each lie that is told.
	onLie func(Lie)
}

// SetFaults sets f, which is called for a fault at every request, concurrently
// too. nil ends all faults.
func (s *Server) SetFaults(f func(Request) Fault) {
	if f == nil {
		s.faults.Store(nil)
		return
	}
	s.faults.Store(&f)
}

// applyFault does what comes before the answer, and reports whether the real
// answer is still wanted.
func (x *exchange) applyFault() bool {
	f := &x.fault
	if f.Delay > 0 {
		x.sleep(f.Delay)
	}
	if f.Before != nil {
		f.Before()
	}
	if f.HangUp {
		panic(http.ErrAbortHandler)
	}
	for name, values := range f.Header {
		x.w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.Status == 0 {
		return true
	}
	switch {
	case f.Status < 400:
		x.send(f.Status, nil, 0, 0)
	case f.Code == "" && (f.Status == http.StatusBadGateway || f.Status == http.StatusGatewayTimeout || f.Status/10 == 52):
		x.gatewayPage(f.Status)
	default:
		x.fail(f.failure(x.surface))
	}
	return false
}

func (f *Fault) failure(on surface) *failure {
	known, usual := failure{code: "InternalError", message: http.StatusText(f.Status)}, byStatus
	switch on {
	case surfaceAuth:
		known.code, usual = "unexpected_failure", authByStatus
	case surfaceManagement:
		usual = managementByStatus
	}
	if k, ok := usual[f.Status]; ok {
		known = *k
	}
	if f.Code != "" && f.Code != known.code {
		known.legacy = f.Code
	}
	known.status = f.Status
	known.code = cmp.Or(f.Code, known.code)
	known.message = cmp.Or(f.Message, known.message)
	return &known
}

// gatewayPage is the page of a gateway that cannot reach the server.
func (x *exchange) gatewayPage(status int) {
	title := strconv.Itoa(status) + " " + html.EscapeString(cmp.Or(x.fault.Message, statusText(status)))
	page := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n</body>\r\n</html>\r\n"
	x.w.Header().Set("Content-Type", "text/html")
	x.send(status, blob(page), 0, int64(len(page)))
}

// sleep waits, or ends the exchange when the client has left.
func (x *exchange) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-x.r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}
