package view

import (
	"fmt"
	"time"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
)

// Figures are what is shown of a run, or of several together. What is not known is
// zero, and not shown.
type Figures struct {
	// Name stands in front of everything else: of which run, or of how many.
	Name string
	// Elapsed is the time since the beginning.
	Elapsed time.Duration
	// Listed is how many objects were seen so far, Total how many there are.
	Listed, Total int64
	// Delivered is how many the output has acknowledged, Bytes is their size.
	Delivered, Bytes int64
	// Rate and ByteRate are what was delivered per second lately.
	Rate, ByteRate float64
	// UnderWay is how many are being read or wait for the output's ack.
	UnderWay, Parked int64
	// Unchanged is how many were delivered before, Filtered how many are left out.
	Unchanged, Filtered int64
	// Reading is how many buckets of several are read now, Pending how many wait, Failing
	// how many can't be read, and Done how many are read to their end.
	Reading, Pending, Failing, Done int64
	// ProjectsPending and ProjectsFailing are projects whose buckets are not known.
	ProjectsPending, ProjectsFailing int64
	// Left is how long it will take at this rate.
	Left time.Duration
	// Waits says why nothing moves. It gets most of the line, and no rates are shown.
	Waits string
}

// MostLeft is the longest time that a line shows as left: more is a guess.
const MostLeft = 99 * 24 * time.Hour

// leastWaits is how many columns the reason for a wait has at least: enough for
// "nothing has moved for 1m20s". In a wide line it has more than half of them.
const leastWaits = 28

// Line writes the figures in one line of at most the given number of columns: the
// most important ones, where not all of them fit.
func Line(f Figures, columns int, paint terminal.Painter) string {
	listed := Count(f.Listed) + " listed"
	if f.Total > f.Listed {
		listed = Count(f.Listed) + " of " + Count(f.Total) + " listed"
	}
	parts := []Part{
		{Text: Clock(f.Elapsed), Rank: 1, Colour: terminal.Faint},
		{Text: f.Name, Rank: 9},
		{Text: listed, Rank: 5},
	}
	delivered := Part{Text: Count(f.Delivered) + " delivered", Rank: 0, Colour: terminal.Green}
	buckets := Part{Text: buckets(f), Rank: 9}
	failing := Part{Rank: 4, Colour: terminal.Red}
	if f.Failing+f.ProjectsFailing > 0 {
		failing.Text = ProjectsAndBuckets(f.ProjectsFailing, f.Failing) + " failing"
	}
	underWay := Part{Text: some(f.UnderWay, "under way"), Rank: 6}
	parked := Part{Text: some(f.Parked, "parked"), Rank: 4, Colour: terminal.Red}
	if f.Waits != "" {
		delivered.Rank = 3
		waits := Part{Text: f.Waits, Rank: 0, Colour: terminal.Yellow, Least: max(leastWaits, columns*3/5)}
		return Fit(append(parts, delivered, underWay, parked, failing, waits), columns, paint)
	}
	parts = append(parts,
		Part{Text: some(f.Unchanged, "unchanged"), Rank: 10},
		Part{Text: some(f.Filtered, "filtered"), Rank: 11},
		delivered,
		Part{Text: Rate(f.Rate), Rank: 3},
	)
	if f.Bytes > 0 {
		parts = append(parts, Part{Text: Bytes(f.Bytes), Rank: 8}, Part{Text: ByteRate(f.ByteRate), Rank: 7})
	}
	parts = append(parts, underWay, parked, buckets, failing)
	if f.Left > 0 {
		parts = append(parts, Part{Text: Duration(f.Left) + " left", Rank: 2})
	}
	return Fit(parts, columns, paint)
}

// buckets tells of the buckets of a run that reads several, "" for one.
func buckets(f Figures) string {
	text := ""
	switch total := f.Reading + f.Pending + f.Failing + f.Done; {
	case total == 0:
	case f.Done > 0:
		text = fmt.Sprintf("%s of %s done", Count(f.Done), Buckets(total))
	case f.Pending == 0:
		text = Buckets(f.Reading)
	default:
		text = fmt.Sprintf("%s, %s wait", Buckets(f.Reading), Count(f.Pending))
	}
	if f.ProjectsPending > 0 {
		if text != "" {
			text += ", "
		}
		text += Projects(f.ProjectsPending) + " to look at"
	}
	return text
}

// some writes a number and its word, or nothing where there are none.
func some(n int64, word string) string {
	if n == 0 {
		return ""
	}
	return Count(n) + " " + word
}
