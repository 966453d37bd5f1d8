package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

//go:embed organization.yaml
var organizationConfig string

type organizationOptions struct {
	buckets, objects int
	interval         time.Duration
	memory           int64 // MiB
	mode             string
	rest             restOptions
}

const (
	// onTimeWithin is how many polling intervals a healthy bucket may take to deliver
	// what was put into it: one until it is listed, one while a project or bucket is
	// found, and the others for a machine with other work.
	onTimeWithin = 6
	// slowPage is how long the slow project takes for a page.
	slowPage = 2 * time.Second
)

// organizationDrill lets one process read all buckets of an organization in which
// projects and buckets fail, come and go.
type organizationDrill struct {
	options
	org      *emulator.Organization
	listener *emulator.OrganizationListener
	output   *site
	pipeline *pipeline
	state    string // the path of its file
	wrong    problems

	mu sync.Mutex
	// arrived counts the messages by place: project, bucket and key.
	arrived map[string]int
	at      map[string]time.Time // of the first message
	// mixed are contents other than what was uploaded there, which is the place.
	mixed map[string]string
	put   map[string]time.Time
}

// trouble is a fault of one project.
type trouble struct {
	name       string
	of         *emulator.Server
	bucket     string // empty: of all of them
	begin, end func(*emulator.Server)
}

func runOrganization(ctx context.Context, o options, dir string) error {
	if o.number < 20 || o.organization.buckets < 2 || o.organization.objects < 1 || o.organization.interval < 10*time.Second {
		return errors.New("write at least 20 projects, 2 buckets, 1 object and an interval of 10s")
	}
	d := &organizationDrill{options: o, arrived: map[string]int{}, at: map[string]time.Time{}, mixed: map[string]string{}, put: map[string]time.Time{}}
	fmt.Printf("drill: an organization of %d projects with %d buckets of %d objects, polled every %s\n", o.number, o.organization.buckets, o.organization.objects, o.organization.interval)
	d.org = emulator.NewOrganization(emulator.OrganizationOptions{TokenRateLimit: o.organization.rest.tokens})
	for range o.number {
		d.addProject()
	}
	var err error
	if d.listener, err = d.org.Start(""); err != nil { //nolint:contextcheck // listening does not wait
		return err
	}
	defer func() { _ = d.listener.Close() }()
	if d.output, err = openSite(ctx, d); err != nil {
		return err
	}
	defer func() { _ = d.output.close() }()
	plays := []struct {
		mode string
		play func(context.Context, string) error
	}{{"one_time", d.oneTime}, {"continuous", d.continuous}, {"rest", d.rest}}
	for _, p := range plays {
		if o.organization.mode != p.mode && (o.organization.mode != "" || p.mode == "rest") {
			continue
		}
		if err := p.play(ctx, dir); err != nil {
			return errors.Join(err, d.wrong.err())
		}
	}
	return d.wrong.err()
}

func (d *organizationDrill) addProject() *emulator.Server {
	s := d.org.AddProject(emulator.Options{LogLimit: -1})
	for n := range d.organization.buckets {
		d.addBucket(s, fmt.Sprintf("bucket-%d", n))
	}
	return s
}

func (d *organizationDrill) addBucket(s *emulator.Server, bucket string) {
	s.CreateBucket(bucket)
	for n := range d.organization.objects {
		d.putObject(s, bucket, fmt.Sprintf("folder/%03d.txt", n))
	}
}

func (d *organizationDrill) putObject(s *emulator.Server, bucket, key string) {
	d.mu.Lock()
	d.put[placeOf(s, bucket, key)] = time.Now()
	d.mu.Unlock()
	s.Put(bucket, key, []byte(placeOf(s, bucket, key)))
}

func refOf(s *emulator.Server) string { return s.Settings().ProjectRef }

func placeOf(s *emulator.Server, bucket, key string) string {
	return refOf(s) + "/" + bucket + "/" + key
}

// ServeHTTP notes a message.
func (d *organizationDrill) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := r.Header
	where := h.Get("Drill-Project") + "/" + h.Get("Drill-Bucket") + "/" + h.Get("Drill-Key")
	body, err := io.ReadAll(r.Body)
	if err != nil { // it is sent again
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if string(body) != where {
		d.mixed[where] = string(body)
	}
	if d.arrived[where]++; d.arrived[where] == 1 {
		d.at[where] = time.Now()
	}
}

// open prepares a pipeline with the given fields.
func (d *organizationDrill) open(dir, name string, fields ...string) error {
	d.state = filepath.Join(dir, name+".db")
	d.pipeline = &pipeline{binary: d.binary, config: filepath.Join(dir, name+".yaml"), log: filepath.Join(dir, name+".log")}
	d.pipeline.env = []string{
		"DRILL_ORGANIZATION=" + d.org.Slug(), "DRILL_ACCESS_TOKEN=" + d.org.AccessToken(),
		"DRILL_API_URL=" + d.listener.APIURL(), "DRILL_ENDPOINT=" + d.listener.EndpointTemplate(),
		"DRILL_RECORDER=" + d.output.url(), "DRILL_INTERVAL=" + d.organization.interval.String(),
		"DRILL_STATE=" + d.state,
	}
	d.mu.Lock()
	clear(d.arrived)
	clear(d.at)
	d.mu.Unlock()
	return os.WriteFile(d.pipeline.config, []byte(withFields(organizationConfig, fields...)), 0o600)
}

// missing counts what is there, matches and did not arrive.
func (d *organizationDrill) missing(matches func(where string) bool) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for where := range d.put {
		if d.arrived[where] == 0 && matches(where) {
			n++
		}
	}
	return n
}

// troubles are one fault each of the first projects.
func (d *organizationDrill) troubles() []*trouble {
	status := func(to emulator.Status) func(*emulator.Server) {
		return func(s *emulator.Server) { s.SetStatus(to) }
	}
	faults := func(rules ...emulator.FaultRule) func(*emulator.Server) {
		return func(s *emulator.Server) { s.SetFaults(emulator.FaultRules(rules...)) }
	}
	healthy, honest := status(emulator.StatusActiveHealthy), func(s *emulator.Server) { s.SetFaults(nil) }
	all := []*trouble{
		{name: "paused", begin: status(emulator.StatusInactive), end: healthy},
		{name: "coming up", begin: status(emulator.StatusComingUp), end: healthy},
		{name: "answers 500", begin: faults(emulator.FailEverything(500)), end: honest},
		{name: "revoked keys", begin: (*emulator.Server).RevokeKeys, end: func(s *emulator.Server) { s.IssueKeys() }},
		{name: "no rights", bucket: "bucket-1", begin: faults(emulator.DenyBucket("bucket-1")), end: honest},
	}
	for i, t := range all {
		t.of = d.org.Projects()[i]
	}
	return all
}

// fails reports whether an object at that place can't be read because of t.
func (t *trouble) fails(where string) bool { return strings.HasPrefix(where, refOf(t.of)+"/"+t.bucket) }

func failing(all []*trouble, where string) bool {
	for _, t := range all {
		if t.fails(where) {
			return true
		}
	}
	return false
}
