package terminal

import (
	"bytes"
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
