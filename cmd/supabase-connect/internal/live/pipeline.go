package live

import (
	"slices"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/urfave/cli/v2"

	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/terminal"
	"github.com/seed75cbcda6/supabase-storage/cmd/supabase-connect/internal/view"
	"github.com/seed75cbcda6/supabase-storage/input"
)

// Pipeline shows the progress of the pipelines that the command line of Benthos runs
// in this process. The zero value is ready.
type Pipeline struct {
	session *Session // nil if no pipeline runs
	unwatch func()
	streams bool // several pipelines, which come and go

	mu    sync.Mutex
	ended []input.Report // to be shown at the end
}

// Options are those of the command line: the flag, and what it takes to see a
// pipeline begin.
func (p *Pipeline) Options() []service.CLIOptFunc {
	return []service.CLIOptFunc{
		service.CLIOptCustomRunFlags([]cli.Flag{NewFlag()}, p.begin),
		service.CLIOptOnConfigParse(p.parsed),
	}
}

// NewFlag is the flag as a command declares it.
func NewFlag() cli.Flag { return &cli.StringFlag{Name: Flag, Value: string(Auto), Usage: Usage} }

// begin is called before a pipeline runs, and before commands that share its flags.
func (p *Pipeline) begin(c *cli.Context) error {
	p.streams = c.Command.Name == "streams"
	if name := c.Command.Name; name != "run" && !p.streams && name != c.App.Name {
		return nil
	}
	text := ""
	for _, l := range c.Lineage() { // the flag may stand before the command
		if slices.Contains(l.LocalFlagNames(), Flag) {
			text = l.String(Flag)
			break
		}
	}
	mode, err := ParseMode(text)
	if err != nil {
		return err
	}
	p.session = Begin(mode)
	if !p.session.Draws() {
		return nil
	}
	f := newFigures()
	p.unwatch = p.session.Watch(func(now time.Time) (view.Figures, bool) {
		return f.of(input.Running(), p.reports(), now)
	})
	return p.session.Capture()
}

// parsed is called with the config of the pipeline. The summary takes the place of
// the log lines about the end, unless these go elsewhere.
func (p *Pipeline) parsed(conf *service.ParsedConfig) error {
	if p.session == nil || !p.session.Draws() || p.streams {
		return nil
	}
	if file, err := conf.FieldString("logger", "file", "path"); err != nil || file != "" {
		return nil //nolint:nilerr // no such field: the lines stay
	}
	input.OnRunEnd(p.runEnded)
	return nil
}

// runEnded may be called after End: nobody waits for a run that is abandoned.
func (p *Pipeline) runEnded(r input.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = append(p.ended, r)
}

func (p *Pipeline) reports() []input.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ended)
}

// End takes the line away, and prints what became of the runs. Call it when the
// command line has returned.
func (p *Pipeline) End() {
	if p.unwatch == nil {
		return
	}
	p.unwatch()
	p.session.End()
	input.OnRunEnd(nil)
	for _, r := range p.reports() {
		p.session.Print(func(columns int, paint terminal.Painter) string { return Summary(r, columns, paint) })
	}
}
