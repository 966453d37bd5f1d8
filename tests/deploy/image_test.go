package deploy_test

import (
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const imageName = "supabase-connect:test"

// image is the built image, in a store of its own.
type image struct{ store string }

var (
	buildOnce sync.Once
	built     image
)

// theImage builds the image when the first test asks for it: the same last stage
// of the Dockerfile as on any other machine, with a binary from outside, since
// there may be no registry to get a compiler from.
func theImage(t *testing.T) image {
	t.Helper()
	buildOnce.Do(func() {
		dir := filepath.Dir(content)
		built.store = filepath.Join(dir, "store")
		command(t, "buildah", built.args("build", "--isolation", "chroot", "--format", "docker",
			"--build-arg", "CONTENT=prebuilt", "-f", deploy+"/Dockerfile", "-t", imageName, dir+"/")...)
	})
	require.NotEmpty(t, built.store)
	return built
}

// args are those of buildah, with a store that needs no daemon and no kernel module.
func (i image) args(args ...string) []string {
	return append([]string{"--storage-driver", "vfs", "--root", i.store, "--runroot", i.store + "-run"}, args...)
}

// container is one from the image, gone at the end of the test.
func (i image) container(t *testing.T) string {
	t.Helper()
	name := strings.TrimSpace(command(t, "buildah", i.args("from", "--pull-never", imageName)...))
	t.Cleanup(func() {
		out, err := exec.Command("buildah", i.args("rm", name)...).CombinedOutput() // the test's context has ended
		require.NoError(t, err, string(out))
	})
	return name
}

// run are the arguments of buildah that run the binary in a container, as its
// user, with variables and with folders of this machine mounted (FROM:TO[:ro]).
func (i image) run(container string, env, mounts []string, args ...string) []string {
	command := i.args("run", "--isolation", "chroot")
	for _, e := range env {
		command = append(command, "--env", e)
	}
	for _, m := range mounts {
		command = append(command, "--volume", m)
	}
	return append(append(command, container, "--", "/usr/bin/supabase-connect"), args...)
}

func TestTheImageHoldsTheBinaryAndNoShell(t *testing.T) {
	img := theImage(t)
	mounted := strings.TrimSpace(command(t, "buildah", img.args("mount", img.container(t))...))
	var files []string
	require.NoError(t, filepath.WalkDir(mounted, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			below, _ := filepath.Rel(mounted, path)
			files = append(files, below)
		}
		return err
	}))
	slices.Sort(files)
	require.Equal(t, []string{
		"etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/bin/supabase-connect",
		"usr/share/doc/supabase-connect/LICENSE", "usr/share/doc/supabase-connect/NOTICE",
	}, files)
}

func TestTheImageRunsAsAnOrdinaryUserAndSaysHowHealthyItIs(t *testing.T) {
	var inspected struct {
		Docker struct {
			Config struct {
				User        string
				WorkingDir  string
				Entrypoint  []string
				Healthcheck struct{ Test []string }
			} `json:"config"`
		}
	}
	img := theImage(t)
	require.NoError(t, json.Unmarshal([]byte(command(t, "buildah", img.args("inspect", "--type", "image", imageName)...)), &inspected))
	c := inspected.Docker.Config
	require.Equal(t, "65532:65532", c.User)
	require.Equal(t, "/data", c.WorkingDir)
	require.Equal(t, []string{"/usr/bin/supabase-connect"}, c.Entrypoint)
	require.Equal(t, []string{"CMD", "/usr/bin/supabase-connect", "health"}, c.Healthcheck.Test)
}

func TestTheQuickstartRunsInTheImage(t *testing.T) {
	img := theImage(t)
	out := command(t, "buildah", img.run(img.container(t), nil, nil, "quickstart")...)
	require.Contains(t, out, "delivered     6")
	out = command(t, "buildah", img.run(img.container(t), nil, nil, "--version")...)
	require.Contains(t, out, "Version: v0.0.0-test\n")
}

// A cron expression names a time zone, and the image has no files of zones.
func TestTheImageKnowsTimeZones(t *testing.T) {
	img := theImage(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	config := strings.Replace(read(t, deploy+"/pipeline.yaml"), "polling_interval: ${POLLING_INTERVAL:1m}",
		`schedule: "TZ=Europe/Berlin 0 3 * * *"`, 1)
	write(t, dir+"/config.yaml", config)
	env := []string{"SYNC_MODE=scheduled", "SUPABASE_SOURCE_PATH=user-uploads", "SUPABASE_PROJECT_REF=abcdefghijklmnopqrst"}
	mounts := []string{dir + ":/etc/supabase-connect:ro"}
	command(t, "buildah", img.run(img.container(t), env, mounts, "lint", "/etc/supabase-connect/config.yaml")...)

	write(t, dir+"/config.yaml", strings.Replace(config, "Europe/Berlin", "Europe/Nowhere", 1))
	out, err := try(t, nil, "buildah", img.run(img.container(t), env, mounts, "lint", "/etc/supabase-connect/config.yaml")...)
	require.Error(t, err)
	require.Contains(t, out, "Europe/Nowhere")
}

// The image trusts the authorities of its bundle, and others where the bundle is
// replaced, as README.md says.
func TestTheImageTrustsTheBundleOfAuthorities(t *testing.T) {
	bundle := read(t, content+"/rootfs/etc/ssl/certs/ca-certificates.crt")
	require.Greater(t, strings.Count(bundle, "BEGIN CERTIFICATE"), 50)

	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	img := theImage(t)
	out, err := try(t, nil, "buildah", img.run(img.container(t), nil, nil, "health", server.URL)...)
	require.Error(t, err)
	require.Contains(t, out, "certificate signed by unknown authority")

	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	write(t, dir+"/ca-certificates.crt", bundle+string(own))
	out = command(t, "buildah", img.run(img.container(t), nil, []string{dir + ":/etc/ssl/certs:ro"}, "health", server.URL)...)
	require.Contains(t, out, "connected: ")
}

// healthy runs the health check of the image in a container of its own; the network
// is that of this machine.
func (i image) healthy(t *testing.T, env []string) error {
	t.Helper()
	_, err := try(t, nil, "buildah", i.run(i.container(t), env, nil, "health")...)
	return err
}

func TestTheHealthCheckFollowsThePipeline(t *testing.T) {
	img := theImage(t)
	env, secrets := emulate(t)
	env = append(env, "HTTP_ADDRESS="+freeAddress(t))
	require.Error(t, img.healthy(t, env))

	data := dataFolder(t)
	mounts := []string{configFolder(t, read(t, deploy+"/pipeline.yaml")) + ":/etc/supabase-connect:ro", secrets + ":/run/secrets/storage:ro", data + ":/data"}
	background(t, "buildah", img.run(img.container(t), env, mounts)...) // the config is at its usual place
	require.Eventually(t, func() bool { return img.healthy(t, env) == nil }, time.Minute, 100*time.Millisecond)
	require.Eventually(t, func() bool { return delivered(data) }, time.Minute, 100*time.Millisecond)
	require.FileExists(t, data+"/state/uploads.db")
}

// configFolder is a folder with a config that everybody may read.
func configFolder(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	write(t, dir+"/config.yaml", config)
	return dir
}

// dataFolder is a folder that the user of the image owns.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chown(dir, 65532, 65532))
	return dir
}
