package input

import (
	"context"
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/scope"
)

// begin says what is read.
func (m *teller) begin() {
	m.Log.Infof("Reading %s (%s)", m.Conf.Where(), m.Conf.Mode())
	if m.Conf.Remembers() && !m.Conf.State.Set() {
		m.Log.Warn("There is no state: what was delivered is remembered in memory only, and a restart reads all buckets again. Set state.path or state.cache to keep it")
	}
}

// watch shows how many scopes are read, wait or fail, and logs a line on long work. It
// rests while nothing is under way, until stir says that something is again: an input at
// rest does nothing.
func (m *teller) watch(ctx context.Context) {
	look := time.NewTimer(scope.ProgressEvery / 2)
	defer look.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		m.sayAbsent()
		now := m.progress()
		m.showScopes(now.Scopes)
		quota := m.tellQuota()
		if n%2 == 0 {
			m.sayProgress(now)
			if m.Conf.Plan.Repeats() && now.Scopes.Active == 0 && now.UnderWay == 0 && !quota {
				select {
				case <-ctx.Done():
					return
				case <-m.stirred:
				}
			}
		}
		look.Reset(scope.ProgressEvery / 2)
	}
}

// stir has watch look again: a scope has begun or ended something, or what is known of
// one or of a project may have changed.
func (m *teller) stir() {
	select {
	case m.stirred <- struct{}{}:
	default:
	}
}

func (m *teller) showScopes(now Scopes) {
	m.Meters.Scopes(now.Active, now.Waiting, now.Failing, now.Done, now.Gone)
	m.Meters.Projects(now.ProjectsWaiting, now.ProjectsFailing)
}

// sayProgress logs a line where objects were delivered or parked since the last one, or a
// one-time run waits: then at growing distances.
func (m *teller) sayProgress(now Progress) {
	last := m.last
	m.last = now
	settled := m.Settled()
	before := m.said
	m.said = settled
	say := m.Log.Infof
	moved := settled != before || now.Listed != last.Listed || now.Scopes != last.Scopes
	if m.quiet++; moved {
		m.quiet = 0
	}
	switch {
	case m.quiet&(m.quiet-1) != 0: // only the first, second, fourth, eighth ...
		return
	case m.Conf.Plan.Repeats() && settled == before:
		return
	case !m.Conf.Plan.Repeats() && m.Shown():
		say = m.Log.Debugf
	}
	line := fmt.Sprintf("Reading %s: %d listed, %d delivered (%s), %d under way, %d parked; %s",
		m.Conf.Where(), now.Listed, now.Delivered, object.Bytes(now.Bytes), now.UnderWay, now.Parked, now.Scopes)
	if now.Waits != "" {
		line += "; " + now.Waits
	}
	say("%s", line)
}

// quotaWaits says how many projects wait for their keys because the quota of the
// Management API is used up; "" if none does. Waiting is how many have none.
func (m *teller) quotaWaits(waiting int) string {
	if m.management == nil || waiting == 0 {
		return ""
	}
	held := m.management.Held()
	if held == 0 {
		return ""
	}
	m.several.mu.Lock()
	all := len(m.sources)
	m.several.mu.Unlock()
	return fmt.Sprintf("%d of %d projects wait for their keys: the Management API has answered as many requests as it does at a time, and goes on within %s",
		waiting, all, held.Round(time.Second))
}

// quotaOver is how long no project waits for the quota before that is over: the API has
// let some on in the meantime.
const quotaOver = time.Minute

// tellQuota tells of projects that wait for the quota: when they begin to, now and then,
// and when none does any more. It reports whether there is more to tell. The progress of
// a one-time run has it in its lines.
func (m *teller) tellQuota() (more bool) {
	if !m.Conf.Plan.Repeats() {
		return false
	}
	waiting, _ := m.unread()
	switch waits := m.quotaWaits(waiting); {
	case waits != "":
		m.quotaAt = time.Now()
		if m.quota.Failed() {
			m.Log.Infof("Reading %s: %s", m.Conf.Where(), waits)
		}
	case waiting == 0 || time.Since(m.quotaAt) > quotaOver:
		if lasted := m.quota.Lasts(); m.quota.Over() {
			m.Log.Infof("Reading %s: no project waits for the Management API any more, after %s", m.Conf.Where(), lasted)
		}
	}
	return m.quota.Failures() > 0
}
