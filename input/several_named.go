package input

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/config"
	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
)

// Buckets that source_path names are asked for by no list: what the server says of each
// bucket itself takes the place of the list. One that never was there is read
// nonetheless, so that its error is told with a remedy; among many projects it is normal
// that some have no such bucket.

// named are the names of the buckets, where they are named.
func (s *several) named() (names []string, ok bool) {
	if s.Conf.Buckets == nil {
		return []string{s.Conf.Project.Bucket}, true
	}
	return s.Conf.Buckets.Names()
}

// present are the named buckets except those that are gone, and where there are many
// projects except those that are not there.
func (s *source) present(ctx context.Context, names []string) ([]string, error) {
	var present []string
	for _, name := range names {
		there := true
		if s.mayBeAbsent(name) {
			there = !s.denies(ctx, name)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.in.teller.sees(s.of, name, there)
		if there {
			present = append(present, name)
		}
	}
	return present, nil
}

// mayBeAbsent reports whether the server has to be asked, because a pass was refused, or
// because nobody reads the bucket and it is not known to be one that never was.
func (s *source) mayBeAbsent(name string) bool {
	if r := s.in.scope(s.of.Ref, name); r != nil {
		return r.denials.Load() > 1 && s.existed(name) // of two passes at least
	}
	return s.of.Ref != "" || s.existed(name)
}

// existed reports whether a list had the bucket, or it was reached by this process or an
// earlier one.
func (s *source) existed(name string) bool {
	book := s.in.teller.book
	s.in.mu.Lock()
	reached := s.reached[name]
	s.in.mu.Unlock()
	return s.finds() || reached || book != nil && slices.ContainsFunc(book.Of(s.Endpoint.Conf.Project.Endpoint), func(e ledger.BookEntry) bool {
		return e.Bucket == name
	})
}

// reaches takes note that a bucket is there. The book has a named one from then on, so
// that a misspelt name never counts as a bucket that is gone.
func (s *source) reaches(name string) {
	if s.finds() {
		return
	}
	s.in.mu.Lock()
	before := s.reached[name]
	s.reached[name] = true
	s.in.mu.Unlock()
	if before {
		return
	}
	if m := s.in.teller; !m.write(s, time.Time{}, name) { // with the next look, then
		m.mu.Lock()
		defer m.mu.Unlock()
		m.found[s.of.Ref] = append(m.found[s.of.Ref], name)
	}
}

// denies reports whether the server says that there is no such bucket.
func (s *source) denies(ctx context.Context, name string) bool {
	leave, err := s.turn.Enter(ctx)
	if err != nil {
		return false
	}
	defer leave()
	opts := s.Endpoint.Conf.PlaneOptions(s.Keys)
	opts.Bucket, opts.Retry, opts.Gate = name, retry.Once, s.Gate
	client, err := s.Endpoint.Conf.Plane(s.Keys, opts)
	if err != nil {
		return false
	}
	defer client.Close()
	_, _, err = client.Probe(ctx, "", retry.Once)
	return errors.Is(err, object.ErrNoBucket)
}

// askedAgainAfter is how long after its first no a server is asked for the second one
// that makes a named bucket gone: a gateway that starts anew lies for a moment.
const askedAgainAfter = 5 * time.Second

// sees takes note whether a project has a named bucket.
func (m *teller) sees(p fleet.Project, name string, there bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[name] == nil {
		m.seen[name] = map[string]bool{}
	}
	m.seen[name][p.Ref] = there
}

// lacks reports whether a project is known to have none of the named buckets; the lock is
// held.
func (m *teller) lacks(ref string) bool {
	lacks := false
	for _, seen := range m.seen {
		there, looked := seen[ref]
		if there {
			return false
		}
		lacks = lacks || looked
	}
	return lacks
}

// nowhere are the named buckets that none of the projects has, and of how many
// projects that is known; none where a project has each.
func (m *teller) nowhere() (names []string, projects int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, seen := range m.seen {
		has := false
		for _, there := range seen {
			has = has || there
		}
		if !has {
			names, projects = append(names, name), max(projects, len(seen))
		}
	}
	slices.Sort(names)
	return names, projects
}

// noBucket is an error about named buckets that no project has; nil if there is none.
func (m *teller) noBucket() error {
	names, projects := m.nowhere()
	if len(names) == 0 || m.Conf.Projects == nil {
		return nil
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%q", name)
	}
	return &supabase.FieldError{
		Field: config.FieldSourcePath, Problem: fmt.Sprintf("none of the %d projects that were looked at has the bucket %s", projects, strings.Join(names, ", ")),
		Remedy: "compare it with the names in the Dashboard under Storage: upper and lower case count",
	}
}

// sayAbsent warns once of buckets that no project has, when no further project was looked
// at for a while, and says once how many have no such bucket.
func (m *teller) sayAbsent() {
	m.mu.Lock()
	absent, looked := 0, 0
	for _, seen := range m.seen {
		for _, there := range seen {
			if looked++; !there {
				absent++
			}
		}
	}
	settled := looked > 0 && looked == m.lookedBefore && !m.absentTold
	m.lookedBefore = looked
	m.absentTold = m.absentTold || settled
	m.mu.Unlock()
	if !settled || absent == 0 || m.Conf.Projects == nil {
		return
	}
	if err := m.noBucket(); err != nil {
		m.Log.Warn(err.Error())
		return
	}
	m.Log.Infof("%d named buckets are not in their projects, and are read as soon as they are", absent)
}
