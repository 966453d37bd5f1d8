package main

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// The files that are written.
const (
	pageName    = "RESULTS.md"
	plotName    = "results.svg"
	stalledName = "stalled.svg"
)

//go:embed page.md.tmpl
var pageText string

// report is everything that goes onto the page.
type report struct {
	Date    time.Time `json:"date"`
	Machine string    `json:"machine"`
	// Command is the command that made it.
	Command string `json:"command"`
	// Scratch is where files were written.
	Scratch string `json:"scratch"`
	// Versions are the versions of the binaries.
	Versions map[string]string `json:"versions"`
	Results  []*result         `json:"results"`
	// LeftOut says which rows were not run, and why.
	LeftOut []string `json:"left_out,omitempty"`
}

// pageRow is a workload on the page.
type pageRow struct {
	Name, About, Date, Table, Plot string
	Rounds                         int
	Faults                         []string
	Commands                       []pageCommand
}

// pageCommand is how a contestant was run.
type pageCommand struct{ Name, Language, Text string }

// write writes the page and its plots into a folder.
func (r *report) write(dir string) error {
	page := struct {
		*report
		Goals, Plot string
		InMemory    bool
		Rows        []pageRow
	}{report: r, Goals: goalsOf(r.Results).String(), InMemory: strings.HasPrefix(r.Scratch, "/dev/shm")}
	files := map[string]string{}
	if svg := plotTimes(r.Results); svg != "" {
		page.Plot, files[plotName] = plotName, svg
	}
	for _, result := range r.Results {
		row := rowOf(result)
		if svg := plotMemory(result); svg != "" {
			row.Plot, files[stalledName] = stalledName, svg
		}
		page.Rows = append(page.Rows, row)
	}
	text, err := template.New(pageName).Parse(pageText)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := text.Execute(&b, page); err != nil {
		return err
	}
	files[pageName] = strings.TrimRight(b.String(), "\n") + "\n"
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func rowOf(r *result) pageRow {
	row := pageRow{
		Name: r.workload.name, About: r.workload.about, Date: r.Date.Format("2 January 2006, 15:04 MST"),
		Table: tableOf(r).String(), Faults: faultsOf(r),
	}
	for _, s := range r.Scores {
		row.Rounds = max(row.Rounds, len(s.Trials))
		row.Commands = append(row.Commands, commandOf(s.contestant))
	}
	return row
}

// commandOf is the command of a contestant, with names in place of the values that
// differ between runs.
func commandOf(c contestant) pageCommand {
	a := benchAccount("http://127.0.0.1:PORT", endpoint.Options{})
	if c.each != "" {
		a.buckets = []string{"BUCKET"}
	}
	fill := a.fill("DIR", "SCRIPT", "# for each bucket:\n"+c.each)
	if c.config != "" {
		return pageCommand{c.name, "yaml", fill("# " + connect + " run config.yaml\n" + c.config)}
	}
	text := fill(binaries[c.tool] + " " + strings.Join(c.args, " ") + "\n")
	switch {
	case c.tool == obstore:
		text = fill("python with_obstore.py " + strings.Join(c.args[1:], " ") + "\n")
	case c.script != "":
		text += "# SCRIPT:\n" + fill(c.script)
	}
	return pageCommand{c.name, "sh", text}
}
