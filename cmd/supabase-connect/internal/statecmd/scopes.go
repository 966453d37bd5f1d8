package statecmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// named is how many buckets a message lists at most.
const named = 10

// choose returns the scopes that the flags name. There is at least one where a change
// is to be made, and one only unless all are to be marked.
func choose(states *input.States, o Options) ([]input.StateScope, error) {
	if o.Project != "" && !states.Projects() {
		return nil, fmt.Errorf("--%s %s: this input reads one project; leave the flag out", flagProject, o.Project)
	}
	scopes := states.Find(o.Project, o.Bucket)
	switch {
	case len(scopes) == 0 && o.Bucket+o.Project != "":
		return nil, fmt.Errorf("%s: nothing is remembered of such a bucket, and the config does not read it; there are: %s", flagsOf(o), names(states.Scopes()))
	case !o.changes() || len(scopes) == 1 && (o.Bucket != "" || !states.Several()):
		return scopes, nil
	case o.MarkDelivered && o.Bucket == "" && o.Project == "":
		if scopes, ok := states.Named(); ok {
			return scopes, nil
		}
		return nil, fmt.Errorf("--%s: this config names no buckets, but finds them while it runs; say which one is to be marked with %s", flagMarkDelivered, flagsFor(states))
	}
	return nil, fmt.Errorf("this input has %d buckets in its state; say which one is to change with %s: %s", len(scopes), flagsFor(states), names(scopes))
}

// flagsFor are the flags that name one scope.
func flagsFor(states *input.States) string {
	if states.Projects() {
		return "--" + flagProject + " REF --" + flagBucket + " NAME"
	}
	return "--" + flagBucket + " NAME"
}

// flagsOf are those that were given.
func flagsOf(o Options) string {
	var given []string
	if o.Project != "" {
		given = append(given, "--"+flagProject+" "+o.Project)
	}
	if o.Bucket != "" {
		given = append(given, "--"+flagBucket+" "+o.Bucket)
	}
	return strings.Join(given, " ")
}

func names(scopes []input.StateScope) string {
	if len(scopes) == 0 {
		return "none yet"
	}
	var list []string
	for _, s := range scopes {
		list = append(list, terminal.Printable(s.String()))
	}
	return view.Names(list, named)
}

// row is what is remembered of one scope, or why that can't be read.
type row struct {
	scope input.StateScope
	input.StateSummary
	err error
}

// many changes and prints the states of several buckets. One that can't be read holds
// up no other.
func many(ctx context.Context, out *printer, t configfile.Input, states *input.States, scopes []input.StateScope, done changes, o Options) error {
	if o.ForgetBucket {
		scopes = states.Scopes()
	}
	rows := make([]row, len(scopes))
	var failed []error
	for i, scope := range scopes {
		rows[i].scope = scope
		var changed changes
		rows[i].StateSummary, changed, rows[i].err = look(ctx, states, scope, o)
		done.add(changed)
		if rows[i].err != nil {
			failed = append(failed, fmt.Errorf("bucket %s: %w", terminal.Printable(scope.String()), rows[i].err))
		}
	}
	if err := out.states(ctx, t, states, rows, done); err != nil || len(failed) == 0 {
		return err
	}
	return partly{errors.Join(failed...)}
}

// partly is the error of an input that was printed, except for some of its buckets.
type partly struct{ error }

func (p partly) Unwrap() error { return p.error }

// look opens one scope, changes it if that was asked for, and sums it up.
func look(ctx context.Context, states *input.States, scope input.StateScope, o Options) (sum input.StateSummary, done changes, err error) {
	state, err := states.Open(ctx, scope)
	if err != nil {
		return sum, done, err
	}
	defer func() { err = errors.Join(err, closing(ctx, state)) }()
	if !o.ForgetBucket {
		done, err = change(ctx, state, o)
	}
	return state.Summary(), done, err
}

// add adds what was done to another scope.
func (c *changes) add(other changes) {
	c.Forgotten = sum(c.Forgotten, other.Forgotten)
	c.MarkedDelivered = sum(c.MarkedDelivered, other.MarkedDelivered)
}

func sum(a, b *int64) *int64 {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	n := *a + *b
	return &n
}
