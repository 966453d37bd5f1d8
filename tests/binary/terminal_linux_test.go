package binary_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/seed75cbcda6/supabase-storage/tests/emulator"
)

// terminal is a pseudo-terminal with the binary in it, and all that it was sent.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	mu     sync.Mutex
	got    bytes.Buffer
	read   sync.WaitGroup
}

// inTerminal runs the binary in a terminal with a number of columns.
func inTerminal(t *testing.T, columns int, env []string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here:", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	defer slave.Close()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	term := &terminal{t: t, master: master, cmd: exec.CommandContext(ctx, filepath.Join(binDir, binary), args...)}
	term.resize(columns)
	term.cmd.Env = append(append(os.Environ(), "TERM=xterm", "NO_COLOR="), env...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = slave, slave, slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, term.cmd.Start())
	term.read.Go(func() {
		for chunk := make([]byte, 4096); ; {
			n, err := master.Read(chunk)
			term.mu.Lock()
			term.got.Write(chunk[:n])
			term.mu.Unlock()
			if err != nil { // the other end was closed
				return
			}
		}
	})
	return term
}

func (term *terminal) resize(columns int) {
	require.NoError(term.t, unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}))
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.got.String()
}

// await waits for a text that follows what was there before.
func (term *terminal) await(after int, text string) {
	term.t.Helper()
	require.Eventually(term.t, func() bool { return strings.Contains(term.text()[after:], text) }, waitTimeout, 20*time.Millisecond,
		"%q does not come", text)
}

// end waits for the end, and returns the exit code and all that was shown.
func (term *terminal) end() (int, string) {
	_ = term.cmd.Wait() // the code tells
	term.read.Wait()
	return term.cmd.ProcessState.ExitCode(), term.text()
}

// slowPipeline is a config that delivers an object each time the pause has passed.
func slowPipeline(t *testing.T, objects int, pause string) (config string) {
	t.Helper()
	project := emulator.New(emulator.Options{})
	listener, err := project.Start("")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	project.CreateBucket("uploads")
	for i := range objects {
		project.Put("uploads", fmt.Sprintf("%d.txt", i), []byte("x"))
	}
	s := project.Settings()
	config = filepath.Join(t.TempDir(), "slow.yaml")
	require.NoError(t, os.WriteFile(config, []byte(fmt.Sprintf(`
input:
  supabase_storage:
    endpoint: %s
    region: %s
    credentials: {access_key_id: "%s", secret_access_key: "%s"}
    source_path: uploads
pipeline: {threads: 1, processors: [{sleep: {duration: %s}}]}
output: {drop: {}}
http: {enabled: false}
shutdown_timeout: 2s
`, listener.Endpoint(), s.Region, s.AccessKeyID, s.SecretAccessKey, pause)), 0o600))
	return config
}

func TestTerminalShowsALiveLineBelowTheLog(t *testing.T) {
	config := slowPipeline(t, 10, "200ms")
	term := inTerminal(t, 60, nil, "run", config)
	term.await(0, " delivered")
	seen := len(term.text())
	term.resize(120)
	term.await(seen, "10 listed")
	code, text := term.end()
	require.Zero(t, code, text)
	require.NotContains(t, text, "@service", "the log is for people")
	require.Contains(t, text, `Reading bucket "uploads"`)
	log, summary, found := strings.Cut(text, `bucket "uploads": everything that was due arrived`)
	require.True(t, found, text)
	require.NotContains(t, sinceCleared(t, log), " listed", "the line is taken away, and not drawn again")
	require.Regexp(t, `delivered +10 `, summary)
	require.NotContains(t, text, "Read bucket", "the summary says it")
}

func TestCtrlCLeavesACleanTerminal(t *testing.T) {
	config := slowPipeline(t, 1000, "100ms")
	term := inTerminal(t, 80, nil, "run", config)
	term.await(0, " delivered")
	_, err := term.master.WriteString("\x03")
	require.NoError(t, err)
	code, text := term.end()
	require.Equal(t, 1, code, text)
	before, _, found := strings.Cut(text, "before its end")
	require.True(t, found, text)
	require.NotContains(t, sinceCleared(t, before), " listed")
	require.True(t, strings.HasSuffix(text, "\n"), "the prompt gets a row of its own")
}

func TestProgressNeverLeavesTheLogAsItIs(t *testing.T) {
	config := slowPipeline(t, 3, "1ms")
	code, text := inTerminal(t, 80, []string{"NO_COLOR=1"}, "run", "--progress", "never", config).end()
	require.Zero(t, code, text)
	require.NotContains(t, text, "\r\x1b[J")
	require.Contains(t, text, "Read bucket")
}

func TestNoColourIsDrawnWhereNobodyWantsIt(t *testing.T) {
	config := slowPipeline(t, 10, "100ms")
	code, text := inTerminal(t, 80, []string{"NO_COLOR=1"}, "run", config).end()
	require.Zero(t, code, text)
	require.Contains(t, text, " delivered")
	require.NotRegexp(t, `\x1b\[[0-9;]*m`, text)
}

// sinceCleared is what was shown after the line was cleared last.
func sinceCleared(t *testing.T, text string) string {
	t.Helper()
	const clear = "\r\x1b[J"
	i := strings.LastIndex(text, clear)
	require.GreaterOrEqual(t, i, 0, "the line is never cleared")
	return text[i+len(clear):]
}
