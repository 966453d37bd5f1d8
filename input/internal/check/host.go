package check

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// checkHost makes a request without credentials: name, connection and
// certificate are right if a storage server answers it.
func (c *checker) checkHost(ctx context.Context) Step {
	var way *route
	var took time.Duration
	err := c.try(ctx, func(ctx context.Context) error {
		way = &route{}
		start := time.Now()
		err := c.client.Answers(httptrace.WithClientTrace(ctx, way.trace()))
		took = time.Since(start)
		return err
	})
	if err != nil {
		return c.failed(StepHost, way.String(), err)
	}
	found, who := c.conf.Project.Address(), "an S3 server"
	if c.conf.Project.OverREST() {
		who = "Storage"
	}
	if text := way.String(); text != "" {
		found += ", " + text
	}
	found = fmt.Sprintf("%s, %s answers in %s", found, who, milliseconds(took))
	if behind := c.project.gateway.String(); behind != "" {
		found += ", " + behind
	}
	return Step{Name: StepHost, Status: OK, Found: found}
}

// milliseconds rounds up: 0s would look like no answer at all.
func milliseconds(d time.Duration) time.Duration {
	return max(d.Round(time.Millisecond), time.Millisecond)
}

// route is how far a request came on its way to the server. With a proxy it is
// the way to the proxy.
type route struct {
	mu    sync.Mutex
	stops []string
}

func (r *route) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSDone: func(info httptrace.DNSDoneInfo) {
			if info.Err == nil && len(info.Addrs) > 0 {
				r.add("DNS " + info.Addrs[0].String())
			}
		},
		ConnectDone: func(_, addr string, err error) {
			if err == nil {
				r.add("connected to " + addr)
			}
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				r.add(tls.VersionName(state.Version))
			}
		},
	}
}

func (r *route) add(stop string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops = append(r.stops, stop)
}

// String lists the stops, "" where nothing is known of the way.
func (r *route) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.stops, ", ")
}
