// Package binary_test runs the scripts in testdata/script with the real binary,
// against an emulated Supabase Storage.
package binary_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

const binary = "supabase-connect"

// binDir holds the binary that TestMain builds.
var binDir string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "supabase-connect-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder for the binary:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Without the aws components, which no script needs and which triple the
	// time that linking takes.
	build := exec.CommandContext(context.Background(), "go", "build", "-tags", "noaws",
		"-ldflags", "-s -w -X main.version=v0.0.0-test -X main.commit=4f1c0de -X main.date=2026-01-02",
		"-o", filepath.Join(dir, binary), "../../cmd/supabase-connect")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the binary:", err)
		return 1
	}
	binDir = dir
	return m.Run()
}

func TestScripts(t *testing.T) {
	configs, err := filepath.Abs("../../config")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			project := emulator.New(emulator.Options{})
			listener, err := project.Start("")
			if err != nil {
				return err
			}
			env.Defer(func() { _ = listener.Close() })
			env.Values[projectKey{}] = project
			s := project.Settings()
			env.Setenv("PATH", binDir+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("CONFIG", configs)
			env.Setenv("SUPABASE_S3_ENDPOINT", listener.Endpoint())
			env.Setenv("SUPABASE_REGION", s.Region)
			env.Setenv("SUPABASE_PROJECT_REF", s.ProjectRef)
			env.Setenv("SUPABASE_S3_ACCESS_KEY_ID", s.AccessKeyID)
			env.Setenv("SUPABASE_S3_SECRET_ACCESS_KEY", s.SecretAccessKey)
			env.Setenv("SUPABASE_SECRET_KEY", s.SecretKey)
			env.Setenv("SUPABASE_PUBLISHABLE_KEY", s.PublishableKey)
			env.Setenv("SUPABASE_ANON_KEY", s.AnonKey)
			env.Setenv("SUPABASE_SERVICE_ROLE_KEY", s.ServiceRoleKey)
			env.Setenv("SUPABASE_USER_TOKEN", project.UserToken("ada", time.Hour))
			env.Setenv("EXPIRED_USER_TOKEN", project.UserToken("ada", -time.Hour))
			env.Setenv("SUPABASE_API_URL", strings.TrimSuffix(listener.Endpoint(), "/storage/v1/s3"))
			env.Setenv("SUPABASE_ACCESS_TOKEN", s.AccessToken)
			env.Setenv("SUPABASE_USER_EMAIL", "ada@example.com")
			env.Setenv("SUPABASE_USER_PASSWORD", "a-password-of-ada")
			project.SetUser(emulator.User{Email: "ada@example.com", Password: "a-password-of-ada"})
			env.Setenv("SUPABASE_SOURCE_PATH", "uploads")
			project.CreateBucket("uploads")
			return nil
		},
		Deadline: deadline(t),
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"upload":   cmdUpload,
			"fault":    cmdFault,
			"freeport": cmdFreePort,
			"odd":      cmdOdd,
			"get":      cmdGet,
			"waitfile": cmdWaitFile,
			"waitfor":  cmdWaitFor,
		},
	})
}

// deadline leaves a script that hangs the time to say so.
func deadline(t *testing.T) time.Time {
	own := time.Now().Add(3 * time.Minute)
	if all, ok := t.Deadline(); ok && all.Before(own) {
		return all
	}
	return own
}
