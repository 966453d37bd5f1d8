package top

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

const (
	// answerTimeout is how long an answer may take: a server that is alive answers at
	// once.
	answerTimeout = 5 * time.Second
	// answerMost bounds an answer in bytes. An input has 18 KB of metrics, so it is
	// enough for thousands of streams.
	answerMost = 64 << 20
)

// server is the HTTP server of a pipeline.
type server struct {
	base   url.URL // without a password
	user   *url.Userinfo
	client http.Client
}

// newServer reads an address as people write it: a host and a port, or a URL, with
// /metrics or without.
func newServer(address string) (*server, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || strings.Contains(u.Path, "@") {
		// Not with the address, or what was read of it: it may hold a password.
		return nil, errors.New("the URL can't be read: write it like http://127.0.0.1:4195, or http://USER:PASSWORD@HOST:PORT with %-escapes for signs such as / in the password")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s is not the URL of a pipeline: write it like http://127.0.0.1:4195", u.Redacted())
	}
	s := &server{user: u.User, base: url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}}
	s.base.Path = strings.TrimRight(s.base.Path, "/")
	for _, end := range []string{"/metrics", "/stats", "/ready"} {
		s.base.Path = strings.TrimSuffix(s.base.Path, end)
	}
	s.client.Timeout = answerTimeout
	// The pipeline is asked itself, not through the proxy that its downloads take: the
	// proxy would see the password.
	s.client.Transport = &http.Transport{}
	return s, nil
}

// answer is what a path answered.
type answer struct {
	status int
	body   []byte
}

func (s *server) get(ctx context.Context, path string) (answer, error) {
	target := s.base
	target.Path += path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return answer{}, err
	}
	if s.user != nil {
		password, _ := s.user.Password()
		req.SetBasicAuth(s.user.Username(), password)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, s.unreachable(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, answerMost))
	if err != nil {
		return answer{}, s.unreachable(ctx, err)
	}
	return answer{res.StatusCode, body}, nil
}

// look is what a pipeline showed at one time.
type look struct {
	at       time.Time
	metrics  metrics
	statuses []status
	version  string
	// ended are the streams that have ended, "" being a pipeline that is no stream.
	ended map[string]bool
}

// status is what /ready says of one input or output.
type status struct {
	Stream    string `json:"-"`
	Label     string `json:"label"`
	Path      string `json:"path"`
	Connected bool   `json:"connected"`
	Error     string `json:"error"`
}

// look asks for everything once. The error names the remedy.
func (s *server) look(ctx context.Context) (*look, error) {
	a, err := s.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	if err := s.refusal(ctx, a); err != nil {
		return nil, err
	}
	l := &look{ended: map[string]bool{}}
	if l.metrics, err = parseMetrics(a.body); err != nil {
		return nil, fmt.Errorf("what answers at %s/metrics is no pipeline of Benthos: %w", s.base.String(), err)
	}
	if len(l.metrics.inputs) == 0 {
		return nil, s.noInput(l.metrics)
	}
	streams := []string{}
	for k := range l.metrics.inputs {
		if !slices.Contains(streams, k.stream) {
			streams = append(streams, k.stream)
		}
	}
	slices.Sort(streams)
	for _, stream := range streams {
		if err := s.ready(ctx, l, stream); err != nil {
			return nil, err
		}
	}
	if a, err := s.get(ctx, "/version"); err == nil && a.status == http.StatusOK {
		var v struct {
			Version string `json:"version"`
		}
		_ = json.Unmarshal(a.body, &v) // a version that can't be read is not shown
		l.version = view.Cut(v.Version, 60)
	}
	return l, nil
}

// ready asks what is connected. In streams mode each stream has a path of its own.
func (s *server) ready(ctx context.Context, l *look, stream string) error {
	path := "/ready"
	if stream != "" {
		path = "/" + stream + path
	}
	a, err := s.get(ctx, path)
	if err != nil {
		return err
	}
	var ready struct {
		Error    string   `json:"error"`
		Statuses []status `json:"statuses"`
	}
	if json.Unmarshal(a.body, &ready) != nil {
		// A stream that was removed keeps its metrics, and has no /ready any more.
		l.ended[stream] = stream != "" && a.status == http.StatusNotFound
		return nil
	}
	l.ended[stream] = ready.Error == "stream terminated"
	for _, st := range ready.Statuses {
		st.Stream = stream
		l.statuses = append(l.statuses, st)
	}
	return nil
}

// unreachable is an error without an answer.
type unreachable struct{ error }

func (s *server) unreachable(ctx context.Context, err error) error {
	var dns *net.DNSError
	var notTLS tls.RecordHeaderError
	var timeout interface{ Timeout() bool }
	host := s.base.Host
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreachable{fmt.Errorf("nothing listens at %s: see that the pipeline runs, and that its http.address is this one and http.enabled is not false", host)}
	case errors.As(err, &dns):
		return unreachable{fmt.Errorf("the host name of %s does not resolve: %s", host, view.OneLine(dns.Err))}
	case errors.As(err, &notTLS), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return unreachable{fmt.Errorf("%s does not speak HTTPS: write http:// in place of https://", host)}
	case errors.As(err, &timeout) && timeout.Timeout():
		return unreachable{fmt.Errorf("%s does not answer within %s: see that host and port are right, and that no firewall is in between", host, view.Duration(answerTimeout))}
	default:
		for inner := new(url.Error); errors.As(err, &inner); {
			err = inner.Err // the text of the outer one holds the URL again
		}
		return unreachable{fmt.Errorf("%s can't be reached: %s", host, view.Cut(err.Error(), 300))}
	}
}

// refusal explains an answer of /metrics that has no metrics.
func (s *server) refusal(ctx context.Context, a answer) error {
	base := s.base.String()
	switch {
	case a.status == http.StatusOK:
		return nil
	case a.status == http.StatusUnauthorized && s.user == nil:
		return fmt.Errorf("%s asks for a user name and a password (http.basic_auth): write %s://USER:PASSWORD@%s%s", base, s.base.Scheme, s.base.Host, s.base.Path)
	case a.status == http.StatusUnauthorized:
		return fmt.Errorf("%s refuses the user name or the password (http.basic_auth)", base)
	case a.status == http.StatusBadRequest && strings.Contains(string(a.body), "HTTP request to an HTTPS server"):
		return fmt.Errorf("%s speaks HTTPS: write https:// in place of http://", s.base.Host)
	case a.status >= http.StatusInternalServerError:
		return unreachable{fmt.Errorf("%s/metrics answers with %d %s", base, a.status, http.StatusText(a.status))}
	case a.status == http.StatusNotFound:
		if ping, err := s.get(ctx, "/ping"); err == nil && string(ping.body) == "pong" {
			return fmt.Errorf("the pipeline at %s serves no metrics: write metrics: {prometheus: {}} in its config; types such as none, logger and statsd can't be read from here", base)
		}
	}
	return fmt.Errorf("what answers at %s is no pipeline of Benthos: /metrics gives %d %s; write the http.address of the pipeline", base, a.status, http.StatusText(a.status))
}

// noInput explains metrics without a supabase_storage input.
func (s *server) noInput(m metrics) error {
	if !m.benthos {
		return fmt.Errorf("what answers at %s has metrics, but is no pipeline of Benthos with an input: write the http.address of the pipeline", s.base.String())
	}
	return fmt.Errorf("the pipeline at %s has no supabase_storage input, or its metrics.mapping renames or drops the metrics %s*", s.base.String(), prefix)
}

// isUnreachable reports whether asking again may help.
func isUnreachable(err error) bool {
	var u unreachable
	return errors.As(err, &u)
}

// byName orders inputs: by stream, then by path, in which numbers count as numbers.
func byName(a, b key) int {
	return cmp.Or(strings.Compare(a.stream, b.stream), byPath(a.path, b.path), strings.Compare(a.label, b.label))
}

func byPath(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		m, errA := strconv.Atoi(a)
		n, errB := strconv.Atoi(b)
		if errA == nil && errB == nil {
			return m - n
		}
		return strings.Compare(a, b)
	})
}
