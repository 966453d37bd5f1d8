package top

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesAreReadAsPeopleWriteThem(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:4195":                   "http://127.0.0.1:4195",
		"localhost:4195/":                  "http://localhost:4195",
		"http://h:1/metrics":               "http://h:1",
		"https://h/team/benthos/metrics":   "https://h/team/benthos",
		"http://u:p@h:1/ready":             "http://h:1",
		"http://h:1/stats?x=y#z":           "http://h:1",
		"http://[::1]:4195":                "http://[::1]:4195",
		"http://ada:s%2Fecret@h:1/metrics": "http://h:1",
	} {
		s, err := newServer(address)
		require.NoError(t, err, address)
		require.Equal(t, want, s.base.String(), address)
	}
	for _, address := range []string{"", "ftp://h", "http://", "http://u:secret/x@h:1", "http://u:se%cret@h:1", "http://u:secret@h:port", "https://u:secret@/x"} {
		_, err := newServer(address)
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "secret", address)
		require.Contains(t, err.Error(), "http://127.0.0.1:4195", address)
	}
}

func TestEachWayNotToReachAPipelineHasItsRemedy(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: &net.AddrError{Err: "x"}}
	refused.Err = fmt.Errorf("connect: %w", syscall.ECONNREFUSED)
	for name, c := range map[string]struct {
		url   string
		fails error
		says  string
	}{
		"nothing listens":     {"http://h:1", refused, "nothing listens at h:1: see that the pipeline runs"},
		"no such host":        {"http://h:1", &net.DNSError{Err: "no such host", Name: "h"}, "does not resolve"},
		"no answer":           {"http://h:1", context.DeadlineExceeded, "h:1 does not answer within 5s"},
		"HTTPS to HTTP":       {"https://h:1", tls.RecordHeaderError{Msg: "x"}, "write http://"},
		"HTTPS to HTTP, told": {"https://h:1", errors.New("http: server gave HTTP response to HTTPS client"), "write http://"},
		"something else":      {"http://u:secret@h:1", errors.New("EOF\x1b[2J"), "h:1 can't be reached: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pipeline{}
			p.fail(c.fails)
			_, err := p.server(t, c.url).look(t.Context())
			require.ErrorContains(t, err, c.says)
			require.True(t, isUnreachable(err))
			require.NotContains(t, err.Error(), "secret")
			require.NotContains(t, err.Error(), "\x1b")
		})
	}
}

func TestEachAnswerThatIsNotOfSuchAPipelineHasItsRemedy(t *testing.T) {
	const other = "# TYPE node_cpu counter\nnode_cpu{cpu=\"0\"} 1\n"
	benthos := "# TYPE input_connection_up counter\ninput_connection_up{label=\"\",path=\"root.input\"} 1\n"
	for name, c := range map[string]struct {
		url     string
		answers map[string]answer
		says    string
	}{
		"a password is asked for": {"http://h:1", map[string]answer{"/metrics": {401, []byte("Unauthorized")}}, "write http://USER:PASSWORD@h:1"},
		"a password is wrong":     {"http://u:secret@h:1", map[string]answer{"/metrics": {401, []byte("Unauthorized")}}, "refuses the user name or the password (http.basic_auth)"},
		"HTTP to HTTPS":           {"http://h:1", map[string]answer{"/metrics": {400, []byte("Client sent an HTTP request to an HTTPS server.\n")}}, "write https://"},
		"no metrics":              {"http://h:1", map[string]answer{"/ping": {200, []byte("pong")}}, "serves no metrics: write metrics: {prometheus: {}}"},
		"another server":          {"http://h:1", nil, "is no pipeline of Benthos: /metrics gives 404"},
		"a web page":              {"http://h:1", map[string]answer{"/metrics": {200, []byte("<html><body>hello</body></html>")}}, "is no pipeline of Benthos: reading metrics"},
		"JSON of something else":  {"http://h:1", map[string]answer{"/metrics": {200, []byte(`{"a": {"b": 1}}`)}}, "but is no pipeline of Benthos with an input"},
		"JSON that is cut":        {"http://h:1", map[string]answer{"/metrics": {200, []byte(`{"a{": `)}}, "is no pipeline of Benthos: reading metrics"},
		"another exporter":        {"http://h:1", map[string]answer{"/metrics": {200, []byte(other)}}, "but is no pipeline of Benthos with an input"},
		"nothing at all":          {"http://h:1", map[string]answer{"/metrics": {200, nil}}, "but is no pipeline of Benthos with an input"},
		"another input":           {"http://h:1", map[string]answer{"/metrics": {200, []byte(benthos)}}, "has no supabase_storage input, or its metrics.mapping"},
		"another input, as JSON":  {"http://h:1", map[string]answer{"/metrics": {200, []byte(`{"input_connection_up{label=\"\",path=\"root.input\"}":1}`)}}, "has no supabase_storage input"},
		"a redirect to a login":   {"http://h:1", map[string]answer{"/metrics": {403, []byte("no")}}, "/metrics gives 403 Forbidden"},
		"a proxy without it":      {"http://h:1", map[string]answer{"/metrics": {502, []byte("no")}}, "/metrics answers with 502 Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pipeline{answers: c.answers}
			_, err := p.server(t, c.url).look(t.Context())
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "secret")
			require.Equal(t, name == "a proxy without it", isUnreachable(err), "whether asking again may help")
		})
	}
}

func TestThePasswordOfTheURLIsSent(t *testing.T) {
	p := &pipeline{}
	_, err := p.server(t, "http://ada:s%2Fecret@h:1").look(t.Context())
	require.Error(t, err)
	r := &http.Request{Header: http.Header{"Authorization": {p.auth}}}
	user, password, _ := r.BasicAuth()
	require.Equal(t, []string{"ada", "s/ecret"}, []string{user, password})
}

// Go reads the variables of a proxy once in a process, so a test that sets them would
// notice nothing.
func TestNoProxyIsAsked(t *testing.T) {
	s, err := newServer("http://u:secret@pipelines.internal:4195")
	require.NoError(t, err)
	transport, ok := s.client.Transport.(*http.Transport)
	require.True(t, ok, "the default one asks a proxy")
	require.Nil(t, transport.Proxy)
}

func TestBothFormatsOfMetricsSayTheSame(t *testing.T) {
	text := exposition(map[labels]series{
		{"", "up\"loads", "input.broker.inputs.0"}: {"listed": 12, "filtered exclude": 3, "pass_due_unix": 1795739083},
		{"s", "", "input"}:                         {"delivered": 1 << 40},
	})
	var members []string
	for line := range strings.Lines(text) {
		at := strings.LastIndex(line, " ")
		members = append(members, fmt.Sprintf("%q:%s", line[:at], strings.TrimSpace(line[at:])))
	}
	fromText, err := parseMetrics([]byte(text))
	require.NoError(t, err)
	fromJSON, err := parseMetrics([]byte("{" + strings.Join(append(members, `"input_latency_ns{label=\"\"}":{"p50":1}`), ",") + "}\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"prometheus", "json_api"}, []string{fromText.format, fromJSON.format})
	require.Equal(t, fromText.inputs, fromJSON.inputs)
	require.InDelta(t, 12, fromText.inputs[key{"", "up\"loads", "input.broker.inputs.0"}]["listed"], 0)
	require.InDelta(t, 3, fromText.inputs[key{"", "up\"loads", "input.broker.inputs.0"}]["filtered exclude"], 0)
}

func TestStreamsAreAskedUnderTheirOwnPath(t *testing.T) {
	p := &pipeline{}
	seen(t, p, map[labels]series{{"a b", "", "input"}: {"listed": 1}, {"c", "", "input"}: {"listed": 1}})
	require.Contains(t, p.asked, "/a b/ready")
	require.Contains(t, p.asked, "/c/ready")
	require.NotContains(t, p.asked, "/ready")
}

func TestAnInputThatReadyHidesHasNotEnded(t *testing.T) {
	for name, c := range map[string]struct {
		now   series
		state State
	}{
		"a pass is due":       {series{"pass_due_unix": unix(0)}, Waiting},
		"a pass is under way": {series{"pass_under_way full": 1}, Working},
		"acks are missing":    {series{"listed": 1, "undelivered_batches": 1}, Working},
		"nothing goes on":     {series{"listed": 1}, Ended},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pipeline{}
			p.set("/ready", http.StatusOK, ready("dynamic@input", "@output"))
			r := seen(t, p, map[labels]series{{"", "hidden", "input.dynamic.a"}: c.now})
			require.Equal(t, c.state, r.Inputs[0].State, r.Inputs[0].Status)
		})
	}
	// Where /ready can't be read at all, nothing is concluded.
	r := seen(t, &pipeline{}, map[labels]series{uploads: {"listed": 1}})
	require.NotEqual(t, Ended, r.Inputs[0].State)
}

func TestURLsInErrorsHaveNoPassword(t *testing.T) {
	p := &pipeline{}
	p.fail(&url.Error{Op: "Get", URL: "http://u:secret@h:1/metrics", Err: errors.New("broken pipe")})
	_, err := p.server(t, "http://u:secret@h:1").look(t.Context())
	require.NotContains(t, err.Error(), "secret")
}

func TestTheMetricsThatAreReadExist(t *testing.T) {
	code, err := os.ReadFile("report.go")
	require.NoError(t, err)
	more, err := os.ReadFile("buckets.go")
	require.NoError(t, err)
	code = append(code, more...)
	documented, err := os.ReadFile("../../../../input/README.md")
	require.NoError(t, err)
	names := regexp.MustCompile(`\bn\.(?:count|by|time|is)\("(\w+)`).FindAllStringSubmatch(string(code), -1)
	require.Greater(t, len(names), 20)
	for _, name := range names {
		require.Contains(t, string(documented), "| `"+prefix+name[1]+"` |")
	}
}
