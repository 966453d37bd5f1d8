package main

import (
	"fmt"
	"strconv"
	"time"
)

// goal is what this input should achieve on a workload.
type goal struct {
	text string
	// check returns the figure and whether it is good enough; "" if the runs do not
	// show it.
	check func(*result) (figure string, met bool)
}

// timeOfS5cmd: this input takes at most limit times as long as s5cmd.
func timeOfS5cmd(limit float64) goal {
	return goal{fmt.Sprintf("time ≤ %s × that of s5cmd", short(limit)), func(r *result) (string, bool) {
		return atMost(timeRatio(r, ours, s5cmd), limit)
	}}
}

// fasterThan: the other takes at least times as long.
func fasterThan(than string, times float64) goal {
	return goal{fmt.Sprintf("at least %s × faster than %s", short(times), than), func(r *result) (string, bool) {
		ratio := timeRatio(r, ours, than)
		if ratio == 0 {
			return "", false
		}
		return number(1/ratio) + " ×", 1/ratio >= times
	}}
}

// timeOfBetter: this input takes at most limit times as long as the faster of s5cmd
// and rclone.
func timeOfBetter(limit float64) goal {
	return goal{fmt.Sprintf("time ≤ %s × that of the better of s5cmd and rclone", short(limit)), func(r *result) (string, bool) {
		return atMost(timeRatio(r, ours, better(r)), limit)
	}}
}

// ofBestFixed: with the adaptive window the input takes at most limit times as long
// as with the best fixed window.
func ofBestFixed(name string, limit float64) goal {
	return goal{fmt.Sprintf("time ≤ %s × that of the best fixed window", short(limit)), func(r *result) (string, bool) {
		return atMost(timeRatio(r, name, bestFixed(r)), limit)
	}}
}

// restAtMost: over the REST API the input takes at most limit times as long as over
// the S3 protocol.
func restAtMost(limit float64) goal {
	return goal{fmt.Sprintf("time over REST ≤ %s × that over S3", short(limit)), func(r *result) (string, bool) {
		return atMost(timeRatio(r, onREST, ours), limit)
	}}
}

// knocksAtMost: an endpoint that is down is asked at most so many times a second.
func knocksAtMost(perSecond float64) goal {
	return goal{fmt.Sprintf("≤ %s requests/s while it is down", short(perSecond)), func(r *result) (string, bool) {
		s := r.score(ours)
		if s == nil {
			return "", false
		}
		down := r.workload.bucket.Down.Seconds()
		knocks := s.median(func(t trial) float64 { return float64(t.Endpoint.Knocks) }) / down
		later := s.median(func(t trial) float64 { return float64(t.Endpoint.Knocks - t.Endpoint.AtOnce) }) / max(down-1, 1)
		return fmt.Sprintf("%s requests/s, %s after the first second", number(knocks), number(later)), knocks > 0 && knocks <= perSecond
	}}
}

// backWithin: objects are read again soon after an outage.
func backWithin(limit time.Duration) goal {
	return goal{fmt.Sprintf("moving again ≤ %s after it is back", limit), func(r *result) (string, bool) {
		s := r.score(ours)
		if s == nil || s.fault() != "" {
			return "", false
		}
		waited := s.median(func(t trial) float64 { return float64(t.Endpoint.Back.Sub(t.Endpoint.Down) - r.workload.bucket.Down) })
		return number(time.Duration(waited).Seconds()) + " s", time.Duration(waited) <= limit
	}}
}

// pushedBackAtMost: the adaptive window settles where the endpoint accepts its
// requests; until then, no more than the limit of them are answered 429.
func pushedBackAtMost(limit float64) goal {
	return goal{fmt.Sprintf("settles below the bound: ≤ %s of all requests answered 429", short(limit)), func(r *result) (string, bool) {
		s := r.score(adaptive)
		if s == nil {
			return "", false
		}
		share := s.median(func(t trial) float64 { return float64(t.Endpoint.Throttled) / max(requestsOf(t), 1) })
		return number(share), share <= limit
	}}
}

// requestsAtMost: the requests are at most limit times the other's.
func requestsAtMost(than string, limit float64) goal {
	return goal{fmt.Sprintf("requests ≤ %s × those of %s", short(limit), than), func(r *result) (string, bool) {
		s := r.score(ours)
		if s == nil {
			return "", false
		}
		return atMost(s.ratio(r.score(than), requestsOf), limit)
	}}
}

// linear: so many workers read at least share of what as many times one worker reads.
func linear(n int, share float64) goal {
	return goal{fmt.Sprintf("%s ≥ %s × linear", workersName(n), short(share)), func(r *result) (string, bool) {
		ratio := timeRatio(r, workersName(n), workersName(1))
		if ratio == 0 {
			return "", false
		}
		reached := 1 / (ratio * float64(n))
		return number(reached) + " ×", reached >= share
	}}
}

func requestsOf(t trial) float64 { return float64(t.Endpoint.Requests()) }

func timeRatio(r *result, name, than string) float64 {
	s := r.score(name)
	if s == nil {
		return 0
	}
	return s.ratio(r.score(than), wallOf)
}

func atMost(figure, limit float64) (string, bool) {
	if figure == 0 {
		return "", false
	}
	// One digit more than elsewhere, since 1.00 may be more or less than 1.
	return fmt.Sprintf("%.3f ×", figure), figure <= limit
}

// memoryAtMost: no run used more memory.
func memoryAtMost(limit int64) goal {
	return goal{fmt.Sprintf("peak RSS ≤ %d MB", limit/mb), func(r *result) (string, bool) {
		s := r.score(ours)
		if s == nil || s.memory() == 0 {
			return "", false
		}
		return megabytes(s.memory()) + " MB", s.memory() <= limit
	}}
}

// noRepeats: nothing was requested twice.
func noRepeats() goal {
	return goal{"no range is read twice", func(r *result) (string, bool) {
		s := r.score(ours)
		if s == nil {
			return "", false
		}
		_, most := s.spread(func(t trial) float64 { return float64(t.Endpoint.Repeated) })
		return fmt.Sprintf("%.0f repeated", most), most == 0
	}}
}

// steadyMemory: from a sixth of the stall on, when all buffers are full, to its
// end, the memory grows to no more than limit times what it was.
func steadyMemory(limit float64) goal {
	return goal{fmt.Sprintf("RSS at the end of the stall ≤ %s × that at its begin, buffers filled", short(limit)), func(r *result) (string, bool) {
		first, last := stallOf(r)
		if first == nil || first.Memory == 0 {
			return "", false
		}
		ratio := float64(last.Memory) / float64(first.Memory)
		return fmt.Sprintf("%s × (%s to %s MB)", number(ratio), megabytes(first.Memory), megabytes(last.Memory)), ratio <= limit
	}}
}

// idleWhileStalled: once the buffers are full, there are no more requests.
func idleWhileStalled() goal {
	return goal{"no request during the stall, buffers filled", func(r *result) (string, bool) {
		first, last := stallOf(r)
		if first == nil {
			return "", false
		}
		made := last.Requests - first.Requests
		return fmt.Sprintf("%d requests in %.0f s", made, last.At.Sub(first.At).Seconds()), made == 0
	}}
}

// stallOf returns the first sample of a stall after the buffers have filled, and the
// last sample.
func stallOf(r *result) (first, last *sample) {
	s := r.score(ours)
	if s == nil || len(s.Trials) == 0 {
		return nil, nil
	}
	t := &s.Trials[0]
	from := t.Endpoint.Stalled.Add(r.workload.bucket.Stall / 6)
	to := t.Endpoint.Stalled.Add(r.workload.bucket.Stall)
	for i := range t.Samples {
		if at := t.Samples[i].At; at.Before(from) || at.After(to) {
			continue
		}
		if first == nil {
			first = &t.Samples[i]
		}
		last = &t.Samples[i]
	}
	return first, last
}

// number writes a ratio with as many digits as matter.
func number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// short writes a limit without trailing zeros.
func short(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func megabytes(b int64) string { return fmt.Sprintf("%.0f", float64(b)/1e6) }

func seconds(d time.Duration) string { return number(d.Seconds()) }
