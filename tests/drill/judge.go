package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// violated notes something that must not happen.
func (b *book) violated(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong.add(format, args...)
}

// leftBy are the versions that were visible during a whole one-time run and that it
// did not deliver.
func (b *book) leftBy(run int) []*version {
	b.mu.Lock()
	defer b.mu.Unlock()
	var left []*version
	for _, v := range b.visible {
		if v.from.Before(b.lives[run].began) && !slices.Contains(v.runs, run) {
			left = append(left, v)
		}
	}
	return left
}

// judge checks a one-time run that has ended: its log from logged on must name every
// version that it did not deliver, and its exit code must say whether there was one.
// If the bucket did not change meanwhile (still), its count must be right too. judge
// returns how many undelivered versions were named.
func (s *scene) judge(run int, logged int64, still bool) (named int) {
	text, left, code := s.pipeline.loggedSince(logged), s.book.leftBy(run), s.pipeline.code
	for _, v := range left {
		if strings.Contains(text, v.key) {
			named++
			continue
		}
		s.book.violated("run %d ended with %d, left %q with the ETag %q, and did not name it", run, code, v.key, v.etag)
	}
	switch {
	case code == 0 && len(left) > 0:
		s.book.violated("run %d ended with 0 and left %d versions", run, len(left))
	case code != 0 && code != 1:
		s.book.violated("run %d ended with %d; its last words:\n%s", run, code, s.pipeline.lastWords())
	case code == 1 && still && !counts(text, len(left)):
		s.book.violated("run %d left %d versions, and none of its last lines says %d of them; its last words:\n%s", run, len(left), len(left), s.pipeline.lastWords())
	}
	return named
}

// counts reports whether the end of a log says "n of" some number of objects.
func counts(log string, n int) bool {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	said := regexp.MustCompile(fmt.Sprintf(`\b%d of \d+ objects?\b`, n))
	return slices.ContainsFunc(lines[max(0, len(lines)-10):], said.MatchString)
}

// reportLies prints the results of the scenes. Its error says what went wrong.
func reportLies(w io.Writer, took time.Duration, scenes []*scene) error {
	var wrong problems
	told := map[emulator.Lie]int{}
	rows := []struct {
		name string
		of   func(*scene, figures) int
	}{
		{"runs", func(s *scene, _ figures) int { return len(s.book.lives) - 1 }},
		{"  killed", func(_ *scene, f figures) int { return f.kills }},
		{"whole passes", func(_ *scene, f figures) int { return f.passes }},
		{"lies told", func(s *scene, _ figures) int { return total(s.told()) }},
		{"versions uploaded", func(_ *scene, f figures) int { return f.versions }},
		{"  delivered", func(_ *scene, f figures) int { return f.delivered }},
		{"  left, named in the log", func(s *scene, _ figures) int { return s.kept }},
		{"  visible, missing", func(s *scene, f figures) int { return f.missing - s.kept }},
		{"messages", func(_ *scene, f figures) int { return f.messages }},
		{"  repeats in a run", func(s *scene, _ figures) int { return s.book.unprovoked.count }},
		{"deletions told", func(s *scene, _ figures) int { return s.book.events }},
		{"deleted by the pipeline", func(s *scene, _ figures) int { return s.book.removed }},
		{"  still there", func(s *scene, _ figures) int { return len(s.book.visible) }},
		{"peak memory, MiB", func(s *scene, _ figures) int { return int(s.pipeline.peak >> 20) }},
		{"violations", func(s *scene, _ figures) int { return s.book.wrong.count }},
	}
	_, _ = fmt.Fprintf(w, "\n%-26s", "") // errors of the writer do not matter
	for _, s := range scenes {
		_, _ = fmt.Fprintf(w, "%16s", s.name)
		s.verdict()
		for lie, n := range s.told() {
			told[lie] += n
		}
		for _, k := range s.book.wrong.kinds {
			for i, text := range k.texts {
				k.texts[i] = s.name + ": " + text
			}
		}
		wrong.join(s.book.wrong)
	}
	for _, row := range rows {
		_, _ = fmt.Fprintf(w, "\n%-26s", row.name)
		for _, s := range scenes {
			_, _ = fmt.Fprintf(w, "%16d", row.of(s, s.book.sum()))
		}
	}
	_, _ = fmt.Fprintf(w, "\n\nin %s, lies by kind:", took.Round(time.Second))
	for _, lie := range slices.Sorted(maps.Keys(told)) {
		_, _ = fmt.Fprintf(w, " %v %d", lie, told[lie])
	}
	_, _ = fmt.Fprintln(w)
	return wrong.err()
}

// verdict notes what is wrong with a scene as a whole. A lie may cause a repeated
// delivery, for example if it made the listing show another size. Without a lie
// nothing may be repeated.
func (s *scene) verdict() {
	f, lies := s.book.sum(), total(s.told())
	if s.err != nil {
		s.book.violated("%v", s.err)
	}
	if f.delivered == 0 || f.kills == 0 || lies == 0 {
		s.book.violated("the drill did nothing: %d versions delivered, %d kills, %d lies", f.delivered, f.kills, lies)
	}
	for line := range strings.SplitSeq(s.pipeline.loggedSince(0), "\n") {
		if strings.Contains(line, "Unsolicited response") {
			s.book.violated("Go's HTTP client wrote bytes after a body to stderr, past the logger: %.200s", line)
		}
	}
	if n := s.book.unprovoked.count; n > lies {
		s.book.violated("%d versions were delivered again in one run, more than %d lies can explain", n, lies)
	}
}

func total(told map[emulator.Lie]int) (n int) {
	for _, k := range told {
		n += k
	}
	return n
}
