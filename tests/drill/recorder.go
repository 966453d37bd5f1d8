package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// answerAfter is how long a message stays in flight after it was noted. It
// widens the window in which a kill hurts, and, with inFlight, holds the rate
// at 250 a second, so that a checkpoint holds what its clock allows and not what
// the disk does.
const answerAfter = 40 * time.Millisecond

// recorder takes what the pipeline delivers.
type recorder struct {
	book     *book
	server   *http.Server
	listener net.Listener
}

func openRecorder(b *book) (*recorder, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &recorder{book: b, listener: l}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(l) }() // ends with close
	return r, nil
}

func (r *recorder) url() string  { return "http://" + r.listener.Addr().String() }
func (r *recorder) close() error { return r.server.Close() }

// ServeHTTP notes a message, and answers a while later. A message that is cut
// short by a kill was not delivered.
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	run, err := strconv.Atoi(req.Header.Get("Drill-Run"))
	if err != nil {
		http.Error(w, "Drill-Run is missing", http.StatusBadRequest)
		return
	}
	sum := md5.Sum(body)
	r.book.delivered(run, req.Header.Get("Drill-Key"), req.Header.Get("Drill-ETag"), hex.EncodeToString(sum[:]))
	timer := time.NewTimer(answerAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-req.Context().Done():
	}
}
