package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// real is a Supabase Storage that the environment names, in the variables of
// tests/conformance. The work is done in a bucket of its own, which is made before
// and removed afterwards.
type real struct {
	bucket string
	// busy says that the same bucket is read from elsewhere meanwhile.
	busy bool
}

// readers is how many requests the other load keeps under way.
const readers = 16

// missing are the variables that are not set.
func (r *real) missing() (names []string) {
	for _, name := range []string{"ENDPOINT", "REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SERVICE_ROLE_KEY"} {
		if setting(name) == "" {
			names = append(names, settings+name)
		}
	}
	return names
}

const settings = "SUPABASE_TEST_"

func setting(name string) string { return os.Getenv(settings + name) }

// storage is a bucket there.
type storage struct {
	*real
	as     account
	client *http.Client
	keys   []string
	stop   context.CancelFunc
	load   sync.WaitGroup
}

// begin makes the bucket and fills it.
func (r *real) begin(ctx context.Context, o endpoint.Options, progress func(string)) (target, error) {
	as := account{
		url: strings.TrimSuffix(setting("ENDPOINT"), "/"), id: setting("ACCESS_KEY_ID"), secret: setting("SECRET_ACCESS_KEY"),
		region: setting("REGION"), apiKey: setting("SECRET_KEY"), buckets: []string{r.bucket},
	}
	as.api = strings.TrimSuffix(as.url, "/s3")
	s := &storage{real: r, as: as, client: http.DefaultClient}
	for i := range o.Objects {
		s.keys = append(s.keys, fmt.Sprintf("objects/%09d.bin", i))
	}
	progress(fmt.Sprintf("%s: writing %d objects of %d bytes", r.bucket, o.Objects, o.Size))
	s.remove(ctx) // what an interrupted run left
	if err := s.ask(ctx, http.MethodPost, "bucket", fmt.Sprintf(`{"id":%q,"name":%q}`, r.bucket, r.bucket), nil); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, bytes.Repeat([]byte("supabase_storage"), int(o.Size/16))); err != nil {
		s.close() //nolint:contextcheck // what was made is removed, also after an interrupt
		return nil, err
	}
	loading, stop := context.WithCancel(ctx)
	s.stop = stop
	for i := range readers {
		if r.busy {
			s.load.Go(func() { s.read(loading, i) })
		}
	}
	return s, nil
}

// fill writes all objects.
func (s *storage) fill(ctx context.Context, content []byte) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for worker := range readers {
		group.Go(func() {
			for i := worker; i < len(s.keys); i += readers {
				if err := s.ask(ctx, http.MethodPost, "object/"+s.bucket+"/"+s.keys[i], string(content), nil); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// read reads one object after the other until the context ends.
func (s *storage) read(ctx context.Context, i int) {
	for ; ctx.Err() == nil; i += readers {
		_ = s.ask(ctx, http.MethodGet, "object/authenticated/"+s.bucket+"/"+s.keys[i%len(s.keys)], "", io.Discard) // what fails is load as well
	}
}

// ask makes one request of the REST API.
func (s *storage) ask(ctx context.Context, method, path, body string, to io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, method, s.as.api+"/"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	key := setting("SERVICE_ROLE_KEY")
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("apikey", key)
	req.Header.Set("Content-Type", "application/octet-stream")
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, lastWords)) // the status says enough
		return fmt.Errorf("%s %s: status %d: %s", method, path, resp.StatusCode, why)
	}
	if to == nil {
		to = io.Discard
	}
	_, err = io.Copy(to, resp.Body)
	return err
}

// remove removes the objects and the bucket.
func (s *storage) remove(ctx context.Context) {
	const atOnce = 500
	for i := 0; i < len(s.keys); i += atOnce {
		names, _ := json.Marshal(map[string]any{"prefixes": s.keys[i:min(i+atOnce, len(s.keys))]}) // strings alone: never fails
		_ = s.ask(ctx, http.MethodDelete, "object/"+s.bucket, string(names), nil)                  // the bucket may not exist
	}
	_ = s.ask(ctx, http.MethodDelete, "bucket/"+s.bucket, "{}", nil)
}

func (s *storage) account() account { return s.as }

func (s *storage) stats(context.Context) (endpoint.Stats, error) { return endpoint.Stats{}, nil }

func (s *storage) reset(context.Context) error { return nil }

// close ends the other load and removes what was made. The removal has connections of
// its own: one that a canceled request has just given back may still end with it.
func (s *storage) close() {
	if s.stop != nil {
		s.stop()
	}
	s.load.Wait()
	s.client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s.remove(ctx)
}
