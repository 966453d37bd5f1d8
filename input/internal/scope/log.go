package scope

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed75cbcda6/supabase-storage/input/internal/filter"
	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/pass"
	"github.com/seed75cbcda6/supabase-storage/input/internal/retry"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase"
	"github.com/seed75cbcda6/supabase-storage/input/internal/supabase/changes"
)

// sayChangesRest is the one line about a server that is not asked for changes for
// a while. Keys without a token are the user's choice, and no news.
func (s *Scope) sayChangesRest(reason error, pause time.Duration) {
	if errors.Is(reason, changes.ErrNoToken) {
		return
	}
	say := s.Log.Info
	if !s.Voice.alone() {
		say = s.tells("no changes", s.Log.Info, s.Log.Debug)
	}
	say(fmt.Sprintf("Every pass lists all of %s for now, since asking only for what changed does not work or does not pay there. It is tried again in %v: %v",
		s.Where(), pause, s.project().ExplainChanges(reason)))
}

// sayPass is the one line after a pass, over what, that did something, and a hint
// where the first pass had nothing to deliver. For a one-time run the line comes
// after its last ack.
func (p *passes) sayPass(ctx context.Context, what string, report pass.Report, took time.Duration) {
	switch first := !p.hinted; {
	case !p.Voice.alone(): // thousands may be empty
	case first && report.Listed == 0:
		p.Log.Warn(p.emptyHint(ctx))
	case first && report.FilteredTotal() == report.Listed:
		p.Log.Warn(p.filteredHint(report))
	}
	p.hinted = true
	if p.Conf.Plan.Repeats() && report.Listed > report.Unchanged+report.FilteredTotal()+report.ParkedTotal()+report.InFlight {
		p.Voice.info(p.Log)("%s", Summary(what, report, took))
	}
}

// sayEarlyEnd says that a pass ended early, and less and less often that the passes
// that take its place do, too. A one-time run says it at its end.
func (p *passes) sayEarlyEnd(err error) {
	tell := p.failing.Failed()
	switch {
	case p.opts.OnEarly != nil:
		p.opts.OnEarly(err)
	case !p.Conf.Plan.Repeats():
	case !tell:
		p.Log.Debugf("The pass over %s ended early, and is made again: %v", p.Where(), err)
	case p.failing.Failures() == 1:
		p.Log.Errorf("The pass over %s ended early, and is made again: %v", p.Where(), err)
	default:
		p.Log.Errorf("%d passes in a row over %s ended early, for %s so far: %v", p.failing.Failures(), p.Where(), p.failing.Lasts(), err)
	}
}

// sayWhole says that a pass came to its end after some that did not.
func (p *passes) sayWhole() {
	lasted, failures := p.failing.Lasts(), p.failing.Failures()
	if p.opts.OnWhole != nil {
		p.opts.OnWhole()
		p.failing.Over()
		return
	}
	if p.failing.Over() && failures > 1 {
		p.Log.Infof("A pass over %s has come to its end again, after %d in %s that ended early", p.Where(), failures, lasted)
	}
}

// sayHeld warns that missing objects do not count as deleted, and again only when
// a tenth more are missing.
func (p *passes) sayHeld(h *pass.Held) {
	switch {
	case h == nil:
		p.held = 0
		p.Meters.DeletesHeld.Set(0)
		return
	case p.held == 0 || h.Missing > p.held+p.held/10:
		p.held = h.Missing
		p.Log.Warn(heldText(*h, p.Where()))
	}
	p.Meters.DeletesHeld.Set(h.Missing)
}

// heldText says why missing objects do not count as deleted, and the remedy for
// each reason.
func heldText(h pass.Held, where string) string {
	who := supabase.ParseIdentity(h.Identity)
	text := fmt.Sprintf("%d of %d delivered objects are no longer listed in %s for %s, ", h.Missing, h.Tracked, where, who)
	switch {
	case h.Before != "":
		return text + fmt.Sprintf("but were for %s, which this input used before: none counts as deleted until all are listed again. "+
			"To go on as %s, write a state.namespace of its own, or, to count what it does not see as deleted, max_delete_ratio: 1", supabase.ParseIdentity(h.Before), who)
	case who.BypassesRLS():
		return text + fmt.Sprintf("more than max_delete_ratio (%v) allows: none counts as deleted. Row level security hides nothing from this role; "+
			"if they were really deleted, write max_delete_ratio: 1 for one pass", h.MaxRatio)
	default:
		return text + fmt.Sprintf("more than max_delete_ratio (%v) allows: none counts as deleted. A changed role, policy or token hides objects in this way, "+
			"without any error; if they were really deleted, write max_delete_ratio: 1 for two passes", h.MaxRatio)
	}
}

// sayLate waits for the downloads that a pass left under way, and says what became
// of them.
func (s *Scope) sayLate(p *pass.Pass) {
	before := p.Report()
	<-p.Done()
	after := p.Report()
	s.Voice.info(s.Log)("Of %s that an earlier pass left under way in %s, %d were delivered and %d parked by now",
		object.Count(before.Unsettled()), s.Where(), after.Delivered-before.Delivered, after.ParkedTotal()-before.ParkedTotal())
}

// Summary is the line about the end of a pass or a run.
func Summary(what string, p pass.Report, took time.Duration) string {
	line := fmt.Sprintf("Read %s in %s: %d listed, %d delivered (%s)",
		what, took.Round(time.Millisecond), p.Listed, p.Delivered, object.Bytes(p.Bytes))
	var rest strings.Builder
	for _, part := range []struct {
		n    int64
		what string
	}{
		{p.Unchanged, "unchanged"},
		{p.Unsettled(), "under way"},
		{p.FilteredTotal(), "filtered (" + object.CountsByName(p.Filtered) + ")"},
		{p.Vanished, "vanished before they were read"},
		{p.ParkedTotal(), "parked (" + object.CountsByName(p.Parked) + ")"},
	} {
		if part.n > 0 {
			fmt.Fprintf(&rest, ", %d %s", part.n, part.what)
		}
	}
	return line + rest.String()
}

// emptyHint says why nothing was listed, and what to look at.
func (s *Scope) emptyHint(ctx context.Context) string {
	hint := "Nothing was listed in " + s.Where()
	listed := s.Conf.Filter.ListPrefix()
	if listed != s.Conf.Prefix {
		hint += fmt.Sprintf(" below %q, where all include_patterns lie", listed)
	}
	if listed != "" {
		if other, found, err := s.client.Probe(ctx, "", retry.Once); err == nil && found {
			return hint + fmt.Sprintf(". The bucket is not empty, its first key is %q: "+
				"check the prefix in source_path, which is literal, case-sensitive and starts without a slash", other.Key)
		}
	}
	who := s.identity(ctx)
	if who.BypassesRLS() {
		return hint + fmt.Sprintf(". The bucket is empty: row level security hides nothing from %s", who)
	}
	return hint + fmt.Sprintf(". The bucket is empty, or row level security hides its objects from %s: "+
		"a policy on storage.objects must allow SELECT", who)
}

// filteredHint names the rule that left out most, and how to look at it.
func (s *Scope) filteredHint(p pass.Report) string {
	hint := fmt.Sprintf("All %d objects listed in %s were filtered (%s)", p.Listed, s.Where(), object.CountsByName(p.Filtered))
	switch object.ByCount(p.Filtered)[0] {
	case filter.Exclude.String():
		most := object.ByCount(p.FilteredBy)[0]
		hint += fmt.Sprintf("; %d of them by %s", p.FilteredBy[most], most)
	case filter.Include.String():
		hint += "; a pattern without a slash matches the file name at any depth, one with a slash the path below source_path, and both are case-sensitive"
	}
	return hint
}
