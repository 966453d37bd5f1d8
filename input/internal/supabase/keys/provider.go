package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/api"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/auth"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/management"
)

// provider gets keys. It is asked by one goroutine at a time. What it returns
// that will not pass by itself is an object.ErrCredentials.
type provider interface {
	obtain(ctx context.Context) (supabase.Project, error)
}

// maxTimeout bounds a request to Auth or the Management API, which answer within
// a second or two when they are well: a request that hangs is an outage, and
// should be told of as one.
const maxTimeout = 20 * time.Second

// newProvider is what the type of credentials asks for.
func newProvider(o Options, read func(string) ([]byte, error)) provider {
	files := files{o: o, read: read}
	options := o.apiOptions()
	switch o.Settings.Credentials.Type {
	case supabase.TypeUser:
		options.Base, options.TLS = o.Project.AuthURL, o.TLS
		return &user{files: files, auth: auth.New(options)}
	case supabase.TypeAccessToken:
		client := o.Management
		if client == nil {
			client = NewManagement(o)
		}
		return &managed{files: files, management: client}
	}
	if o.Settings.HasFiles() {
		return files
	}
	return fixed{o.Project}
}

func (o Options) apiOptions() api.Options {
	options := api.Options{Transport: o.Transport, ConnectTimeout: o.ConnectTimeout, Timeout: maxTimeout}
	if o.Timeout > 0 {
		options.Timeout = min(o.Timeout, maxTimeout)
	}
	return options
}

// NewManagement makes the client of the Management API that [Options.Management]
// shares. It uses the project's address of the API, TLS, Transport and the timeouts.
func NewManagement(o Options) *management.Client {
	options := o.apiOptions()
	options.Base = o.Project.APIURL
	if o.Project.OwnAPI() {
		options.TLS = o.TLS
	}
	return management.New(options)
}

// AccessToken gives the personal access token of the settings, and reads it anew each
// time where a file holds it.
func AccessToken(s supabase.Settings) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		read, err := s.Read(readFile)
		if err != nil {
			return "", final(err)
		}
		return read.Credentials.AccessToken, nil
	}
}

// fixed has the keys that stand in the configuration, and no others.
type fixed struct{ project supabase.Project }

func (f fixed) obtain(context.Context) (supabase.Project, error) { return f.project, nil }

func (s *Source) isFixed() bool {
	_, ok := s.provider.(fixed)
	return ok
}

// readsFiles reports whether new keys are those that somebody writes into files.
func (s *Source) readsFiles() bool {
	_, ok := s.provider.(files)
	return ok
}

// renewsItself reports whether new keys come without somebody's doing.
func (s *Source) renewsItself() bool { return !s.readsFiles() && !s.isFixed() }

// files reads keys from the files that the configuration names.
type files struct {
	o    Options
	read func(path string) ([]byte, error)
}

func (f files) obtain(context.Context) (supabase.Project, error) { return f.resolve() }

// resolve returns the project as the configuration and its files describe it.
func (f files) resolve() (supabase.Project, error) {
	if !f.o.Settings.HasFiles() {
		return f.o.Project, nil
	}
	settings, err := f.o.Settings.Read(f.read)
	if err != nil {
		return supabase.Project{}, final(err)
	}
	p, err := supabase.Resolve(settings)
	if err != nil {
		return supabase.Project{}, final(err)
	}
	return p, nil
}

// maxSecret is how large a file with a secret may be, in bytes.
const maxSecret = 64 << 10

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(text) > maxSecret {
		err = fmt.Errorf("%s is larger than %d bytes: it is no secret", path, maxSecret)
	}
	return text, err
}

// final marks an error as one that will not pass by itself, passing as one that
// will.
func final(err error) error   { return judged{err, object.ErrCredentials} }
func passing(err error) error { return judged{err, object.ErrUnavailable} }

// stopped is final for a run that can't wait until somebody restores the project.
func stopped(err error) error { return judged{judged{err, errStopped}, object.ErrCredentials} }

var errStopped = errors.New("the project is stopped")

// judged is an error with its own text that is of a kind of package object.
type judged struct{ err, kind error }

func (j judged) Error() string   { return j.err.Error() }
func (j judged) Unwrap() []error { return []error{j.err, j.kind} }

// managed asks the Management API for the project's keys.
type managed struct {
	files
	management *management.Client
	found      bool // keys were had before
	// known are the keys that the last answer had, and refused those of them that the
	// project's server refused. They belong to the holder of the turn.
	known, refused []object.Credentials
}

// refuse has other keys chosen than those that a server has refused, where the project
// has others.
func (a *managed) refuse(keys object.Credentials) {
	if !a.isRefused(keys) {
		a.refused = append(a.refused, keys)
	}
}

func (a *managed) isRefused(keys object.Credentials) bool {
	return slices.ContainsFunc(a.refused, keys.SameKeys)
}

// hasOthers reports whether the project has keys that were not refused.
func (a *managed) hasOthers() bool {
	return slices.ContainsFunc(a.known, func(keys object.Credentials) bool { return !a.isRefused(keys) })
}

func (a *managed) obtain(ctx context.Context) (supabase.Project, error) {
	p, err := a.resolve()
	if err != nil {
		return supabase.Project{}, err
	}
	facts, err := a.facts(ctx, p)
	if err != nil {
		return supabase.Project{}, err
	}
	if err := running(p, facts.Status); err != nil {
		return supabase.Project{}, err
	}
	if !a.found && a.o.Facts == nil {
		if err := a.storageIsUp(ctx, p); err != nil {
			return supabase.Project{}, err
		}
	}
	keys, err := a.management.Keys(ctx, p.AccessToken(), p.Ref)
	if err != nil {
		return supabase.Project{}, p.ExplainAPI(err)
	}
	legacyOff := false
	if keys.ServiceRole != "" && keys.New { // without new keys nobody can switch the legacy ones off
		enabled, err := a.management.LegacyKeysEnabled(ctx, p.AccessToken(), p.Ref)
		if err != nil {
			return supabase.Project{}, p.ExplainAPI(err)
		}
		legacyOff = !enabled
	}
	p, err = a.choose(p, keys, legacyOff, facts.Region)
	if err != nil {
		return supabase.Project{}, final(err)
	}
	a.found = true
	return p, nil
}

// choose returns the project with the first of its keys that was not refused, and with
// the first of all once all were. The legacy keys come before the others, since the S3
// protocol shows more of an object.
func (a *managed) choose(p supabase.Project, keys management.Keys, legacyOff bool, region string) (supabase.Project, error) {
	var (
		all     []supabase.Project
		problem error
	)
	add := func(with supabase.Project, err error) {
		if err == nil {
			all = append(all, with)
		} else if problem == nil {
			problem = err
		}
	}
	if keys.ServiceRole != "" && !legacyOff && (keys.Anon != "" || len(keys.Secrets) == 0) {
		add(p.WithAPIKeys(keys.Anon, keys.ServiceRole, region))
	}
	for _, secret := range keys.Secrets {
		add(p.WithSecretKey(secret.Value, secret.Role, region))
	}
	a.known = nil
	for _, with := range all {
		known, _ := with.Keys()
		a.known = append(a.known, known)
	}
	switch {
	case len(all) > 0:
	case problem != nil:
		return supabase.Project{}, problem
	default:
		return supabase.Project{}, p.NoUsableKeys(supabase.KeysSeen{Masked: keys.Masked, LegacyOff: legacyOff, Publishable: keys.New})
	}
	for i, with := range all {
		if !a.isRefused(a.known[i]) {
			return with, nil
		}
	}
	a.refused = nil
	return all[0], nil
}

// facts are where the project is and whether it runs.
func (a *managed) facts(ctx context.Context, p supabase.Project) (management.Project, error) {
	if a.o.Facts != nil {
		return a.o.Facts(ctx)
	}
	facts, err := a.management.Project(ctx, p.AccessToken(), p.Ref)
	if err != nil {
		err = p.ExplainAPI(err)
	}
	return facts, err
}

// running turns the status of a project into an error: one that may pass while
// it is on its way up, and one with a remedy where somebody has to act.
func running(p supabase.Project, status management.Status) error {
	without := ""
	if p.OneOfMany() {
		without = "; or leave it out with projects.exclude"
	}
	switch status.Phase() {
	case management.Starting:
		return passing(p.NotRunning(string(status), "it is waited for; see in the Dashboard when it is up"))
	case management.Stopped:
		return stopped(p.NotRunning(string(status)+": it is paused, or about to be", "restore it in the Dashboard"+without))
	case management.Failed:
		return stopped(p.NotRunning(string(status), "see the project in the Dashboard, and ask Supabase's support"+without))
	case management.Removed:
		return final(p.NotRunning(string(status)+": it was deleted", "write the reference of another project"))
	}
	return nil
}

// storageIsUp asks before the first keys whether Storage can be read. A token
// that may not ask this, and an API that can't tell, hold nothing up: the
// requests to Storage will tell.
func (a *managed) storageIsUp(ctx context.Context, p supabase.Project) error {
	health, err := a.management.StorageHealth(ctx, p.AccessToken(), p.Ref)
	if err != nil {
		return ctx.Err()
	}
	if health.Status == "" || health.Status == management.Healthy {
		return nil
	}
	what := health.Status + ": its Storage is not up yet"
	if health.Error != "" {
		what += fmt.Sprintf(" (%q)", health.Error)
	}
	return passing(p.NotRunning(what, "it is waited for; see in the Dashboard when it is up"))
}
