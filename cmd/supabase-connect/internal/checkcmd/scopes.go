package checkcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

const (
	// foldFrom is how many buckets without a problem are listed at a terminal; of more
	// than that, foldTo are.
	foldFrom = 20
	foldTo   = 10
	// namesOfAProblem is how many buckets are named that have the same problem.
	namesOfAProblem = 10
)

// scopes prints the buckets of an input that reads several, those with problems first.
func (p *printer) scopes(all []input.CheckScope) {
	for _, status := range []input.CheckStatus{input.CheckFailed, input.CheckWarning} {
		p.problemsOf(slices.DeleteFunc(slices.Clone(all), func(s input.CheckScope) bool { return s.Status != status }), status)
	}
	p.fine(slices.DeleteFunc(slices.Clone(all), func(s input.CheckScope) bool { return s.Status != input.CheckOK }))
	p.dueOf(all)
}

// problemsOf prints each problem once, with the buckets that have it.
func (p *printer) problemsOf(scopes []input.CheckScope, status input.CheckStatus) {
	if len(scopes) == 0 {
		return
	}
	mark := marks[status]
	what := "can't be read to the end"
	if status == input.CheckWarning {
		what = "with a warning"
	}
	p.printf("\n  %s %s %s:\n", p.paint.Paint(mark.colour, mark.text), count(scopes), what)
	for _, group := range view.Alike(scopes, problems) {
		var names []string
		for _, s := range group {
			names = append(names, p.paint.Paint(terminal.Bold, s.Name().String()))
		}
		text := view.Names(names, namesOfAProblem)
		if as := asRole(group[0]); as != "" {
			text += "  " + p.paint.Paint(terminal.Faint, as)
		}
		p.printf("    %s\n", text)
		for _, problem := range group[0].Problems() {
			if len(group) > 1 {
				problem = general(problem, group[0])
			}
			p.printf("      %s\n", strings.Join(p.problem(problem, mark.colour), "\n      "))
		}
	}
}

// problems are those of a bucket and its role in one text, which is the same for each
// bucket that has them.
func problems(s input.CheckScope) string {
	parts := []string{asRole(s)}
	for _, problem := range s.Problems() {
		parts = append(parts, general(problem, s).String())
	}
	return strings.Join(parts, "\n")
}

// general is a problem without the names of bucket and project.
func general(problem input.CheckProblem, s input.CheckScope) input.CheckProblem {
	without := s.Name().General
	problem.Problem, problem.Remedy, problem.Cause = without(problem.Problem), without(problem.Remedy), without(problem.Cause)
	return problem
}

// fine prints what has no problem, a line each.
func (p *printer) fine(scopes []input.CheckScope) {
	if len(scopes) == 0 {
		return
	}
	as := "" // a project without a bucket has none
	for _, s := range scopes {
		as = cmp.Or(as, asRole(s))
	}
	same := !slices.ContainsFunc(scopes, func(s input.CheckScope) bool { return s.Bucket != "" && asRole(s) != as })
	named := slices.ContainsFunc(scopes, func(s input.CheckScope) bool { return s.ProjectName != "" })
	heading := count(scopes) + " without a problem"
	if same && as != "" {
		heading += ", " + as
	}
	shown := scopes
	if p.folds && len(scopes) > foldFrom {
		// The ones with most to deliver are what somebody looks for.
		shown = slices.Clone(scopes)
		slices.SortStableFunc(shown, func(a, b input.CheckScope) int { return cmp.Compare(dueBytes(b), dueBytes(a)) })
		shown = shown[:foldTo]
		heading += fmt.Sprintf(", the %d with most to deliver", foldTo)
	}
	p.printf("\n  %s %s", p.paint.Paint(terminal.Green, marks[input.CheckOK].text), heading)
	p.table(len(shown), func(i int) []string {
		s := shown[i]
		cells := []string{s.Name().Short()}
		if named {
			cells = append(cells, s.Name().ProjectName())
		}
		if !same {
			cells = append(cells, asRole(s))
		}
		return append(cells, due(s))
	})
}

// dueOf prints what would be delivered of all buckets together.
func (p *printer) dueOf(scopes []input.CheckScope) {
	var objects, bytes, cut, unread int64
	for _, s := range scopes {
		if s.Sample == nil {
			continue
		}
		objects, bytes = objects+s.Sample.Due, bytes+s.Sample.DueBytes
		if !s.Sample.Complete {
			cut++
		}
		if s.Sample.StateUnread {
			unread++
		}
	}
	least := ""
	if cut > 0 {
		least = "At least "
	}
	p.printf("\n  %s%s would be delivered, %s", least, view.Objects(objects), size(bytes))
	if unread > 0 {
		p.printf(" (less what the state knows, which could not be read)")
	}
	p.printf(".")
	if cut > 0 {
		p.printf(" %s %s listed in part; --%s N lists more.", view.Buckets(cut), verb(cut), flagLimit)
	}
	p.printf("\n")
}

func verb(n int64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func count(scopes []input.CheckScope) string {
	return view.Scopes(scopes, func(s input.CheckScope) string { return s.Bucket })
}

// asRole tells of the role and the plane, "" where they are not known.
func asRole(s input.CheckScope) string {
	if s.Role == "" {
		return ""
	}
	return fmt.Sprintf("as %s over the %s", s.Role, s.Plane)
}

// due says what would be delivered of a bucket.
func due(s input.CheckScope) string {
	sample := s.Sample
	switch {
	case sample == nil:
		return terminal.Printable(s.Found())
	case sample.Listed == 0:
		return "nothing is listed"
	}
	of := view.Objects(sample.Listed)
	if !sample.Complete {
		of = "the first " + of
	}
	if sample.Due == 0 {
		return "nothing of " + of
	}
	return fmt.Sprintf("%s of %s, %s", view.Count(sample.Due), of, size(sample.DueBytes))
}

func dueBytes(s input.CheckScope) int64 {
	if s.Sample == nil {
		return -1
	}
	return s.Sample.DueBytes
}
