package terminal

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrintableKeysAreShownAsTheyAre(t *testing.T) {
	for _, key := range []string{"photos/2024/Ä & ö (1).jpg", "a,b c.txt", "图片/猫.png"} {
		require.Equal(t, key, Printable(key))
	}
}

func TestKeysThatATerminalWouldObeyAreQuoted(t *testing.T) {
	require.Equal(t, `"a\x1b[2J\nb.txt"`, Printable("a\x1b[2J\nb.txt"))
	require.Equal(t, `"a\xffb"`, Printable("a\xffb"))
}

func TestOnlyATerminalIsPainted(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	require.False(t, bool(PainterFor(&bytes.Buffer{})))
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	require.False(t, bool(PainterFor(file)))
	device, err := os.Open(os.DevNull) // a device like a terminal
	require.NoError(t, err)
	defer device.Close()
	require.True(t, bool(PainterFor(device)))
	t.Setenv("NO_COLOR", "1")
	require.False(t, bool(PainterFor(device)))
}

func TestPaintIsNothingElseThanColour(t *testing.T) {
	require.Equal(t, "\x1b[31mbad\x1b[0m", Painter(true).Paint(Red, "bad"))
	require.Equal(t, "bad", Painter(false).Paint(Red, "bad"))
	require.Equal(t, "", Painter(true).Paint(Red, ""))
}

func TestNothingIsDrawnElsewhereThanAtATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	device, err := os.Open(os.DevNull) // a device, and no terminal
	require.NoError(t, err)
	defer device.Close()
	for _, w := range []io.Writer{&bytes.Buffer{}, file, device} {
		require.False(t, Is(w))
		require.False(t, Draws(w))
	}
}

func TestWithoutATerminalTheSizeIsWhatTheEnvironmentSays(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	for columns, want := range map[string]int{"": 80, "132": 132, "-1": 80, "wide": 80} {
		t.Setenv("COLUMNS", columns)
		for _, w := range []io.Writer{&bytes.Buffer{}, file} {
			got, rows := Size(w)
			require.Equal(t, []int{want, 24}, []int{got, rows}, columns)
		}
	}
}
