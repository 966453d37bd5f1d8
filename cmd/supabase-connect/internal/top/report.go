package top

import (
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
)

// Report is what a pipeline does at one time. --json prints it; the names, the states
// and the units stay as they are.
type Report struct {
	URL     string    `json:"url"`
	Time    time.Time `json:"time"`
	Version string    `json:"version,omitempty"`
	// MetricsType is the type of the pipeline's metrics: prometheus or json_api.
	MetricsType string `json:"metrics_type"`
	// Gone says since when the pipeline does not answer; the rest is what it said last.
	Gone   *time.Time `json:"gone,omitempty"`
	Inputs []Input    `json:"inputs"`
	// Outputs are those that are not connected.
	Outputs []Output `json:"outputs_not_connected"`
}

// Input is one supabase_storage input. Counts are objects since the process began.
type Input struct {
	Stream string `json:"stream,omitempty"`
	Label  string `json:"label"`
	Path   string `json:"path"`
	// State is a word, Status a sentence for people.
	State  State  `json:"state"`
	Status string `json:"status"`
	// Error is why it is not connected.
	Error string `json:"error,omitempty"`

	Listed     int64            `json:"listed"`
	Unchanged  int64            `json:"unchanged"`
	Filtered   int64            `json:"filtered"`
	FilteredBy map[string]int64 `json:"filtered_by"`
	Delivered  int64            `json:"delivered"`
	Bytes      int64            `json:"bytes"`
	Vanished   int64            `json:"vanished"`
	Retries    int64            `json:"retries"`
	RetriesBy  map[string]int64 `json:"retries_by"`
	Tracked    int64            `json:"tracked"`

	PerSecond Rates  `json:"per_second"`
	Window    Window `json:"window"`
	Parked    Parked `json:"parked"`
	Pass      Pass   `json:"pass"`

	UndeliveredBatches int64 `json:"undelivered_batches"`
	OldestUndelivered  int64 `json:"oldest_undelivered_seconds"`
	DeletesHeld        int64 `json:"deletes_held"`

	// Targets are what messages named; nil where there were none.
	Targets *Targets `json:"targets,omitempty"`
	// Scopes counts the buckets of an input that reads several, by state; nil for one.
	Scopes *Scopes `json:"scopes,omitempty"`
	// Buckets are those of them with something left, most first, at most 20; BucketsLeft
	// is how many there are.
	Buckets     []Bucket `json:"buckets,omitempty"`
	BucketsLeft int64    `json:"buckets_left,omitempty"`

	CredentialsEnd     *time.Time `json:"credentials_end"`
	CredentialsFailing bool       `json:"credentials_failing"`
	EndpointFailing    bool       `json:"endpoint_failing"`
	StateFailing       bool       `json:"state_failing"`

	// graphs are rates over time, oldest first, for each of which one look was made.
	graphs map[string][]float64
}

// Rates are what happened per second lately.
type Rates struct {
	Listed    float64 `json:"listed"`
	Delivered float64 `json:"delivered"`
	Bytes     float64 `json:"bytes"`
	Retries   float64 `json:"retries"`
}

// Window is how much may be under way at the endpoint, and how much is.
type Window struct {
	Downloads     int64 `json:"downloads"`
	InFlight      int64 `json:"in_flight"`
	Pages         int64 `json:"pages"`
	BufferedBytes int64 `json:"buffered_bytes"`
}

// Parked counts the objects that wait for another attempt. By reason are those that
// the process has met since it began.
type Parked struct {
	Now      int64            `json:"now"`
	ByReason map[string]int64 `json:"by_reason"`
}

// Pass is the pass under way, or the next one.
type Pass struct {
	// UnderWay is full, changes or parked, "" for none.
	UnderWay     string     `json:"under_way"`
	Listed       int64      `json:"listed"`
	Expected     int64      `json:"expected"` // 0 for not known
	Due          *time.Time `json:"due"`
	LastComplete *time.Time `json:"last_complete"`
	FailedInARow int64      `json:"failed_in_a_row"`
}

// Targets counts what messages of targets_input named, by what became of it. Malformed
// are messages that named nothing.
type Targets struct {
	Received      int64 `json:"received"`
	Joined        int64 `json:"joined"`
	Filtered      int64 `json:"filtered"`
	Delivered     int64 `json:"delivered"`
	Missing       int64 `json:"missing"`
	Failed        int64 `json:"failed"`
	Malformed     int64 `json:"malformed"`
	OldestSeconds int64 `json:"oldest_seconds"`
}

// Output is an output that is not connected.
type Output struct {
	Stream string `json:"stream,omitempty"`
	Label  string `json:"label"`
	Path   string `json:"path"`
	Error  string `json:"error,omitempty"`
}

// newInput reads the numbers of one input.
func newInput(k key, n numbers, buckets map[scope]numbers) Input {
	in := Input{
		Stream: k.stream, Label: k.label, Path: k.path,
		Listed: n.count("listed"), Unchanged: n.count("unchanged"),
		FilteredBy: n.by("filtered"), Delivered: n.count("delivered"), Bytes: n.count("bytes"),
		Vanished: n.count("vanished"), RetriesBy: n.by("retries"), Tracked: n.count("tracked"),
		Window: Window{n.count("download_window"), n.count("in_flight"), n.count("list_window"), n.count("buffered_bytes")},
		Parked: Parked{n.count("parked_now"), n.by("parked_objects")},
		Pass: Pass{
			Listed: n.count("pass_listed"), Expected: n.count("pass_expected"), Due: n.time("pass_due_unix"),
			LastComplete: n.time("last_complete_pass_unix"), FailedInARow: n.count("passes_failed"),
		},
		UndeliveredBatches: n.count("undelivered_batches"), OldestUndelivered: n.count("oldest_undelivered_seconds"),
		DeletesHeld: n.count("deletes_held"), CredentialsEnd: n.time("credentials_expire_unix"),
		CredentialsFailing: n.is("credentials_failing"), EndpointFailing: n.is("endpoint_failing"), StateFailing: n.is("state_failing"),
	}
	in.Filtered, in.Retries = view.Total(in.FilteredBy), view.Total(in.RetriesBy)
	in.Parked.Now = max(in.Parked.Now, view.Total(in.Parked.ByReason)) // without a state the first is 0
	for _, kind := range []string{"full", "changes", "parked"} {
		if n.is("pass_under_way " + kind) {
			in.Pass.UnderWay = kind
		}
	}
	in.Targets, in.Scopes = targetsOf(n), scopesOf(n)
	in.Buckets, in.BucketsLeft = mostLeft(buckets)
	return in
}

func (n numbers) count(name string) int64 { return int64(n[name]) }
func (n numbers) is(name string) bool     { return n[name] > 0 }

// time is nil where the metric is 0.
func (n numbers) time(name string) *time.Time {
	if n[name] <= 0 {
		return nil
	}
	at := time.Unix(int64(n[name]), 0).UTC()
	return &at
}

// by is a metric by the value of its label, without zeros.
func (n numbers) by(name string) map[string]int64 {
	out := map[string]int64{}
	for series, value := range n {
		if of, ok := strings.CutPrefix(series, name+" "); ok && value > 0 {
			out[of] = int64(value)
		}
	}
	return out
}

// title names an input or output for people, as check does.
func title(stream, label, path string) string {
	name := path
	if label != "" {
		name = label + " (" + path + ")"
	}
	if stream != "" && stream != label {
		name = stream + ": " + name
	}
	return name
}

func (in *Input) title() string { return title(in.Stream, in.Label, in.Path) }

// Status says for people that an output is not connected, and why.
func (o Output) Status() string {
	text := title(o.Stream, o.Label, o.Path) + " is not connected"
	if o.Error != "" {
		text += ": " + o.Error
	}
	return text
}
