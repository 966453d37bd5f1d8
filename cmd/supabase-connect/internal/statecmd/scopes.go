package statecmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// named is how many buckets a message lists at most.
const named = 10

// row is what is remembered of one scope, or why that can't be read or changed.
type row struct {
	scope input.StateScope
	input.StateSummary
	done changes
	err  error
}

// choose returns the scopes that the flags leave, of all that the state holds; to mark
// them, those that the config reads now. There is at least one where a change is to be
// made.
func choose(ctx context.Context, states *input.States, o Options) (rows []row, err error) {
	if o.MarkDelivered {
		found, err := states.Discover(ctx, o.Project, o.Bucket)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", flagMarkDelivered, err)
		}
		for _, scope := range found {
			rows = append(rows, row{scope: scope.StateScope, err: scope.Err})
		}
	} else {
		for _, scope := range states.Find(o.Project, o.Bucket) {
			rows = append(rows, row{scope: scope})
		}
	}
	switch {
	case len(rows) == 0 && o.Project != "" && !states.Projects():
		return nil, fmt.Errorf("%s: this input reads one project; leave --%s out", strings.TrimSpace(flagsOf(o)), flagProject)
	case len(rows) == 0 && o.MarkDelivered:
		return nil, fmt.Errorf("--%s%s: there is no such bucket that the config reads: it reads %s", flagMarkDelivered, flagsOf(o), states.Reads())
	case len(rows) == 0 && o.Bucket+o.Project != "":
		return nil, fmt.Errorf("%s: nothing is remembered of such a bucket, and the config does not read it; there are: %s", strings.TrimSpace(flagsOf(o)), names(states.Scopes()))
	case len(rows) == 0 && o.changes():
		return nil, errors.New("nothing is remembered of any bucket yet, so there is nothing to forget")
	case o.ForgetBucket && states.Several() && (len(rows) > 1 || o.Bucket == ""):
		var scopes []input.StateScope
		for _, r := range rows {
			scopes = append(scopes, r.scope)
		}
		return nil, fmt.Errorf("--%s forgets one bucket; say which with --%s: %s", flagForgetBucket, flagBucket, names(scopes))
	}
	return rows, nil
}

// flagFor is the flag that names one scope.
func flagFor(states *input.States) string {
	if states.Projects() {
		return "--" + flagBucket + " REF/NAME"
	}
	return "--" + flagBucket + " NAME"
}

// flagsOf are those that were given.
func flagsOf(o Options) string {
	given := ""
	if o.Project != "" {
		given += " --" + flagProject + " " + o.Project
	}
	if o.Bucket != "" {
		given += " --" + flagBucket + " " + o.Bucket
	}
	return given
}

func names(scopes []input.StateScope) string {
	if len(scopes) == 0 {
		return "none yet"
	}
	var list []string
	for _, s := range scopes {
		list = append(list, s.String())
	}
	return view.Names(list, named)
}

// many changes and prints the states of several buckets. One that fails holds up no other.
func many(ctx context.Context, out *printer, t configfile.Input, states *input.States, rows []row, done changes, o Options) error {
	var unknown []error // keys, in each of the buckets
	for i := range rows {
		if rows[i].err != nil {
			continue
		}
		o.at = fmt.Sprintf("%s of %s", view.Count(int64(i+1)), view.Buckets(int64(len(rows))))
		rows[i] = look(ctx, states, rows[i].scope, o)
		if rows[i].done.unknown != nil {
			unknown = append(unknown, rows[i].done.unknown)
		}
		done.add(rows[i].done)
	}
	if len(unknown) == len(rows) && len(rows) > 0 { // in none of them
		return unknown[0]
	}
	if err := out.states(ctx, t, states, rows, done, o.changes() && !o.ForgetBucket); err != nil {
		return err
	}
	failed := failures(rows)
	if len(failed) == 0 {
		return nil
	}
	return partly{errors.Join(failed...)}
}

// failures says what failed, each reason once.
func failures(rows []row) (failed []error) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.err == nil })
	for _, same := range view.Alike(rows, func(r row) string { return r.scope.Name().General(r.err.Error()) }) {
		if len(same) == 1 {
			failed = append(failed, fmt.Errorf("%s: %w", same[0].scope.Name().Sentence(), same[0].err))
			continue
		}
		var list []string
		for _, r := range same {
			list = append(list, r.scope.String())
		}
		count := view.Scopes(same, func(r row) string { return r.scope.Bucket })
		failed = append(failed, fmt.Errorf("%s (%s): %s", count, view.Names(list, named), same[0].scope.Name().General(same[0].err.Error())))
	}
	return failed
}

// partly is the error of an input that was printed, except for some of its buckets.
type partly struct{ error }

func (p partly) Unwrap() error { return p.error }

// look opens one scope, changes it if that was asked for, and sums it up.
func look(ctx context.Context, states *input.States, scope input.StateScope, o Options) (r row) {
	r.scope = scope
	state, err := states.Open(ctx, scope)
	if err != nil {
		r.err = err
		return r
	}
	if !o.ForgetBucket {
		r.done, err = change(ctx, state, o)
	}
	r.StateSummary = state.Summary()
	r.err = errors.Join(err, closing(ctx, state))
	return r
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

// cell is what was done to one scope, for the list.
func (c changes) cell() string {
	switch n := cmp.Or(c.Forgotten, c.MarkedDelivered); n {
	case nil:
		return "-"
	default:
		return view.Count(*n)
	}
}

// heading is that of the cells.
func (c changes) heading() string {
	if c.MarkedDelivered != nil {
		return "MARKED"
	}
	return "FORGOTTEN"
}

// withoutEmpty removes the columns in which every row below the heading, rows[0], is empty.
func withoutEmpty(rows [][]string) [][]string {
	for column := range slices.Backward(rows[0]) {
		if slices.ContainsFunc(rows[1:], func(r []string) bool { return strings.TrimSpace(r[column]) != "" }) {
			continue
		}
		for i := range rows {
			rows[i] = slices.Delete(rows[i], column, column+1)
		}
	}
	return rows
}
