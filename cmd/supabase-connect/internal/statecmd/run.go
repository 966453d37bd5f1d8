package statecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/configfile"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// closeTimeout bounds how long a state may take to write what was changed.
const closeTimeout = time.Minute

// errNone is for an input that remembers nothing beyond its process.
var errNone = errors.New("this input has no state, so nothing is remembered after it ends; add state.path or state.cache to its config")

// Run does what o asks for and prints the outcome to w. It fails if nothing
// could be shown, if any state could not be opened, or if a change was not
// made.
func Run(ctx context.Context, w io.Writer, schema *service.ConfigSchema, o Options) error {
	doc, err := configfile.Read(schema, o.Options)
	if err != nil {
		return err
	}
	picked, err := doc.Pick(o.Label)
	if err != nil {
		return err
	}
	if len(picked) > 1 && o.changes() {
		return fmt.Errorf("%s has %d supabase_storage inputs; say which one's state is to change with --%s LABEL: %s", doc.Path, len(picked), configfile.FlagLabel, configfile.Names(picked))
	}
	res, release, err := doc.Resources(ctx, picked, closeTimeout)
	if err != nil {
		return err
	}
	defer release()

	out := newPrinter(w, o.JSON)
	var failed []error
	shown := 0
	for _, t := range picked {
		err := one(ctx, out, t, res, o)
		switch {
		case err == nil:
			shown++
		case errors.As(err, new(partly)):
			shown++
			failed = append(failed, err)
		case len(picked) == 1:
			return err
		case errors.Is(err, errWriting):
			return err
		default:
			out.failed(t, err)
			if !errors.Is(err, errNone) {
				failed = append(failed, fmt.Errorf("%s: %w", t.Name(), err))
			}
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	if shown == 0 && len(failed) == 0 {
		return fmt.Errorf("none of the %d inputs has a state", len(picked))
	}
	return errors.Join(failed...)
}

// one opens the state of one input, changes it if that was asked for, and
// prints it.
func one(ctx context.Context, out *printer, t configfile.Input, res *service.Resources, o Options) (err error) {
	if err := there(t, o); err != nil {
		return err
	}
	states, err := input.OpenStates(ctx, t.Conf, res)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing(ctx, states)) }()
	rows, err := choose(ctx, states, o)
	if err != nil {
		return err
	}
	var done changes
	if o.ForgetBucket {
		n, err := states.Drop(ctx, rows[0].scope)
		if err != nil {
			return err
		}
		done.Forgotten = &n
	}
	switch {
	case states.Several() && o.ForgetBucket:
		rows = rows[:0] // shown is what is left
		for _, scope := range states.Scopes() {
			rows = append(rows, row{scope: scope})
		}
		return many(ctx, out, t, states, rows, done, o)
	case states.Several() && (len(rows) != 1 || o.JSON || o.Bucket == ""):
		return many(ctx, out, t, states, rows, done, o)
	case rows[0].err != nil:
		return rows[0].err
	}
	return single(ctx, out, t, states, rows[0].scope, done, o)
}

// single changes and prints the state of one bucket.
func single(ctx context.Context, out *printer, t configfile.Input, states *input.States, scope input.StateScope, done changes, o Options) (err error) {
	state, err := states.Open(ctx, scope)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing(ctx, state)) }()
	if !o.ForgetBucket {
		if done, err = change(ctx, state, o); err != nil || done.unknown != nil {
			return errors.Join(err, done.unknown)
		}
	}
	return out.state(ctx, t, state, scope, done)
}

func closing(ctx context.Context, c interface{ Close(context.Context) error }) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return c.Close(ctx)
}

// there makes sure that there is a state: opening one would create it, and
// looking must not.
func there(t configfile.Input, o Options) error {
	if !t.Conf.Contains("state") {
		return errNone
	}
	if !t.Conf.Contains("state", "path") || o.MarkDelivered {
		return nil
	}
	path, err := t.Conf.FieldString("state", "path")
	if err != nil || path == "" {
		return err // what is wrong with it OpenState says
	}
	// Of a link that points nowhere OpenState says more.
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state.path: there is no file %s yet: the first run of the pipeline creates it, or --%s does; a relative path begins at the folder that the pipeline is started in", path, flagMarkDelivered)
	}
	return nil
}

// changes are what was done to a state.
type changes struct {
	Forgotten       *int64 `json:"forgotten,omitempty"`
	MarkedDelivered *int64 `json:"marked_delivered,omitempty"`

	// unknown tells of keys that the bucket does not have.
	unknown error
}

// change does what was asked for. A key that is not known is an error, since it
// is most often misspelt.
func change(ctx context.Context, state *input.State, o Options) (done changes, err error) {
	if o.MarkDelivered {
		if o.session != nil {
			defer o.session.WatchText(marking(state, o.at, time.Now()))()
		}
		n, err := state.MarkDelivered(ctx)
		done.MarkedDelivered = &n
		if err != nil {
			return done, fmt.Errorf("marking what is due as delivered: %w", err)
		}
		return done, nil
	}
	if len(o.Forget)+len(o.ForgetPrefix) == 0 {
		return done, nil
	}
	done.Forgotten = new(int64)
	var unknown []error
	for _, key := range o.Forget {
		known, err := state.Forget(ctx, key)
		switch {
		case err != nil:
			return done, err
		case known:
			*done.Forgotten++
		default:
			unknown = append(unknown, fmt.Errorf("--%s %q: no object of this key was delivered or parked; write the whole key, as in the metadata supabase_storage_key", flagForget, key))
		}
	}
	for _, prefix := range o.ForgetPrefix {
		n, err := state.ForgetPrefix(ctx, prefix)
		switch {
		case err != nil:
			return done, err
		case n == 0:
			unknown = append(unknown, fmt.Errorf("--%s %q: no object that was delivered or parked has a key that begins so; prefixes begin at the bucket, not at source_path", flagForgetPrefix, prefix))
		}
		*done.Forgotten += n
	}
	done.unknown = errors.Join(unknown...)
	return done, nil
}

// marking says how far the marking has come that began at a time; at says at which
// bucket it is, "" where there is one.
func marking(state *input.State, at string, began time.Time) func(now time.Time) string {
	if at != "" {
		at += "  "
	}
	rate := view.Window{Over: 10 * time.Second}
	tracked := state.Summary().Tracked
	return func(now time.Time) string {
		listed, marked := state.Marked()
		rate.Add(now, float64(listed))
		of := ""
		if tracked > listed {
			of = " of about " + view.Count(tracked)
		}
		return fmt.Sprintf("%s  %s%s%s listed  %s marked as delivered  %s",
			view.Clock(now.Sub(began)), at, view.Count(listed), of, view.Count(marked), view.Rate(rate.PerSecond()))
	}
}
