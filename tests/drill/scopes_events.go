package main

import (
	"slices"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const (
	// longestTrouble is how many turns a trouble may last.
	longestTrouble = 4
	// mostTroubled is how many projects may have one at the same time.
	mostTroubled = 3
)

// events are what may happen between two writes, each as often as the others. Each reports
// whether it happened.
var events = []struct {
	name string
	do   func(*scopeWorld, *scopeProject) bool
}{
	{"trouble", (*scopeWorld).troubled},
	{"trouble", (*scopeWorld).troubled},
	{"bucket added", func(w *scopeWorld, p *scopeProject) bool {
		if len(p.buckets) >= mostBuckets {
			return false
		}
		w.addBucket(p)
		return true
	}},
	{"bucket removed", (*scopeWorld).removeBucket},
	{"project added", func(w *scopeWorld, _ *scopeProject) bool {
		if len(w.projects) >= mostProjects {
			return false
		}
		w.addProject()
		return true
	}},
	{"project removed", (*scopeWorld).removeProject},
}

// happen lets one thing happen. When says whether the process runs meanwhile.
func (w *scopeWorld) happen(when string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := events[w.chance.IntN(len(events))]
	if e.do(w, w.projects[w.chance.IntN(len(w.projects))]) {
		w.happened[e.name+" "+when]++
	}
}

// next begins another turn, and ends the troubles that last no longer.
func (w *scopeWorld) next() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	for _, p := range w.projects {
		if p.trouble != nil && p.until <= w.turn {
			p.recover()
		}
	}
}

// recover ends all troubles.
func (w *scopeWorld) recover() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.projects {
		p.recover()
	}
}

func (p *scopeProject) recover() {
	if p.trouble != nil && p.trouble.end != nil {
		p.trouble.end(p.server)
	}
	p.trouble = nil
}

func (w *scopeWorld) troubled(p *scopeProject) bool {
	n := 0
	for _, other := range w.projects {
		if other.trouble != nil {
			n++
		}
	}
	if p.trouble != nil || n >= mostTroubled {
		return false
	}
	status := func(to emulator.Status) func(*emulator.Server) {
		return func(s *emulator.Server) { s.SetStatus(to) }
	}
	healthy := status(emulator.StatusActiveHealthy)
	all := []*scopeTrouble{
		{name: "paused", hides: true, begin: status(emulator.StatusInactive), end: healthy},
		{name: "answers 500", hides: true, faults: emulator.FaultRules(emulator.FailEverything(500))},
		{name: "revoked keys", hides: true, begin: (*emulator.Server).RevokeKeys, end: func(s *emulator.Server) { s.IssueKeys() }},
		{name: "slow", faults: emulator.FaultRules(emulator.SlowPages(slowScope))},
	}
	if len(p.buckets) > 0 {
		bucket := p.buckets[w.chance.IntN(len(p.buckets))].bucket
		all = append(all, &scopeTrouble{name: "no rights", bucket: bucket, faults: emulator.FaultRules(emulator.DenyBucket(bucket))})
	}
	p.trouble, p.until = all[w.chance.IntN(len(all))], w.turn+1+w.chance.IntN(longestTrouble)
	if p.trouble.begin != nil {
		p.trouble.begin(p.server)
	}
	w.happened[p.trouble.name]++
	return true
}

func (w *scopeWorld) removeBucket(p *scopeProject) bool {
	if len(p.buckets) < 2 {
		return false
	}
	i := w.chance.IntN(len(p.buckets))
	b := p.buckets[i]
	p.buckets = slices.Delete(p.buckets, i, i+1)
	w.book.goneAll(b.scope)
	p.server.RemoveBucket(b.bucket)
	return true
}

func (w *scopeWorld) removeProject(p *scopeProject) bool {
	if len(w.projects) <= fewestProjects {
		return false
	}
	p.recover()
	for _, b := range p.buckets {
		w.book.goneAll(b.scope)
	}
	w.projects = slices.DeleteFunc(w.projects, func(other *scopeProject) bool { return other == p })
	w.org.RemoveProject(p.ref)
	return true
}
