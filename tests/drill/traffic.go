package main

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	bucketName = "drill"
	// writeEvery is the time from one write to the next: a fifth of what the
	// recorder takes, so that the pipeline catches up between two kills.
	writeEvery = 20 * time.Millisecond
	// badGets is the part of the downloads that fails, or is cut, at first.
	badGets = 0.05
)

// bucketTraffic is an emulated project and who writes to its bucket.
type bucketTraffic struct {
	book     *book
	server   *emulator.Server
	listener *emulator.Listener

	chance *rand.Rand // of the one who writes
	live   []string
	made   int

	stop    chan struct{}
	stopped sync.WaitGroup
}

func openBucket(b *book, seed uint64) (*bucketTraffic, error) {
	t := &bucketTraffic{
		book: b, server: emulator.New(emulator.Options{LogLimit: -1}),
		chance: rand.New(rand.NewPCG(seed, 1)),
	}
	t.server.CreateBucket(bucketName)
	t.server.SetFaults(t.watch)
	var err error
	t.listener, err = t.server.Start("")
	return t, err
}

func (t *bucketTraffic) close() error {
	t.pause()
	return t.listener.Close()
}

// environment is what the pipeline's config needs of the project.
func (t *bucketTraffic) environment() []string {
	s := t.server.Settings()
	return []string{
		"DRILL_ENDPOINT=" + t.listener.Endpoint(), "DRILL_REGION=" + s.Region, "DRILL_BUCKET=" + bucketName,
		"DRILL_ACCESS_KEY_ID=" + s.AccessKeyID, "DRILL_SECRET_ACCESS_KEY=" + s.SecretAccessKey,
	}
}

// watch sees every request. A listing from the bucket's beginning is the start
// of a pass, unless it asks for a single key to see whether there is a bucket.
// A download may fail, but not when it is tried again: so none is given up.
func (t *bucketTraffic) watch(r emulator.Request) emulator.Fault {
	switch {
	case r.Op == emulator.OpList && r.Query.Get("max-keys") != "1" &&
		r.Query.Get("start-after") == "" && r.Query.Get("continuation-token") == "":
		t.book.passStarted()
	case r.Op == emulator.OpGet && r.KeyN%2 == 1:
		switch p := rand.Float64(); {
		case p < badGets/2:
			return emulator.Fault{Status: 500}
		case p < badGets:
			return emulator.Fault{CutFraction: 0.5}
		}
	}
	return emulator.Fault{}
}

// fill makes the first objects.
func (t *bucketTraffic) fill(n int) {
	for range n {
		t.create()
	}
}

// resume begins to write, until pause.
func (t *bucketTraffic) resume() {
	stop := make(chan struct{})
	t.stop = stop
	t.stopped.Go(func() {
		tick := time.NewTicker(writeEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				t.write()
			case <-stop:
				return
			}
		}
	})
}

// pause returns when nothing more is written.
func (t *bucketTraffic) pause() {
	if t.stop != nil {
		close(t.stop)
		t.stop = nil
	}
	t.stopped.Wait()
}

func (t *bucketTraffic) write() {
	switch p := t.chance.Float64(); {
	case p < 0.35 || len(t.live) == 0:
		t.create()
	case p < 0.8:
		t.put(t.live[t.chance.IntN(len(t.live))])
	default:
		i := t.chance.IntN(len(t.live))
		key := t.live[i]
		t.live[i] = t.live[len(t.live)-1]
		t.live = t.live[:len(t.live)-1]
		t.book.hidden(key)
		t.server.Delete(bucketName, key)
	}
}

// create makes an object between others, so that every part of the bucket
// changes.
func (t *bucketTraffic) create() {
	t.made++
	key := fmt.Sprintf("folder-%02d/object-%06d.bin", t.chance.IntN(40), t.made)
	t.live = append(t.live, key)
	t.put(key)
}

// put uploads a body that no other version has.
func (t *bucketTraffic) put(key string) {
	t.made++
	body := fmt.Appendf(nil, "version %d\n", t.made)
	for range t.chance.IntN(256) {
		body = append(body, "abcdefgh"...)
	}
	sum := md5.Sum(body)
	t.book.hidden(key)
	seen := t.book.uploading(key, hex.EncodeToString(sum[:]))
	t.server.Put(bucketName, key, body)
	seen()
}
