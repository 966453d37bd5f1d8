package main

import (
	"slices"
	"strings"
	"time"
)

// result is the result of a workload.
type result struct {
	workload   workload
	Date       time.Time `json:"date"`
	LoadBefore string    `json:"load_before"`
	Scores     []*score  `json:"scores"`
}

// score is all runs of a contestant.
type score struct {
	Name       string  `json:"name"`
	Trials     []trial `json:"trials"`
	contestant contestant
}

// score is the score of the contestant with the name, nil if it did not run.
func (r *result) score(name string) *score {
	for _, s := range r.Scores {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// named is a reference that is known beforehand.
func named(name string) func(*result) string {
	return func(*result) string { return name }
}

// bestFixed is the fastest fixed number of downloads.
func bestFixed(r *result) string {
	return r.quickest(func(name string) bool { return strings.HasPrefix(name, fixed) && name != adaptive })
}

// better is the faster of s5cmd and rclone; "" if one of them did not run.
func better(r *result) string {
	if r.score(s5cmd) == nil || r.score(rclone) == nil {
		return ""
	}
	return r.quickest(func(name string) bool { return name == s5cmd || name == rclone })
}

// quickest is the fastest of some contestants.
func (r *result) quickest(among func(name string) bool) string {
	best, found := "", time.Duration(0)
	for _, s := range r.Scores {
		if wall := s.wall(); among(s.Name) && s.fault() == "" && (best == "" || wall < found) {
			best, found = s.Name, wall
		}
	}
	return best
}

// fault is the first thing that is wrong with a run.
func (s *score) fault() string {
	for _, t := range s.Trials {
		if t.Fault != "" {
			return t.Fault
		}
	}
	return ""
}

// wall is the median of the times.
func (s *score) wall() time.Duration { return time.Duration(s.median(wallOf)) }

func wallOf(t trial) float64 { return float64(t.Wall) }

// median is the median of a figure of the runs.
func (s *score) median(figure func(trial) float64) float64 {
	return median(s.figures(figure))
}

func (s *score) figures(figure func(trial) float64) []float64 {
	all := make([]float64, 0, len(s.Trials))
	for _, t := range s.Trials {
		all = append(all, figure(t))
	}
	return all
}

// spread is the least and the most of a figure of the runs.
func (s *score) spread(figure func(trial) float64) (least, most float64) {
	all := s.figures(figure)
	if len(all) == 0 {
		return 0, 0
	}
	return slices.Min(all), slices.Max(all)
}

// memory is the most memory that any run used.
func (s *score) memory() int64 {
	_, most := s.spread(func(t trial) float64 { return float64(t.Memory) })
	return int64(most)
}

// ratio divides a figure by the same figure of another contestant in the same round,
// and returns the median over the rounds. So it does not show what slows down a whole
// round. It is 0 if there is nothing to compare.
func (s *score) ratio(other *score, figure func(trial) float64) float64 {
	if other == nil || s.fault() != "" || other.fault() != "" {
		return 0
	}
	var all []float64
	for i := range min(len(s.Trials), len(other.Trials)) {
		if by := figure(other.Trials[i]); by > 0 {
			all = append(all, figure(s.Trials[i])/by)
		}
	}
	return median(all)
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	mid := len(all) / 2
	if len(all)%2 == 1 {
		return all[mid]
	}
	return (all[mid-1] + all[mid]) / 2
}
