package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"
)

// svg is a drawing in the making.
type svg struct {
	strings.Builder
}

func (s *svg) addf(format string, args ...any) {
	s.WriteString(fmt.Sprintf(format, args...) + "\n")
}

// text writes words; anchor is start, middle or end.
func (s *svg) text(x, y float64, anchor, class, words string) {
	s.addf(`<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class, html.EscapeString(words))
}

func (s *svg) line(x1, y1, x2, y2 float64, class string) {
	s.addf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

func (s *svg) rect(x, y, w, h float64, class string) {
	s.addf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="%s"/>`, x, y, w, h, class)
}

// finish is the whole drawing on a white ground.
func (s *svg) finish(width, height float64) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">
<style>
text { font: 12px sans-serif; fill: #333 } .head { font-weight: bold } .value { font-size: 11px } .tick { fill: #888; font-size: 11px }
.grid { stroke: #ddd } .whisker { stroke: #333 } .curve { stroke: #2a7f4f; stroke-width: 2; fill: none } .stall { fill: #f3e6c8 }
.ours { fill: #2a7f4f } .other { fill: #9db4c0 }
</style>
<rect width="100%%" height="100%%" fill="#fff"/>
%s</svg>
`, width, height, width, height, s.String())
}

// The measures of the drawings.
const (
	plotWidth  = 860.0
	plotLeft   = 210.0
	plotRight  = 90.0
	barHeight  = 16.0
	barStep    = 20.0
	groupSpace = 34.0
)

// plotTimes draws the times of all rows as bars on a logarithmic scale, with the
// range of the rounds across their ends; "" if there is nothing to draw.
func plotTimes(results []*result) string {
	var all []float64
	for _, r := range results {
		for _, s := range complete(r) {
			least, most := s.spread(wallOf)
			all = append(all, least, most)
		}
	}
	if len(all) == 0 {
		return ""
	}
	low := math.Floor(math.Log10(slices.Min(all) / float64(time.Second)))
	high := math.Ceil(math.Log10(slices.Max(all) / float64(time.Second)))
	high = max(high, low+1)
	at := func(ns float64) float64 {
		return plotLeft + (math.Log10(ns/float64(time.Second))-low)/(high-low)*(plotWidth-plotLeft-plotRight)
	}
	var bars svg
	y := 40.0
	for _, r := range results {
		scores := complete(r)
		if len(scores) == 0 {
			continue
		}
		bars.text(10, y, "start", "head", r.workload.name+": "+r.workload.about)
		y += 10
		for _, s := range scores {
			bars.bar(s, y, at)
			y += barStep
		}
		y += groupSpace - 10
	}
	var s svg
	s.text(10, 18, "start", "tick", "seconds, less is better; the range of the rounds across the end of each bar")
	for decade := low; decade <= high; decade++ {
		x := at(math.Pow(10, decade) * float64(time.Second))
		s.line(x, 24, x, y-groupSpace+10, "grid")
		s.text(x, y-groupSpace+24, "middle", "tick", fmt.Sprintf("%g s", math.Pow(10, decade)))
	}
	s.WriteString(bars.String())
	return s.finish(plotWidth, y)
}

// bar draws the times of a contestant.
func (s *svg) bar(c *score, y float64, at func(float64) float64) {
	class := "other"
	if c.contestant.tool == ours {
		class = "ours"
	}
	end := at(float64(c.wall()))
	least, most := c.spread(wallOf)
	middle := y + barHeight/2
	s.text(plotLeft-8, middle+4, "end", "value", c.Name)
	s.rect(plotLeft, y, max(end-plotLeft, 1), barHeight, class)
	s.line(at(least), middle, at(most), middle, "whisker")
	for _, x := range []float64{at(least), at(most)} {
		s.line(x, middle-4, x, middle+4, "whisker")
	}
	s.text(at(most)+6, middle+4, "start", "value", seconds(c.wall())+" s")
}

// complete are the contestants that did all of the work.
func complete(r *result) (some []*score) {
	for _, s := range r.Scores {
		if s.fault() == "" && len(s.Trials) > 0 && !r.workload.watched {
			some = append(some, s)
		}
	}
	return some
}

// plotMemory draws the memory of a watched run over time; "" if there is none.
func plotMemory(r *result) string {
	const height, top, bottom = 260.0, 40.0, 30.0
	if !r.workload.watched || len(r.Scores) == 0 || len(r.Scores[0].Trials) == 0 {
		return ""
	}
	t := r.Scores[0].Trials[0]
	if len(t.Samples) < 2 {
		return ""
	}
	began := t.Samples[0].At
	end := t.Samples[len(t.Samples)-1].At.Sub(began).Seconds()
	most := 0.0
	for _, s := range t.Samples {
		most = max(most, float64(s.Memory)/1e6)
	}
	most = max(math.Ceil(most/50)*50, 50)
	const left = 60.0
	x := func(at time.Time) float64 {
		return left + min(max(at.Sub(began).Seconds()/end, 0), 1)*(plotWidth-left-20)
	}
	y := func(memory float64) float64 { return height - bottom - memory/most*(height-top-bottom) }

	var s svg
	s.text(10, 18, "start", "tick", "MB of resident memory of "+r.Scores[0].Name+"; the output answers nothing in the shaded time")
	if from := t.Endpoint.Stalled; !from.IsZero() {
		to := from.Add(r.workload.bucket.Stall)
		s.rect(x(from), top, x(to)-x(from), height-top-bottom, "stall")
	}
	for memory := 0.0; memory <= most; memory += most / 5 {
		s.line(left, y(memory), plotWidth-20, y(memory), "grid")
		s.text(left-6, y(memory)+4, "end", "tick", fmt.Sprintf("%.0f", memory))
	}
	points := make([]string, 0, len(t.Samples))
	for _, sample := range t.Samples {
		points = append(points, fmt.Sprintf("%.1f,%.1f", x(sample.At), y(float64(sample.Memory)/1e6)))
	}
	s.addf(`<polyline points="%s" class="curve"/>`, strings.Join(points, " "))
	s.text(left, height-10, "start", "tick", "0 s")
	s.text(plotWidth-20, height-10, "end", "tick", fmt.Sprintf("%.0f s", end))
	return s.finish(plotWidth, height)
}
