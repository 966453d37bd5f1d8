package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// fakeStorage keeps the sizes of objects by path.
type fakeStorage struct {
	mu      sync.Mutex
	buckets map[string]bool
	objects map[string]int
	reads   int
	shared  int    // removals over a connection that other requests had
	refuses string // uploads whose path ends so
}

// othersKey says of a connection that it had requests other than removals.
type othersKey struct{}

func (f *fakeStorage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	others, _ := r.Context().Value(othersKey{}).(*bool)
	switch {
	case r.Method != http.MethodDelete:
		*others = true
	case *others:
		f.shared++
	}
	path := strings.TrimPrefix(r.URL.Path, "/storage/v1/")
	var asked struct {
		ID       string   `json:"id"`
		Prefixes []string `json:"prefixes"`
	}
	if r.Header.Get("Content-Type") == "application/json" {
		_ = json.Unmarshal(body, &asked)
	}
	switch kind, rest, _ := strings.Cut(path, "/"); {
	case r.Header.Get("Authorization") != "Bearer the-service-role-key":
		w.WriteHeader(http.StatusForbidden)
	case kind == "bucket" && r.Method == http.MethodPost:
		f.buckets[asked.ID] = true
	case kind == "bucket":
		delete(f.buckets, rest)
	case r.Method == http.MethodPost && (!f.buckets["bench-test"] || f.refuses != "" && strings.HasSuffix(rest, f.refuses)):
		http.Error(w, "the object is too large", http.StatusRequestEntityTooLarge)
	case r.Method == http.MethodPost:
		f.objects[rest] = len(body)
	case r.Method == http.MethodDelete:
		for _, name := range asked.Prefixes {
			delete(f.objects, rest+"/"+name)
		}
	default:
		f.reads++
	}
}

func (f *fakeStorage) holds() (buckets, objects, bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, size := range f.objects {
		bytes += size
	}
	return len(f.buckets), len(f.objects), bytes
}

// fakeServer is one that the environment names.
func fakeServer(t *testing.T) *fakeStorage {
	f := &fakeStorage{buckets: map[string]bool{}, objects: map[string]int{}}
	server := httptest.NewUnstartedServer(f)
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, othersKey{}, new(bool))
	}
	server.Start()
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"ENDPOINT": server.URL + "/storage/v1/s3", "REGION": "r", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "SERVICE_ROLE_KEY": "the-service-role-key",
	} {
		t.Setenv(settings+name, value)
	}
	return f
}

func TestTheBucketOfARealRowIsFilledAndRemoved(t *testing.T) {
	f := fakeServer(t)
	r := &real{bucket: "bench-test", busy: true}
	require.Empty(t, r.missing())
	s, err := r.begin(t.Context(), endpoint.Options{Objects: 600, Size: kib}, func(string) {})
	require.NoError(t, err)
	buckets, objects, bytes := f.holds()
	require.Equal(t, []int{1, 600, 600 * int(kib)}, []int{buckets, objects, bytes})
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.reads > 2*readers
	}, time.Minute, time.Millisecond, "others read there")
	require.Equal(t, strings.TrimSuffix(s.account().url, "/s3"), s.account().api)
	s.close()
	buckets, objects, _ = f.holds()
	require.Equal(t, []int{0, 0}, []int{buckets, objects})
	require.Zero(t, f.shared, "a canceled read can end a removal over the same connection")
}

func TestARealServerThatRefusesAnObjectLeavesNothingBehind(t *testing.T) {
	f := fakeServer(t)
	f.refuses = "7.bin"
	_, err := (&real{bucket: "bench-test"}).begin(t.Context(), endpoint.Options{Objects: 20, Size: kib}, func(string) {})
	require.ErrorContains(t, err, "status 413: the object is too large")
	buckets, objects, _ := f.holds()
	require.Equal(t, []int{0, 0}, []int{buckets, objects})
	require.Zero(t, f.shared)
}

func TestRealRowsNameTheSettingsThatTheyMiss(t *testing.T) {
	fakeServer(t)
	t.Setenv(settings+"REGION", "")
	for _, w := range realWorkloads() {
		require.Equal(t, []string{"SUPABASE_TEST_REGION"}, w.real.missing())
	}
}
