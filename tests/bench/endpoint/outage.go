package endpoint

import "time"

// outage is a time without answers, once in a run.
type outage struct {
	after int // answers with an object before it
	lasts time.Duration
	left  int // answers until it begins
}

// isDown reports whether a request of the kind gets no answer, and counts it.
func (r *recorder) isDown(k kind) bool {
	if r.down.lasts == 0 {
		return false
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch s := &r.stats; {
	case s.Down.IsZero() && (k != kindGet || r.down.left > 0):
		r.down.left -= map[kind]int{kindGet: 1}[k]
		return false
	case s.Down.IsZero():
		s.Down = now
	case now.Sub(s.Down) >= r.down.lasts:
		if k == kindGet && s.Back.IsZero() {
			s.Back = now
		}
		return false
	}
	r.stats.Knocks++
	if now.Sub(r.stats.Down) < time.Second {
		r.stats.AtOnce++
	}
	return true
}
