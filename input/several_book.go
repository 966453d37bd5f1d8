package input

import (
	"context"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/fleet"
	"github.com/seed75cbcda6/supabase-storage/input/internal/ledger"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
)

// openBook reads which scopes the state holds.
func (m *teller) openBook(ctx context.Context) (err error) {
	if m.Store != nil && m.book == nil {
		m.book, err = ledger.OpenBook(ctx, m.Store, m.Conf.Scope(m.Resources.Label()).Namespace)
	}
	return err
}

// Remembered implements fleet.Source: the buckets that an earlier run has read.
func (s *source) Remembered() (buckets []string) {
	book := s.in.teller.book
	if book == nil {
		return nil
	}
	of := s.Endpoint.Conf
	for _, e := range book.Of(of.Project.Endpoint) {
		if e.Gone.IsZero() && reads(of, e.Bucket) {
			buckets = append(buckets, e.Bucket)
		}
	}
	return buckets
}

// rememberedProjects are those that an earlier run has read and that were not told of as
// gone.
func (m *teller) rememberedProjects() (all []fleet.Project) {
	if m.book == nil {
		return nil
	}
	known := map[string]bool{}
	for _, e := range m.book.Entries() {
		if e.Gone.IsZero() && e.ProjectRef != "" && !known[e.ProjectRef] {
			known[e.ProjectRef] = true
			all = append(all, fleet.Project{Ref: e.ProjectRef, Name: e.ProjectName})
		}
	}
	return all
}

// write writes into the book, and reports whether that is done.
func (m *teller) write(s *source, gone time.Time, buckets ...string) bool {
	if m.book == nil || len(buckets) == 0 {
		return true
	}
	entries := make([]ledger.BookEntry, len(buckets))
	for i, bucket := range buckets {
		entries[i] = ledger.BookEntry{
			ProjectRef: s.of.Ref, ProjectName: s.of.Name, Endpoint: s.Endpoint.Conf.Project.Endpoint, Bucket: bucket, Gone: gone,
		}
	}
	err := scope.Timed(func(ctx context.Context) error { return m.book.Put(ctx, entries...) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		if lasted := m.unnoted.Lasts(); m.unnoted.Over() {
			m.Log.Infof("%s: what is read can be noted again, after %s", m.Conf.State.Field(), lasted)
		}
		return true
	}
	m.unnoted.Once = true
	if m.unnoted.Failed() {
		m.Log.Warnf("%s: what is read could not be noted, and is noted later: %v", m.Conf.State.Field(), err)
	}
	return false
}
