package main

import (
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answerAfter is how long a message stays in flight after it was noted. It
// widens the window in which a kill hurts.
const answerAfter = 40 * time.Millisecond

// recorder notes in the book what a pipeline delivers.
type recorder struct {
	book *book
	gate *gate // nil without a state
}

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
	if r.gate.pass(req.Context()) != nil {
		return // the sender is gone
	}
	m := message{key: req.Header.Get("Drill-Key"), etag: req.Header.Get("Drill-ETag")}
	if req.Header.Get("Drill-Event") == "deleted" {
		r.book.toldDeleted(run, m.key)
	} else {
		sum := md5.Sum(body)
		m.sum, m.size = hex.EncodeToString(sum[:]), strconv.Itoa(len(body))
		m.contentType, m.author = req.Header.Get("Drill-Type"), req.Header.Get("Drill-Author")
		if size := req.Header.Get("Drill-Size"); size != m.size {
			m.size = size + " in its metadata and " + m.size
		}
		r.book.delivered(run, m)
	}
	timer := time.NewTimer(answerAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-req.Context().Done():
	}
}
