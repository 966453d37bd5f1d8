//go:build unix

package binary_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostMemory is what the process may take, in MiB, whatever a server claims. It
// takes 70 to 100 of them when it does little.
const mostMemory = 200

// hostile is a bucket of objects that are alike, behind a server that lies.
type hostile struct {
	objects int
	body    []byte
	listed  int64 // the size that is listed; 0 is that of the body
	meta    string
	// page, where it is not nil, is the answer to every listing of more than one
	// key, and announced says whether its length is.
	page      []byte
	announced bool
	// ranges lies about how long the rest of an object is, after whole answers that
	// break off.
	ranges bool
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	etag := fmt.Sprintf("%x", md5.Sum(h.body))
	key := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/storage/v1/s3/media"), "/")
	if key == "" {
		h.list(w, r, etag)
		return
	}
	w.Header().Set("Etag", `"`+etag+`"`)
	if h.meta != "" {
		w.Header().Set("X-Amz-Meta-Big", h.meta)
	}
	switch from := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"); {
	case h.ranges && from != "":
		size := int64(len(h.body)) + 1<<34
		start, _ := strconv.ParseInt(strings.Split(from, "-")[0], 10, 64)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, size-1, size))
		w.Header().Set("Content-Length", strconv.FormatInt(size-start, 10))
		w.WriteHeader(http.StatusPartialContent)
		for range 1 << 10 { // of megabytes, unless the client hangs up
			if _, err := w.Write(h.body[:1<<20]); err != nil {
				return
			}
		}
	case h.ranges:
		w.Header().Set("Content-Length", strconv.Itoa(len(h.body)))
		_, _ = w.Write(h.body[:len(h.body)/4])
		panic(http.ErrAbortHandler)
	default:
		_, _ = w.Write(h.body)
	}
}

func (h *hostile) list(w http.ResponseWriter, r *http.Request, etag string) {
	if h.page != nil && r.URL.Query().Get("max-keys") != "1" {
		if h.announced {
			w.Header().Set("Content-Length", strconv.Itoa(len(h.page)))
		}
		_, _ = w.Write(h.page)
		return
	}
	size := h.listed
	if size == 0 {
		size = int64(len(h.body))
	}
	var doc strings.Builder
	doc.WriteString("<ListBucketResult><IsTruncated>false</IsTruncated>")
	for i := range h.objects {
		if key := fmt.Sprintf("%04d", i); strings.HasPrefix(key, r.URL.Query().Get("prefix")) && key > r.URL.Query().Get("start-after") {
			fmt.Fprintf(&doc, "<Contents><Key>%s</Key><ETag>%s</ETag><Size>%d</Size></Contents>", key, etag, size)
		}
	}
	doc.WriteString("</ListBucketResult>")
	_, _ = w.Write([]byte(doc.String()))
}

// TestMemoryFollowsWhatArrivesAndNotWhatIsClaimed watches the peak of the whole
// process.
func TestMemoryFollowsWhatArrivesAndNotWhatIsClaimed(t *testing.T) {
	large := append(append([]byte("<ListBucketResult>"), bytes.Repeat([]byte(" "), 30<<20)...), "</ListBucketResult>"...)
	for name, h := range map[string]*hostile{
		"a range that lies about its length": {objects: 3, body: bytes.Repeat([]byte("x"), 12<<20), ranges: true},
		"a listing that claims 10 TB":        {objects: 32, body: []byte("small"), listed: 10 << 40},
		"a listing that claims 10 GB":        {objects: 32, body: []byte("small"), listed: 10 << 30},
		"a page of 30 MB":                    {objects: 1, body: []byte("x"), page: large, announced: true},
		"a page of 30 MB in chunks":          {objects: 1, body: []byte("x"), page: large},
		"metadata of 1 MB an object":         {objects: 64, body: []byte("x"), meta: strings.Repeat("y", 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(h)
			defer server.Close()
			config := filepath.Join(t.TempDir(), "config.yaml")
			require.NoError(t, os.WriteFile(config, []byte(`
http: {enabled: false}
input:
  supabase_storage:
    endpoint: `+server.URL+`/storage/v1/s3
    region: us-east-1
    credentials: {access_key_id: id, secret_access_key: secret}
    source_path: media
    retry: {max_attempts: 3, initial_interval: 10ms, max_interval: 100ms}
output: {drop: {}}
`), 0o600))
			run := exec.CommandContext(t.Context(), filepath.Join(binDir, binary), "run", config)
			out, err := run.CombinedOutput()
			require.Error(t, err, "exit code 1: nothing of it can be right\n%.2000s", out)
			usage, ok := run.ProcessState.SysUsage().(*syscall.Rusage)
			require.True(t, ok)
			require.Less(t, usage.Maxrss>>10, int64(mostMemory), "%.2000s", out)
			t.Logf("%d MiB", usage.Maxrss>>10)
		})
	}
}
