// Command bench runs this input, the aws_s3 input, s5cmd, rclone and obstore on the
// same work, one after the other in rounds, against a synthetic S3 endpoint on this
// machine and a Supabase Storage where the environment names one, and prints the time and resources that each needed. run.sh builds
// everything for it.
//
// The command serve runs the endpoint alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

func main() {
	err := func() error {
		if len(os.Args) > 1 && os.Args[1] == serveCommand {
			return serve(os.Args[2:])
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return run(ctx, parse())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	variants
	rows, tools    string
	rounds         int
	binary, commit string
	compare, json  string
	write          bool
	out            string
	deadline       time.Duration
}

func parse() options {
	o := options{variants: variants{shape: endpoint.Dated}}
	all, rows := false, rowNames(workloads(o.variants))
	flag.StringVar(&o.rows, "rows", "", "the rows to run, of "+rows+"; all where it is empty")
	flag.StringVar(&o.tools, "tools", strings.Join([]string{ours, awsS3, s5cmd, rclone, obstore}, ","), "the tools to run")
	flag.IntVar(&o.rounds, "rounds", 0, fmt.Sprintf("how often each tool runs; 0 is %d times, and once for list and stalled", defaultRounds))
	flag.BoolVar(&o.files, "files", false, "run this input once more with files as its output, as the peers have")
	flag.BoolVar(&o.listPeers, "list-peers", false, "run s5cmd ls and rclone lsf in the row list, a minute each")
	flag.Func("keys", fmt.Sprintf("how the keys in the row list look: one of %q (default %s)", endpoint.Shapes, o.shape), func(s string) error {
		o.shape = endpoint.Shape(s)
		return nil
	})
	flag.StringVar(&o.binary, "binary", connect, "the supabase-connect to run")
	flag.StringVar(&o.commit, "commit", "", "what that binary was built from, where it does not know")
	flag.StringVar(&o.compare, "compare", "", "another supabase-connect, whose input is run in the same rounds")
	flag.StringVar(&o.json, "json", "", "a file to write the figures of every run to")
	flag.BoolVar(&o.write, "write", false, "write "+pageName+" and its plots")
	flag.StringVar(&o.out, "out", "tests/bench", "the folder that -write writes to")
	flag.BoolVar(&all, "all", false, "the same as -files -list-peers -write: everything there is, for "+pageName)
	flag.DurationVar(&o.deadline, "deadline", 15*time.Minute, "the longest that one run may take")
	flag.Parse()
	if all {
		o.files, o.listPeers, o.write = true, true, true
	}
	return o
}

func run(ctx context.Context, o options) (err error) {
	rows, err := chosen(workloads(o.variants), o.rows)
	if err != nil {
		return err
	}
	rep := &report{Machine: machine(), Date: time.Now().UTC(), Versions: map[string]string{}, Command: commandLine(os.Args[1:])}
	paths, err := rep.findTools(o)
	if err != nil {
		return err
	}
	dir, err := scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rep.Scratch = filepath.Dir(dir)
	if busy, err := strconv.ParseFloat(load(), 64); err == nil && busy > float64(runtime.NumCPU())/2 {
		fmt.Fprintf(os.Stderr, "bench: the load average is %s on %d cores: what else runs here will show in the times\n", load(), runtime.NumCPU())
	}
	p := &player{paths: paths, dir: dir, rounds: o.rounds, deadline: o.deadline, progress: func(line string) { fmt.Fprintln(os.Stderr, line) }}
	for _, w := range rows {
		if w.real != nil {
			if names := w.real.missing(); len(names) > 0 {
				rep.leaveOut(w, fmt.Errorf("it needs a Supabase Storage, and the environment lacks %s", strings.Join(names, ", ")))
				continue
			}
		}
		w.contestants = withTools(w.contestants, o.tools)
		if o.compare != "" {
			w.contestants = withOtherBuild(w.contestants)
		}
		r, err := p.play(ctx, w)
		if err != nil && w.real != nil && ctx.Err() == nil {
			rep.leaveOut(w, err)
			continue
		}
		if err != nil {
			return err
		}
		rep.Results = append(rep.Results, r)
		fmt.Printf("\n%s: %s\n\n%s", w.name, w.about, tableOf(r))
		for _, line := range faultsOf(r) {
			fmt.Println(line)
		}
	}
	fmt.Printf("\n%s", goalsOf(rep.Results))
	return rep.save(o)
}

// leaveOut notes a row that can't be run.
func (r *report) leaveOut(w workload, why error) {
	line := fmt.Sprintf("%s is left out: %v", w.name, why)
	fmt.Printf("\n%s\n", line)
	r.LeftOut = append(r.LeftOut, line)
}

// findTools finds the paths of the binaries. It reports each missing tool and the
// command that installs it.
func (r *report) findTools(o options) (paths map[string]string, err error) {
	paths = map[string]string{}
	for tool := range strings.SplitSeq(o.tools, ",") {
		program, known := binaries[tool]
		if !known {
			return nil, fmt.Errorf("there is no tool %q", tool)
		}
		path, ok := find(program)
		if program == connect {
			path, ok = o.binary, true
		}
		if !ok {
			fmt.Printf("%s is not installed: %s\n", program, installs[program])
			continue
		}
		paths[program], r.Versions[program] = path, version(path)
	}
	if paths[connect] != "" && o.commit != "" {
		r.Versions[connect] = strings.Replace(r.Versions[connect], "(devel)", o.commit, 1)
	}
	if o.compare != "" {
		paths[otherBuild], r.Versions[otherBuild] = o.compare, version(o.compare)
	}
	return paths, nil
}

// installs are the commands that install missing tools.
var installs = map[string]string{
	s5cmd:   "go install github.com/peak/s5cmd/v2@latest",
	rclone:  "go install github.com/rclone/rclone@latest",
	obstore: installObstore(),
}

func withTools(all []contestant, tools string) (some []contestant) {
	for _, c := range all {
		if strings.Contains(","+tools+",", ","+c.tool+",") {
			some = append(some, c)
		}
	}
	return some
}

// scratch is a folder in memory if the machine has one, so that no tool waits for a
// disk.
func scratch() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "bench-"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "bench-")
}

// save writes the files that the options name.
func (r *report) save(o options) error {
	var errs []error
	if o.json != "" {
		b, err := json.MarshalIndent(r, "", "  ")
		errs = append(errs, err, os.WriteFile(o.json, append(b, '\n'), 0o600))
	}
	if o.write {
		errs = append(errs, r.write(o.out))
	}
	return errors.Join(errs...)
}

// own are the flags with paths on this machine.
var own = []string{"binary", "commit", "out", "json"}

// commandLine is the call of run.sh that repeats this run.
func commandLine(args []string) string {
	words := []string{"bash tests/bench/run.sh"}
	for i := 0; i < len(args); i++ {
		name, _, together := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !slices.Contains(own, name) {
			words = append(words, args[i])
		} else if !together {
			i++
		}
	}
	return strings.Join(words, " ")
}
