package live

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// scopesNamed is how many buckets the summary names in each of its lists: what is wrong
// with more of them seldom differs, and the log has them all. namesOfAnError is how many
// are named that fail for the same reason.
const (
	scopesNamed    = 10
	namesOfAnError = 3
)

// whatWasRead names in the first line of a summary what a run read.
func whatWasRead(r input.Report) string {
	if r.Scopes == nil {
		return "bucket " + strconv.Quote(r.Bucket)
	}
	projects := map[string]bool{}
	buckets := int64(0)
	for _, s := range r.Scopes {
		projects[s.Project] = true
		if s.Bucket != "" {
			buckets++
		}
	}
	if len(projects) < 2 {
		return view.Buckets(buckets)
	}
	return fmt.Sprintf("%s of %s projects", view.Buckets(buckets), view.Count(int64(len(projects))))
}

// notReadToTheEnd are the buckets and projects that could not be read to their end.
func notReadToTheEnd(r input.Report) []input.ScopeReport {
	var failed []input.ScopeReport
	for _, s := range r.Scopes {
		if s.Err != nil {
			failed = append(failed, s)
		}
	}
	return failed
}

// withObjectsLeft are the buckets of which objects are left, most first.
func withObjectsLeft(r input.Report) []input.ScopeReport {
	var left []input.ScopeReport
	for _, s := range r.Scopes {
		if s.Left()+s.NotRemoved > 0 {
			left = append(left, s)
		}
	}
	slices.SortStableFunc(left, func(a, b input.ScopeReport) int {
		return cmp.Compare(b.Left()+b.NotRemoved, a.Left()+a.NotRemoved)
	})
	return left
}

// scopes writes which buckets of several are not done, and why.
func scopes(b *strings.Builder, r input.Report, columns int, paint terminal.Painter) {
	if left := withObjectsLeft(r); len(left) > 0 {
		fmt.Fprintf(b, "\n%s\n", view.Wrap(fmt.Sprintf("Objects are left in %s:", view.Buckets(int64(len(left)))), columns, "  "))
		shown := left[:min(len(left), scopesNamed)]
		width, digits := 0, 0
		for _, s := range shown {
			width = max(width, min(view.Width(s.Name().String()), columns/2))
			digits = max(digits, len(view.Count(s.Left()+s.NotRemoved)))
		}
		for _, s := range shown {
			name := view.Cut(s.Name().String(), width)
			line := "    " + paint.Paint(terminal.Bold, name) + strings.Repeat(" ", width-view.Width(name))
			of := fmt.Sprintf("  %*s", digits, view.Count(s.Left()+s.NotRemoved))
			room := columns - 4 - width - len(of) - 2
			if room < 0 { // the name alone has to do
				fmt.Fprintln(b, strings.TrimRight("    "+view.Cut(name, columns-4), " "))
				continue
			}
			fmt.Fprintln(b, line+of+"  "+view.Cut(whatIsLeft(s), room))
		}
		andMore(b, len(left)-len(shown))
	}
	failed := notReadToTheEnd(r)
	if len(failed) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", view.Wrap(fmt.Sprintf("Not read to the end: %s:", view.Scopes(failed, func(s input.ScopeReport) string { return s.Bucket })), columns, "  "))
	groups := view.Alike(failed, func(s input.ScopeReport) string { return s.Name().General(s.Err.Error()) })
	shown := groups[:min(len(groups), scopesNamed)]
	more := len(failed)
	for _, same := range shown {
		more -= len(same)
		var names []string
		for _, s := range same {
			names = append(names, s.Name().String())
		}
		text := view.Names(names, namesOfAnError)
		fmt.Fprintf(b, "%s\n", paintLines(view.Wrap(text, columns, "    "), paint, terminal.Bold))
		why := same[0].Err.Error()
		if len(same) > 1 {
			why = same[0].Name().General(why)
		}
		fmt.Fprintf(b, "%s\n", view.Wrap(why, columns, "      "))
	}
	andMore(b, more)
}

func andMore(b *strings.Builder, n int) {
	if n > 0 {
		fmt.Fprintf(b, "    and %s more\n", view.Count(int64(n)))
	}
}

// whatIsLeft says how the objects that are left ended.
func whatIsLeft(s input.ScopeReport) string {
	var parts []string
	if len(s.Parked) > 0 {
		parts = append(parts, Reasons(s.Parked, nil))
	}
	if s.Unsettled > 0 {
		parts = append(parts, view.Count(s.Unsettled)+" under way")
	}
	if s.NotRemoved > 0 {
		parts = append(parts, view.Count(s.NotRemoved)+" delivered and not removed")
	}
	return strings.Join(parts, ", ")
}
