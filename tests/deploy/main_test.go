package deploy_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// root is the folder of the repository, and deploy what is tested.
	root   = "../.."
	deploy = root + "/config/deploy"
	// timeout is after how long a command has hung.
	timeout = 3 * time.Minute
	// object is the content of the one in the emulated bucket.
	object = "not really a cat"
)

var (
	// content is what rootfs.sh laid out for the image.
	content string
	// binary is the one in it, and runs on this machine as well.
	binary string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "supabase-connect-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	content = filepath.Join(dir, "content")
	binary = filepath.Join(content, "rootfs/usr/bin/supabase-connect")
	// Without the AWS components, which take most of the time of a build.
	build := exec.CommandContext(context.Background(), "sh", deploy+"/rootfs.sh", content)
	build.Env = append(os.Environ(), "TAGS=noaws", "VERSION=v0.0.0-test")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "rootfs.sh:", err)
		return 1
	}
	return m.Run()
}

// command runs a command to its end, which must be a good one, and returns what it
// printed.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, nil, name, args...)
	require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
	return out
}

// try runs a command to its end with more variables in its environment.
func try(t *testing.T, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// emulate serves a bucket with one object, photos/cat.jpg, for as long as the test
// runs. It returns the variables of the project, and a folder with its keys.
func emulate(t *testing.T) (env []string, secrets string) {
	t.Helper()
	buckets := t.TempDir()
	write(t, filepath.Join(buckets, "user-uploads/photos/cat.jpg"), object)
	cmd := exec.CommandContext(t.Context(), binary, "emulator", "--dir", buckets, "--addr", "127.0.0.1:0", "--env")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	secrets = t.TempDir()
	require.NoError(t, os.Chmod(secrets, 0o755)) // the user of the image reads it
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "" {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		require.True(t, ok, lines.Text())
		switch name {
		case "SUPABASE_S3_ACCESS_KEY_ID":
			write(t, filepath.Join(secrets, "access_key_id"), value)
		case "SUPABASE_S3_SECRET_ACCESS_KEY":
			write(t, filepath.Join(secrets, "secret_access_key"), value)
		case "SUPABASE_S3_ENDPOINT", "SUPABASE_REGION", "SUPABASE_SOURCE_PATH":
			env = append(env, name+"="+value)
		}
		if name == "SUPABASE_USER_TOKEN" { // the last one
			break
		}
	}
	require.Len(t, env, 3)
	require.FileExists(t, filepath.Join(secrets, "secret_access_key"))
	return env, secrets
}

// delivered reports whether the object of the emulated bucket has become a file
// below a folder, with its content.
func delivered(data string) (found bool) {
	_ = filepath.WalkDir(data+"/files", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "/photos/cat.jpg") {
			text, _ := os.ReadFile(path)
			found = string(text) == object
		}
		return nil // what is not there yet is looked for again
	})
	return found
}

// write writes a file that everybody may read.
func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// freeAddress is an address of loopback that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// background starts a command, and stops it at the end of the test, which shows
// what it printed if the test failed.
func background(t *testing.T, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 10 * time.Second
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
}

// lint requires that a config is a good one.
func lint(t *testing.T, config string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, config)
	command(t, binary, "lint", "--skip-env-var-check", file)
}
