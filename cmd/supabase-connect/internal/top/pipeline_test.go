package top

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pipeline answers as the HTTP server of a pipeline does, without a socket.
type pipeline struct {
	mu      sync.Mutex
	answers map[string]answer // by path
	err     error             // in place of any answer
	asked   []string
	auth    string
}

func (p *pipeline) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.URL.Path)
	p.auth = r.Header.Get("Authorization")
	if p.err != nil {
		return nil, p.err
	}
	a, ok := p.answers[r.URL.Path]
	if !ok {
		a = answer{http.StatusNotFound, []byte("404 page not found\n")}
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a.body))), Request: r}, nil
}

func (p *pipeline) set(path string, status int, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers == nil {
		p.answers = map[string]answer{}
	}
	p.answers[path] = answer{status, []byte(body)}
}

// fail has every request fail, or none.
func (p *pipeline) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// server is a server that talks to the pipeline.
func (p *pipeline) server(t *testing.T, url string) *server {
	t.Helper()
	s, err := newServer(url)
	require.NoError(t, err)
	s.client.Transport = p
	return s
}

// labels are those of an input's series in the text format.
type labels struct{ stream, label, path string }

func (l labels) String() string {
	text := fmt.Sprintf("label=%q,path=%q", l.label, "root."+l.path)
	if l.stream != "" {
		text += fmt.Sprintf(",stream=%q", l.stream)
	}
	return text
}

// series are metrics of one input, "name" or "name label value" as in the code. With
// "@bucket" or "@project/bucket" at its end, a name has these labels.
type series map[string]int64

// labelOf are the labels of the metrics that have one.
var labelOf = map[string]string{"filtered": "rule", "parked": "reason", "parked_objects": "reason", "retries": "cause", "pass_under_way": "kind", "scopes": "state"}

// exposition writes what /metrics shows of some inputs.
func exposition(inputs map[labels]series) string {
	var text strings.Builder
	for of, s := range inputs {
		for name, value := range s {
			name, bucket, several := strings.Cut(name, "@")
			name, own, labelled := strings.Cut(name, " ")
			all := of.String()
			if project, rest, ok := strings.Cut(bucket, "/"); ok {
				all += fmt.Sprintf(",project=%q", project)
				bucket = rest
			}
			if several {
				all += fmt.Sprintf(",bucket=%q", bucket)
			}
			if labelled {
				all += fmt.Sprintf(",%s=%q", labelOf[name], own)
			}
			fmt.Fprintf(&text, "supabase_storage_%s{%s} %d\n", name, all, value)
		}
		fmt.Fprintf(&text, "supabase_storage_list_page_ns_sum{%s} 12\n", of)
		fmt.Fprintf(&text, "input_connection_up{%s} 1\n", of)
	}
	return text.String()
}

// ready writes what /ready shows of connected inputs and outputs.
func ready(paths ...string) string {
	var all []string
	for _, path := range paths {
		label, path, _ := strings.Cut(path, "@")
		all = append(all, fmt.Sprintf(`{"label":%q,"path":%q,"connected":true}`, label, path))
	}
	return `{"statuses":[` + strings.Join(all, ",") + `]}`
}

// noon is when tests look.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// unix is a time in Unix seconds, from noon.
func unix(d time.Duration) int64 { return noon.Add(d).Unix() }

// seen watches a pipeline with looks a second apart, and returns the last report.
func seen(t *testing.T, p *pipeline, looks ...map[labels]series) Report {
	t.Helper()
	s := p.server(t, "http://127.0.0.1:4195")
	w := newWatch(s.base.String())
	var r Report
	for i, inputs := range looks {
		p.set("/metrics", http.StatusOK, exposition(inputs))
		l, err := s.look(t.Context())
		require.NoError(t, err)
		l.at = noon.Add(time.Duration(i-len(looks)+1) * time.Second)
		r = w.see(l)
	}
	return r
}
