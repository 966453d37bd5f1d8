package input

import "fmt"

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
		waiting, all, roundWait(held))
}

// tellQuota tells of projects that wait for the quota: when they begin to, now and then,
// and when none does any more. The progress of a one-time run has it in its lines.
func (m *teller) tellQuota() {
	if !m.conf.Plan.Repeats() {
		return
	}
	waiting, _ := m.unread()
	switch waits := m.quotaWaits(waiting); {
	case waits != "":
		if m.quota.failed() {
			m.log.Infof("Reading %s: %s", m.conf.Where(), waits)
		}
	case waiting == 0:
		if lasted := m.quota.lasts(); m.quota.over() {
			m.log.Infof("Reading %s: no project waits for its keys any more, after %s", m.conf.Where(), lasted)
		}
	}
}
