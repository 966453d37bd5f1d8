package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const units = "/usr/lib/systemd/system/"

// exposure is the most that systemd-analyze may find, of 100: what is left is that
// a pipeline talks to the network.
const exposure = "15"

func TestSystemdAcceptsTheUnits(t *testing.T) {
	dir := unpacked(t)
	// A root to look units up in: those that ours name, of this machine.
	for _, unit := range []string{"network-online.target", "multi-user.target", "timers.target", "sysinit.target", "basic.target", "shutdown.target", "system.slice", "time-set.target", "time-sync.target"} {
		if text, err := os.ReadFile(units + unit); err == nil {
			write(t, filepath.Join(dir, units, unit), string(text))
		}
	}
	names := []string{"supabase-connect@uploads.service", "supabase-connect-once@uploads.service", "supabase-connect-once@uploads.timer"}
	verify := func() string {
		var printed strings.Builder
		for _, name := range names {
			out, err := try(t, nil, "systemd-analyze", "--root="+dir, "--man=no", "verify", name)
			if err != nil {
				out += err.Error()
			}
			printed.WriteString(out)
		}
		return printed.String()
	}
	require.Empty(t, verify())

	// It does find what it is for.
	service := filepath.Join(dir, units, "supabase-connect@.service")
	text := read(t, service)
	write(t, service, strings.Replace(text, "ProtectHome=yes", "ProtectHome=perhaps", 1))
	require.Contains(t, verify(), "protect home value")
	write(t, service, strings.Replace(text, "ExecStart=/usr/bin", "ExecStart=/usr/local/bin", 1))
	require.Contains(t, verify(), "not executable")
}

func TestUnitsAreHardened(t *testing.T) {
	dir := unpacked(t)
	for _, name := range []string{"supabase-connect@.service", "supabase-connect-once@.service"} {
		t.Log(lastLine(command(t, "systemd-analyze", "security", "--offline=true", "--threshold="+exposure, filepath.Join(dir, units, name))))
	}
	_, err := try(t, nil, "systemd-analyze", "security", "--offline=true", "--threshold=5", filepath.Join(dir, units, "supabase-connect@.service"))
	require.Error(t, err, "the threshold is not looked at")

	// Both services are sandboxed in the same way.
	sandbox := func(name string) string {
		_, text, ok := strings.Cut(read(t, filepath.Join(dir, units, name)), "\n# A user of its own")
		require.True(t, ok)
		text, _, _ = strings.Cut(text, "\n\n")
		return strings.TrimSpace(text)
	}
	require.Equal(t, sandbox("supabase-connect@.service"), sandbox("supabase-connect-once@.service"))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// The command of the unit, with the variables and credentials that systemd would
// provide, delivers with the config that the package brings.
func TestTheCommandOfTheUnitDelivers(t *testing.T) {
	dir := unpacked(t)
	env, secrets := emulate(t)
	etc, state := filepath.Join(dir, "etc/supabase-connect"), t.TempDir()
	write(t, etc+"/uploads.yaml", read(t, dir+"/usr/share/doc/supabase-connect/examples/pipeline.yaml"))
	unit := read(t, filepath.Join(dir, units, "supabase-connect-once@.service"))

	for _, m := range regexp.MustCompile(`(?m)^LoadCredential=(\w+):(.*)$`).FindAllStringSubmatch(unit, -1) {
		require.FileExists(t, filepath.Join(secrets, m[1]))
		require.True(t, strings.HasPrefix(m[2], "/etc/supabase-connect/%i."), m[2])
	}
	specifiers := strings.NewReplacer("%i", "uploads", "%d", secrets, "%S", state, "/etc/supabase-connect", etc, "/usr/bin/", dir+"/usr/bin/")
	for _, m := range regexp.MustCompile(`(?m)^Environment=(.*)$`).FindAllStringSubmatch(unit, -1) {
		env = append(env, strings.Fields(specifiers.Replace(m[1]))...)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(unit)
	require.NotNil(t, start)
	words := strings.Fields(specifiers.Replace(start[1]))
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Env = append(env, "HTTP_ADDRESS="+freeAddress(t))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.True(t, delivered(filepath.Join(state, "supabase-connect/uploads")), out)
}
