//go:build unix

package docs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const binary = "supabase-connect"

// binDir holds the binary that TestMain builds.
var binDir string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "supabase-connect-docs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder for the binary:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// The AWS components would triple the time that linking takes, and nothing
	// that runs here needs them.
	link := exec.CommandContext(context.Background(), "go", "build", "-tags", "noaws", "-ldflags", "-s -w",
		"-o", filepath.Join(dir, binary), "../../cmd/supabase-connect")
	link.Stdout, link.Stderr = os.Stdout, os.Stderr
	if err := link.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the binary:", err)
		return 1
	}
	binDir = dir
	return m.Run()
}

// sandbox is where the commands of a document run: a folder like a clone, the
// binary on the PATH, and the variables of an emulated project.
type sandbox struct {
	dir string
	env []string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	project := emulator.New(emulator.Options{})
	listener, err := project.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	project.CreateBucket("user-uploads")
	project.AllowRead("user-uploads", func(map[string]any, string) bool { return true })
	project.SetUser(emulator.User{Email: "ada@example.com", Password: "a-password-of-ada"})
	for key, content := range map[string]string{
		"photos/cat.jpg":    "not really a cat",
		"notes.txt":         "no export",
		"orders.csv":        "id,total\n7,1.50\n",
		"exports/all.jsonl": "{\"n\":1}\n{\"n\":2}\n",
	} {
		project.Put("user-uploads", key, []byte(content))
	}
	target := emulator.New(emulator.Options{})
	targetListener, err := target.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { _ = targetListener.Close() })
	webhook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Object-Key") == "" || r.Header.Get("Idempotency-Key") == "" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(webhook.Close)

	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "config"), os.DirFS(filepath.Join(root, "config"))))
	s := project.Settings()
	return &sandbox{dir: dir, env: append(os.Environ(),
		"PATH="+binDir+string(os.PathListSeparator)+os.Getenv("PATH"),
		"SUPABASE_S3_ENDPOINT="+listener.Endpoint(),
		"SUPABASE_API_URL="+strings.TrimSuffix(listener.Endpoint(), "/storage/v1/s3"),
		"SUPABASE_PROJECT_REF="+s.ProjectRef,
		"SUPABASE_REGION="+s.Region,
		"SUPABASE_S3_ACCESS_KEY_ID="+s.AccessKeyID,
		"SUPABASE_S3_SECRET_ACCESS_KEY="+s.SecretAccessKey,
		"SUPABASE_ANON_KEY="+s.AnonKey,
		"SUPABASE_SERVICE_ROLE_KEY="+s.ServiceRoleKey,
		"SUPABASE_SECRET_KEY="+s.SecretKey,
		"SUPABASE_USER_TOKEN="+project.UserToken("ada", time.Hour),
		"SUPABASE_USER_EMAIL=ada@example.com",
		"SUPABASE_USER_PASSWORD=a-password-of-ada",
		"SUPABASE_ACCESS_TOKEN="+s.AccessToken,
		"SUPABASE_SOURCE_PATH=user-uploads",
		"SOURCE_STORAGE_URL="+strings.TrimSuffix(listener.Endpoint(), "/s3"),
		"SOURCE_SECRET_KEY="+s.SecretKey,
		"TARGET_STORAGE_URL="+strings.TrimSuffix(targetListener.Endpoint(), "/s3"),
		"TARGET_SECRET_KEY="+target.Settings().SecretKey,
		"WEBHOOK_URL="+webhook.URL,
		"HTTP_ADDRESS="+freeAddress(t),
	)}
}

// freeAddress is an address of loopback that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// write puts a file into the folder.
func (s *sandbox) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
}

// output is what a script prints, while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// hang is after how long a script is stopped that should have ended.
const hang = 2 * time.Minute

// run runs a script until it ends, or until its output matches, when it gets what
// Ctrl-C sends: the signal goes to all its processes. It must end with 0.
func (s *sandbox) run(t *testing.T, at, script string, until *regexp.Regexp) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	var out output
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	signal := func(sig syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, sig) }
	cmd.Cancel = func() error { return signal(syscall.SIGKILL) }
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for matched := false; ; {
		select {
		case err := <-ended:
			require.NoError(t, err, "%s:\n%s\nprinted:\n%s", at, script, out.String())
			require.Equal(t, until != nil, matched, "%s ended before its output matched %v:\n%s", at, until, out.String())
			return out.String()
		case <-tick.C:
			if !matched && until != nil && until.MatchString(out.String()) {
				matched = true
				if err := signal(syscall.SIGINT); !errors.Is(err, syscall.ESRCH) {
					require.NoError(t, err)
				}
			}
		}
	}
}
