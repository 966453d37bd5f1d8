package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/seed75cbcda6/supabase-storage/tests/bench/endpoint"
)

// serveCommand is the command that runs the endpoint alone.
const serveCommand = "serve"

// serve runs the endpoint until a signal comes, or, with -until-eof, until the
// standard input ends.
func serve(args []string) error {
	var o endpoint.Options
	flags := flag.NewFlagSet(serveCommand, flag.ExitOnError)
	flags.IntVar(&o.Objects, "objects", 1000, "how many objects there are")
	flags.Int64Var(&o.Size, "size", 1024, "the bytes of each")
	flags.Func("keys", fmt.Sprintf("how the keys look: one of %q (default flat)", endpoint.Shapes), func(s string) error {
		o.Shape = endpoint.Shape(s)
		return nil
	})
	flags.DurationVar(&o.Latency, "latency", 0, "the time before each answer")
	flags.Int64Var(&o.BytesPerSecond, "bandwidth", 0, "the bytes per second of each answer; 0 is no bound")
	flags.IntVar(&o.MaxInFlight, "max-in-flight", 0, "answer 429 above so many requests in flight; 0 is no bound")
	flags.DurationVar(&o.Stall, "stall", 0, "for how long POSTs to /sink are not answered, from the first on")
	flags.Int64Var(&o.MaxSize, "max-size", 0, "the bytes of the largest object, where sizes differ")
	flags.IntVar(&o.Buckets, "buckets", 1, "in how many buckets the objects are")
	flags.IntVar(&o.DownAfter, "down-after", 0, "after how many objects the endpoint is down for the time of -down")
	flags.DurationVar(&o.Down, "down", 0, "for how long the endpoint is down, once; 0 is never")
	flags.IntVar(&o.DownStatus, "down-status", 0, "the status of all answers meanwhile; 0 ends connections without an answer")
	addr := flags.String("addr", "127.0.0.1:0", "where to listen")
	untilEOF := flags.Bool("until-eof", false, "end with the standard input")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// It uses little memory, and should use little of the CPU that it shares.
	debug.SetGCPercent(400)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := endpoint.Start(o, *addr)
	if err != nil {
		return err
	}
	fmt.Println(server.URL())
	if *untilEOF {
		_, err = io.Copy(io.Discard, os.Stdin)
	} else {
		<-ctx.Done()
	}
	if closeErr := server.Close(); err == nil {
		err = closeErr
	}
	return err
}

// remote is an endpoint in a process of its own, so that its CPU and memory are
// its own.
type remote struct {
	url   string
	o     endpoint.Options
	cmd   *exec.Cmd
	stdin io.Closer
}

// startEndpoint runs this program's own serve command.
func startEndpoint(ctx context.Context, o endpoint.Options) (*remote, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, serveCommand, "-until-eof",
		"-objects", strconv.Itoa(o.Objects), "-size", strconv.FormatInt(o.Size, 10), "-keys", string(o.Shape),
		"-latency", o.Latency.String(), "-bandwidth", strconv.FormatInt(o.BytesPerSecond, 10),
		"-max-in-flight", strconv.Itoa(o.MaxInFlight), "-stall", o.Stall.String(), "-max-size", strconv.FormatInt(o.MaxSize, 10),
		"-buckets", strconv.Itoa(o.Buckets), "-down-after", strconv.Itoa(o.DownAfter), "-down", o.Down.String(), "-down-status", strconv.Itoa(o.DownStatus))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the endpoint: %w", err)
	}
	r := &remote{o: o, cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		r.close()
		return nil, fmt.Errorf("starting the endpoint: it printed no address: %w", err)
	}
	r.url = strings.TrimSpace(line)
	return r, nil
}

func (r *remote) account() account { return benchAccount(r.url, r.o) }

// close ends the endpoint.
func (r *remote) close() {
	_ = r.stdin.Close()
	_ = r.cmd.Wait() // its errors are on stderr
}

func (r *remote) stats(ctx context.Context) (endpoint.Stats, error) {
	return r.ask(ctx, http.MethodGet)
}

func (r *remote) reset(ctx context.Context) error {
	_, err := r.ask(ctx, http.MethodDelete)
	return err
}

func (r *remote) ask(ctx context.Context, method string) (s endpoint.Stats, err error) {
	req, err := http.NewRequestWithContext(ctx, method, r.url+"/stats", nil)
	if err != nil {
		return s, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, fmt.Errorf("asking the endpoint for its stats: %w", err)
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}
