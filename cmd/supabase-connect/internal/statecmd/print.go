package statecmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// errWriting means that nothing more can be printed.
var errWriting = errors.New("writing the output")

// printer prints states one by one, and each parked object as it is read: there
// may be very many.
type printer struct {
	w     io.Writer
	json  bool
	count int // of the inputs that were printed
}

func newPrinter(w io.Writer, asJSON bool) *printer { return &printer{w: w, json: asJSON} }

func (p *printer) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(p.w, format, args...); err != nil {
		return fmt.Errorf("%w: %w", errWriting, err)
	}
	return nil
}

// jsonInput is an input in the JSON document; its parked objects follow.
type jsonInput struct {
	Label     string `json:"label"`
	Path      string `json:"path"`
	Error     string `json:"error,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
	Bucket    string `json:"bucket,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	State     string `json:"state,omitempty"`
	// Reads is what an input reads that may read several buckets; each has an element in
	// a list of scopes that follows.
	Reads   string `json:"reads,omitempty"`
	Tracked *int64 `json:"tracked,omitempty"`
	Parked  *int64 `json:"parked,omitempty"`
	// LastCompletePass is left out where there was none.
	LastCompletePass time.Time `json:"last_complete_pass,omitzero"`
	changes
}

type jsonParked struct {
	Key       string    `json:"key"`
	Reason    string    `json:"reason"`
	Attempts  int       `json:"attempts"`
	FirstSeen time.Time `json:"first_seen"`
	Next      time.Time `json:"next_attempt"`
}

// state prints one input whose state could be opened.
func (p *printer) state(ctx context.Context, t configfile.Input, state *input.State, scope input.StateScope, done changes) error {
	if p.json {
		return p.stateJSON(ctx, t, state, done)
	}
	s := state.Summary()
	err := errors.Join(p.heading(t), p.done(done), p.project(scope),
		p.field("endpoint", s.Endpoint),
		p.field("bucket", s.Bucket),
		p.gone(scope),
		p.field("namespace", cmp.Or(s.Namespace, "none (the input has no label, and no state.namespace)")),
		p.field("state", s.Where),
		p.field("last complete pass", when(s.LastCompletePass, "never")),
		p.field("tracked", view.Objects(s.Tracked)),
		p.field("parked", view.Objects(s.Parked)),
	)
	for parked, perr := range state.Parked(ctx) {
		if err = errors.Join(err, perr); err != nil {
			break
		}
		err = p.parked(parked)
	}
	return err
}

func (p *printer) heading(t configfile.Input) error {
	if p.count++; p.count > 1 {
		if err := p.printf("\n"); err != nil {
			return err
		}
	}
	return p.printf("%s\n", t.Name())
}

func (p *printer) done(done changes) error {
	if done.Forgotten != nil {
		return p.field("forgotten", view.Objects(*done.Forgotten)+", delivered again when the pipeline runs")
	}
	if done.MarkedDelivered != nil {
		return p.field("marked delivered", view.Objects(*done.MarkedDelivered))
	}
	return nil
}

func (p *printer) field(name, value string) error {
	return p.printf("  %-18s  %s\n", name, value)
}

func (p *printer) parked(o input.ParkedObject) error {
	attempts := "1 attempt"
	if o.Attempts != 1 {
		attempts = strconv.Itoa(o.Attempts) + " attempts"
	}
	return p.printf("    %s\n      %s\n      %s since %s, next %s\n", terminal.Printable(o.Key), terminal.Printable(o.Reason),
		attempts, when(o.FirstSeen, "the beginning"), nextAttempt(o.Next))
}

func nextAttempt(t time.Time) string {
	if !t.After(time.Now()) {
		return "with the next pass"
	}
	return "at " + when(t, "")
}

// failed prints one input, of several, whose state could not be opened.
func (p *printer) failed(t configfile.Input, err error) {
	if p.json {
		// A writer that fails is noticed at the end.
		_ = p.element(jsonInput{Label: t.Label, Path: t.Path, Error: err.Error()}, "", nil)
		return
	}
	_ = errors.Join(p.heading(t), p.field("state", err.Error()))
}

func (p *printer) stateJSON(ctx context.Context, t configfile.Input, state *input.State, done changes) error {
	s := state.Summary()
	in := jsonInput{
		Label: t.Label, Path: t.Path,
		Endpoint: s.Endpoint, Bucket: s.Bucket, Namespace: s.Namespace, State: s.Where,
		Tracked: &s.Tracked, Parked: &s.Parked, LastCompletePass: s.LastCompletePass.UTC(), changes: done,
	}
	return p.element(in, "parked_objects", func() error {
		return p.parkedJSON(ctx, state)
	})
}

// parkedJSON prints the elements of a list of parked objects.
func (p *printer) parkedJSON(ctx context.Context, state *input.State) error {
	separator := "\n"
	for o, err := range state.Parked(ctx) {
		if err != nil {
			return err
		}
		text, err := terminal.JSON(jsonParked{o.Key, o.Reason, o.Attempts, o.FirstSeen.UTC(), o.Next.UTC()}, "")
		if err != nil {
			return err
		}
		if err := p.printf("%s    %s", separator, text); err != nil {
			return err
		}
		separator = ",\n"
	}
	return nil
}

// element prints one input of the JSON document; elements, where it is not nil, prints
// those of its list of that name.
func (p *printer) element(in jsonInput, list string, elements func() error) error {
	text, err := terminal.JSON(in, "")
	if err != nil {
		return err
	}
	begin := ",\n"
	if p.count++; p.count == 1 {
		begin = "{\"inputs\": [\n"
	}
	if elements == nil {
		return p.printf("%s  %s", begin, text)
	}
	if err := p.printf("%s  %s,%q:[", begin, bytes.TrimSuffix(text, []byte("}")), list); err != nil {
		return err
	}
	if err := elements(); err != nil {
		return err
	}
	return p.printf("]}")
}

// end closes the document.
func (p *printer) end() error {
	if !p.json {
		return nil
	}
	return p.printf("\n]}\n")
}

// when is a time as people read it, and how far it is from now.
func when(t time.Time, zero string) string {
	if t.IsZero() {
		return zero
	}
	return fmt.Sprintf("%s (%s)", t.UTC().Format("2006-01-02 15:04:05 UTC"), humanize.Time(t))
}
