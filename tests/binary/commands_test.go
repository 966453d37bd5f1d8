package binary_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// projectKey is where a script's emulated project is kept.
type projectKey struct{}

func projectOf(ts *testscript.TestScript) *emulator.Server {
	return ts.Value(projectKey{}).(*emulator.Server)
}

// waitTimeout bounds the commands that wait.
const waitTimeout = 30 * time.Second

// cmdUpload stores an object with the content of a file in the bucket "uploads":
//
//	upload KEY FILE
func cmdUpload(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: upload KEY FILE")
	}
	projectOf(ts).Put("uploads", args[0], []byte(ts.ReadFile(args[1])))
}

// cmdFault makes every download of a key fail with an HTTP status, or with "stall"
// never end; with "odd" it has one object, of any key, listed with a size below
// zero:
//
//	fault KEY STATUS|stall|odd
func cmdFault(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fault KEY STATUS|stall|odd")
	}
	fault, op := emulator.Fault{}, emulator.OpGet
	switch args[1] {
	case "stall":
		fault.StallAfter = emulator.AtOnce
	case "odd":
		fault.Lie, op = emulator.LieListNegativeSize, emulator.OpList
	default:
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		fault.Status = status
	}
	projectOf(ts).SetFaults(func(r emulator.Request) emulator.Fault {
		if r.Op == op && (op == emulator.OpList || r.Key == args[0]) {
			return fault
		}
		return emulator.Fault{}
	})
}

// cmdOdd sets a variable to an endpoint that shows the bucket with sizes below zero
// in its listings:
//
//	odd NAME
func cmdOdd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: odd NAME")
	}
	project := projectOf(ts)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		project.ServeHTTP(answer, r)
		body := strings.ReplaceAll(answer.Body.String(), "<Size>", "<Size>-")
		maps.Copy(w.Header(), answer.Header())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = io.WriteString(w, body) // the binary may have left
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL+"/storage/v1/s3")
}

// cmdFreePort sets a variable to a port of loopback that nobody listened on a
// moment ago:
//
//	freeport NAME
func cmdFreePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// cmdGet prints the body of an HTTP response to stdout, whatever its status:
//
//	get URL
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: get URL")
	}
	body, err := get(args[0])
	ts.Check(err)
	_, err = io.WriteString(ts.Stdout(), body)
	ts.Check(err)
}

func get(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), waitTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

// cmdWaitFile waits until a file holds a text:
//
//	waitfile FILE TEXT
func cmdWaitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfile FILE TEXT")
	}
	var seen string
	waitUntil(ts, func() error {
		content, err := os.ReadFile(ts.MkAbs(args[0]))
		if err != nil {
			return err
		}
		if seen = string(content); !strings.Contains(seen, args[1]) {
			return fmt.Errorf("%s does not hold %q, but:\n%s", args[0], args[1], seen)
		}
		return nil
	})
}

// cmdWaitFor waits until a URL answers with a text in its body:
//
//	waitfor URL TEXT
func cmdWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor URL TEXT")
	}
	waitUntil(ts, func() error {
		body, err := get(args[0])
		if err != nil {
			return err
		}
		if !strings.Contains(body, args[1]) {
			return fmt.Errorf("%s answers without %q:\n%s", args[0], args[1], body)
		}
		return nil
	})
}

// waitUntil asks again and again until there is no error.
func waitUntil(ts *testscript.TestScript, ask func() error) {
	var err error
	for deadline := time.Now().Add(waitTimeout); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if err = ask(); err == nil {
			return
		}
	}
	ts.Fatalf("waited %s: %v", waitTimeout, err)
}
