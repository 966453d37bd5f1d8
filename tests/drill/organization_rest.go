package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// restOptions shape the play in which nothing happens.
type restOptions struct {
	minutes  float64
	tokens   int           // requests a minute that the Management API answers in all; 0 is no limit
	apiDelay time.Duration // of each answer of the Management API
	tls      bool
	profile  string
}

// watched counts what comes to the organization.
type watched struct {
	http.Handler
	refused atomic.Int64
	site    *site

	mu sync.Mutex
	// api are the times of the requests to the Management API.
	api []time.Time
}

// ServeHTTP notes refusals.
func (w *watched) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.Handler.ServeHTTP(&status{rw, w}, r)
}

type status struct {
	http.ResponseWriter
	of *watched
}

// WriteHeader notes a refusal for too many requests.
func (s *status) WriteHeader(code int) {
	if code == http.StatusTooManyRequests {
		s.of.refused.Add(1)
	}
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets the emulator flush and cut answers.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// asked hears of each request to the Management API.
func (w *watched) asked(delay time.Duration) func(emulator.Request) emulator.Fault {
	return func(emulator.Request) emulator.Fault {
		w.mu.Lock()
		w.api = append(w.api, time.Now())
		w.mu.Unlock()
		return emulator.Fault{Delay: delay}
	}
}

// apiSince is how many requests came to the Management API since then, and the most of
// them within 60 seconds.
func (w *watched) apiSince(since time.Time) (all, most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var times []time.Time
	for _, at := range w.api {
		if !at.Before(since) {
			times = append(times, at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	for from, to := 0, 0; to < len(times); to++ {
		for times[to].Sub(times[from]) >= time.Minute {
			from++
		}
		most = max(most, to-from+1)
	}
	return len(times), most
}

// sample is what the process has used, and what it has asked for, up to a moment.
type sample struct {
	at                        time.Time
	lists, buckets, gets      int
	others                    int // of Storage
	api                       int
	cpu                       time.Duration
	rss                       int64
	files, goroutines, opened int
	lines                     int
	state                     string
}

// listOps are the listings of objects and of buckets, over either plane.
var (
	listOps   = []emulator.Op{emulator.OpList, emulator.OpListV2}
	bucketOps = []emulator.Op{emulator.OpListBuckets, emulator.OpRESTListBuckets}
	getOps    = []emulator.Op{emulator.OpGet, emulator.OpRESTGet}
)

func (d *organizationDrill) count(ops []emulator.Op) (n int) {
	for _, op := range ops {
		n += d.org.Count(op)
	}
	return n
}

func (d *organizationDrill) sample(ctx context.Context, w *watched, debug string) sample {
	storage, api := d.org.Requests()
	s := sample{
		at: time.Now(), lists: d.count(listOps), buckets: d.count(bucketOps), gets: d.count(getOps), api: api,
		opened: int(w.site.opened.Load()), lines: strings.Count(d.pipeline.loggedSince(0), "\n"),
		state: digestOf(d.state),
	}
	s.others = storage - s.lists - s.buckets - s.gets
	s.cpu, s.rss, s.files = usage(d.pipeline.process.Pid)
	s.goroutines = goroutines(ctx, debug)
	return s
}

// goroutines asks the process how many it has, 0 where it does not say.
func goroutines(ctx context.Context, debug string) int {
	text, err := fetchText(ctx, debug+"/debug/pprof/goroutine?debug=1")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(text, "\n")
	n, _ := strconv.Atoi(strings.TrimPrefix(line, "goroutine profile: total "))
	return n
}

func fetchText(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(text), err
}

// rest delivers everything, and watches what it costs that nothing happens; then it
// starts again and watches how long it takes until everything is looked at.
func (d *organizationDrill) rest(ctx context.Context, dir string) error {
	w := &watched{Handler: d.org}
	d.org.SetAPIFaults(w.asked(d.organization.rest.apiDelay))
	where, closeAll, err := d.serve(ctx, w, dir)
	if err != nil {
		return err
	}
	defer closeAll()
	debug, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	interval := d.organization.interval
	err = d.open(dir, "rest", "sync_mode: continuous", "polling_interval: "+interval.String(), `state: {path: "${DRILL_STATE}"}`)
	if err != nil {
		return err
	}
	d.pipeline.set = []string{"http.enabled=true", "http.debug_endpoints=true", "http.address=" + debug}
	d.pipeline.env = append(d.pipeline.env, where...)
	began := time.Now()
	if err := d.pipeline.start(1); err != nil {
		return err
	}
	defer d.pipeline.kill()
	every := func(string) bool { return true }
	if err := d.until(ctx, "not everything was delivered", func() bool { return d.missing(every) == 0 }); err != nil {
		return err
	}
	used, rss, _ := usage(d.pipeline.process.Pid)
	all, most := w.apiSince(began)
	fmt.Printf("drill: rest: all %d objects delivered in %.1f s, CPU %.1f s, memory %d MiB; %d requests to the Management API, %d within a minute, %d refused\n",
		len(d.put), time.Since(began).Seconds(), used.Seconds(), rss>>20, all, most, w.refused.Load())
	// The pass that was under way ends, the last acks are written, and the pass after it
	// writes that it was complete.
	if err := d.looking(2)(ctx, 1); err != nil {
		return err
	}
	first := d.sample(ctx, w, "http://"+debug)
	if err := d.watch(ctx, debug); err != nil {
		return err
	}
	last := d.sample(ctx, w, "http://"+debug)
	d.tellRest(w, first, last)
	return d.again(ctx, w)
}

// serve serves the organization, and returns the environment of a pipeline that is to
// find it.
func (d *organizationDrill) serve(ctx context.Context, w *watched, dir string) (env []string, closeAll func(), err error) {
	if d.organization.rest.tls {
		h, err := openHosted(ctx, w, dir)
		if err != nil {
			return nil, nil, err
		}
		w.site = h.proxy
		return append(h.env(), "DRILL_API_URL=https://api.supabase.com", "DRILL_ENDPOINT=https://{project_ref}.storage.supabase.co/storage/v1/s3"), h.close, nil
	}
	if w.site, err = openSite(ctx, w); err != nil {
		return nil, nil, err
	}
	return []string{"DRILL_API_URL=" + w.site.url(), "DRILL_ENDPOINT=" + w.site.url() + "/{project_ref}/storage/v1/s3"}, func() { _ = w.site.close() }, nil
}

// watch lets the time pass, and takes a profile of it where one is wanted.
func (d *organizationDrill) watch(ctx context.Context, debug string) error {
	o := d.organization.rest
	wait := time.Duration(o.minutes * float64(time.Minute))
	if o.profile == "" {
		return d.pipeline.live(ctx, wait)
	}
	ctx, cancel := context.WithTimeout(ctx, wait+time.Minute)
	defer cancel()
	return takeProfiles(ctx, "http://"+debug, o.profile, wait)
}

// tellRest prints what a minute costs, and judges it.
func (d *organizationDrill) tellRest(w *watched, first, last sample) {
	minutes := last.at.Sub(first.at).Minutes()
	rate := func(a, b int) float64 { return float64(b-a) / minutes }
	api, most := w.apiSince(first.at)
	fmt.Printf(`
at rest, a minute    %8.1f minutes, %d projects, %d buckets, polled every %s
listings of objects  %8.0f
lists of buckets     %8.0f
downloads            %8.0f
others of Storage    %8.0f
Management API       %8.1f, at most %d within 60 s
refused with 429     %8d since the start
CPU                  %8.2f s
memory               %8d MiB
goroutines           %8d
open files           %8d
new connections      %8.0f
log lines            %8.1f
state written        %8t
`, minutes, d.number, d.number*d.organization.buckets, d.organization.interval,
		rate(first.lists, last.lists), rate(first.buckets, last.buckets), rate(first.gets, last.gets), rate(first.others, last.others),
		float64(api)/minutes, most, w.refused.Load(),
		(last.cpu-first.cpu).Seconds()/minutes, last.rss>>20, last.goroutines, last.files, rate(first.opened, last.opened), rate(first.lines, last.lines),
		first.state != last.state)
	passes := int(minutes*float64(time.Minute)/float64(d.organization.interval)) + 1
	judge := func(what string, n, allowed int) {
		if n > allowed {
			d.wrong.add("%s: %d at rest, and %d are enough", what, n, allowed)
		}
	}
	scopes := d.number * d.organization.buckets
	judge("listings of objects", last.lists-first.lists, passes*scopes)
	judge("lists of buckets", last.buckets-first.buckets, passes*d.number)
	judge("downloads", last.gets-first.gets, 0)
	judge("other requests to Storage", last.others-first.others, 0)
	judge("requests of the Management API in a minute", most, max(d.organization.rest.tokens, 120))
	judge("lines of the log", last.lines-first.lines, 0)
	if first.state != last.state {
		d.wrong.add("the state was written, and nothing had happened")
	}
	if last.lists == first.lists {
		d.wrong.add("no bucket was looked at")
	}
	d.requireOnce()
}

// again starts another process, which has to ask for all keys again.
func (d *organizationDrill) again(ctx context.Context, w *watched) error {
	d.pipeline.kill()
	looked := d.looking(1)
	began := time.Now()
	if err := d.pipeline.start(2); err != nil {
		return err
	}
	var took []string
	for _, share := range []float64{0.5, 0.9, 1} {
		if err := looked(ctx, share); err != nil {
			return err
		}
		took = append(took, fmt.Sprintf("%.0f %% after %.1f s", 100*share, time.Since(began).Seconds()))
	}
	all, most := w.apiSince(began)
	fmt.Printf("drill: rest: after a restart the projects were looked at: %s; %d requests to the Management API, %d within a minute, %d refused in all\n",
		strings.Join(took, ", "), all, most, w.refused.Load())
	d.pipeline.kill()
	d.requireOnce()
	fmt.Printf("drill: rest: peak memory %d MiB, CPU %.1f s in all\n", d.pipeline.peak>>20, d.pipeline.cpu.Seconds())
	if d.organization.rest.tokens > 0 && w.refused.Load() > 0 {
		d.wrong.add("the Management API refused %d requests", w.refused.Load())
	}
	return nil
}

// looking returns a wait for a share of the projects to have so many more listings of
// each of their buckets.
func (d *organizationDrill) looking(times int) func(ctx context.Context, share float64) error {
	before := map[*emulator.Server]int{}
	for _, s := range d.org.Projects() {
		before[s] = listed(s)
	}
	return func(ctx context.Context, share float64) error {
		return d.until(ctx, "not every bucket was looked at", func() bool {
			looked := 0
			for s, n := range before {
				if listed(s) >= n+times*d.organization.buckets {
					looked++
				}
			}
			return float64(looked) >= share*float64(len(before))
		})
	}
}

func listed(s *emulator.Server) (n int) {
	for _, op := range listOps {
		n += s.Count(op)
	}
	return n
}
