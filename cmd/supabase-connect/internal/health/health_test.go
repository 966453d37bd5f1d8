package health

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

func TestTheAddressOfThePipelineIsFound(t *testing.T) {
	for _, c := range []struct{ typed, listens, want string }{
		{"", "", "http://127.0.0.1:4195/ready"},
		{"", "0.0.0.0:4195", "http://127.0.0.1:4195/ready"},
		{"", ":8080", "http://127.0.0.1:8080/ready"},
		{"", "[::]:4195", "http://127.0.0.1:4195/ready"},
		{"", "[::1]:4195", "http://[::1]:4195/ready"},
		{"http://10.0.0.7:4195", "0.0.0.0:1", "http://10.0.0.7:4195/ready"},
		{"http://10.0.0.7:4195/", "", "http://10.0.0.7:4195/ready"},
		{"https://host/base/ready", "", "https://host/base/ready"},
		{"http://host:4195/ping", "", "http://host:4195/ping"},
		{"localhost:4195", "", "http://localhost:4195/ready"},
		{"10.0.0.7:4195", "", "http://10.0.0.7:4195/ready"},
		{"http://ada:secret@host", "", "http://ada:secret@host/ready"},
	} {
		got, err := readyURL(c.typed, c.listens)
		require.NoError(t, err, c.typed)
		require.Equal(t, c.want, got.String())
	}
	for _, typed := range []string{"ftp://ada:secret@host", "http://", "http://ada:secret@host:port", "%%"} {
		_, err := readyURL(typed, "")
		require.ErrorContains(t, err, "the argument is no URL of a pipeline", typed)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := readyURL("", "4195")
	require.ErrorContains(t, err, `HTTP_ADDRESS: "4195" is no address`)
}

func TestTheAnswerDecides(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		body     string
		problems []string // none: connected
	}{
		"connected": {200, `{"statuses":[{"path":"root.input","connected":true}]}`, nil},
		"streams":   {200, `OK`, nil},
		"starting":  {503, `{"statuses":[]}`, []string{"503", "no reason given"}},
		"ended":     {503, `{"statuses":[],"error":"stream terminated"}`, []string{"stream terminated"}},
		"parts": {
			503, `{"statuses":[{"label":"uploads","path":"root.input","connected":false,"error":"refused"},{"path":"root.output","connected":false},{"path":"root.other","connected":true}]}`,
			[]string{"uploads (root.input) is not connected: refused; root.output is not connected"},
		},
		"a stream":   {503, "streams photos are not connected\n", []string{"streams photos are not connected"}},
		"no body":    {502, "", []string{"502", "no reason given"}},
		"a password": {401, "", []string{"http.basic_auth"}},
		"elsewhere":  {404, "404 page not found", []string{"is it the address of a pipeline"}},
		"control":    {503, "\x1b[2J", []string{`"\x1b[2J"`}},
		"long":       {503, strings.Repeat("x", 5000), []string{strings.Repeat("x", 300) + " ..."}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/ready" {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			out, err := run(server.URL)
			if c.problems == nil {
				require.NoError(t, err)
				require.Equal(t, "connected: "+server.URL+"/ready\n", out)
				return
			}
			for _, problem := range c.problems {
				require.ErrorContains(t, err, problem)
			}
			require.Less(t, len(err.Error()), 600)
		})
	}
}

func TestARedirectIsNoPipeline(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			http.Redirect(w, r, "/login", http.StatusFound)
		}
	}))
	defer server.Close()
	_, err := run(server.URL)
	require.ErrorContains(t, err, "302 Found and points to /login")
}

func TestNobodyAnswers(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	where, err := url.Parse(gone.URL)
	require.NoError(t, err)
	where.User = url.UserPassword("ada", "secret")
	_, err = run(where.String())
	require.ErrorContains(t, err, "is a pipeline running")
	require.NotContains(t, err.Error(), "secret")

	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	_, err = run("--timeout", (10 * time.Millisecond).String(), slow.URL)
	require.ErrorContains(t, err, "did not answer within 10ms")
}

// A proxy for the downloads would answer for the pipeline. Go reads the variables of
// the environment once in a process, so a test that sets them would notice nothing.
func TestNoProxyIsAsked(t *testing.T) {
	transport, ok := client.Transport.(*http.Transport)
	require.True(t, ok)
	require.Nil(t, transport.Proxy)
}

func TestTheServerCannotWriteToTheTerminal(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 "+r.URL.Path[1:]+" \x1b[2JNo\r\nContent-Length: 4\r\n\r\n\x1b[2J")
	}))
	defer server.Close()
	for _, status := range []string{"401", "404", "503"} {
		_, err := run(server.URL + "/" + status)
		require.ErrorContains(t, err, status)
		require.NotContains(t, err.Error(), "\x1b")
	}
}

func TestOddArgumentsAreRefused(t *testing.T) {
	_, err := run("a", "b")
	require.ErrorContains(t, err, "one URL")
	_, err = run("--timeout", "0s", "http://127.0.0.1:1")
	require.ErrorContains(t, err, "--timeout")
}

// run runs the command with arguments, and returns what it printed.
func run(args ...string) (string, error) {
	var out strings.Builder
	app := &cli.App{Name: "p", Writer: &out, Commands: []*cli.Command{Command()}, ExitErrHandler: func(*cli.Context, error) {}}
	err := app.Run(append([]string{"p", "health"}, args...))
	return out.String(), err
}
