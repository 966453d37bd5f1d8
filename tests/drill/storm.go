package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	stormKeys = 1000
	// Each change is told by two webhooks, each up to stormLate changes late.
	stormLate = 1000
	// stormPosters is how many webhooks are sent at the same time.
	stormPosters = 64
	stormSecret  = "storm"
)

// storm posts webhooks to a worker that serves them itself.
type storm struct {
	*fleet
	chance *rand.Rand
	url    string
	// refused counts the posts that were not answered with 200, and were sent again.
	refused, posted atomic.Int64
}

// change is one change of the bucket, and post a webhook about it.
type change struct {
	key string
	del bool
}

type post struct {
	at   int
	body []byte
}

func runStorm(ctx context.Context, o options, dir string) error {
	if o.number < 4*stormKeys {
		return fmt.Errorf("the number of webhooks is %d; write at least %d, four for each key", o.number, 4*stormKeys)
	}
	fmt.Printf("drill: %d webhooks for %d keys, seed %d\n", o.number, stormKeys, o.seed)
	f, err := openFleet(ctx, o, dir)
	if err != nil {
		return err
	}
	defer f.close()
	const config = "webhook_direct.yaml"
	if err := f.configExists(config); err != nil {
		return err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	if _, err = f.newWorker(ctx, config, "WEBHOOK_ADDRESS="+address, "WEBHOOK_SECRET="+stormSecret); err != nil {
		return err
	}
	s := &storm{fleet: f, chance: rand.New(rand.NewPCG(o.seed, 0)), url: "http://" + address + "/storage"}
	began := time.Now()
	if err := f.start(f.workers[0]); err != nil {
		return err
	}
	samples, err := s.play(ctx, address)
	if err != nil {
		return errors.Join(err, f.book.lockedErr())
	}
	took := time.Since(began)
	if err := f.stop(ctx, f.workers[0]); err != nil {
		return err
	}
	return s.report(os.Stdout, took, samples)
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// play changes the bucket and posts what it did, while the posts of earlier changes are
// still on their way. It returns how much memory the worker held meanwhile.
func (s *storm) play(ctx context.Context, address string) (samples []int64, err error) {
	if err := s.until(ctx, func() bool {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}); err != nil {
		return nil, err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	bodies := make(chan []byte)
	var posters sync.WaitGroup
	for range stormPosters {
		posters.Go(func() {
			for body := range bodies {
				if err := s.post(ctx, body); err != nil {
					fail(err)
				}
			}
		})
	}
	changes := s.changes()
	var late []post
	for i, c := range changes {
		body := s.make(c)
		for range 2 {
			late = append(late, post{i + s.chance.IntN(stormLate), body})
		}
		slices.SortStableFunc(late, func(a, b post) int { return cmp.Compare(a.at, b.at) })
		for len(late) > 0 && (late[0].at <= i || i == len(changes)-1) {
			bodies <- late[0].body
			late = late[1:]
		}
		if i%(len(changes)/40) == 0 {
			samples = append(samples, memoryOf(s.workers[0].process.Pid))
		}
	}
	close(bodies)
	posters.Wait()
	samples = append(samples, memoryOf(s.workers[0].process.Pid))
	return samples, errors.Join(context.Cause(ctx), s.alive())
}

// changes begin with an upload of each key, and end with deletions of some.
func (s *storm) changes() (changes []change) {
	key := func(i int) string { return fmt.Sprintf("folder-%02d/object-%04d.bin", i%40, i) }
	for _, i := range s.chance.Perm(stormKeys) {
		changes = append(changes, change{key: key(i)})
	}
	deleted := s.chance.Perm(stormKeys)[:stormKeys/20]
	for len(changes) < s.number/2-len(deleted) {
		changes = append(changes, change{key: key(s.chance.IntN(stormKeys))})
	}
	for _, i := range deleted {
		changes = append(changes, change{key(i), true})
	}
	return changes
}

// make makes the change, and the webhook of a trigger on storage.objects about it.
func (s *storm) make(c change) []byte {
	record := map[string]any{"bucket_id": bucketName, "name": c.key, "id": "00000000-0000-0000-0000-000000000000"}
	hook := map[string]any{"type": "UPDATE", "table": "objects", "schema": "storage", "record": record, "old_record": record}
	if c.del {
		s.book.gone(c.key, func() { s.bucket.server.Delete(bucketName, c.key) })
		hook["type"], hook["record"] = "DELETE", nil
	} else {
		s.bucket.put(c.key, func(old *version) bool {
			if old == nil {
				hook["type"], hook["old_record"] = "INSERT", nil
			}
			return true
		})
	}
	body, _ := json.Marshal(hook) // strings and maps
	return body
}

// post posts a webhook until it is answered with 200.
func (s *storm) post(ctx context.Context, body []byte) error {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+stormSecret)
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return fmt.Errorf("posting a webhook: %w", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			s.posted.Add(1)
			return nil
		}
		s.refused.Add(1)
	}
}

// memoryOf is how much memory a process holds, in bytes; 0 where the system does not tell.
func memoryOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	found := regexp.MustCompile(`VmRSS:\s*(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0
	}
	kib, _ := strconv.ParseInt(string(found[1]), 10, 64) // digits
	return kib << 10
}

// grows is how much more memory the second half of a run may hold than the first:
// what Go's collector leaves to chance.
const grows = 1.25

func (s *storm) report(w io.Writer, took time.Duration, samples []int64) error {
	for _, v := range s.book.undelivered() {
		s.book.violated("%q with the ETag %q was lost", v.key, v.etag)
	}
	b, o := s.book, s.book.order
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range o.untold() {
		b.wrong.add("%q was delivered and deleted, and no message says that it is gone", key)
	}
	f := b.sum()
	first, second := slices.Max(samples[:len(samples)/2]), slices.Max(samples[len(samples)/2:])
	if float64(second) > grows*float64(first) {
		b.wrong.add("the worker held %d MiB in the first half and %d MiB in the second", first>>20, second>>20)
	}
	told := 0
	for _, a := range o.keys {
		told += min(1, a.told)
	}
	if n := int(s.posted.Load()); n < s.number || f.delivered == 0 {
		b.wrong.add("the drill did nothing: %d webhooks were taken, %d versions delivered", n, f.delivered)
	}
	_, err := fmt.Fprintf(w, `
webhooks             %6d in %s, %d sent again because the answer was not 200
versions uploaded    %6d
  delivered          %6d, the others were overwritten or deleted before
  lost               %6d
keys deleted, told   %6d
messages             %6d
  repeats            %6d
memory               %6d MiB at most in the first half, %d in the second
violations           %6d
`, s.posted.Load(), took.Round(100*time.Millisecond), s.refused.Load(), f.versions, f.delivered, f.missing, told,
		o.arrived, f.messages-f.delivered, first>>20, second>>20, b.wrong.count)
	return errors.Join(err, b.wrong.err())
}
