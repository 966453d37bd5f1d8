package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	bucketName = "drill"
	// writeEvery is the time from one write to the next. The recorder can answer more
	// than twice as often, so that the pipeline catches up between two kills.
	writeEvery = 20 * time.Millisecond
)

// bucketTraffic is an emulated project and the writer of its bucket.
type bucketTraffic struct {
	book   *book
	server *emulator.Server
	site   *site
	// logged is how much the pipeline has logged.
	logged func() int64
	// quiet reports whether no message is under way.
	quiet func() bool
	// faults chooses the fault of a request.
	faults func(emulator.Request) emulator.Fault
	// deletes says that the pipeline deletes what it has delivered. Then a delivered
	// version is never overwritten: the server has no conditional DELETE, so an
	// overwrite between the check of a version and its deletion would be lost.
	deletes bool

	// plain says that the objects have no user metadata.
	plain bool

	chance *rand.Rand // of the writer
	live   []string
	made   int

	stop    chan struct{}
	stopped sync.WaitGroup
}

func openBucket(ctx context.Context, b *book, seed uint64) (*bucketTraffic, error) {
	t := &bucketTraffic{
		book: b, server: emulator.New(emulator.Options{LogLimit: -1}),
		logged: func() int64 { return 0 }, quiet: func() bool { return true },
		chance: rand.New(rand.NewPCG(seed, 1)),
	}
	t.server.CreateBucket(bucketName)
	t.server.SetFaults(t.watch)
	var err error
	t.site, err = openSite(ctx, t.server)
	return t, err
}

func (t *bucketTraffic) close() error {
	t.pause()
	return t.site.close()
}

// endpoint is where the S3 protocol of the project is.
func (t *bucketTraffic) endpoint() string {
	return t.site.url() + strings.TrimPrefix(t.server.Endpoint(), t.server.URL())
}

// environment is what the pipeline's config needs of the project.
func (t *bucketTraffic) environment() []string {
	s := t.server.Settings()
	return []string{
		"DRILL_ENDPOINT=" + t.endpoint(),
		"DRILL_REGION=" + s.Region, "DRILL_BUCKET=" + bucketName,
		"DRILL_ACCESS_KEY_ID=" + s.AccessKeyID, "DRILL_SECRET_ACCESS_KEY=" + s.SecretAccessKey,
		"DRILL_SECRET_KEY=" + s.SecretKey,
	}
}

// watch sees every request. A listing from the beginning of the bucket starts a
// pass; retries of it do not count.
func (t *bucketTraffic) watch(r emulator.Request) emulator.Fault {
	fault := emulator.Fault{}
	if t.faults != nil {
		fault = t.faults(r)
	}
	harmless := fault.Lie == emulator.LieNone && fault.Status == 0
	if !harmless {
		return fault
	}
	asks := readRequest(r)
	if asks.begins() {
		t.book.passStarted(t.site.active.Load() == 1 && t.quiet())
	}
	for _, key := range asks.deletes {
		t.book.removing(key)
	}
	return fault
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
		i := t.chance.IntN(len(t.live))
		if !t.put(t.live[i], t.mayReplace) {
			t.forget(i)
		}
	default:
		i := t.chance.IntN(len(t.live))
		key := t.live[i]
		t.forget(i)
		t.book.gone(key, func() { t.server.Delete(bucketName, key) })
	}
}

// mayReplace refuses to replace a version that the pipeline has deleted or may be
// deleting.
func (t *bucketTraffic) mayReplace(old *version) bool {
	return old != nil && (!t.deletes || len(old.runs) == 0)
}

// forget stops all writing to a key.
func (t *bucketTraffic) forget(i int) {
	t.live[i] = t.live[len(t.live)-1]
	t.live = t.live[:len(t.live)-1]
}

// create makes an object between existing ones, so that every part of the bucket
// changes.
func (t *bucketTraffic) create() {
	key := t.newKey()
	t.live = append(t.live, key)
	t.put(key, func(*version) bool { return true })
}

func (t *bucketTraffic) newKey() string {
	t.made++
	return fmt.Sprintf("folder-%02d/object-%06d.bin", t.chance.IntN(40), t.made)
}

// put uploads a body that no other version has. Some versions have an ETag that is
// not an MD5, as after multi-part uploads.
func (t *bucketTraffic) put(key string, mayReplace func(*version) bool) bool {
	t.made++
	body := fmt.Appendf(nil, "version %d\n", t.made)
	for range t.chance.IntN(256) {
		body = append(body, "abcdefgh"...)
	}
	v := t.version(key, md5.Sum(body), int64(len(body)))
	if t.chance.IntN(10) == 0 {
		v.etag += "-2"
	}
	return t.book.uploaded(v, mayReplace, func() {
		t.server.Put(bucketName, key, body, v.options()...)
	})
}

// putLarge uploads an object that is read in parts.
func (t *bucketTraffic) putLarge(size int64) error {
	key := t.newKey()
	t.made++
	h := md5.New()
	if _, err := io.Copy(h, emulator.Generated(uint64(t.made), size)); err != nil {
		return err
	}
	v := t.version(key, [md5.Size]byte(h.Sum(nil)), size)
	t.book.uploaded(v, func(*version) bool { return true }, func() {
		t.server.PutGenerated(bucketName, key, size, uint64(t.made), v.options()...)
	})
	return nil
}

// version makes the next version of a key, with metadata that no other version has.
func (t *bucketTraffic) version(key string, sum [md5.Size]byte, size int64) *version {
	text := hex.EncodeToString(sum[:])
	v := &version{
		id: id{key, text}, sum: text, size: size, logged: t.logged(),
		contentType: fmt.Sprintf("application/x-drill-%d", t.made),
	}
	if !t.plain {
		v.author = fmt.Sprintf("author %d", t.made)
	}
	return v
}

// options are how a version is stored.
func (v *version) options() []emulator.PutOption {
	o := []emulator.PutOption{emulator.WithETag(v.etag), emulator.WithContentType(v.contentType)}
	if v.author != "" {
		o = append(o, emulator.WithUserMetadata(map[string]string{"author": v.author}))
	}
	return o
}
