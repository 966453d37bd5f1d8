package statecmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// jsonScope is one bucket of an input that may read several; its parked objects follow.
type jsonScope struct {
	ProjectRef       string    `json:"project_ref,omitempty"`
	ProjectName      string    `json:"project_name,omitempty"`
	Endpoint         string    `json:"endpoint"`
	Bucket           string    `json:"bucket"`
	GoneSince        time.Time `json:"gone_since,omitzero"`
	Error            string    `json:"error,omitempty"`
	Tracked          *int64    `json:"tracked,omitempty"`
	Parked           *int64    `json:"parked,omitempty"`
	LastCompletePass time.Time `json:"last_complete_pass,omitzero"`
}

// totals are the sums over all scopes.
type totals struct {
	tracked, parked int64
	gone, failed    int
}

func totalsOf(rows []row) (t totals) {
	for _, r := range rows {
		t.tracked += r.Tracked
		t.parked += r.Parked
		if !r.scope.Gone.IsZero() {
			t.gone++
		}
		if r.err != nil {
			t.failed++
		}
	}
	return t
}

// states prints an input that may read several buckets: a summary, and a line for each,
// with what was done to it where each says so.
func (p *printer) states(ctx context.Context, t configfile.Input, states *input.States, rows []row, done changes, each bool) error {
	if p.json {
		return p.statesJSON(ctx, t, states, rows, done)
	}
	sums := totalsOf(rows)
	parked := view.Objects(sums.parked)
	if sums.parked > 0 {
		parked += "; " + flagFor(states) + " shows their reasons"
	}
	return errors.Join(p.heading(t), p.done(done),
		p.field("reads", terminal.Printable(states.Reads())),
		p.field("namespace", cmp.Or(states.Namespace(), "none (the input has no label, and no state.namespace)")),
		p.field("state", states.Where()),
		p.field("buckets", sums.buckets(rows)),
		p.field("tracked", view.Objects(sums.tracked)),
		p.field("parked", parked),
		p.table(rows, done, each),
	)
}

func (t totals) buckets(rows []row) string {
	buckets := 0
	for _, r := range rows {
		if r.scope.Bucket != "" {
			buckets++
		}
	}
	projects := len(rows) - buckets
	if len(rows) == 0 {
		return "none yet: the first run of the pipeline finds them"
	}
	line := view.Count(int64(buckets))
	if t.gone > 0 {
		line += fmt.Sprintf(", %d gone", t.gone)
	}
	if failed := t.failed - projects; failed > 0 {
		line += fmt.Sprintf(", %d failed", failed)
	}
	if projects > 0 {
		line += fmt.Sprintf("; %s can't be read", view.Projects(int64(projects)))
	}
	return line
}

func (p *printer) table(rows []row, done changes, each bool) error {
	if len(rows) == 0 {
		return nil
	}
	change := ""
	if each {
		change = done.heading()
	}
	lines := [][]string{{"BUCKET", "PROJECT", change, "TRACKED", "PARKED", "LAST COMPLETE PASS", "GONE SINCE"}}
	for _, r := range rows {
		name, did := r.scope.Name(), ""
		if each {
			did = r.done.cell()
		}
		line := []string{name.Short(), name.ProjectName(), did, view.Count(r.Tracked), view.Count(r.Parked), when(r.LastCompletePass, "never"), when(r.scope.Gone, "")}
		if r.err != nil {
			line[3], line[4], line[5] = "?", "?", "failed, see below"
		}
		lines = append(lines, line)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range withoutEmpty(lines) {
		_, _ = fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	_ = w.Flush()
	err := p.printf("\n")
	for text := range strings.Lines(b.String()) {
		err = errors.Join(err, p.printf("  %s\n", strings.TrimRight(text, " \n")))
	}
	return err
}

// project and gone print what a scope has that is one of several.
func (p *printer) project(s input.StateScope) error {
	if s.ProjectRef == "" {
		return nil
	}
	n := s.Name()
	n.Bucket = ""
	return p.field("project", n.String())
}

func (p *printer) gone(s input.StateScope) error {
	if s.Gone.IsZero() {
		return nil
	}
	return p.field("gone since", when(s.Gone, ""))
}

func (p *printer) statesJSON(ctx context.Context, t configfile.Input, states *input.States, rows []row, done changes) error {
	sums := totalsOf(rows)
	in := jsonInput{
		Label: t.Label, Path: t.Path, Reads: states.Reads(), Namespace: states.Namespace(), State: states.Where(),
		Tracked: &sums.tracked, Parked: &sums.parked, changes: done,
	}
	return p.element(in, "scopes", func() error {
		separator := "\n"
		for _, r := range rows {
			if err := p.printf("%s", separator); err != nil {
				return err
			}
			if err := p.scopeJSON(ctx, states, r); err != nil {
				return err
			}
			separator = ",\n"
		}
		return nil
	})
}

func (p *printer) scopeJSON(ctx context.Context, states *input.States, r row) (err error) {
	s := jsonScope{
		ProjectRef: r.scope.ProjectRef, ProjectName: r.scope.ProjectName, Endpoint: r.scope.Endpoint, Bucket: r.scope.Bucket,
		GoneSince: r.scope.Gone.UTC(),
	}
	if r.err != nil {
		s.Error = r.err.Error()
	} else {
		s.Tracked, s.Parked, s.LastCompletePass = &r.Tracked, &r.Parked, r.LastCompletePass.UTC()
	}
	text, err := terminal.JSON(s, "")
	if err != nil || r.err != nil {
		return errors.Join(err, p.printf("   %s", text))
	}
	if err := p.printf("   %s,\"parked_objects\":[", bytes.TrimSuffix(text, []byte("}"))); err != nil {
		return err
	}
	if r.Parked > 0 {
		state, err := states.Open(ctx, r.scope)
		if err != nil {
			return err
		}
		if err := errors.Join(p.parkedJSON(ctx, state), closing(ctx, state)); err != nil {
			return err
		}
	}
	return p.printf("]}")
}
