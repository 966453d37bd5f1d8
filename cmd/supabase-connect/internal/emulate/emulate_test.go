package emulate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAShellReadsWhatWasQuoted(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no POSIX shell in PATH, which reads what was quoted; on Windows, Git brings one: ", err)
	}
	for _, value := range []string{
		"", "plain", "http://127.0.0.1:54321/storage/v1/s3", "it's", "a b  c", `$(touch x) $HOME "q" \ ` + "`id`", "a;b&c|d>e", "'", "two\nlines", "~", "*", "#x", "été", "-n", "user@example.com",
	} {
		line := export{"VALUE", value}.Line()
		got, err := exec.CommandContext(t.Context(), shell, "-c", line+"\nprintf '%s|' \"$VALUE\"").Output()
		require.NoError(t, err, line)
		require.Equal(t, value+"|", string(got), line)
	}
}

func TestPoliciesLetUsersReadWhatTheySay(t *testing.T) {
	user := map[string]any{"role": "authenticated", "sub": "ada"}
	anon := map[string]any{"role": "anon"}
	for name, want := range map[string][4]bool{ // user: own, other's; anonymous: a folder, the root
		"authenticated": {true, true, false, false},
		"own-folder":    {true, false, false, false},
		"public":        {true, true, true, true},
		"none":          {},
	} {
		p, err := findPolicy(name)
		require.NoError(t, err)
		got := [4]bool{p.may(user, "ada/a.txt"), p.may(user, "eve/a.txt"), p.may(anon, "ada/a.txt"), p.may(anon, "a.txt")}
		require.Equal(t, want, got, name)
	}
	_, err := findPolicy("all")
	require.EqualError(t, err, "--policy all is no policy; write one of authenticated, own-folder, public, none")
}

// serve serves a directory until the test ends, and returns what a shell reads.
func serve(t *testing.T, o Options) (printed string) {
	t.Helper()
	o.Dir = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(o.Dir, "it's"), 0o700))
	return run(t, o)
}

// run runs the command until the test ends, and returns what it prints before it
// closes its output.
func run(t *testing.T, o Options) (printed string) {
	t.Helper()
	o.Addr, o.Env = "127.0.0.1:0", true
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	notes := new(bytes.Buffer)
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, in, notes, o) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		require.Contains(t, notes.String(), "Ctrl-C ends it.")
	})
	all, err := io.ReadAll(out)
	require.NoError(t, err)
	return string(all)
}

func TestEnvPrintsNothingButLinesForAShell(t *testing.T) {
	printed := serve(t, Options{Policy: "own-folder"})
	seen := map[string]string{}
	for line := range strings.Lines(printed) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		require.True(t, ok && strings.HasPrefix(line, "export "), line)
		seen[name] = value
	}
	require.Len(t, seen, 16)
	require.True(t, strings.HasPrefix(strings.TrimSpace(printed), "export SUPABASE_SECRET_KEY=sb_secret_"), "the keys of the new kind come first")
	require.Equal(t, `'it'\''s'`, seen["SUPABASE_SOURCE_PATH"])
	require.Len(t, strings.Split(seen["SUPABASE_USER_TOKEN"], "."), 3)
}

func TestGatewayDecidesWhetherASecretKeyIsTaken(t *testing.T) {
	for gateway, want := range map[string]int{"kong": http.StatusOK, "envoy": http.StatusOK, "none": http.StatusBadRequest} {
		t.Run(gateway, func(t *testing.T) {
			printed := serve(t, Options{Policy: "none", Gateway: gateway})
			value := func(name string) string {
				_, rest, _ := strings.Cut(printed, "export "+name+"=")
				line, _, _ := strings.Cut(rest, "\n")
				return line
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(value("SUPABASE_S3_ENDPOINT"), "/s3")+"/bucket", http.NoBody)
			require.NoError(t, err)
			req.Header.Set("Apikey", value("SUPABASE_SECRET_KEY"))
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, want, res.StatusCode)
		})
	}
	require.EqualError(t, Run(t.Context(), io.Discard, io.Discard, Options{Policy: "none", Gateway: "nginx"}), `--gateway: "nginx" is no gateway; write one of kong, envoy, none`)
}

func TestLatencyPassesBeforeEachAnswer(t *testing.T) {
	const latency = 50 * time.Millisecond
	printed := serve(t, Options{Policy: "none", Latency: latency})
	_, rest, _ := strings.Cut(printed, "SUPABASE_S3_ENDPOINT=")
	endpoint, _, _ := strings.Cut(rest, "\n")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"/", http.NoBody)
	require.NoError(t, err)
	start := time.Now()
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.GreaterOrEqual(t, time.Since(start), latency)
	require.ErrorContains(t, Run(t.Context(), io.Discard, io.Discard, Options{Policy: "none", Latency: -1}), "--latency -1ns")
}

// settingsOf serves an organization until the test ends, and returns what a shell
// reads.
func settingsOf(t *testing.T, o Options) map[string]string {
	t.Helper()
	o.Policy = "none"
	seen := map[string]string{}
	for line := range strings.Lines(run(t, o)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		require.True(t, ok, line)
		seen[name] = strings.Trim(value, "'")
	}
	return seen
}

func ask(t *testing.T, url, header, value string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	req.Header.Set(header, value)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode, string(data)
}

func TestAnOrganizationIsReadWithWhatThePrintedSettingsSay(t *testing.T) {
	set := settingsOf(t, Options{Organization: 3})
	require.Len(t, set, 5)
	require.Equal(t, "*/", set["SUPABASE_SOURCE_PATH"])
	bearer := "Bearer " + set["SUPABASE_ACCESS_TOKEN"]
	status, body := ask(t, set["SUPABASE_API_URL"]+"/v1/organizations/"+set["SUPABASE_ORGANIZATION"]+"/projects", "Authorization", bearer)
	require.Equal(t, http.StatusOK, status, body)
	var list struct {
		Projects []struct{ Ref, Name string }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.Len(t, list.Projects, 3)
	for _, p := range list.Projects {
		_, body = ask(t, set["SUPABASE_API_URL"]+"/v1/projects/"+p.Ref+"/storage/buckets", "Authorization", bearer)
		require.Contains(t, body, `"name":"avatars"`)
		require.Contains(t, body, `"name":"documents"`)
		var keys []struct {
			Type string
			Key  string `json:"api_key"`
		}
		_, body = ask(t, set["SUPABASE_API_URL"]+"/v1/projects/"+p.Ref+"/api-keys?reveal=true", "Authorization", bearer)
		require.NoError(t, json.Unmarshal([]byte(body), &keys))
		secret := keys[len(keys)-1]
		require.Equal(t, "secret", secret.Type)
		endpoint := strings.ReplaceAll(set["SUPABASE_S3_ENDPOINT"], "{project_ref}", p.Ref)
		_, body = ask(t, strings.TrimSuffix(endpoint, "/s3")+"/object/authenticated/documents/2026/report.txt", "Apikey", secret.Key)
		require.Equal(t, "documents/2026/report.txt of "+p.Name+"\n", body)
	}
}

func TestAnOrganizationServesNoDirectory(t *testing.T) {
	err := Run(t.Context(), io.Discard, io.Discard, Options{Policy: "none", Organization: 2, Dir: "buckets"})
	require.EqualError(t, err, "--organization serves sample buckets, and --dir a directory; leave one of them out")
}
