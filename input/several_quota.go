package input

import (
	"fmt"
	"time"
)

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
