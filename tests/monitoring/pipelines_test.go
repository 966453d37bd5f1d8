package monitoring_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const bucket = "uploads"

// site is an emulated project to which somebody uploads, and that a pipeline reads.
type site struct {
	*emulator.Server
	name     string
	listener *emulator.Listener
	// quiet stops the uploads.
	quiet atomic.Bool
}

// newSite has 30 objects, and gets a new one ten times a second.
func newSite(t *testing.T, name string, o emulator.Options) *site {
	t.Helper()
	s := &site{Server: emulator.New(o), name: name}
	s.CreateBucket(bucket)
	s.AllowRead(bucket, func(map[string]any, string) bool { return true })
	s.SetUser(emulator.User{Email: "ada@example.com", Password: "a-password"})
	for i := range 30 {
		s.Put(bucket, fmt.Sprintf("old/%02d.txt", i), []byte("content"))
	}
	var err error
	s.listener, err = s.Start("")
	require.NoError(t, err)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if !s.quiet.Load() {
				s.Put(bucket, fmt.Sprintf("new/%05d.txt", n), []byte("content"))
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		_ = s.listener.Close()
	})
	return s
}

// goAway makes the server unreachable, comeBack starts it again where it was.
func (s *site) goAway(t *testing.T) { require.NoError(t, s.listener.Close()) }

func (s *site) comeBack(t *testing.T) {
	l, err := s.Start(strings.TrimPrefix(s.listener.URL(), "http://"))
	require.NoError(t, err)
	s.listener = l
}

// accessKey, user and token are credentials for a config.
func (s *site) accessKey() string {
	return fmt.Sprintf("{type: access_key, access_key_id: %s, secret_access_key: %s}", s.Settings().AccessKeyID, s.Settings().SecretAccessKey)
}

func (s *site) user() string {
	return fmt.Sprintf("{type: user, anon_key: %s, email: ada@example.com, password: a-password}", s.Settings().AnonKey)
}

func (s *site) token(life time.Duration) string {
	return fmt.Sprintf("{type: session_token, anon_key: %s, user_token: %s}", s.Settings().AnonKey, s.UserToken("ada", life))
}

// pipeline is a config that reads a site again and again. Fields are more lines of the
// input; one of them overrides the same above.
type pipeline struct {
	credentials string
	fields      []string
	output      string // default: drop
}

func (s *site) config(p pipeline) string {
	fields := map[string]string{
		"endpoint": s.listener.Endpoint(), "region": s.Settings().Region, "project_ref": s.Settings().ProjectRef,
		"credentials": p.credentials, "source_path": bucket,
		"sync_mode": "continuous", "polling_interval": "1s", "state": "{path: ./" + s.name + ".db}",
	}
	for _, line := range p.fields {
		name, value, _ := strings.Cut(line, ": ")
		fields[name] = value
	}
	var b strings.Builder
	fmt.Fprintf(&b, "input:\n  label: %s\n  supabase_storage:\n", s.name)
	for name, value := range fields {
		fmt.Fprintf(&b, "    %s: %s\n", name, value)
	}
	if p.output == "" {
		p.output = "{drop: {}}"
	}
	fmt.Fprintf(&b, "output: %s\n", p.output)
	return b.String()
}

// runPipeline runs one config, and returns where it serves its metrics.
func runPipeline(t *testing.T, config string) (address string, ended <-chan struct{}) {
	t.Helper()
	dir := t.TempDir()
	address = freeAddress(t)
	config += "http: {address: " + address + "}\nmetrics: {prometheus: {}}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pipeline.yaml"), []byte(config), 0o600))
	return address, start(t, dir, filepath.Join(binDir, binary), nil, "run", "pipeline.yaml")
}

// runStreams runs configs in one process, each under its own name. They share resources.
func runStreams(t *testing.T, dir, resources string, configs map[string]string) (address string) {
	t.Helper()
	address = freeAddress(t)
	shared := "http: {address: " + address + "}\nmetrics: {prometheus: {}}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "shared.yaml"), []byte(shared), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "resources.yaml"), []byte(resources), 0o600))
	args := []string{"-c", "shared.yaml", "-r", "resources.yaml", "streams"}
	for name, config := range configs {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(config), 0o600))
		args = append(args, name+".yaml")
	}
	start(t, dir, filepath.Join(binDir, binary), nil, args...)
	return address
}
